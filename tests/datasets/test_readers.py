import gzip
import json
import os

import pytest

from sklw.datasets import load_texts

ROWS = [("free prize, call", "spam"), ('he said "hi"', "ham"), ("NA", "ham"), ("01", "None")]


def write_csv(path, separator=","):
    lines = [separator.join(["text", "label"])]
    for text, label in ROWS:
        quoted = '"' + text.replace('"', '""') + '"'
        lines.append(f"{quoted}{separator}{label}")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def write_jsonl(path):
    path.write_text("\n".join(json.dumps({"text": t, "label": y}) for t, y in ROWS))
    return path


@pytest.mark.parametrize(
    ("name", "writer"),
    [
        ("a.csv", write_csv),
        ("a.TSV", lambda path: write_csv(path, "\t")),
        ("a.jsonl", write_jsonl),
    ],
)
def test_every_format_gives_the_same_rows(tmp_path, name, writer):
    path = writer(tmp_path / name)
    compressed = tmp_path / (name + ".gz")
    compressed.write_bytes(gzip.compress(path.read_bytes()))
    for file in (path, compressed):
        texts, labels = load_texts(file)
        assert list(zip(texts, labels, strict=True)) == ROWS


def test_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\na,x\nb,y\n", encoding="utf-8-sig")
    assert load_texts(path)[0].tolist() == ["a", "b"]


def test_without_header_or_quotes(tmp_path):
    path = tmp_path / "Collection"
    path.write_text('ham\tsay "hi\nspam\tWIN\nham\tsay "hi\n')
    texts, labels = load_texts(path, 1, 0, separator="\t", quotes=False)
    assert texts.tolist() == ['say "hi', "WIN", 'say "hi']
    texts, labels = load_texts(path, 1, 0, separator="\t", quotes=False, drop_duplicates=True)
    assert labels.tolist() == ["ham", "spam"]


@pytest.mark.parametrize(("text", "label", "said"), [(1, 0, "swapped"), (0, 0, "one column")])
def test_a_column_of_texts_holds_no_labels(tmp_path, text, label, said):
    path = tmp_path / "a.csv"
    path.write_text("so late again,ham\nWIN,spam\nso late again,ham\nyou WON,spam\n")
    with pytest.raises(ValueError, match=said):
        load_texts(path, text, label)


def test_numeric_json_labels_become_strings(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a", "label": 0}\n{"text": "b", "label": 1}\n')
    assert load_texts(path)[1].tolist() == ["0", "1"]


def test_rows_without_text_or_label_are_counted(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\na,x\n ,x\nb,\nc,y\n")
    with pytest.warns(UserWarning, match="2 of 4 rows"):
        texts, _ = load_texts(path)
    assert texts.tolist() == ["a", "c"]


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        ("Text,label\na,x\nb,y\n", {}, "Did you mean 'Text'"),
        ("text,lable\na,x\nb,y\n", {}, "Did you mean 'lable'"),
        ("text,label\na,x\nb,y\n", {"text_column": "zzz"}, "It has: text, label"),
        ("text,label\na,x\nb,x\n", {}, "at least two classes"),
        ("text,label\na,x\nb,y\nc,z\n", {"text_column": "label", "label_column": "text"}, "swap"),
        ("text,label\n", {}, "no row with a text and a label"),
        ("", {}, "is empty"),
        ("\n \n", {}, "is empty"),
        ("body;label\na;x\nb;y\n", {}, "It has: body, label"),
        ("text,text,label\na,b,x\nc,d,y\n", {}, "several columns 'text'"),
        (" text,label\na,x\nb,y\n", {}, "Did you mean ' text'"),
        ("text,label\n ,x\n,y\n", {}, "no row with a text and a label"),
        ("text,label\na,x\nb,y\n", {"text_column": 0}, "two positions"),
        ('text,label\n"a,x\nb,y\n', {}, "quotes=False"),
    ],
)
def test_errors_say_what_to_do(tmp_path, content, arguments, message):
    path = tmp_path / "a.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        load_texts(path, **arguments)


def test_broken_json_is_an_error(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a", "label"')
    with pytest.raises(ValueError, match="could not be read as JSON"):
        load_texts(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_no_missing_file(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(ValueError, match="is a pipe or a device"):
        load_texts(path)
