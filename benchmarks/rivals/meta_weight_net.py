"""Meta-Weight-Net: weights from a small network of the loss.

J. Shu et al., "Meta-Weight-Net: Learning an Explicit Mapping For Sample Weighting", NeurIPS 2019.
"""

from typing import Any

import torch
from torch import nn

from sklw.weighting.methods import BaseBilevel, Rule, mean_one, unit


class MetaWeightNet(BaseBilevel):
    """``net(loss)``, a small network of the row's loss, trained by the slopes."""

    def rule(self, n_rows: int) -> Rule:
        """Return the rule."""
        return NetRule()


class NetRule(Rule):
    """The rule."""

    def __init__(self) -> None:
        self.net = nn.Sequential(nn.Linear(1, 100), nn.ReLU(), nn.Linear(100, 1), nn.Sigmoid())
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-3, weight_decay=1e-4)

    def propose(self, rows: Any, losses: Any) -> Any:
        """Return what the network says."""
        self.net.to(losses)
        with torch.no_grad():
            return self.net(losses[:, None])[:, 0]

    def update(self, rows: Any, losses: Any, slopes: Any) -> Any:
        """Train the network against the slopes."""
        self.optimizer.zero_grad()
        self.net(losses[:, None])[:, 0].backward(unit(slopes))
        self.optimizer.step()
        return mean_one(self.propose(rows, losses))
