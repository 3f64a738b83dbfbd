"""Checks of text input shared by every estimator that reads texts."""

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from sklw._copies import folded

__all__ = ["check_texts", "holds_texts", "warn_of_alike_labels"]


def check_texts(X: Any, *, estimator_name: str) -> np.ndarray:
    """Check that `X` is a collection of texts and return it as one array.

    Parameters
    ----------
    X : list, tuple, ndarray, Series or DataFrame of str, shape (n,) or (n, 1)
        The texts.
    estimator_name : str
        Who asks; named in the errors.

    Returns
    -------
    texts : ndarray of object, shape (n,)
        The texts, each a ``str``.

    Raises
    ------
    TypeError
        If `X` is a single string, sparse or no collection, or holds what is not a string.
    ValueError
        If `X` is empty, has more than one column, or has missing values.

    Examples
    --------
    >>> from sklw._validation import check_texts
    >>> check_texts(["one text", "another"], estimator_name="TextEmbedder")
    array(['one text', 'another'], dtype=object)
    """
    texts = _to_column(X, estimator_name)
    if not len(texts):
        raise ValueError(
            f"{estimator_name} got 0 texts (Found array with 0 sample(s)) while a minimum of 1 "
            "is required."
        )
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            _raise_not_text(position, text, estimator_name)
    return texts


def _to_column(X: Any, name: str) -> np.ndarray:
    """Return `X` as a 1-D array of object, whatever its elements are."""
    if isinstance(X, str):
        raise TypeError(
            f"{name} expects a collection of texts, got a single string. Pass a list: [text]."
        )
    if sparse.issparse(X):
        raise TypeError(
            f"{name} expects texts, got a sparse matrix. Pass the raw texts: this step stands "
            "before any vectorizer."
        )
    if isinstance(X, (list, tuple)):
        # np.array would turn rows of equal length into a 2-D array.
        return np.fromiter((_plain(item) for item in X), dtype=object, count=len(X))
    if not isinstance(X, (np.ndarray, pd.Series, pd.DataFrame, pd.Index)) and not hasattr(
        X, "__array__"
    ):
        raise TypeError(
            f"{name} expects a list, ndarray or Series of str, got {type(X).__name__}. "
            "Pass a list of str."
        )
    array = np.asarray(X, dtype=object)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(
            f"{name} expects one text column, got an array of shape {array.shape}. Select the "
            'column, for example X["text"], or use a ColumnTransformer.'
        )
    return np.fromiter((_plain(item) for item in array), dtype=object, count=len(array))


def _plain(item: Any) -> Any:
    """Unwrap a row of one cell; make np.str_ a plain str, the type that tokenizers look for."""
    if isinstance(item, (list, tuple)) and len(item) == 1:
        item = item[0]
    return str(item) if isinstance(item, np.str_) else item


def _raise_not_text(position: int, value: Any, name: str) -> None:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        raise ValueError(
            f"{name} got a missing value ({value!r}) at position {position}. Drop the row, or "
            'fill it with X.fillna("").'
        )
    raise TypeError(
        f"{name} expects texts, got {type(value).__name__} at position {position}. Convert with "
        "X.astype(str) if the values are meant as text; for a table of numbers use an estimator "
        "that reads numbers."
    )


def holds_texts(X: Any) -> bool:
    """Whether `X` looks like texts, not like a table of numbers: judged by its first row."""
    if isinstance(X, str) or sparse.issparse(X):
        return False
    if isinstance(X, pd.DataFrame):
        return X.shape[1] == 1 and not pd.api.types.is_numeric_dtype(X.dtypes.iloc[0])
    if isinstance(X, pd.Series):
        return not pd.api.types.is_numeric_dtype(X.dtype)
    if isinstance(X, np.ndarray) and X.dtype.kind not in "OUT":
        return False
    first = next(iter(X), None) if hasattr(X, "__iter__") and len(X) else None
    if isinstance(first, (list, tuple, np.ndarray)) and len(first) == 1:
        first = first[0]
    return isinstance(first, str)


def warn_of_alike_labels(labels: Iterable[Any], *, stacklevel: int) -> None:
    """Warn of labels that differ in case, white space or Unicode form only."""
    alike: dict[str, list[str]] = {}
    for label in sorted({label for label in labels if isinstance(label, str)}):
        alike.setdefault(folded(label), []).append(str(label))
    pairs = [" and ".join(map(repr, names)) for names in alike.values() if len(names) > 1]
    if pairs:
        warnings.warn(
            f"The labels {'; '.join(pairs)} differ in case, white space or Unicode form only, and "
            "count as classes of their own. Merge them if they mean the same.",
            UserWarning,
            stacklevel=stacklevel,
        )
