"""Finding the rows that went into a sampler among those that came out."""

import sys
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import pairwise
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from imblearn.combine import SMOTEENN, SMOTETomek
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.under_sampling import ClusterCentroids
from scipy import sparse

__all__ = ["NEW", "UNSURE", "Step", "follow", "n_rows", "refuse_untraceable"]

# In place of a position: a row that was not there before, and one of several identical rows.
NEW, UNSURE = -1, -2


def n_rows(X: Any) -> int:
    """Return the number of rows."""
    return int(X.shape[0]) if hasattr(X, "shape") else len(X)


@dataclass(frozen=True)
class Step:
    """What a sampler did to the rows, with a value for each row that came out."""

    kept: np.ndarray  # where it stood before, NEW if nowhere
    copied: np.ndarray  # whether it stands there a second time, to balance the classes
    unsure: np.ndarray  # whether it is one of several identical rows, not all of which are left
    parents: dict[int, Any] = field(default_factory=dict)  # of some rows, where they were before


def refuse_untraceable(sampler: Any) -> None:
    """Raise for samplers of which it is known that they do not tell, before they are fitted."""
    if isinstance(sampler, (SMOTEENN, SMOTETomek, ClusterCentroids)):
        _refuse(sampler, "it replaces rows or drops some of those that it made")


def follow(
    sampler: Any, before: tuple[Any, Any], now: tuple[Any, Any], synthetic: np.ndarray
) -> Step:
    """Find where each row stood before: the sampler may say so, and the rows must agree.

    `before` and `now` are pairs (X, y); `synthetic` says which rows were synthetic before.
    """
    refuse_untraceable(sampler)
    if not n_rows(now[0]):
        raise ValueError(
            f"{type(sampler).__name__} returned no row. Let it keep some of each class."
        )
    mask = getattr(sampler, "synthetic_mask_", None)
    if mask is not None:
        return _by_mask(sampler, np.asarray(mask, dtype=bool), before, now, synthetic)
    old, new = row_keys(before[0], now[0])
    if (kept := getattr(sampler, "sample_indices_", None)) is not None:
        return _by_indices(sampler, np.asarray(kept, dtype=int), old, new)
    if new[: len(old)] == old:
        kept = np.full(len(new), NEW)
        kept[: len(old)] = np.arange(len(old))
        return _step(kept)
    labels = row_keys(before[1], now[1])
    return _by_content(sampler, _pairs(old, labels[0]), _pairs(new, labels[1]), synthetic)


def _step(kept: np.ndarray) -> Step:
    no = np.zeros(len(kept), dtype=bool)
    return Step(kept, no, no.copy())


def _pairs(*columns: list[Hashable]) -> list[Hashable]:
    return [*zip(*columns, strict=True)]


def _by_mask(
    sampler: Any, mask: np.ndarray, before: tuple[Any, Any], now: tuple[Any, Any], synthetic: Any
) -> Step:
    """Take the word of the sampler for what is synthetic; the rest has to be what it got."""
    real, made = np.flatnonzero(~mask), np.flatnonzero(mask)
    old, new = row_keys(before[0], now[0])
    if len(mask) != len(new):
        _refuse(sampler, "its synthetic_mask_ does not fit the rows that it returned")
    left = [new[at] for at in real]
    gone = set(old) - set(left)
    if any(new[at] in gone for at in made):
        _refuse(sampler, "its synthetic_mask_ marks rows as synthetic that it got as real ones")
    found = _step(np.arange(len(old)))
    if left != old:
        labels = row_keys(before[1], now[1])
        left = _pairs(left, [labels[1][at] for at in real])
        found = _by_content(sampler, _pairs(old, labels[0]), left, synthetic)
        if (found.kept == NEW).any():
            _refuse(sampler, "its synthetic_mask_ marks rows as real that it did not get")
    kept, unsure = np.full(len(new), NEW), np.zeros(len(new), dtype=bool)
    kept[real], unsure[real] = found.kept, found.unsure
    parents = dict(zip(made.tolist(), getattr(sampler, "parent_indices_", []), strict=False))
    return Step(kept, np.zeros(len(new), dtype=bool), unsure, parents)


