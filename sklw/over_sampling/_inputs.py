"""Checks of what LLMOverSampler is given beside the rows."""

from typing import Any

import numpy as np
import pandas as pd
from imblearn.utils import check_target_type
from sklearn.utils.multiclass import check_classification_targets

from sklw._validation import check_groups

__all__ = ["check_groups", "check_labels", "is_table", "name_of_group_column"]


def is_table(X: Any) -> bool:
    """Whether `X` has columns, so that it is a table and not a list of something else."""
    if hasattr(X, "ndim"):
        return bool(X.ndim == 2)
    return isinstance(X, (list, tuple)) and len(X) > 0 and isinstance(X[0], (list, tuple))


def check_labels(y: Any, n_rows: int) -> tuple[list[Any], bool]:
    """Return the class of each row, and whether `y` has a column for each class.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_classes)
        Labels.
    n_rows : int
        Length of X.

    Returns
    -------
    labels : list
        Plain Python values; numbers of columns, if there is one for each class.
    one_hot : bool
        Whether there is.
    """
    if y is None:
        raise ValueError(
            "LLMOverSampler requires y to be passed, but the target y is None: it has to know "
            "the class of each row."
        )
    check_classification_targets(y)
    if np.ndim(y) == 2 and np.shape(y)[1] > 1:
        y = np.asarray(y)
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
    return labels.tolist(), bool(one_hot)


def name_of_group_column(X: Any, rows: Any, column: str | int, groups: Any) -> str:
    """Return the name, in `rows`, of the column that holds the groups."""
    if groups is not None:
        raise ValueError("Groups were passed and group_column is set: give one of the two.")
    if isinstance(rows, np.ndarray):
        raise ValueError(
            f"group_column={column!r} names a column of a table, and X holds texts. Pass the "
            "groups to fit_resample(X, y, groups=...)."
        )
    names = list(X.columns) if isinstance(X, pd.DataFrame) else list(rows.columns)
    if column in names:  # a number may be a name
        return str(rows.columns[names.index(column)])
    if isinstance(column, str):
        raise ValueError(f"X has no column {column!r}. It has {names}.")
    if not 0 <= column < len(names):
        raise ValueError(f"X has no column {column}: it has {len(names)}, counted from 0.")
    return str(rows.columns[column])
