"""Weights of the loss of a batch."""

import math

import torch

__all__ = ["row_factors", "weighted_mean"]

# exp(30) is about 1e13: beyond any sensible ratio, and its gradient is still finite.
_MAX_LOG_RATIO = 30.0
# Temperatures beyond these are 0 or infinite in single precision, and 0 / 0 has no value.
_TEMPERATURES = 1e-30, 1e30
# Below any logarithm of a ratio, above that of a row without quality.
_LOWEST = 1e30


def row_factors(
    logits: torch.Tensor,
    y: torch.Tensor,
    *,
    focal_gamma: float = 0.0,
    quality: torch.Tensor | None = None,
    temperature: float = 1.0,
    clip: float | None = None,
    top_share: float | None = None,
) -> torch.Tensor | None:
    """Compute the factors of the rows' losses that depend on the model itself.

    With p the probability the model gives to the row's own class, a row's factor is
    ``(1 - p) ** focal_gamma`` times ``min(quality / p, clip) ** (1 / temperature)``; the
    second is the DIMP loss of Kuo et al. (ICLR 2025) and is 1 where `quality` is NaN. With
    `top_share` it is 1 / share for the rows of the largest ``quality / p`` and 0 for the
    others: the RHO loss of Mindermann et al. (ICML 2022).

    Parameters
    ----------
    logits : Tensor of float32, shape (rows, n_classes)
        What the model says, in training mode.
    y : Tensor of int64, shape (rows,)
        The rows' classes.
    focal_gamma : float, default=0
        Exponent of the focal factor; 0 leaves it out.
    quality : Tensor of float32, shape (rows,), or None
        Probability of the row's class under the quality checker.
    temperature : float, default=1
        Above 1 the ratios move towards 1.
    clip : float or None, default=None
        Upper bound of the ratio before tempering.
    top_share : float or None, default=None
        Share of the rows with a quality that are selected; None weights them all.

    Returns
    -------
    factors : Tensor of float32, shape (rows,), or None
        Detached: no gradient flows through it. None where every factor is 1.
    """
    if quality is None and not focal_gamma:
        return None
    log_p = logits.detach().log_softmax(dim=1).gather(1, y[:, None])[:, 0]
    factors = torch.ones_like(log_p)
    if focal_gamma:
        factors = (-torch.expm1(log_p)).clamp(min=0.0) ** focal_gamma
    if quality is not None:
        log_ratios = quality.log() - log_p
        if top_share is None:
            bound = _MAX_LOG_RATIO if clip is None else math.log(clip)
            lowest, highest = _TEMPERATURES
            tempered = log_ratios.clamp(max=bound).div(min(max(temperature, lowest), highest))
            ratios = tempered.clamp(max=_MAX_LOG_RATIO).exp()
        else:
            ratios = _selected(log_ratios, top_share)
        factors = factors * torch.where(quality.isnan(), 1.0, ratios)
    return factors


def _selected(scores: torch.Tensor, share: float) -> torch.Tensor:
    """Give the top rows equal weights, of mean 1 over the rows whose score is not NaN."""
    judged = int((~scores.isnan()).sum())
    n_taken = max(1, math.ceil(share * judged))
    taken = torch.zeros_like(scores)
    if judged:
        top = scores.nan_to_num(nan=-math.inf, neginf=-_LOWEST).topk(n_taken).indices
        taken[top] = judged / n_taken
    return taken


def weighted_mean(losses: torch.Tensor, *weights: torch.Tensor | None) -> torch.Tensor:
    """Average the losses of a batch after multiplying them with weights.

    The sum is divided by the number of rows, not by the sum of the weights: a batch of rows
    that weigh little stays small, and one of zeros has gradient zero.

    Parameters
    ----------
    losses : Tensor of shape (rows,)
        Loss of each row.
    *weights : Tensor of shape (rows,), or None
        Factors; None stands for ones.

    Returns
    -------
    loss : Tensor of shape ()
        The mean.
    """
    for weight in weights:
        if weight is not None:
            losses = losses * weight
    return losses.mean()
