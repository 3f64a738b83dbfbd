"""The batches that models are given."""

import numpy as np
import pytest
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


def test_the_longest_texts_are_embedded_first(monkeypatch, texts, settings):
    widths, forward = [], transformers.BertModel.forward

    def watched(model, input_ids, **kwargs):
        widths.append(input_ids.shape[1])
        return forward(model, input_ids, **kwargs)

    monkeypatch.setattr(transformers.BertModel, "forward", watched)
    TextEmbedder(settings["model"], batch_size=8).transform(texts)
    assert len(widths) == 38
    assert widths == sorted(widths, reverse=True)
