"""From what a weighter is given to the evidence that its method reads."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from sklw._mixed import has_texts
from sklw._parents import check_parents, rows_seen
from sklw._rows.following import n_rows
from sklw._validation import check_groups, check_mask, holds_texts
from sklw.models import EMBEDDED_ENCODER, locate_model
from sklw.weighting._evidence import CheckerSettings, Evidence
from sklw.weighting._inputs import (
    Reference,
    check_augmented,
    check_classes,
    check_rows,
    reference_for,
    settings_of,
    warn_of_few,
)
from sklw.weighting._process import warn
from sklw.weighting.methods._names import as_method

__all__ = ["check_form", "check_ready", "gathered"]

# Mean distance of columns, in standard deviations or as logarithm of their ratio, and how much
# nearer the rows before the transformers have to be.
_FAR, _NEARER = 1.0, 3.0


def check_ready(weighter: Any, X: Any, y: Any, wanted: Callable[[], list[Any]]) -> None:
    """Raise for a reference or a model that will not do, before rows of these labels are made."""
    method = as_method(weighter.method)
    if weighter.reference is not None:
        rows, labels = check_rows(X, y)
        reference = Reference.given(weighter.reference, X, rows, None)
        to_come = np.array(wanted(), dtype=labels.dtype)
        if len(to_come) and (method.needs_real_rows or weighter.normalize == "prior"):
            check_classes(to_come, reference.labels)
    if method.embeds(weighter.checker) and (holds_texts(X) or has_texts(X)):
        locate_model(EMBEDDED_ENCODER)


def check_form(reference: Any, given: Any, X: Any) -> None:
    """Raise or warn if a reference looks like `given`, which transformers have turned into `X`."""
    if reference is None:
        return
    try:
        before, now = (_among(reference, table) for table in (given, X))
    except (TypeError, ValueError):
        return  # it has the form of one of them; if of the first, fit says so
    advice = (
        "The reference has to have the form of the rows that reach the weighter: transform it by "
        "what stands before the weighter."
    )
    known, found = (len(np.unique(np.concatenate(these.positions))) for these, _ in (before, now))
    if not found and 2 * known >= len(before[0].labels):
        raise ValueError(
            f"{known} of {len(before[0].labels)} rows of the reference are rows given to the "
            f"pipeline, and none is among those that its transformers made of them. {advice}"
        )
    if all(
        isinstance(these.rows, np.ndarray) and these.rows.ndim > 1 for these, _ in (before, now)
    ):
        far, near = (_distance(these.rows, rows) for these, rows in (now, before))
        if far > max(_FAR, _NEARER * near):
            warn(
                "The columns of the reference are on the scale of the rows given to the pipeline, "
                f"not on that of the rows that its transformers made of them. {advice}"
            )


def _among(reference: Any, table: Any) -> tuple[Reference, Any]:
    rows, _ = check_rows(table, np.zeros(n_rows(table), dtype=int))
    return Reference.given(reference, table, rows, None), rows


def _distance(reference: np.ndarray, rows: np.ndarray) -> float:
    """How far the columns of two tables are from each other in their mean and scale."""
    own, other = pd.DataFrame(reference), pd.DataFrame(rows)
    scale = other.std(ddof=0).where(lambda scale: scale > 0)
    stretch = np.abs(np.log((own.std(ddof=0) / scale).where(lambda ratio: ratio > 0)))
    shift = ((own.mean() - other.mean()) / scale).abs()
    return float(np.nan_to_num(np.fmax(shift, stretch).mean()))


def gathered(
    weighter: Any,
    method: Any,
    X: Any,
    rows: Any,
    labels: np.ndarray,
    *,
    synthetic: Any,
    parent_indices: Any,
    augmented: Any,
    groups: Any,
) -> Evidence:
    """Check what the weighter's fit is given beside the rows, and put it together."""
    given = weighter.reference
    apart = weighter.synthetic_weight not in (None, weighter.real_weight)
    required = method.needs_synthetic_mask or apart
    reference = reference_for(given, X, rows, labels, synthetic, required=required)
    if synthetic is None:
        made = ~reference.holds(rows, labels)
    else:
        made = check_mask(synthetic, len(labels))
    parents = check_parents(parent_indices, made)
    groups = None if groups is None else check_groups(groups, len(labels))
    evidence = Evidence(
        rows,
        labels,
        made,
        reference.rows,
        reference.labels,
        rows_seen(reference.positions, parents, made),
        parents_known=parents is not None,
        augmented=check_augmented(augmented, made),
        groups=groups,
        real_groups=None if groups is None or given is not None else groups[~made],
        settings=settings_of(weighter, CheckerSettings),
    )
    if made.any() and (method.needs_real_rows or weighter.normalize == "prior"):
        check_classes(labels[made], reference.labels)
        warn_of_few(labels[made], reference.labels)
    return evidence
