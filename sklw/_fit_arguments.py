"""Which arguments an estimator's ``fit`` takes, also through the estimators that it fits."""

from collections.abc import Iterator
from inspect import Parameter, signature
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import AdaBoostClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline as SklearnPipeline
from sklearn.utils.metadata_routing import MetadataRouter, get_routing_for_object, process_routing
from sklearn.utils.validation import has_fit_parameter

from sklw._row_weights import RowWeights

__all__ = [
    "accepts",
    "check_takes_weights",
    "deaf_part",
    "hands_on",
    "refuse_half",
    "stacks",
    "weight_arguments",
]

# GridSearchCV and its siblings, the halving searches among them, hand their fit parameters on.
_Search = GridSearchCV.__base__


def accepts(estimator: Any, argument: str) -> bool:
    """Say whether ``estimator.fit`` takes the argument, and hands it on where others are fitted."""
    if not hasattr(estimator, "fit"):
        return False
    if get_config()["enable_metadata_routing"]:
        return _accepts_by_routing(estimator, argument)
    parts = _parts(estimator)
    if has_fit_parameter(estimator, argument):
        # It hands weights on only to what has them in the signature of its fit.
        return all(has_fit_parameter(part, argument) and accepts(part, argument) for part in parts)
    if isinstance(estimator, _Search):
        return accepts(estimator.estimator, argument)
    if isinstance(estimator, (VotingClassifier, StackingClassifier)) and parts:
        if getattr(estimator, "final_estimator", None) is not None:
            parts.append(estimator.final_estimator)
        return argument == "sample_weight" and all(accepts(part, argument) for part in parts)
    return False


def deaf_part(estimator: Any, argument: str) -> Any:
    """Return the first part to which weights cannot be handed on, None if there is none."""
    routing = get_config()["enable_metadata_routing"]
    for part in _parts(estimator):
        if (found := deaf_part(part, argument)) is not None:
            return found
        by_name = not routing and has_fit_parameter(estimator, argument)
        if (by_name or not _parts(part)) and not has_fit_parameter(part, argument):
            return part
    return None


def _parts(estimator: Any) -> list[Any]:
    """Return the estimators that the weights have to reach, should it fit others."""
    if isinstance(estimator, (VotingClassifier, StackingClassifier)):
        return [part for _, part in estimator.estimators or () if part != "drop"]
    if isinstance(estimator, SklearnPipeline) and estimator.steps:
        return [estimator.steps[-1][1]]
    if isinstance(estimator, (AdaBoostClassifier, CalibratedClassifierCV, _Search)):
        part = estimator.estimator
        return [] if part is None or isinstance(part, FrozenEstimator) else [part]
    return []


def hands_on(estimator: Any) -> bool:
    """Say whether ``fit`` takes what is meant for other estimators.

    BalancedBaggingClassifier inherits a router and has a fit that takes X and y alone.
    """
    parameters = signature(estimator.fit).parameters.values()
    return any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters)


def stacks(estimator: StackingClassifier, argument: str) -> bool:
    """Say whether the final estimator of a stack takes what the stack hands it unasked."""
    last = LogisticRegression() if estimator.final_estimator is None else estimator.final_estimator
    return has_fit_parameter(last, argument)


def check_takes_weights(estimator: Any, *, finished: bool) -> None:
    """Raise unless a classifier of the vote takes weights; `finished` says whether they are."""
    name = type(estimator).__name__
    last = estimator.final_estimator if isinstance(estimator, StackingClassifier) else None
    if last is not None and not hasattr(last, "predict_proba"):
        raise TypeError(
            f"The vote needs predict_proba, which the {type(last).__name__} of {name} lacks. "
            "Pass another final_estimator, such as LogisticRegression."
        )
    if accepts(estimator, "row_weights"):
        refuse_half(estimator, finished=finished)
        return
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


def weight_arguments(estimator: Any, row_weights: RowWeights) -> dict[str, Any]:
    """Return the weights as the arguments of ``fit`` that the estimator and its parts read."""
    weights = {"row_weights": row_weights, "sample_weight": row_weights.sample_weight}
    if _reads_both(estimator):
        return weights
    name = "row_weights" if accepts(estimator, "row_weights") else "sample_weight"
    return {name: weights[name]}


