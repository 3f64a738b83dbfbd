"""What a training row consists of, the checks on it, and the batches made of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import skorch
import torch
from sklearn.model_selection import train_test_split
from sklearn.utils import check_array
from torch.utils.data import Subset

from sklw import _validation
from sklw._copies import apart, copy_groups
from sklw._encoding import length_bucketed_batches, pad_batch, sorted_batches
from sklw._row_weights import RowWeights

__all__ = [
    "Batches",
    "TextDataset",
    "check_labels",
    "check_row_weights",
    "check_weights",
    "hold_out",
    "real_alone",
    "refuse_unknown",
]


@dataclass(frozen=True)
class TextDataset(skorch.dataset.Dataset):
    """Tokenised texts with what belongs to each row.

    Attributes
    ----------
    X : ndarray of object, shape (n,)
        The texts.
    token_ids : list of ndarray of int64
        Their token ids.
    y : ndarray, shape (n,), or None
        Labels as the user gave them.
    codes : ndarray of int64, shape (n,), or None
        Labels as positions in ``classes_``.
    sample_weight : ndarray of float64, shape (n,), or None
        Weights; None stands for ones.
    quality : ndarray of float32, shape (n,), or None
        P'(y|x), NaN where the weight is final.
    synthetic : ndarray of bool, shape (n,), or None
        Which rows are synthetic; None where that is not known.
    """

    X: np.ndarray
    token_ids: list[np.ndarray]
    y: np.ndarray | None = None
    codes: np.ndarray | None = None
    sample_weight: np.ndarray | None = None
    quality: np.ndarray | None = None
    synthetic: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.token_ids)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self.X[index], 0 if self.y is None else self.y[index]


class Batches:
    """Padded batches of a dataset, of texts of like length.

    Parameters
    ----------
    dataset : TextDataset or Subset of one
        The rows.
    batch_size : int, default=32
        Rows in a batch.
    seed : int or None, default=None
        Seed of the order, which differs from epoch to epoch; None sorts by length instead.
    pad_id : int, default=0
        Id of the padding token.
    pad_multiple : int, default=1
        Batches are padded to a multiple of this.

    Attributes
    ----------
    batches : list of ndarray of int
        Positions within `dataset` of the rows of each batch, of the latest epoch.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 32,
        seed: int | None = None,
        pad_id: int = 0,
        pad_multiple: int = 1,
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
        self.batches = sorted_batches(self._lengths, batch_size)

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

    Synthetic rows are never held out as long as there are others; nor is the only text of a class.
    Copies of a text held out are left out of the training.

    Parameters
    ----------
    dataset : TextDataset
        All rows.
    fraction : float
        Share of the rows to hold out.
    seed : int
        Seed of the choice.

    Returns
    -------
    train, valid : Subset
        The two parts.
    """
    codes = np.asarray(dataset.codes)
    copies = copy_groups(dataset.X)
    eligible = pd.Series(copies).groupby(codes).transform("nunique").to_numpy() > 1
    if dataset.synthetic is not None and not dataset.synthetic[eligible].all():
        eligible &= ~dataset.synthetic
    # One of several copies stands for all.
    eligible[eligible] = ~pd.Series(copies[eligible]).duplicated().to_numpy()
    candidates = np.flatnonzero(eligible)
    n_valid = min(max(1, round(fraction * len(dataset))), len(candidates) - 1)
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
    valid = np.sort(valid)
    train = apart(np.setdiff1d(np.arange(len(dataset)), valid), valid, copies)
    return Subset(dataset, train.tolist()), Subset(dataset, valid.tolist())


def real_alone(dataset: Any, train: Any, valid: Any) -> tuple[Any, Any]:
    """Move the synthetic rows of a validation part to the training part, unless it has no others.

    Parameters
    ----------
    dataset : TextDataset
        All rows.
    train, valid : Dataset
        What a splitter made of them; other data than these rows are left as they are.

    Returns
    -------
    train, valid : Dataset
        The parts.
    """
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


def check_labels(y: Any, n_rows: int) -> np.ndarray:
    """Check labels: one for each text, none missing.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        Labels of any type that can be sorted.
    n_rows : int
        Number of texts.

    Returns
    -------
    y : ndarray of shape (n_rows,)
        The labels.
    """
    labels = _validation.check_labels(y, estimator_name="BertClassifier", warn=True)
    if len(labels) != n_rows:
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: {n_rows} texts and "
            f"{len(labels)} labels. Pass one label for each text."
        )
    return labels


def check_weights(sample_weight: Any, n_rows: int) -> np.ndarray | None:
    """Check weights: one for each row, finite, not negative, not all zero.

    Where their sum is beyond a float they are divided by the largest: proportions alone matter.

    Parameters
    ----------
    sample_weight : array-like of shape (n_rows,), or None
        The weights.
    n_rows : int
        Number of rows.

    Returns
    -------
    sample_weight : ndarray of float64, shape (n_rows,), or None
        The weights.
    """
    if sample_weight is None:
        return None
    weights = _check_row_property(sample_weight, n_rows, "sample_weight")
    if not np.isfinite(weights).all():
        at = int(np.flatnonzero(~np.isfinite(weights))[0])
        raise ValueError(f"sample_weight must be finite, got {weights[at]} at position {at}.")
    if (weights < 0).any():
        at = int(np.argmin(weights))
        raise ValueError(
            f"sample_weight must not be negative, got {weights[at]} at position {at}. Use 0 to "
            "leave a row out."
        )
    if not weights.any():
        raise ValueError("sample_weight is zero for every row: there is nothing to learn from.")
    with np.errstate(over="ignore"):
        total = weights.sum()
    return weights if 1e-300 < total < np.inf else weights / weights.max()


def check_row_weights(
    row_weights: Any, sample_weight: Any, n_rows: int
) -> dict[str, np.ndarray | None]:
    """Check RowWeights: one for each row, in place of plain weights.

    Parameters
    ----------
    row_weights : RowWeights
        The weights.
    sample_weight : array-like or None
        What else was given; must be None.
    n_rows : int
        Number of rows.

    Returns
    -------
    properties : dict
        `sample_weight`, `synthetic`, and `quality`, which is NaN for rows that it is not for.
    """
    if not isinstance(row_weights, RowWeights):
        raise TypeError(
            f"row_weights must be a sklw.RowWeights, got {type(row_weights).__name__}. Pass plain "
            "weights as sample_weight."
        )
    if sample_weight is not None:
        raise ValueError(
            "Weights were given twice: as row_weights and as sample_weight. Multiply them: "
            "row_weights=row_weights.times(sample_weight)."
        )
    if len(row_weights) != n_rows:
        raise ValueError(
            f"row_weights has shape ({len(row_weights)},), expected ({n_rows},): one weight for "
            "each text."
        )
    quality, synthetic = row_weights.quality, row_weights.synthetic
    if quality is not None and synthetic.any():
        quality = np.where(synthetic, quality, np.nan).astype(np.float32)
    else:
        quality = None
    weights = check_weights(row_weights.sample_weight, n_rows)
    return {"sample_weight": weights, "quality": quality, "synthetic": synthetic}


def refuse_unknown(arguments: dict[str, Any]) -> None:
    """Raise for arguments that fit does not know.

    Parameters
    ----------
    arguments : dict
        The arguments.
    """
    for name in arguments:
        hint = "It takes X, y, sample_weight and row_weights."
        if name.startswith("quality"):
            hint = (
                "Pass row_weights=sklw.RowWeights(sample_weight, synthetic, quality, "
                "finish=sklw.weighting.Dimp(clip=...).finisher(temperature=...)), which also says "
                "which rows are synthetic."
            )
        raise TypeError(f"BertClassifier.fit() got an unexpected argument {name!r}. {hint}")


def _check_row_property(values: Any, n_rows: int, name: str) -> np.ndarray:
    array = check_array(
        values, ensure_2d=False, dtype=np.float64, ensure_all_finite=False, input_name=name
    )
    if array.shape != (n_rows,):
        raise ValueError(
            f"{name} has shape {array.shape}, expected ({n_rows},): one value for each text."
        )
    return array
