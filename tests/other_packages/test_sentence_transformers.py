"""sentence-transformers as features, and our embedder beside it."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline as make_plain_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklw import SyntheticWeighter, TextEmbedder, make_pipeline

st = pytest.importorskip("sentence_transformers", reason="needs sentence-transformers")


@pytest.fixture(scope="module")
def folder(tiny, tmp_path_factory):
    """Return the folder of a model with mean pooling and vectors of length 1."""
    modules = pytest.importorskip(
        "sentence_transformers.sentence_transformer.modules", reason="needs version 6"
    )
    words = modules.Transformer(tiny, max_seq_length=16)
    pooling = modules.Pooling(words.get_embedding_dimension(), "mean")
    path = tmp_path_factory.mktemp("sentence") / "model"
    parts = [words, pooling, modules.Normalize()]
    st.SentenceTransformer(modules=parts, device="cpu").save(str(path))
    return str(path)


@pytest.fixture
def model(folder):
    return st.SentenceTransformer(folder, device="cpu")


def test_its_vectors_as_features(task, model):
    encode = FunctionTransformer(lambda texts: model.encode(list(texts)))
    pipe = make_pipeline(task.sampler(), task.weighter(), encode, LogisticRegression(C=100))
    pipe.fit(task.texts, task.labels)
    expected = LogisticRegression(C=100).fit(
        model.encode(list(task.X_all)), task.y_all, sample_weight=task.weights
    )
    assert pipe.predict_proba(task.new) == pytest.approx(
        expected.predict_proba(model.encode(task.new)), abs=1e-5
    )


def test_its_vectors_in_a_checker(task, folder, model):
    sampler = task.sampler()
    X, y = sampler.fit_resample(task.texts, task.labels)

    def qualities(features):
        checker = make_plain_pipeline(features, LogisticRegression(C=100))
        weighter = SyntheticWeighter("quality", checker=checker, random_state=0)
        weighter.fit(X, y, sampler.synthetic_mask_, sampler.parent_indices_)
        return weighter.quality_

    found = qualities(FunctionTransformer(lambda texts: model.encode(list(texts))))
    assert found == pytest.approx(qualities(TextEmbedder(folder)), abs=1e-2)
    assert np.ptp(found) > 0.1


def test_our_embedder_gives_the_same_vectors(folder, model, reviews):
    texts, _ = reviews
    found = TextEmbedder(folder).fit_transform(texts)
    assert np.asarray(found, dtype=float) == pytest.approx(
        model.encode(list(texts)).astype(float), abs=1e-3
    )


def test_either_embedder_leads_to_one_classifier(task, folder, model):
    encode = FunctionTransformer(lambda texts: model.encode(list(texts)))

    def fitted(features):
        pipe = make_pipeline(task.sampler(), task.weighter(), features, LogisticRegression())
        return pipe.fit(task.texts, task.labels).predict_proba(task.new)

    assert fitted(TextEmbedder(folder)) == pytest.approx(fitted(encode), abs=1e-2)
