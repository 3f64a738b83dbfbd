"""Importance weighting by a density ratio.

H. Shimodaira, "Improving predictive inference under covariate shift by weighting the
log-likelihood function", Journal of Statistical Planning and Inference 90, 2000.
"""

from typing import Any

import numpy as np
from scipy.sparse import issparse, vstack

from sklw.weighting import BaseMethod

FEWEST_OF_CLASS, LARGEST_RATIO = 5, 100.0


class Domain(BaseMethod):
    """p_real(x|y) / p_synthetic(x|y), from classifiers that tell real from synthetic rows.

    The odds of a row being real, out of fold, divided by the share of real rows. Within each
    class: across classes the ratio would mostly repeat how often each class was generated. 1 for a
    class with fewer than five real or synthetic rows.
    """

    def __init__(self, clip: float | None = 10.0) -> None:
        self.clip = clip

    def raw_weights(self, evidence: Any) -> np.ndarray:
        """Return the ratio."""
        ratio = np.ones(len(evidence.labels))
        for label in np.unique(evidence.labels[evidence.synthetic]):
            real = np.flatnonzero(evidence.real_labels == label)
            made = np.flatnonzero(evidence.synthetic & (evidence.labels == label))
            if min(len(real), len(made)) < FEWEST_OF_CLASS:
                continue
            rows = stacked(evidence.real_rows[real], evidence.rows[made])
            is_real = np.arange(rows.shape[0]) < len(real)
            own = [np.array([row]) for row in range(len(is_real))]
            checker = evidence.checker(evidence.settings.checker).fit(rows, is_real)
            found = checker.probability(rows, is_real, own)[len(real) :]
            ratio[made] = (1 - found) / np.maximum(found, 1e-12) * len(made) / len(real)
        ratio = np.clip(ratio, 1 / LARGEST_RATIO, LARGEST_RATIO)
        return ratio if self.clip is None else np.minimum(ratio, self.clip)


def stacked(first: Any, second: Any) -> Any:
    """Put rows after others, of whatever kind they are."""
    if issparse(first):
        return vstack([first, second], format="csr")
    return first.joined(second) if hasattr(first, "joined") else np.concatenate([first, second])
