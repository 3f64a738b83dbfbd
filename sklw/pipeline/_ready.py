"""Whether what comes after a language model can read its rows: checked before it is paid."""

import warnings
from collections.abc import Iterable
from itertools import chain
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline as SklearnPipeline
from sklearn.preprocessing import FunctionTransformer, TargetEncoder
from sklearn.utils import check_array, get_tags

from sklw._row_weights import BaseRowWeighter
from sklw._validation import holds_texts
from sklw.pipeline._order import has_strings, predicts

__all__ = ["check_ready"]


def check_ready(
    sampler: Any, later: list[tuple[str, Any]], X: Any, y: Any, arguments: dict[str, Any]
) -> None:
    """Raise if the steps after a language model will not find what they need, before it is paid.

    The encoders that this loads are kept for these steps.
    """
    from sklw.over_sampling import LLMOverSampler

    if not isinstance(sampler, LLMOverSampler):
        return

    def wanted() -> list[Any]:
        missing = clone(sampler).fit(X, y, **arguments).sampling_strategy_
        return [label for label, n in missing.items() if n or sampler.augment]

    given: tuple[Any, ...] = (X, y, wanted)
    rows, exact, names = X, True, list[str]()  # as the next step gets them; None if unknown
    for _, step in later:
        if hasattr(step, "_check_ready"):
            step._check_ready(*given)
        for reader in _readers(step) if rows is not None else ():
            fault = _fault_of_booster(reader, rows) or _fault_by_tags(reader, rows)
            if fault:
                raise TypeError(_refusal(reader, fault, X, names))
        exact = exact and not hasattr(step, "fit_resample")  # which may drop what cannot be read
        if hasattr(step, "transform") and not isinstance(step, BaseRowWeighter):
            given = ()  # what comes after it gets other rows
            names.append(type(step).__name__)
            rows, exact = _transformed(step, rows, y) if exact else (None, False)
        for part in step.get_params().values() if hasattr(step, "get_params") else ():
            if hasattr(part, "_check_ready"):
                part._check_ready()


def _refusal(reader: Any, fault: str, X: Any, names: list[str]) -> str:
    name = type(reader).__name__
    if not names:
        return (
            f"{name} cannot read rows as LLMOverSampler writes them: {fault} Put {_encoder(X)} "
            "before it."
        )
    return (
        f"{name} cannot read what {' and '.join(names)} make{'s' * (len(names) == 1)} of the real "
        f"rows: {fault} No row was generated yet."
    )


def _transformed(step: Any, X: Any, y: Any) -> tuple[Any, bool]:
    """Return what a transformer makes of a table, or None, and whether these are all columns.

    A clone is fitted, if that takes next to no time. Parts of a ColumnTransformer that would take
    longer are left out: what cannot be read of the others cannot be read with them either.
    """
    if len(getattr(X, "shape", ())) != 2:
        return None, False
    cheap = _is_cheap(step)
    if not cheap and type(step) is not ColumnTransformer:
        return None, False
    trial = clone(step) if cheap else _without_costly_parts(step)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the fit itself will warn
            rows = trial.fit_transform(X, y)
    except Exception as error:
        error.add_note(
            f"{type(step).__name__} was tried on the real rows. No row was generated yet."
        )
        raise
    return (rows if rows.shape[1] else None), cheap


def _without_costly_parts(step: ColumnTransformer) -> ColumnTransformer:
    trial: ColumnTransformer = clone(step)
    trial.transformers = [
        (name, part if _is_cheap(part) else "drop", columns)
        for name, part, columns in trial.transformers
    ]
    trial.remainder = trial.remainder if _is_cheap(trial.remainder) else "drop"
    return trial


def _is_cheap(step: Any) -> bool:
    """Tell whether a transformer of scikit-learn's is fitted fast, on however few rows."""
    if step is None or isinstance(step, str):
        return True
    if type(step) is SklearnPipeline:
        return all(_is_cheap(part) for _, part in step.steps)
    if type(step) is ColumnTransformer:
        parts = [part for _, part, _ in step.transformers]
        return all(map(_is_cheap, [*parts, step.remainder]))
    # Functions of the user's may do anything, and targets are encoded by cross-validation.
    known = type(step).__module__.startswith(("sklearn.preprocessing.", "sklearn.impute._base"))
    return known and not isinstance(step, FunctionTransformer | TargetEncoder)


def _readers(step: Any) -> list[Any]:
    """Return who reads the rows of a step: itself, or what it searches, votes with or stacks."""
    if isinstance(step, SklearnPipeline):
        return _readers(step.steps[0][1]) if predicts(step.steps[0][1]) else []
    grids = getattr(step, "param_grid", None) or getattr(step, "param_distributions", None) or {}
    grids = [grids] if isinstance(grids, dict) else grids
    values = [values for grid in grids for values in grid.values() if isinstance(values, Iterable)]
    if any(hasattr(value, "fit") for value in chain(*values)):
        return []  # it may put others in their places
    named = getattr(step, "estimators", None)
    pairs = [pair for pair in named if isinstance(pair, tuple)] if isinstance(named, list) else []
    inner = [getattr(step, "estimator", None), *(part for *_, part in pairs)]
    found = [part for part in inner if hasattr(part, "fit")]
    return [reader for part in found for reader in _readers(part)] or [step]


def _fault_of_booster(step: Any, X: Any) -> str:
    """Return what XGBoost or LightGBM cannot read of rows like these, whatever their tags say."""
    if not type(step).__module__.startswith(("xgboost.", "lightgbm.")):
        return ""
    if nw.dependencies.is_polars_dataframe(X):
        strings = nw.from_native(X).select(nw.selectors.string()).columns
        return f"the column {strings[0]!r} holds strings." if strings else ""
    if not isinstance(X, pd.DataFrame):
        return "they are texts." if holds_texts(X) and np.ndim(X) == 1 else ""
    for name, column in X.items():
        if not isinstance(column.dtype, pd.CategoricalDtype):
            if has_strings(column.to_numpy()):
                return f"the column {name!r} holds strings."
        elif getattr(step, "enable_categorical", True) is False:
            return f"the column {name!r} is categorical, which takes enable_categorical=True."
    return ""


def _fault_by_tags(step: Any, X: Any) -> str:
    """Return why a classifier of scikit-learn's cannot read rows like these as they are."""
    inner = step.get_params().values() if hasattr(step, "get_params") else ()
    delegates = any(hasattr(part, "fit") for part in inner)
    own = type(step).__module__.startswith("sklearn.") and predicts(step) and not delegates
    # Some read the categories of a frame, and a kernel of the user's may read anything.
    by_number = not hasattr(step, "categorical_features")
    by_number &= isinstance(getattr(step, "kernel", None), str | None)
    if not own or not by_number:
        return ""
    tags = get_tags(step)
    if tags.no_validation or tags.input_tags.string:
        return ""
    missing: Any = "allow-nan" if tags.input_tags.allow_nan else True
    try:
        check_array(X, accept_sparse=True, ensure_all_finite=missing)
    except (TypeError, ValueError) as error:
        return str(error)
    return ""


def _encoder(X: Any) -> str:
    if holds_texts(X):
        return "TextEmbedder() or TfidfVectorizer()"
    return "a ColumnTransformer that encodes its columns and fills in missing values"