def _by_indices(sampler: Any, kept: np.ndarray, old: list, new: list) -> Step:
    if len(kept) != len(new) or not ((kept >= 0) & (kept < len(old))).all():
        _refuse(sampler, "its sample_indices_ do not fit the rows that it returned")
    same = np.array([old[at] == key for at, key in zip(kept.tolist(), new, strict=True)], bool)
    first = np.zeros(len(kept), dtype=bool)
    first[np.unique(kept, return_index=True)[1]] = True
    if not same[first].all():
        _refuse(sampler, "it returned other rows than those that its sample_indices_ name")
    # Rows drawn again while others are left out (a bootstrap) stay what they are.
    adds = isinstance(sampler, BaseOverSampler) or len(new) > len(old)
    again = ~first & (adds | ~same)
    parents = {int(at): [kept[at]] for at in np.flatnonzero(again)}
    no = np.zeros(len(kept), dtype=bool)
    return Step(np.where(same, kept, NEW), again & same, no, parents)


def _by_content(sampler: Any, old: list, new: list, synthetic: np.ndarray) -> Step:
    """Find rows by what they hold: either all that came out went in, or all that went in is left.

    Otherwise a row that was changed could not be told from one that was made.
    """
    places: dict[Hashable, list[int]] = {}
    for at, key in enumerate(old):
        places.setdefault(key, []).append(at)
    met: Counter[Hashable] = Counter()
    kept = np.full(len(new), NEW)
    for row, key in enumerate(new):
        candidates = places.get(key, [])
        if met[key] < len(candidates):
            kept[row] = candidates[met[key]]
        met[key] += 1
    if (kept == NEW).any() and len(np.unique(kept[kept >= 0])) < len(old):
        _refuse(sampler, "some rows are gone and others are new, and a changed row looks new")
    unsure = np.array([0 < met[key] < len(places.get(key, [])) for key in new], dtype=bool)
    for key in {key for key, doubtful in zip(new, unsure, strict=True) if doubtful}:
        if len(set(synthetic[places[key]].tolist())) > 1:
            _refuse(sampler, "it dropped one of several identical rows, real and synthetic")
    return Step(kept, np.zeros(len(new), dtype=bool), unsure)


def _refuse(sampler: Any, why: str) -> NoReturn:
    raise TypeError(
        f"{type(sampler).__name__} does not say which of its rows are synthetic, or which row of "
        f"its input each of the others is, so that weights cannot follow their rows: {why}. Use an "
        "over-sampler that keeps the original rows (SMOTE, ADASYN, LLMOverSampler), if you like "
        "followed by a cleaning sampler as a separate step (EditedNearestNeighbours, TomekLinks), "
        "or a sampler with `sample_indices_` or `synthetic_mask_`."
    )


# -- what rows hold -----------------------------------------------------------------------------


def row_keys(*tables: Any) -> list[list[Hashable]]:
    """Return for each table a key a row; rows that hold the same have the same key."""
    if any(map(sparse.issparse, tables)):
        return [_sparse_keys(sparse.csr_array(table, dtype=float, copy=True)) for table in tables]
    arrays = [np.asarray(table) for table in tables]
    if all(array.dtype.kind in "biuf" for array in arrays):
        return [_number_keys(array.astype(float)) for array in arrays]
    return [_object_keys(table) for table in tables]


def _sparse_keys(table: Any) -> list[Hashable]:
    table.sum_duplicates()
    table.eliminate_zeros()
    parts = [slice(*ends) for ends in pairwise(table.indptr)]
    return [_digest(table.indices[part].astype(int), table.data[part]) for part in parts]


def _number_keys(array: np.ndarray) -> list[Hashable]:
    array = array + 0.0  # there are two zeros
    array[np.isnan(array)] = np.nan
    return [_digest(row) for row in array]


def _digest(*parts: np.ndarray) -> bytes:
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.digest()


def _object_keys(table: Any) -> list[Hashable]:
    array = np.array(table, dtype=object)
    array[np.asarray(pd.isna(array))] = None
    rows = array.reshape(len(array), array[:1].size).tolist()
    hashable = all(isinstance(cell, Hashable) for row in rows for cell in row)
    if hashable:
        return [tuple(row) for row in rows]
    with np.printoptions(threshold=sys.maxsize, floatmode="unique"):  # arrays in full
        return [repr(row) for row in rows]
