"""Nothing is taken off a row that real rows begin or end with; recorded rows stay as they are."""

import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklw import LLMOverSampler, RecordedGenerator
from sklw.exceptions import NotEnoughGeneratedError
from sklw.over_sampling import Examples, TableRows, TextFilter

sys.path.insert(0, str(Path(__file__).parent))
from _scripted import Scripted

pytestmark = pytest.mark.filterwarnings("ignore:The c:sklw.exceptions.GenerationWarning")

MANY = [f"see you at {i} in the office" for i in range(20)]


def made(generator, real, label, *, other=None, **parameters):
    """Return the rows made for a class, and the sampler."""
    sampler = LLMOverSampler(
        generator=generator,
        sampling_strategy="auto",
        accept=TextFilter(None),
        on_shortfall="ignore",
        max_attempts=1,
        random_state=0,
        verbose=False,
        **parameters,
    )
    if other is None:
        other = "many" if isinstance(label, str) else 7
    many = MANY * (1 + len(real) // 20)
    X_new, _ = sampler.fit_resample([*many, *real], [other] * len(many) + [label] * len(real))
    return X_new[len(many) + len(real) :], sampler


RECORDED = [
    (1, "1:30 pm is fine"),
    (1, "We came in #1"),
    (1, "1: the first"),
    ("1", "footnote (1)"),
    ("Order", "Order: two pizzas"),
    ("spam", "[SPAM] buy now"),
    ("spam", "I get so much #spam"),
    ("spam", "ham: it is not"),
    ("x", "Dear Anne,\n\nthank you for the flowers,\nand all the rest of it.\n\nYours, Bob\n"),
    ("x", "2. Bundesliga"),
    ("x", "- a bullet"),
    ("x", '"in quotes"'),
    ("x", "Text: Answer: no"),
    ("x", "  blanks  around  and  within\t"),
    ("x", "👍"),
    ("x", "?!"),
    ("x", "\ufeffa mark at the start \u200f"),
    ("x", "nul \x00 and bell \x07"),
    ("x", "I cannot provide my address, sorry"),
    ("x", "Here is a message for you"),
    ("x", "no no no no no no no no no no no no"),
    ("x", "9" * 300),
    ("x", "ok"),
]


@pytest.mark.parametrize(("label", "text"), RECORDED)
def test_a_recorded_row_is_taken_as_it_is(label, text):
    recorded = RecordedGenerator([{"text": text, "label": label}])
    real = [f"the real row number {i}" for i in range(4)]
    rows, sampler = made(recorded, real, label, other=0 if label == 1 else "ham")
    assert rows == [text]
    assert sampler.provenance_["text"].iloc[0] == text


@pytest.mark.slow
@given(st.lists(st.text(min_size=1), min_size=1, max_size=15))
@settings(max_examples=40, deadline=None)
def test_recorded_rows_are_taken_whatever_they_are(texts):
    real = ["the real row", "and one more"]
    rows, sampler = made(
        RecordedGenerator([{"text": text, "label": "b"} for text in texts]), real, "b"
    )
    distinct = {}
    for text in texts:
        key = " ".join(text.split()).casefold()
        if key and key not in (*real, *MANY):
            distinct.setdefault(key, text)
    assert rows == list(distinct.values())
    reasons = sampler.provenance_.query("not accepted")["reason"]
    assert set(reasons) <= {"empty", "duplicate", "exhausted", "copied_real"}


HABITS = {
    "Order: %s, please": "order",
    "#1 %s": 1,
    "%s, we came in #1": 1,
    "1:30 %s": 1,
    "1: %s": 1,
    "%s [1]": 1,
    "2. %s": "x",
    "3) %s": "x",
    "- %s": "x",
    "* %s": "x",
    '"%s"': "x",
    "'%s'": "x",
    "“%s”": "x",
    "Message: %s": "x",
    "Text 5: %s": "x",
    "[spam] %s": "spam",
    "%s (spam)": "spam",
    "%s #spam": "spam",
    "%s Label: spam": "spam",
    "many: %s": "x",
    "I cannot provide %s": "x",
    "Note: %s": "x",
    "As an AI %s": "x",
    "%s ----------------------": "x",
    "%s ha ha ha ha ha ha ha ha ha ha ha ha": "x",
    "%s  two  blanks": "x",
    "%s\tand a tab": "x",
    "\ufeff%s": "x",
    "%s \x07": "x",
    "%s\nYours, Bob": "x",
    "Dear Anne,\n\n%s\n\n- one\n- two": "x",
}
WORDS = ["the tap drips", "no light in here", "a noisy fan", "water on floor", "gas smell"]


@pytest.mark.parametrize("form", ["completion", "chat"])
@pytest.mark.parametrize("shape", HABITS)
def test_an_answer_like_the_real_rows_is_left_alone(shape, form):
    real = [shape % words for words in WORDS[:3]]
    new = [shape % words for words in WORDS[3:]]
    rows, sampler = made(Scripted([f" {text}" for text in new], form), real, HABITS[shape])
    assert rows == new, sampler.provenance_


@pytest.mark.parametrize("shape", [s for s in HABITS if "\n" not in s and s[0] not in "\ufeff"])
def test_so_are_several_rows_of_one_answer(shape):
    real = [shape % words for words in WORDS[:3]]
    new = [shape % words for words in WORDS[3:]]
    answer = "Here they are:\n" + "\n".join(f"{i}. {text}" for i, text in enumerate(new, 1))
    rows, _ = made(
        Scripted([answer], "chat"), real, HABITS[shape], prompt=Examples(rows_per_request=2)
    )
    assert rows == new


edge = st.text(
    st.characters(categories=["L", "N", "P", "S"], include_characters=" #:.()[]-*'\"1"), max_size=8
)
word = st.text("abcdefgh", min_size=3, max_size=7)


@pytest.mark.slow
@given(edge, edge, st.lists(word, min_size=6, max_size=6, unique=True), st.sampled_from([1, "a:b"]))
@settings(max_examples=150, deadline=None)
def test_whatever_a_real_row_begins_and_ends_with_stays(start, end, words, label):
    shaped = [" ".join(f"{start}{word} of it{end}".split()) for word in words]
    rows, sampler = made(Scripted([f" {text}" for text in shaped[3:]]), shaped[:3], label)
    assert sampler.provenance_["text"].tolist()[:3] == shaped[3:]
    assert rows == shaped[3:]


def test_what_real_rows_do_not_begin_with_is_still_taken_off():
    answers = [
        "1. win a car today", '"claim your prize now"', "spam: free tunes", "reply for cash (spam)",
        "- ring us tonight", "Text: call this number", "win the cup #spam",
    ]  # fmt: skip
    rows, _ = made(Scripted(answers), ["win 3 pounds today"] * 2 + ["ring now for cash"], "spam")
    assert rows == [
        "win a car today", "claim your prize now", "free tunes", "reply for cash",
        "ring us tonight", "call this number", "win the cup",
    ]  # fmt: skip


X = pd.DataFrame(
    {
        "name": [f"person  number {i}" for i in range(60)],
        "zip": [f"{i:05d}" for i in range(60)],
        "kind": ["A1", "B"] * 30,
        "old": [True, False, False] * 20,
        "age": np.arange(60) * 7 % 61 + 0.5,
        "land": ["de"] * 60,
    }
)
Y = np.repeat([0, 1], [40, 20])
ROW = {"name": "  1. Zoë\n(a  b)", "zip": "00007", "kind": "A1", "old": True, "age": 11.123456,
       "land": "de", "label": 1}  # fmt: skip


def table_made(records, path=None, **parameters):
    if path is not None:
        pd.DataFrame(records).to_csv(path, index=False)
        records = path
    sampler = LLMOverSampler(
        generator=RecordedGenerator(records, text_column=None),
        on_shortfall="ignore",
        random_state=0,
        **parameters,
    )
    return sampler.fit_resample(X, Y)[0].iloc[60:], sampler


@pytest.mark.parametrize("from_file", [False, True])
@pytest.mark.parametrize("codes", [False, True])
def test_values_of_a_recorded_table_are_taken_as_they_are(tmp_path, from_file, codes):
    rows, _ = table_made(
        [ROW], tmp_path / "rows.csv" if from_file else None, prompt=TableRows(category_codes=codes)
    )
    assert rows.to_dict("records") == [{key: ROW[key] for key in X}]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"land": "fr"}, "unknown_category"),
        ({"kind": "A0"}, "unknown_category"),
        ({"old": 1}, "unknown_category"),
        ({"age": "old"}, "bad_value"),
        ({"age": 1e9}, "out_of_range"),
        ({"age": None}, "missing_value"),
        ({"name": {"first": "Zoë"}}, "bad_value"),
        ({"name": "half \ud83d"}, "bad_characters"),
    ],
)
def test_a_recorded_row_that_no_column_can_hold_is_refused_with_a_reason(change, reason):
    rows, sampler = table_made([ROW | change, ROW], prompt=TableRows(category_codes=True))
    assert sampler.provenance_["reason"].tolist() == [reason, "", "exhausted"]
    assert len(rows) == 1


