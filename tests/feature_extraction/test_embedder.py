import pickle
import shutil
from itertools import product

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

from sklw import TextEmbedder
from sklw.exceptions import ModelNotFoundError

WORDS = ["good", "great", "fine", "bad"]
TEXTS = ["a cat", "a small kitten sat upon the old mat", "stock prices fell sharply", ""]


def test_embeds():
    X = TextEmbedder().fit_transform(TEXTS)
    assert X.shape == (4, 384)
    assert X.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(X, axis=1), 1, atol=1e-5)
    assert X[0] @ X[1] > X[0] @ X[2] + 0.2


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_equals_transformers(pooling):
    """The embedding is what transformers computes for the text alone."""
    from transformers import AutoModel, AutoTokenizer

    from sklw.models import locate_model

    folder = locate_model("all-MiniLM-L6-v2").location
    model, tokenizer = AutoModel.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    found = TextEmbedder(pooling=pooling, normalize=False, precision="float32").transform(TEXTS)
    for text, vector in zip(TEXTS, found, strict=True):
        with torch.no_grad():
            hidden = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        expected = hidden.mean(dim=0) if pooling == "mean" else hidden[0]
        np.testing.assert_allclose(vector, expected.numpy(), atol=1e-4)


@pytest.mark.parametrize("precision", ["float32", "auto"])
def test_neighbours_hardly_matter(precision):
    together = TextEmbedder(precision=precision).transform([*TEXTS, "a long text " * 30])
    # With another max_length no vector is remembered.
    embedder = TextEmbedder(precision=precision, max_length=200)
    alone = np.concatenate([embedder.transform([text]) for text in TEXTS])
    cosine = (together[: len(TEXTS)] * alone).sum(axis=1)
    assert (cosine > (1 - 1e-5 if precision == "float32" else 1 - 5e-3)).all()


@pytest.mark.parametrize(
    "container",
    [np.array, pd.Series, pd.DataFrame, lambda t: np.array(t, dtype=object).reshape(-1, 1)],
)
def test_containers(container):
    embedder = TextEmbedder()
    assert np.array_equal(embedder.transform(container(TEXTS)), embedder.transform(TEXTS))


@pytest.fixture
def n_rows(monkeypatch):
    """Count the rows of each batch that is embedded."""
    found = []
    for kind in (transformers.BertModel, transformers.DistilBertModel):

        def counted(model, input_ids, forward=kind.forward, **kwargs):
            found.append(len(input_ids))
            return forward(model, input_ids, **kwargs)

        monkeypatch.setattr(kind, "forward", counted)
    return found


def test_repeated_texts_are_computed_once(n_rows):
    first = TextEmbedder(max_length=99).transform(["a", "b", "a"])
    assert np.array_equal(first[0], first[2])
    again = TextEmbedder(max_length=99).transform(["b", "c"])
    assert np.array_equal(again[0], first[1])
    assert n_rows == [2, 1]
    other = TextEmbedder(max_length=99, pooling="cls").transform(["a"])
    assert not np.array_equal(other, first[:1])
    again[:] = 0
    assert np.array_equal(TextEmbedder(max_length=99).transform(["b"])[0], first[1])


@pytest.mark.slow
def test_what_is_remembered_is_bounded(n_rows, tiny, tmp_path):
    """Of vectors of two MiB, to about 127."""
    transformers.AutoTokenizer.from_pretrained(tiny).save_pretrained(tmp_path)
    config = transformers.DistilBertConfig(
        vocab_size=20, n_heads=1, dim=2**19, n_layers=0, hidden_dim=8, max_position_embeddings=8
    )
    transformers.DistilBertModel(config).save_pretrained(tmp_path)
    embedder = TextEmbedder(str(tmp_path))
    texts = [" ".join(words) for words in product(WORDS, repeat=4)]
    for start in range(0, 160, 20):
        embedder.transform(texts[:20])  # used all the time
        embedder.transform(texts[start : start + 20])
    n_rows.clear()
    embedder.transform([*texts[:20], *texts[140:160]])
    assert not n_rows
    embedder.transform(texts[20:22])
    assert n_rows == [2]


def test_scikit_learn_conventions():
    embedder = TextEmbedder(max_length=16)
    assert clone(embedder).get_params() == embedder.get_params()
    assert embedder.get_feature_names_out()[:2].tolist() == ["textembedder0", "textembedder1"]
    assert len(embedder.get_feature_names_out()) == embedder.n_features_out_ == 384
    frame = clone(embedder).set_output(transform="pandas").fit_transform(TEXTS)
    assert frame.shape == (4, 384)
    again = pickle.loads(pickle.dumps(embedder))
    assert np.array_equal(again.transform(TEXTS), embedder.transform(TEXTS))
    tags = get_tags(embedder)
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array
    assert not tags.requires_fit


def test_max_length_truncates():
    long, cut = "one two three four five six", "one two three"
    short = TextEmbedder(max_length=5)
    np.testing.assert_allclose(short.transform([long]), short.transform([cut]), atol=1e-5)
    assert not np.allclose(TextEmbedder().transform([long]), short.transform([cut]), atol=1e-2)
    beyond = TextEmbedder(max_length=100_000).transform(["word " * 700])
    assert np.isfinite(beyond).all()


def test_in_a_grid_search():
    texts = ["good film", "great film", "bad film", "awful film"] * 6
    grid = GridSearchCV(
        make_pipeline(TextEmbedder(), LogisticRegression()),
        {"textembedder__pooling": ["mean", "cls"], "logisticregression__C": [1, 10]},
        cv=2,
    ).fit(texts, [1, 1, 0, 0] * 6)
    assert grid.best_score_ == 1


@pytest.mark.parametrize(
    ("X", "error"), [("text", TypeError), (["a", None], ValueError), ([1], TypeError)]
)
def test_bad_input(X, error):
    with pytest.raises(error, match="TextEmbedder"):
        TextEmbedder().transform(X)
    with pytest.raises(error, match="TextEmbedder"):
        TextEmbedder().fit(X)


def test_bad_parameters(tmp_path):
    with pytest.raises(ValueError, match="pooling"):
        TextEmbedder(pooling="median").fit(TEXTS)
    with pytest.raises(ModelNotFoundError, match="no model at"):
        TextEmbedder(str(tmp_path / "none")).fit(TEXTS)


@pytest.mark.parametrize("content", [b"", b"\x10\x00\x00\x00\x00\x00\x00\x00{broken"])
def test_a_damaged_model_file_is_named(tiny, tmp_path, content):
    folder = shutil.copytree(tiny, tmp_path / "model")
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelNotFoundError, match="model"):
        TextEmbedder(str(folder)).fit_transform(["a text"])
