"""Confident learning."""

import numpy as np

from sklw.weighting._evidence import Evidence
from sklw.weighting.methods._base import BaseMethod

__all__ = ["Confident"]


class Confident(BaseMethod):
    """0 where confident learning [1]_ finds the label wrong, given P', and 1 elsewhere.

    It is computed by cleanlab, which has to be installed.

    References
    ----------
    .. [1] C. Northcutt et al., "Confident Learning: Estimating Uncertainty in Dataset Labels",
       JAIR 2021.

    Examples
    --------
    >>> import numpy as np
    >>> import cleanlab
    >>> from sklw.weighting import Confident, SyntheticWeighter
    >>> X = np.arange(40.0)[:, None] % 20
    >>> y = (X[:, 0] >= 10).astype(int)
    >>> y[25] = 1 - y[25]
    >>> weighter = SyntheticWeighter(Confident(), random_state=0)
    >>> weighter = weighter.fit(X, y, synthetic=np.arange(40) >= 20)
    >>> np.flatnonzero(weighter.sample_weight_ == 0)
    array([25])
    """

    def raw_weights(self, evidence: Evidence) -> np.ndarray:
        """Return 0 for wrong labels and 1 for the others."""
        try:
            from cleanlab.filter import find_label_issues
        except ImportError as error:
            raise ImportError(
                'method="confident" is computed by cleanlab, which is not installed. Run: '
                "pip install cleanlab"
            ) from error
        probabilities = np.nan_to_num(evidence.quality_probabilities)
        totals = probabilities.sum(axis=1)
        # Rows that look like none of the classes trained on have a wrong label in any case.
        weights = (totals > 0).astype(float)
        # The real rows help to learn how sure P' is of each class.
        judged = np.isfinite(evidence.quality) & (totals > 0)
        codes = np.searchsorted(evidence.classes, evidence.labels[judged])
        found = find_label_issues(codes, probabilities[judged] / totals[judged, None], n_jobs=1)
        weights[judged] = ~found
        return weights
