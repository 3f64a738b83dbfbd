"""Appending rows to whatever the user keeps rows in."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["append_labels", "append_texts"]


def append_texts(X: Any, texts: Sequence[str]) -> Any:
    """Return `X` with the texts after its own, in the same type and dtype."""
    if isinstance(X, (list, tuple)):
        nested = len(X) > 0 and isinstance(X[0], (list, tuple))
        return type(X)([*X, *([[text] for text in texts] if nested else texts)])
    if isinstance(X, pd.Series):
        new = pd.Series(list(texts), dtype=X.dtype, name=X.name)
        return pd.concat([X, new], ignore_index=True)
    if isinstance(X, pd.DataFrame):
        column = X.columns[0]
        new_frame = pd.DataFrame({column: pd.Series(list(texts), dtype=X.dtypes.iloc[0])})
        return pd.concat([X, new_frame], ignore_index=True)
    array = np.asarray(X)
    # For fixed-width strings let the width grow; a longer text must not be cut.
    dtype = None if array.dtype.kind == "U" else array.dtype
    new_array = np.array(list(texts), dtype=dtype).reshape(-1, *array.shape[1:])
    return np.concatenate([array, new_array])


def append_labels(y: Any, labels: Sequence[Any]) -> Any:
    """Return `y` with the labels after its own, in the same type and dtype."""
    if isinstance(y, (list, tuple)):
        return type(y)([*y, *labels])
    if isinstance(y, (pd.Series, pd.DataFrame)):
        frame = y if isinstance(y, pd.Series) else y.iloc[:, 0]
        new = pd.Series(list(labels), dtype=frame.dtype, name=frame.name)
        joined = pd.concat([frame, new], ignore_index=True)
        return joined if isinstance(y, pd.Series) else joined.to_frame()
    array = np.asarray(y)
    new_labels = np.array(list(labels), dtype=array.dtype).reshape(-1, *array.shape[1:])
    return np.concatenate([array, new_labels])
