"""Files as programs write them."""

import gzip
import json
import warnings

import pytest

from sklw.datasets import load_frame, load_table, load_texts

SEMICOLONS = 'text;label\n"Hello, you; all";x\nb;y\n'


def separated(by):
    return SEMICOLONS.replace("t;l", f"t{by}l").replace(";x", f"{by}x").replace(";y", f"{by}y")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", SEMICOLONS),
        ("a.txt", SEMICOLONS),
        ("a", SEMICOLONS),
        ("a.tsv", SEMICOLONS),
        ("a.csv", separated("\t")),
        ("a.txt", separated(",")),
        ("a.dat", separated("|")),
        ("a.csv", SEMICOLONS.replace("\n", "\r\n")),
    ],
)
def test_the_separator_is_the_one_that_yields_the_columns(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content.encode())
    texts, labels = load_texts(path)
    assert texts.tolist() == ["Hello, you; all", "b"]
    assert labels.tolist() == ["x", "y"]


def test_the_separator_of_a_file_without_a_header_cuts_all_rows_alike(tmp_path):
    path = tmp_path / "Collection.txt"
    path.write_text("ham\tHello, you\nspam\tWIN, now, or; never\nham\tok\n")
    assert load_texts(path, 1, 0)[0].tolist() == ["Hello, you", "WIN, now, or; never", "ok"]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.txt.gz"])
def test_unicode_of_any_form_is_recognized(tmp_path, encoding, name):
    path = tmp_path / name
    table = 'text,label\n"café, 5 €",x\nb,y\n'
    lines = '{"text": "café, 5 €", "label": "x"}\n{"text": "b", "label": "y"}\n'
    content = (lines if ".jsonl" in name else table).encode(encoding)
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert load_texts(path)[0].tolist() == ["café, 5 €", "b"]


@pytest.mark.parametrize(("encoding", "text"), [("cp1252", "5 € café"), ("latin-1", "café")])
def test_other_encodings_are_asked_for_with_an_example(tmp_path, encoding, text):
    path = tmp_path / "a.csv"
    path.write_bytes(f"text,label\na,x\n{text},y\n".encode(encoding))
    with pytest.raises(ValueError, match=rf"encoding='cp1252' \(--encoding cp1252\).*{text}"):
        load_texts(path)
    assert load_texts(path, encoding=encoding)[0].tolist() == ["a", text]
    with pytest.raises(ValueError, match="There is no encoding 'cp125'"):
        load_texts(path, encoding="cp125")


@pytest.mark.parametrize(
    ("name", "content", "advice"),
    [
        ("a.xlsx", b"PK\x03\x04 and so on", r"read_excel\(path\).to_csv"),
        ("a.docx", b"PK\x03\x04 and so on", "save the sheet as CSV"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1", r"read_excel\(path\).to_csv"),
        ("a.parquet", b"PAR1\x15\x04", r"read_parquet\(path\).to_csv"),
        ("a.csv", b"PAR1\x15\x04", r"read_parquet\(path\).to_csv"),
        ("a.csv", b"\x1f\x8b\x08", "so that its name ends in .gz"),
        ("a.csv", b"text,label\na\0b\0,x\n", "NUL characters"),
        ("a.csv.gz", b"text,label\na,x\n", "damaged"),
        ("a.csv.gz", gzip.compress(b"text,label\na,x\n" * 99, mtime=0)[:-12], "damaged"),
        ("a.csv.zip", b"no", "damaged"),
    ],
)
def test_files_of_other_programs_are_refused_with_advice(tmp_path, name, content, advice):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=advice):
        load_texts(path)


def test_no_file_and_a_folder(tmp_path):
    (tmp_path / "mail.csv").write_text("")
    with pytest.raises(FileNotFoundError, match="There is no file"):
        load_texts(tmp_path / "b.csv")
    with pytest.raises(ValueError, match=r"is a folder; give a file\. In it are: mail\.csv"):
        load_texts(tmp_path)


@pytest.mark.parametrize("labels", [["1", None, "0"], ["1.0", None, "0.0"], ["1e5", None, "007"]])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_blank_makes_no_floats_of_labels(tmp_path, labels, kind):
    path = tmp_path / f"a.{kind}"
    if kind == "csv":
        lines = ["text,label", *(f"t{i},{label or ''}" for i, label in enumerate(labels))]
    elif "007" in labels:  # no number in JSON
        lines = [json.dumps({"text": f"t{i}", "label": label}) for i, label in enumerate(labels)]
    else:
        lines = [f'{{"text": "t{i}", "label": {lab or "null"}}}' for i, lab in enumerate(labels)]
    path.write_text("\n".join(lines))
    with pytest.warns(UserWarning, match="1 of 3 rows"):
        assert load_texts(path)[1].tolist() == [labels[0], labels[2]]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r\r\n"])
