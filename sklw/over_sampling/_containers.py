"""Appending rows to the user's container, whichever it is."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray
from scipy import sparse

from sklw._validation import refuse_arrow, refuse_masked
from sklw.over_sampling._index import concatenated

__all__ = ["append_labels", "append_table", "append_texts", "as_table", "rehearsed"]


def append_texts(X: Any, texts: Sequence[str]) -> Any:
    """Return `X` with the texts after its own, in the same type and dtype."""
    return _append_column(X, list(texts))


def append_labels(y: Any, labels: Sequence[Any], *, one_hot: bool = False) -> Any:
    """Return `y` with the labels after its own; numbers of columns where it has one a class."""
    if not one_hot:
        return _append_column(y, list(labels))
    new = np.eye(np.asarray(y).shape[1], dtype=int)[list(map(int, labels))]
    if isinstance(y, pd.DataFrame):
        return concatenated(y, pd.DataFrame(new, columns=y.columns).astype(y.dtypes))
    if isinstance(y, (list, tuple)):
        return type(y)([*y, *(type(y[0])(row) for row in new.tolist())])
    return np.concatenate([y, new.astype(y.dtype)])


def append_table(X: Any, rows: pd.DataFrame) -> Any:
    """Return `X` with the rows after its own; container, dtypes and order of columns are kept."""
    if isinstance(X, pd.DataFrame):
        dtypes = [_grown(dtype, rows.iloc[:, at]) for at, dtype in enumerate(X.dtypes)]
        X = X.astype(dict(zip(X.columns, dtypes, strict=True)))
        added = pd.DataFrame(
            {at: _as_dtype(rows.iloc[:, at], dtype) for at, dtype in enumerate(dtypes)}
        )
        added.columns = X.columns
        return concatenated(X, added)
    if isinstance(X, (list, tuple)):
        return type(X)([*X, *(type(X[0])(row) for row in rows.to_numpy(dtype=object).tolist())])
    if nw.dependencies.is_polars_dataframe(X):
        return _append_polars(X, [rows.iloc[:, at].tolist() for at in range(rows.shape[1])])
    return _append_array(X, rows.to_numpy(dtype=object).tolist())


def rehearsed(what: str, old: Any, append: Callable[[], Any]) -> Any:
    """Append before anything is sent, so that what cannot take new rows is refused in time."""
    try:
        new = append()
        same = type(new) is type(old) or (type(new), type(old)) == (np.ndarray, np.memmap)
        problem = "" if same else f"would come back as {type(new).__name__}"
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
    if problem:
        raise TypeError(
            f"LLMOverSampler cannot append rows to {what}, a {type(old).__name__} ({problem}). "
            "Nothing has been sent. Pass a list, an ndarray, or a Series or DataFrame of pandas "
            "or polars."
        )
    return new


def _as_pandas(X: Any) -> pd.DataFrame:
    """Return a polars frame as one of pandas that holds the same Python values."""
    columns = {}
    for column in nw.from_native(X, eager_only=True).iter_columns():
        dtype: Any = object
        if column.dtype in (nw.Categorical, nw.Enum):
            dtype = "category"
        elif column.dtype.is_integer() and hasattr(pd, f"{column.dtype}Dtype"):
            dtype = str(column.dtype)  # with the limits of its type
        columns[column.name] = pd.Series(column.to_list(), dtype=dtype)
    return pd.DataFrame(columns)


def as_table(X: Any) -> pd.DataFrame:
    """Return the rows as a frame with a fresh index, whose columns' names are strings."""
    if sparse.issparse(X):
        raise TypeError("LLMOverSampler got a sparse matrix. Pass X.toarray(), or a DataFrame.")
    refuse_masked(X, "LLMOverSampler")
    refuse_arrow(X, "LLMOverSampler")
    if isinstance(X, (list, tuple)):
        frame = _rows_as_frame(X)
    elif nw.dependencies.is_polars_dataframe(X):
        frame = _as_pandas(X)
    else:
        frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(_plain_array(X))
    if frame.shape[0] == 0:
        raise ValueError(
            "X holds 0 rows (Found array with 0 sample(s)) while a minimum of 1 is required."
        )
    frame = frame.reset_index(drop=True)
    if not hasattr(X, "columns"):
        frame.columns = [f"x{number}" for number in range(frame.shape[1])]
    frame.columns = [str(name) for name in frame.columns]
    twice = frame.columns[frame.columns.duplicated()].tolist()
    if twice:
        raise ValueError(f"X has several columns named {twice[0]!r}. Give each its own name.")
    return frame


