"""Plots of weights."""

from typing import Any, Literal, Self

import numpy as np
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import column_or_1d

from sklw._compat.scikit_learn import (
    StrOptions,
    check_matplotlib_support,
    validate_parameter_constraints,
)
from sklw._row_weights import effective_sample_size
from sklw._validation import check_labels, check_mask
from sklw.inspection._fitted import fitted_labels

__all__ = ["WeightDisplay"]

Kind = Literal["class", "source", "quality"]


class WeightDisplay:
    """Weights of synthetic rows by class, by source, or against what the checkers found.

    Build it with :meth:`from_estimator` or :meth:`from_weights`.

    Parameters
    ----------
    sample_weight : ndarray of shape (n_samples,)
        Weights.
    labels : ndarray of shape (n_samples,)
        Labels.
    synthetic : ndarray of bool of shape (n_samples,)
        Which rows are synthetic.
    sources : ndarray of shape (n_samples,), default=None
        Where each row comes from; None stands for ``"real"`` and ``"synthetic"``.
    quality, diversity : ndarray of shape (n_samples,), default=None
        P'(y|x) and Q(y|x), NaN where not known.
    effective_sample_size : float, default=None
        Written into the title; None computes it from the weights of the synthetic rows.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        Their figure.

    See Also
    --------
    SyntheticWeighter.report : The rows behind the picture.

    Examples
    --------
    >>> import numpy as np
    >>> from sklw import SyntheticWeighter, WeightDisplay
    >>> X = np.array([[0.0], [0.2], [0.4], [2.0], [2.2], [2.4], [2.1], [0.1]])
    >>> y = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    >>> synthetic = np.array([False] * 6 + [True] * 2)
    >>> weighter = SyntheticWeighter().fit(X, y, synthetic=synthetic)
    >>> display = WeightDisplay.from_estimator(weighter, X, y)
    >>> display.ax_.get_xlabel()
    'weight'
    """

    def __init__(
        self,
        *,
        sample_weight: np.ndarray,
        labels: np.ndarray,
        synthetic: np.ndarray,
        sources: np.ndarray | None = None,
        quality: np.ndarray | None = None,
        diversity: np.ndarray | None = None,
        effective_sample_size: float | None = None,
    ) -> None:
        self.sample_weight = sample_weight
        self.labels = labels
        self.synthetic = synthetic
        self.sources = sources
        self.quality = quality
        self.diversity = diversity
        self.effective_sample_size = effective_sample_size

    @classmethod
    def from_estimator(
        cls,
        weighter: Any,
        X: Any,
        y: Any,
        *,
        sources: Any = None,
        kind: Kind = "class",
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the weights that a fitted weighter found.

        Parameters
        ----------
        weighter : SyntheticWeighter
            Fitted.
        X, y : array-like of shape (n_samples, ...)
            What it was fitted on.
        sources : array-like of shape (n_samples,), default=None
            Where each row comes from.
        kind : {"class", "source", "quality"}, default="class"
            What to draw: see :meth:`plot`.
        ax : matplotlib Axes, default=None
            Where to draw; None makes new axes.
        **kwargs
            Passed to matplotlib.

        Returns
        -------
        display : WeightDisplay
            The display.
        """
        labels = fitted_labels(weighter, X, y, cls.__name__)
        check_consistent_length(X, sources)
        display = cls(
            sample_weight=weighter.sample_weight_,
            labels=labels,
            synthetic=weighter.synthetic_mask_,
            sources=None if sources is None else column_or_1d(sources),
            quality=weighter.quality_,
            diversity=weighter.diversity_,
            effective_sample_size=weighter.effective_sample_size_,
        )
        return display.plot(kind=kind, ax=ax, **kwargs)

    @classmethod
    def from_weights(
        cls,
        sample_weight: Any,
        y: Any,
        synthetic: Any,
        *,
        sources: Any = None,
        kind: Kind = "class",
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw given weights.

        Parameters
        ----------
        sample_weight, y : array-like of shape (n_samples,)
            Weights and labels.
        synthetic : array-like of bool of shape (n_samples,)
            Which rows are synthetic.
        sources : array-like of shape (n_samples,), default=None
            Where each row comes from.
        kind : {"class", "source"}, default="class"
            What to draw: see :meth:`plot`.
        ax : matplotlib Axes, default=None
            Where to draw; None makes new axes.
        **kwargs
            Passed to matplotlib.

        Returns
        -------
        display : WeightDisplay
            The display.
        """
        check_consistent_length(sample_weight, y, synthetic, sources)
        labels = check_labels(y, estimator_name=cls.__name__)
        weights = check_array(
            sample_weight, ensure_2d=False, dtype=float, input_name="sample_weight"
        )
        display = cls(
            sample_weight=column_or_1d(weights),
            labels=labels,
            synthetic=check_mask(synthetic, len(labels)),
            sources=None if sources is None else column_or_1d(sources),
        )
        return display.plot(kind=kind, ax=ax, **kwargs)

    def plot(self, kind: Kind = "class", *, ax: Any = None, **kwargs: Any) -> Self:
        """Draw the weights.

        Parameters
        ----------
        kind : {"class", "source", "quality"}, default="class"
            ``"class"`` and ``"source"``: box plots of the weights of the synthetic rows of each
            class, or of the rows of each source. ``"quality"``: a scatter plot of quality against
            diversity coloured by weight, or of weight against quality where there is no diversity.
        ax : matplotlib Axes, default=None
            Where to draw; None makes new axes.
        **kwargs
            Passed to matplotlib's ``boxplot`` or ``scatter``.

        Returns
        -------
        display : WeightDisplay
            The display itself.

        Raises
        ------
        ValueError
            If there is nothing to draw: no synthetic row, or no quality.
        """
        check_matplotlib_support("WeightDisplay.plot")
        import matplotlib.pyplot as plt

        validate_parameter_constraints(
            {"kind": [StrOptions({"class", "source", "quality"})]}, {"kind": kind}, "plot"
        )
        if not self.synthetic.any():
            raise ValueError("There is no synthetic row, so there are no weights to show.")
        if ax is None:
            ax = plt.subplots(layout="constrained")[1]
        if kind == "quality":
            self._plot_quality(ax, kwargs)
        elif kind == "class":
            made = self.synthetic
            self._plot_boxes(ax, self.sample_weight[made], self.labels[made], kwargs)
        else:
            named = np.where(self.synthetic, "synthetic", "real")
            sources = named if self.sources is None else self.sources
            self._plot_boxes(ax, self.sample_weight, sources, kwargs)
        self.ax_, self.figure_ = ax, ax.figure
        ax.set_title(self._title())
        return self

    def _title(self) -> str:
        weights = self.sample_weight[self.synthetic]
        size = self.effective_sample_size
        if size is None:
            size = effective_sample_size(weights)
        return f"{len(weights)} synthetic rows, worth {size:.0f} of equal weight"

    def _plot_boxes(self, ax: Any, weights: np.ndarray, groups: np.ndarray, kwargs: Any) -> None:
        names = np.unique(groups)[::-1]
        parts = [weights[groups == name] for name in names]
        labels = [f"{name} (n={len(part)})" for name, part in zip(names, parts, strict=True)]
        settings = {"orientation": "horizontal", "showmeans": True, "widths": 0.6, **kwargs}
        ax.boxplot(parts, tick_labels=labels, **settings)
        ax.set(xlabel="weight", xlim=(0, None))

    def _plot_quality(self, ax: Any, kwargs: Any) -> None:
        made, quality, diversity = self.synthetic, self.quality, self.diversity
        if quality is None or np.isnan(quality[made]).all():
            raise ValueError(
                'There is no quality to show: the method uses no checker. Use kind="class", or a '
                'method such as "quality" or "imp".'
            )
        weights = self.sample_weight[made]
        settings = {"s": 12, "alpha": 0.7, "linewidths": 0, **kwargs}
        if diversity is not None and not np.isnan(diversity[made]).all():
            points = ax.scatter(diversity[made], quality[made], c=weights, **settings)
            ax.figure.colorbar(points, ax=ax, label="weight")
            ax.set(xlabel="Q(y|x): low is unlike the others", ylabel="P'(y|x): high is trusted")
        else:
            for label in np.unique(self.labels[made]):
                of_label = self.labels[made] == label
                ax.scatter(quality[made][of_label], weights[of_label], label=label, **settings)
            ax.legend(title="label")
            ax.set(xlabel="P'(y|x): high is trusted", ylabel="weight")
