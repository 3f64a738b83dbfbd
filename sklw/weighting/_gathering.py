"""From what a weighter is given to the evidence that its method reads."""

from typing import Any

import numpy as np

from sklw._parents import check_parents, rows_seen
from sklw._validation import check_groups
from sklw.weighting._evidence import CheckerSettings, Evidence
from sklw.weighting._inputs import (
    check_augmented,
    check_classes,
    check_mask,
    reference_for,
    settings_of,
)

__all__ = ["gathered"]


def gathered(
    weighter: Any,
    method: Any,
    X: Any,
    rows: Any,
    labels: np.ndarray,
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
        rows_seen(reference.positions, parents),
        parents_known=parents is not None,
        augmented=check_augmented(augmented, made),
        groups=groups,
        real_groups=None if groups is None or given is not None else groups[~made],
        settings=settings_of(weighter, CheckerSettings),
    )
    if made.any() and (method.needs_real_rows or weighter.normalize == "prior"):
        check_classes(labels[made], reference.labels)
    return evidence
