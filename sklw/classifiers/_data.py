"""What a training row consists of, the batches made of rows, and which are held out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import skorch
import torch
from sklearn.model_selection import train_test_split
from torch.utils.data import Subset

from sklw._copies import apart, copy_groups
from sklw._encoders.batches import length_bucketed_batches, pad_batch, sorted_batches

__all__ = ["Batches", "TextDataset", "hold_out", "real_alone"]


@dataclass(frozen=True)
class TextDataset(skorch.dataset.Dataset):
    """Tokenised texts with what belongs to each row; None stands for what is not known."""

    X: np.ndarray
    token_ids: list[np.ndarray]
    y: np.ndarray | None = None
    codes: np.ndarray | None = None  # labels as positions in `classes_`
    sample_weight: np.ndarray | None = None
    quality: np.ndarray | None = None  # P'(y|x), NaN where the weight is final
    synthetic: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.token_ids)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self.X[index], 0 if self.y is None else self.y[index]


class Batches:
    """Padded batches of a dataset, of texts of similar length.

    `seed` is that of the order, which differs from epoch to epoch; None sorts by length instead,
    in batches of `max_tokens` at most.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 32,
        seed: int | None = None,
        pad_id: int = 0,
        pad_multiple: int = 1,
        max_tokens: int | None = None,
    ):
        rows = np.arange(len(dataset))
        while isinstance(dataset, Subset):
            rows, dataset = np.asarray(dataset.indices)[rows], dataset.dataset
        self._rows, self._data = rows, dataset
        self._lengths = np.array([len(dataset.token_ids[row]) for row in rows])
        self._batch_size, self._pad_id, self._pad_multiple = batch_size, pad_id, pad_multiple
        self._rng = None if seed is None else np.random.default_rng(seed)
        self._weights = None
        if dataset.sample_weight is not None:
            # Divided by their mean, so that their scale does not act as a learning rate.
            weights = dataset.sample_weight[rows]
            scaled = np.zeros(len(dataset), dtype=np.float32)
            scaled[rows] = weights / (weights.mean() or 1.0)
            self._weights = scaled
        # Positions within `dataset` of the rows of each batch, of the latest epoch.
        self.batches = sorted_batches(self._lengths, batch_size, max_tokens)

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[dict[str, torch.Tensor], torch.Tensor | None]]:
        if self._rng is not None:
            self.batches = length_bucketed_batches(self._lengths, self._batch_size, self._rng)
        data = self._data
        for batch in self.batches:
            rows = self._rows[batch]
            inputs = pad_batch([data.token_ids[r] for r in rows], self._pad_id, self._pad_multiple)
            if self._weights is not None:
                inputs["sample_weight"] = torch.from_numpy(self._weights[rows])
            if data.quality is not None:
                inputs["quality"] = torch.from_numpy(data.quality[rows])
            codes = None if data.codes is None else torch.from_numpy(data.codes[rows])
            yield inputs, codes


def hold_out(dataset: TextDataset, fraction: float, seed: int) -> tuple[Subset, Subset]:
    """Split off rows for validation, stratified by class where the class sizes allow it.

    Synthetic rows are never held out as long as there are others; nor are all texts of a class, or
    most of the real rows, beside which there may be many times as many synthetic ones. Copies of a
    text held out are left out of the training.
    """
    codes = np.asarray(dataset.codes)
    copies = copy_groups(dataset.X)
    sole = pd.Series(copies).groupby(codes).transform("nunique").to_numpy() == 1
    eligible = ~np.isin(copies, copies[sole])
    most = 1.0
    if dataset.synthetic is not None and not dataset.synthetic[eligible].all():
        eligible &= ~dataset.synthetic
        most = max(fraction, 0.5)
    # One of several copies stands for all.
    eligible[eligible] = ~pd.Series(copies[eligible]).duplicated().to_numpy()
    candidates = np.flatnonzero(eligible)
    wanted = round(min(fraction * len(dataset), most * len(candidates)))
    n_valid = min(max(1, wanted), len(candidates) - 1)
    if n_valid < 1:
        raise ValueError(
            f"early_stopping needs rows to validate on, and none of the {len(dataset)} rows can be "
            "spared. Pass early_stopping=False or more rows."
        )
    counts = np.bincount(codes[candidates])
    counts = counts[counts > 0]
    fits = counts.min() > 1 and len(counts) <= min(n_valid, len(candidates) - n_valid)
    _, valid = train_test_split(
        candidates,
        test_size=n_valid,
        stratify=codes[candidates] if fits else None,
        random_state=seed,
    )
    valid = _without_whole_classes(np.sort(valid), codes, copies)
    train = apart(np.setdiff1d(np.arange(len(dataset)), valid), valid, copies)
    return Subset(dataset, train.tolist()), Subset(dataset, valid.tolist())


def _without_whole_classes(valid: np.ndarray, codes: np.ndarray, copies: np.ndarray) -> np.ndarray:
    """Take back the first text of each class that would have none to train on."""
    lost = np.setdiff1d(codes, codes[~np.isin(copies, copies[valid])])
    # The last text held out is the first of no such class, so that not all are taken back.
    first = pd.Series(copies).groupby(codes).min()[lost]
    return valid[~np.isin(copies[valid], first)]


def real_alone(dataset: Any, train: Any, valid: Any) -> tuple[Any, Any]:
    """Move the synthetic rows held out to the training rows, unless all of them are synthetic."""
    parts = (train, valid)
    ours = all(isinstance(part, Subset) and part.dataset is dataset for part in parts)
    if not ours or dataset.synthetic is None:
        return parts
    held_out = np.asarray(valid.indices)
    made = dataset.synthetic[held_out]
    if not made.any() or made.all():
        return parts
    rows = np.sort(np.concatenate([np.asarray(train.indices), held_out[made]]))
    return Subset(dataset, rows.tolist()), Subset(dataset, held_out[~made].tolist())
