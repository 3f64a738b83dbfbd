"""The base class of weighting methods."""

from abc import ABCMeta, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from sklw.weighting._evidence import Evidence

__all__ = ["BaseMethod", "bounded"]


class BaseMethod(BaseEstimator, metaclass=ABCMeta):
    """Base class of weighting methods: how much each synthetic row should count.

    A method is given as ``SyntheticWeighter(method=...)``. It computes a raw weight for each
    synthetic row; the weighter tempers and normalizes these weights, and multiplies them by its
    factors. As in any scikit-learn estimator, the parameters of a method are the arguments of its
    ``__init__``, so that they can be cloned and searched.

    Attributes
    ----------
    default_temperature : float
        Used if the weighter's `temperature` is None. A class attribute, 1 by default.
    needs_real_rows : bool
        Whether real rows of every class are needed; the weighter checks that there are. A class
        attribute, True by default.
    needs_synthetic_mask : bool
        Whether it must be known which rows are synthetic. A class attribute, True by default.

    See Also
    --------
    SyntheticWeighter : Uses a method.
    sklw.weighting.methods.Evidence : What a method can find out about the rows.

    Examples
    --------
    A method that keeps the rows that the checker does not clearly reject:

    >>> import numpy as np
    >>> from sklw.weighting import BaseMethod, SyntheticWeighter
    >>> class Credible(BaseMethod):
    ...     def __init__(self, least=0.5):
    ...         self.least = least
    ...
    ...     def raw_weights(self, evidence):
    ...         return evidence.quality >= self.least
    >>> X = np.array([[0.0], [0.2], [0.4], [2.0], [2.2], [2.4], [2.1], [0.1]])
    >>> y = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    >>> weighter = SyntheticWeighter(Credible(least=0.4), normalize=None)
    >>> weighter.fit(X, y, synthetic=np.arange(8) >= 6).sample_weight_
    array([1., 1., 1., 1., 1., 1., 1., 0.])
    """

    _parameter_constraints: dict[str, list[Any]] = {}

    default_temperature = 1.0
    needs_real_rows = True
    needs_synthetic_mask = True

    @abstractmethod
    def raw_weights(self, evidence: Evidence) -> np.ndarray:
        """Compute the weights before temperature and normalization.

        Parameters
        ----------
        evidence : Evidence
            What is known about the rows, some of which are synthetic.

        Returns
        -------
        weights : array of shape (n_samples,)
            Finite and not negative for synthetic rows; those of real rows are not read.
        """

    def embeds(self, checker: Any) -> bool:
        """Return whether texts are read with the embedded encoder.

        If so, a pipeline makes sure that it is installed before a language model is paid.

        Parameters
        ----------
        checker : str or classifier
            The weighter's `checker`.

        Returns
        -------
        embeds : bool
            Whether the checker is given by its name, unless a method knows better.
        """
        return isinstance(checker, str)

    def default_synthetic_weight(self, evidence: Evidence) -> float:
        """Return the factor of all synthetic rows if the weighter's `synthetic_weight` is None.

        Parameters
        ----------
        evidence : Evidence
            What is known about the rows, some of which are synthetic.

        Returns
        -------
        factor : float
            1, unless a method knows better.
        """
        return 1.0

    def finisher(self, temperature: float) -> Callable[[Any, Any], Any] | None:
        """Return what the classifier finishes the weights with, if it has to.

        Parameters
        ----------
        temperature : float
            The temperature of the weights.

        Returns
        -------
        finish : callable or None
            ``finish(quality, log_p)`` is called for each batch with P'(y|x) of its synthetic rows
            and the logarithm of the network's own probability of their labels, both tensors of
            shape (n,) without gradient. It returns the factors of the rows' losses. It has to be
            picklable, so an object with ``__call__``. None, the default, if the weights are final.
        """
        return None

    def validate(self) -> None:
        """Raise an error for a parameter whose value is impossible."""
        if self._parameter_constraints:
            self._validate_params()


def bounded(weights: np.ndarray, clip: float | None) -> np.ndarray:
    """Bound weights from above; None for no bound."""
    return weights if clip is None else np.minimum(weights, clip)
