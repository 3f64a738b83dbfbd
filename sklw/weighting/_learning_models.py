"""The models that weights are learned in: a linear head on frozen features, or a whole BERT."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from scipy.sparse import issparse
from torch import nn

from sklw._encoders.batches import length_bucketed_batches, pad_batch
from sklw.classifiers._probe import fit_head

__all__ = ["BertModel", "HeadModel"]


class HeadModel:
    """A linear layer on fixed features, dense or sparse."""

    epochs = 20
    batch_size = 128
    step_size = 1.0
    max_reference = 512

    def __init__(
        self,
        features: Any,
        codes: np.ndarray,
        reference_features: Any,
        reference_codes: np.ndarray,
        seed: int,
    ):
        self._rng = np.random.default_rng(seed)
        self._features, self._reference = features, reference_features
        self.codes = torch.from_numpy(codes)
        self.reference_codes = torch.from_numpy(reference_codes)
        n_classes = 1 + int(max(codes.max(), reference_codes.max()))
        self.module: nn.Module = nn.Linear(features.shape[1], n_classes)
        for parameter in self.module.parameters():
            nn.init.zeros_(parameter)
        self.optimizer: torch.optim.Optimizer = torch.optim.Adam(self.module.parameters(), lr=0.05)

    def n_batches(self) -> int:
        """Count the batches of an epoch."""
        return -(-len(self.codes) // self.batch_size)

    def batches(self) -> Iterator[np.ndarray]:
        """Yield the rows of each batch."""
        order = self._rng.permutation(len(self.codes))
        yield from np.array_split(order, self.n_batches())

    def inputs(self, rows: np.ndarray) -> dict[str, torch.Tensor]:
        """Return the features of rows."""
        return {"input": _dense(self._features[rows])}

    def reference_batch(self) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """Return the reference rows, at most 512 of them."""
        rows = np.arange(len(self.reference_codes))
        if len(rows) > self.max_reference:
            rows = self._rng.choice(len(rows), self.max_reference, replace=False)
        return {"input": _dense(self._reference[rows])}, self.reference_codes[rows]


def _dense(features: Any) -> torch.Tensor:
    features = features.toarray() if issparse(features) else features
    return torch.from_numpy(np.asarray(features, dtype=np.float32))


class BertModel:
    """The whole network of a :class:`sklw.BertClassifier`, which is initialized here."""

    step_size = 0.01

    def __init__(
        self,
        classifier: Any,
        texts: np.ndarray,
        labels: np.ndarray,
        reference_texts: np.ndarray,
        reference_labels: np.ndarray,
        seed: int,
    ):
        # Forward-mode derivatives exist for plain attention and float32 only.
        classes = np.unique(np.concatenate([labels, reference_labels]))
        net = classifier.set_params(precision="float32", train_split=None, classes=classes)
        net.initialize()
        net.module_.encoder.set_attn_implementation("eager")
        self._net, self._rng = net, np.random.default_rng(seed)
        train = net.get_dataset(texts, labels)
        if net.head_init == "probe":
            fit_head(net, train)
        self._token_ids = train.token_ids
        self._lengths = np.array([len(ids) for ids in train.token_ids])
        reference = net.get_dataset(reference_texts, reference_labels)
        self._reference_ids = reference.token_ids
        self.codes = torch.from_numpy(train.codes).to(net.device)
        self.reference_codes = torch.from_numpy(reference.codes).to(net.device)
        self.module, self.optimizer, self.epochs = net.module_, net.optimizer_, net.max_epochs

    def n_batches(self) -> int:
        """Count the batches of an epoch."""
        return -(-len(self._lengths) // self._net.batch_size)

    def batches(self) -> Iterator[np.ndarray]:
        """Yield the rows of each batch, of like length."""
        yield from length_bucketed_batches(self._lengths, self._net.batch_size, self._rng)

    def inputs(self, rows: np.ndarray) -> dict[str, torch.Tensor]:
        """Return the padded token ids of rows."""
        return self._padded([self._token_ids[row] for row in rows])

    def reference_batch(self) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """Return a batch of reference rows drawn at random."""
        n_rows = len(self._reference_ids)
        rows = self._rng.choice(n_rows, min(n_rows, self._net.batch_size), replace=False)
        codes = self.reference_codes[torch.from_numpy(rows)]
        return self._padded([self._reference_ids[row] for row in rows]), codes

    def _padded(self, token_ids: list[np.ndarray]) -> dict[str, torch.Tensor]:
        batch = pad_batch(token_ids, self._net.tokenizer_.pad_token_id)
        return {name: tensor.to(self._net.device) for name, tensor in batch.items()}
