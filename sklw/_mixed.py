"""Tables of numbers, categories and texts together: rows that stay a frame, and their features."""

from datetime import date, timedelta
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    OneHotEncoder,
    StandardScaler,
)

from sklw._copies import folded
from sklw._words import holds_prose

__all__ = [
    "MixedEncoder",
    "MixedRows",
    "column_contents",
    "frame_of",
    "has_texts",
    "inferred",
    "number_scaler",
    "reading_frames",
    "vectors_of",
]

# Strings are categories up to this many values, or up to one in two rows; beyond that, texts.
_FEW_VALUES, _MANY_VALUES = 10, 50


class MixedRows:
    """Rows of a frame, indexed by position as an array is.

    Parameters
    ----------
    frame : DataFrame
        The rows.
    """

    ndim, dtype = 2, np.dtype(object)

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame.reset_index(drop=True)
        self.shape = frame.shape

    @classmethod
    def of(cls, X: Any) -> "MixedRows | None":
        """Return the rows of a table that does not hold numbers alone, None for any other."""
        if isinstance(X, cls):
            return X
        frame = inferred(X)
        if not isinstance(frame, pd.DataFrame):
            return None
        numbers = all(map(_is_numeric, frame.dtypes))
        return None if numbers else cls(frame)

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, rows: Any) -> "MixedRows":
        rows = rows[0] if isinstance(rows, tuple) else rows  # as [rows, ...]
        return MixedRows(self.frame.iloc[np.arange(len(self))[rows]])

    def folded(self) -> pd.DataFrame:
        """Return the frame with its strings as copies of a text share them."""
        return self.frame.map(lambda cell: folded(cell) if isinstance(cell, str) else cell)

    def joined(self, other: "MixedRows") -> "MixedRows":
        """Return these rows and others after them."""
        return MixedRows(pd.concat([self.frame, other.frame]))


def inferred(X: Any) -> Any:
    """Return a table of objects as a frame whose columns are of the types of what they hold.

    Numbers of other packages and dates beside missing values come as objects, which would be read
    as texts. Anything else is returned as it is.
    """
    if issparse(X) or (isinstance(X, np.ndarray) and X.dtype.kind not in "OUT"):
        return X
    if not (np.ndim(X) == 2 if isinstance(X, (list, tuple)) else len(np.shape(X)) == 2):
        return X
    if hasattr(X, "columns") and not isinstance(X, pd.DataFrame):  # polars and others
        X = pd.DataFrame({name: list(X[name]) for name in X.columns})
    frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X)
    if not any(map(_says_little, frame.dtypes)):
        return frame
    columns = {at: _inferred(frame.iloc[:, at]) for at in range(frame.shape[1])}
    return pd.DataFrame(columns).set_axis(frame.columns, axis=1)


def _is_numeric(dtype: Any) -> bool:
    # pandas takes the truth values of NumPy and its own for numbers, and not those of Arrow.
    return pd.api.types.is_numeric_dtype(dtype) or dtype.kind == "b"


def _says_little(dtype: Any) -> bool:
    """Whether a column of the type may hold anything, or dates that pandas does not count with."""
    return pd.api.types.is_object_dtype(dtype) or (
        isinstance(dtype, pd.ArrowDtype) and dtype.kind in "mM"
    )


def _inferred(column: pd.Series) -> pd.Series:
    if not _says_little(column.dtype):
        return column
    column = column.astype(object).infer_objects()
    known = column.dropna()
    if column.dtype != object or not len(known):
        return column
    try:
        if all(isinstance(value, (Real, Decimal, np.bool_)) for value in known):
            numbers = column.to_numpy(dtype=float, na_value=np.nan)
            return pd.Series(numbers, index=column.index)
        if all(isinstance(value, (date, np.datetime64)) for value in known):
            column = column.where(column.notna(), pd.NaT)
            return pd.to_datetime(column, utc=any(getattr(d, "tzinfo", None) for d in known))
    except (ValueError, OverflowError):  # out of range
        pass
    return column


def column_contents(rows: Any) -> list[str | None]:
    """Return what each column holds, in words; None if it holds nothing."""
    if not isinstance(rows, MixedRows):
        return ["numbers"] * rows.shape[1]
    return [_contents(rows.frame.iloc[:, at]) for at in range(rows.shape[1])]


def _contents(column: pd.Series) -> str | None:
    if column.dtype == object and column.isna().all():
        return None
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        dtype = dtype.categories.dtype
    if _is_numeric(dtype):
        return "numbers"
    return {"M": "dates", "m": "durations"}.get(dtype.kind, "strings or objects")


