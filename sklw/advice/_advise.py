"""Measure what more rows of each class could bring."""

from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from sklw._compat.scikit_learn import Interval, StrOptions, validate_parameter_constraints
from sklw.advice._advice import ALL_CLASSES, Advice, verdict_on
from sklw.advice._cost import tokens_for
from sklw.advice._curve import METHODS, bootstrap_scores, cross_validated
from sklw.advice._law import continued
from sklw.advice._rows import MOST_ROWS, Rows, check_rows, encode_rows
from sklw.generators import BaseGenerator

__all__ = ["advise"]

_FEWEST_ROWS = 15  # of a class: a curve of fewer says nothing
_SHARES = np.array([0, *np.geomspace(1 / 8, 1, 5)])
_N_FOLDS = 5
_N_FITS = 150
_N_BOOTSTRAP = 300
_N_DRAWS = 4000
_SCORINGS = {"balanced_accuracy", "f1_macro"}
# Times the deviation of a single hit: by how much the scores of two training sets of equal size
# differ, which resamples of one set do not show. Measured, see docs/advice_benchmark.md.
_LUCK = 0.02
_COLUMNS = ["n_rows", "gain", "low", "high", "verdict", "tokens"]
_NO_POINTS = pd.DataFrame(columns=["n_rows", "score", "measured", "label"])

_CONSTRAINTS = {
    "scoring": [StrOptions(_SCORINGS)],
    "worth": [Interval(Real, 0, 1, closed="both")],
    "confidence": [Interval(Real, 0, 1, closed="neither")],
    "generator": [BaseGenerator, None],
    "n_jobs": [Integral, None],
    "verbose": ["boolean"],
    "random_state": ["random_state"],
}


def advise(
    X: Any,
    y: Any,
    *,
    scoring: str = "balanced_accuracy",
    worth: float = 0.01,
    confidence: float = 0.9,
    encoder: Any = None,
    generator: Any = None,
    n_jobs: int | None = None,
    verbose: bool = False,
    random_state: Any = None,
) -> Advice:
    """Say what more rows of each class could bring, before any is generated.

    A logistic regression on sentence embeddings (or on the scaled and one-hot encoded columns of a
    table) is cross-validated with growing numbers of real rows of one class and all rows of the
    others. Its class weights are tuned (for two classes this amounts to a threshold), because what
    better weights gain costs nothing. A law that ends as a power law extrapolates the curve to
    twice the rows. Generated rows rarely bring more than the same number of real ones. No language
    model is used.

    Parameters
    ----------
    X : array-like of str of shape (n_samples,), or DataFrame or array of rows
        Real rows.
    y : array-like of shape (n_samples,)
        Their classes.
    scoring : {"balanced_accuracy", "f1_macro"}, default="balanced_accuracy"
        The score to be improved.
    worth : float, default=0.01
        The smallest gain of the score that would be worth generating rows for: 0.01 is one point.
        The verdict is positive if the gain reaches it with a probability of at least 75 %, and
        negative if with at most 15 %.
    confidence : float, default=0.9
        Level of the intervals.
    encoder : transformer, default=None
        Turns rows into numbers. None takes :class:`~sklw.TextEmbedder` for texts, and scales or
        one-hot encodes the columns of a table.
    generator : generator, default=None
        The language model that would write the rows: its tokens are counted. None counts one
        token per four bytes.
    n_jobs : int, default=None
        Number of threads.
    verbose : bool, default=False
        Whether to show a progress bar.
    random_state : int, RandomState or None, default=None
        Seed of all draws.

    Returns
    -------
    advice : Advice
        Prints as sentences; `frame` has the figures.

    Raises
    ------
    ValueError
        If there are fewer than two classes, no class has two rows, hardly any rows differ, or a
        text or label is missing.

    See Also
    --------
    sklw.LLMOverSampler.estimate : What a run of the sampler would cost.
    sklw.scaling.synthetic_size_curve : The score at growing numbers of generated rows.

    Notes
    -----
    A class with fewer than 15 rows is too small for a curve. Of a class with more than 2,000 rows,
    2,000 are drawn and stand for all. Copies of a row are never on both sides of a split. Scores
    are for new rows with the same class shares as in `y`.

    Examples
    --------
    >>> from sklw import advise
    >>> from sklw.datasets import load_maintenance_requests
    >>> corpus = load_maintenance_requests()
    >>> print(advise(corpus.data, corpus.target, random_state=0))
    Balanced accuracy of logistic regression, cross-validated, with 90% intervals: ...
    Class 'hazard', 110 rows: twice as many would bring about ... points ...
    """
    given = {name: value for name, value in locals().items() if name in _CONSTRAINTS}
    validate_parameter_constraints(_CONSTRAINTS, given, caller_name="advise")
    X, labels = check_rows(X, y)
    rng = check_random_state(random_state)
    rows = encode_rows(X, labels, encoder, rng)
    classes, counts = np.unique(labels, return_counts=True)
    targets = _targets(counts)
    curved = [target for target in targets if counts[target].min() >= _FEWEST_ROWS]
    scores = _measured(rows, curved, counts, scoring, n_jobs, rng, verbose)
    tails = (1 - confidence) / 2, (1 + confidence) / 2
    low, high = np.quantile(scores[1:], tails, axis=0)
    methods = pd.DataFrame({"score": scores[0], "low": low, "high": high}).head(len(METHODS))
    methods.index = pd.Index(METHODS)
    curves = iter(np.split(scores[:, len(METHODS) :], len(curved) or 1, axis=1))
    found, points = [], []
    for target in targets:
        wanted = {classes.tolist()[code]: 2 * int(counts[code]) for code in target}
        label = ALL_CLASSES if len(target) > 1 else next(iter(wanted))
        row = {"label": label, "n_rows": counts[target].sum(), "verdict": "too few rows"}
        if counts[target].min() >= _FEWEST_ROWS:
            curve = np.column_stack([next(curves), scores[:, len(METHODS) - 1]])
            measured, gains = _continue(curve, counts[target].min(), len(classes), rng)
            points.append(measured.assign(label=label))
            row |= {"gain": gains.mean(), "verdict": verdict_on(gains, worth)}
            row["low"], row["high"] = np.quantile(gains, tails)
            row["tokens"] = tokens_for(X, labels, wanted, generator)
        found.append(row)
    return Advice(
        frame=pd.DataFrame(found, columns=["label", *_COLUMNS]).set_index("label"),
        methods=methods if curved else methods[:-1],
        curves=pd.concat(points, ignore_index=True) if points else _NO_POINTS,
        scoring=scoring,
        confidence=confidence,
    )


