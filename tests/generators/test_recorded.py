"""RecordedGenerator."""

import csv
import gzip
import io
import json
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from sklw import LLMOverSampler
from sklw.exceptions import GenerationWarning
from sklw.generators import RecordedGenerator, Request

ROWS = [
    {"text": "a", "label": 1, "from": "p"},
    {"text": "b", "label": 0, "from": "q"},
    {"text": "c", "label": 1, "from": None},
    {"text": "None", "label": 1, "from": "r"},
]


def ask(generator, label, n):
    return generator.generate([Request("", seed=0, label=label, index=i) for i in range(n)])


def write(folder, kind):
    frame = pd.DataFrame(ROWS)
    path = folder / f"rows{kind}"
    if "jsonl" in kind:
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False, sep="\t" if "tsv" in kind else ",")
    return path


@pytest.mark.parametrize("kind", [".csv", ".tsv", ".jsonl", ".csv.gz", ".tsv.gz", ".jsonl.gz"])
def test_files_of_every_kind_hold_the_same_rows(tmp_path, kind):
    path = write(tmp_path, kind)
    answers = ask(RecordedGenerator(path, parent_column="from"), 1, 4)
    assert [answer.text for answer in answers] == ["a", "c", "None", ""]
    assert [answer.finish_reason for answer in answers] == ["recorded"] * 3 + ["exhausted"]
    assert [answer.metadata.get("row") for answer in answers] == [0, 2, 3, None]
    assert [answer.metadata.get("parent") for answer in answers] == ["p", None, "r", None]
    json.dumps([dict(answer.metadata) for answer in answers])


@pytest.mark.parametrize("label", [1, "1", np.int64(1), np.str_("1")])
def test_labels_are_found_by_value_or_as_they_read(label):
    for records in (ROWS, pd.DataFrame(ROWS).astype({"label": str})):
        assert ask(RecordedGenerator(records), label, 1)[0].text == "a"


def test_labels_are_found_in_either_unicode_form():
    forms = ["R\u00e9clamation", "Re\u0301clamation"]
    for label, other in (forms, forms[::-1]):
        assert ask(RecordedGenerator([{"text": "a", "label": other}]), label, 1)[0].text == "a"
        both = [{"text": name, "label": name} for name in forms]
        assert ask(RecordedGenerator(both), label, 1)[0].text == label


def test_rounds_go_on_and_fits_begin_again():
    generator = RecordedGenerator(ROWS)
    first = generator.generate([Request("", seed=0, label=1, index=0)])
    second = generator.generate([Request("", seed=0, label=1, index=1)])
    assert [first[0].text, second[0].text] == ["a", "c"]
    for same in (clone(generator), pickle.loads(pickle.dumps(generator))):
        assert ask(same, 1, 2) == [*first, *second]


def test_shuffling_keeps_the_rows_and_follows_the_seed():
    rows = [{"text": str(i), "label": i % 2} for i in range(40)]
    plain = [a.text for a in ask(RecordedGenerator(rows), 0, 20)]
    orders = [
        [a.text for a in ask(RecordedGenerator(rows, shuffle=True, random_state=s), 0, 20)]
        for s in (0, 0, 1)
    ]
    assert orders[0] == orders[1] != orders[2] != plain
    assert sorted(orders[0]) == sorted(plain)


def test_rows_without_text_or_label_are_passed_over_with_a_word():
    rows = pd.DataFrame({"text": ["a", None, "c"], "label": ["x", "x", "x"]})
    with pytest.warns(GenerationWarning, match="1 of 3 .* row 1, counted from 0, has no 'text'"):
        answers = ask(RecordedGenerator(rows), "x", 2)
    assert [answer.metadata["row"] for answer in answers] == [0, 2]


@pytest.mark.parametrize("kind", [".csv", ".jsonl", "frame"])
@pytest.mark.parametrize(
    ("columns", "why"),
    [
        (
            {"accepted": [True, False, True], "reason": ["", "meta_text", ""]},
            "were rejected .*'acc",
        ),
        (
            {"synthetic": [True, False, True], "weight": 1.0, "quality": 0.5, "parents": ""},
            "are real ones, as the column 'synthetic' says",
        ),
    ],
)
def test_what_sklw_wrote_and_did_not_use_is_skipped(columns, why, kind, tmp_path):
    rows = pd.DataFrame({"text": ["a", "I cannot help.", "c"], "label": "x"}).assign(**columns)
    path = tmp_path / f"rows{kind}"
    if kind == ".csv":
        rows.to_csv(path, index=False)
    elif kind == ".jsonl":
        rows.to_json(path, orient="records", lines=True)
    generator = RecordedGenerator(rows if kind == "frame" else path)
    with pytest.warns(GenerationWarning, match=f"1 of 3 recorded rows are skipped.* {why}"):
        answers = ask(generator, "x", 3)
    assert [answer.text for answer in answers] == ["a", "c", ""]
    used = rows.drop(index=1).reset_index(drop=True)
    assert generator.cache_key()["rows"] == RecordedGenerator(used).cache_key()["rows"]


