"""The plan: how many rows each class, or each class x group cell, needs."""

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from math import inf
from numbers import Integral
from typing import Any

import numpy as np
from imblearn.utils import check_sampling_strategy

from sklw._callers import caller_level
from sklw._validation import hint_at_numbered_classes
from sklw.exceptions import GenerationWarning

__all__ = ["Cell", "ClassDescription", "check_known", "plan_cells", "sort_key"]


@dataclass(frozen=True)
class ClassDescription:
    """How a class is named to the model."""

    name: str
    description: str = ""
    label_name: str = ""  # without the group

    @property
    def tag(self) -> str:
        """What stands in brackets before a text."""
        return self.label_name or self.name

    @property
    def full(self) -> str:
        """Name with description."""
        return f"{self.name} ({self.description})" if self.description else self.name


@dataclass(frozen=True, eq=False)
class Cell:
    """A class, or the part of it that lies in one group."""

    label: Any
    group: Any  # None where there are none
    description: ClassDescription  # what a model is told
    positions: np.ndarray  # of its real rows
    oversample: int  # rows to generate for balance
    augment: int  # and beyond it

    @property
    def key(self) -> Any:
        """Label, or label and group."""
        return self.label if self.group is None else (self.label, self.group)

    @property
    def wanted(self) -> int:
        """Rows to generate."""
        return self.oversample + self.augment


def plan_cells(
    labels: Sequence[Any],
    groups: np.ndarray | None,
    sampling_strategy: Any,
    augment: Any,
    describe: Callable[[Any, Any], ClassDescription],
) -> tuple[list[Cell], dict[Any, int]]:
    """Return what each cell needs, and `sampling_strategy` as imbalanced-learn has it.

    `groups` is the group of each row; ``describe(label, group)`` returns a ClassDescription.
    """
    keys = list(labels) if groups is None else list(zip(labels, groups, strict=True))
    known = sorted(dict.fromkeys(keys), key=sort_key)
    code_of = {key: code for code, key in enumerate(known)}
    codes = np.array([code_of[key] for key in keys])
    if groups is not None:
        _warn_of_empty(known, sampling_strategy)
    strategy = _coded(sampling_strategy, code_of, keys, grouped=groups is not None)
    wanted = {
        int(code): int(count)
        for code, count in check_sampling_strategy(strategy, codes, "over-sampling").items()
    }
    balanced = len(codes) + sum(wanted.values())
    extra = _augmentation(augment, code_of, balanced)
    cells = []
    for key, code in code_of.items():
        label, group = (key, None) if groups is None else key
        cells.append(
            Cell(
                label,
                group,
                describe(label, group),
                np.flatnonzero(codes == code),
                wanted.get(code, 0),
                extra[code],
            )
        )
    return cells, {key: wanted[code] for key, code in code_of.items() if code in wanted}


def check_known(name: str, by_key: Any, known: Any) -> None:
    """Refuse a mapping that names a class or cell without rows."""
    unknown = [key for key in by_key or {} if key not in known]
    if unknown:
        cells = any(isinstance(key, tuple) for key in known)
        raise ValueError(
            f"{name} names the {'cell(s)' if cells else 'class(es)'} {sorted(unknown, key=str)}, "
            f"which the real rows do not have. They have {list(known)}."
            + (" With groups, the keys are (label, group) pairs." if cells else "")
            + hint_at_numbered_classes(key[0] if cells else key for key in known)
        )


def _coded(strategy: Any, code_of: dict[Any, int], keys: list[Any], *, grouped: bool) -> Any:
    """Return the strategy about the codes of cells, a ratio as the number of rows of each."""
    if callable(strategy):
        strategy = strategy(keys if grouped else np.array(keys))
    counts = Counter(keys)
    if isinstance(strategy, dict):
        asked = _row_counts("sampling_strategy", strategy)
        check_known("sampling_strategy", asked, code_of)
        for key, count in asked.items():
            if count < counts[key]:
                raise ValueError(
                    f"sampling_strategy asks for {count} rows of {key!r}, which has {counts[key]} "
                    "already, and over-sampling removes none. Where sizes differ, as between the "
                    "folds of cross-validation, use a share of the largest class "
                    "(sampling_strategy=0.5), or a callable that takes y and returns such a dict."
                )
        return {code_of[key]: count for key, count in asked.items()}
    strategy = _plain(strategy)
    if isinstance(strategy, int | float):
        if not 0 < strategy <= 1:
            raise ValueError(
                f"sampling_strategy={strategy!r} is a share of the largest class: give a number "
                "above 0 and at most 1."
            )
        enough = int(strategy * max(counts.values()))  # rounded down, as in imbalanced-learn
        return {code_of[key]: enough for key, count in counts.items() if count < enough}
    return strategy


def _augmentation(augment: Any, code_of: dict[Any, int], n_balanced: int) -> dict[int, int]:
    if isinstance(augment, dict):
        augment = _row_counts("augment", augment)
        check_known("augment", augment, code_of)
        return {code: augment.get(key, 0) for key, code in code_of.items()}
    if not isinstance(augment, Integral):
        augment = round(augment * n_balanced / len(code_of))
    return dict.fromkeys(code_of.values(), int(augment))


def _row_counts(name: str, by_key: Any) -> dict[Any, int]:
    """Return the numbers of rows of a mapping, and refuse what is none."""
    plain = {_plain(key): _plain(count) for key, count in by_key.items()}
    for count in plain.values():
        if not isinstance(count, int | float) or not 0 <= count < inf or count != int(count):
            raise ValueError(
                f"{name} must map to whole numbers of rows, none negative, and got {plain}. For "
                f"shares, give {name}=0.5 instead of a dict."
            )
    return {key: int(count) for key, count in plain.items()}


def _warn_of_empty(known: list[Any], strategy: Any) -> None:
    labels, groups = ({key[at] for key in known} for at in (0, 1))
    empty = set(product(labels, groups)) - set(known)
    if empty and not isinstance(strategy, dict):
        warnings.warn(
            f"No real row is in the cell(s) {sorted(empty, key=sort_key)}, so there is nothing to "
            "show a model and they stay empty. Collect some rows, or merge groups.",
            GenerationWarning,
            stacklevel=caller_level(),
        )


def sort_key(key: Any) -> Any:
    parts = key if isinstance(key, tuple) else (key,)
    return [
        (0, float(part), "") if isinstance(part, int | float) else (1, 0.0, str(part))
        for part in parts
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return value.item() if isinstance(value, np.generic) else value
