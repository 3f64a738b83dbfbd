"""Whether each step of a pipeline stands where it can do its work: checked before fitting."""

from collections.abc import Iterable
from itertools import takewhile
from typing import Any

import narwhals as nw
import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags

from sklw._row_weights import BaseRowWeighter
from sklw._validation import holds_texts
from sklw.ensemble import RealSyntheticVotingClassifier

__all__ = [
    "check_before_generation",
    "check_form",
    "check_input",
    "check_order",
    "check_sampler_input",
    "check_settings",
    "has_strings",
    "predicts",
]


def check_order(steps: list[tuple[str, Any]]) -> None:
    """Raise if a step stands where it cannot do its work."""
    active = [(name, step) for name, step in steps if step is not None and step != "passthrough"]
    for at, (_, step) in enumerate(active[:-1]):
        if predicts(step) and not hasattr(step, "fit_resample"):
            late = ", ".join(name for name, _ in active[at + 1 :])
            raise TypeError(
                f"{type(step).__name__} predicts, so it has to be the last step, but {late} comes "
                f"after it. {_ORDER}"
            )
    for _, step in active:
        _refuse_frozen_weighter(step)
    weighters = [at for at, (_, step) in enumerate(active) if isinstance(step, BaseRowWeighter)]
    if len(weighters) > 1:
        raise TypeError(
            f"This pipeline has {len(weighters)} weighters and takes at most one. Keep the one "
            "whose weights the final estimator is to use."
        )
    behind = (step for _, step in (active[weighters[0] + 1 :] if weighters else []))
    for step in behind:
        if hasattr(step, "fit_resample"):
            raise TypeError(
                f"{type(step).__name__} adds or drops rows after the weighter, which would leave "
                f"rows without a weight. Put every sampler before the weighter. {_ORDER}"
            )
    samplers = [step for _, step in active if hasattr(step, "fit_resample")]
    if samplers:
        _refuse_inner_weighter(samplers[-1], active[-1][1])
    if samplers and not weighters and isinstance(active[-1][1], RealSyntheticVotingClassifier):
        raise TypeError(
            "RealSyntheticVotingClassifier has to be told which rows are synthetic, or it takes "
            f"all for real. Put a weighter after {type(samplers[-1]).__name__}: "
            'SyntheticWeighter(), or SyntheticWeighter("uniform") if all rows are to count alike.'
        )
    vectorizers = (CountVectorizer, HashingVectorizer)
    for _, step in active[:-1]:
        if isinstance(step, vectorizers) and _reads_only_texts(active[-1][1]):
            name, last = type(step).__name__, type(active[-1][1]).__name__
            raise TypeError(
                f"{name} turns texts into numbers, and {last} reads texts. Leave {name} out, or "
                "end with a classifier of numbers such as LogisticRegression."
            )


def _refuse_frozen_weighter(step: Any) -> None:
    if not isinstance(step, FrozenEstimator) or not hasattr(step, "transform"):
        return
    inner = [step.estimator, *step.estimator.get_params().values()]
    weighter = next((part for part in inner if isinstance(part, BaseRowWeighter)), None)
    if weighter is not None:
        raise TypeError(
            f"FrozenEstimator keeps {type(weighter).__name__} from weighting the rows that the "
            "final estimator is fitted on, and its weights are those of other rows. Put the "
            "weighter itself into the pipeline, or fit the final estimator on the rows that it "
            "was fitted on, with its sample_weight_ or row_weights_."
        )


def _refuse_inner_weighter(sampler: Any, final: Any) -> None:
    """Raise if the last step holds a weighter that nothing will tell which rows are synthetic."""
    inner = list(final.get_params().values()) if hasattr(final, "get_params") else []
    if any(hasattr(part, "fit_resample") for part in inner if not hasattr(part, "steps")):
        return
    for part in inner:
        if isinstance(part, BaseRowWeighter) and getattr(part, "reference", None) is None:
            weighter, outer, rows = (type(x).__name__ for x in (part, final, sampler))
            raise TypeError(
                f"{weighter} inside {outer} cannot know which rows {rows} adds outside of it. Put "
                f"both into one sklw.Pipeline, {rows} first; a search belongs around that whole "
                "pipeline."
            )