def test_a_column_of_a_table_may_be_called_accepted():
    loans = pd.DataFrame({"accepted": [True, False], "reason": ["a", "b"], "label": "x"})
    answers = ask(RecordedGenerator(loans, text_column=None), "x", 2)
    assert [json.loads(answer.text)["accepted"] for answer in answers] == [True, False]


@pytest.mark.filterwarnings("ignore:.*passed over")
@pytest.mark.parametrize("asked", [1, "1", 1.0])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "list", "frame"])
def test_a_missing_label_changes_no_other(tmp_path, kind, asked):
    rows = [{"text": "a", "label": 1}, {"text": "b", "label": None}, {"text": "c", "label": 2}]
    records = {"list": rows, "frame": pd.DataFrame(rows)}.get(kind, tmp_path / f"rows.{kind}")
    if kind == "csv":
        records.write_text("text,label\na,1\nb,\nc,2\n")
    elif kind == "jsonl":
        records.write_text("\n".join(map(json.dumps, rows)))
    assert ask(RecordedGenerator(records), asked, 1)[0].text == "a"


def test_labels_with_zeros_and_truth_values_in_a_file(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("text,label\na,01\nb,1\nc,true\n")
    for label, text in (
        ("01", "a"), ("1", "b"), (1, "b"), (1.0, "b"), (True, "c"), ("true", "c"), ("True", "c")
    ):  # fmt: skip
        assert ask(RecordedGenerator(path), label, 1)[0].text == text


@pytest.mark.parametrize(("written", "asked"), [(1, "01"), (1.1, "1.10"), ("007", 7)])
def test_a_number_is_no_label_that_is_written_otherwise(written, asked):
    generator = RecordedGenerator([{"text": "a", "label": written}])
    with pytest.raises(ValueError, match=f"If {written!r} is the same, write it as {asked!r}"):
        ask(generator, asked, 1)


TEXTS = ["007",
         "1.50", "1e5", "True", "None", "  two  spaces ", "a\nb", "a\r\nb", 'say "no"', "x,y",
         "\ttab", "👍", "2024-01-01", "0x1F", "\u2028"]  # fmt: skip


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "csv.gz", "jsonl.gz"])
def test_texts_of_a_file_are_read_to_the_letter(tmp_path, kind):
    path = tmp_path / f"rows.{kind}"
    content = [json.dumps({"date": t, "label": "x"}, ensure_ascii=False) for t in TEXTS]
    if "jsonl" not in kind:
        buffer = io.StringIO()
        writer = csv.writer(buffer, delimiter="\t" if kind == "tsv" else ",", quoting=csv.QUOTE_ALL)
        writer.writerows([("date", "label"), *((text, "x") for text in TEXTS)])
        content = [buffer.getvalue()]
    data = ("\ufeff" + "\n".join(content)).encode()
    path.write_bytes(gzip.compress(data) if kind.endswith("gz") else data)
    answers = ask(RecordedGenerator(path, text_column="date"), "x", len(TEXTS))
    assert [answer.text for answer in answers] == TEXTS


def test_a_carriage_return_within_a_line_is_text(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(b"text,label\nwin\rnow,x\nb,x\n")
    answers = ask(RecordedGenerator(path), "x", 3)
    assert [answer.text for answer in answers] == ["win\rnow", "b", ""]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"text_column": "tetx"}, "no column 'tetx'. Did you mean 'text'.*Set text_column"),
        ({"label_column": "klass"}, "no column 'klass'. Their columns are: 'text', 'label'"),
        ({"parent_column": "form"}, "Did you mean 'from'.*Set parent_column"),
        ({"records": []}, "are empty"),
        ({"records": [{"text": None, "label": 1}]}, "No row of the records has a value in each"),
        ({"records": "/nowhere/rows.csv"}, "could not be read.*exists"),
        ({"records": "rows.parquet"}, "unknown format"),
        ({"records": 7}, "records"),
        ({"records": [{"text": "a", "label": 1}, "b"]}, "Record 1 .* is a str"),
        (
            {"records": [{"text": "a", "label": 1}, {"text": "b", "label": ["x"]}]},
            r"Row 1 .* has a list in column 'label': \['x'\]",
        ),
        ({"records": [{"text": {"a": 1}, "label": 1}]}, "Row 0 .* has a dict in column 'text'"),
        ({"records": [{"text": "a", "label": 1, "from": []}], "parent_column": "from"}, "'from'"),
        ({"records": pd.DataFrame([["a", "b", 1]], columns=["text", "text", "label"])}, "several"),
        ({"records": [{"age": 3, "label": 1}]}, "text_column .* or to None if they are rows of a"),
    ],
)
def test_what_is_wrong_is_said(parameters, message):
    generator = RecordedGenerator(ROWS).set_params(**parameters)
    with pytest.raises(ValueError, match=message):
        ask(generator, 1, 1)


