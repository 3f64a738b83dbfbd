"""From raw weights to weights: temperature, normalization and factors."""

from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from sklw._row_weights import effective_sample_size
from sklw.weighting._evidence import Evidence
from sklw.weighting._process import warn

__all__ = [
    "Scaling",
    "balanced",
    "mean_one",
    "normalized",
    "not_all_zero",
    "product",
    "tempered",
    "warn_of_collapse",
]

# Few rows may well differ; of many, at least a tenth should carry the weight.
_ENOUGH, _COLLAPSED = 20, 0.1
# The least mean weight of a class: of 0.3 to 0.9 what did best on eleven pairs, by very little.
_FLOOR = 0.5
# With fewer real rows of a class, a checker says little about the class as a whole.
_ENOUGH_REAL = 30
# Below this temperature only the largest weights are left, and products lose their digits.
_COLDEST = 1e-200


@dataclass(frozen=True)
class Scaling:
    """Parameters of :class:`SyntheticWeighter` that turn raw weights into weights."""

    temperature: Any = None
    normalize: str | None = "floor"
    real_weight: float = 1.0
    synthetic_weight: Any = None
    augmentation_weight: float = 1.0
    class_weight: str | None = None

    def with_defaults_of(self, method: Any, evidence: Evidence) -> "Scaling":
        """Return it with the temperature and the share of a method, should none be given."""
        temperature, share = self.temperature, self.synthetic_weight
        if temperature is None:
            temperature = method.default_temperature
        if share is None:
            made = evidence.synthetic
            beside_real = made.any() and not made.all() and self.real_weight > 0
            # Weights that are left raw say by themselves how much all of them are worth.
            known = self.normalize is None or not beside_real
            share = 1.0 if known else method.default_synthetic_weight(evidence)
            if not (isinstance(share, Real) and 0 <= float(share) < np.inf):
                raise ValueError(
                    f"{type(method).__name__}.default_synthetic_weight returned {share!r}. Return "
                    "a finite number of at least 0."
                )
        return replace(self, temperature=temperature, synthetic_weight=share)

    def shares(self, raw: np.ndarray, evidence: Evidence) -> np.ndarray:
        """Temper and normalize the raw weights of synthetic rows, without any factor."""
        made = evidence.synthetic
        if self.normalize is None:
            return tempered(raw[made], self.temperature)
        classes = evidence.labels[made], evidence.real_labels
        return normalized(raw[made], self.temperature, self.normalize, *classes)

    def weights(self, raw: np.ndarray, evidence: Evidence) -> np.ndarray:
        """Return the weights of all rows."""
        made = evidence.synthetic
        factors, beyond = np.ones((2, len(made)))
        scale = np.where(made, self.synthetic_weight, self.real_weight)
        as_they_are = self.normalize is None
        factors[made] = raw[made] if as_they_are else self.shares(raw, evidence)
        if evidence.augmented is not None:
            beyond[evidence.augmented] = self.augmentation_weight
        temperature = self.temperature if as_they_are else 1.0
        weights = product((scale, 1.0), (factors, temperature), (beyond, 1.0))
        if self.class_weight == "balanced":
            weights = balanced(weights, evidence.labels, evidence.groups)
        return weights


def not_all_zero(weights: np.ndarray) -> np.ndarray:
    """Return the weights; raise if there is nothing left to train on."""
    if not weights.any():
        raise ValueError(
            "Every row would get weight 0. Raise real_weight or synthetic_weight above 0."
        )
    return weights