_OF_TABLES = ("imblearn.over_sampling", "imblearn.under_sampling", "imblearn.combine")
_ORDER = (
    "The order is: sampler, weighter, transformers (such as TfidfVectorizer), classifier; for "
    "samplers that need numbers, such as SMOTE, transformers come first."
)


def predicts(step: Any) -> bool:
    """Tell whether a step is a classifier or regressor that transforms nothing."""
    if not hasattr(step, "__sklearn_tags__"):
        return False
    return (is_classifier(step) or is_regressor(step)) and not hasattr(step, "transform")


def _reads_only_texts(step: Any) -> bool:
    if not hasattr(step, "__sklearn_tags__"):
        return False
    tags = get_tags(step).input_tags
    return bool(tags.string and tags.one_d_array and not tags.two_d_array)


def check_input(steps: list[tuple[str, Any]], X: Any, y: Any) -> None:
    """Raise if texts or labels come in a form that scikit-learn would refuse further down."""
    active = [step for _, step in steps if step is not None and step != "passthrough"]
    final = active[-1] if active else None
    samplers = list(takewhile(lambda step: not hasattr(step, "transform"), active))
    for step in samplers:
        _refuse_what_it_cannot_sample(step, X)
    readers = (step for step in active if not hasattr(step, "fit_resample"))
    first = next((step for step in readers if not isinstance(step, BaseRowWeighter)), None)
    vectorizes = isinstance(first, (CountVectorizer, HashingVectorizer))
    if vectorizes and isinstance(X, np.ndarray) and X.ndim == 2:
        raise TypeError(
            f"{type(first).__name__} reads a list of texts, and X has the shape {X.shape}. Pass "
            "one column of it, such as X[:, 0]."
        )
    if vectorizes and hasattr(X, "columns"):
        name, column = type(first).__name__, X.columns[0]
        raise TypeError(
            f"{name} reads one column of texts, and X is a {type(X).__name__}, and it would see "
            f"only the column names. Pass the column, such as X[{column!r}], or use "
            f"make_column_transformer(({name}(), {column!r})) in its place."
        )
    _refuse_columns_of_labels(active, y)
    labels = np.asarray(y)
    types = set(map(type, labels.ravel())) if labels.dtype == object else set()
    readable = labels.dtype.kind != "T" and (len(types) != 1 or issubclass(types.pop(), str))
    if y is not None and not readable and type(final).__module__.startswith("sklearn."):
        raise TypeError(
            f"{type(final).__name__} cannot read labels of the dtype {labels.dtype}. Pass "
            "np.array(list(y))."
        )


def _refuse_columns_of_labels(active: list[Any], y: Any) -> None:
    """Raise for a column a class, which samplers read and what comes after them may not."""
    if y is None or np.ndim(y) != 2 or np.shape(y)[1] == 1:
        return
    for step in active:
        if isinstance(step, BaseRowWeighter) or _predicts_for_us(step):
            raise TypeError(
                f"{type(step).__name__} reads one label for each row, and y has the shape "
                f"{np.shape(y)}. Pass the class of each row: np.asarray(y).argmax(axis=1) gives "
                "its number, if each row has one."
            )


def _predicts_for_us(step: Any) -> bool:
    return type(step).__module__.startswith("sklw.") and predicts(step)


def check_settings(steps: list[tuple[str, Any]]) -> None:
    """Raise for impossible values of parameters, which the steps find after rows were paid for."""
    if get_config()["skip_parameter_validation"]:
        return
    for _, step in steps:
        # A class of another package may take more than the one that it inherits from.
        own = type(step).__module__.startswith(("sklearn.", "sklw."))
        if own and isinstance(step, BaseEstimator) and hasattr(step, "_parameter_constraints"):
            BaseEstimator._validate_params(step)  # skorch has another method of this name


