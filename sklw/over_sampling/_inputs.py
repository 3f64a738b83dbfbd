"""Checks of what LLMOverSampler is given beside the rows."""

from typing import Any

import numpy as np
import pandas as pd
from imblearn.utils import check_target_type
from sklearn.utils.multiclass import check_classification_targets

__all__ = ["check_groups", "check_labels", "groups_in_table", "is_table"]


def is_table(X: Any) -> bool:
    """Whether `X` has columns, so that it is a table and not a list of something else."""
    if hasattr(X, "ndim"):
        return bool(X.ndim == 2)
    return isinstance(X, (list, tuple)) and len(X) > 0 and isinstance(X[0], (list, tuple))


def check_labels(y: Any, n_rows: int) -> tuple[list[Any], np.ndarray | None]:
    """Return the class of each row, and the classes if `y` has a column for each.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_classes)
        Labels.
    n_rows : int
        Length of X.

    Returns
    -------
    labels : list
        Plain Python values.
    columns : ndarray or None
        The classes that the columns of `y` stand for.
    """
    if y is None:
        raise ValueError(
            "LLMOverSampler requires y to be passed, but the target y is None: it has to know "
            "the class of each row."
        )
    check_classification_targets(y)
    y, one_hot = check_target_type(y, indicate_one_vs_all=True)
    labels = np.asarray(y)
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if len(labels) != n_rows:
        raise ValueError(
            f"X has {n_rows} rows and y has {len(labels)}: found input variables with "
            "inconsistent numbers of samples. Pass one label for each row."
        )
    classes = np.unique(labels)
    if len(classes) < 2:
        raise ValueError(
            f"y holds one class only ({classes[0]!r}); over-sampling balances two or more. "
            "Check the labels, or the split that this part of the data comes from."
        )
    return labels.tolist(), classes if one_hot else None


def check_groups(groups: Any, n_rows: int) -> np.ndarray:
    """Check that there is one group a row.

    Parameters
    ----------
    groups : array-like of shape (n_samples,)
        Groups of any type.
    n_rows : int
        How many rows there are.

    Returns
    -------
    groups : ndarray of object of shape (n_samples,)
        The groups, as plain Python values.
    """
    series = pd.Series(list(groups), dtype=object)
    if len(series) != n_rows:
        raise ValueError(f"groups has {len(series)} entries for {n_rows} rows. Pass one for each.")
    if series.isna().any():
        raise ValueError(
            f"groups has {int(series.isna().sum())} missing values. Fill them in, for example with "
            '"unknown", or leave those rows out.'
        )
    plain = [group.item() if isinstance(group, np.generic) else group for group in series]
    return np.fromiter(plain, dtype=object, count=n_rows)


def groups_in_table(rows: Any, column: str | int, groups: Any, is_text: bool) -> pd.Series:
    """Return the column that holds the groups."""
    if groups is not None:
        raise ValueError("Groups were passed and group_column is set: give one of the two.")
    if is_text:
        raise ValueError(
            f"group_column={column!r} names a column of a table, and X holds texts. Pass the "
            "groups to fit_resample(X, y, groups=...)."
        )
    if isinstance(column, str):
        if column not in rows.columns:
            raise ValueError(f"X has no column {column!r}. It has {list(rows.columns)}.")
        return rows[column]
    if not 0 <= column < rows.shape[1]:
        raise ValueError(f"X has no column {column}: it has {rows.shape[1]}, counted from 0.")
    return rows.iloc[:, column]
