import pickle
import shutil

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
def test_neighbours_hardly_matter(precision, forget):
    embedder = TextEmbedder(precision=precision)
    together = embedder.transform([*TEXTS, "a long text " * 30])[: len(TEXTS)]
    forget()
    alone = np.concatenate([embedder.transform([text]) for text in TEXTS])
    cosine = (together * alone).sum(axis=1)
    assert (cosine > (1 - 1e-5 if precision == "float32" else 1 - 5e-3)).all()


@pytest.mark.parametrize(
    "container",
    [np.array, pd.Series, pd.DataFrame, lambda t: np.array(t, dtype=object).reshape(-1, 1)],
)
def test_containers(container):
    embedder = TextEmbedder()
    assert np.array_equal(embedder.transform(container(TEXTS)), embedder.transform(TEXTS))


def test_repeated_texts_are_computed_once(monkeypatch):
    n_rows, forward = [], transformers.BertModel.forward

    def counted(model, input_ids, **kwargs):
        n_rows.append(len(input_ids))
        return forward(model, input_ids, **kwargs)

    monkeypatch.setattr(transformers.BertModel, "forward", counted)
    first = TextEmbedder().transform(["a", "b", "a"])
    assert np.array_equal(first[0], first[2])
    again = TextEmbedder().transform(["b", "c"])
    assert np.array_equal(again[0], first[1])
    assert n_rows == [2, 1]
    assert not np.array_equal(TextEmbedder(pooling="cls").transform(["a"]), first[:1])
    again[:] = 0
    assert np.array_equal(TextEmbedder().transform(["b"])[0], first[1])


def test_memo_is_bounded(embedder_module):
    memo = embedder_module._Memo(max_bytes=3000)
    for number in range(20):
        memo.put(("key", str(number)), np.zeros(100, dtype=np.float32))
        memo.get(("key", "0"))
    kept = [number for number in range(20) if memo.get(("key", str(number))) is not None]
    assert kept[0] == 0
    assert kept[-1] == 19
    assert len(kept) == 4


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
