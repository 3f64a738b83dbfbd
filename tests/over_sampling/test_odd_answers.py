"""Whatever a server or a model can say is judged, and nothing of it is raised."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklw import LLMOverSampler
from sklw.exceptions import GenerationWarning
from sklw.generators import Completion
from sklw.over_sampling import Attributes, Examples, TableRows, TextFilter

sys.path.insert(0, str(Path(__file__).parent))
from _scripted import Scripted

pytestmark = pytest.mark.filterwarnings("ignore:The c:sklw.exceptions.GenerationWarning")

TEXTS = [f"see you at {i} in the office" for i in range(12)]
LABELS = ["ham"] * 8 + ["spam"] * 4


def judged(generator, X=TEXTS, y=LABELS, **parameters):
    """Return the first candidate that the fit has on record, and the rows it made."""
    parameters = {"sampling_strategy": {"spam": 5}, **parameters}
    sampler = LLMOverSampler(
        generator=generator, max_attempts=1, on_shortfall="ignore", random_state=0, verbose=False
    ).set_params(**parameters)
    X_new, _ = sampler.fit_resample(X, y)
    return sampler.provenance_.iloc[0], X_new[len(X) :]


LONG = [
    pytest.param("win " * 100_000, "too_long", marks=pytest.mark.slow),
    pytest.param(" " * 200_000 + "a" * 200_000, "too_long", marks=pytest.mark.slow),
    pytest.param("win" + " " * 200_000 + "a prize now", "", marks=pytest.mark.slow),
    pytest.param("1. " * 60_000, "too_long", marks=pytest.mark.slow),
    pytest.param("(" * 100_000, "empty", marks=pytest.mark.slow),
    pytest.param("[" * 100_000 + "spam", "too_long", marks=pytest.mark.slow),
    pytest.param('"' * 100_000 + "a", "too_long", marks=pytest.mark.slow),
    pytest.param("!?" * 100_000 + "a", "too_long", marks=pytest.mark.slow),
    pytest.param("sure" + "!" * 100_000 + "a", "too_long", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("form", ["completion", "chat"])
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("win a prize \ud83d now", "bad_characters"),
        ("\udc80win a prize now", "bad_characters"),
        ("win a prize\x00 now", "bad_characters"),
        ("win a \x1b[1mprize\x1b[0m now", "bad_characters"),
        ("win a pri\ufffde now", "bad_characters"),
        ("", "empty"),
        (" \t\n\u2028 ", "empty"),
        ("\u200f\u202e\ufeff", "empty"),
        (None, "empty"),
        ("\ufeffwin a prize right now", ""),
        ("\u200fwin a prize right now\u200e", ""),
        ("اربح جائزة كبيرة الآن", ""),
        *LONG,
    ],
)
def test_texts(answer, reason, form):
    first, rows = judged(Scripted([answer], form))
    assert first["reason"] == reason
    assert first["accepted"] == (reason == "") == bool(rows)
    first["text"].encode()  # what is on record can be stored anywhere
    if answer and answer.startswith("\ufeff"):
        assert rows == ["win a prize right now"]


def test_all_that_was_paid_for_is_on_record_and_good_rows_are_kept():
    answers = ["claim your prize today", "half \ud83d a prize today", "reply for your cash today"]
    sampler = LLMOverSampler(
        generator=Scripted(answers), sampling_strategy={"spam": 7}, max_attempts=1, random_state=0
    )
    with pytest.warns(GenerationWarning, match="1 bad_characters .*half of a character"):
        X_new, _ = sampler.fit_resample(TEXTS, LABELS)
    assert X_new[12:] == answers[::2]
    assert sampler.provenance_["text"].tolist() == [
        answers[0], r"half \ud83d a prize today", answers[2],
    ]  # fmt: skip
    sampler.provenance_.to_csv().encode()


FRAME = pd.DataFrame(
    {
        "n": np.arange(30) * 3.5,
        "i": np.arange(30) * 7,
        "d": pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(30) * 5, "D"),
        "s": pd.to_timedelta(np.arange(30) * 61, "s"),
        "k": ["u", "v"] * 15,
        "t": [f"some note {i}" for i in range(30)],
    }
)
GOOD = {"n": 4.25, "i": 9, "d": "2020-02-02", "s": 125, "k": "u", "t": "another note"}


def as_json(**change):
    return json.dumps({**GOOD, **change})


HUGE = "9" * 5000
ODD = [
    (as_json(n="1e999"), "bad_value"),
    (as_json(n=float("nan")), "missing_value"),
    (as_json(n=float("inf")), "bad_value"),
    (as_json(n=-float("inf")), "bad_value"),
    (as_json().replace("4.25", HUGE), "unparsable"),
    (as_json(n=HUGE), "bad_value"),
    (as_json(i=HUGE), "bad_value"),
    (as_json(i="1_0e999"), "bad_value"),
    (as_json(d=HUGE), "bad_value"),
    (as_json(d="99999-01-01"), "bad_value"),
    (as_json(s="9" * 30 + " days"), "bad_value"),
    (as_json(s="1:2:3:4:5"), "bad_value"),
    (as_json(n=[1]), "bad_value"),
    (as_json(n=True), "bad_value"),
    (as_json(k={"a": 1}), "unknown_category"),
    (as_json(k=None), "missing_value"),
    (as_json(t={"a": 1}), "bad_value"),
    (as_json(t=["a"]), "bad_value"),
    (as_json(t="half \ud83d"), "bad_characters"),
    (as_json(t="nul \x00 in it"), "bad_characters"),
    (as_json(t="x" * 100_000), "too_long"),
    (as_json()[:30], "unparsable"),
    ('{"a":' * 100_000, "unparsable"),
    ("[" * 100_000, "unparsable"),
    ("{" + "[" * 900 + "]" * 900 + "}", "unparsable"),
    ("[1, 2]", "unparsable"),
    ("null", "unparsable"),
    ("\ud83d", "unparsable"),
    ("", "empty"),
    ("\n\x00\n", "unparsable"),
]


@pytest.mark.parametrize("row_format", ["json", "csv", "sentences"])
@pytest.mark.parametrize(("answer", "reason"), ODD, ids=range(len(ODD)))
def test_tables(answer, reason, row_format):
    first, _ = judged(
        Scripted([answer], "chat"), FRAME, [0] * 20 + [1] * 10, sampling_strategy={1: 11},
        prompt=TableRows(row_format=row_format),
    )  # fmt: skip
    assert first["reason"] == reason
    first["text"].encode()


value = st.one_of(
    st.text(st.characters(categories=None), max_size=12),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["1e400", HUGE, "nan", "NaT", "now", "today", "1 day", "inf", "0x1F", "١٢",
                     "2020-13-45", "24:00", "-P1D", "1" * 400 + " days", "\ud83d"]),
)  # fmt: skip


@pytest.mark.slow
@given(st.lists(value, min_size=6, max_size=6), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_values(values, quoted):
    quote = (lambda v: '"' + v.replace('"', '""') + '"') if quoted else str
    first, _ = judged(
        Scripted([",".join(map(quote, values))]), FRAME, [0] * 20 + [1] * 10,
        sampling_strategy={1: 11},
    )  # fmt: skip
    first["text"].encode()


@given(st.text(st.characters(categories=None)), st.sampled_from(["completion", "chat"]))
@settings(max_examples=100, deadline=None)
def test_any_text(answer, form):
    first, _ = judged(Scripted([answer], form))
    first["text"].encode()


@pytest.mark.parametrize("answer", ["half \ud83d", "", "\x00", "9" * 5000, "{" * 9999])
def test_answers_of_a_verifier_and_of_proposals(answer):
    class Answers(Scripted):
        def iter_generate(self, requests):
            for number, request in enumerate(requests):
                asks = "Which label" in request.prompt[0][1] or "List 10" in request.prompt[0][1]
                text = answer if asks else f"claim your prize number {request.index} today"
                yield number, Completion(text, 10, 10, "length")

    proposing = {"prompt": Attributes({"topic": "propose"})}
    with pytest.warns(GenerationWarning, match="proposed 0 topic"):
        first, _ = judged(Answers([""], "chat"), accept=TextFilter(verifier="model"), **proposing)
    assert first["reason"] in ("wrong_class", "unverified", "truncated")


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([*TEXTS[:-1], "half \udc80 of it"], "Row 11 .*half of a character.*surrogatepass"),
        (
            FRAME.iloc[:12].assign(t=pd.Series([*FRAME["t"][:11], "half \ud83d"], dtype=object)),
            "Row 11",
        ),
    ],
)
def test_real_rows_that_cannot_be_sent_are_named_before_anything_is(X, message):
    Scripted.asked = 0
    with pytest.raises(ValueError, match=message):
        judged(Scripted(["win a prize"]), X, LABELS)
    assert not Scripted.asked


@pytest.mark.parametrize("form", ["completion", "chat"])
@pytest.mark.parametrize(
    ("answer", "n_rows", "texts"),
    [
        ("Win a prize. Reply yes now\n\nNote: this message", 1, ["Win a prize. Reply yes now"]),
        ("Win a prize. Reply yes now\n", 1, ["Win a prize. Reply yes now"]),
        ("Win a prize. Reply yes no", 1, ["Win a prize."]),
        ("1. One. And so\n2. Two. And on\n3. Thr", 2, ["One. And so", "Two. And on"]),
        ("1. One. And so\n2. Two. And o", 2, ["One. And so", "Two."]),
        ("One. And so\nTwo. And o", 2, ["One. And so", "Two."]),
        ("هل فزت؟ اتصل ا", 1, ["هل فزت؟"]),
        ('"Win a prize. Reply yes no', 1, ["Win a prize."]),
        ("“A prize. Reply yes no", 1, ["A prize."]),
        ("'£9 to win. Reply yes no", 1, ["£9 to win."]),
        ("**Win a prize. Reply yes no", 1, ["Win a prize."]),
        ('**Text 1:** "Win a prize. Reply yes no', 1, ["Win a prize."]),
        ('"spam: Win a prize. Reply yes no', 1, ["Win a prize."]),
        ("<text>Win a prize. Reply yes no", 1, ["Win a prize."]),
        ('"Win" a prize. Reply yes no', 1, ['"Win" a prize.']),
        ("'Tis a prize. Reply yes no", 1, ["'Tis a prize."]),
        ('["One. And so.", "Two. And o', 2, ["One. And so.", "Two."]),
        ("Win a prize. Please call Mrs. Smi", 1, ["Win a prize."]),
        ("Win a prize. It is approx. 50 po", 1, ["Win a prize."]),
    ],
)
def test_only_what_ends_a_cut_answer_is_cut(answer, n_rows, texts, form):
    _, rows = judged(
        Scripted([answer], form, "length"),
        prompt=Examples(2, rows_per_request=n_rows),
        accept=TextFilter(None, length_tolerance=20),
        sampling_strategy={"spam": 4 + n_rows},
    )
    assert list(rows) == texts[: 1 if form == "completion" else None]


TICKETS = pd.DataFrame(
    {
        "title": [f"title {i} of {i * 3}" for i in range(30)],
        "body": [f"body {i}" for i in range(30)],
    }
)
URGENT = np.repeat(["calm", "urgent"], [20, 10])
ROWS = [["dead printer", "no paper"], ["lost key", "at home"]]
OBJECTS = [dict(zip(TICKETS, row, strict=True)) for row in ROWS]


def of_tickets(answer, prompt="auto", X=TICKETS):
    """Return the first candidate, and the rows made."""
    settings = {"sampling_strategy": {"urgent": 12}, "prompt": prompt}
    first, rows = judged(Scripted([answer], "chat"), X, URGENT, **settings)
    return first, rows.to_numpy().tolist()


@pytest.mark.parametrize(
    ("row_format", "answer", "expected"),
    [
        ("csv", "[urgent] dead printer,no paper", ROWS[:1]),
        ("csv", "1. [urgent] dead printer,no paper\n2. [urgent] lost key,at home", ROWS),
        ("csv", "1. dead printer,no paper\n2. lost key,at home", ROWS),
        ("csv", "Row: dead printer,no paper", ROWS[:1]),
        ("csv", "`dead printer,no paper`", ROWS[:1]),
        ("csv", "Title, Body\ndead printer,no paper", ROWS[:1]),
        ("csv", "Sure, here is a new row:\ndead printer,no paper", ROWS[:1]),
        ("csv", "Category: urgent, new\n1. dead printer,no paper", ROWS[:1]),
        ("csv", "[calm] dead printer,no paper", "other_label"),
        ("csv", "I'm sorry, but I cannot help with that.", "meta_text"),
        ("csv", "title,body", "unparsable"),
        ("csv", "Title: dead printer, Body: no paper", ROWS[:1]),
        ("csv", "title=dead printer,body=no paper", ROWS[:1]),
        ("csv", "title is dead printer, body is no paper", ROWS[:1]),
        ("sentences", "1. [urgent] title is dead printer, body is no paper", ROWS[:1]),
        ("sentences", "Title is dead printer, body is no paper", ROWS[:1]),
        ("sentences", "**title is dead printer, body is no paper**", ROWS[:1]),
        ("json", json.dumps(OBJECTS), ROWS),
        ("json", f"```json\n{json.dumps(OBJECTS, indent=2)}\n```", ROWS),
        ("json", json.dumps({"rows": OBJECTS}, indent=2), ROWS),
        ("json", "\n\n".join(json.dumps(row, indent=2) for row in OBJECTS), ROWS),
        ("json", f"1. [urgent] {json.dumps(OBJECTS[0])} {{as you asked}}", ROWS[:1]),
        ("json", '{"title": "dead printer"}', "unparsable"),
    ],
)
def test_nothing_that_is_written_around_rows_gets_into_texts(row_format, answer, expected):
    prompt = TableRows(row_format=row_format, rows_per_request=2)
    first, rows = of_tickets(answer, prompt)
    assert (rows or first["reason"]) == expected


def test_of_two_objects_where_one_is_asked_for_the_first_is_taken():
    answer = "\n".join(map(json.dumps, OBJECTS))
    assert of_tickets(answer, TableRows(row_format="json"))[1] == ROWS[:1]


@pytest.mark.parametrize("start", ["1. ", "[urgent] ", "Row: ", "Sure: "])
def test_what_real_rows_begin_with_stays(start):
    X = TICKETS.assign(title=start + TICKETS["title"])
    _, rows = of_tickets(f"{start}dead printer,no paper", X=X)
    assert rows == [[f"{start}dead printer", "no paper"]]


@pytest.mark.parametrize(
    ("title", "body", "answer", "expected"),
    [
        ("Title: {}", "Body: {}", "Title: printer,Body: paper", ["Title: printer", "Body: paper"]),
        ("Title: {}", "{}", "Title: printer,body: paper", ["Title: printer", "paper"]),
        ("{}", "Body is {}", "title: printer,Body is red", ["printer", "Body is red"]),
    ],
)
def test_the_name_of_a_column_stays_where_real_values_begin_with_it(title, body, answer, expected):
    X = TICKETS.assign(title=TICKETS["title"].map(title.format), body=TICKETS["body"])
    X["body"] = X["body"].map(body.format)
    assert of_tickets(answer, X=X)[1] == [expected]


def test_so_it_does_in_categories():
    X = pd.DataFrame({"f1": ["f1:3", "f1:4", "f1:5"] * 10, "f2": ["f2:7", "f2:8"] * 15})
    assert of_tickets("f1:5,f2:7", X=X)[1][0] == ["f1:5", "f2:7"]


def test_numbers_of_a_list_are_no_part_of_texts_that_begin_with_numbers():
    X = TICKETS.assign(title="1. " + TICKETS["title"])
    answer = "1. 1. dead printer,no paper\n2. 3. lost key,at home"
    _, rows = of_tickets(answer, TableRows(rows_per_request=2), X)
    assert [title for title, _ in rows] == ["1. dead printer", "3. lost key"]


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        ("[urgent, group: b] ", ""),
        ("[urgent] ", ""),
        ("[urgent, group: a] ", "other_group"),
        ("[calm, group: b] ", "other_label"),
    ],
)
def test_a_row_may_be_labelled_with_its_class_and_group(start, reason):
    first, _ = judged(
        Scripted([f"{start}dead printer,no paper,b"], "chat"),
        TICKETS.assign(group=["a"] * 18 + ["b"] * 2 + ["a"] * 8 + ["b"] * 2), URGENT,
        group_column="group", sampling_strategy={("urgent", "b"): 3},
    )  # fmt: skip
    assert first["reason"] == reason


def test_a_category_that_begins_like_a_label_is_none():
    X = TICKETS.assign(title=["calm: north", "urgent: south"] * 10 + ["urgent: south", "east"] * 5)
    first, rows = judged(
        Scripted(["calm: north,no paper"], "chat"), X, URGENT, sampling_strategy={"urgent": 11}
    )
    assert first["reason"] == ""
    assert rows["title"].tolist() == ["calm: north"]
