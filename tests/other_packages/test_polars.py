"""Texts, labels and tables of polars go in, and come out with all their rows."""

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from sklw import BertClassifier, LLMOverSampler, RecordedGenerator, TextEmbedder, make_pipeline

pl = pytest.importorskip("polars", reason="needs polars")


@pytest.mark.parametrize(
    ("wrap", "wrap_labels"),
    [
        (pl.Series, pl.Series),
        (pl.Series, list),
        (list, pl.Series),
        (lambda texts: pl.Series(texts, dtype=pl.Categorical), np.asarray),
        (lambda texts: pl.DataFrame({"text": texts}), pl.Series),
    ],
    ids=["series", "labels in a list", "labels in a series", "categorical", "frame"],
)
def test_texts(task, wrap, wrap_labels):
    X, y = task.sampler().fit_resample(wrap(task.texts), wrap_labels(task.labels.tolist()))
    column = X["text"] if isinstance(X, pl.DataFrame) else X
    assert list(column) == list(task.X_all)
    assert list(y) == task.y_all.tolist()


def test_a_pipeline_gives_what_it_gives_for_lists(task):
    def fitted(wrap):
        final = LogisticRegression()
        pipe = make_pipeline(task.sampler(), task.weighter(), TfidfVectorizer(), final)
        return pipe.fit(wrap(task.texts), wrap(task.labels.tolist())).predict_proba(wrap(task.new))

    assert fitted(pl.Series) == pytest.approx(fitted(list))


def test_a_table(task):
    rng = np.random.default_rng(0)
    X = pl.DataFrame({"age": rng.integers(20, 60, 30), "size": rng.normal(size=30).round(2)})
    y = pl.Series("kind", ["no"] * 20 + ["yes"] * 10)
    rows = [{"age": 20 + i, "size": i / 100, "label": "yes"} for i in range(10)]
    sampler = LLMOverSampler(generator=RecordedGenerator(rows, text_column=None))
    X_new, y_new = sampler.fit_resample(X, y)
    assert np.asarray(X_new)[:30].tolist() == X.to_numpy().tolist()
    assert np.asarray(X_new)[30:].tolist() == [[row["age"], row["size"]] for row in rows]
    assert list(y_new) == [*y, *["yes"] * 10]


def test_samplers_that_return_frames_of_pandas_are_refused_with_a_way_out():
    X = pl.DataFrame({"age": np.arange(30.0), "size": np.arange(30) % 7 / 2})
    y = np.repeat([0, 1], [20, 10])
    pipe = make_pipeline(SMOTE(random_state=0), LogisticRegression())
    with pytest.raises(TypeError, match=r"SMOTE returns frames of pandas only.*X\.to_pandas\(\)"):
        pipe.fit(X, y)
    pipe.fit(X.to_pandas(), y)
    scaler = StandardScaler().set_output(transform="polars")
    late = make_pipeline(scaler, SMOTE(random_state=0), LogisticRegression())
    with pytest.raises(TypeError, match=r"set_output\(transform=\"pandas\"\)"):
        late.fit(X, y)
    scaler.set_output(transform="pandas")
    late.fit(X, y)


def test_classifier_and_embedder(tiny, reviews):
    texts, labels = reviews
    assert TextEmbedder(tiny).fit_transform(pl.Series(texts)) == pytest.approx(
        TextEmbedder(tiny).fit_transform(texts)
    )
    settings = {"model": tiny, "device": "cpu", "max_epochs": 1, "random_state": 0}
    given = BertClassifier(**settings).fit(pl.Series(texts), pl.Series(labels.tolist()))
    expected = BertClassifier(**settings).fit(texts, labels)
    assert given.predict_proba(pl.Series(texts)) == pytest.approx(expected.predict_proba(texts))