@pytest.mark.parametrize(
    ("cell", "quotes"),
    [("win\rnow", True), ("\rwin\ue000", False), ('"win;\rnow\r"', True), ('"\rwin', False)],
)
def test_a_carriage_return_within_a_line_is_text(tmp_path, ending, cell, quotes):
    path = tmp_path / "a.csv"
    rows = ["label;text", "ham;a", f"spam;{cell}", ";", "ham;b"]
    path.write_bytes("".join(row + ending for row in rows).encode())
    with pytest.warns(UserWarning, match="1 of 4 rows"):
        texts, labels = load_texts(path, quotes=quotes)
    assert texts.tolist() == ["a", cell.strip('"') if quotes else cell, "b"]
    assert labels.tolist() == ["ham", "spam", "ham"]


def test_lines_may_end_in_carriage_returns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'text,label\r"a\nb",x\rc,y\r')
    assert load_texts(path)[0].tolist() == ["a\nb", "c"]
    path.write_bytes(b'text,label\r6" d,y\r"a\nb",x\rc,y\r')
    assert load_texts(path)[0].tolist() == ['6" d', "a\nb", "c"]


def test_the_last_line_may_lack_its_newline(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"text,label\r\na,spam\r\nb,ham\r\nc,spam\r")
    assert load_texts(path)[1].tolist() == ["spam", "ham", "spam"]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("swapped", [True, False])
@pytest.mark.parametrize("separator", ["\t", ","])
def test_rows_between_quotation_marks_get_a_notice(tmp_path, ending, swapped, separator):
    path = tmp_path / "a.csv"
    rows = [("text", "label"), ('"open', "x"), ("b", "y"), ("c", "x"), ('6" d', "y"), ("e", "x")]
    rows.append(("f", "y"))
    lines = [separator.join(row[::-1] if swapped else row) for row in rows]
    path.write_bytes("".join(line + ending for line in lines).encode())
    with pytest.warns(UserWarning, match=r"\d lines of .*read like rows.*quotes=False") as caught:
        assert len(load_texts(path)[0]) < 6
    assert caught[0].filename == __file__
    with warnings.catch_warnings(action="error"):
        assert load_texts(path, quotes=False)[0].tolist() == ['"open', "b", "c", '6" d', "e", "f"]


def test_one_row_between_quotation_marks_gets_a_notice_where_the_labels_are_known(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('text,label\n"open,x\nb" d,y\ne,x\nf,y\n')
    with pytest.warns(UserWarning, match=r"1 line of .*reads like a row but is .*then each is"):
        load_table(path, "label")
    with warnings.catch_warnings(action="error"):
        load_frame(path, ["text", "label"])


def test_lines_of_a_quoted_text_are_no_rows(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('text,label\n"Dear all,\n, \nsee you, Ann\nx",x\n"b\n\nBest,\nAnn",y\nc,y\n')
    with warnings.catch_warnings(action="error"):
        assert len(load_texts(path)[0]) == 3


def test_booleans_of_json_are_those_of_the_file(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('[{"text": "a", "label": true}, {"text": "b", "label": false}]')
    assert load_texts(path)[1].tolist() == ["true", "false"]


@pytest.mark.parametrize("labels", [("ham", "ham "), ("Ham", "ham"), ("ham", "\u00a0ham")])
def test_labels_that_look_alike_get_a_notice(tmp_path, labels):
    path = tmp_path / "a.csv"
    path.write_text(f"text,label\na,{labels[0]}\nb,{labels[1]}\n", encoding="utf-8")
    with pytest.warns(UserWarning, match="differ in case, white space or Unicode form only"):
        assert sorted(load_texts(path)[1]) == sorted(labels)


def test_huge_cells(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f'text,label\n"{"long, " * 50_000}",x\nb,y\n')
    assert len(load_texts(path)[0][0]) == 300_000


def test_of_copies_the_first_is_kept(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\nWin it,x\nwin  it,x\nsee,y\n")
    assert load_texts(path, drop_duplicates=True)[0].tolist() == ["Win it", "see"]


@pytest.mark.parametrize(
    "content",
    ["text,label\nhello, you,x\nb,y\n", "text,label\n1,hello,x\n2,you,y\n", "text,label\na,x,\n"],
)
def test_rows_longer_than_the_header_are_neither_cut_nor_moved(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match="could not be read as a table"):
        load_texts(path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[1, 2]", "not JSON objects"),
        ('{"text": ["a"], "label": 1}', "holds lists or objects"),
        ('{"text": "a", "label": 1}\n{"text": "b",', "Line 2 of .* could not be read as JSON"),
    ],
)
def test_json_of_another_shape_is_an_error(tmp_path, line, message):
    path = tmp_path / "a.jsonl"
    path.write_text(line)
    with pytest.raises(ValueError, match=message):
        load_texts(path)
