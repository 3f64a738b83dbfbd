"""Scales of weights."""

import numpy as np
import pandas as pd

__all__ = ["balanced", "mean_one"]


def mean_one(weights: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    if not len(weights):
        return weights
    if groups is None:
        mean = weights.mean()
        return weights / mean if mean > 0 else np.ones_like(weights)
    means = pd.Series(weights).groupby(groups).transform("mean").to_numpy()
    return np.where(means > 0, weights / np.where(means > 0, means, 1.0), 1.0)


def balanced(weights: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Give each class the same total weight; a class of weight 0 stays at 0."""
    totals = pd.Series(weights).groupby(labels).transform("sum").to_numpy()
    share = len(weights) / len(np.unique(labels))
    return np.where(totals > 0, weights * share / np.where(totals > 0, totals, 1.0), 0.0)
