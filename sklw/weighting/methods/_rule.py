"""How slopes become weights."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["Rule", "mean_one", "unit"]


class Rule(ABC):
    """How slopes become weights: made anew for each fit.

    The slope of a row is the derivative of the loss of real rows, after one step of gradient
    descent, with respect to the row's weight in that step. All tensors have shape (n,), for the
    synthetic rows of a batch; `rows` holds their positions.

    Attributes
    ----------
    judged_by_reference : bool
        Whether the slopes are those of the cross-entropy of real rows, or else of a noise-robust
        loss of the rows themselves.
    """

    judged_by_reference = True

    def propose(self, rows: "torch.Tensor", losses: "torch.Tensor") -> "torch.Tensor | None":
        """Return the weights in the step that is differentiated; None stands for zeros."""
        return None

    @abstractmethod
    def update(
        self, rows: "torch.Tensor", losses: "torch.Tensor", slopes: "torch.Tensor"
    ) -> "torch.Tensor":
        """Return the weights to train with."""


def mean_one(weights: "torch.Tensor") -> "torch.Tensor":
    """Scale weights to mean 1; where all are 0 they stay 0.

    Parameters
    ----------
    weights : Tensor of shape (n,)
        The weights.

    Returns
    -------
    scaled : Tensor of shape (n,)
        The same, scaled.
    """
    mean = weights.mean()
    return weights / mean if mean > 0 else weights.new_zeros(weights.shape)


def unit(slopes: "torch.Tensor") -> "torch.Tensor":
    """Divide slopes by their mean size.

    Parameters
    ----------
    slopes : Tensor of shape (n,)
        The slopes.

    Returns
    -------
    scaled : Tensor of shape (n,)
        The same, with a mean size of 1.
    """
    return slopes / slopes.abs().mean().clamp(min=1e-12)
