import pickle
import sys
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import MultinomialNB

from sklw import LLMOverSampler, RecordedGenerator, make_pipeline
from sklw.generators import Completion
from sklw.over_sampling import (
    Attributes,
    BasePrompt,
    Contrast,
    Counterfactual,
    Examples,
    Paraphrase,
    Rewrite,
    TableFilter,
    TableRows,
    TextFilter,
)

sys.path.insert(0, str(Path(__file__).parent))
from _scripted import Scripted
from _untouched import Untouched

X = [f"see you at {n}" for n in range(8)] + ["win\na prize", "call now"]
Y = ["ham"] * 8 + ["spam"] * 2


class Listener(Scripted):
    """Keeps the prompts."""

    def iter_generate(self, requests):
        self.requests_ = [*getattr(self, "requests_", []), *requests]
        return super().iter_generate(requests)


def first_request(texts=X, form="completion", **parameters):
    answers = [f"free {word} for you" for word in ("rings", "cars", "trips", "tea", "wine", "hats")]
    sampler = LLMOverSampler(
        Listener(answers, form), label_descriptions={"spam": "unwanted advertising"},
        accept=TextFilter(length_tolerance=9), random_state=0, verbose=False, **parameters,
    )  # fmt: skip
    sampler.fit_resample(texts, Y)
    return sampler.generator_.requests_[0]


def test_completion_form_ends_where_the_row_is_to_begin():
    texts = [" ".join(text.split()) for text in X]
    request = first_request(texts, task="SMS messages", prompt=Examples(2))
    assert request.prompt.startswith("SMS messages with their category.")
    assert request.prompt.count("Category: spam (unwanted advertising)\n") == 3
    assert "Text: win a prize\n" in request.prompt
    assert request.prompt.endswith("\nText:")
    assert request.stop == ("\n",)


def test_rows_with_line_breaks_keep_them():
    request = first_request(prompt=Examples(2))
    assert "Text: win\na prize\n-----\n" in request.prompt
    assert request.stop == ("\n-----",)


@pytest.mark.parametrize("dashes", [4, 5, 20])
@pytest.mark.parametrize("form", ["completion", "fine_tuned"])
def test_rows_with_lines_of_dashes_keep_them(form, dashes):
    rule = "-" * dashes
    mails = [f"Hello {name},\nthank you.\n{rule}Original Message{rule}\nFrom: {name}\n{rule}"
             for name in ("Ann", "Bob", "Cid", "Eve")]  # fmt: skip

    class Continuing(Scripted):
        """Writes a mail, the line that stands between mails, and more, up to the stop string."""

        def fit(self, pairs):
            (answer,) = {answer for _, answer in pairs(None, False) if "Ann" in answer}
            self.rule_ = answer.removeprefix(f" {mails[0]}")

        def iter_generate(self, requests):
            for number, request in enumerate(requests):
                if form == "completion":
                    _, _, self.rule_ = request.prompt.partition(mails[0])
                    self.rule_ = self.rule_.partition("\nCategory:")[0]
                text = f" {mails[2 + request.index % 2]}{self.rule_}\nCategory: ham\nText: hi"
                yield number, Completion(text.partition(*request.stop)[0])

    sampler = LLMOverSampler(
        Continuing([], form), accept=TextFilter(None), random_state=0, verbose=False
    )
    rows, _ = sampler.fit_resample([*X[:4], *mails[:2]], Y[4:])
    assert sorted(rows[6:]) == mails[2:]


@pytest.mark.parametrize(("n_rows", "words"), [(1, "one new text"), (3, "3 new texts")])
def test_chat_form_asks_in_words(n_rows, words):
    prompt = Examples(2, instructions="Use slang.", rows_per_request=n_rows)
    request = first_request(form="chat", prompt=prompt)
    ((role, content),) = request.prompt
    assert role == "user"
    for part in (words, "spam (unwanted advertising)", "call now", "Use slang."):
        assert part in content
    assert request.stop == ()


def test_recorded_rows_need_no_prompt():
    assert first_request(form="none").prompt == ""


# Prompts and filters as objects

EVERY_OBJECT = [
    Examples(3), Contrast(3), Attributes({"tone": ["calm"]}), Rewrite(3), Paraphrase(),
    Counterfactual(3), TableRows(3), TextFilter(None), TableFilter(0.5),
]  # fmt: skip


