"""Whether the labels of a file can be labels."""

from typing import Any

import numpy as np
import pandas as pd

__all__ = ["check_classes"]


def check_classes(labels: np.ndarray, label_column: Any, path: Any, needed: str) -> None:
    """Raise ValueError if there are no two classes, or as many as rows."""
    if not len(labels):
        raise ValueError(f"{path} has no row with {needed}.")
    counts = pd.Series(labels).value_counts()
    if len(counts) == 1:
        raise ValueError(
            f"Every row of {path} has the label {counts.index[0]!r} in column {label_column!r}; "
            "a classifier needs at least two classes."
        )
    if len(counts) == len(labels) and len(labels) > 2:
        raise ValueError(
            f"Every row of {path} has a different value in column {label_column!r}; that cannot "
            "be a label. Have the text column and the label column been swapped?"
        )