@pytest.mark.parametrize("kind", ["csv", "tsv", "csv.gz"])
@pytest.mark.parametrize(
    ("header", "twice", "text_column"),
    [
        ("text,label,text", "text", "text"),
        ("text,label,label", "label", "text"),
        ("age,label,age", "age", None),
        ("text,label,notes,notes", None, "text"),
        ("text,label,,", None, "text"),
        ("text,label,text.1", None, "text"),
    ],
)
def test_one_of_several_columns_of_a_name_is_not_chosen(tmp_path, kind, header, twice, text_column):
    path = tmp_path / f"rows.{kind}"
    content = f"{header}\n{','.join('abcd'[: header.count(',') + 1])}\n"
    content = content.replace(",", "\t" if kind == "tsv" else ",").encode()
    path.write_bytes(gzip.compress(content) if kind.endswith("gz") else content)
    generator = RecordedGenerator(path, text_column=text_column)
    if twice is None:
        assert ask(generator, "b", 1)[0].text == "a"
    else:
        with pytest.raises(ValueError, match=f"several columns '{twice}'"):
            ask(generator, "b", 1)


def test_an_unknown_label_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"no row of the label 'spam'.*are: 0, 1"):
        ask(RecordedGenerator(ROWS), "spam", 1)


@pytest.mark.parametrize(("written", "label"), [("1.0", "1"), ("Spam", "spam"), (" ham", "ham")])
def test_a_label_that_is_written_otherwise_is_named(written, label):
    generator = RecordedGenerator([{"text": "a", "label": written}, {"text": "b", "label": "c"}])
    with pytest.raises(ValueError, match=f"If '{written}' is the same, write it as '{label}'"):
        ask(generator, label, 1)


def test_what_to_do_if_augment_asks_for_a_label_without_records():
    records = [{"text": f"free {what}", "label": "spam"} for what in ("ringtones", "phones", "gas")]
    X, y = ["see you at eight", "running late", "win a prize now!"], ["ham", "ham", "spam"]
    sampler = LLMOverSampler(RecordedGenerator(records), augment=2, verbose=False)
    with pytest.raises(ValueError, match=r"'ham'.*leave it out of .* and augment \(as dicts\)"):
        sampler.fit_resample(X, y)
    sampler.set_params(augment={"spam": 2}).fit_resample(X, y)
    assert sampler.augmentation_mask_.sum() == 2


@pytest.mark.parametrize("content", [b"", b"text,label\n"])
def test_an_empty_file_is_said_to_be_empty(tmp_path, content):
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(content))
    with pytest.raises(ValueError, match=r"'recorded:rows.csv.gz' are empty"):
        ask(RecordedGenerator(path), 1, 1)


def test_a_file_that_is_not_what_its_name_says(tmp_path):
    path = tmp_path / "rows.jsonl"
    for content in ("{not json", "[" * 100_000):
        path.write_text(content)
        with pytest.raises(ValueError, match="could not be read"):
            ask(RecordedGenerator(path), 1, 1)
    path = tmp_path / "rows.csv"
    path.write_text("text,label\nwin, now,spam\nsee you, soon,ham\n")
    with pytest.raises(ValueError, match="more fields than its header"):
        ask(RecordedGenerator(path), "spam", 1)


def test_the_cache_key_follows_the_rows():
    key = RecordedGenerator(ROWS).cache_key()
    assert key == RecordedGenerator(pd.DataFrame(ROWS)).cache_key()
    assert key != RecordedGenerator(ROWS[:3]).cache_key()
    assert key != RecordedGenerator(ROWS[::-1]).cache_key()
    assert key != RecordedGenerator(ROWS, text_column="from").cache_key()
    assert key != RecordedGenerator(ROWS, parent_column="from").cache_key()
