"""Weights bounded by a quantile of themselves.

E. L. Ionides, "Truncated importance sampling", Journal of Computational and Graphical Statistics
17, 2008.
"""

from typing import Any

import numpy as np

from sklw.weighting import BaseMethod


class Clipped(BaseMethod):
    """The weights of another method, bounded by their quantile."""

    def __init__(self, method: BaseMethod, quantile: float = 0.95) -> None:
        self.method = method
        self.quantile = quantile

    @property
    def default_temperature(self) -> float:
        """That of the other method."""
        return self.method.default_temperature

    def raw_weights(self, evidence: Any) -> np.ndarray:
        """Return the weights."""
        raw = np.asarray(self.method.raw_weights(evidence), dtype=float)
        return np.minimum(raw, np.quantile(raw[evidence.synthetic], self.quantile))