def check_sampler_input(sampler: Any, X: Any, given: Any, before: Iterable[Any]) -> None:
    """Raise if a sampler of texts gets numbers that were texts, or a sampler of numbers texts."""
    from sklw.over_sampling import LLMOverSampler

    changed = ", ".join(type(step).__name__ for step in before if hasattr(step, "transform"))
    name = type(sampler).__name__
    if isinstance(sampler, LLMOverSampler):
        if changed and _holds_strings(given) and not _holds_strings(X):
            raise TypeError(
                f"{name} writes rows as people read them, but {changed} has turned them into "
                f"numbers before. Put {name} first, and {changed} after it. {_ORDER}"
            )
        return
    _refuse_what_it_cannot_sample(sampler, X)


def check_form(weighter: Any, given: Any, X: Any, before: Iterable[Any]) -> None:
    """Raise or warn if the reference of a weighter is not transformed as X is, once `given`."""
    if hasattr(weighter, "_check_form") and any(hasattr(step, "transform") for step in before):
        weighter._check_form(weighter.reference, given, X)


def _refuse_what_it_cannot_sample(sampler: Any, X: Any) -> None:
    """Raise if a sampler of imbalanced-learn gets texts, or a frame of polars."""
    if not hasattr(sampler, "fit_resample") or not type(sampler).__module__.startswith(_OF_TABLES):
        return
    name = type(sampler).__name__
    if nw.dependencies.is_polars_dataframe(X):
        raise TypeError(
            f"{name} returns frames of pandas only, and X is one of polars. Pass X.to_pandas(), or "
            'call set_output(transform="pandas") of the transformer that makes it.'
        )
    reads_strings = get_tags(sampler).input_tags.string
    if not holds_texts(X) or (reads_strings and len(np.shape(X)) == 2):
        return
    frame = (
        "pass the texts as a frame of one column and vectorize them by "
        'make_column_transformer((TfidfVectorizer(), "text")) after it'
    )
    raise TypeError(
        f"{name} works on {'tables' if reads_strings else 'numbers'} and got texts. Put a "
        "transformer that turns texts into numbers, such as TfidfVectorizer or TextEmbedder, "
        f"before {name}, or {frame if reads_strings else 'use LLMOverSampler, which writes texts'}."
    )


def check_before_generation(
    samplers: Iterable[Any], step: Any, name: str, per_row: set[str]
) -> None:
    """Raise if a step wants a value for each row and a language model is to write further rows."""
    from sklw.over_sampling import LLMOverSampler

    if isinstance(step, BaseRowWeighter):
        per_row = per_row - {"augmented", "groups", "synthetic"}
    writers = [sampler for sampler in samplers if isinstance(sampler, LLMOverSampler)]
    if writers and per_row == {"parent_indices"}:
        raise ValueError(
            f"parent_indices was given for the rows of X, and {type(writers[0]).__name__} itself "
            "reports which rows each new row was written from. Leave it out."
        )
    if writers and per_row:
        raise ValueError(
            f"{', '.join(sorted(per_row))} was given for the rows of X, and {name} gets the rows "
            f"that {type(writers[0]).__name__} writes too, for which there is none. Leave it out; "
            "groups can be passed to the sampler, and for weights, put "
            'SyntheticWeighter("uniform") after it, which gives the new rows weight 1.'
        )


def _holds_strings(X: Any) -> bool:
    if holds_texts(X):
        return True
    return hasattr(X, "shape") and not hasattr(X, "nnz") and has_strings(np.asarray(X))


def has_strings(array: np.ndarray) -> bool:
    """Tell whether an array holds a string."""
    if array.dtype.kind in "UST":
        return True
    return array.dtype == object and any(isinstance(cell, str) for cell in array.ravel())
