"""RecordedGenerator."""

import gzip
import json
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from sklw.generators import RecordedGenerator, Request

ROWS = [
    {"text": "a", "label": 1, "from": 7},
    {"text": "b", "label": 0, "from": 8},
    {"text": "c", "label": 1, "from": None},
    {"text": "None", "label": 1, "from": 9},
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
    assert [answer.metadata.get("parent") for answer in answers] == [7, None, 9, None]
    json.dumps([dict(answer.metadata) for answer in answers])


@pytest.mark.parametrize("label", [1, "1", np.int64(1), np.str_("1")])
def test_labels_are_found_by_value_or_as_they_read(label):
    for records in (ROWS, pd.DataFrame(ROWS).astype({"label": str})):
        assert ask(RecordedGenerator(records), label, 1)[0].text == "a"


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


def test_rows_without_text_or_label_are_passed_over():
    rows = pd.DataFrame({"text": ["a", None, "c"], "label": ["x", "x", "x"]})
    assert [answer.metadata["row"] for answer in ask(RecordedGenerator(rows), "x", 2)] == [0, 2]


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
    ],
)
def test_what_is_wrong_is_said(parameters, message):
    generator = RecordedGenerator(ROWS).set_params(**parameters)
    with pytest.raises(ValueError, match=message):
        ask(generator, 1, 1)


def test_an_unknown_label_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"no row of the label 'spam'.*are: 0, 1"):
        ask(RecordedGenerator(ROWS), "spam", 1)


@pytest.mark.parametrize("content", [b"", b"text,label\n"])
def test_an_empty_file_is_said_to_be_empty(tmp_path, content):
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(content))
    with pytest.raises(ValueError, match=r"'recorded:rows.csv.gz' are empty"):
        ask(RecordedGenerator(path), 1, 1)


def test_a_file_that_is_not_what_its_name_says(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("{not json")
    with pytest.raises(ValueError, match="could not be read"):
        ask(RecordedGenerator(path), 1, 1)


def test_the_cache_key_follows_the_rows():
    key = RecordedGenerator(ROWS).cache_key()
    assert key == RecordedGenerator(pd.DataFrame(ROWS)).cache_key()
    assert key != RecordedGenerator(ROWS[:3]).cache_key()
