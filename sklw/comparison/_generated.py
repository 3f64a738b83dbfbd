"""The language model's rows of one training set, generated once and shared by all methods."""

import time
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from sklw._copies import folded
from sklw.comparison._settings import Settings

__all__ = ["Generated", "generate"]

_COLUMNS = ["text", "label", "accepted", "reason", "parents"]


@dataclass(frozen=True)
class Generated:
    """Rows of a language model, and what they cost.

    `verdicts` has a row for each candidate: ``text``, ``label``, ``accepted``, ``reason`` and
    ``parents``, the real training rows that its prompt showed.
    """

    verdicts: pd.DataFrame
    seconds: float
    tokens: int  # read and written, for rejected rows as well

    @property
    def accepted(self) -> pd.DataFrame:
        """The verdicts of the rows that are used."""
        return self.verdicts[self.verdicts["accepted"]]

    def without_copies_of(self, texts: Iterable[str]) -> "Generated":
        """Reject the rows that repeat a text to be tested on: training on them would be a leak."""
        tested = set(map(folded, texts))
        verdicts = self.verdicts.copy()
        copied = verdicts["accepted"] & verdicts["text"].map(folded).isin(tested)
        if not copied.any():
            return self
        warnings.warn(
            f"{copied.sum()} of {len(self.accepted)} generated texts repeat a text of the test set "
            "and are left out.",
            UserWarning,
            stacklevel=2,
        )
        verdicts["accepted"] &= ~copied
        verdicts["reason"] = verdicts["reason"].mask(copied, "copied_test")
        return replace(self, verdicts=verdicts)

    def append_to(
        self, texts: np.ndarray, labels: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
        """Append the rows to the real ones.

        The third value holds the fit parameters of a pipeline that starts with a weighter.
        """
        new = self.accepted
        all_texts = np.concatenate([texts, new["text"].to_numpy(dtype=object)])
        all_labels = np.concatenate([labels, np.array(new["label"].tolist(), dtype=labels.dtype)])
        nothing: list[np.ndarray] = [np.array([], dtype=int)] * len(texts)
        parents = [np.array(rows, dtype=int) for rows in new["parents"]]
        return (
            all_texts,
            all_labels,
            {
                "syntheticweighter__synthetic": np.arange(len(all_texts)) >= len(texts),
                "syntheticweighter__parent_indices": [*nothing, *parents],
            },
        )


def generate(texts: np.ndarray, labels: np.ndarray, settings: Settings, seed: int) -> Generated:
    """Over-sample a training set with the language model."""
    from sklw.over_sampling import LLMOverSampler

    parameters = {
        "sampling_strategy": _up_to(settings.llm_ratio, labels),
        "generator": settings.generator,
        "label_names": settings.label_names and dict(settings.label_names),
        "label_descriptions": settings.label_descriptions and dict(settings.label_descriptions),
        "task": settings.task,
        "cache": settings.cache,
        "random_state": seed,
    }
    sampler = LLMOverSampler(**{**parameters, **settings.sampler})
    start = time.perf_counter()
    sampler.fit_resample(texts, labels)
    seconds = time.perf_counter() - start
    provenance = sampler.provenance_
    return Generated(
        verdicts=provenance[_COLUMNS].reset_index(drop=True),
        seconds=seconds,
        tokens=int(provenance[["prompt_tokens", "completion_tokens"]].to_numpy().sum()),
    )


def _up_to(ratio: float, labels: np.ndarray) -> dict[Any, int]:
    classes, counts = np.unique(labels, return_counts=True)
    return {
        label: max(int(ratio * counts.max()), int(count))
        for label, count in zip(classes.tolist(), counts, strict=True)
    }
