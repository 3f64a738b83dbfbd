"""Losses and accuracies that weight every class, or every group of every class, equally."""

import difflib
from collections.abc import Hashable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, log_loss, make_scorer
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import unique_labels

from sklw._compat.scikit_learn import Scorer

__all__ = [
    "balanced_group_accuracy",
    "balanced_log_loss",
    "group_accuracy",
    "group_log_loss",
    "group_scorer",
    "neg_balanced_log_loss",
    "neg_group_log_loss",
    "neg_worst_group_log_loss",
    "worst_group_accuracy",
]

_AVERAGES = ("balanced", "worst")
_METRICS = ("neg_log_loss", "accuracy")


def balanced_log_loss(y_true: Any, y_proba: Any, *, labels: Any = None) -> float:
    """Mean of the log-losses of the classes: the balanced risk of Nakada et al.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Labels.
    y_proba : array-like of shape (n,) or (n, n_classes)
        Probabilities of the second class, or of every class in sorted order.
    labels : array-like of shape (n_classes,), default=None
        The classes; None takes those of `y_true`.

    Returns
    -------
    loss : float
        The mean.

    Raises
    ------
    ValueError
        If there are no rows, or a label is missing.

    Examples
    --------
    >>> from sklw.metrics import balanced_log_loss
    >>> round(balanced_log_loss([0, 0, 0, 1], [0.2, 0.2, 0.2, 0.5]), 3)
    0.458
    """
    y_true = _column(y_true, "y_true")
    weights = compute_sample_weight("balanced", y_true)
    return float(log_loss(y_true, y_proba, sample_weight=weights, labels=labels))


def group_log_loss(
    y_true: Any, y_proba: Any, *, groups: Any = None, average: str = "balanced", labels: Any = None
) -> float:
    """Mean or worst of the log-losses of the cells, one for each group of each class.

    A cell without rows does not count.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Labels.
    y_proba : array-like of shape (n,) or (n, n_classes)
        Probabilities of the second class, or of every class in sorted order.
    groups : array-like of shape (n,)
        The group of each row, such as a place, a source or a background. It has to be given.
    average : {"balanced", "worst"}, default="balanced"
        Whether to take the mean over the cells, as in the balanced risk of Nakada et al.
        [1]_, or the worst of them, as Sagawa et al. do [2]_.
    labels : array-like of shape (n_classes,), default=None
        The classes; None takes those of `y_true`.

    Returns
    -------
    loss : float
        The mean, or the largest.

    Raises
    ------
    TypeError
        If there are no groups.
    ValueError
        If lengths differ, there are no rows, or a value is missing.

    References
    ----------
    .. [1] Nakada et al., Synthetic Oversampling: Theory and A Practical Approach Using LLMs to
       Address Data Imbalance, arXiv:2406.03628.
    .. [2] Sagawa et al., Distributionally Robust Neural Networks for Group Shifts, ICLR 2020.

    Examples
    --------
    >>> from sklw.metrics import group_log_loss
    >>> y, p, place = [0, 0, 1, 1], [0.1, 0.1, 0.9, 0.4], ["sea", "sea", "land", "sea"]
    >>> round(group_log_loss(y, p, groups=place), 3)
    0.376
    >>> round(group_log_loss(y, p, groups=place, average="worst"), 3)
    0.916
    """
    y_proba = check_array(y_proba, ensure_2d=False, input_name="y_proba")
    y_true, cells = _cells(y_true, groups, average, y_proba=y_proba)
    if labels is None:
        labels = np.unique(y_true)
        if len(labels) == 1:
            raise ValueError(
                f"y_true holds one class only, {labels[0]}. Pass all classes as labels."
            )
    losses = [log_loss(y_true[rows], y_proba[rows], labels=labels) for rows in cells]
    return float(np.mean(losses) if average == "balanced" else max(losses))


