"""The language model's rows of one training set, generated once and shared by all methods."""

import time
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from sklw._callers import caller_level
from sklw._copies import folded
from sklw.comparison._settings import Settings
from sklw.comparison._tables import from_lines, to_lines

__all__ = ["Generated", "generate", "make_sampler"]

_COLUMNS = ["text", "label", "accepted", "reason", "parents"]


@dataclass(frozen=True)
class Generated:
    """Rows of a language model, and what they cost.

    `verdicts` has a row for each candidate: ``text``, ``label``, ``accepted``, ``reason`` and
    ``parents``, the real training rows that its prompt showed. The text of a table's row is a JSON
    object; of these the accepted ones alone are kept.
    """

    verdicts: pd.DataFrame
    seconds: float
    tokens: int  # read and written, for rejected rows and verdicts as well
    table: pd.DataFrame | None = None  # the rows themselves, unless they come from a file

    @property
    def accepted(self) -> pd.DataFrame:
        """The verdicts of the rows that are used."""
        # Without any candidate the column's type is not bool.
        return self.verdicts[self.verdicts["accepted"].astype(bool)]

    def without_copies_of(self, texts: Iterable[str]) -> "Generated":
        """Reject the rows that repeat a text to be tested on: training on them would be a leak."""
        tested = set(map(folded, texts))
        verdicts = self.verdicts.copy()
        copied = verdicts["accepted"] & verdicts["text"].map(folded).isin(tested)
        if not copied.any():
            return self
        warnings.warn(
            f"{copied.sum()} of {len(self.accepted)} generated rows repeat a row of the test set "
            "and are left out.",
            UserWarning,
            stacklevel=caller_level(),
        )
        verdicts["accepted"] &= ~copied
        verdicts["reason"] = verdicts["reason"].mask(copied, "copied_test")
        return replace(self, verdicts=verdicts)

    def append_to(self, rows: Any, labels: np.ndarray) -> tuple[Any, np.ndarray, dict[str, Any]]:
        """Append the rows to the real ones.

        The third value holds the fit parameters of a pipeline that starts with a weighter.
        """
        new = self.accepted
        all_rows: Any
        if isinstance(rows, pd.DataFrame):
            made = (
                from_lines(new["text"], rows) if self.table is None else self.table.loc[new.index]
            )
            all_rows = pd.concat([rows, made], ignore_index=True)
        else:
            all_rows = np.concatenate([rows, new["text"].to_numpy(dtype=object)])
        all_labels = np.concatenate([labels, np.array(new["label"].tolist(), dtype=labels.dtype)])
        nothing: list[np.ndarray] = [np.array([], dtype=int)] * len(rows)
        parents = [np.array(shown, dtype=int) for shown in new["parents"]]
        return (
            all_rows,
            all_labels,
            {
                "syntheticweighter__synthetic": np.arange(len(all_rows)) >= len(rows),
                "syntheticweighter__parent_indices": [*nothing, *parents],
            },
        )


def make_sampler(labels: np.ndarray, settings: Settings, seed: int) -> Any:
    """Return the sampler that writes the rows of a training set with these labels."""
    from sklw.over_sampling import LLMOverSampler

    parameters = {
        "sampling_strategy": _up_to(settings.llm_ratio, labels),
        "generator": settings.generator,
        "label_names": settings.label_names and dict(settings.label_names),
        "label_descriptions": settings.label_descriptions and dict(settings.label_descriptions),
        "task": settings.task,
        "cache": settings.cache,
        "random_state": seed,
        **settings.sampler,
    }
    counts = np.unique(labels, return_counts=True)[1]
    if counts.min() >= int(settings.llm_ratio * counts.max()) and not (
        {"sampling_strategy", "augment"} & set(settings.sampler)
    ):
        more = "Raise llm_ratio (--llm-ratio), or train" if settings.llm_ratio < 1 else "Train"
        warnings.warn(
            f"No class falls short of llm_ratio={settings.llm_ratio} of the largest one "
            f"({counts.min()} training rows against {counts.max()}), so no rows are generated. "
            f"{more} on fewer rows of the rarest class with minority_sizes (--minority-sizes).",
            UserWarning,
            stacklevel=caller_level(),
        )
    return LLMOverSampler(**parameters)


def generate(rows: Any, labels: np.ndarray, settings: Settings, seed: int) -> Generated:
    """Over-sample a training set with the language model."""
    sampler = make_sampler(labels, settings, seed)
    start = time.perf_counter()
    all_rows, all_labels = sampler.fit_resample(rows, labels)
    seconds = time.perf_counter() - start
    usage = sampler._uncached_usage
    verdicts = sampler.provenance_[_COLUMNS].reset_index(drop=True)
    table = None
    if isinstance(rows, pd.DataFrame):
        parents = [tuple(np.asarray(shown).tolist()) for shown in sampler.parent_indices_]
        table = all_rows.iloc[len(rows) :].reset_index(drop=True)
        made = {
            "text": to_lines(table),
            "label": all_labels[len(rows) :],
            "accepted": True,
            "reason": "",
            "parents": pd.Series(parents, dtype=object),
        }
        verdicts = pd.DataFrame(made, columns=_COLUMNS)
    return Generated(
        verdicts=verdicts,
        seconds=seconds,
        tokens=int(usage.prompt_tokens + usage.completion_tokens),
        table=table,
    )


def _up_to(ratio: float, labels: np.ndarray) -> dict[Any, int]:
    classes, counts = np.unique(labels, return_counts=True)
    return {
        label: max(int(ratio * counts.max()), int(count))
        for label, count in zip(classes.tolist(), counts, strict=True)
    }
