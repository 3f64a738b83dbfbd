"""The method of Hu et al. (NeurIPS 2019)."""

from typing import TYPE_CHECKING

from sklw.weighting.methods._bilevel import BaseBilevel
from sklw.weighting.methods._rule import Rule, mean_one, unit

if TYPE_CHECKING:
    import torch

__all__ = ["Hu"]


class Hu(BaseBilevel):
    """A free weight for each row, which grows if training on the row lowers the loss of real rows.

    At each step it becomes ``max(w / 10 - slope, 1e-5)`` [1]_, the slopes being divided by their
    mean size in the batch so that the floor has a meaning.

    Parameters
    ----------
    model : {"head", "bert"} or BertClassifier, default="head"
        What is trained: a linear head on frozen embeddings (for tables, on scaled columns), which
        takes some twenty passes over them, or a whole BERT, which takes about three times as long
        as training the classifier.
    clip : float or None, default=10.0
        Upper bound of the weights before tempering; None for no bound.

    References
    ----------
    .. [1] Z. Hu et al., "Learning Data Manipulation for Augmentation and Weighting", NeurIPS 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from sklw.weighting import Hu, SyntheticWeighter
    >>> X = np.arange(40.0)[:, None] % 20
    >>> y = (X[:, 0] >= 10).astype(int)
    >>> y[25] = 1 - y[25]
    >>> weighter = SyntheticWeighter(Hu(), random_state=0).fit(X, y, np.arange(40) >= 20)
    >>> int(weighter.sample_weight_[20:].argmin())
    5
    """

    def rule(self, n_rows: int) -> Rule:
        """Return the rule."""
        return _HuRule(n_rows)


class _HuRule(Rule):
    decay, floor = 10.0, 1e-5

    def __init__(self, n_rows: int) -> None:
        import torch

        self.weights = torch.zeros(n_rows)

    def propose(self, rows: "torch.Tensor", losses: "torch.Tensor") -> "torch.Tensor":
        return self.weights[rows].to(losses)

    def update(
        self, rows: "torch.Tensor", losses: "torch.Tensor", slopes: "torch.Tensor"
    ) -> "torch.Tensor":
        moved = self.weights[rows].to(slopes) / self.decay - unit(slopes)
        self.weights[rows] = moved.clamp(min=self.floor).to(self.weights)
        return mean_one(self.weights[rows].to(losses))
