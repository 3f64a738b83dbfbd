"""Which arguments an estimator's ``fit`` takes, also through the estimators that it fits."""

from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.ensemble import AdaBoostClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.model_selection import GridSearchCV
from sklearn.utils.metadata_routing import MetadataRouter, get_routing_for_object, process_routing
from sklearn.utils.validation import has_fit_parameter

__all__ = ["accepts", "check_takes_weights"]

# GridSearchCV and its siblings, the halving searches among them, hand their fit parameters on.
_Search = GridSearchCV.__base__


def accepts(estimator: Any, argument: str) -> bool:
    """Say whether ``estimator.fit`` takes the argument, and hands it on where others are fitted."""
    if not hasattr(estimator, "fit"):
        return False
    if get_config()["enable_metadata_routing"]:
        return _accepts_by_routing(estimator, argument)
    if has_fit_parameter(estimator, argument):
        return True
    if isinstance(estimator, _Search):
        return accepts(estimator.estimator, argument)
    if isinstance(estimator, (VotingClassifier, StackingClassifier)) and estimator.estimators:
        parts = [part for _, part in estimator.estimators if part != "drop"]
        if getattr(estimator, "final_estimator", None) is not None:
            parts.append(estimator.final_estimator)
        return argument == "sample_weight" and all(accepts(part, argument) for part in parts)
    return False


def check_takes_weights(estimator: Any, *, finished: bool) -> None:
    """Raise unless a classifier of the vote takes weights; `finished` says whether they are."""
    if accepts(estimator, "row_weights"):
        return
    name = type(estimator).__name__
    if not finished:
        raise TypeError(
            f"{name} cannot take row_weights in fit, and this weighting method is finished by the "
            "classifier. Use BertClassifier, or a method that gives fixed weights "
            '("quality", "imp", "auto", ...).'
        )
    if not (accepts(estimator, "sample_weight") or _last_takes_weights(estimator)):
        raise TypeError(
            f"{name} takes no sample_weight in fit, so the weights would be lost. Pass a "
            "classifier that does, such as LogisticRegression or BertClassifier."
        )


def _last_takes_weights(estimator: Any) -> bool:
    steps = getattr(estimator, "steps", None)
    return bool(steps and accepts(steps[-1][1], "sample_weight"))


def _accepts_by_routing(estimator: Any, argument: str) -> bool:
    own = has_fit_parameter(estimator, argument)
    try:
        routing = get_routing_for_object(estimator)
        if not isinstance(routing, MetadataRouter):
            return own
        routed = process_routing(estimator, "fit", **{argument: np.ones(1)})
    except NotImplementedError:  # no router yet
        # Others do what they did before there were routers; this one raises, after generation.
        return own and not isinstance(estimator, AdaBoostClassifier)
    except (TypeError, UnsetMetadataPassedError):
        return False
    fits = [methods["fit"] for methods in routed.values() if "fit" in methods]
    return any(argument in given for given in fits) if fits else own
