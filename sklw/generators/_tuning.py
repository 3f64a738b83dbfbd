"""How a local model is trained: what only one way of training needs."""

from numbers import Integral, Real
from typing import Any

from sklearn.base import BaseEstimator

from sklw._compat.scikit_learn import Interval

__all__ = ["FullTuning", "LoRA"]


class _Tuning(BaseEstimator):
    """The parameters that both ways of training have."""

    _parameter_constraints: dict[str, list[Any]] = {
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "permute_columns": ["boolean"],
    }

    epochs: int
    learning_rate: float
    batch_size: int
    permute_columns: bool

    def check(self) -> None:
        """Raise ValueError if a parameter is wrong."""
        self._validate_params()


class LoRA(_Tuning):
    """Train low-rank updates of the linear layers, by the optional package peft.

    The updates take a few megabytes, and :class:`FineTunedGenerator` keeps them by default.

    Parameters
    ----------
    rank : int, default=16
        Rank of the updates.
    epochs : int, default=6
        Passes over the rows.
    learning_rate : float, default=3e-3
        Highest learning rate.
    batch_size : int, default=8
        Rows in a training step.
    permute_columns : bool, default=False
        Whether each epoch writes the columns of a table in another order, for rows written as
        sentences.

    See Also
    --------
    FullTuning : Trains all weights.

    References
    ----------
    .. [1] E. Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022.

    Examples
    --------
    >>> from sklw.generators import FineTunedGenerator, LoRA
    >>> generator = FineTunedGenerator(training=LoRA(rank=8, epochs=10))
    >>> generator.set_params(training__epochs=4).training
    LoRA(epochs=4, rank=8)
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **_Tuning._parameter_constraints,
        "rank": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        rank: int = 16,
        *,
        epochs: int = 6,
        learning_rate: float = 3e-3,
        batch_size: int = 8,
        permute_columns: bool = False,
    ) -> None:
        self.rank = rank
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.permute_columns = permute_columns


class FullTuning(_Tuning):
    """Train all weights of the model.

    They are as large as the model, so :class:`FineTunedGenerator` keeps them on disk only if its
    `folder` is set.

    Parameters
    ----------
    epochs : int, default=6
        Passes over the rows.
    learning_rate : float, default=3e-4
        Highest learning rate.
    batch_size : int, default=8
        Rows in a training step.
    permute_columns : bool, default=False
        Whether each epoch writes the columns of a table in another order, for rows written as
        sentences.

    See Also
    --------
    LoRA : Trains low-rank updates.

    Examples
    --------
    >>> from sklw.generators import FineTunedGenerator, FullTuning
    >>> generator = FineTunedGenerator(training=FullTuning(epochs=3), folder="trained")
    """

    def __init__(
        self,
        *,
        epochs: int = 6,
        learning_rate: float = 3e-4,
        batch_size: int = 8,
        permute_columns: bool = False,
    ) -> None:
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.permute_columns = permute_columns
