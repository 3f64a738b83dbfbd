"""The scaling law: how a loss falls with the number of synthetic rows."""

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.stats import t
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_random_state, column_or_1d
from sklearn.utils.validation import check_is_fitted

from sklw._compat.scikit_learn import Interval, fit_context

__all__ = ["ScalingLaw"]

# Steps of 1.9 %: finer than any interval.
_EXPONENTS = np.geomspace(0.02, 5, 300)
_N_OFFSETS = 15
_PARAMETERS = ["floor", "scale", "exponent"]


class ScalingLaw(BaseEstimator):
    """``loss(N) = floor + scale * (N + offset) ** -exponent`` for N synthetic rows.

    The balanced loss of a classifier trained with N rows of a generator falls polynomially in N
    down to a floor, which depends on the bias of the generator [1]_. The real rows act like a head
    start of `offset` rows.

    Parameters
    ----------
    offset : float or None, default=None
        The head start in rows, above 0 if a size of 0 was measured; None estimates it, which takes
        some ten sizes over a wide range.
    confidence : float, default=0.9
        Level of the intervals.
    n_bootstrap : int, default=300
        Number of resamples of the repeats, or of the residuals where there are no repeats.
    random_state : int, RandomState or None, default=None
        Seed of the resamples.

    Attributes
    ----------
    floor_, scale_, exponent_, offset_ : float
        The parameters that fit best, by least squares over a grid; floor and scale are not
        negative.
    intervals_ : DataFrame
        `estimate`, `low` and `high` of floor, scale and exponent.
    recommended_size_ : int
        The measured size with the lowest mean loss, the smallest of equals.

    Raises
    ------
    ValueError
        If there are fewer sizes than parameters, a size or loss is negative, or anything is not
        finite.

    References
    ----------
    .. [1] R. Nakada et al., "Synthetic Oversampling: Theory and A Practical Approach Using LLMs
       to Address Data Imbalance", arXiv:2406.03628.

    Examples
    --------
    >>> import numpy as np
    >>> from sklw.scaling import ScalingLaw
    >>> sizes = np.arange(0, 2000, 200)
    >>> law = ScalingLaw(offset=100).fit(sizes, 0.3 + 5 * (sizes + 100.0) ** -0.5)
    >>> round(law.floor_, 2), round(law.exponent_, 1)
    (0.3, 0.5)
    >>> round(law.gain(1800, 3600), 3)
    0.033
    """

    _parameter_constraints: dict = {
        "offset": [Interval(Real, 0, None, closed="left"), None],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        "n_bootstrap": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        offset: float | None = None,
        confidence: float = 0.9,
        n_bootstrap: int = 300,
        random_state: Any = None,
    ) -> None:
        self.offset = offset
        self.confidence = confidence
        self.n_bootstrap = n_bootstrap
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, sizes: Any, losses: Any) -> Self:
        """Fit the law to measured losses.

        Parameters
        ----------
        sizes : array-like of shape (n_sizes,)
            Numbers of synthetic rows.
        losses : array-like of shape (n_sizes,) or (n_sizes, n_repeats)
            Losses; with repeats (folds or seeds, the same for all sizes) these are resampled.

        Returns
        -------
        self : ScalingLaw
            The fitted law.
        """
        sizes = _checked(sizes, self.offset)
        measured = check_array(losses, ensure_2d=False, input_name="losses", dtype=float)
        measured = measured[:, None] if measured.ndim == 1 else measured
        self._check(sizes, measured)
        means = measured.mean(axis=1)
        offsets = self._offsets(sizes)
        best = _fit(sizes, means[:, None], offsets)
        self.floor_, self.scale_, self.exponent_, self.offset_ = (float(v[0]) for v in best)
        resampled, inflation, freedom = self._resampled(sizes, measured)
        self._samples = _fit(sizes, resampled, offsets)
        self._level = self.confidence  # which set_params may change before a display is drawn
        self._spread = inflation * float(t.ppf((1 + self._level) / 2, freedom))
        rows = [self._interval(k, k > 0) for k in range(3)]
        self.intervals_ = pd.DataFrame(rows, index=_PARAMETERS, columns=["estimate", "low", "high"])
        # A size may come several times, with one loss each.
        different, place = np.unique(sizes, return_inverse=True)
        sums = np.bincount(place, means)
        self.recommended_size_ = int(different[(sums / np.bincount(place)).argmin()])
        return self

    def predict(self, sizes: Any) -> np.ndarray:
        """Return the loss that the law expects.

        Parameters
        ----------
        sizes : array-like of shape (n,)
            Numbers of synthetic rows, 0 or more; ``np.inf`` stands for the floor.

        Returns
        -------
        losses : ndarray of shape (n,)
            Losses.
        """
        check_is_fitted(self)
        return _law(_checked(sizes, self.offset_), *self._best())[:, 0]

    def predict_interval(self, sizes: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the bounds between which the law is expected to run.

        Parameters
        ----------
        sizes : array-like of shape (n,)
            Numbers of synthetic rows.

        Returns
        -------
        low, high : ndarray of shape (n,)
            Bounds at the level `confidence` of the fit.
        """
        check_is_fitted(self)
        expected = self.predict(sizes)
        half = self._spread * _law(_checked(sizes, self.offset_), *self._samples).std(axis=1)
        return expected - half, expected + half

    def gain(self, size: float, new_size: float) -> float:
        """Return by how much the loss is expected to fall from one size to another.

        Parameters
        ----------
        size, new_size : float
            Numbers of synthetic rows.

        Returns
        -------
        gain : float
            Positive if the new size is better.
        """
        before, after = self.predict([size, new_size])
        return float(before - after)

    def _best(self) -> tuple[np.ndarray, ...]:
        return tuple(
            np.array([v]) for v in (self.floor_, self.scale_, self.exponent_, self.offset_)
        )

    def _check(self, sizes: np.ndarray, measured: np.ndarray) -> None:
        if len(sizes) != len(measured):
            raise ValueError(
                f"There are {len(sizes)} sizes and losses of {len(measured)}. Pass a row of losses "
                "for each size."
            )
        needed = 3 if self.offset is not None else 4
        if len(np.unique(sizes)) < needed + 1:
            raise ValueError(
                f"{len(np.unique(sizes))} different sizes cannot tell {needed} parameters from "
                "noise. Measure more sizes" + (", or pass offset." if needed == 4 else ".")
            )
        if np.isinf(sizes).any():
            raise ValueError("A size is infinite. Pass the numbers of rows that were measured.")
        if (measured < 0).any():
            raise ValueError(
                f"Losses must not be negative, got {measured.min():g}: the law has a floor of 0 or "
                "more. Pass -scores of a scorer whose name starts with neg_, and 1 - scores of one "
                "whose best score is 1, such as accuracy."
            )

    def _offsets(self, sizes: np.ndarray) -> np.ndarray:
        if self.offset is not None:
            return np.array([float(self.offset)])
        return np.geomspace(max(sizes[sizes > 0].min() / 5, 1), sizes.max(), _N_OFFSETS)

    def _resampled(self, sizes: np.ndarray, measured: np.ndarray) -> tuple[np.ndarray, float, int]:
        """Return bootstrap losses, what their spread lacks, and its degrees of freedom."""
        rng = check_random_state(self.random_state)
        n_repeats = measured.shape[1]
        if n_repeats > 1:
            drawn = rng.randint(n_repeats, size=(self.n_bootstrap, n_repeats))
            resampled = measured[:, drawn].mean(axis=2)
            return resampled, float(np.sqrt(n_repeats / (n_repeats - 1))), n_repeats - 1
        fitted = _law(sizes, *self._best())[:, 0]
        residuals = measured[:, 0] - fitted
        freedom = len(sizes) - (3 if self.offset is not None else 4)
        drawn = rng.choice(residuals - residuals.mean(), size=(len(sizes), self.n_bootstrap))
        return fitted[:, None] + drawn, float(np.sqrt(len(sizes) / freedom)), freedom

    def _interval(self, which: int, logarithmic: bool) -> tuple[float, float, float]:
        estimate, samples = float(self._best()[which][0]), self._samples[which]
        if not logarithmic:
            half = self._spread * samples.std()
            return estimate, max(estimate - half, 0.0), estimate + half
        if estimate == 0:
            return 0.0, 0.0, self._spread * float(samples.std())
        tiny = np.finfo(float).tiny
        with np.errstate(over="ignore"):  # nothing is known then: from 0 to infinity
            factor = np.exp(self._spread * np.log(np.maximum(samples, tiny)).std())
        return estimate, estimate / factor, estimate * factor


def _checked(sizes: Any, offset: float | None) -> np.ndarray:
    found: np.ndarray = column_or_1d(sizes).astype(float)
    wrong = found[~(found >= 0)]
    if len(wrong):
        raise ValueError(f"Sizes are numbers of rows, 0 or more, none missing; got {wrong[0]:g}.")
    if offset == 0 and (found == 0).any():
        raise ValueError(
            "With offset=0 no size may be 0, where the law is infinite. Pass an offset above 0, "
            "such as the number of real rows."
        )
    return found


def _law(
    sizes: np.ndarray,
    floor: np.ndarray,
    scale: np.ndarray,
    exponent: np.ndarray,
    offset: np.ndarray,
) -> np.ndarray:
    return floor + scale * (sizes[:, None] + offset) ** -exponent


def _fit(sizes: np.ndarray, losses: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, ...]:
    """Fit each column of losses; for a given exponent and offset it is a linear regression.

    Returns
    -------
    floor, scale, exponent, offset : ndarray of shape (n_columns,)
        The best of all exponents and offsets of the grid.
    """
    powers = np.concatenate([(sizes + offset) ** -_EXPONENTS[:, None] for offset in offsets])
    top = powers.max(axis=1, keepdims=True)
    powers = powers / top
    centred = powers - powers.mean(axis=1, keepdims=True)
    mean = losses.mean(axis=0)
    around = losses - mean
    squares = (centred**2).sum(axis=1, keepdims=True)
    scale = np.maximum(centred @ around / squares, 0)
    floor = mean - scale * powers.mean(axis=1, keepdims=True)
    error = (around**2).sum(axis=0) - scale**2 * squares
    # A floor below 0 makes no sense for a loss: then the best fit through 0.
    all_squares = (powers**2).sum(axis=1, keepdims=True)
    through = np.maximum(powers @ losses / all_squares, 0)
    below = floor < 0
    error = np.where(below, (losses**2).sum(axis=0) - through**2 * all_squares, error)
    best, column = error.argmin(axis=0), np.arange(losses.shape[1])
    found = np.where(below, through, scale)[best, column] / top[best, 0]
    return (
        np.maximum(floor, 0)[best, column],
        found,
        np.tile(_EXPONENTS, len(offsets))[best],
        np.repeat(offsets, len(_EXPONENTS))[best],
    )
