"""Copies of a text: which rows say the same, and splits that keep them on one side."""

import unicodedata
import warnings
from collections.abc import Iterable
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

__all__ = ["apart", "copy_groups", "fold_numbers", "folded"]

_MANY = 1000
# Two threads that put filters of warnings back would leave those of one of them.
_turn = Lock()


def folded(text: str) -> str:
    """Return what a text and its copies share: Unicode form, case and white space do not count."""
    # Twice, since folding the case of a composed character can take it apart.
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    if not text.isascii():
        text = "".join(char for char in text if unicodedata.category(char) != "Cf")  # zero-width
    return " ".join(text.split())


def copy_groups(texts: Iterable[str]) -> np.ndarray:
    """Return for each text a number shared by its copies: from 0, in order of appearance."""
    return pd.factorize(np.array([*map(folded, texts), None], dtype=object)[:-1])[0]


def fold_numbers(labels: np.ndarray, groups: np.ndarray, n_folds: int, seed: Any) -> np.ndarray:
    """Draw the fold of each row: stratified, and the same for all rows of a group.

    Classes of fewer rows than there are folds are missing in some of them.
    """
    _, first, place = np.unique(groups, return_index=True, return_inverse=True)
    repeated = len(first) < len(groups)
    if repeated and len(first) > _MANY:
        # One row stands for its group, since the other splitter is slow.
        return fold_numbers(labels[first], groups[first], n_folds, seed)[place]
    splitter: Any = StratifiedGroupKFold if repeated else StratifiedKFold
    splits = splitter(n_folds, shuffle=True, random_state=seed).split(
        np.zeros(len(labels)), labels, groups if repeated else None
    )
    folds = np.zeros(len(labels), dtype=int)
    with _turn, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        for fold, (_, test) in enumerate(splits):
            folds[test] = fold
    return folds


def apart(train: np.ndarray, test: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Drop the training rows that belong to a group of the test rows."""
    return train[~np.isin(groups[train], groups[test])]
