"""Weights that are learned while a model is trained, on what lowers the loss of other rows."""

from abc import abstractmethod
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import clone

from sklw._compat.scikit_learn import HasMethods, Interval, StrOptions
from sklw.weighting._evidence import Evidence
from sklw.weighting.methods._base import BaseMethod, bounded
from sklw.weighting.methods._rule import Rule

__all__ = ["BaseBilevel"]


class BaseBilevel(BaseMethod):
    """Base class of methods that learn weights while a model is trained.

    A subclass says by which :class:`Rule` slopes become weights. The weights come out as fixed
    numbers, so any final estimator can use them.

    Parameters
    ----------
    model : {"head", "bert"} or BertClassifier, default="head"
        What is trained: a linear head on frozen embeddings (for tables, on scaled columns), which
        takes some twenty passes over them, or a whole BERT, which takes about three times as long
        as training the classifier.
    clip : float or None, default=10.0
        Upper bound of the weights before tempering; None for no bound.
    """

    _parameter_constraints: dict = {
        "model": [StrOptions({"head", "bert"}), HasMethods(["fit", "predict_proba"])],
        "clip": [Interval(Real, 0, None, closed="neither"), None],
    }

    def __init__(self, model: Any = "head", clip: float | None = 10.0) -> None:
        self.model = model
        self.clip = clip

    def embeds(self, checker: Any) -> bool:
        """Return whether the model is given by its name; there is no checker."""
        return isinstance(self.model, str)

    @abstractmethod
    def rule(self, n_rows: int) -> Rule:
        """Return how slopes become weights, for a number of rows.

        Parameters
        ----------
        n_rows : int
            Number of rows, real ones included.

        Returns
        -------
        rule : Rule
            A new one.
        """

    def raw_weights(self, evidence: Evidence) -> np.ndarray:
        """Learn the weights."""
        import torch

        from sklw._hardware import seeded
        from sklw.weighting._learning import learn_weights

        seed = evidence.seed()
        with seeded(seed, "cuda" if torch.cuda.is_available() else "cpu"):
            model = self._model(evidence, seed)
            rule = self.rule(len(evidence.labels))
            verbose = bool(evidence.settings.verbose)
            return bounded(
                learn_weights(model, evidence.synthetic, rule, verbose=verbose), self.clip
            )

    def _model(self, evidence: Evidence, seed: int) -> Any:
        from sklw.weighting._learning_models import BertModel, HeadModel

        of_head = isinstance(self.model, str) and self.model == "head"
        own = (evidence.features if of_head else evidence.rows, evidence.labels)
        real = (evidence.real_features if of_head else evidence.real_rows, evidence.real_labels)
        if not len(evidence.real_labels):  # of methods that need none
            real = own
        if not of_head:
            return BertModel(self._bert(evidence.rows, seed), *own, *real, seed)
        classes = np.unique(np.concatenate([own[1], real[1]]))
        codes, real_codes = (np.searchsorted(classes, labels) for _, labels in (own, real))
        return HeadModel(own[0], codes, real[0], real_codes, seed)

    def _bert(self, rows: Any, seed: int) -> Any:
        from sklw.classifiers import BertClassifier

        if rows.ndim > 1:
            raise ValueError(
                'model="bert" reads texts and these rows are a table. Use "head" (the default), '
                "which learns the weights in a linear model of the scaled columns."
            )
        if isinstance(self.model, str):
            return BertClassifier(random_state=seed)
        if not isinstance(self.model, BertClassifier):
            raise TypeError(
                f"model must be a BertClassifier, whose network can be differentiated, got "
                f'{type(self.model).__name__}. Pass BertClassifier(...), or "head", which suits '
                "any rows."
            )
        return clone(self.model)