@pytest.mark.parametrize("part", EVERY_OBJECT, ids=lambda part: type(part).__name__)
def test_parts_are_estimators(part):
    name = "accept" if "Filter" in type(part).__name__ else "prompt"
    sampler = pickle.loads(pickle.dumps(clone(LLMOverSampler(**{name: part}))))
    copy = getattr(sampler, name)
    assert repr(copy) == repr(part)
    for parameter, value in part.get_params().items():
        sampler.set_params(**{f"{name}__{parameter}": value})
    assert type(part).__name__ in sampler._repr_html_()


def test_a_run_leaves_the_objects_of_the_user_alone():
    prompt = Attributes({"tone": ["calm"], "length": "match"})
    before = dict(vars(prompt))
    first_request(prompt=prompt)
    assert vars(prompt) == before


@pytest.mark.parametrize(
    ("name", "value", "nested", "object_"),
    [
        ("prompt", "contrast", "n_examples", "Contrast"),
        ("accept", "auto", "length_tolerance", "TextFilter"),
        ("generator", None, "temperature", "TransformersGenerator"),
        ("budget", None, "max_requests", "Budget"),
        # Those that have the parameter, and of a name the class of that name.
        ("prompt", "auto", "row_format", "TableRows"),
        ("prompt", "paraphrase", "instructions", "Paraphrase"),
        ("prompt", "paraphrase", "attributes", "Attributes"),
        ("prompt", "examples", "nonsense", "Examples"),
        ("accept", "auto", "range_margin", "TableFilter"),
        ("generator", None, "training", "FineTunedGenerator"),
        ("generator", None, "training__epochs", "FineTunedGenerator"),
        ("generator", None, "base_url", "OpenAIGenerator"),
    ],
)
def test_what_is_no_object_has_no_parameters(name, value, nested, object_):
    message = rf"{name}={value!r} is not an object.*{name}__{nested} .*{name}={object_}\((...)?\)\."
    with pytest.raises(ValueError, match=message):
        LLMOverSampler(**{name: value}).set_params(**{f"{name}__{nested}": 3})


def test_an_object_and_its_parameters_may_be_set_at_once():
    sampler = LLMOverSampler(prompt="contrast").set_params(prompt=Contrast(), prompt__n_examples=3)
    assert sampler.prompt.n_examples == 3


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("n_examples", r"prompt=Examples\(n_examples"),
        ("prompt_strategy", 'prompt="contrast"'),
        ("prompt_template", "Jinja2"),
        ("row_format", r"prompt=TableRows\(row_format"),
        ("near_duplicate_threshold", r"accept=TextFilter\(near_duplicate_threshold"),
        ("range_margin", r"accept=TableFilter\(range_margin"),
    ],
)
def test_an_old_parameter_is_answered_with_the_new_one(old, new):
    for call in (LLMOverSampler, LLMOverSampler().set_params):
        with pytest.raises(TypeError, match=new):
            call(**{old: 3})


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"prompt": "rewrite"}, r"asks for texts.*Write prompt=TableRows\(\)"),
        ({"accept": TextFilter()}, r"judges texts.*Write accept=TableFilter\(\)"),
        ({"prompt": TableRows(row_format="xml")}, "row_format.*of TableRows"),
    ],
)
def test_parts_that_do_not_fit_a_table_are_refused(parts, message):
    table = pd.DataFrame({"a": np.arange(10.0), "b": np.arange(10) % 3})
    for method in ("fit", "fit_resample", "estimate"):
        with pytest.raises(ValueError, match=message):
            getattr(LLMOverSampler(Untouched(), **parts), method)(table, Y)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_prompts_and_their_parameters_can_be_searched():
    records = [{"text": f"win {n} pounds", "label": "spam"} for n in range(9)]
    pipe = make_pipeline(
        LLMOverSampler(RecordedGenerator(records), prompt=Examples(), on_shortfall="ignore"),
        CountVectorizer(),
        MultinomialNB(),
    )
    grid = GridSearchCV(
        pipe,
        [
            {"llmoversampler__prompt": ["contrast", Rewrite()]},
            {"llmoversampler__prompt__n_examples": [1, 2]},
        ],
        cv=2,
        error_score="raise",
    )
    assert len(grid.fit(X, Y).cv_results_["params"]) == 4


