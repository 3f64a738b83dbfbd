"""Weights learned by asking which rows, trained on, lower the loss on real rows.

All four methods rest on one number a row: the slope of the loss L on reference rows, after one
step of gradient descent, with respect to the row's weight in that step,

    dL / dw_i = -(step / n) <grad L(theta'), grad l_i(theta)>,
    theta' = theta - (step / n) sum_j w_j grad l_j(theta).

The inner product is the derivative of l_i along ``grad L(theta')``: one forward pass in forward
mode gives it for all rows of a batch, without second derivatives.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, grad, jvp

from sklw._progress import progress

__all__ = ["RULES", "BilevelModel", "Rule", "learn_weights", "weight_slopes"]

Params = dict[str, torch.Tensor]


class BilevelModel(Protocol):
    """What is trained while the weights are learned."""

    module: nn.Module
    codes: torch.Tensor
    reference_codes: torch.Tensor
    optimizer: torch.optim.Optimizer
    step_size: float
    epochs: int

    def batches(self) -> Iterator[np.ndarray]:
        """Yield the rows of each batch of one epoch."""

    def n_batches(self) -> int:
        """Count them."""

    def inputs(self, rows: np.ndarray) -> dict[str, torch.Tensor]:
        """Return keyword arguments of the module for rows to be trained on."""

    def reference_batch(self) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """Return the module's arguments for some reference rows, and their classes."""


class Rule(ABC):
    """How slopes become weights."""

    judged_by_reference = True

    def propose(self, rows: torch.Tensor, losses: torch.Tensor) -> torch.Tensor | None:
        """Return the weights of the virtual step; None for none: theta' is theta."""
        return None

    @abstractmethod
    def update(
        self, rows: torch.Tensor, losses: torch.Tensor, slopes: torch.Tensor
    ) -> torch.Tensor:
        """Return the weights to train with."""


class Ren(Rule):
    """``max(-slope, 0)`` at weights of zero, with mean 1 in the batch (Ren et al., ICML 2018)."""

    def __init__(self, n_rows: int):
        pass

    def update(
        self, rows: torch.Tensor, losses: torch.Tensor, slopes: torch.Tensor
    ) -> torch.Tensor:
        """Return the weights; all zero where every row would raise the loss."""
        return _mean_one((-slopes).clamp(min=0.0))


class Hu(Rule):
    """One free weight a row, ``max(w / decay - slope, 1e-5)`` (Hu et al., NeurIPS 2019).

    The slopes are divided by their mean size in the batch, so that the floor has a meaning.
    """

    decay = 10.0
    floor = 1e-5

    def __init__(self, n_rows: int):
        self.weights = torch.zeros(n_rows)

    def propose(self, rows: torch.Tensor, losses: torch.Tensor) -> torch.Tensor:
        """Return the weights so far."""
        return self.weights[rows].to(losses)

    def update(
        self, rows: torch.Tensor, losses: torch.Tensor, slopes: torch.Tensor
    ) -> torch.Tensor:
        """Move the weights of the rows."""
        moved = self.weights[rows].to(slopes) / self.decay - _unit(slopes)
        self.weights[rows] = moved.clamp(min=self.floor).to(self.weights)
        return _mean_one(self.weights[rows].to(losses))


class MetaWeightNet(Rule):
    """``net(l_i)``, a small network of the row's loss (Shu et al., NeurIPS 2019)."""

    def __init__(self, n_rows: int):
        self.net = nn.Sequential(nn.Linear(1, 100), nn.ReLU(), nn.Linear(100, 1), nn.Sigmoid())
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-3, weight_decay=1e-4)

    def propose(self, rows: torch.Tensor, losses: torch.Tensor) -> torch.Tensor:
        """Return what the network says."""
        self.net.to(losses)
        with torch.no_grad():
            return self.net(losses[:, None])[:, 0]

    def update(
        self, rows: torch.Tensor, losses: torch.Tensor, slopes: torch.Tensor
    ) -> torch.Tensor:
        """Train the network against the slopes."""
        self.optimizer.zero_grad()
        self.net(losses[:, None])[:, 0].backward(_unit(slopes))
        self.optimizer.step()
        return _mean_one(self.propose(rows, losses))


class SunGen(Rule):
    """One weight in (0, 1) a row, judged by a noise-robust loss on the rows themselves.

    No real row is needed (Gao et al., ICLR 2023): the outer loss is the reverse cross-entropy,
    ``1 - p(y|x)`` up to a factor, which symmetric noise of the labels does not bias.
    """

    judged_by_reference = False
    step = 0.5

    def __init__(self, n_rows: int):
        self.logits = torch.zeros(n_rows)

    def propose(self, rows: torch.Tensor, losses: torch.Tensor) -> torch.Tensor:
        """Return the weights so far."""
        return self.logits[rows].sigmoid().to(losses)

    def update(
        self, rows: torch.Tensor, losses: torch.Tensor, slopes: torch.Tensor
    ) -> torch.Tensor:
        """Move the logits of the weights."""
        weights = self.propose(rows, losses)
        moved = self.step * _unit(slopes) * 4 * weights * (1 - weights)
        self.logits[rows] -= moved.to(self.logits)
        return _mean_one(self.propose(rows, losses))


