"""The rows of a comparison: checked, and each text there once."""

import warnings
from typing import Any

import numpy as np
import pandas as pd

from sklw._callers import caller_level
from sklw._copies import copy_groups
from sklw._validation import check_labels, check_texts, holds_texts, warn_of_alike_labels

__all__ = ["check_corpus"]


def check_corpus(X: Any, y: Any) -> tuple[Any, np.ndarray]:
    """Check rows and labels; of texts keep one row for each that has a single label."""
    if not holds_texts(X) and np.ndim(X) == 2:
        table = pd.DataFrame(X).reset_index(drop=True)
        table.columns = [str(name) for name in table.columns]  # of tuples pandas makes levels
        if twice := table.columns[table.columns.duplicated()].tolist():
            raise ValueError(f"X has several columns named {twice[0]!r}. Give each its own name.")
        labels = _check_labels(y, len(table))
        warn_of_alike_labels(labels)
        _check_classes(labels)
        return table, labels
    texts = check_texts(X, estimator_name="compare")
    labels = _check_labels(y, len(texts))
    warn_of_alike_labels(labels)
    kept = _without_copies(texts, labels)
    _check_classes(labels[kept])
    return texts[kept], labels[kept]


def _check_classes(labels: np.ndarray) -> None:
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) < 2:
        raise ValueError(
            f"Every row has the label {classes.tolist()[0]!r}; a comparison needs two classes."
            if len(classes)
            else "No text is left: each one has copies with other labels."
        )
    single = [repr(label) for label in classes[counts == 1].tolist()]
    if single:
        raise ValueError(
            "Each class needs a row to train on and another to be tested on, and class "
            f"{single[0]} has 1 row: merge or drop it."
            + (f" The same holds for {', '.join(single[1:])}." if len(single) > 1 else "")
        )


def _check_labels(labels: Any, n_rows: int) -> np.ndarray:
    if not np.ma.isMaskedArray(labels) and not isinstance(labels, (list, tuple)):
        labels = np.asarray(labels, dtype=object)  # "nan" is a label in an array of objects
    found = check_labels(labels, estimator_name="compare", warn=True)
    if len(found) != n_rows:
        raise ValueError(f"Got {n_rows} rows and {len(found)} labels; pass one label for each row.")
    return found.astype(object) if found.dtype.kind == "U" else found


def _without_copies(texts: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the rows to keep: the first of each text; none of a text with several labels."""
    groups = copy_groups(texts)
    frame = pd.DataFrame({"group": groups, "label": labels})
    several = frame.groupby("group")["label"].transform("nunique").to_numpy() > 1
    kept = ~frame["group"].duplicated().to_numpy() & ~several
    if kept.all():
        return np.flatnonzero(kept)
    parts = []
    if n_copies := int((~kept & ~several).sum()):
        parts.append(
            f"{n_copies} of {len(texts)} rows repeat the text of another and were left out"
        )
    if several.any():
        example = texts[several][0]
        found = sorted(set(labels[groups == groups[several][0]].tolist()))
        shown = example if len(example) < 60 else f"{example[:57]}..."
        parts.append(
            f"{int(several.sum())} of {len(texts)} rows have a text that others have with another "
            f"label and were all left out, for example {shown!r} ({', '.join(map(str, found))})"
        )
    warnings.warn(
        f"{'; '.join(parts)}. Case, white space and Unicode form do not count. A text to train on "
        "and to be tested on would be a leak.",
        UserWarning,
        stacklevel=caller_level(),
    )
    return np.flatnonzero(kept)
