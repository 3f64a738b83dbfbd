"""Rows of a table: encoded for classifiers, completed for SMOTENC, and kept in files as JSON."""

import json
from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

__all__ = [
    "check_lines",
    "from_lines",
    "has_natural_repeats",
    "is_mixed",
    "make_completer",
    "make_encoder",
    "to_lines",
]

_NUMBERS = make_column_selector(dtype_include="number")
_OTHERS = make_column_selector(dtype_exclude="number")
# What JSON has, and how values of other types are read if not by calling the type.
_JSON = (str, int, float)
_READERS: dict[type, Callable[[str], Any]] = {
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
    time: time.fromisoformat,
}
_MOST_CATEGORIES = 50
_NATURAL_REPEATS = 0.05


def make_encoder() -> Any:
    """Build the encoder of all classifiers: numbers scaled, everything else one-hot."""
    one_hot = OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        max_categories=_MOST_CATEGORIES,
        sparse_output=False,
    )
    return make_column_transformer(
        (make_pipeline(*_completed(), StandardScaler()), _NUMBERS),
        (make_pipeline(FunctionTransformer(_as_strings), one_hot), _OTHERS),
    )


def make_completer() -> list[Any]:
    """Build the steps before SMOTENC: nothing is missing then, and categories are known as such."""
    filled = make_column_transformer(
        (make_pipeline(*_completed()), _NUMBERS),
        (FunctionTransformer(_as_strings), _OTHERS),
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    return [filled, FunctionTransformer(_as_categories)]


def _completed() -> list[Any]:
    return [FunctionTransformer(_as_seconds), SimpleImputer(strategy="median")]


def _as_seconds(X: pd.DataFrame) -> pd.DataFrame:
    """Make numbers of durations, which pandas counts among them."""
    spans = X.select_dtypes("timedelta").columns
    return X.assign(**{name: X[name].dt.total_seconds() for name in spans})


def _as_strings(X: pd.DataFrame) -> pd.DataFrame:
    return X.astype(object).where(X.notna(), "missing").astype(str).astype(object)


def _as_categories(X: pd.DataFrame) -> pd.DataFrame:
    return X.astype(dict.fromkeys(_OTHERS(X), "category"))


def is_mixed(X: Any) -> bool:
    """Whether a table has columns of numbers and others: what SMOTENC is for."""
    return isinstance(X, pd.DataFrame) and 0 < len(_NUMBERS(X)) < X.shape[1]


def has_natural_repeats(X: pd.DataFrame) -> bool:
    """Whether rows repeat so often that a repeat is no sign of copying."""
    return float(X.duplicated().mean()) > _NATURAL_REPEATS


def to_lines(X: pd.DataFrame) -> list[str]:
    """Write each row as a JSON object."""
    names = X.columns.tolist()
    columns = [map(_as_json, X[name].tolist()) for name in names]
    return [
        json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False)
        for row in zip(*columns, strict=True)
    ]


def _as_json(value: Any) -> Any:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, _JSON):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def from_lines(lines: Iterable[str], like: pd.DataFrame) -> pd.DataFrame:
    """Read such rows, with the columns and types of another table."""
    records = [list(json.loads(line).values()) for line in lines]
    rows = pd.DataFrame(records, columns=like.columns, dtype=object)
    return pd.DataFrame({name: _read(rows[name].tolist(), like[name]) for name in like})


def _read(values: list[Any], like: pd.Series) -> pd.Series:
    """Make a column of values, of which strings may stand for what JSON does not have."""
    kinds = {type(value) for value in like.dropna() if not isinstance(value, (*_JSON, np.generic))}
    kind = kinds.pop() if len(kinds) == 1 else str
    dtype: Any = like.dtype
    read: Callable[[str], Any] = _READERS.get(kind, kind)
    if kind is pd.Period:
        read = partial(pd.Period, freq=like.dropna().iloc[0].freq)
    missing = like[like.isna()]
    mark = missing.iloc[0] if len(missing) else np.nan
    values = [mark if value is None else value for value in values]
    cells = [read(value) if isinstance(value, str) else value for value in values]
    column = pd.Series(cells, dtype=object)
    if isinstance(dtype, pd.CategoricalDtype):  # texts written by a model may be new
        known = dict.fromkeys([*dtype.categories, *column.dropna()])
        if len(known) > len(dtype.categories):
            categories = pd.Index([*known], dtype=dtype.categories.dtype)
            dtype = pd.CategoricalDtype(categories, dtype.ordered)
    return column.astype(dtype)


def check_lines(X: pd.DataFrame) -> None:
    """Raise an error that names a column whose values would not come back."""
    for name in X:
        cause = None
        try:
            values = X[[name]].drop_duplicates()
            back = from_lines(to_lines(values), values)[name]
            there = values[name].notna().to_numpy()
            same = back.dtype == X[name].dtype and (back.notna().to_numpy() == there).all()
            same = same and back[there].tolist() == values[name][there].tolist()
        except Exception as error:  # whatever a class of the user's raises
            same, cause = False, error
        if not same:
            kinds = sorted({type(value).__name__ for value in X[name].dropna().tolist()})
            raise ValueError(
                f"The column {name!r} holds values that cannot be kept in the output folder "
                f"({', '.join(kinds)}). Nothing has been generated. Convert it to numbers, strings "
                "or dates, drop it, or pass output=None."
            ) from cause
