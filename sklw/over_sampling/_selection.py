"""Which real rows of a class a prompt shows."""

import numpy as np

__all__ = ["select_rows"]


def select_rows(
    how: str, n_rows: int, n_examples: int, vectors: np.ndarray | None, rng: np.random.Generator
) -> np.ndarray:
    """Return positions of the chosen rows, in the order in which to show them.

    They are drawn afresh ("random"), or a random row with its nearest neighbours ("nearest") or
    with rows as far as possible from it and from each other ("diverse").
    """
    if vectors is None or how == "random":
        return rng.permutation(n_rows)[:n_examples]
    anchor = int(rng.integers(n_rows))
    n_others = min(n_examples, n_rows) - 1
    if how == "nearest":
        order = np.argsort(_distances(vectors, anchor), kind="stable")
        others = order[order != anchor][:n_others]
    else:
        others = _farthest_from(vectors, anchor, n_others)
    # The row shown last shapes the answer most: make that the anchor.
    return np.append(rng.permutation(others), anchor).astype(int)


def _farthest_from(vectors: np.ndarray, anchor: int, n_others: int) -> np.ndarray:
    chosen: list[int] = []
    nearest = _distances(vectors, anchor)
    nearest[anchor] = -np.inf
    for _ in range(n_others):
        farthest = int(np.argmax(nearest))
        chosen.append(farthest)
        nearest = np.minimum(nearest, _distances(vectors, farthest))
        nearest[farthest] = -np.inf
    return np.array(chosen, dtype=int)


def _distances(vectors: np.ndarray, at: int) -> np.ndarray:
    distances: np.ndarray = np.linalg.norm(vectors - vectors[at], axis=1)
    return distances