def _rows_as_frame(X: Sequence[Any]) -> pd.DataFrame:
    lengths = [len(row) if isinstance(row, (list, tuple)) else 0 for row in X]
    odd = next((at for at, length in enumerate(lengths) if length != lengths[0]), None)
    if odd is not None:
        raise ValueError(
            f"Row {odd} of X has {lengths[odd]} values and row 0 has {lengths[0]}. Give all "
            "rows the same number of values, with None where one is missing."
        )
    return pd.DataFrame(list(X), dtype=object)  # pandas would make floats of 3 beside None


def _plain_array(X: Any) -> np.ndarray:
    array = np.asarray(X)
    return array.astype(object) if array.dtype.kind in "UT" else array  # of strings


def _append_column(old: Any, values: list[Any]) -> Any:
    if isinstance(old, (list, tuple)):
        nested = len(old) > 0 and isinstance(old[0], (list, tuple))
        return type(old)([*old, *([type(old[0])([v]) for v in values] if nested else values)])
    if isinstance(old, (pd.Series, pd.DataFrame)):
        return _append_pandas(old, values)
    if isinstance(old, pd.Index):
        return pd.Index(_append_pandas(pd.Series(old), values).array, name=old.name)
    if isinstance(old, ExtensionArray):
        return _append_pandas(pd.Series(old), values).array
    if nw.dependencies.is_polars_series(old) or nw.dependencies.is_polars_dataframe(old):
        return _append_polars(old, [values])
    return _append_array(old, values)


def _append_array(old: Any, values: list[Any]) -> np.ndarray:
    array = np.asarray(old)
    # For fixed-width strings let the width grow; a longer text must not be cut.
    dtype: Any = str if array.dtype.kind == "U" else array.dtype
    if array.ndim == 1 and array.dtype.kind == "O":  # np.array would look into tuples
        new = np.fromiter(values, dtype=object, count=len(values))
    else:
        new = np.array(values, dtype=dtype).reshape(-1, *array.shape[1:])
    return np.concatenate([array, new])


def _append_polars(old: Any, columns: list[list[Any]]) -> Any:
    native = nw.from_native(old, allow_series=True)
    frame: Any = native.to_frame() if isinstance(native, nw.Series) else native
    added = [
        nw.new_series(
            name, [None if pd.isna(v) else v for v in values], dtype, backend=frame.implementation
        )
        for (name, dtype), values in zip(frame.schema.items(), columns, strict=True)
    ]
    both = nw.concat([frame, added[0].to_frame().with_columns(*added[1:])])
    return (both[both.columns[0]] if isinstance(native, nw.Series) else both).to_native()


def _append_pandas(old: Any, values: list[Any]) -> Any:
    frame = old.to_frame() if isinstance(old, pd.Series) else old
    joined = append_table(frame, pd.DataFrame({0: pd.Series(values, dtype=object)}))
    if not isinstance(old, pd.Series):
        return joined
    column = joined.iloc[:, 0]
    column.name = old.name  # a series without a name became column 0
    return column


def _grown(dtype: Any, values: Iterable[Any]) -> Any:
    """Return a categorical dtype with the values that it lacks, and any other as it is."""
    if not isinstance(dtype, pd.CategoricalDtype):
        return dtype
    known = dtype.categories
    new = [v for v in dict.fromkeys(values) if v not in known and not pd.isna(v)]
    if not new:
        return dtype
    return pd.CategoricalDtype(known.append(pd.Index(new, dtype=known.dtype)), dtype.ordered)


def _as_dtype(values: pd.Series, dtype: Any) -> pd.Series:
    if isinstance(dtype, pd.DatetimeTZDtype):
        return pd.to_datetime(values, utc=True).astype(dtype)
    if getattr(dtype, "kind", "") == "M":
        values = pd.to_datetime(values)
    return values.astype(dtype)
