"""Files of results, to which each cell is added as soon as it is known, and intervals of means."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from scipy.stats import sem, t

__all__ = ["append", "half_interval", "known"]


def known(path: Path, key: Sequence[str]) -> set[tuple[Any, ...]]:
    """Return the cells that a file of results has."""
    if not path.is_file():
        return set()
    found = pd.read_csv(path, keep_default_na=False)
    return set(found[list(key)].itertuples(index=False, name=None))


def append(path: Path, *rows: Mapping[str, Any], digits: int = 4) -> None:
    """Add lines to a file of results."""
    if not rows:
        return
    path.parent.mkdir(exist_ok=True)
    pd.DataFrame([dict(row) for row in rows]).to_csv(
        path, mode="a", header=not path.is_file(), index=False, float_format=f"%.{digits}f"
    )


def half_interval(values: Any) -> float:
    """Return the half-width of the 95 % interval of a mean, Student's."""
    return float(t.ppf(0.975, len(values) - 1) * sem(values))
