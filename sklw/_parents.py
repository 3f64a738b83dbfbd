"""Which rows each synthetic row was generated from."""

from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = ["ancestors", "check_parents", "rows_seen"]

_NOWHERE = np.array([], dtype=int)


def check_parents(parent_indices: Any, synthetic: np.ndarray) -> list[np.ndarray] | None:
    """Return an array of parents for each row; they may be given for the synthetic rows alone."""
    if parent_indices is None:
        return None
    n_rows, n_made = len(synthetic), int(synthetic.sum())
    if len(parent_indices) not in (n_rows, n_made):
        raise ValueError(
            f"parent_indices has {len(parent_indices)} entries for {n_rows} rows, {n_made} of them "
            "synthetic. Give one array of row numbers for each row or for each synthetic row, "
            "empty where there is no parent."
        )
    rows = np.arange(n_rows) if len(parent_indices) == n_rows else np.flatnonzero(synthetic)
    given = [_NOWHERE] * n_rows
    for row, parents in zip(rows.tolist(), parent_indices, strict=True):
        given[row] = _parents_of(row, parents, n_rows)
        # A real row may name itself.
        if synthetic[row] and row in given[row]:
            raise ValueError(
                f"Row {row} is named as its own parent. Pass the rows that it was generated from, "
                "or an empty array if that is not known."
            )
    return given


def _parents_of(row: int, parents: Any, n_rows: int) -> np.ndarray:
    found = np.asarray(parents)
    if found.shape == (0,):
        return _NOWHERE
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise ValueError(
            f"The parents of row {row} must be an array of whole row numbers, got {parents!r}. "
            "Pass an empty array where there is no parent."
        )
    if found.min() < 0 or found.max() >= n_rows:
        raise ValueError(
            f"Row {row} has the parents {found.tolist()}, and there are {n_rows} rows, counted "
            "from 0. Pass positions in X, as it is passed here."
        )
    return found.astype(int)


def ancestors(
    rows: Iterable[int], parent_indices: list[np.ndarray], synthetic: np.ndarray
) -> list[int]:
    """Return rows, those that the synthetic ones among them were generated from, and so on."""
    line = dict.fromkeys(rows)
    left = list(line)
    while left:
        if synthetic[row := left.pop()]:
            older = [parent for parent in parent_indices[row].tolist() if parent not in line]
            line.update(dict.fromkeys(older))
            left += older
    return list(line)


def rows_seen(
    positions: list[np.ndarray], parent_indices: list[np.ndarray] | None, synthetic: np.ndarray
) -> list[np.ndarray]:
    """For each row, the positions of itself and its ancestors among the real rows."""
    if parent_indices is None:
        return positions
    lines = (ancestors(parents.tolist(), parent_indices, synthetic) for parents in parent_indices)
    return [
        np.concatenate([own, *(positions[row] for row in line)])
        for own, line in zip(positions, lines, strict=True)
    ]
