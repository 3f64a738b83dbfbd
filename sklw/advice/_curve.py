"""Cross-validated predictions at growing numbers of rows, and what they score."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression

from sklw._copies import fold_numbers
from sklw._progress import progress
from sklw.advice._rows import Rows

__all__ = ["METHODS", "bootstrap_scores", "cross_validated"]

METHODS = ["nothing", "class weights", "tuned class weights"]
# Powers of the classes' shares that balanced classes are multiplied by: 0 leaves them balanced, 1
# undoes it, and below 0 the rare ones count even more.
_POWERS = np.linspace(-1, 1, 41)


@dataclass(frozen=True)
class _Fit:
    """A classifier to fit, and which predictions are its own."""

    slot: int
    class_weight: str | None
    train: np.ndarray
    test: np.ndarray


def cross_validated(
    rows: Rows,
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
    votes : ndarray of shape (3 + n_targets * n_shares, n_rows, n_classes)
        How often a row was given each class, by each of `METHODS`, and by tuned class weights with
        each share of the rows of each target's classes.
    """
    folds = [
        fold_numbers(rows.codes, rows.copies, cv, rng.randint(2**31 - 1)) for _ in range(n_repeats)
    ]
    fits = [list(_fits(rows, fold, targets, shares, rng)) for fold in folds]
    parallel = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
    predicted = parallel(delayed(_predict)(rows, fit) for repeat in fits for fit in repeat)
    n_fitted, n_classes = 2 + len(targets) * len(shares), rows.codes.max() + 1
    votes = np.zeros((1 + n_fitted, len(rows.codes), n_classes), dtype=np.float32)
    with progress(sum(map(len, fits)), "Cross-validation", "fit", verbose) as bar:
        for fold, repeat in zip(folds, fits, strict=True):
            found = np.empty((n_fitted, len(rows.codes), n_classes))
            for fit in repeat:
                found[fit.slot, fit.test] = next(predicted)
                bar.update()
            codes = [found[0].argmax(axis=1), found[1].argmax(axis=1)]
            codes += [_tuned(each, rows, fold, scoring) for each in found[1:]]
            for slot, given in enumerate(codes):
                votes[slot, np.arange(len(given)), given] += 1
    return votes


def _fits(
    rows: Rows,
    folds: np.ndarray,
    targets: Sequence[np.ndarray],
    shares: np.ndarray,
    rng: np.random.RandomState,
) -> Iterator[_Fit]:
    for fold in np.unique(folds):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        yield _Fit(0, None, train, test)
        yield _Fit(1, "balanced", train, test)
        slot = 2
        for target in targets:
            # Each row's place in a random order of its class, from 0 to 1: the sets are nested.
            codes = rows.codes[train]
            place = pd.Series(rng.permutation(len(train))).groupby(codes).rank(pct=True)
            place *= np.isin(codes, target)
            for share in shares:
                yield _Fit(slot, "balanced", train[place <= share], test)
                slot += 1


def _predict(rows: Rows, fit: _Fit) -> np.ndarray:
    """Return the logarithm of the probability of each class, of one not trained on -inf."""
    found = np.full((len(fit.test), rows.codes.max() + 1), -np.inf)
    X, y = rows.X[fit.train], rows.codes[fit.train]
    if len(np.unique(y)) < 2:
        found[:, y[:1]] = 0
        return found
    model = LogisticRegression(max_iter=1000, class_weight=fit.class_weight)
    model.fit(X, y, sample_weight=rows.represents[fit.train])
    with np.errstate(divide="ignore"):  # of a probability of 0
        found[:, model.classes_] = model.predict_log_proba(rows.X[fit.test])
    return found


def _tuned(log_proba: np.ndarray, rows: Rows, folds: np.ndarray, scoring: str) -> np.ndarray:
    """Decide by the class weights that score best on the other folds."""
    n_rows, n_classes = log_proba.shape
    shares = np.bincount(rows.codes, rows.represents)
    log_weights = np.multiply.outer(_POWERS, np.log(shares / shares.sum()))
    codes = (log_proba + log_weights[:, None]).argmax(axis=-1)
    shape = (len(_POWERS), folds.max() + 1, n_classes, n_classes)
    cells = np.ravel_multi_index(
        np.broadcast_arrays(np.arange(len(_POWERS))[:, None], folds, rows.codes, codes), shape
    )
    weights = np.broadcast_to(rows.represents, cells.shape)
    confusion = np.bincount(cells.ravel(), weights.ravel(), int(np.prod(shape))).reshape(shape)
    others = confusion.sum(axis=1, keepdims=True) - confusion
    return codes[_score(others, scoring).argmax(axis=0)[folds], np.arange(n_rows)]


def _score(confusion: np.ndarray, scoring: str) -> np.ndarray:
    hits, n_true = np.diagonal(confusion, axis1=-2, axis2=-1), confusion.sum(axis=-1)
    found = n_true if scoring == "balanced_accuracy" else (n_true + confusion.sum(axis=-2)) / 2
    return (hits / np.maximum(found, 1e-9)).mean(axis=-1)  # where a class is missing it is 0


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
    return _score(confusion, scoring)
