"""Appending rows to whatever the user keeps rows in."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["append_labels", "append_table", "append_texts"]


def append_texts(X: Any, texts: Sequence[str]) -> Any:
    """Return `X` with the texts after its own, in the same type and dtype."""
    if isinstance(X, (list, tuple)):
        nested = len(X) > 0 and isinstance(X[0], (list, tuple))
        return type(X)([*X, *([[text] for text in texts] if nested else texts)])
    if isinstance(X, (pd.Series, pd.DataFrame)):
        return _append_pandas(X, list(texts))
    array = np.asarray(X)
    # For fixed-width strings let the width grow; a longer text must not be cut.
    dtype = None if array.dtype.kind == "U" else array.dtype
    new_array = np.array(list(texts), dtype=dtype).reshape(-1, *array.shape[1:])
    return np.concatenate([array, new_array])


def append_labels(y: Any, labels: Sequence[Any], *, one_hot: bool = False) -> Any:
    """Return `y` with the labels after its own, in the same type and dtype.

    Parameters
    ----------
    y : array-like
        The labels there are.
    labels : sequence
        The new ones.
    one_hot : bool
        Whether `y` has a column for each class, and `labels` are numbers of columns.
    """
    if one_hot:
        new = np.eye(np.asarray(y).shape[1], dtype=int)[list(map(int, labels))]
        if isinstance(y, pd.DataFrame):
            added = pd.DataFrame(new, columns=y.columns).astype(y.dtypes)
            return _concatenated(y, added)
        array = np.asarray(y)
        joined = np.concatenate([array, new.astype(array.dtype)])
        return joined.tolist() if isinstance(y, (list, tuple)) else joined
    if isinstance(y, (list, tuple)):
        return type(y)([*y, *labels])
    if isinstance(y, (pd.Series, pd.DataFrame)):
        return _append_pandas(y, list(labels))
    array = np.asarray(y)
    new_labels = np.array(list(labels), dtype=array.dtype).reshape(-1, *array.shape[1:])
    return np.concatenate([array, new_labels])


def append_table(X: Any, rows: pd.DataFrame) -> Any:
    """Return `X` with the rows after its own; container, dtypes and order of columns are kept."""
    if isinstance(X, pd.DataFrame):
        added = pd.DataFrame(
            {
                number: _as_dtype(rows.iloc[:, number], X.dtypes.iloc[number])
                for number in range(X.shape[1])
            }
        )
        added.columns = X.columns
        return _concatenated(X, added)
    if isinstance(X, (list, tuple)):
        return type(X)([*X, *(type(X[0])(row) for row in rows.astype(object).to_numpy().tolist())])
    array = np.asarray(X)
    return np.concatenate([array, rows.astype(array.dtype).to_numpy(dtype=array.dtype)])


def _as_dtype(values: pd.Series, dtype: Any) -> pd.Series:
    if isinstance(dtype, pd.DatetimeTZDtype):
        return pd.to_datetime(values, utc=True).astype(dtype)
    if getattr(dtype, "kind", "") == "M":
        values = pd.to_datetime(values)
    return values.astype(dtype)


def _append_pandas(old: Any, values: list[Any]) -> Any:
    frame = old.to_frame() if isinstance(old, pd.Series) else old
    added = pd.DataFrame({0: pd.Series(values, dtype=frame.dtypes.iloc[0])})
    added.columns = frame.columns
    joined = _concatenated(frame, added)
    if not isinstance(old, pd.Series):
        return joined
    column = joined.iloc[:, 0]
    column.name = old.name  # a series without a name became column 0
    return column


def _concatenated(old: pd.DataFrame, added: pd.DataFrame) -> pd.DataFrame:
    """Concatenate; X and y of one frame get the same new index."""
    index = old.index
    if isinstance(index, pd.RangeIndex):
        joined = pd.concat([old, added])
        end = index.start + len(joined) * index.step
        joined.index = pd.RangeIndex(index.start, end, index.step, name=index.name)
        return joined
    if pd.api.types.is_integer_dtype(index.dtype):
        start = int(index.max()) + 1
        added.index = pd.RangeIndex(start, start + len(added))
    elif isinstance(index, pd.MultiIndex) or not pd.api.types.is_string_dtype(index.dtype):
        # Times and the like cannot be made up: a fresh index, as imbalanced-learn gives.
        return pd.concat([old, added], ignore_index=True)
    else:
        first = sum(str(name).startswith("synthetic_") for name in index)  # of an earlier step
        names = [f"synthetic_{first + number}" for number in range(len(added))]
        added.index = pd.Index(names, dtype=index.dtype)
    joined = pd.concat([old, added])
    joined.index.name = index.name
    return joined
