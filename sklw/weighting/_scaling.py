"""Scales of weights."""

from typing import Any

import numpy as np
import pandas as pd

from sklw.weighting._process import warn

__all__ = [
    "balanced",
    "clipped",
    "effective_sample_size",
    "mean_one",
    "normalized",
    "warn_of_collapse",
]

# Few rows may well differ; of many, a tenth is to carry the weight at least.
_ENOUGH, _COLLAPSED = 20, 0.1


def mean_one(weights: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Scale weights to mean 1, over all or within groups; where all are 0 they stay 0."""
    if not len(weights):
        return weights
    means: Any = weights.mean()
    if groups is not None:
        means = pd.Series(weights).groupby(groups).transform("mean").to_numpy()
    return weights / np.where(means > 0, means, 1.0)


def normalized(
    weights: np.ndarray, how: str, labels: np.ndarray, reference_labels: np.ndarray
) -> np.ndarray:
    """Scale weights to mean 1: over all, within each class, or so that classes are as in reality.

    Parameters
    ----------
    weights, labels : ndarray of shape (n,)
        Of the synthetic rows.
    how : {"all", "class", "prior"}
        Which.
    reference_labels : ndarray
        Labels of the real rows.

    Returns
    -------
    weights : ndarray of shape (n,)
        Scaled.
    """
    if how == "all":
        return mean_one(weights, None)
    weights = mean_one(weights, labels)
    if how == "prior":
        shares = pd.Series(reference_labels).value_counts(normalize=True)
        wanted = pd.Series(labels).map(shares).to_numpy(dtype=float)
        counts = pd.Series(labels).groupby(labels).transform("size").to_numpy()
        weights = mean_one(weights * wanted / counts, None)
    return weights


def clipped(weights: np.ndarray, bound: float | None, quantile: float | None) -> np.ndarray:
    """Bound weights by a number and by a quantile of themselves."""
    if bound is not None:
        weights = np.minimum(weights, bound)
    if quantile is not None and len(weights):
        weights = np.minimum(weights, np.quantile(weights, quantile))
    return weights


def effective_sample_size(weights: np.ndarray) -> float:
    """``sum(w)**2 / sum(w**2)``, 0 where all are 0."""
    squares = float(np.sum(weights**2))
    return float(np.sum(weights)) ** 2 / squares if squares else 0.0


def warn_of_collapse(effective: float, n_rows: int) -> None:
    """Warn if a few of many weights carry nearly everything."""
    if n_rows >= _ENOUGH and effective < _COLLAPSED * n_rows:
        warn(
            f"The weights of {n_rows} synthetic rows are worth {effective:.0f} equal ones: a few "
            "rows carry nearly all of the weight. Raise temperature, or lower clip.",
            stacklevel=4,
        )


def balanced(weights: np.ndarray, labels: np.ndarray, groups: Any = None) -> np.ndarray:
    """Give each class, or class x group cell, the same total; what has weight 0 stays at 0."""
    keys = [labels] if groups is None else [labels, np.asarray(groups)]
    cells = pd.Series(weights).groupby(keys)
    totals = cells.transform("sum").to_numpy()
    share = len(weights) / cells.ngroups
    return np.where(totals > 0, weights * share / np.where(totals > 0, totals, 1.0), 0.0)
