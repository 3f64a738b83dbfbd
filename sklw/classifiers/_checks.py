"""Checks of labels, weights and callbacks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_array
from skorch.callbacks import EarlyStopping, LRScheduler

from sklw import _validation
from sklw._row_weights import RowWeights

__all__ = [
    "check_callbacks",
    "check_labels",
    "check_row_weights",
    "check_weights",
    "refuse_unknown",
    "with_class_weight",
]


def check_callbacks(net: Any, *, held_out: bool) -> None:
    """Refuse callbacks that training would fail with, or whose work it would undo."""
    callbacks = [callback for _, callback in net.callbacks_]
    stops = [callback for callback in callbacks if isinstance(callback, EarlyStopping)]
    if not held_out and any(c.monitor in ("valid_loss", "valid_acc") for c in stops):
        raise ValueError(
            "The callback EarlyStopping needs held-out rows, and none are held out. Pass "
            "early_stopping=True instead, or train_split, or "
            'EarlyStopping(monitor="train_loss").'
        )
    scheduled = net.lr_schedule != "constant" or net.warmup
    if scheduled and any(isinstance(callback, LRScheduler) for callback in callbacks):
        raise ValueError(
            f"The callback LRScheduler sets the learning rate, and lr_schedule={net.lr_schedule!r} "
            f"with warmup={net.warmup!r} would set another at every step. Leave the callback out, "
            'or pass lr_schedule="constant" and warmup=0.'
        )


def check_labels(y: Any, n_rows: int) -> np.ndarray:
    """Check labels: one for each text, none missing."""
    labels = _validation.check_labels(y, estimator_name="BertClassifier", warn=True)
    if len(labels) != n_rows:
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: {n_rows} texts and "
            f"{len(labels)} labels. Pass one label for each text."
        )
    return labels


def check_weights(sample_weight: Any, n_rows: int) -> np.ndarray | None:
    """Check weights: one for each row, finite, not negative, not all zero.

    Where their sum is beyond a float they are divided by the largest: proportions alone matter.
    """
    if sample_weight is None:
        return None
    weights = _check_row_property(sample_weight, n_rows, "sample_weight")
    if not np.isfinite(weights).all():
        at = int(np.flatnonzero(~np.isfinite(weights))[0])
        raise ValueError(f"sample_weight must be finite, got {weights[at]} at position {at}.")
    if (weights < 0).any():
        at = int(np.argmin(weights))
        raise ValueError(
            f"sample_weight must not be negative, got {weights[at]} at position {at}. Use 0 to "
            "leave a row out."
        )
    if not weights.any():
        raise ValueError("sample_weight is zero for every row: there is nothing to learn from.")
    with np.errstate(over="ignore"):
        total = weights.sum()
    return weights if 1e-300 < total < np.inf else weights / weights.max()


def check_row_weights(
    row_weights: Any, sample_weight: Any, n_rows: int
) -> dict[str, np.ndarray | None]:
    """Check RowWeights: one for each row, in place of plain weights."""
    if not isinstance(row_weights, RowWeights):
        raise TypeError(
            f"row_weights must be a sklw.RowWeights, got {type(row_weights).__name__}. Pass plain "
            "weights as sample_weight."
        )
    if sample_weight is not None:
        raise ValueError(
            "Weights were given twice: as row_weights and as sample_weight. Multiply them: "
            "row_weights=row_weights.times(sample_weight)."
        )
    if len(row_weights) != n_rows:
        raise ValueError(
            f"row_weights has shape ({len(row_weights)},), expected ({n_rows},): one weight for "
            "each text."
        )
    quality, synthetic = row_weights.quality, row_weights.synthetic
    if quality is not None and synthetic.any():
        quality = np.where(synthetic, quality, np.nan).astype(np.float32)
    else:
        quality = None
    weights = check_weights(row_weights.sample_weight, n_rows)
    return {"sample_weight": weights, "quality": quality, "synthetic": synthetic}


def refuse_unknown(arguments: dict[str, Any]) -> None:
    """Raise for arguments that fit does not know."""
    for name in arguments:
        hint = "It takes X, y, sample_weight and row_weights."
        if name.startswith("quality"):
            hint = (
                "Pass row_weights=sklw.RowWeights(sample_weight, synthetic, quality, "
                "finish=sklw.weighting.Dimp(clip=...).finisher(temperature=...)), which also says "
                "which rows are synthetic."
            )
        raise TypeError(f"BertClassifier.fit() got an unexpected argument {name!r}. {hint}")


def _check_row_property(values: Any, n_rows: int, name: str) -> np.ndarray:
    array = check_array(
        values, ensure_2d=False, dtype=np.float64, ensure_all_finite=False, input_name=name
    )
    if array.shape != (n_rows,):
        raise ValueError(
            f"{name} has shape {array.shape}, expected ({n_rows},): one value for each text."
        )
    return array


def with_class_weight(
    weights: np.ndarray | None, class_weight: Any, y: np.ndarray, classes: np.ndarray
) -> np.ndarray | None:
    """Multiply weights by those of the classes."""
    if class_weight is None:
        return weights
    if not isinstance(class_weight, Mapping):
        return _balanced(np.ones(len(y)) if weights is None else weights, y)
    unknown = [label for label in class_weight if label not in set(classes)]
    if unknown:
        raise ValueError(
            f"class_weight names {unknown}, which is not among the classes {classes.tolist()}."
        )
    wrong = {c: w for c, w in class_weight.items() if not 0 <= w < np.inf}
    if wrong:
        raise ValueError(f"class_weight gives {wrong}. Weights must be finite and not negative.")
    factors = np.array([class_weight.get(label, 1.0) for label in y], dtype=float)
    with np.errstate(over="ignore"):
        combined = factors if weights is None else factors * weights
    if weights is not None and not np.isfinite(combined).all():
        combined = factors / factors.max() * (weights / weights.max())
    return check_weights(combined, len(y))


def _balanced(weights: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Give each class the same total; as always, a row of weight 2 counts like two rows."""
    kept = np.flatnonzero(weights)
    labels, relative = y[kept], pd.Series(weights[kept])
    relative /= relative.groupby(labels).transform("max")  # sums of extreme weights overflow
    found = np.zeros(len(y))
    found[kept] = relative / relative.groupby(labels).transform("sum")
    return found
