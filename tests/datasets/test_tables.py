import numpy as np
import pandas as pd
import pytest

from sklw.datasets import load_frame, load_table, load_texts

TABLE = """id,age,zip,score,joined,note,paid
1,39,01234,1.5,2020-01-02,,yes
2,?,98765,-2e3,2021-03-04,NA,no
3,51,00001,NaN,2022-05-06,ok,yes
4,17,55555,0,2022-05-07,ok,
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "loans.csv"
    path.write_text(TABLE)
    return path


def test_columns_of_numbers_become_numbers_and_codes_do_not(path):
    with pytest.warns(UserWarning, match=r"1 of 4 rows of .*loans\.csv have no label"):
        X, y = load_table(path, "paid", ignore=["id"])
    assert y.tolist() == ["yes", "no", "yes"]
    assert X.index.tolist() == y.index.tolist() == [0, 1, 2]
    assert list(X.columns) == ["age", "zip", "score", "joined", "note"]
    assert X["age"].dtype == "Int64"
    assert X["age"].tolist() == [39, pd.NA, 51]
    assert X["zip"].tolist() == ["01234", "98765", "00001"]
    np.testing.assert_array_equal(X["score"], [1.5, -2000, np.nan])
    assert X["joined"].tolist() == ["2020-01-02", "2021-03-04", "2022-05-06"]
    assert X["note"].iloc[1:].tolist() == ["NA", "ok"]
    assert X["note"].isna().tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("cells", "dtype"),
    [
        (["9007199254740993", "2", "", "4"], "Int64"),
        (["9223372036854775807", "?", "-2", "4"], "Int64"),
        (["9007199254740993", "2", "3", "4"], "int64"),
        (["+1", "-2", "0", "3"], "int64"),
        (["1e20", "2", "", "100000000000000000000"], "float64"),
        (["9007199254740993", "2.5", "3", "4"], "string"),
        (["30000000210000000007", "2", "3", "4"], "string"),
        (["18446744073709551615", "2", "", "4"], "string"),
        (["+491701234567", "+491701234568", "", "+491701234569"], "string"),
    ],
)
def test_whole_numbers_are_kept_to_the_digit(path, cells, dtype):
    path.write_text("a,paid\n" + "".join(f"{cell},{'yn'[i % 2]}\n" for i, cell in enumerate(cells)))
    column = load_table(path, "paid")[0]["a"]
    if dtype == "string":
        assert column.fillna("").tolist() == cells
    else:
        assert column.dtype == dtype
        assert [int(value) for value in column.dropna()] == [
            int(float(cell)) if "e" in cell else int(cell) for cell in cells if cell.strip("?")
        ]


def test_positions_without_a_header(path):
    path.write_text("1;a\n2;b\n3;a\n")
    X, y = load_table(path, 1)
    assert X[0].tolist() == [1, 2, 3]
    assert y.tolist() == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("content", "target", "message"),
    [
        (TABLE, "payed", "Did you mean 'paid'"),
        ("paid\nyes\nno\n", "paid", "no column besides 'paid'"),
        ("a,paid\n1,yes\n2,yes\n", "paid", "has the label 'yes'"),
        ("a,paid\n1,\n2,\n", "paid", "has no row with a label"),
        ("a,a,paid\n1,2,yes\n2,3,no\n", "paid", "several columns 'a'"),
        ("a,paid\n1,3.5\n2,4.5\n3,1.0\n", "paid", "different value in column 'paid'"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*have no label")
def test_tables_that_cannot_be_used(path, content, target, message):
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        load_table(path, target)


def test_lists_in_a_table(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": [1], "b": 2, "y": "u"}\n{"a": [2], "b": 3, "y": "v"}\n')
    with pytest.raises(ValueError, match="--ignore a"):
        load_table(path, "y")
    assert load_table(path, "y", ignore=["a"])[0]["b"].tolist() == [2, 3]
    with pytest.raises(ValueError, match="no column 'c'"):
        load_table(path, "y", ignore=["c"])


def test_the_target_cannot_be_ignored(path):
    with pytest.raises(ValueError, match="target 'paid' cannot be ignored"):
        load_table(path, "paid", ignore=["id", "paid"])


def test_a_frame_has_all_cells_as_they_stand(path):
    frame = load_frame(path, ["paid"])
    assert frame["zip"].tolist() == ["01234", "98765", "00001", "55555"]
    assert frame["age"].tolist() == ["39", "?", "51", "17"]
    assert frame.isna().sum().sum() == 2


def test_texts_as_a_frame_know_their_rows(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\na,x\n,x\nb,y\na,x\n")
    with pytest.warns(UserWarning, match="1 of 4 rows"):
        texts, labels = load_texts(path, drop_duplicates=True, as_frame=True)
    assert texts.to_dict() == {0: "a", 2: "b"}
    assert labels.to_dict() == {0: "x", 2: "y"}
