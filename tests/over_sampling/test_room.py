"""Texts that no answer can hold, and prompts that no model reads, are refused at once."""

import sys
from pathlib import Path

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from sklw import LLMOverSampler, RecordedGenerator, TransformersGenerator
from sklw.exceptions import GenerationWarning
from sklw.generators import Completion
from sklw.over_sampling import Examples, TableFilter, TextFilter

sys.path.insert(0, str(Path(__file__).parent))
from _scripted import Scripted

pytestmark = pytest.mark.filterwarnings("ignore:The c:sklw.exceptions.GenerationWarning")


def data(n_characters):
    """Twelve texts of at least so many characters."""
    sentence = "The tenant of flat {} has told us about water in the hall. "
    texts = [sentence.format(i) * (n_characters // 55 + 1) + "x" * i for i in range(12)]
    return texts, ["a"] * 8 + ["b"] * 4


def sampler(generator, **parameters):
    return LLMOverSampler(
        generator=generator, accept=TextFilter(None), max_attempts=1, random_state=0,
        verbose=False, **parameters,
    )  # fmt: skip


@pytest.mark.parametrize("method", ["fit_resample", "estimate"])
@pytest.mark.parametrize(
    ("n_characters", "limit"), [(2700, 256), (10_000, 1000), (800, 64), (800, 16)]
)
def test_texts_longer_than_an_answer_are_refused_with_a_number(method, n_characters, limit):
    X, y = data(n_characters)
    Scripted.asked = 0
    with pytest.raises(ValueError, match=rf"'b' .*max_new_tokens={limit}.*Set max_new") as caught:
        getattr(sampler(Scripted(["a"], max_new_tokens=limit)), method)(X, y)
    assert not Scripted.asked
    # With what it advises there is room for all.
    advised = int(str(caught.value).split("Set max_new_tokens=")[1].split()[0])
    assert max(map(len, X)) / 4 < advised < max(map(len, X)) / 2
    found = sampler(Scripted([X[9].replace("water", "some gas")], max_new_tokens=advised))
    assert len(found.set_params(sampling_strategy={"b": 5}).fit_resample(X, y)[0]) == 13
    characters = int(str(caught.value).split("for example to ")[1].split()[0])
    assert characters > 3 * limit
    shorter = [text[:characters] for text in X]
    sampler(Scripted(["a"], max_new_tokens=limit)).estimate(shorter, y)


def test_numbers_of_numpy_are_like_others():
    X, y = data(200)
    estimates = [
        LLMOverSampler(
            Scripted(["a"], "chat", max_new_tokens=256), sampling_strategy={"b": 44},
            prompt=Examples(rows_per_request=whole(2)), max_attempts=whole(8), random_state=0,
        ).estimate(X, y)
        for whole in (int, np.uint8)
    ]  # fmt: skip
    assert_frame_equal(*estimates)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("n_characters", "generator"),
    [
        (2700, Scripted(["a"], max_new_tokens=1024)),
        (2700, Scripted(["a"])),
        (2700, RecordedGenerator([{"text": "a short text", "label": "b"}])),
        (200, Scripted(["a"], max_new_tokens=256)),
    ],
)
def test_where_there_is_room_nothing_is_said(n_characters, generator):
    sampler(generator, on_shortfall="ignore", prompt=Examples(n_examples=2)).fit_resample(
        *data(n_characters)
    )


@pytest.mark.parametrize(("n_characters", "rows"), [(1500, 1), (600, 3)])
def test_answers_that_will_be_cut_get_a_warning(n_characters, rows):
    generator = Scripted(["a"], "chat", max_new_tokens=256)
    with pytest.warns(GenerationWarning, match=r"cut short.*max_new_tokens=256\. Set max_new_tok"):
        sampler(generator, prompt=Examples(rows_per_request=rows)).estimate(*data(n_characters))


class Reader(Scripted):
    """Reads so many tokens."""

    context_length = 2000


@pytest.mark.parametrize("form", ["completion", "chat"])
def test_a_prompt_that_the_model_cannot_read_is_refused(form):
    X, y = data(2700)
    Reader.asked = 0
    reader = Reader([X[9].replace("water", "some gas")], form, max_new_tokens=1024)
    for method in ("fit_resample", "estimate"):
        with pytest.raises(ValueError, match=r"reads 2000 .*Set n_examples=2 \(now 4\)"):
            getattr(sampler(reader, prompt=Examples(n_examples=4)), method)(X, y)
    assert not Reader.asked
    fitting = sampler(reader, prompt=Examples(n_examples=2), sampling_strategy={"b": 5})
    assert len(fitting.fit_resample(X, y)[0]) == 13
    with pytest.raises(ValueError, match="Shorten the rows"):
        sampler(reader.set_params(max_new_tokens=9000), prompt=Examples(n_examples=1)).estimate(
            *data(9000)
        )


@pytest.mark.parametrize(
    ("answers", "reason", "advice", "not_advised"),
    [
        (
            ["The water"],
            "length",
            r"Set max_new_tokens of the generator \(now 70\)",
            "max_attempts",
        ),
        (["win " * 900], "stop", "Loosen length_tolerance", "max_attempts"),
        (["Sure! Here is a text"], "stop", "Use a stronger model", "max_attempts"),
    ],
)
def test_a_shortfall_advises_against_its_own_reasons(answers, reason, advice, not_advised):
    class Ending(Scripted):
        def iter_generate(self, requests):
            for number, completion in super().iter_generate(requests):
                yield number, Completion(completion.text, 10, 70, reason)

    with pytest.warns(GenerationWarning, match=advice) as caught:
        sampler(Ending(answers, max_new_tokens=70)).fit_resample(*data(150))
    assert not_advised not in str(caught[-1].message)


@pytest.mark.parametrize(
    "words",
    [
        ["مرحبا", "كيف", "حالك", "اليوم", "صديقي", "العزيز"],
        ["你好", "今天", "天气", "怎么样", "我", "很好"],
        ["0417", "2208", "9135", "6642", "7706", "1583"],
        ["😀", "🎉", "🚀", "👍🏽", "🐙", "🥝"],
    ],
)
def test_an_answer_has_room_for_any_real_row_whatever_its_script(words, monkeypatch):
    texts = [" ".join(words[(i + j) % 6] for j in range(2 + i)) for i in range(12)]
    bounds = []

    def noted(self, requests):
        bounds.extend(request.max_new_tokens for request in requests)
        return enumerate([Completion("")] * len(requests))

    monkeypatch.setattr(Scripted, "iter_generate", noted)
    made = sampler(Scripted([""]), on_shortfall="ignore")
    made.fit_resample(texts, ["a"] * 4 + ["b"] * 2 + ["a"] * 5 + ["b"])
    longest = TransformersGenerator().count_tokens(texts[-1])
    assert longest <= min(bounds) < 4 * longest


@pytest.mark.parametrize(
    ("X", "reason"),
    [
        (data(150)[0], r"nearly.*temperature or loosen near_duplicate_threshold .*exact copies"),
        (
            [[i, i % 5 / 4] for i in range(12)],
            r"\(a copy of .*Raise the temperature or keep copies with TableFilter\(reject_copies=F",
        ),
    ],
    ids=["texts", "table"],
)
def test_copies_are_allowed_where_the_filter_can(X, reason):
    found = LLMOverSampler(
        Scripted([X[9] if isinstance(X[9], str) else "9,1.0"]), max_attempts=2, random_state=0
    )
    with pytest.warns(GenerationWarning, match=reason) as caught:
        found.fit_resample(X, data(150)[1])
    if "TableFilter" in str(caught[-1].message):
        assert "near" not in str(caught[-1].message)
        found.set_params(accept=TableFilter(reject_copies=False))
        assert len(found.fit_resample(X, data(150)[1])[0]) == 16


def test_a_model_that_learns_the_rows_is_told_no_instructions():
    class Learning(Scripted):
        def fit(self, pairs):
            return self

    with pytest.warns(GenerationWarning, match="Train longer .* or describe the cl") as caught:
        sampler(Learning(["As an AI language model, I"], "fine_tuned")).fit_resample(*data(150))
    assert "instructions" not in str(caught[-1].message)
