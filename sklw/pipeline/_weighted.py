"""The carrier of rows with their weights through stock pipelines."""

from typing import Any, NoReturn

import numpy as np

from sklw._row_weights import RowWeights

__all__ = ["Weighted"]


class Weighted:
    """Rows together with their weights, for classifiers in stock pipelines.

    In a stock scikit-learn or imbalanced-learn pipeline, ``SyntheticWeighter.fit_transform``
    returns this carrier. :class:`sklw.BertClassifier` unpacks it; anything else that tries to read
    it as data gets an error that names :class:`sklw.Pipeline`: weights are never lost in silence.

    Parameters
    ----------
    X : array-like of shape (n_samples,) or (n_samples, n_features)
        The rows.
    row_weights : RowWeights
        What the weighter found.

    Attributes
    ----------
    X : array-like
        The rows, as given.
    row_weights : RowWeights
        The weights, and which rows are synthetic.
    """

    def __init__(self, X: Any, row_weights: RowWeights) -> None:
        self.X = X
        self.row_weights = row_weights

    @property
    def sample_weight(self) -> np.ndarray:
        """The weights alone."""
        return self.row_weights.sample_weight

    def __len__(self) -> int:
        return len(self.sample_weight)

    def __repr__(self) -> str:
        return f"Weighted(n_samples={len(self)})"

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(
            "This step received sklw's weighted rows and cannot read them, so the weights would be "
            "lost. Build the pipeline with sklw.Pipeline or sklw.make_pipeline, which hand the "
            "weights to the final estimator, or put BertClassifier directly after the weighter."
        )

    # The ways in which estimators look at data, each closed.
    __iter__ = _refuse
    __getitem__ = _refuse
    __array__ = _refuse
    __dataframe__ = _refuse

    @property
    def shape(self) -> NoReturn:
        """Refused: see the class."""
        self._refuse()
