"""What a weighter hands to the classifier."""

from abc import ABCMeta, abstractmethod
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from sklw._html import small_table

__all__ = ["BaseRowWeighter", "RowWeights"]


@dataclass(frozen=True, eq=False)
class RowWeights:
    """One weight for each row, which rows are synthetic, and what DIMP-Loss needs beside.

    :class:`sklw.SyntheticWeighter` makes it, :class:`sklw.Pipeline` hands it on, and
    :meth:`sklw.BertClassifier.fit` takes it as `row_weights`. It can be indexed by rows like an
    array, so that scikit-learn's cross-validation splits it with `X` and `y`.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,)
        Finite and not negative.
    synthetic : array-like of bool of shape (n_samples,)
        Which rows are synthetic. The others are held out for early stopping.
    quality : array-like of shape (n_samples,), default=None
        P'(y|x), which the classifier divides by its own probability at each step. Only that of
        the synthetic rows is read.
    quality_temperature : float, default=1.0
        The classifier raises its ratio to the power ``1 / quality_temperature``.
    quality_clip : float or None, default=None
        Upper bound of the ratio before tempering.
    quality_top_share : float or None, default=None
        If given, the classifier trains on this share of the synthetic rows of each batch, those
        of the largest ratio, at equal weight (RHO-Loss), instead of weighting by the ratio.

    Examples
    --------
    >>> from sklw import RowWeights
    >>> weights = RowWeights([1, 1, 0.5], synthetic=[False, False, True])
    >>> weights[1:].sample_weight
    array([1. , 0.5])
    """

    sample_weight: Any
    synthetic: Any
    quality: Any = None
    quality_temperature: float = 1.0
    quality_clip: float | None = None
    quality_top_share: float | None = None

    def __post_init__(self) -> None:
        weights = _column("sample_weight", self.sample_weight, float)
        if not np.isfinite(weights).all() or (weights < 0).any():
            at = int(np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))[0])
            raise ValueError(
                f"sample_weight must be finite and not negative, got {weights[at]} at position "
                f"{at}. Use 0 to leave a row out."
            )
        synthetic = _column("synthetic", self.synthetic, None)
        if len(synthetic) != len(weights) or not np.isin(synthetic, (0, 1)).all():
            raise ValueError(
                f"synthetic must hold one True or False for each of the {len(weights)} rows, got "
                f"{len(synthetic)} values of type {synthetic.dtype}."
            )
        object.__setattr__(self, "sample_weight", weights)
        object.__setattr__(self, "synthetic", synthetic.astype(bool))
        if self.quality is not None:
            self._check_quality()
        for name in ("quality_temperature", "quality_clip"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be above 0, got {value}.")
        share = self.quality_top_share
        if share is not None and not 0 < share <= 1:
            raise ValueError(f"quality_top_share must be above 0, at most 1, got {share}.")

    def _check_quality(self) -> None:
        quality = _column("quality", self.quality, float)
        if len(quality) != len(self):
            raise ValueError(f"quality has {len(quality)} values for {len(self)} rows.")
        wrong = np.flatnonzero(self.synthetic & ~((quality >= 0) & (quality <= 1)))
        if len(wrong):
            raise ValueError(
                "quality must be a probability in [0, 1] for each synthetic row, got "
                f"{quality[wrong[0]]} at position {wrong[0]}."
            )
        object.__setattr__(self, "quality", quality)

    @property
    def shape(self) -> tuple[int]:
        """The number of rows, as for an array."""
        return self.sample_weight.shape

    def __len__(self) -> int:
        return len(self.sample_weight)

    def __getitem__(self, rows: Any) -> "RowWeights":
        quality = None if self.quality is None else self.quality[rows]
        return replace(
            self,
            sample_weight=self.sample_weight[rows],
            synthetic=self.synthetic[rows],
            quality=quality,
        )

    def _repr_html_(self) -> str:
        fields: dict[str, Any] = {}
        for name, rows in (("real", ~self.synthetic), ("synthetic", self.synthetic)):
            weights = self.sample_weight[rows]
            fields[f"{name} rows"] = len(weights)
            if len(weights):
                fields[f"weight of {name} rows"] = (
                    f"{weights.sum():,.4g} in all, from {weights.min():.3g} to {weights.max():.3g}"
                )
        if self.quality is not None and self.synthetic.any():
            fields["mean quality"] = float(self.quality[self.synthetic].mean())
        return small_table("RowWeights", fields)

    def times(self, factors: np.ndarray) -> "RowWeights":
        """Return the same with the weights multiplied by a factor for each row."""
        return replace(self, sample_weight=self.sample_weight * factors)


def _column(name: str, values: Any, dtype: Any) -> np.ndarray:
    array = np.asarray(values, dtype=dtype)
    if array.ndim != 1:
        raise ValueError(f"{name} must have one value for each row, got shape {array.shape}.")
    return array


class BaseRowWeighter(BaseEstimator, metaclass=ABCMeta):
    """Base class of the steps that give each row a weight: what the pipeline looks for.

    After ``fit(X, y, synthetic=None, parent_indices=None)`` a weighter has ``row_weights_``.
    """

    row_weights_: RowWeights

    @abstractmethod
    def fit(
        self, X: Any, y: Any, synthetic: Any = None, parent_indices: Any = None
    ) -> "BaseRowWeighter":
        """Find the weights of the rows."""

    @abstractmethod
    def emitted_arguments(self) -> tuple[str, ...]:
        """Names of the fit arguments without which the final estimator would lose weights.

        ``("sample_weight",)``, or ``("row_weights",)`` where the classifier has to finish them.
        """
