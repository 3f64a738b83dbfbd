"""Which real rows of a class a prompt shows."""

from collections.abc import Callable

import numpy as np

__all__ = ["ExampleSelector"]


class ExampleSelector:
    """Picks prompt rows from the rows of one class.

    Parameters
    ----------
    strategy : {"random", "nearest", "diverse"}
        A fresh draw for each prompt; a random row and its nearest neighbours; or a random row and
        rows as far as possible from it and from each other.
    n_rows : int
        Rows of the class.
    n_examples : int
        Rows a prompt; all of them where the class has fewer.
    vectors : callable
        Returns a vector for each row, the nearer the more alike; only called where the strategy
        needs them.
    """

    def __init__(
        self, strategy: str, n_rows: int, n_examples: int, vectors: Callable[[], np.ndarray]
    ) -> None:
        self.strategy = strategy
        self.n_rows = n_rows
        self.n_examples = min(n_examples, n_rows)
        if strategy != "random":
            self._vectors = vectors()

    def select(self, rng: np.random.Generator) -> np.ndarray:
        """Return positions of the chosen rows, in the order in which to show them."""
        if self.strategy == "random":
            return rng.permutation(self.n_rows)[: self.n_examples]
        anchor = int(rng.integers(self.n_rows))
        if self.strategy == "nearest":
            order = np.argsort(-self._similarity(anchor), kind="stable")
            others = order[order != anchor][: self.n_examples - 1]
        else:
            others = self._farthest_from(anchor)
        # The row shown last shapes the answer most: make that the anchor.
        return np.append(rng.permutation(others), anchor).astype(int)

    def _farthest_from(self, anchor: int) -> np.ndarray:
        chosen: list[int] = []
        nearest = self._similarity(anchor)
        nearest[anchor] = np.inf
        for _ in range(self.n_examples - 1):
            farthest = int(np.argmin(nearest))
            chosen.append(farthest)
            nearest = np.maximum(nearest, self._similarity(farthest))
            nearest[farthest] = np.inf
        return np.array(chosen, dtype=int)

    def _similarity(self, row: int) -> np.ndarray:
        similarity: np.ndarray = -np.linalg.norm(self._vectors - self._vectors[row], axis=1)
        return similarity
