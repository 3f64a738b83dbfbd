from enum import Enum

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklw import BertClassifier, SyntheticWeighter, TextEmbedder

StringDType = getattr(np.dtypes, "StringDType", lambda: object)  # since numpy 2

TEXTS = ["good", "bad"]


class Noting(DummyClassifier):
    """Keeps what it was fitted on."""

    def fit(self, X, y):
        Noting.X, Noting.y = X, y
        return super().fit(X, y)


def weigh(X, y):
    """Have two rows judged by themselves."""
    SyntheticWeighter(checker=Noting(), reference=(X, y)).fit(X, y, [True, True])
    return Noting.X, Noting.y


def are_texts(X):
    return getattr(weigh(X, ["a", "b"])[0], "ndim", 2) == 1


@pytest.mark.parametrize("half", ["half \ud83d of it", "\udc00"])
def test_half_of_a_character_is_named_before_a_model_reads_it(half, settings, reviews):
    texts, labels = reviews
    odd = np.array([*texts[:59], half], dtype=object)
    classifier = BertClassifier(**settings, max_epochs=1).fit(texts, labels)
    embedder = TextEmbedder(settings["model"])
    for read in (
        embedder.fit,
        embedder.transform,
        classifier.predict_proba,
        lambda X: BertClassifier(**settings).fit(X, labels),
        lambda X: SyntheticWeighter().fit(X, labels, np.arange(60) < 9),
        lambda X: LogisticRegression().fit(embedder.fit_transform(X), labels),
    ):
        with pytest.raises(ValueError, match=r"Row 59 .*half of a character.*'surrogatepass'"):
            read(odd)
    repaired = half.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert embedder.transform([repaired]).shape == (1, 32)
    # What needs no model may read them.
    checker = make_pipeline(CountVectorizer(), LogisticRegression())
    SyntheticWeighter(checker=checker).fit(odd, labels, np.arange(60) < 9)


@pytest.mark.parametrize(
    "X",
    [
        TEXTS,
        tuple(TEXTS),
        np.array(TEXTS),
        np.array(TEXTS, dtype=object),
        np.array(TEXTS).reshape(-1, 1),
        np.array(TEXTS, dtype=StringDType()),
        np.array(TEXTS, dtype=StringDType()).reshape(-1, 1),
        pd.Index(TEXTS),
        pd.Series(TEXTS, dtype="string[pyarrow]"),
        pl.Series(TEXTS),
        pl.Series(TEXTS, dtype=pl.Categorical),
        pl.DataFrame({"text": TEXTS}),
        pa.array(TEXTS),
        pa.chunked_array([TEXTS]),
        [["good"], ["bad"]],
        pd.Series(TEXTS),
        pd.Series(TEXTS, dtype=object),
        pd.Series(TEXTS, dtype="string", index=[7, 3]),
        pd.Series(TEXTS, dtype="category"),
        pd.DataFrame({"text": TEXTS}),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_accepts_any_collection_of_texts(X, tiny):
    embedder = TextEmbedder(tiny, precision="float32")
    np.testing.assert_array_equal(embedder.fit(X).transform(X), embedder.transform(TEXTS))
    assert are_texts(X)


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
        ([b"a"], TypeError, "bytes at position 0.*decode"),
        (np.array([b"a"]), TypeError, "bytes at position 0.*decode"),
        (np.ma.array(["a", "b"], mask=[True, False]), TypeError, "masked"),
        (pl.Series(["a", None]), ValueError, "missing value.*position 1"),
        (pl.LazyFrame({"a": ["x"]}), TypeError, "got LazyFrame"),
        ([np.zeros(2)], TypeError, "ndarray at position 0"),
        ([["a", "b"]], TypeError, "list at position 0"),
        (np.zeros((3, 2)), ValueError, "one text column"),
        (pd.DataFrame({"a": ["x"], "b": ["y"]}), ValueError, "one text column"),
        (sparse.csr_array(np.eye(2)), TypeError, "sparse"),
        ({"a"}, TypeError, "got set"),
        (None, TypeError, "got NoneType"),
    ],
)
def test_says_what_is_wrong(X, error, match, tiny):
    for method in (TextEmbedder(tiny).fit, TextEmbedder(tiny).transform):
        with pytest.raises(error, match=match) as caught:
            method(X)
        assert "TextEmbedder" in str(caught.value)


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame({"a": [1, 2]}),
        pd.DataFrame({"a": pd.date_range("2024-01-01", periods=2)}),
        pd.DataFrame({"a": ["x", "y"], "b": ["x", "y"]}),
        pd.DataFrame({"a": pd.Series([1, 2], dtype="category")}),
        pl.DataFrame({"a": [1, 2]}),
        pl.DataFrame({"a": ["x", "y"], "b": ["x", "y"]}),
        np.eye(2),
        np.array([[1], [2]], dtype=object),
        sparse.csr_array(np.eye(2)),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_tables_are_not_taken_for_texts(X):
    assert not are_texts(X)


