"""IMP-Loss and DIMP-Loss of Kuo et al. (ICLR 2025)."""

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from sklw._compat.scikit_learn import Interval
from sklw._cross_fitting import CHECKER
from sklw.weighting._evidence import Evidence
from sklw.weighting.methods._base import BaseMethod, bounded

__all__ = ["Dimp", "Imp"]

# A probability of exactly 0 would make a ratio infinite.
_SMALLEST = 1e-6
# exp(30) is about 1e13: beyond any sensible ratio, and its gradient is still finite.
_MAX_LOG_RATIO = 30.0
# Temperatures beyond these are 0 or infinite in single precision, and 0 / 0 has no value.
_COLDEST, _HOTTEST = 1e-30, 1e30
_CLIP = [Interval(Real, 0, None, closed="neither"), None]


class Imp(BaseMethod):
    """P'(y|x) / Q(y|x), frozen before training: IMP-Loss [1]_.

    The diversity checker Q is fitted on the synthetic rows themselves, so a row that looks unlike
    the others of its label counts more.

    Parameters
    ----------
    diversity_checker : {"embedding", "bert"} or classifier, default="embedding"
        What Q is; see `checker` of :class:`SyntheticWeighter`. Q judges the rows that it was
        fitted on, as in [1]_. Out of fold, Q would be low where a label is wrong, so that dividing
        by it would reward wrong labels.
    clip : float or None, default=10.0
        Upper bound of the ratio before tempering; None for no bound.

    References
    ----------
    .. [1] H.-K. Kuo et al., "Not All LLM-Generated Data Are Equal: Rethinking Data Weighting in
       Text Classification", ICLR 2025.

    Examples
    --------
    >>> import numpy as np
    >>> from sklw.weighting import Imp, SyntheticWeighter
    >>> X = np.array([[0.0], [0.2], [0.4], [2.0], [2.2], [2.4], [2.1], [0.1]])
    >>> y = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    >>> weighter = SyntheticWeighter(Imp(clip=2.0)).fit(X, y, synthetic=np.arange(8) >= 6)
    >>> weighter.diversity_.shape
    (8,)
    """

    _parameter_constraints: dict = {"diversity_checker": CHECKER, "clip": _CLIP}

    def __init__(self, diversity_checker: Any = "embedding", clip: float | None = 10.0) -> None:
        self.diversity_checker = diversity_checker
        self.clip = clip

    def embeds(self, checker: Any) -> bool:
        """Return whether one of the two checkers is given by its name."""
        return isinstance(checker, str) or isinstance(self.diversity_checker, str)

    def raw_weights(self, evidence: Evidence) -> np.ndarray:
        """Return the ratio."""
        quality, diversity = evidence.quality, evidence.find_diversity(self.diversity_checker)
        return bounded(quality / np.maximum(diversity, _SMALLEST), self.clip)

    def default_synthetic_weight(self, evidence: Evidence) -> float:
        """Return the square of the quality relative to that of real rows."""
        return evidence.relative_quality**2


class Dimp(BaseMethod):
    """P'(y|x) / p(y|x), p being the network at each step of its training: DIMP-Loss [1]_.

    The classifier finishes these weights, so it has to be :class:`sklw.BertClassifier` or another
    one whose ``fit`` takes `row_weights`.

    Parameters
    ----------
    clip : float or None, default=10.0
        Upper bound of the ratio before tempering; None for no bound.

    References
    ----------
    .. [1] H.-K. Kuo et al., "Not All LLM-Generated Data Are Equal: Rethinking Data Weighting in
       Text Classification", ICLR 2025.

    Examples
    --------
    >>> import numpy as np
    >>> from sklw.weighting import Dimp, SyntheticWeighter
    >>> X = np.array([[0.0], [0.2], [0.4], [2.0], [2.2], [2.4], [2.1], [0.1]])
    >>> y = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    >>> weighter = SyntheticWeighter(Dimp(clip=5.0), temperature=2.0)
    >>> weighter.fit(X, y, synthetic=np.arange(8) >= 6).row_weights_.finish
    DimpFactors(temperature=2.0, clip=5.0)
    """

    _parameter_constraints: dict = {"clip": _CLIP}

    def __init__(self, clip: float | None = 10.0) -> None:
        self.clip = clip

    def raw_weights(self, evidence: Evidence) -> np.ndarray:
        """Return ones: the ratio is not known before training."""
        return np.ones(len(evidence.labels))

    def finisher(self, temperature: float) -> "DimpFactors":
        """Return what computes ``min(quality / p, clip) ** (1 / temperature)``."""
        return DimpFactors(temperature, self.clip)


@dataclass(frozen=True)
class DimpFactors:
    """``min(quality / p, clip) ** (1 / temperature)`` of the synthetic rows of a batch."""

    temperature: float = 1.0
    clip: float | None = None

    def __call__(self, quality: Any, log_p: Any) -> Any:
        bound = _MAX_LOG_RATIO if self.clip is None else math.log(self.clip)
        temperature = min(max(self.temperature, _COLDEST), _HOTTEST)
        log_ratios = (quality.log() - log_p).clamp(max=bound)
        return (log_ratios / temperature).clamp(max=_MAX_LOG_RATIO).exp()