@pytest.mark.parametrize("good", [0, 1, 30])
def test_recorded_rows_are_read_to_the_last_one_if_need_be(good):
    real = ["win a prize", "claim your cash"]
    texts = [real[at % 2] for at in range(500)] + [f"offer {at} of today" for at in range(good)]
    recorded = RecordedGenerator([{"text": text, "label": "few"} for text in texts])
    new, sampler = made(recorded, real, "few")
    counts = sampler.provenance_["reason"].value_counts()
    assert (len(new), counts["copied_real"]) == (min(good, 18), 500)
    assert good >= 18 or "exhausted" in counts
    assert set(counts.index) <= {"", "copied_real", "exhausted", "surplus"}
    with pytest.raises(NotEnoughGeneratedError) if good < 18 else nullcontext() as error:
        sampler.set_params(on_shortfall="error").fit_resample(MANY + real, ["a"] * 20 + ["few"] * 2)
    assert error is None or "Record more rows, or ask for fewer" in str(error.value)


def test_recorded_rows_that_models_would_see_alike_are_no_copies():
    # A hundredth of the spread is what a model sees of a number.
    real = X.loc[40, ["name", "zip", "kind", "old", "age"]].to_dict() | {"label": 1}
    near, nearer = {"age": real["age"] + 0.02}, {"age": real["age"] + 0.03}
    _, sampler = table_made([real, real | near, real | nearer, real | near])
    reasons = ["copied_real", "", "", "duplicate", "exhausted"]
    assert sampler.provenance_["reason"].tolist() == reasons


@pytest.mark.parametrize("lacking", ["age", "name", "kind"])
def test_a_column_that_recorded_rows_lack_is_named(lacking):
    row = {key: value for key, value in ROW.items() if key != lacking}
    with pytest.raises(ValueError, match=f"no column '{lacking}', which X has"):
        table_made([row])
    rows, _ = table_made([{key: value for key, value in ROW.items() if key != "land"}])
    assert rows["land"].tolist() == ["de"]