def refuse_half(estimator: Any, *, finished: bool) -> None:
    """Raise if some parts of an estimator would get the weights and others would not."""
    if not _reads_both(estimator):
        return
    name = type(estimator).__name__
    if not finished:
        raise TypeError(
            f"{name} has a use for sample_weight beside row_weights, and this weighting method is "
            "finished by the classifier, so that there are none. Use a method that gives fixed "
            'weights ("quality", "imp", "auto", ...).'
        )
    if isinstance(estimator, StackingClassifier):  # its final estimator is handed both
        raise TypeError(
            f"Some parts of {name} ask for sample_weight and others for row_weights. Let all of "
            "them ask for the same, or put it into RealSyntheticVotingClassifier."
        )
    try:
        process_routing(estimator, "fit", row_weights=np.ones(1), sample_weight=np.ones(1))
    except (TypeError, UnsetMetadataPassedError) as error:
        raise TypeError(
            f"{name} has a use for sample_weight beside row_weights, and would not get it. Let "
            "each part ask for one of them: set_fit_request(row_weights=True, sample_weight=False) "
            "for those that take row_weights, set_fit_request(sample_weight=True) for others. "
            f"scikit-learn says: {error}"
        ) from error


def _reads_both(estimator: Any) -> bool:
    """Whether routing takes row_weights to a part, and something else reads sample_weight."""
    routing = get_config()["enable_metadata_routing"]
    if not routing or has_fit_parameter(estimator, "row_weights"):
        return False
    if not accepts(estimator, "row_weights"):
        return False
    # It weighs the rows by which it calibrates; other parts say what they read.
    return isinstance(estimator, CalibratedClassifierCV) or any(
        request.get("row_weights") is not True
        and request.get("sample_weight", False) in (True, None)
        for request in _fit_requests(get_routing_for_object(estimator))
    )


def _fit_requests(routing: Any) -> Iterator[dict[str, Any]]:
    """Yield what each estimator at the end of a route asks for in fit."""
    if not isinstance(routing, MetadataRouter):
        yield routing.fit.requests
        return
    for name, route in routing:
        if name != "$self_request" and any(pair.callee == "fit" for pair in route.mapping):
            yield from _fit_requests(route.router)


def _last_takes_weights(estimator: Any) -> bool:
    steps = getattr(estimator, "steps", None)
    return bool(steps and accepts(steps[-1][1], "sample_weight"))


def _accepts_by_routing(estimator: Any, argument: str) -> bool:
    own = has_fit_parameter(estimator, argument)
    if not own and not hands_on(estimator):
        return False
    if isinstance(estimator, StackingClassifier) and not stacks(estimator, argument):
        return False
    try:
        routing = get_routing_for_object(estimator)
        if not isinstance(routing, MetadataRouter):
            return own
        routed = _routed(routing, "fit", {argument: np.ones(1)})
    except NotImplementedError:  # no router yet
        # Others do what they did before there were routers; this one raises, after generation.
        return own and not isinstance(estimator, AdaBoostClassifier)
    except (TypeError, UnsetMetadataPassedError):
        return False
    fits = [methods["fit"] for methods in routed.values() if "fit" in methods]
    if fits and not any(argument in given for given in fits):
        return False
    return bool(fits or own) and all(_served(part, argument) for part in _parts(estimator))


def _routed(router: MetadataRouter, method: str, given: dict[str, Any]) -> Any:
    """Return what goes where; raise for what would raise in a fit, at any depth.

    process_routing leaves what is within another router to that one's own fit.
    """
    router.validate_metadata(method=method, params=given)
    routed = router.route_params(caller=method, params=given)
    for name, route in router:
        if isinstance(route.router, MetadataRouter):
            for callee, params in routed[name].items():
                if params:
                    _routed(route.router, callee, params)
    return routed


def _served(part: Any, argument: str) -> bool:
    """Whether a part is given weights of its kind, or has said that it wants none."""
    kinds = {argument, "sample_weight"}
    return any(accepts(part, kind) or _declines(part, kind) for kind in kinds)


def _declines(part: Any, argument: str) -> bool:
    if inner := _parts(part):
        return all(_declines(one, argument) for one in inner)
    routing = get_routing_for_object(part)
    return not isinstance(routing, MetadataRouter) and routing.fit.requests.get(argument) is False
