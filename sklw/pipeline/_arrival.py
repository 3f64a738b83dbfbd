"""Whether the weights of a pipeline will arrive: checked before anything is fitted."""

from typing import Any

from sklearn import get_config
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import AdaBoostClassifier, StackingClassifier
from sklearn.feature_selection import RFECV
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from sklw._fit_arguments import (
    accepts,
    check_takes_weights,
    deaf_part,
    hands_on,
    refuse_half,
    stacks,
)
from sklw._row_weights import BaseRowWeighter
from sklw.ensemble import RealSyntheticVotingClassifier

__all__ = ["check_accepts"]


def check_accepts(final: Any, weighter: BaseRowWeighter) -> None:
    """Raise unless the final estimator can take the weights of the weighter."""
    unfinished = "row_weights" in weighter.emitted_arguments()
    if isinstance(final, RealSyntheticVotingClassifier):
        check_takes_weights(final.estimator, finished=not unfinished)
        if final.real_estimator is not None:
            check_takes_weights(final.real_estimator, finished=True)
    if accepts(final, "row_weights"):
        refuse_half(final, finished=not unfinished)
        return
    needy = next((part for part in _parts(final, "row_weights") if _tells_apart(part)), None)
    if needy is not None and not isinstance(final, Pipeline):
        raise TypeError(_advice_apart(final, needy))
    if not unfinished and accepts(final, "sample_weight"):
        return
    name = "passthrough" if final is None or isinstance(final, str) else type(final).__name__
    refused = "row_weights" if unfinished else "sample_weight"
    raise TypeError(
        f"{name} cannot take {refused} in fit, so the weights of the weighter would be lost. "
        f"{_advice(final, refused)}"
    )


def _parts(final: Any, argument: str) -> list[Any]:
    """Return the estimators that an estimator fits and whose own fit takes an argument."""
    inner = final.get_params().values() if hasattr(final, "get_params") else ()
    return [part for part in inner if has_fit_parameter(part, argument)]


def _tells_apart(part: Any) -> bool:
    """Whether it treats real and synthetic rows differently, for which it needs row_weights."""
    return isinstance(part, RealSyntheticVotingClassifier) or bool(_holding_out(part))


def _holding_out(part: Any) -> list[str]:
    """Return the parameters by which it holds out rows to train on."""
    split = getattr(part, "train_split", None)
    own_rows = "valid_ds" in getattr(split, "keywords", ())  # skorch's predefined_split
    stops = getattr(part, "early_stopping", False) is not False
    splits = split is not None and split is not False and not own_rows
    return ["early_stopping"] * stops + ["train_split"] * splits


def _advice_apart(final: Any, part: Any) -> str:
    outer, inner = type(final).__name__, type(part).__name__
    routing = get_config()["enable_metadata_routing"]
    way_out = (
        f"put it outside, {inner}({outer}(...))"
        if isinstance(part, RealSyntheticVotingClassifier)
        else f"leave {' and '.join(_holding_out(part))} out"
    )
    first = "" if routing else "sklearn.set_config(enable_metadata_routing=True) and "
    problem = (
        f"{outer} does not tell {inner} which rows are synthetic, so that it would take all of "
        "them for real."
    )
    if isinstance(final, StackingClassifier) and not stacks(final, "row_weights"):
        return f"{problem} {way_out[0].upper()}{way_out[1:]}."
    declined = ", sample_weight=False" * isinstance(final, CalibratedClassifierCV)
    return (
        f"{problem} Either {way_out}, or call {first}"
        f"{inner}(...).set_fit_request(row_weights=True{declined})."
    )


def _of_deaf_part(part: Any) -> str:
    name = "passthrough" if isinstance(part, str) else type(part).__name__
    place = ", and its transformers before it, into the outer pipeline"
    return (
        f"Within it, {name} takes none in fit. Either put a classifier there that does "
        f"(LogisticRegression, RandomForestClassifier, ...)"
        f"{place if isinstance(part, Pipeline) else ''}, or leave the weighter out."
    )


def _advice(final: Any, refused: str) -> str:
    if isinstance(final, Pipeline):
        return "Either put the steps of the inner pipeline directly into the outer one."
    if isinstance(final, FrozenEstimator):
        return "It is not fitted again: leave FrozenEstimator out, or the sampler and the weighter."
    routing = get_config()["enable_metadata_routing"]
    if routing and isinstance(final, AdaBoostClassifier) and refused == "sample_weight":
        return (
            "It does so with metadata routing disabled only: either call "
            "sklearn.set_config(enable_metadata_routing=False), or use another classifier, such as "
            "GradientBoostingClassifier."
        )
    deaf = deaf_part(final, refused)
    if deaf is not None and refused == "sample_weight":
        return _of_deaf_part(deaf)
    names = sorted({type(part).__name__ for part in _parts(final, refused)})
    lost = isinstance(final, StackingClassifier) and not stacks(final, refused)
    lost = lost or not hasattr(final, "fit") or not hands_on(final)
    more = ".set_score_request(sample_weight=False)" if refused == "sample_weight" else ""
    if names and routing and not lost:
        return (
            f"With metadata routing enabled, {' and '.join(names)} must request them, as by "
            f"{names[0]}(...).set_fit_request({refused}=True){more}{_scorer(final, refused)}."
        )
    if has_fit_parameter(final, refused) and hasattr(final, "scoring"):
        # scikit-learn's default is the accuracy; "warn" says that another one is to come.
        scoring = "accuracy" if final.scoring in (None, "warn") else final.scoring
        return (
            f"With metadata routing enabled, the scorer of {type(final).__name__} must decline "
            f"them, as by {_declining(scoring)}."
        )
    if has_fit_parameter(getattr(final, "estimator", None), refused) and not lost:
        return (
            f"{type(final).__name__} hands them on with metadata routing only: "
            "sklearn.set_config(enable_metadata_routing=True), and "
            f"{type(final.estimator).__name__}(...).set_fit_request({refused}=True){more}"
            f"{_scorer(final, refused)}."
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


def _scorer(final: Any, refused: str) -> str:
    """Return what to do about a scorer: one given by name, also by default, declines nothing."""
    scoring = getattr(final, "scoring", None)
    if scoring is None and isinstance(final, RFECV):
        scoring = "accuracy"
    if scoring is None or refused == "row_weights":
        return ""
    return f", and the scorer must decline them, as by {_declining(scoring)}"


def _declining(scoring: Any) -> str:
    scorer = f"sklearn.metrics.get_scorer({scoring!r})" if isinstance(scoring, str) else "scorer"
    return f"scoring={scorer}.set_score_request(sample_weight=False)"
