"""Weights by the quality of the rows alone, or the same weight for all of them."""

from typing import Any

import numpy as np

from sklw.weighting._evidence import Evidence
from sklw.weighting.methods._base import BaseMethod

__all__ = ["Quality", "Uniform"]


class Uniform(BaseMethod):
    """The same weight for every synthetic row: plain cross-entropy.

    Examples
    --------
    >>> import numpy as np
    >>> from sklw.weighting import SyntheticWeighter, Uniform
    >>> weighter = SyntheticWeighter(Uniform(), synthetic_weight=0.3)
    >>> weighter.fit([[0.0], [1.0], [2.0]], [0, 1, 1], [False, False, True]).sample_weight_
    array([1. , 1. , 0.3])
    """

    needs_real_rows = False
    needs_synthetic_mask = False

    def embeds(self, checker: Any) -> bool:
        """Return False: no row is read."""
        return False

    def raw_weights(self, evidence: Evidence) -> np.ndarray:
        """Return ones."""
        return np.ones(len(evidence.labels))


class Quality(BaseMethod):
    """P'(y|x), so that rows that look like their label count more [1]_.

    Squared by default (temperature 0.5), which did best in the benchmarks.

    References
    ----------
    .. [1] H.-K. Kuo et al., "Not All LLM-Generated Data Are Equal: Rethinking Data Weighting in
       Text Classification", ICLR 2025.

    Examples
    --------
    >>> import numpy as np
    >>> from sklw.weighting import Quality, SyntheticWeighter
    >>> X = np.array([[0.0], [0.2], [0.4], [2.0], [2.2], [2.4], [2.1], [0.1]])
    >>> y = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    >>> weighter = SyntheticWeighter(Quality()).fit(X, y, synthetic=np.arange(8) >= 6)
    >>> bool(weighter.sample_weight_[6] > 2 * weighter.sample_weight_[7])
    True
    """

    default_temperature = 0.5

    def raw_weights(self, evidence: Evidence) -> np.ndarray:
        """Return the quality."""
        return evidence.quality

    def default_synthetic_weight(self, evidence: Evidence) -> float:
        """Return the square of the quality relative to that of real rows."""
        return evidence.relative_quality**2
