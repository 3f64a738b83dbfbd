"""SunGen (Gao et al., ICLR 2023)."""

from typing import TYPE_CHECKING

from sklw.weighting.methods._bilevel import BaseBilevel
from sklw.weighting.methods._rule import Rule, mean_one, unit

if TYPE_CHECKING:
    import torch

__all__ = ["SunGen"]


class SunGen(BaseBilevel):
    """A free weight in (0, 1) for each row, which lowers a noise-robust loss of synthetic rows.

    It needs no real rows [1]_: the loss is the reverse cross-entropy, ``1 - p(y|x)`` up to a
    factor, which symmetric noise of the labels does not bias.

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
    .. [1] J. Gao et al., "Self-Guided Noise-Free Data Generation for Efficient Zero-Shot
       Learning", ICLR 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from sklw.weighting import SunGen, SyntheticWeighter
    >>> X = np.arange(40.0)[:, None] % 20
    >>> y = (X[:, 0] >= 10).astype(int)
    >>> y[5] = 1 - y[5]
    >>> weighter = SyntheticWeighter(SunGen(), random_state=0).fit(X, y, np.full(40, True))
    >>> int(weighter.sample_weight_.argmin())
    5
    """

    needs_real_rows = False

    def rule(self, n_rows: int) -> Rule:
        """Return the rule."""
        return _SunGenRule(n_rows)


class _SunGenRule(Rule):
    judged_by_reference = False
    step = 0.5

    def __init__(self, n_rows: int) -> None:
        import torch

        self.logits = torch.zeros(n_rows)

    def propose(self, rows: "torch.Tensor", losses: "torch.Tensor") -> "torch.Tensor":
        return self.logits[rows].sigmoid().to(losses)

    def update(
        self, rows: "torch.Tensor", losses: "torch.Tensor", slopes: "torch.Tensor"
    ) -> "torch.Tensor":
        weights = self.propose(rows, losses)
        moved = self.step * unit(slopes) * 4 * weights * (1 - weights)
        self.logits[rows] -= moved.to(self.logits)
        return mean_one(self.propose(rows, losses))
