"""Rows of a table: encoded for classifiers, completed for SMOTENC, and kept in files as JSON."""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

__all__ = [
    "from_lines",
    "has_natural_repeats",
    "is_mixed",
    "make_completer",
    "make_encoder",
    "to_lines",
]

_NUMBERS = make_column_selector(dtype_include="number")
_OTHERS = make_column_selector(dtype_exclude="number")
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
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), _NUMBERS),
        (make_pipeline(FunctionTransformer(_as_strings), one_hot), _OTHERS),
    )


def make_completer() -> list[Any]:
    """Build the steps before SMOTENC: nothing is missing then, and categories are known as such."""
    filled = make_column_transformer(
        (SimpleImputer(strategy="median"), _NUMBERS),
        (FunctionTransformer(_as_strings), _OTHERS),
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    return [filled, FunctionTransformer(_as_categories)]


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
    # Before pandas 3, a nullable 6 became 6.0 or 6, as others of the column are missing or not.
    nullable = [
        name
        for name, dtype in X.dtypes.items()
        if pd.api.types.is_extension_array_dtype(dtype) and pd.api.types.is_integer_dtype(dtype)
    ]
    text = X.astype(dict.fromkeys(nullable, object)).to_json(
        orient="records", lines=True, date_format="iso", double_precision=15, force_ascii=False
    )
    return text.splitlines() if len(X) else []


def from_lines(lines: Iterable[str], like: pd.DataFrame) -> pd.DataFrame:
    """Read such rows, with the columns and types of another table."""
    values = [list(json.loads(line).values()) for line in lines]
    rows = pd.DataFrame(values, columns=like.columns, dtype=object)
    return rows.where(rows.notna(), np.nan).astype(like.dtypes.to_dict())
