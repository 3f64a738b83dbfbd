"""Weights learned by asking which rows, trained on, lower the loss on real rows.

Bilevel methods rest on one number for each row: the slope of the loss L on reference rows, after
one step of gradient descent, with respect to the row's weight in that step,

    dL / dw_i = -(step / n) <grad L(theta'), grad l_i(theta)>,
    theta' = theta - (step / n) sum_j w_j grad l_j(theta).

The inner product is the derivative of l_i along ``grad L(theta')``: one forward pass in forward
mode gives it for all rows of a batch, without second derivatives.
"""

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, grad, jvp

from sklw._progress import progress
from sklw.weighting.methods._rule import Rule

__all__ = ["BilevelModel", "learn_weights"]

Params = dict[str, torch.Tensor]


class BilevelModel(Protocol):
    """What is trained while the weights are learned."""

    module: nn.Module
    codes: torch.Tensor
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


def _weight_slopes(
    losses: Callable[[Params], torch.Tensor],
    outer_loss: Callable[[Params], torch.Tensor],
    params: Params,
    weights: torch.Tensor | None,
    step_size: float,
) -> torch.Tensor:
    """Differentiate an outer loss after one weighted step with respect to the weights.

    ``losses(params)`` are the losses of n rows, ``outer_loss(params)`` is one number; weights of
    None stand for zeros.
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
    """Train a model in place, and learn the weights of some of its rows on the way.

    Returns the mean of the weights that each row was trained with in the second half of the
    epochs; rows that are not `weighted` count 1.
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
    slopes = _weight_slopes(
        losses, outer_loss, params, rule.propose(numbers, before), model.step_size
    )
    return rule.update(numbers, before, slopes.detach())