def group_accuracy(
    y_true: Any, y_pred: Any, *, groups: Any = None, average: str = "balanced"
) -> float:
    """Mean or worst of the accuracies of the cells, one for each group of each class.

    A cell without rows does not count.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Labels.
    y_pred : array-like of shape (n,)
        Predicted labels.
    groups : array-like of shape (n,)
        The group of each row, such as a place, a source or a background. It has to be given.
    average : {"balanced", "worst"}, default="balanced"
        Whether to take the mean over the cells, or the worst of them: the worst-group accuracy
        of Sagawa et al. [1]_.

    Returns
    -------
    accuracy : float
        The mean, or the smallest.

    Raises
    ------
    TypeError
        If there are no groups.
    ValueError
        If lengths differ, there are no rows, or a value is missing.

    References
    ----------
    .. [1] Sagawa et al., Distributionally Robust Neural Networks for Group Shifts, ICLR 2020.

    Examples
    --------
    >>> from sklw.metrics import group_accuracy
    >>> y, predicted, place = [0, 0, 1, 1, 1], [0, 0, 1, 0, 1], ["sea", "sea", "land", "sea", "sea"]
    >>> round(group_accuracy(y, predicted, groups=place), 3)
    0.833
    >>> group_accuracy(y, predicted, groups=place, average="worst")
    0.5
    """
    y_pred = _column(y_pred, "y_pred")
    y_true, cells = _cells(y_true, groups, average, y_pred=y_pred)
    accuracies = [accuracy_score(y_true[rows], y_pred[rows]) for rows in cells]
    return float(np.mean(accuracies) if average == "balanced" else min(accuracies))