def _measured(
    rows: Rows,
    curved: list[np.ndarray],
    counts: np.ndarray,
    scoring: str,
    n_jobs: int | None,
    rng: np.random.RandomState,
    verbose: bool,
) -> np.ndarray:
    """Cross-validate, as often as there is time, and return scores and resamples of them."""
    n_folds, n_different = min(_N_FOLDS, counts.max()), rows.copies.max() + 1
    if n_different < n_folds:
        raise ValueError(
            f"There are only {n_different} different rows among {len(rows.copies)}: too few to "
            "learn from some and be tested on others. Have the rows and the labels been swapped, "
            "or the wrong column been passed?"
        )
    n_fits = n_folds * (2 + len(curved) * (len(_SHARES) - 1))
    votes = cross_validated(
        rows,
        curved,
        _SHARES[:-1],
        scoring=scoring,
        cv=n_folds,
        n_repeats=int(np.clip(_N_FITS // n_fits, 1, 6)),
        n_jobs=n_jobs,
        rng=rng,
        verbose=verbose,
    )
    return bootstrap_scores(votes, rows, scoring, _N_BOOTSTRAP, rng)


def _continue(
    scores: np.ndarray, n_rows: int, n_classes: int, rng: np.random.RandomState
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the points of a curve up to twice the rows, and draws of the gain by these."""
    n_used = min(n_rows, MOST_ROWS)
    sizes = np.floor(_SHARES * n_used * (1 - 1 / _N_FOLDS))
    ahead = np.array([n_rows, 2 * n_rows])
    last = scores[0, -1]
    half_a_row = 0.5 / (n_classes * n_used)  # is found more or less
    noise = np.hypot(half_a_row, _LUCK * np.sqrt(last * (1 - last)))
    drawn = continued(sizes, scores, ahead, noise=noise, n_draws=_N_DRAWS, rng=rng)
    points = pd.DataFrame(
        {
            "n_rows": np.concatenate([sizes, ahead]).astype(int),
            "score": np.concatenate([scores[0], drawn.mean(axis=0)]),
            "measured": [True] * len(sizes) + [False, False],
        }
    )
    return points, drawn[:, 1] - drawn[:, 0] + noise * rng.normal(size=_N_DRAWS)


def _targets(counts: np.ndarray) -> list[np.ndarray]:
    """Return the code of each class that could be filled up, the rarest first; or all codes."""
    smaller = [
        np.array([code])
        for code in np.argsort(counts, kind="stable")
        if counts[code] < counts.max()
    ]
    return smaller or [np.arange(len(counts))]