def has_texts(X: Any) -> bool:
    """Tell whether a table has a column of texts."""
    rows = MixedRows.of(X)
    return rows is not None and "text" in _kinds(rows.frame)


def frame_of(rows: Any) -> Any:
    """Return the frame of mixed rows, and anything else as it is."""
    return rows.frame if isinstance(rows, MixedRows) else rows


def reading_frames(checker: Any) -> Any:
    """Return a checker that is given the frame of mixed rows."""
    return make_pipeline(FunctionTransformer(frame_of).set_output(transform="default"), checker)


def number_scaler(*, sparse: bool) -> Any:
    """Return what makes numbers comparable, and imputes missing ones of a dense table."""
    if sparse:
        return MaxAbsScaler().set_output(transform="default")
    imputer = SimpleImputer(keep_empty_features=True)
    return make_pipeline(imputer, StandardScaler()).set_output(transform="default")


class MixedEncoder(TransformerMixin, BaseEstimator):
    """Turn each column into numbers by what it holds: scaled, one-hot, or sentence embeddings."""

    def fit(self, X: Any, y: Any = None) -> "MixedEncoder":
        """Find out what the columns hold."""
        frame = frame_of(X)
        self.kinds_ = _kinds(frame)
        places = {kind: [at for at, k in enumerate(self.kinds_) if k == kind] for kind in _KINDS}
        parts: list[Any] = [
            ("number", number_scaler(sparse=False), places["number"]),
            (
                "category",
                OneHotEncoder(handle_unknown="ignore", sparse_output=False),
                places["category"],
            ),
        ]
        if places["text"]:
            from sklw.feature_extraction import TextEmbedder

            parts += [(f"text{at}", TextEmbedder(), [at]) for at in places["text"]]
        # Sentence embeddings have length 1: the weight makes up for their small scale.
        weights = {name: 10**0.5 for name, *_ in parts if name.startswith("text")}
        self.encoder_ = ColumnTransformer(parts, transformer_weights=weights)
        self.encoder_.set_output(transform="default").fit(self._plain(frame))
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Turn the columns into numbers."""
        return np.asarray(self.encoder_.transform(self._plain(frame_of(X))), dtype=float)

    def _plain(self, frame: pd.DataFrame) -> pd.DataFrame:
        columns = (_plain(frame.iloc[:, at], kind) for at, kind in enumerate(self.kinds_))
        return pd.DataFrame(dict(enumerate(columns)))


_KINDS = ("number", "category", "text")


def _kinds(frame: pd.DataFrame) -> list[str]:
    return [_kind(frame.iloc[:, at]) for at in range(frame.shape[1])]


def _kind(column: pd.Series) -> str:
    if _counts(_inferred(column)):
        return "number"
    known = column.dropna().astype(str)
    n_values = known.nunique()
    if n_values > max(_FEW_VALUES, len(column) / 2):
        return "text"
    several = n_values > _MANY_VALUES
    return "text" if several and holds_prose(known) else "category"


def _counts(column: pd.Series) -> bool:
    """Whether a column holds nothing but numbers, dates or durations."""
    return bool(_is_numeric(column.dtype) or column.dtype.kind in "mM")


def _countable(column: pd.Series) -> pd.Series:
    """Return a column of numbers or dates without what rows fitted on did not have: "unknown"."""
    found = _inferred(column)
    if not _counts(found):
        kinds = (Real, Decimal, np.bool_, date, timedelta, np.datetime64)
        fits = np.array([isinstance(value, kinds) for value in column])
        found = _inferred(column.astype(object).where(fits))
    return found if _counts(found) else pd.Series(np.nan, index=column.index)


def vectors_of(column: pd.Series) -> np.ndarray:
    """Return numbers and dates as numbers, and a place for each of other values."""
    column = _inferred(column)
    if _counts(column):
        return _as_numbers(column)[:, None]
    return pd.get_dummies(column).to_numpy(dtype=float)


def _plain(column: pd.Series, kind: str) -> np.ndarray:
    if kind == "number":
        return _as_numbers(_countable(column))
    texts = column.astype(object).where(column.notna(), "").map(str)
    return texts.to_numpy(dtype=object)


def _as_numbers(column: pd.Series) -> np.ndarray:
    if column.dtype.kind in "mM":
        numbers = pd.to_numeric(column.dt.as_unit("us"))  # columns may differ in their units
        return numbers.astype(float).where(column.notna()).to_numpy()
    return column.to_numpy(dtype=float, na_value=np.nan)
