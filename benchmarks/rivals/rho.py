"""RHO-Loss: train on the rows worth learning alone.

S. Mindermann et al., "Prioritized Training on Points that are Learnable, Worth Learning, and Not
Yet Learnt", ICML 2022.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklw.weighting import BaseMethod


class Rho(BaseMethod):
    """1 for the `top_share` of each batch with the largest P'(y|x) / p(y|x), 0 for the rest."""

    def __init__(self, top_share: float = 0.1) -> None:
        self.top_share = top_share

    def raw_weights(self, evidence: Any) -> np.ndarray:
        """Return ones."""
        return np.ones(len(evidence.labels))

    def finisher(self, temperature: float) -> "TopShare":
        """Return what selects rows."""
        return TopShare(self.top_share)


@dataclass(frozen=True)
class TopShare:
    """Equal weights, of mean 1, for the rows of the largest ratio."""

    share: float

    def __call__(self, quality: Any, log_p: Any) -> Any:
        log_ratios = quality.log().clamp(min=-1e30) - log_p
        n_taken = max(1, math.ceil(self.share * len(log_ratios)))
        taken = log_ratios.new_zeros(len(log_ratios))
        taken[log_ratios.topk(n_taken).indices] = len(log_ratios) / n_taken
        return taken
