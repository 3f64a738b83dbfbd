"""Which row is which: what a pipeline knows of its rows, and how it follows them."""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from sklearn.utils.validation import has_fit_parameter

from sklw._callers import caller_level
from sklw._compat.scikit_learn import safe_indexing
from sklw._parents import ancestors
from sklw._rows.following import NEW, UNSURE, Step, follow, n_rows

__all__ = ["Rows"]

_NOWHERE = np.array([], dtype=int)
# Fit parameters that hold one value for each row, whatever their length.
_PER_ROW = {"augmented", "groups", "parent_indices", "row_weights", "sample_weight", "synthetic"}


@dataclass(frozen=True)
class Rows:
    """What is known of the rows at one point of a pipeline."""

    origin: np.ndarray  # positions in the X given to fit; NEW if made, UNSURE among identical rows
    synthetic: np.ndarray  # copies of a real row are synthetic too, and have its origin
    n_given: int  # number of rows given to fit
    apart: tuple[str, ...] = ()  # names of fit parameters that are about other rows
    parent_indices: list[np.ndarray] | None = None  # for each row, what it was made from
    augmented: np.ndarray | None = None  # as the samplers tell
    groups: np.ndarray | None = None
    sampled: bool = False  # whether there is a sampler, or a place that is left for one
    ungrouped_by: str | None = None  # which step added rows of unknown groups to known ones
    added_to: bool = False  # whether an over-sampler has taken the rows it got for real ones

    @classmethod
    def given(cls, X: Any, apart: tuple[str, ...] = (), *, sampled: bool = False) -> "Rows":
        """Return the rows as they come in, all real."""
        n = n_rows(X)
        return cls(np.arange(n), np.zeros(n, dtype=bool), n, apart, sampled=sampled)

    def __len__(self) -> int:
        return len(self.origin)

    # -- through a sampler --------------------------------------------------------------------

    def after(self, sampler: Any, before: tuple[Any, Any], now: tuple[Any, Any]) -> "Rows":
        """Follow the rows through a sampler from `before` to `now`, each a pair (X, y)."""
        step = follow(sampler, before, now, self.synthetic)
        known = np.maximum(step.kept, 0)
        old = step.kept >= 0
        origin = np.where(old, self.origin[known], NEW)
        origin[step.unsure] = UNSURE
        synthetic = np.where(old, self.synthetic[known] | step.copied, True)
        augmented = None if self.augmented is None else old & self.augmented[known]
        if (beyond := getattr(sampler, "augmentation_mask_", None)) is not None:
            beyond = np.asarray(beyond, dtype=bool)
            augmented = beyond if augmented is None else beyond | augmented
        groups = getattr(sampler, "groups_", None)
        if groups is None and self.groups is not None and old.all():
            groups = self.groups[known]
        lost = groups is None and self.groups is not None
        parents = self._parents(step)
        adds = isinstance(sampler, BaseOverSampler) or hasattr(sampler, "synthetic_mask_")
        return replace(
            self,
            origin=origin,
            synthetic=synthetic,
            parent_indices=parents,
            augmented=augmented,
            groups=groups,
            ungrouped_by=type(sampler).__name__ if lost else self.ungrouped_by,
            added_to=self.added_to or adds or bool(synthetic.any()),
        )

    def _parents(self, step: Step) -> list[np.ndarray] | None:
        if self.parent_indices is None and not step.parents:
            return None
        kept = list(enumerate(step.kept.tolist()))
        places = {at: new for new, at in reversed(kept) if at != NEW}
        found = []
        for new, at in kept:
            named = np.asarray(step.parents.get(new, _NOWHERE), dtype=int).tolist()
            if at != NEW and self.parent_indices is not None:
                named += self.parent_indices[at].tolist()
            if self.parent_indices is not None:  # a parent may be gone, and its own parents here
                named = ancestors(named, self.parent_indices, self.synthetic)
            found.append(np.array([places[p] for p in named if p in places], dtype=int))
        return found

    # -- what the user gave -------------------------------------------------------------------

    def aligned(self, params: dict[str, Any], owner: str) -> dict[str, Any]:
        """Return fit parameters of a step, with values given for each row brought to these rows."""
        return {name: self._aligned(name, value, owner) for name, value in params.items()}

    def _aligned(self, name: str, value: Any, owner: str) -> Any:
        if not self.is_per_row(name, value) or self._is_as_given():
            return value
        self._check_sure(name)
        if (self.origin == NEW).any():
            raise ValueError(
                f"{name} was given for the {self.n_given} rows of X, and {owner} gets "
                f"{int((self.origin == NEW).sum())} rows that a sampler added, for which there is "
                f"none. {_ADVICE.get(name, f'Leave out {name}, or the sampler before {owner}.')}"
            )
        return safe_indexing(value, self.origin)

    def per_row(self, params: dict[str, Any]) -> set[str]:
        """Return the names of the fit parameters that hold a value for each row."""
        return {name for name, value in params.items() if self.is_per_row(name, value)}

    def is_per_row(self, name: str, value: Any) -> bool:
        """Say whether a fit parameter holds a value for each row; raise if it has too few."""
        if name in self.apart or isinstance(value, (str, bytes, dict)) or not _has_length(value):
            return False
        length = n_rows(value)
        if length == self.n_given:
            return True
        if name in _PER_ROW or length == len(self):
            raise ValueError(
                f"{name} has {length} entries, but {self.n_given} rows were given to fit. Give one "
                f"{'weight' if name == 'sample_weight' else 'entry'} for each real row: for each "
                "row of the X given to fit. The pipeline follows them through its samplers."
            )
        return False

    def factors(self, sample_weight: Any) -> np.ndarray:
        """Return the user's weight of each row; 1 for rows that the user did not give."""
        given = np.asarray(sample_weight, dtype=float)
        if given.ndim == 0:
            return np.full(len(self), given)
        self.is_per_row("sample_weight", given)
        if not self._is_as_given():
            self._check_sure("sample_weight")
        known = self.origin >= 0
        factors = np.ones(len(self))
        factors[known] = given.reshape(len(given))[self.origin[known]]
        return factors

    def for_weighter(self, weighter: Any, params: dict[str, Any]) -> dict[str, Any]:
        """Return what a weighter's fit gets: what is known, and what the user says beside it."""
        known: dict[str, Any] = {
            "synthetic": self.synthetic,
            "parent_indices": self.parent_indices,
            "augmented": self.augmented,
            "groups": self.groups,
        }
        if not (self.added_to or (self.sampled and getattr(weighter, "reference", None) is None)):
            del known["synthetic"]  # the reference tells, or nothing does
        for name in ("augmented", "groups"):
            if known[name] is None or not has_fit_parameter(weighter, name):
                del known[name]
        if self.groups is None and self.ungrouped_by and getattr(weighter, "class_weight", None):
            warnings.warn(
                f"{self.ungrouped_by} added rows whose group is not known, so class_weight="
                f"{weighter.class_weight!r} balances the classes, not the cells of class and "
                f"group. Leave {self.ungrouped_by} out: the sampler that knows the groups can fill "
                "all cells.",
                UserWarning,
                stacklevel=caller_level(),
            )
        given = {name: value for name, value in params.items() if value is not None}
        for name, of_new in (("synthetic", self.synthetic), ("augmented", known.get("augmented"))):
            if name in given and self.is_per_row(name, given[name]) and not self._is_as_given():
                known[name] = self._mask(name, given.pop(name), of_new)
        if self.groups is not None and not self._is_as_given():
            given.pop("groups", None)  # the sampler has them, and those of its rows too
        return known | self.aligned(given, type(weighter).__name__)

    def _mask(self, name: str, value: Any, of_new: Any) -> np.ndarray:
        self._check_sure(name)
        mask = np.zeros(len(self), dtype=bool) if of_new is None else of_new.copy()
        known = self.origin >= 0
        mask[known] |= np.asarray(value, dtype=bool).reshape(self.n_given)[self.origin[known]]
        return mask

    def _is_as_given(self) -> bool:
        return np.array_equal(self.origin, np.arange(self.n_given))

    def _check_sure(self, name: str) -> None:
        if (self.origin == UNSURE).any():
            raise ValueError(
                f"{name} was given for each row of X, and a sampler dropped some of several "
                "identical rows without saying which. Drop duplicates before fit, or give the "
                "sampler an attribute sample_indices_ with the positions of the rows it keeps."
            )


_ADVICE = {
    "groups": "Pass the groups to the sampler, which hands them on with those of its rows.",
    "sample_weight": (
        'Put SyntheticWeighter("uniform") after the sampler, which gives the new rows weight 1.'
    ),
}


def _has_length(value: Any) -> bool:
    return len(value.shape) > 0 if hasattr(value, "shape") else hasattr(value, "__len__")
