"""The rows that :func:`sklw.advise` learns from, checked and encoded."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.utils import check_consistent_length

from sklw._compat.scikit_learn import safe_indexing
from sklw._cross_fitting import row_groups
from sklw._mixed import MixedEncoder
from sklw._validation import check_labels, check_texts, holds_texts, refuse_arrow

__all__ = ["MOST_ROWS", "Rows", "check_rows", "encode_rows"]

# Of a class: more would take longer than a minute, and teach no more about the others.
MOST_ROWS = 2000


@dataclass(frozen=True)
class Rows:
    """Rows to cross-validate on."""

    X: Any  # features, as an array or a sparse one
    codes: np.ndarray  # classes, from 0
    represents: np.ndarray  # how many of the user's rows each of these stands for
    copies: np.ndarray  # a number that copies of a row share


def check_rows(X: Any, y: Any) -> tuple[Any, np.ndarray]:
    """Check that there is something to learn, and return the rows and an array of labels."""
    if issparse(X):
        raise TypeError("advise got a sparse matrix. Pass the texts themselves, or a dense table.")
    if y is not None and not np.size(y):
        raise ValueError("advise got no rows: y is empty.")
    labels = check_labels(y, estimator_name="advise", warn=True)
    if holds_texts(X):
        X = check_texts(X, estimator_name="advise")
    refuse_arrow(X, "advise")
    check_consistent_length(X, labels)
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) < 2:
        raise ValueError(
            f"Every row has the label {classes.tolist()[0]!r}. advise needs rows of two classes."
        )
    if counts.max() < 2:
        raise ValueError(
            "Every row has a different label. advise needs a class with rows to learn from and "
            "others to be tested on. Have the rows and the labels been swapped?"
        )
    return X, labels


def encode_rows(X: Any, labels: np.ndarray, encoder: Any, rng: np.random.RandomState) -> Rows:
    """Turn rows into numbers; of a large class some rows, which stand for all."""
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    place = pd.Series(rng.permutation(len(codes))).groupby(codes).rank().to_numpy()
    kept = np.flatnonzero(place <= MOST_ROWS)
    represents = np.maximum(counts / MOST_ROWS, 1)[codes[kept]]
    texts = holds_texts(X)
    X = safe_indexing(X if texts else pd.DataFrame(X), kept)
    encoded = _encoder(encoder, texts).fit_transform(X)
    encoded = encoded.tocsr() if issparse(encoded) else np.asarray(encoded)
    if texts or issparse(encoded):
        copies = row_groups(X if texts else encoded)
    else:
        copies = np.unique(encoded, axis=0, return_inverse=True)[1].ravel()
    return Rows(encoded, codes[kept], represents, copies)


def _encoder(encoder: Any, texts: bool) -> Any:
    if encoder is not None:
        return clone(encoder)
    if not texts:
        return MixedEncoder()
    from sklw.feature_extraction import TextEmbedder

    return TextEmbedder()
