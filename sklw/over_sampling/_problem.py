"""The checked input and the number of rows that each class needs; made once and passed on."""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from imblearn.utils import check_target_type
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets

from sklw._callers import caller_level
from sklw._validation import (
    check_groups,
    check_labels,
    check_one_label_each,
    check_texts,
    hint_at_numbered_classes,
    holds_texts,
)
from sklw.exceptions import GenerationWarning
from sklw.over_sampling._cells import Cell, ClassDescription, check_known, plan_cells
from sklw.over_sampling._containers import append_labels, as_table, rehearsed

__all__ = ["Problem", "make_problem", "warn_of_numbered_classes"]


@dataclass(frozen=True, eq=False)
class Problem:
    """A data set to over-sample."""

    kind: str  # of the rows: "text" or "table"
    rows: Any  # the real ones: an array of str, or a frame
    labels: list[Any]  # the class of each: plain values; numbers of columns, if `one_hot`
    one_hot: bool  # whether `y` has a column for each class
    groups: np.ndarray | None  # the group of each, if there are groups
    group_column: str | None  # of `rows`, that holds them
    descriptions: dict[Any, ClassDescription]  # how each class is named to a model
    cells: list[Cell]
    targets: dict[Any, int]  # rows to generate for balance by label, or by label and group

    @property
    def n_features(self) -> int:
        """The number of columns; 1 for texts."""
        return 1 if self.kind == "text" else int(self.rows.shape[1])


def make_problem(
    X: Any,
    y: Any,
    groups: Any = None,
    *,
    sampling_strategy: Any = "auto",
    augment: Any = 0,
    group_column: str | int | None = None,
    label_names: Mapping[Any, str] | None = None,
    label_descriptions: Mapping[Any, str] | None = None,
) -> Problem:
    """Check what is given, and plan; parameters as in LLMOverSampler."""
    kind = "text" if holds_texts(X) or not _is_table(X) else "table"
    rows: Any = check_texts(X, estimator_name="LLMOverSampler") if kind == "text" else as_table(X)
    labels, one_hot = _check_target(y, len(rows))
    _check_target_appendable(y, labels, one_hot)
    name = None
    if group_column is not None:
        name = _name_of_group_column(X, rows, group_column, groups)
        groups = rows[name]
    if groups is not None:
        groups = check_groups(groups, len(rows))
    classes = dict.fromkeys(labels)
    check_known("label_names", label_names, classes)
    check_known("label_descriptions", label_descriptions, classes)
    names, told = label_names or {}, label_descriptions or {}
    _refuse_equal_names(classes, names)

    def describe(label: Any, group: Any = None) -> ClassDescription:
        label_name = str(names.get(label, label))
        of_group = ""
        if group is not None:
            of_group = f", {'group' if group_column is None else group_column}: {group}"
        # In texts the parser looks for the label alone.
        tag = label_name if kind == "text" else ""
        return ClassDescription(label_name + of_group, told.get(label, ""), tag)

    cells, targets = plan_cells(labels, groups, sampling_strategy, augment, describe)
    descriptions = {cell.label: describe(cell.label) for cell in cells}
    return Problem(kind, rows, labels, one_hot, groups, name, descriptions, cells, targets)


def _refuse_equal_names(classes: Iterable[Any], names: Mapping[Any, str]) -> None:
    of_name: dict[str, Any] = {}
    for label in classes:
        name = str(names.get(label, label))
        other = of_name.setdefault(name.casefold(), label)
        if other != label and (label in names or other in names):
            raise ValueError(
                f"By label_names, the classes {other!r} and {label!r} are both called {name!r}, so "
                "that a model could not tell them apart. Give each a name of its own."
            )


def _is_table(X: Any) -> bool:
    """Whether `X` has columns, so that it is a table and not a list of something else."""
    if hasattr(X, "shape"):
        return len(X.shape) == 2
    return isinstance(X, (list, tuple)) and len(X) > 0 and isinstance(X[0], (list, tuple))


def _check_target(y: Any, n_rows: int) -> tuple[list[Any], bool]:
    """Return the class of each row, and whether `y` has a column for each class."""
    one_hot = y is not None and np.ndim(y) == 2 and np.shape(y)[1] > 1
    if one_hot:
        _refuse_missing(y)
        check_classification_targets(y)
        labels, _ = check_target_type(np.asarray(y), indicate_one_vs_all=True)
    else:
        labels = check_labels(y, estimator_name="LLMOverSampler")
    check_one_label_each(labels, n_rows)
    labels = labels.tolist()
    if len(set(labels)) < 2:
        raise ValueError(
            f"y holds one class only ({labels[0]!r}); over-sampling balances two or more. "
            "Check the labels, or the split that this part of the data comes from."
        )
    return labels, one_hot


def _check_target_appendable(y: Any, labels: list[Any], one_hot: bool) -> None:
    """Append each class to `y` and look whether it is there."""
    classes = list(dict.fromkeys(labels))
    joined = rehearsed("y", y, lambda: append_labels(y, classes, one_hot=one_hot))
    if _check_target(joined, len(labels) + len(classes))[0] != [*labels, *classes]:
        raise TypeError(
            f"New labels do not fit into y, a {type(y).__name__}. Nothing has been sent. Pass a "
            "list, or a Series of str."
        )


def warn_of_numbered_classes(labels: Iterable[Any]) -> None:
    """Warn if a prompt would name classes by the numbers that a meta-estimator gives."""
    if hint := hint_at_numbered_classes(labels):
        warnings.warn(
            "Prompts name the classes by their labels alone, such as 'Category: 1', which tells a "
            f"model nothing. Say what they are with label_names.{hint}",
            GenerationWarning,
            stacklevel=caller_level(),
        )


def _refuse_missing(y: Any) -> None:
    if sparse.issparse(y):
        raise TypeError("LLMOverSampler got a sparse y. Pass y.toarray().")
    if np.ma.isMaskedArray(y) or pd.isna(np.asarray(y)).any():
        raise ValueError("y has missing values. Drop these rows, or give them a class.")


def _name_of_group_column(X: Any, rows: Any, column: str | int, groups: Any) -> str:
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
