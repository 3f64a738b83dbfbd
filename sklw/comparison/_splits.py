"""Training and test rows of one seed, the same for every method."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

__all__ = ["Split", "check_numbers", "draw_split", "rarest_class"]


@dataclass(frozen=True)
class Split:
    """Row numbers of a training and a test set, disjoint."""

    train: np.ndarray
    test: np.ndarray


def check_numbers(values: Any, name: str, least: int) -> list[int]:
    """Return the whole numbers that the user gave as a list."""
    if not isinstance(values, Iterable) or isinstance(values, str):
        raise TypeError(
            f"{name} must be a list of whole numbers, got {values!r}. For one of them pass "
            f"{name}=[{values}]."
        )
    given = list(values)
    if not given or not all(value == int(value) >= least for value in given):
        raise ValueError(
            f"{name} must hold whole numbers of at least {least}, one or more, got {given}."
        )
    return [int(value) for value in given]


def rarest_class(labels: np.ndarray) -> Any:
    """Return the class with the fewest rows (the first in order, should several tie)."""
    classes, counts = np.unique(labels, return_counts=True)
    return classes[counts.argmin()]


def draw_split(
    labels: np.ndarray,
    *,
    minority_size: int,
    majority_size: int,
    test_size: int | None,
    seed: int,
) -> Split:
    """Draw the training rows of each class; the rest is for testing.

    The training set of a smaller `minority_size` is part of that of a larger one. Other classes
    give `majority_size` rows, or three quarters of theirs if they have too few.
    """
    random = np.random.default_rng(seed)
    minority = rarest_class(labels)
    train, test = [], []
    for label in np.unique(labels).tolist():
        rows = random.permutation(np.flatnonzero(labels == label))
        wanted = minority_size if label == minority else majority_size
        if label != minority and wanted >= len(rows):
            wanted = len(rows) * 3 // 4
        if not 0 < wanted < len(rows):
            raise ValueError(
                f"Class {label!r} cannot give {wanted} training rows: it has {len(rows)} rows, and "
                "at least one must be left for the test. Ask for a smaller minority size."
            )
        train.append(rows[:wanted])
        test.append(rows[wanted:])
    rest = np.concatenate(test)
    if test_size is not None and test_size < len(rest):
        rest = _drawn(rest, labels, test_size, seed)
    # Shuffled, since a model trained in batches must not see one class after the other.
    return Split(random.permutation(np.concatenate(train)), np.sort(rest))


def _drawn(rest: np.ndarray, labels: np.ndarray, test_size: int, seed: int) -> np.ndarray:
    """Draw test rows by class."""
    n_classes, fewest = len(np.unique(labels)), np.unique(labels[rest], return_counts=True)[1].min()
    if fewest > 1 and n_classes <= test_size <= len(rest) - n_classes:
        drawn, _ = train_test_split(
            rest, train_size=test_size, stratify=labels[rest], random_state=seed
        )
        if len(np.unique(labels[drawn])) == n_classes:
            return drawn
    raise ValueError(
        f"test_size={test_size} (--test-size) cannot be drawn by class, with a row of each, from "
        f"the {len(rest)} rows that are not trained on, {fewest} of the class with the fewest. "
        "Leave test_size out to test on all of them, or ask for another size."
    )
