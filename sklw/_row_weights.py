"""What a weighter hands to the classifier."""

from abc import ABCMeta, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any, NoReturn

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin

from sklw._html import significant, small_table

__all__ = [
    "UNKNOWN_ROWS", "BaseRowWeighter", "RowWeights", "Weighted", "effective_sample_size",
    "unpacked",
]  # fmt: skip


UNKNOWN_ROWS = (
    "SyntheticWeighter cannot know which rows are synthetic. Put it in sklw.Pipeline (or "
    "sklw.make_pipeline) after a sampler, which tells it; or pass reference=(X_real, y_real) to "
    "the constructor, or synthetic=mask to fit."
)


@dataclass(frozen=True, eq=False)
class RowWeights:
    """A weight for each row, which rows are synthetic, and how the classifier finishes weights.

    :class:`sklw.SyntheticWeighter` creates it, :class:`sklw.Pipeline` passes it on, and
    :meth:`sklw.BertClassifier.fit` takes it as `row_weights`. It can be indexed by rows like an
    array, so that scikit-learn's cross-validation splits it with `X` and `y`.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,)
        Finite and not negative.
    synthetic : array-like of bool of shape (n_samples,)
        Which rows are synthetic. Only the others can be held out for early stopping.
    quality : array-like of shape (n_samples,), default=None
        P'(y|x), for `finish`. Only that of the synthetic rows is read.
    finish : callable, default=None
        ``finish(quality, log_p)`` returns the factors of the losses of a batch's synthetic rows,
        given their quality and the logarithm of the network's own probability of their labels:
        for DIMP-Loss ``sklw.weighting.Dimp().finisher(temperature=1.0)``. The arguments are
        tensors of shape (n,) without gradient.

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
    finish: Callable[[Any, Any], Any] | None = None

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
        if (self.quality is None) != (self.finish is None):
            raise ValueError(
                "quality and finish belong together: finish is what the classifier does with the "
                "quality. Pass both, such as finish=sklw.weighting.Dimp().finisher(temperature=1.0)"
                " for DIMP-Loss, or neither."
            )
        if self.finish is not None and not callable(self.finish):
            raise TypeError(
                f"finish must be callable, got {self.finish!r}. Pass what the finisher of a "
                "weighting method returns, such as sklw.weighting.Dimp().finisher(1.0)."
            )
        if self.quality is not None:
            self._check_quality()

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
        if isinstance(rows, Integral):
            raise TypeError(
                f"RowWeights is indexed by several rows, as an array of them is, and got {rows}. "
                f"Take one row by weights[[{rows}]], and its weight by "
                f"weights.sample_weight[{rows}]."
            )
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
                least, most = (significant(end, 3) for end in (weights.min(), weights.max()))
                fields[f"weight of {name} rows"] = (
                    f"{significant(weights.sum(), 4)} in all, from {least} to {most}"
                )
        if self.quality is not None and self.synthetic.any():
            fields["mean quality"] = float(self.quality[self.synthetic].mean())
        return small_table("RowWeights", fields)

    def times(self, factors: Any) -> "RowWeights":
        """Return the same with the weights multiplied by a factor for each row, or for all."""
        factors = np.asarray(factors, dtype=float)
        if factors.shape not in ((), self.shape):
            raise ValueError(
                f"times got factors of shape {factors.shape} for {len(self)} rows. Pass one number "
                "for each row, or one for all."
            )
        return replace(self, sample_weight=self.sample_weight * factors)


def _column(name: str, values: Any, dtype: Any) -> np.ndarray:
    array = np.asarray(values, dtype=dtype)
    if array.ndim != 1:
        raise ValueError(f"{name} must have one value for each row, got shape {array.shape}.")
    return array


def effective_sample_size(weights: np.ndarray) -> float:
    """``sum(w)**2 / sum(w**2)``, 0 where all are 0."""
    # Of the largest, since squares of extreme weights are 0 or infinite.
    largest = weights.max(initial=0.0)
    if not largest:
        return 0.0
    relative = weights / largest
    return float(np.sum(relative)) ** 2 / float(np.sum(relative**2))


class Weighted:
    """Rows together with their weights, for classifiers in stock pipelines.

    In a stock scikit-learn or imbalanced-learn pipeline, ``SyntheticWeighter.fit_transform``
    returns this carrier. :class:`sklw.BertClassifier` and
    :class:`sklw.ensemble.RealSyntheticVotingClassifier` unpack it; anything else that tries to read
    it as data gets an error that names :class:`sklw.Pipeline`, so that weights are never dropped
    silently.

    Parameters
    ----------
    X : array-like of shape (n_samples,) or (n_samples, n_features)
        The rows.
    row_weights : RowWeights
        The weights that the weighter found.

    Attributes
    ----------
    X : array-like
        The rows, as given.
    row_weights : RowWeights
        The weights, and which rows are synthetic.

    Examples
    --------
    >>> from sklw import RowWeights, Weighted
    >>> Weighted(["a", "b"], RowWeights([1, 0.5], [False, True])).sample_weight
    array([1. , 0.5])
    """

    def __init__(self, X: Any, row_weights: RowWeights) -> None:
        self.X = X
        self.row_weights = row_weights

    @property
    def sample_weight(self) -> np.ndarray:
        """The weights alone."""
        return self.row_weights.sample_weight

    def __len__(self) -> int:
        return len(self.sample_weight)

    def __repr__(self) -> str:
        return f"Weighted(n_samples={len(self)})"

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(
            "This step received sklw's weighted rows and cannot read them, so the weights would be "
            "lost. Build the pipeline with sklw.Pipeline or sklw.make_pipeline, which hand the "
            "weights to the final estimator, or put BertClassifier directly after the weighter."
        )

    # The ways in which estimators look at data, each closed.
    __iter__ = _refuse
    __getitem__ = _refuse
    __array__ = _refuse
    __dataframe__ = _refuse

    @property
    def shape(self) -> NoReturn:
        """Refused: see the class."""
        self._refuse()


def unpacked(X: Any, row_weights: RowWeights | None) -> tuple[Any, RowWeights | None]:
    """Return the rows and their weights, which are in one of the arguments or in none."""
    if not isinstance(X, Weighted):
        return X, row_weights
    if row_weights is not None:
        raise ValueError("Weights were given twice: with the rows and as row_weights.")
    return X.X, X.row_weights


# `transform` returns the object it is given, so scikit-learn must not wrap it.
class BaseRowWeighter(
    OneToOneFeatureMixin,
    TransformerMixin,
    BaseEstimator,
    metaclass=ABCMeta,
    auto_wrap_output_keys=None,  # type: ignore[call-arg]
):
    """Base class of the steps that give each row a weight: what the pipeline looks for.

    After ``fit(X, y, synthetic=None, parent_indices=None)`` a weighter has ``row_weights_``.
    """

    row_weights_: RowWeights

    @abstractmethod
    def fit(
        self, X: Any, y: Any, synthetic: Any = None, parent_indices: Any = None
    ) -> "BaseRowWeighter":
        """Find the weights of the rows."""

    def fit_transform(self, X: Any, y: Any = None, **known: Any) -> Weighted:
        """Find the weights and return them with the rows: for stock pipelines.

        Parameters
        ----------
        X, y, **known
            As in :meth:`fit`.

        Returns
        -------
        weighted : Weighted
            Rows and weights, which :class:`sklw.BertClassifier` takes as `X`.

        Raises
        ------
        ValueError
            If neither `reference` nor `synthetic` says which rows are synthetic.
        """
        if known.get("synthetic") is None and getattr(self, "reference", None) is None:
            # Some methods weight rows without it, but the classifier would take all for real.
            raise ValueError(f"{UNKNOWN_ROWS} If no row is synthetic, leave the weighter out.")
        self.fit(X, y, **known)
        return Weighted(X, self.row_weights_)

    def set_output(self, *, transform: Any = None) -> "BaseRowWeighter":
        """Do nothing: ``transform`` returns the object it is given, whatever is configured.

        Parameters
        ----------
        transform : object, default=None
            Ignored.

        Returns
        -------
        self : BaseRowWeighter
            The weighter.
        """
        return self

    @abstractmethod
    def emitted_arguments(self) -> tuple[str, ...]:
        """Return the fit arguments without which the final estimator would lose the weights.

        ``("sample_weight",)``, or ``("row_weights",)`` if the classifier has to finish them.
        """
