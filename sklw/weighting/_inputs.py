"""What comes in: rows, labels, which are synthetic, and what they were generated from."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils import check_array
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from sklw._validation import check_texts, holds_texts

__all__ = ["check_mask", "check_rows", "row_keys", "rows_seen"]


def check_rows(X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    if y is None:
        raise ValueError(
            "SyntheticWeighter requires y to be passed, but the target y is None: weights depend "
            "on the labels."
        )
    if holds_texts(X):
        rows: Any = check_texts(X, estimator_name="SyntheticWeighter")
    else:
        rows = check_array(
            X, accept_sparse="csr", ensure_all_finite="allow-nan", estimator="SyntheticWeighter"
        )
    check_classification_targets(y)
    labels = column_or_1d(y)
    n_rows = rows.shape[0]
    if len(labels) != n_rows:
        raise ValueError(
            f"X has {n_rows} rows and y has {len(labels)}: found input variables with inconsistent "
            "numbers of samples. Pass one label for each row."
        )
    return rows, labels


def check_mask(synthetic: Any, n_rows: int) -> np.ndarray:
    mask = column_or_1d(synthetic)
    if len(mask) != n_rows or not np.isin(mask, (0, 1)).all():
        raise ValueError(
            f"synthetic must hold one True or False for each of the {n_rows} rows, got "
            f"{len(mask)} values of type {mask.dtype}."
        )
    return mask.astype(bool)


def row_keys(rows: Any) -> Sequence[Any]:
    if rows.ndim == 1:
        return rows.tolist()
    if issparse(rows):
        rows = rows.toarray()
    return pd.util.hash_pandas_object(pd.DataFrame(rows), index=False).tolist()


def rows_seen(position: np.ndarray, parent_indices: Any, n_rows: int) -> list[np.ndarray]:
    """For each row, where it or its parents stand among the rows P' is fitted on."""
    own = [np.array([at]) if at >= 0 else np.array([], dtype=int) for at in position]
    if parent_indices is None:
        return own
    if len(parent_indices) != n_rows:
        raise ValueError(
            f"parent_indices has {len(parent_indices)} entries for {n_rows} rows. Give one array "
            "of row numbers for each row, empty where there is no parent."
        )
    seen = []
    for mine, parents in zip(own, parent_indices, strict=True):
        parents = np.asarray(parents, dtype=int)
        tied = np.concatenate([mine, position[parents]])
        seen.append(tied[tied >= 0])
    return seen
