"""Weights of the loss of a batch."""

from collections.abc import Callable

import torch

__all__ = ["row_factors", "weighted_mean"]


def row_factors(
    logits: torch.Tensor,
    y: torch.Tensor,
    *,
    focal_gamma: float = 0.0,
    quality: torch.Tensor | None = None,
    finish: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None = None,
) -> torch.Tensor | None:
    """Compute the factors of the rows' losses that depend on the model itself.

    With p the probability that the model gives to the row's own class, a row's factor is
    ``(1 - p) ** focal_gamma`` times what ``finish(quality, log p)`` returns for the rows whose
    quality is not NaN. No gradient flows through the factors; None if they are all 1.
    """
    finished = quality is not None and finish is not None
    if not finished and not focal_gamma:
        return None
    log_p = logits.detach().log_softmax(dim=1).gather(1, y[:, None])[:, 0]
    factors = torch.ones_like(log_p)
    if focal_gamma:
        factors = (-torch.expm1(log_p)).clamp(min=0.0) ** focal_gamma
    if quality is not None and finish is not None:
        judged = ~quality.isnan()
        if judged.any():
            factors[judged] *= finish(quality[judged], log_p[judged])
    return factors


def weighted_mean(losses: torch.Tensor, *weights: torch.Tensor | None) -> torch.Tensor:
    """Average the losses of a batch after multiplying them by weights; None stands for ones.

    The sum is divided by the number of rows, not by the sum of the weights: a batch of rows with
    small weights stays small, and one of zeros has gradient zero.
    """
    for weight in weights:
        if weight is not None:
            losses = losses * weight
    return losses.mean()
