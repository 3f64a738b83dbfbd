"""Names of scikit-learn that its own estimators use and its documentation does not promise."""

from sklearn.base import _fit_context as fit_context
from sklearn.metrics._scorer import _Scorer as Scorer
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils.validation import _check_feature_names as check_feature_names

__all__ = [
    "HasMethods",
    "Interval",
    "Scorer",
    "StrOptions",
    "check_feature_names",
    "check_matplotlib_support",
    "fit_context",
    "safe_indexing",
    "validate_parameter_constraints",
]