@pytest.mark.parametrize(
    ("y", "kind"),
    [
        (["a", "b"], "U"),
        ([["a"], ["b"]], "U"),
        (pd.Series(["a", "b"], dtype="category"), "O"),
        (pd.Series(["a", "b"], dtype="string[pyarrow]"), "O"),
        (np.array(["a", "b"], dtype=StringDType()), "O"),
        (pl.Series(["a", "b"]), "U"),
        (pd.Series([0, 1], dtype="Int64"), "i"),
        (np.array([0, 1], dtype=object), "i"),
        (pl.Series([0, 1], dtype=pl.Int8), "i"),
        (pd.Series([True, False], dtype="boolean"), "b"),
        ([0.0, 1.0], "f"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_labels_of_one_type_stay_what_they_are(y, kind):
    _, labels = weigh(TEXTS, y)
    assert labels.shape == (2,)
    assert labels.dtype.kind == kind or (kind in "UO" and isinstance(labels[0], str))


@pytest.mark.parametrize(
    ("as_texts", "as_labels"),
    [
        (lambda x: pd.Series(x, dtype="category"), lambda y: pd.Series(y, dtype="category")),
        (pl.Series, pl.Series),
        (lambda x: pl.DataFrame({"text": x}), lambda y: pl.Series(y, dtype=pl.Categorical)),
        (lambda x: np.array(x, dtype=StringDType()), lambda y: np.array(y, dtype=StringDType())),
        (lambda x: [[text] for text in x], tuple),
        (pa.array, lambda y: pd.Series(y, dtype="string[pyarrow]")),
    ],
)
def test_every_estimator_reads_the_same_texts_and_labels(as_texts, as_labels, settings, reviews):
    texts, labels = reviews[0], reviews[1].tolist()
    X, y = as_texts(texts), as_labels(labels)
    embedder = TextEmbedder(settings["model"], precision="float32")
    np.testing.assert_array_equal(embedder.fit(X).transform(X), embedder.transform(texts))
    short = {**settings, "max_epochs": 1}
    found = BertClassifier(**short).fit(X, y)
    expected = BertClassifier(**short).fit(texts, labels)
    np.testing.assert_array_equal(found.predict_proba(X), expected.predict_proba(texts))
    assert found.classes_.tolist() == ["down", "up"]
    weighter = SyntheticWeighter(
        checker=make_pipeline(embedder, LogisticRegression()), random_state=0
    )
    synthetic = np.arange(60) >= 40
    weights = weighter.fit(X, y, synthetic).sample_weight_
    assert np.ptp(weights[synthetic]) > 0.1
    expected = weighter.fit(texts, labels, synthetic).sample_weight_
    np.testing.assert_allclose(weights, expected, rtol=1e-5)


CLASSES = ["up", "down"] * 8


class Kind(str, Enum):  # noqa: UP042  # of which NumPy makes "Kind" and "Kind"
    GOOD = "good"
    BAD = "bad"


class Plain(Enum):
    GOOD = 1
    BAD = 2


@pytest.mark.parametrize(
    ("y", "error", "words"),
    [
        ([*CLASSES[:15], 1], TypeError, "'up' and 1"),
        ([*CLASSES[:15], None], ValueError, "missing label at position 15"),
        (pl.Series([*CLASSES[:15], None]), ValueError, "missing label at position 15"),
        (np.array([label.encode() for label in CLASSES]), TypeError, "bytes"),
        ([*[True] * 15, 0], TypeError, "0 and True"),
        (list(Kind) * 8, TypeError, "label.value for label"),
        (list(Plain) * 8, TypeError, "label.name for label"),
        (pd.Series([("a", 1), ("b", 2)] * 8), TypeError, "type tuple"),
        (np.array(["nan", "zho"] * 8), ValueError, r"pass y\.tolist\(\)"),
        (np.ma.array([0, 1] * 8, mask=[True, False] * 8), TypeError, "masked"),
    ],
)
def test_every_estimator_refuses_the_same_labels(y, error, words, settings):
    texts = ["good film", "bad film"] * 8
    for fit in (
        lambda: BertClassifier(**settings).fit(texts, y),
        lambda: SyntheticWeighter().fit(texts, y, np.arange(16) >= 12),
    ):
        with pytest.raises(error, match=words):
            fit()