def _cells(
    y_true: Any, groups: Any, average: str, **predictions: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Check the arguments and return the labels and the rows of each cell."""
    if average not in _AVERAGES:
        raise ValueError(f"average must be one of {_AVERAGES}, got {average!r}.")
    if groups is None:
        raise TypeError(
            "groups is missing: this score is about the cells of class and group. Pass groups, one "
            "for each row. For a scorer, take group_scorer(..., group_column=...) if they are a "
            "column of X; or call sklearn.set_config(enable_metadata_routing=True) and "
            "scorer.set_score_request(groups=True), and pass groups to fit or, as params, to "
            "cross_validate."
        )
    y_true, groups = _column(y_true, "y_true"), _column(groups, "groups")
    for name, values in {"groups": groups, **predictions}.items():
        if len(values) != len(y_true):
            raise ValueError(
                f"{name} must have one value for each row: y_true has {len(y_true)} rows, {name} "
                f"{len(values)}."
            )
    numbers = pd.Series(np.arange(len(y_true))).groupby([y_true, groups], sort=False)
    return y_true, [rows.to_numpy() for _, rows in numbers]


def _column(values: Any, name: str) -> np.ndarray:
    try:
        column = column_or_1d(values)
    except ValueError as error:
        raise ValueError(f"{name} must be one column of values: {error}") from error
    if not len(column):
        raise ValueError(f"{name} is empty. Pass at least one row.")
    missing = np.flatnonzero(pd.isna(column))
    if len(missing):
        raise ValueError(
            f"{name} has missing values, {len(missing)} of {len(column)}, the first in row "
            f"{missing[0]}. Fill them in, or leave these rows out."
        )
    return column


class _ProbaScorer(Scorer):
    """What `make_scorer` makes, but its metric learns what the columns are.

    A plain scorer fails on a fold that lacks a class, and takes the classes for sorted.
    """

    def _score(
        self, method_caller: Any, estimator: Any, X: Any, y_true: Any, **kwargs: Any
    ) -> float:
        # A class that the training rows lacked has probability 0.
        labels = unique_labels(estimator.classes_, y_true)

        def sorted_columns(*args: Any, **options: Any) -> np.ndarray:
            proba = np.asarray(method_caller(*args, **options))
            if proba.ndim == 1:  # scikit-learn keeps the second of two classes
                proba = np.column_stack([1 - proba, proba])
            columns = np.zeros((len(proba), len(labels)), dtype=proba.dtype)
            columns[:, np.searchsorted(labels, estimator.classes_)] = proba
            return columns

        return super()._score(sorted_columns, estimator, X, y_true, **kwargs | {"labels": labels})


def _scorer(metric: str, **kwargs: Any) -> Any:
    if metric == "accuracy":
        return make_scorer(group_accuracy, **kwargs)
    return _ProbaScorer(group_log_loss, -1, kwargs, "predict_proba")


neg_balanced_log_loss = _ProbaScorer(balanced_log_loss, -1, {}, "predict_proba")
# The groups come by metadata routing, for which users call `set_score_request(groups=True)`.
neg_group_log_loss = _scorer("neg_log_loss")
neg_worst_group_log_loss = _scorer("neg_log_loss", average="worst")
balanced_group_accuracy = _scorer("accuracy")
worst_group_accuracy = _scorer("accuracy", average="worst")


def group_scorer(
    metric: str = "neg_log_loss", *, group_column: Hashable, average: str = "balanced"
) -> "_GroupScorer":
    """Make a scorer that finds the groups in a column of `X`, without metadata routing.

    Parameters
    ----------
    metric : {"neg_log_loss", "accuracy"}, default="neg_log_loss"
        The negative of `group_log_loss`, or `group_accuracy`.
    group_column : str or int
        Name of the column if `X` is a DataFrame, its position if `X` is an array. The estimator
        gets the column too; leave it out there, for example with a ColumnTransformer, if it is
        not to be a feature.
    average : {"balanced", "worst"}, default="balanced"
        Whether to take the mean over the cells class x group, or the worst of them.

    Returns
    -------
    scorer : callable
        To be called as ``scorer(estimator, X, y)``, as in the `scoring` of a grid search.

    Raises
    ------
    ValueError
        If a parameter is unknown or, once called, `X` has no such column.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklw.metrics import group_scorer
    >>> X, y = pd.DataFrame({"place": ["sea", "sea", "land", "sea"]}), [0, 0, 0, 1]
    >>> scorer = group_scorer("accuracy", group_column="place", average="worst")
    >>> scorer(DummyClassifier().fit(X, y), X, y)
    0.0
    """
    for name, value, known in (("metric", metric, _METRICS), ("average", average, _AVERAGES)):
        if value not in known:
            raise ValueError(f"{name} must be one of {known}, got {value!r}.")
    return _GroupScorer(metric, group_column, average)


@dataclass(frozen=True)
class _GroupScorer:
    metric: str
    group_column: Hashable
    average: str

    def __call__(self, estimator: Any, X: Any, y: Any) -> float:
        scorer = _scorer(self.metric, average=self.average, groups=self._groups(X))
        return float(scorer(estimator, X, y))

    def __sklearn_clone__(self) -> "_GroupScorer":
        return self  # it cannot change

    def __repr__(self) -> str:
        return (
            f"group_scorer({self.metric!r}, group_column={self.group_column!r}, "
            f"average={self.average!r})"
        )

    def _groups(self, X: Any) -> Any:
        column = self.group_column
        if hasattr(X, "columns"):
            if column in X.columns:
                return X[column]
            names = [str(name) for name in X.columns]
            close = difflib.get_close_matches(str(column), names, 1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ValueError(
                f"X has no column {column!r}.{hint} Its columns are: "
                f"{', '.join(map(repr, X.columns))}. Set group_column to one of them."
            )
        if not isinstance(X, np.ndarray) or X.ndim != 2:
            raise ValueError(
                f"{self!r} looks for its groups in a DataFrame or a 2-D array, and X is neither. "
                "Pass one, or the groups by metadata routing."
            )
        if not isinstance(column, Integral) or not -X.shape[1] <= int(column) < X.shape[1]:
            raise ValueError(
                f"X is an array of {X.shape[1]} columns without names and has no column "
                f"{column!r}. Set group_column to a position from 0 to {X.shape[1] - 1}, or "
                "pass a DataFrame."
            )
        return X[:, int(column)]
