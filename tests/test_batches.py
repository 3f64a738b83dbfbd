"""The batches that models are given."""

import numpy as np
import pytest
import torch
import transformers
from skorch.callbacks import Callback

from sklw import BertClassifier, TextEmbedder

WORDS = ["good", "great", "fine", "bad", "awful", "poor", "film", "book", "the", "a", "very", "x"]


class Watching(Callback):
    """Keeps the batches of each epoch."""

    def on_train_begin(self, net, **kwargs):
        self.epochs = []

    def on_epoch_begin(self, net, **kwargs):
        self.epochs.append([])

    def on_batch_begin(self, net, batch, training, **kwargs):
        if training:
            self.epochs[-1].append(batch[0])


@pytest.fixture(scope="module")
def texts():
    """Return 302 texts of 1 to 60 words, no two of which are alike."""
    rng = np.random.default_rng(0)
    return [
        " ".join(
            [*rng.choice(WORDS, rng.integers(0, 50)), *np.array(WORDS)[list(map(int, number))]]
        )
        for number in (np.base_repr(i, 10).zfill(3) for i in range(302))
    ]


@pytest.fixture(scope="module")
def epochs(settings, texts):
    """Return the batches of two epochs of training."""
    watching = Watching()
    arguments = {**settings, "batch_size": 4, "max_epochs": 2, "head_init": "random"}
    BertClassifier(**arguments, callbacks=[watching]).fit(texts, ["up", "down"] * 151)
    return watching.epochs


def rows(batches):
    """Return the token ids of each row, without the padding."""
    return [
        tuple(ids[mask.bool()].tolist())
        for batch in batches
        for ids, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True)
    ]


def test_every_row_comes_once_in_batches_of_the_size(epochs, texts, settings):
    tokenizer = transformers.AutoTokenizer.from_pretrained(settings["model"])
    expected = sorted(map(tuple, tokenizer(texts)["input_ids"]))
    for batches in epochs:
        assert sorted(rows(batches)) == expected
        assert sorted(len(batch["input_ids"]) for batch in batches) == [2, *[4] * 75]
        padding = [ids[~mask.bool()] for batch in batches for ids, mask in zip(
            batch["input_ids"], batch["attention_mask"], strict=True)]  # fmt: skip
        assert all((ids == tokenizer.pad_token_id).all() for ids in padding)


def test_buckets_save_padding_and_differ_from_epoch_to_epoch(epochs):
    first, second = epochs
    widths = [batch["input_ids"].shape[1] for batch in first]
    assert sum(batch["input_ids"].numel() for batch in first) < 1.1 * sum(map(len, rows(first)))
    assert widths != sorted(widths)
    assert {frozenset(rows([b])) for b in first}.isdisjoint(frozenset(rows([b])) for b in second)


@pytest.fixture
def shapes(monkeypatch):
    """Return the shapes of all batches that a BERT is given from now on."""
    found, forward = [], transformers.BertModel.forward

    def watched(model, input_ids, **kwargs):
        found.append(tuple(input_ids.shape))
        return forward(model, input_ids, **kwargs)

    monkeypatch.setattr(transformers.BertModel, "forward", watched)
    return found


def test_the_longest_texts_are_embedded_first(shapes, texts, settings):
    TextEmbedder(settings["model"], batch_size=8).transform(texts)
    assert len(shapes) == 38
    assert [width for _, width in shapes] == sorted((w for _, w in shapes), reverse=True)


@pytest.mark.parametrize("threads", [1, 2])
def test_batches_of_long_texts_are_smaller_on_a_cpu(shapes, texts, settings, threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        clf = BertClassifier(**settings, max_epochs=1).fit(texts[:4], ["up", "down"] * 2)
        shapes.clear()
        clf.predict(texts)
        # Other texts than those embedded before, which are remembered.
        TextEmbedder(settings["model"], batch_size=64).transform(
            [f"{text} {threads}" for text in texts]
        )
    finally:
        torch.set_num_threads(before)
    assert sum(rows for rows, _ in shapes) == 2 * len(texts)
    assert max(rows * width for rows, width in shapes) <= 1024 * threads
    assert len(shapes) < 2 * sum(rows * width for rows, width in shapes) / (1024 * threads) + 2
