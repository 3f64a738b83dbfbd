"""The index of rows that are appended to a pandas object."""

import re
from itertools import count, islice

import numpy as np
import pandas as pd

__all__ = ["concatenated"]

_NAME = re.compile(r"synthetic_(\d+)")


def concatenated(old: pd.DataFrame, added: pd.DataFrame) -> pd.DataFrame:
    """Concatenate; X and y of one frame get the same new index, without new duplicates."""
    index = continued(old.index, len(added))
    if index is None:
        # Times and the like cannot be made up: a fresh index, as imbalanced-learn gives.
        return pd.concat([old, added], ignore_index=True)
    added.index = index
    joined = pd.concat([old, added])
    if isinstance(old.index, pd.RangeIndex):
        start, step = old.index.start, old.index.step
        joined.index = pd.RangeIndex(start, start + len(joined) * step, step)
    else:
        joined.index = joined.index.astype(old.index.dtype)  # pandas makes str of object
    joined.index.name = old.index.name
    return joined


def continued(index: pd.Index, n_rows: int) -> pd.Index | None:
    """Return an index for new rows after these, None if there is no way to continue it."""
    if isinstance(index, pd.RangeIndex):
        start = index.start + len(index) * index.step
        return pd.RangeIndex(start, start + n_rows * index.step, index.step)
    if pd.api.types.is_integer_dtype(index.dtype) and not index.hasnans:
        return _numbers(index, n_rows)
    if index.inferred_type == "string" and not isinstance(index, pd.CategoricalIndex):
        taken = [int(found[1]) for name in index if (found := _NAME.fullmatch(str(name)))]
        first = max(taken, default=-1) + 1
        return pd.Index([f"synthetic_{first + at}" for at in range(n_rows)], dtype=index.dtype)
    return None


def _numbers(index: pd.Index, n_rows: int) -> pd.Index | None:
    largest = int(np.iinfo(getattr(index.dtype, "numpy_dtype", index.dtype)).max)
    start = int(index.max()) + 1 if len(index) else 0
    if start + n_rows - 1 > largest:  # hashes, say: the lowest that are free
        taken = set(index.tolist())
        numbers = list(islice((at for at in count() if at not in taken), n_rows))
    else:
        numbers = list(range(start, start + n_rows))
    if numbers and numbers[-1] > largest:
        return None
    return pd.Index(numbers, dtype=index.dtype)
