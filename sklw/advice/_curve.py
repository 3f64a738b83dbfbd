"""Cross-validated predictions at growing numbers of rows, and what they score."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn import clone, config_context
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.utils import check_random_state

from sklw._copies import fold_numbers
from sklw._progress import progress
from sklw.advice._rows import Rows

__all__ = ["bootstrap_scores", "cross_validated"]


@dataclass(frozen=True)
class _Fit:
    """A classifier to fit, and which votes are its own."""

    slot: int
    method: str
    train: np.ndarray
    test: np.ndarray
    seed: int


def cross_validated(
    rows: Rows,
    methods: Sequence[str],
    targets: Sequence[np.ndarray],
    shares: np.ndarray,
    *,
    scoring: str,
    cv: int,
    n_repeats: int,
    n_jobs: int | None,
    rng: np.random.RandomState,
    verbose: bool,
) -> np.ndarray:
    """Predict each row by classifiers that saw neither it nor a copy of it.

    Returns
    -------
    votes : ndarray of shape (n_methods + n_targets * n_shares, n_rows, n_classes)
        How often a row was given each class, by each of the methods, and by class weights with
        each share of the rows of each target's classes.
    """
    fits: list[_Fit] = []
    for repeat in range(n_repeats):
        # Tuning takes long, and it varies little from one repetition to the next.
        chosen = [name for name in methods if name != "tuned threshold" or repeat == 0]
        fits += _fits(rows, chosen, len(methods), targets, shares, cv, rng)
    n_slots = len(methods) + len(targets) * len(shares)
    votes = np.zeros((n_slots, len(rows.codes), rows.codes.max() + 1), dtype=np.float32)
    parallel = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
    predicted = parallel(delayed(_predict)(rows, fit, scoring) for fit in fits)
    with progress(len(fits), "Cross-validation", "fit", verbose) as bar:
        for fit, codes in zip(fits, predicted, strict=True):
            votes[fit.slot, fit.test, codes] += 1
            bar.update()
    return votes


def _fits(
    rows: Rows,
    methods: Sequence[str],
    slot_of_curves: int,
    targets: Sequence[np.ndarray],
    shares: np.ndarray,
    cv: int,
    rng: np.random.RandomState,
) -> Iterator[_Fit]:
    for train, test in _splits(rows.codes, rows.copies, cv, rng):
        seed = rng.randint(2**31 - 1)
        for slot, method in enumerate(methods):
            yield _Fit(slot, method, train, test, seed)
        slot = slot_of_curves
        for target in targets:
            # Each row's place in a random order of its class, from 0 to 1: the sets are nested.
            codes = rows.codes[train]
            place = pd.Series(rng.permutation(len(train))).groupby(codes).rank(pct=True)
            place *= np.isin(codes, target)
            for share in shares:
                yield _Fit(slot, "class weights", train[place <= share], test, seed)
                slot += 1


def _splits(
    codes: np.ndarray, copies: np.ndarray, n_folds: int, random_state: Any
) -> list[tuple[np.ndarray, np.ndarray]]:
    seed = check_random_state(random_state).randint(2**31 - 1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        folds = fold_numbers(codes, copies, n_folds, seed)
    return [(np.flatnonzero(folds != f), np.flatnonzero(folds == f)) for f in np.unique(folds)]


def _predict(rows: Rows, fit: _Fit, scoring: str) -> np.ndarray:
    X, y = rows.X[fit.train], rows.codes[fit.train]
    if len(np.unique(y)) < 2:
        return np.full(len(fit.test), y[0] if len(y) else 0)
    model = LogisticRegression(
        max_iter=1000, class_weight=None if fit.method == "nothing" else "balanced"
    )
    weights = rows.represents[fit.train]
    if fit.method == "tuned threshold":
        splits = _splits(y, rows.copies[fit.train], 3, fit.seed)
        fitted = _with_tuned_threshold(model, X, y, weights, splits, scoring)
    else:
        fitted = model.fit(X, y, sample_weight=weights)
    return fitted.predict(rows.X[fit.test])


def _with_tuned_threshold(
    model: Any, X: np.ndarray, y: np.ndarray, weights: np.ndarray, splits: Any, scoring: str
) -> Any:
    # With routing the weights reach the scorer that chooses the threshold.
    with config_context(enable_metadata_routing=True):
        tuned = TunedThresholdClassifierCV(
            clone(model).set_fit_request(sample_weight=True),
            scoring=get_scorer(scoring).set_score_request(sample_weight=True),
            thresholds=50,
            cv=splits,
        )
        try:
            return tuned.fit(X, y, sample_weight=weights)
        except ValueError:  # it believes the same of every row: no threshold is better than another
            return model.fit(X, y, sample_weight=weights)


def bootstrap_scores(
    votes: np.ndarray, rows: Rows, scoring: str, n_bootstrap: int, rng: np.random.RandomState
) -> np.ndarray:
    """Score predictions on the rows, and on resamples of these.

    The Bayesian bootstrap: rows get random weights, copies the same, and no class is ever lost.

    Returns
    -------
    scores : ndarray of shape (1 + n_bootstrap, n_slots)
        The first are those on the rows themselves.
    """
    drawn = rng.exponential(size=(n_bootstrap, rows.copies.max() + 1))[:, rows.copies]
    weights = np.concatenate([np.ones((1, len(rows.codes))), drawn]) * rows.represents
    confusion = np.stack(
        [
            np.tensordot(weights[:, own], votes[:, own], axes=(1, 1))
            for own in (rows.codes == code for code in range(votes.shape[-1]))
        ],
        axis=-2,
    )
    hits, n_true = np.diagonal(confusion, axis1=-2, axis2=-1), confusion.sum(axis=-1)
    if scoring == "balanced_accuracy":
        return (hits / n_true).mean(axis=-1)
    return (2 * hits / (n_true + confusion.sum(axis=-2))).mean(axis=-1)
