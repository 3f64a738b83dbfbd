"""A plot of the loss at growing numbers of synthetic rows."""

from typing import Any, Self

import numpy as np
from sklearn.utils import check_array, column_or_1d

from sklw._compat.scikit_learn import check_matplotlib_support

__all__ = ["ScalingLawDisplay"]


class ScalingLawDisplay:
    """Losses at growing numbers of synthetic rows, and the law fitted to them.

    Build it with :meth:`from_losses`.

    Parameters
    ----------
    sizes : ndarray of shape (n_sizes,)
        Numbers of synthetic rows.
    losses : ndarray of shape (n_sizes, n_repeats)
        Losses.
    law : ScalingLaw, default=None
        Fitted to them.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        Their figure.

    Examples
    --------
    >>> import numpy as np
    >>> from sklw.inspection import ScalingLawDisplay
    >>> from sklw.scaling import ScalingLaw
    >>> sizes = np.arange(0, 2000, 200)
    >>> losses = 0.3 + 5 * (sizes + 100.0) ** -0.5
    >>> law = ScalingLaw(offset=100).fit(sizes, losses)
    >>> display = ScalingLawDisplay.from_losses(sizes, losses, law=law)
    >>> display.ax_.get_xlabel()
    'synthetic rows'
    """

    def __init__(self, *, sizes: np.ndarray, losses: np.ndarray, law: Any = None) -> None:
        self.sizes = sizes
        self.losses = losses
        self.law = law

    @classmethod
    def from_losses(
        cls,
        sizes: Any,
        losses: Any,
        *,
        law: Any = None,
        up_to: float | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw measured losses.

        Parameters
        ----------
        sizes : array-like of shape (n_sizes,)
            Numbers of synthetic rows.
        losses : array-like of shape (n_sizes,) or (n_sizes, n_repeats)
            Losses; scores of :func:`sklw.scaling.synthetic_size_curve` with the sign turned.
        law : ScalingLaw, default=None
            A fitted law, drawn with its interval.
        up_to : float, default=None
            Draw the law up to this size; None ends at the largest measured.
        ax : matplotlib Axes, default=None
            Where to draw; None makes new axes.
        **kwargs
            Passed to matplotlib's ``errorbar``.

        Returns
        -------
        display : ScalingLawDisplay
            The display.
        """
        measured = check_array(losses, ensure_2d=False, input_name="losses", dtype=float)
        measured = measured[:, None] if measured.ndim == 1 else measured
        places = column_or_1d(sizes).astype(float)
        if len(places) != len(measured):
            raise ValueError(
                f"There are {len(places)} sizes and losses of {len(measured)}. Pass a row of "
                "losses for each size."
            )
        display = cls(sizes=places, losses=measured, law=law)
        return display.plot(up_to=up_to, ax=ax, **kwargs)

    def plot(self, *, up_to: float | None = None, ax: Any = None, **kwargs: Any) -> Self:
        """Draw the means with their standard deviations over the repeats, and the law.

        Parameters
        ----------
        up_to, ax, **kwargs
            As in :meth:`from_losses`.

        Returns
        -------
        display : ScalingLawDisplay
            The display itself.
        """
        check_matplotlib_support("ScalingLawDisplay.plot")
        import matplotlib.pyplot as plt

        if ax is None:
            ax = plt.subplots(layout="constrained")[1]
        deviations = self.losses.std(axis=1) if self.losses.shape[1] > 1 else None
        settings = {"fmt": "o", "capsize": 3, "label": "measured", **kwargs}
        ax.errorbar(self.sizes, self.losses.mean(axis=1), yerr=deviations, **settings)
        if self.law is not None:
            grid = np.linspace(self.sizes.min(), up_to or self.sizes.max(), 200)
            low, high = self.law.predict_interval(grid)
            level = f"{100 * self.law._level:g} %"
            ax.plot(grid, self.law.predict(grid), color="tab:orange", label="scaling law")
            ax.fill_between(grid, low, high, color="tab:orange", alpha=0.2, label=level)
            ax.axhline(self.law.floor_, color="gray", linestyle=":", label="floor")
        ax.set(xlabel="synthetic rows", ylabel="loss")
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
