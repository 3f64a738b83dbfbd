"""What the weighter is given: rows, labels, which are synthetic, and the real rows."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, issparse
from sklearn.utils import check_array

from sklw._copies import folded
from sklw._mixed import MixedRows, column_contents, frame_of, inferred
from sklw._row_weights import UNKNOWN_ROWS
from sklw._rows.following import row_keys
from sklw._validation import (
    check_labels,
    check_mask,
    check_one_label_each,
    check_texts,
    holds_texts,
    refuse_arrow,
    refuse_masked,
)
from sklw.weighting._process import warn

__all__ = [
    "Reference",
    "check_augmented",
    "check_classes",
    "check_raw_weights",
    "check_rows",
    "reference_for",
    "resolved_prior",
    "settings_of",
    "warn_of_few",
]

T = TypeVar("T")

_NOWHERE = np.array([], dtype=int)
# With fewer real rows of a class, a checker can only guess.
_FEW = 3


@dataclass(frozen=True)
class Reference:
    """The real rows that synthetic ones are judged by."""

    rows: Any
    labels: np.ndarray
    # For each row to be weighted, where it and its copies stand among these.
    positions: list[np.ndarray]

    @classmethod
    def given(cls, reference: Any, X: Any, rows: Any, synthetic: Any) -> "Reference":
        """Take the rows that the user named; `rows` are `X` as it is read here."""
        if len(reference) != 2:
            raise ValueError(
                f"reference must be a pair (X, y), got {len(reference)} items. Pass "
                "reference=(real_texts, real_labels)."
            )
        own_rows, own_labels = check_rows(_with_columns_of(X, reference[0]), reference[1])
        if own_rows.ndim != rows.ndim or own_rows.shape[1:] != rows.shape[1:]:
            raise ValueError(
                f"reference holds {_described(own_rows)} and the rows to be weighted are "
                f"{_described(rows)}. Pass a reference of the same kind."
            )
        if rows.ndim > 1:
            own_rows = _in_the_form_of(rows, own_rows)
        found = cls(own_rows, own_labels, _positions(own_rows, rows))
        if synthetic is not None:
            made = np.flatnonzero(check_mask(synthetic, rows.shape[0]))
            if copies := sum(len(found.positions[row]) > 0 for row in made):
                warn(
                    f"{copies} synthetic rows are identical to rows of the reference, or differ in "
                    "case, white space or Unicode form only. The reference is to judge rows, so "
                    "it must not be among what is generated or trained on as synthetic: drop "
                    "these rows."
                )
        return found

    @classmethod
    def among(cls, rows: Any, labels: np.ndarray, real: np.ndarray) -> "Reference":
        """Take the real rows themselves; a synthetic copy of one stands where that one does."""
        return cls(rows[real], labels[real], _positions(rows[real], rows))

    def holds(self, rows: Any, labels: np.ndarray) -> np.ndarray:
        """Say of each row to be weighted whether it is among these, to the letter and labelled so.

        With another label than any equal row of these has it is none of them.
        """
        known, keys = _keys(self.rows, rows)
        real = set(zip(known, self.labels.tolist(), strict=True))
        return np.array([pair in real for pair in zip(keys, labels.tolist(), strict=True)], bool)


def _described(rows: Any) -> str:
    return "texts" if rows.ndim == 1 else f"{rows.shape[1]} columns"


def _with_columns_of(X: Any, reference: Any) -> Any:
    """Return the reference with its columns in the order of `X`, where both have names."""
    names, own = _names(X), _names(reference)
    if names is None or own is None or names == own:
        return reference
    if set(names) != set(own) or len(set(own)) < len(own):
        raise ValueError(
            f"reference has the columns {own} and the rows to be weighted have {names}. Give both "
            "the same columns, each name once; their order does not matter."
        )
    return reference[names]


def _names(X: Any) -> list[Any] | None:
    """Return the names of columns; None for texts, and where they are mere numbers."""
    columns: Any = getattr(X, "columns", pd.RangeIndex(0))
    return None if isinstance(columns, pd.RangeIndex) or holds_texts(X) else list(columns)


def _in_the_form_of(rows: Any, reference: Any) -> Any:
    """Return the reference as a frame, an array or a sparse matrix, whichever the rows are."""
    frame = next((table.frame for table in (rows, reference) if isinstance(table, MixedRows)), None)
    contents = zip(column_contents(reference), column_contents(rows), strict=True)
    for at, (own, other) in enumerate(contents):
        if frame is not None and None not in (own, other) and own != other:
            raise ValueError(
                f"The column {frame.columns[at]!r} holds {own} in the reference and {other} in the "
                "rows to be weighted. Convert it so that it is of one type in both."
            )
    if isinstance(rows, MixedRows):  # of an array, the columns have no names yet
        table = reference.toarray() if issparse(reference) else frame_of(reference)
        return MixedRows(pd.DataFrame(table).set_axis(rows.frame.columns, axis=1))
    if isinstance(reference, MixedRows):
        reference = reference.frame.astype(float).to_numpy()
    if issparse(rows):
        return csr_array(reference)
    return reference.toarray() if issparse(reference) else reference


def _positions(known: Any, rows: Any) -> list[np.ndarray]:
    found: dict[Any, list[int]] = {}
    own, others = _keys(known, rows, alike=True)
    for at, key in enumerate(own):
        found.setdefault(key, []).append(at)
    places = {key: np.array(at) for key, at in found.items()}
    return [places.get(key, _NOWHERE) for key in others]


def _keys(*tables: Any, alike: bool = False) -> Sequence[Sequence[Any]]:
    """Return for each row what equal rows share; with `alike`, what copies of a text share too."""
    if tables[0].ndim == 1:
        return [[*map(folded, rows)] if alike else rows.tolist() for rows in tables]
    if isinstance(tables[0], MixedRows):
        return row_keys(*(rows.folded() if alike else rows.frame for rows in tables))
    # A number in single precision is recognized in double precision, and an integer as a float.
    dtype: Any = np.float32 if np.float32 in [rows.dtype for rows in tables] else np.float64
    return row_keys(*(rows.astype(dtype) for rows in tables))


def check_rows(X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    labels = check_labels(y, estimator_name="SyntheticWeighter")
    refuse_masked(X, "SyntheticWeighter")
    if holds_texts(X):
        rows: Any = check_texts(X, estimator_name="SyntheticWeighter")
    else:
        refuse_arrow(X, "SyntheticWeighter")
        rows = MixedRows.of(X := inferred(X))
    if rows is None:
        rows = check_array(
            X, accept_sparse="csr", ensure_all_finite="allow-nan", estimator="SyntheticWeighter"
        )
    check_one_label_each(labels, rows.shape[0])
    return rows, labels


def check_augmented(augmented: Any, synthetic: np.ndarray) -> np.ndarray | None:
    """Check which rows were added beyond balance: they must be synthetic."""
    if augmented is None:
        return None
    mask = check_mask(augmented, len(synthetic), "augmented")
    real = np.flatnonzero(mask & ~synthetic)
    if len(real):
        raise ValueError(
            f"augmented is True for {len(real)} rows that are not synthetic, first at position "
            f"{real[0]}. Mark only rows that a sampler added."
        )
    return mask


def check_classes(labels: np.ndarray, reference_labels: np.ndarray) -> None:
    """Check that the real rows can judge synthetic rows of these labels."""
    known = np.unique(reference_labels)
    if len(known) < 2:
        raise ValueError(
            f"The real rows hold {len(known)} class(es) and a quality checker needs two or "
            "more. Pass reference=(X, y) with real rows of every class."
        )
    unknown = sorted(set(labels.tolist()) - set(known.tolist()), key=str)
    if unknown:
        alike = set(map(str, unknown)) <= set(map(str, known.tolist()))
        raise ValueError(
            f"Synthetic rows have the class(es) {unknown}, of which there is no real row to "
            f"judge them by: the real rows have {known.tolist()}. "
            + (
                "Give both labels of one type, for example [str(label) for label in y]."
                if alike
                else "Pass a reference that holds every class, or drop these rows."
            )
        )


def warn_of_few(labels: np.ndarray, reference_labels: np.ndarray) -> None:
    """Warn if a class of synthetic rows is judged by one or two real rows."""
    known, counts = np.unique(reference_labels, return_counts=True)
    few = {label: n for label, n in zip(known.tolist(), counts.tolist(), strict=True) if n < _FEW}
    judged = [
        f"of class {label!r} are judged by {n} real row(s)"
        for label, n in few.items()
        if label in set(labels.tolist())
    ]
    if judged:
        warn(
            f"Synthetic rows {', '.join(judged)}: such weights are close to a guess. Add real "
            "rows, or raise temperature, which makes the weights more equal."
        )


def resolved_prior(
    setting: str, labels: np.ndarray, synthetic: np.ndarray, reference_labels: np.ndarray
) -> str:
    """Return whose class prior the checker uses; see `class_prior`."""
    if setting != "auto":
        return setting
    made, real = set(labels[synthetic].tolist()), set(reference_labels.tolist())
    # A class without any row to train on would get prior 0, and P' would have nothing to doubt.
    moved = not made >= real and set(labels.tolist()) >= real
    return "training" if moved else "reference"


def reference_for(
    given: Any, X: Any, rows: Any, labels: np.ndarray, synthetic: Any, *, required: bool
) -> Reference:
    """Return the real rows to learn from: those given, or those that are not synthetic."""
    if given is not None:
        return Reference.given(given, X, rows, synthetic)
    if synthetic is not None:
        return Reference.among(rows, labels, ~check_mask(synthetic, len(labels)))
    if required:
        raise ValueError(UNKNOWN_ROWS)
    return Reference(rows, labels, [np.array([row]) for row in range(len(labels))])


def check_raw_weights(values: Any, synthetic: np.ndarray, method: str) -> np.ndarray:
    """Check what a method returned: a finite weight, not negative, for each synthetic row."""
    weights = np.asarray(values, dtype=float)
    if weights.shape != synthetic.shape:
        raise ValueError(
            f"{method}.raw_weights returned an array of shape {weights.shape} for "
            f"{len(synthetic)} rows. Return a weight for each row, real ones included."
        )
    wrong = np.flatnonzero(synthetic & ~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        raise ValueError(
            f"{method}.raw_weights gave {len(wrong)} synthetic rows no finite weight of at least "
            f"0: {weights[wrong[0]]} to the row at position {wrong[0]}. Drop or impute missing "
            "values in the rows, or correct the method."
        )
    return weights


def settings_of(weighter: Any, kind: type[T]) -> T:
    """Return the parameters that are fields of a dataclass."""
    return kind(**{part.name: getattr(weighter, part.name) for part in fields(kind)})  # type: ignore