RULES: dict[str, Callable[[int], Rule]] = {
    "hu": Hu,
    "ren": Ren,
    "meta-weight-net": MetaWeightNet,
    "sungen": SunGen,
}


def _mean_one(weights: torch.Tensor) -> torch.Tensor:
    mean = weights.mean()
    return weights / mean if mean > 0 else torch.zeros_like(weights)


def _unit(slopes: torch.Tensor) -> torch.Tensor:
    return slopes / slopes.abs().mean().clamp(min=1e-12)


def weight_slopes(
    losses: Callable[[Params], torch.Tensor],
    outer_loss: Callable[[Params], torch.Tensor],
    params: Params,
    weights: torch.Tensor | None,
    step_size: float,
) -> torch.Tensor:
    """Differentiate an outer loss after one weighted step with respect to the weights.

    Parameters
    ----------
    losses : callable
        ``losses(params)`` gives the loss of each of n rows.
    outer_loss : callable
        ``outer_loss(params)`` gives one number.
    params : dict of str to Tensor
        Where the step starts.
    weights : Tensor of shape (n,), or None
        The weights; None stands for zeros.
    step_size : float
        Length of the step.

    Returns
    -------
    slopes : Tensor of shape (n,)
        The derivatives.
    """
    moved = params
    if weights is not None:
        gradient = grad(lambda p: (weights * losses(p)).mean())(params)
        moved = {name: value - step_size * gradient[name] for name, value in params.items()}
    direction = grad(outer_loss)(moved)
    along = jvp(losses, (params,), (direction,))[1]
    return -step_size / len(along) * along


def learn_weights(
    model: BilevelModel, weighted: np.ndarray, rule: Rule, *, verbose: bool = False
) -> np.ndarray:
    """Train a model, learning the weights of some of its rows on the way.

    Parameters
    ----------
    model : BilevelModel
        Is trained in place.
    weighted : ndarray of bool of shape (n_rows,)
        Rows whose weights are learned; the others count 1.
    rule : Rule
        The method.
    verbose : bool, default=False
        Whether to show a progress bar.

    Returns
    -------
    weights : ndarray of float64 of shape (n_rows,)
        The mean of the weights a row was trained with in the second half of the epochs.
    """
    total, visits = np.zeros(len(weighted)), np.zeros(len(weighted))
    with progress(model.epochs * model.n_batches(), "learning weights", "batch", verbose) as bar:
        for epoch in range(model.epochs):
            for rows in model.batches():
                weights = _train_on(model, rows, weighted[rows], rule)
                if epoch >= model.epochs // 2:
                    total[rows] += weights
                    visits[rows] += 1
                bar.update()
    return np.where(weighted, total / np.maximum(visits, 1), 1.0)


def _train_on(
    model: BilevelModel, rows: np.ndarray, weighted: np.ndarray, rule: Rule
) -> np.ndarray:
    codes = model.codes[torch.from_numpy(rows)]
    weights = torch.ones(len(rows), device=codes.device)
    made = torch.from_numpy(np.flatnonzero(weighted))
    if len(made):
        # Without dropout: the slopes are small beside its noise.
        model.module.eval()
        weights[made] = _weights_of(model, rows[weighted], codes[made], rule)
    if not weights.any():
        return np.zeros(len(rows))
    model.module.train()
    model.optimizer.zero_grad(set_to_none=True)
    losses = nn.functional.cross_entropy(
        model.module(**model.inputs(rows)), codes, reduction="none"
    )
    (weights * losses).mean().backward()
    model.optimizer.step()
    return weights.double().cpu().numpy()


def _weights_of(
    model: BilevelModel, rows: np.ndarray, codes: torch.Tensor, rule: Rule
) -> torch.Tensor:
    params = {name: value.detach() for name, value in model.module.named_parameters()}
    inputs = model.inputs(rows)

    def losses(at: Params) -> torch.Tensor:
        logits = functional_call(model.module, at, kwargs=inputs)
        return nn.functional.cross_entropy(logits, codes, reduction="none")

    if rule.judged_by_reference:
        outer_inputs, outer_codes = model.reference_batch()
    else:
        outer_inputs, outer_codes = inputs, codes

    def outer_loss(at: Params) -> torch.Tensor:
        logits = functional_call(model.module, at, kwargs=outer_inputs)
        if rule.judged_by_reference:
            return nn.functional.cross_entropy(logits, outer_codes)
        return 1 - logits.softmax(dim=1).gather(1, outer_codes[:, None]).mean()

    with torch.no_grad():
        before = losses(params)
    numbers = torch.from_numpy(rows)
    slopes = weight_slopes(
        losses, outer_loss, params, rule.propose(numbers, before), model.step_size
    )
    return rule.update(numbers, before, slopes.detach())
