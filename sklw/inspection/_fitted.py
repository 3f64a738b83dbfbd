"""The rows that a fitted weighter is shown with."""

from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from sklw._cross_fitting import own_column
from sklw._validation import check_labels

__all__ = ["fitted_labels"]

_ADVICE = (
    "Pass the rows it was fitted on, synthetic ones included: what the sampler's fit_resample "
    "returned."
)


def fitted_labels(weighter: Any, X: Any, y: Any, name: str) -> np.ndarray:
    """Check that X and y may be what the weighter was fitted on, and return the labels."""
    check_is_fitted(weighter, "sample_weight_")
    labels = check_labels(y, estimator_name=name)
    check_consistent_length(X, labels)
    if len(labels) != len(weighter.sample_weight_):
        raise ValueError(
            f"The weighter was fitted on {len(weighter.sample_weight_)} rows, and these are "
            f"{len(labels)}. {_ADVICE}"
        )
    judged = np.isfinite(weighter.quality_)
    if judged.any():  # the quality of a row is the probability of its label
        of_labels = own_column(weighter.quality_probabilities_, weighter.classes_, labels)
        others = np.flatnonzero(judged & (of_labels != weighter.quality_))
        if len(others):
            raise ValueError(
                f"The weighter was fitted on other labels than these, {len(others)} of "
                f"{len(labels)}, such as that of the row at position {others[0]}, "
                f"{labels.tolist()[others[0]]!r}. {_ADVICE}"
            )
    return labels
