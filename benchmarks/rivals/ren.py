"""Learning to reweight: weights from the slopes of one step.

M. Ren et al., "Learning to Reweight Examples for Robust Deep Learning", ICML 2018.
"""

from typing import Any

from sklw.weighting.methods import BaseBilevel, Rule, mean_one


class Ren(BaseBilevel):
    """``max(-slope, 0)`` at weights of zero, with mean 1 in the batch."""

    def rule(self, n_rows: int) -> Rule:
        """Return the rule."""
        return RenRule()


class RenRule(Rule):
    """The rule."""

    def update(self, rows: Any, losses: Any, slopes: Any) -> Any:
        """Return the weights; all zero where every row would raise the loss."""
        return mean_one((-slopes).clamp(min=0.0))
