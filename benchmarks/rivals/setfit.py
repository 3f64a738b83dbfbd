"""SetFit (Tunstall et al., 2022) as a classifier of scikit-learn: ``pip install setfit``."""

import tempfile
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from sklw.models import EMBEDDED_ENCODER, locate_model

__all__ = ["SetFit"]


class SetFit(ClassifierMixin, BaseEstimator):
    """Contrastive training of the embedded encoder on pairs of texts, then logistic regression.

    Everything but the number of steps is the package's default: batches of 16 pairs, as many of
    equal as of different labels, a learning rate of 2e-5.

    Parameters
    ----------
    max_steps : int
        Optimizer steps. The default of the package is a pass over all pairs, which takes hours
        with some hundred texts.
    random_state : int
        Seed.
    """

    def __init__(self, max_steps: int, random_state: int = 0) -> None:
        self.max_steps = max_steps
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Train."""
        from datasets import Dataset
        from setfit import SetFitModel, Trainer, TrainingArguments

        self.classes_, codes = np.unique(y, return_inverse=True)
        model = SetFitModel.from_pretrained(locate_model(EMBEDDED_ENCODER).location)
        with tempfile.TemporaryDirectory() as folder:
            arguments = TrainingArguments(
                folder,
                max_steps=self.max_steps,
                seed=self.random_state,
                report_to="none",
                save_strategy="no",
                show_progress_bar=False,
            )
            rows = Dataset.from_dict({"text": list(X), "label": codes.tolist()})
            Trainer(model, arguments, train_dataset=rows).train()
        self.model_ = model
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict."""
        found = self.model_.predict_proba(list(X), as_numpy=True, show_progress_bar=False)
        return np.asarray(found, dtype=float)
