"""Whether the weights of a pipeline will arrive: checked before anything is fitted."""

from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import MetadataRouter, get_routing_for_object, process_routing
from sklearn.utils.validation import has_fit_parameter

from sklw._row_weights import BaseRowWeighter

__all__ = ["accepts", "check_accepts"]

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
        parts += [
            part for part in [getattr(estimator, "final_estimator", None)] if part is not None
        ]
        return argument == "sample_weight" and all(accepts(part, argument) for part in parts)
    return False


def _accepts_by_routing(estimator: Any, argument: str) -> bool:
    own = has_fit_parameter(estimator, argument)
    try:
        routing = get_routing_for_object(estimator)
        if not isinstance(routing, MetadataRouter):
            return own
        routed = process_routing(estimator, "fit", **{argument: np.ones(1)})
    except NotImplementedError:  # no router yet: it does what it did before there were routers
        return own
    except (TypeError, UnsetMetadataPassedError):
        return False
    fits = [methods["fit"] for methods in routed.values() if "fit" in methods]
    return any(argument in given for given in fits) if fits else own


def check_accepts(final: Any, weighter: BaseRowWeighter) -> None:
    """Raise unless the final estimator can take the weights of the weighter."""
    unfinished = "row_weights" in weighter.emitted_arguments()
    if accepts(final, "row_weights") or (not unfinished and accepts(final, "sample_weight")):
        return
    name = "passthrough" if final is None or isinstance(final, str) else type(final).__name__
    refused = "row_weights" if unfinished else "sample_weight"
    raise TypeError(
        f"{name} cannot take {refused} in fit, so the weights of the weighter would be lost. "
        f"{_advice(final, refused)}"
    )


def _advice(final: Any, refused: str) -> str:
    if isinstance(final, Pipeline):
        return "Either put the steps of the inner pipeline directly into the outer one."
    if get_config()["enable_metadata_routing"] and not has_fit_parameter(final, refused):
        inner = getattr(final, "estimator", None)
        if has_fit_parameter(inner, refused):
            more = ".set_score_request(sample_weight=False)" if refused == "sample_weight" else ""
            return (
                f"With metadata routing enabled, {type(inner).__name__} has to request them: "
                f"{type(inner).__name__}(...).set_fit_request({refused}=True){more}, and so does "
                "a scorer, if one is passed: .set_score_request(sample_weight=False)."
            )
    elif has_fit_parameter(getattr(final, "estimator", None), refused):
        return (
            f"{type(final).__name__} hands them on with metadata routing only: "
            "sklearn.set_config(enable_metadata_routing=True), and "
            f"{type(final.estimator).__name__}(...).set_fit_request({refused}=True)."
        )
    if refused == "row_weights":
        old = "`quality` has become a part of row_weights=sklw.RowWeights(...). "
        return (old if has_fit_parameter(final, "quality") else "") + (
            "Either use BertClassifier, since this method is finished by the classifier during "
            'training, or a method that gives fixed weights ("quality", "imp", "auto", ...).'
        )
    return (
        "Either use a final estimator whose fit takes sample_weight (LogisticRegression, "
        "RandomForestClassifier, BertClassifier, ...), or leave the weighter out."
    )
