"""Diversity alone, and IMP-Loss with Q out of fold.

Variants of H.-K. Kuo et al., "Not All LLM-Generated Data Are Equal: Rethinking Data Weighting in
Text Classification", ICLR 2025.
"""

from typing import Any

import numpy as np

from sklw.weighting import BaseMethod

SMALLEST, LARGEST = 1e-6, 10.0


class Diversity(BaseMethod):
    """1 / Q(y|x): rows unlike the others of their label count more."""

    needs_real_rows = False

    def __init__(self, diversity_checker: Any = "embedding", clip: float = LARGEST) -> None:
        self.diversity_checker = diversity_checker
        self.clip = clip

    def raw_weights(self, evidence: Any) -> np.ndarray:
        """Return the reciprocal."""
        diversity = evidence.find_diversity(self.diversity_checker)
        return np.minimum(1 / np.maximum(diversity, SMALLEST), self.clip)


class OutOfFoldImp(BaseMethod):
    """P'(y|x) / Q(y|x), Q never judging a row that it was fitted on."""

    def __init__(self, diversity_checker: Any = "embedding", clip: float = LARGEST) -> None:
        self.diversity_checker = diversity_checker
        self.clip = clip

    def raw_weights(self, evidence: Any) -> np.ndarray:
        """Return the ratio."""
        diversity = evidence.find_diversity(self.diversity_checker, cross_fit=True)
        return np.minimum(evidence.quality / np.maximum(diversity, SMALLEST), self.clip)
