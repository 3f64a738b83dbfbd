"""From what a weighter is given to the evidence that its method reads."""

from collections.abc import Callable
from typing import Any

import numpy as np

from sklw._mixed import has_texts
from sklw._parents import check_parents, rows_seen
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
from sklw.weighting.methods._names import as_method

__all__ = ["check_ready", "gathered"]


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
