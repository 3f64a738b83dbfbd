"""Checks of what LLMOverSampler is given beside the rows."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from imblearn.utils import check_target_type
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets

from sklw import _validation
from sklw._validation import check_groups, hint_at_numbered_classes
from sklw.exceptions import GenerationWarning
from sklw.over_sampling._containers import append_labels, rehearsed

__all__ = [
    "check_groups",
    "check_labels",
    "check_labels_appendable",
    "is_table",
    "name_of_group_column",
    "warn_of_numbered_classes",
]


def is_table(X: Any) -> bool:
    """Whether `X` has columns, so that it is a table and not a list of something else."""
    if hasattr(X, "shape"):
        return len(X.shape) == 2
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
    one_hot = y is not None and np.ndim(y) == 2 and np.shape(y)[1] > 1
    if one_hot:
        _refuse_missing(y)
        check_classification_targets(y)
        labels, _ = check_target_type(np.asarray(y), indicate_one_vs_all=True)
    else:
        labels = _validation.check_labels(y, estimator_name="LLMOverSampler")
    if len(labels) != n_rows:
        raise ValueError(
            f"X has {n_rows} rows and y has {len(labels)}: found input variables with "
            "inconsistent numbers of samples. Pass one label for each row."
        )
    labels = labels.tolist()
    if len(set(labels)) < 2:
        raise ValueError(
            f"y holds one class only ({labels[0]!r}); over-sampling balances two or more. "
            "Check the labels, or the split that this part of the data comes from."
        )
    return labels, one_hot


def check_labels_appendable(y: Any, labels: list[Any], one_hot: bool) -> None:
    """Append each class to `y` and look whether it is there."""
    classes = list(dict.fromkeys(labels))
    joined = rehearsed("y", y, lambda: append_labels(y, classes, one_hot=one_hot))
    if check_labels(joined, len(labels) + len(classes))[0] != [*labels, *classes]:
        raise TypeError(
            f"New labels do not fit into y, a {type(y).__name__}. Nothing has been sent. Pass a "
            "list, or a Series of str."
        )


def warn_of_numbered_classes(labels: list[Any], wanted: Sequence[Any]) -> None:
    """Warn if a prompt would name classes by the numbers that a meta-estimator gives."""
    hint = hint_at_numbered_classes(labels)
    if hint and wanted:
        warnings.warn(
            "Prompts name the classes by their labels alone, such as 'Category: 1', which tells a "
            f"model nothing. Say what they are with label_names.{hint}",
            GenerationWarning,
            stacklevel=4,
        )


def _refuse_missing(y: Any) -> None:
    if sparse.issparse(y):
        raise TypeError("LLMOverSampler got a sparse y. Pass y.toarray().")
    if np.ma.isMaskedArray(y) or pd.isna(np.asarray(y)).any():
        raise ValueError("y has missing values. Drop these rows, or give them a class.")


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
