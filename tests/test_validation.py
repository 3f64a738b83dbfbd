import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklw._validation import check_texts

TEXTS = ["one", "two"]


@pytest.mark.parametrize(
    "X",
    [
        TEXTS,
        tuple(TEXTS),
        np.array(TEXTS),
        np.array(TEXTS, dtype=object),
        np.array(TEXTS).reshape(-1, 1),
        [["one"], ["two"]],
        pd.Series(TEXTS),
        pd.Series(TEXTS, dtype=object),
        pd.Series(TEXTS, dtype="string", index=[7, 3]),
        pd.Series(TEXTS, dtype="category"),
        pd.DataFrame({"text": TEXTS}),
    ],
)
def test_accepts_any_collection_of_texts(X):
    texts = check_texts(X, estimator_name="E")
    assert texts.dtype == object
    assert texts.shape == (2,)
    assert [type(text) for text in texts] == [str, str]
    assert texts.tolist() == TEXTS


@pytest.mark.parametrize(
    ("X", "error", "match"),
    [
        ("one text", TypeError, r"single string.*\[text\]"),
        ([], ValueError, "0 texts"),
        (["a", None], ValueError, "missing value.*position 1"),
        (["a", "b", float("nan")], ValueError, "missing value.*position 2"),
        (pd.Series(["a", None]), ValueError, "missing value.*position 1"),
        ([pd.NA], ValueError, "missing value.*position 0"),
        (["a", 1], TypeError, "int at position 1"),
        ([b"a"], TypeError, "bytes at position 0"),
        ([np.zeros(2)], TypeError, "ndarray at position 0"),
        ([["a", "b"]], TypeError, "list at position 0"),
        (np.zeros((3, 2)), ValueError, "one text column"),
        (pd.DataFrame({"a": ["x"], "b": ["y"]}), ValueError, "one text column"),
        (sparse.csr_array(np.eye(2)), TypeError, "sparse"),
        ({"a"}, TypeError, "got set"),
        (None, TypeError, "got NoneType"),
    ],
)
def test_says_what_is_wrong(X, error, match):
    with pytest.raises(error, match=match):
        check_texts(X, estimator_name="MyStep")
    with pytest.raises(error, match="MyStep"):
        check_texts(X, estimator_name="MyStep")