# Prompts of users


class Reply(BasePrompt):
    """Asks for an answer to a real text."""

    def __init__(self, tone="friendly", n_examples=2):
        self.tone = tone
        self.n_examples = n_examples

    def compose(self, source, cell, rng):
        *_, at = shown = source.draw(cell, rng)
        other = source.nearest(at, source.others(cell))
        return [*shown, other], f"{source.texts[other]} / {source.texts[at]}\n{self.tone}:"


@pytest.mark.parametrize("form", ["completion", "chat"])
def test_a_prompt_of_the_users(form):
    request = first_request(form=form, prompt=Reply("curt"))
    text = request.prompt if form == "completion" else dict(request.prompt)["user"]
    other, own = text.removesuffix("\ncurt:").split(" / ")
    assert other in X[:8]
    assert own in X[8:]


def test_a_prompt_of_the_users_for_a_table():
    class Alone(TableRows):
        def compose(self, source, cell, rng):
            shown = source.draw(cell, rng)
            return shown, source.write(shown, cell)

    table = pd.DataFrame({"a": np.arange(10) / 4, "b": np.arange(10) % 3})
    sampler = LLMOverSampler(Listener(["2.05,1"]), prompt=Alone(2), on_shortfall="ignore")
    assert len(sampler.fit_resample(table, Y)[0]) == 11
    assert "Category: ham" not in sampler.generator_.requests_[0].prompt


@pytest.mark.parametrize("composed", ["a prompt", ([99], "a prompt"), ([0], 3), ([["a"]], "b")])
def test_what_compose_must_return_is_said(composed):
    class Wrong(BasePrompt):
        def compose(self, source, cell, rng):
            return composed

    with pytest.raises(TypeError, match=r"Wrong.compose returned .* Return the positions"):
        LLMOverSampler(Untouched(), prompt=Wrong()).fit_resample(X, Y)


class Drawing(TableRows):
    """Keeps the positions of the rows that it draws."""

    drawn: ClassVar[list] = []

    def compose(self, source, cell, rng):
        self.drawn.append(source.draw(cell, rng).tolist())
        return self.drawn[-1], source.write(self.drawn[-1], cell)


def drawn_of(table):
    """Return the rows of a table that each prompt shows."""
    Drawing.drawn.clear()
    y = np.repeat([1, 0], len(table))
    others = table.map(lambda value: f"other {value}" if isinstance(value, str) else value)
    table = pd.concat([table, others], ignore_index=True)
    prompt = Drawing(3, example_selection="nearest", answers_per_prompt=1)
    LLMOverSampler(
        Scripted(["?"]), prompt=prompt, sampling_strategy={1: 40}, on_shortfall="ignore"
    ).fit_resample(table, y)
    return Drawing.drawn


PLACES = np.r_[0:30:2, 1:30:2]
DAYS = pd.Series(pd.date_range("2020-01-01", periods=30).to_numpy()[PLACES])


@pytest.mark.parametrize(
    "column",
    [
        DAYS,
        DAYS.dt.date,
        DAYS.dt.tz_localize("UTC"),
        DAYS - DAYS[0],
        DAYS.dt.day_of_year.map(Decimal),
        DAYS.where(DAYS.dt.day != 15).astype(object),
    ],
    ids=["dates", "objects", "with a zone", "durations", "decimals", "missing"],
)
def test_the_nearest_rows_of_a_table_are_found_by_dates_too(column):
    drawn = drawn_of(pd.DataFrame({"d": column, "t": [f"text number {i}" for i in range(30)]}))
    drawn = [rows for rows in drawn if column[rows].notna().all()]
    assert len(drawn) > 5
    assert all(np.ptp(PLACES[rows]) <= 3 for rows in drawn)


def test_those_of_a_table_of_texts_by_sentence_embeddings():
    topics = ["the printer has no paper left", "my cat sleeps on the warm sofa", "rain is expected"]
    table = pd.DataFrame({"a": [f"{topics[i % 3]}, number {i}" for i in range(30)]})
    table["b"] = [f"note {i} about it" for i in range(30)]
    assert all(len({row % 3 for row in rows}) == 1 for rows in drawn_of(table))
