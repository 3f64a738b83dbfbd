"""Scores of a pipeline at growing numbers of synthetic rows."""

import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.utils import column_or_1d

from sklw._callers import caller_level
from sklw._compat.scikit_learn import safe_indexing
from sklw._copies import apart, copy_groups, folded
from sklw._rows.rows import Rows
from sklw._validation import check_labels, check_texts, holds_texts
from sklw.metrics import neg_balanced_log_loss
from sklw.pipeline import Pipeline

__all__ = ["synthetic_size_curve"]


class _Chosen(BaseEstimator):
    """A sampler that returns some of the rows made earlier."""

    def __init__(self, X: Any, y: Any, rows: Rows, kept: np.ndarray) -> None:
        self.X, self.y, self.rows, self.kept = X, y, rows, kept

    def fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        rows, kept = self.rows, self.kept
        self.synthetic_mask_ = rows.synthetic[kept]
        if rows.parent_indices is not None:
            made = kept[self.synthetic_mask_]
            self.parent_indices_ = [rows.origin[rows.parent_indices[row]] for row in made]
        self.augmentation_mask_ = None if rows.augmented is None else rows.augmented[kept]
        self.groups_ = None if rows.groups is None else rows.groups[kept]
        return self.X, self.y


def synthetic_size_curve(
    pipeline: Pipeline,
    X: Any,
    y: Any,
    sizes: Any,
    *,
    cv: Any = 5,
    scoring: Any = neg_balanced_log_loss,
    n_jobs: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Cross-validate a pipeline at growing numbers of synthetic rows.

    The sampler runs once for each split, with its own `sampling_strategy`. Each size uses the first
    of its rows, spread evenly over the classes (or class x group cells) that it filled. So the sets
    are nested, and a language model has to write the largest only. Rows that repeat a held-out text
    are not trained on.

    Parameters
    ----------
    pipeline : sklw.Pipeline
        A pipeline with one over-sampler.
    X, y : array-like of shape (n_samples, ...)
        Real rows and labels.
    sizes : array-like of int
        Numbers of synthetic rows; 0 trains on the real rows alone.
    cv : int, splitter or iterable, default=5
        As in scikit-learn.
    scoring : str or callable, default=sklw.metrics.neg_balanced_log_loss
        As in scikit-learn.
    n_jobs : int, default=None
        Number of splits run in parallel.

    Returns
    -------
    sizes : ndarray of int of shape (n_sizes,)
        The sizes, ascending.
    scores : ndarray of shape (n_sizes, n_splits)
        Scores of the held-out real rows.

    Raises
    ------
    TypeError
        If the pipeline has no over-sampler, or several, or there are several scores.
    ValueError
        If a size is negative, or more than the sampler made.

    Warns
    -----
    UserWarning
        If training rows repeat a held-out text.

    See Also
    --------
    ScalingLaw : What the curve says about more rows.

    Examples
    --------
    >>> from imblearn.over_sampling import SMOTE
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklw import make_pipeline
    >>> from sklw.scaling import synthetic_size_curve
    >>> X, y = make_classification(300, weights=[0.9], random_state=0)
    >>> pipe = make_pipeline(SMOTE(random_state=0), LogisticRegression())
    >>> sizes, scores = synthetic_size_curve(pipe, X, y, [0, 50, 100])
    >>> scores.shape
    (3, 5)
    """
    if not hasattr(pipeline, "steps"):
        raise TypeError(
            f"synthetic_size_curve reads the steps of a pipeline, got {type(pipeline).__name__}. "
            "Pass the sklw.Pipeline itself; of a fitted search that is its best_estimator_."
        )
    if isinstance(scoring, (list, tuple, set, dict)):
        raise TypeError(
            f"A curve is of one score, got scoring={scoring!r}. Call synthetic_size_curve once for "
            "each; an LLMOverSampler with cache=True sends its requests once."
        )
    wanted = _whole_numbers(sizes)
    samplers = [at for at, (_, step) in enumerate(pipeline.steps) if hasattr(step, "fit_resample")]
    if len(samplers) != 1:
        raise TypeError(
            f"The pipeline has {len(samplers)} samplers, and the curve needs one whose rows are "
            "counted. Put one over-sampler such as LLMOverSampler into it."
        )
    labels = check_labels(y, estimator_name="synthetic_size_curve")
    scorer = check_scoring(pipeline, scoring)
    _check_before_generation(pipeline, X, labels, scorer)
    splits = list(check_cv(cv, labels, classifier=True).split(X, labels))
    if holds_texts(X):
        splits = _without_copies(splits, X)
    make = partial(_made, pipeline, samplers[0], X, labels)
    # One split shows whether far too few are made; all of them show it before any is scored.
    made = [make(*splits[0])]
    _check_enough(made, len(splits), wanted[-1])
    made += Parallel(n_jobs=n_jobs)(delayed(make)(*split) for split in splits[1:])
    _check_enough(made, len(splits), wanted[-1])
    scores = Parallel(n_jobs=n_jobs)(
        delayed(_scores)(pipeline, samplers[0], split, wanted, scorer) for split in made
    )
    return wanted, np.array(scores).T


def _whole_numbers(sizes: Any) -> np.ndarray:
    """Return the different sizes, ascending."""
    wanted = np.unique(column_or_1d(np.atleast_1d(sizes)))
    numbers = len(wanted) > 0 and wanted.dtype.kind in "iuf" and wanted[0] >= 0
    with np.errstate(invalid="ignore"):  # of what is no number
        whole = numbers and np.array_equal(wanted, wanted.astype(int))
    if not whole:
        raise ValueError(
            f"sizes must be whole numbers of rows, 0 or more, at least one of them; got {sizes}."
        )
    return wanted.astype(int)


def _check_before_generation(pipeline: Pipeline, X: Any, y: np.ndarray, scorer: Any) -> None:
    """Refuse what could not be fitted or scored, before a language model is asked."""
    whole = Pipeline(clone(pipeline).steps)
    whole._checked(X, y, whole._check_method_params("fit", {}))
    methods = np.atleast_1d(getattr(scorer, "_response_method", "default"))
    if not any(method == "default" or hasattr(whole, method) for method in methods):
        raise TypeError(
            f"The scorer reads {' or '.join(methods)}, which {type(whole.steps[-1][1]).__name__}, "
            "the last step of the pipeline, does not have. End with a classifier that has it, or "
            'pass a scoring that reads predictions alone, such as "balanced_accuracy".'
        )


def _without_copies(splits: list[tuple[Any, Any]], X: Any) -> list[tuple[Any, Any]]:
    """Leave copies of held-out texts out of the training."""
    copies = copy_groups(check_texts(X, estimator_name="synthetic_size_curve"))
    if copies.max() + 1 == len(copies):
        return splits
    every = np.arange(len(copies))
    parts = [(every[train], every[test]) for train, test in splits]
    without = [(apart(train, test, copies), test) for train, test in parts]
    dropped = max(len(a) - len(b) for (a, _), (b, _) in zip(parts, without, strict=True))
    if dropped:
        warnings.warn(
            f"Up to {dropped} training rows of a split repeat a held-out text (case, white space "
            "and Unicode form aside) and are left out: scores would be better than they are. Drop "
            "copies beforehand to train on as many rows in each split.",
            UserWarning,
            stacklevel=caller_level(),
        )
    return without


@dataclass(frozen=True)
class _Made:
    """A split with its synthetic rows, in the order in which they are used."""

    train: tuple[Any, np.ndarray]
    test: tuple[Any, np.ndarray]
    all_rows: tuple[Any, Any]
    rows: Rows
    order: np.ndarray


def _made(
    pipeline: Pipeline, at: int, X: Any, y: np.ndarray, train: np.ndarray, test: np.ndarray
) -> _Made:
    steps = clone(pipeline).steps
    X_train, X_test = safe_indexing(X, train), safe_indexing(X, test)
    for _, step in steps[:at]:
        if step is None or step == "passthrough":
            continue
        X_train = step.fit_transform(X_train, y[train])
        X_test = step.transform(X_test)
    sampler = steps[at][1]
    Pipeline(steps)._check_sampling(at, X_train, y[train], safe_indexing(X, train), {})
    X_all, y_all = sampler.fit_resample(X_train, y[train])
    rows = Rows.given(X_train).after(sampler, (X_train, y[train]), (X_all, y_all))
    order = _nested_order(np.asarray(y_all), rows.synthetic, rows.groups)
    if holds_texts(X_all) and holds_texts(X_test):
        tested = set(map(folded, check_texts(X_test, estimator_name="synthetic_size_curve")))
        new = check_texts(X_all, estimator_name="synthetic_size_curve")
        order = np.array([row for row in order if folded(new[row]) not in tested], dtype=int)
    return _Made((X_train, y[train]), (X_test, y[test]), (X_all, y_all), rows, order)


def _check_enough(made: list[_Made], n_splits: int, wanted: int) -> None:
    fewest = min(len(split.order) for split in made)
    if wanted > fewest:
        smaller = "smaller sizes" if len(made) < n_splits else f"sizes of at most {fewest}"
        raise ValueError(
            f"The sampler made {fewest} usable rows for a split, and a size of {wanted} was asked "
            "for. Raise its sampling_strategy, have LLMOverSampler write more rows with augment, "
            f"or ask for {smaller}."
        )


def _scores(
    pipeline: Pipeline, at: int, made: _Made, sizes: np.ndarray, scorer: Any
) -> list[float]:
    scores = []
    for size in sizes:
        kept = np.concatenate([np.flatnonzero(~made.rows.synthetic), np.sort(made.order[:size])])
        X, y = (safe_indexing(part, kept) for part in made.all_rows)
        steps = clone(pipeline).steps[at:]
        steps[0] = steps[0][0], _Chosen(X, y, made.rows, kept)
        rest = Pipeline(steps)
        scores.append(float(scorer(rest.fit(*made.train), *made.test)))
    return scores


def _nested_order(
    labels: np.ndarray, synthetic: np.ndarray, groups: np.ndarray | None = None
) -> np.ndarray:
    """Return the synthetic rows in turns: the first of each cell, the second of each, ..."""
    made = np.flatnonzero(synthetic)
    cells = [labels[made]] if groups is None else [labels[made], groups[made]]
    turn = pd.Series(made).groupby(cells).cumcount().to_numpy()
    return made[np.argsort(turn, kind="stable")]
