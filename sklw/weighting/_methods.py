"""The weighting methods that are a formula of two checkers' probabilities.

A new one is a function here and a line in `METHODS`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["METHODS", "Method"]

# A probability of exactly 0 would make a ratio infinite.
_SMALLEST = 1e-6


@dataclass(frozen=True)
class Method:
    """A weighting method.

    Attributes
    ----------
    ratio : callable or None
        ``ratio(quality, diversity)`` gives the raw weights; None where nothing is learned.
    needs_quality, needs_diversity : bool
        Which checkers it needs.
    finished_by_classifier : bool
        Whether the classifier divides by its own probability at each step.
    """

    ratio: Callable[[np.ndarray, np.ndarray], np.ndarray]
    needs_quality: bool = True
    needs_diversity: bool = False
    finished_by_classifier: bool = False


METHODS = {
    "uniform": Method(lambda quality, diversity: np.ones_like(quality), needs_quality=False),
    "quality": Method(lambda quality, diversity: quality),
    "imp": Method(
        lambda quality, diversity: quality / np.maximum(diversity, _SMALLEST),
        needs_diversity=True,
    ),
    "diversity": Method(
        lambda quality, diversity: 1 / np.maximum(diversity, _SMALLEST),
        needs_quality=False,
        needs_diversity=True,
    ),
    "dimp": Method(lambda quality, diversity: np.ones_like(quality), finished_by_classifier=True),
}