def tempered(
    weights: np.ndarray, temperature: float, groups: np.ndarray | None = None
) -> np.ndarray:
    """Raise weights to the power ``1 / temperature`` and divide by the largest, of their group."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        logs = np.log(weights)
        largest: Any = logs.max(initial=-np.inf)
        if groups is not None:
            largest = pd.Series(logs).groupby(groups).transform("max").to_numpy()
        # A power first would be 0 or infinite at extreme temperatures.
        return np.where(weights > 0, np.exp((logs - largest) / temperature), 0.0)


def product(*factors: tuple[np.ndarray, float]) -> np.ndarray:
    """Multiply weights, each given with a temperature.

    Where the sum does not fit into a float all are divided by the largest: proportions stay.
    """
    with np.errstate(all="ignore"):
        plain = np.prod([weights ** (1 / temperature) for weights, temperature in factors], axis=0)
        if 0 < plain.sum() < np.inf:
            return plain
        lowest = max(min(temperature for _, temperature in factors), _COLDEST)
        logs = np.sum(
            [np.log(weights) * (lowest / max(t, _COLDEST)) for weights, t in factors], axis=0
        )
        zero = np.any([weights == 0 for weights, _ in factors], axis=0)
        logs[zero] = -np.inf
        return np.where(zero, 0.0, np.exp((logs - logs.max()) / lowest))


def mean_one(weights: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Scale weights to mean 1, over all or within groups; where all are 0 they stay 0."""
    if not len(weights):
        return weights
    means: Any = weights.mean()
    if groups is not None:
        means = pd.Series(weights).groupby(groups).transform("mean").to_numpy()
    return weights / np.where(means > 0, means, 1.0)


def normalized(
    weights: np.ndarray,
    temperature: float,
    how: str,
    labels: np.ndarray,
    reference_labels: np.ndarray,
) -> np.ndarray:
    """Temper the weights of synthetic rows and scale them to mean 1; see `normalize`."""
    overall = mean_one(tempered(weights, temperature), None)
    if how == "all":
        return overall
    weights = mean_one(tempered(weights, temperature, labels), labels)
    if how == "floor":
        means = class_means(overall, labels, reference_labels)
        return mean_one(weights * means, None)
    if how == "prior":
        shares = pd.Series(reference_labels).value_counts(normalize=True)
        wanted = pd.Series(labels).map(shares).to_numpy(dtype=float)
        counts = pd.Series(labels).groupby(labels).transform("size").to_numpy()
        weights = mean_one(weights * wanted / counts, None)
    return weights


def class_means(
    weights: np.ndarray, labels: np.ndarray, reference_labels: np.ndarray
) -> np.ndarray:
    """Return for each row the mean weight of its class, relative to all, and not too low.

    P'(y|x) of a class that the checker has hardly seen is low whatever the rows are like.
    """
    n_real = pd.Series(reference_labels).value_counts().reindex(labels, fill_value=0)
    judged = n_real.to_numpy() >= _ENOUGH_REAL
    means = np.ones(len(labels))
    known = pd.Series(mean_one(weights[judged], None)).groupby(labels[judged])
    means[judged] = np.maximum(known.transform("mean"), _FLOOR)
    return means


def warn_of_collapse(weights: np.ndarray, labels: np.ndarray, advice: str) -> None:
    """Warn if a few of many weights carry nearly everything, or a class has none above 0."""
    if lost := sorted(set(labels.tolist()) - set(labels[weights > 0].tolist()), key=str):
        warn(
            f"Every synthetic row of the class(es) {lost} has weight 0, so these classes get "
            "nothing from them. Pass another checker, or more real rows."
        )
    effective, n_rows = effective_sample_size(weights), len(weights)
    if n_rows >= _ENOUGH and effective < _COLLAPSED * n_rows:
        warn(
            f"The weighted {n_rows} synthetic rows are worth only {effective:.0f} equally weighted "
            f"ones: a few rows carry nearly all of the weight. {advice}."
        )


def balanced(weights: np.ndarray, labels: np.ndarray, groups: Any = None) -> np.ndarray:
    """Give each class, or class x group cell, the same total; what has weight 0 stays at 0."""
    keys = [labels] if groups is None else [labels, groups]
    largest = pd.Series(weights).groupby(keys, sort=False).transform("max").to_numpy()
    relative = np.divide(weights, largest, out=np.zeros(len(weights)), where=largest > 0)
    cells = pd.Series(relative).groupby(keys, sort=False)
    totals = cells.transform("sum").to_numpy()
    share = len(weights) / cells.ngroups
    return relative * share / np.where(totals > 0, totals, 1.0)
