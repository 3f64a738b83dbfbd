"""Copies of a text: which rows say the same, and splits that keep them on one side."""

import unicodedata
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

__all__ = ["apart", "copy_groups", "fold_numbers", "folded"]


def folded(text: str) -> str:
    r"""Return what a text has in common with its copies: form, case and white space aside.

    Examples
    --------
    >>> from sklw._copies import folded
    >>> folded(" Free  PRIZE\u200b") == folded("free prize")
    True
    """
    # Twice, since folding the case of a composed character can take it apart.
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    if not text.isascii():
        text = "".join(char for char in text if unicodedata.category(char) != "Cf")  # zero-width
    return " ".join(text.split())


def copy_groups(texts: Iterable[str]) -> np.ndarray:
    """Give each text a number, which its copies share.

    Parameters
    ----------
    texts : iterable of str
        The texts.

    Returns
    -------
    groups : ndarray of int of shape (n_texts,)
        Numbers from 0, in order of appearance.
    """
    return pd.factorize(np.array([*map(folded, texts), None], dtype=object)[:-1])[0]


def fold_numbers(labels: np.ndarray, groups: np.ndarray, n_folds: int, seed: Any) -> np.ndarray:
    """Draw stratified folds that hold all rows of a group.

    Parameters
    ----------
    labels : ndarray of shape (n_rows,)
        Classes.
    groups : ndarray of int of shape (n_rows,)
        What :func:`copy_groups` gives; where no number is repeated, rows are drawn one by one.
    n_folds : int
        Number of folds, of which some are empty if there are fewer groups.
    seed : int or RandomState
        Seed.

    Returns
    -------
    folds : ndarray of int of shape (n_rows,)
        The fold of each row.
    """
    repeated = len(np.unique(groups)) < len(groups)
    splitter: Any = StratifiedGroupKFold if repeated else StratifiedKFold
    splits = splitter(n_folds, shuffle=True, random_state=seed).split(
        np.zeros(len(labels)), labels, groups if repeated else None
    )
    folds = np.zeros(len(labels), dtype=int)
    for fold, (_, test) in enumerate(splits):
        folds[test] = fold
    return folds


def apart(train: np.ndarray, test: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Leave out of the training rows those that belong to a group of the test rows."""
    return train[~np.isin(groups[train], groups[test])]
