"""Whether the weights of a pipeline will arrive: checked before anything is fitted."""

from typing import Any

from sklearn import get_config
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from sklw._fit_arguments import accepts
from sklw._row_weights import BaseRowWeighter

__all__ = ["check_accepts"]


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
