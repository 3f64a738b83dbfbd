"""A soft vote of what was learned from all rows and what was learned from the real ones."""

from numbers import Real
from typing import Any, Self

import numpy as np
from scipy.sparse import issparse
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.ensemble import StackingClassifier
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from sklw._compat.scikit_learn import HasMethods, Interval, fit_context, safe_indexing
from sklw._fit_arguments import accepts, check_takes_weights, weight_arguments
from sklw._row_weights import RowWeights, unpacked
from sklw._validation import check_labels

__all__ = ["RealSyntheticVotingClassifier"]


class RealSyntheticVotingClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Average a classifier of all rows with one of the real rows alone.

    Synthetic rows make a classifier overconfident, since they are easier than real ones. A
    classifier that has only seen real rows is not overconfident in this way, and it errs on
    different rows. On eleven pairs of real and LLM-written texts, the mean of the two had about the
    macro-F1 of the first and the log-loss of the second [1]_.

    Use it as the last step of :class:`sklw.Pipeline`, after a weighter, which says which rows are
    real. If no row is synthetic, both classifiers are fitted on the same rows.

    Parameters
    ----------
    estimator : classifier
        Fitted on all rows with their weights. Needs ``predict_proba``.
    real_estimator : classifier, default=None
        Fitted on the real rows, whose weights are scaled so that each class has the share of the
        total that it has among all rows. None takes a clone of `estimator`.
    real_vote : float, default=0.5
        Share of `real_estimator` in the mean, from 0 to 1.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes of the rows, and any others that a classifier knows.
    estimator_, real_estimator_ : classifiers
        The fitted classifiers.
    n_features_in_ : int
        Number of columns, if `estimator_` has it.
    feature_names_in_ : ndarray of str of shape (`n_features_in_`,)
        Names of the columns, if `estimator_` has them.

    Raises
    ------
    ValueError
        If a class has no real row of positive weight, or weights do not fit the rows.
    TypeError
        If a classifier takes no weights, or none of the kind that the weighting method needs.

    Warns
    -----
    UserWarning
        If labels differ in case, white space or Unicode form only.

    See Also
    --------
    sklw.SyntheticWeighter : Finds the weights.
    sklearn.ensemble.VotingClassifier : A soft vote of classifiers of the same rows.

    References
    ----------
    .. [1] The scoreboard in the documentation of sklw.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklw import RowWeights
    >>> from sklw.ensemble import RealSyntheticVotingClassifier
    >>> X, y = [[0.0], [1.0], [2.0], [3.0], [9.0]], [0, 0, 1, 1, 1]
    >>> weights = RowWeights([1, 1, 1, 1, 0.2], synthetic=[False, False, False, False, True])
    >>> clf = RealSyntheticVotingClassifier(LogisticRegression())
    >>> clf.fit(X, y, row_weights=weights).predict([[0.5], [2.5]])
    array([0, 1])
    """

    _parameter_constraints: dict = {
        # A stack with the default final estimator has predict_proba only when it is fitted.
        "estimator": [HasMethods(["fit", "predict_proba"]), StackingClassifier],
        "real_estimator": [HasMethods(["fit", "predict_proba"]), StackingClassifier, None],
        "real_vote": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(
        self, estimator: Any, *, real_estimator: Any = None, real_vote: float = 0.5
    ) -> None:
        self.estimator = estimator
        self.real_estimator = real_estimator
        self.real_vote = real_vote

    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        row_weights: RowWeights | None = None,
    ) -> Self:
        """Fit both classifiers.

        Parameters
        ----------
        X : array-like of shape (n_samples,) or (n_samples, n_features), or Weighted
            The rows: texts or a table. :class:`sklw.Weighted` contains weights as well.
        y : array-like of shape (n_samples,)
            Their labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of rows all of which are real.
        row_weights : RowWeights, default=None
            Weights that say which rows are synthetic; in place of `sample_weight`.

        Returns
        -------
        self : RealSyntheticVotingClassifier
            The fitted classifier.
        """
        X, row_weights = unpacked(X, row_weights)
        labels = check_labels(y, estimator_name=type(self).__name__, warn=True)
        if row_weights is None:
            weights = np.ones(len(labels)) if sample_weight is None else sample_weight
            row_weights = RowWeights(weights, np.zeros(len(labels), dtype=bool))
        elif sample_weight is not None:
            raise ValueError(
                "Weights were given twice: as row_weights and as sample_weight. Multiply them: "
                "row_weights=row_weights.times(sample_weight)."
            )
        if len(row_weights) != len(labels):
            raise ValueError(
                f"There are {len(row_weights)} weights for {len(labels)} rows. Pass one for each."
            )
        real = _real_rows(X, labels, row_weights)
        self.estimator_ = _fitted(self.estimator, X, labels, row_weights)
        of_real = self.estimator if self.real_estimator is None else self.real_estimator
        self.real_estimator_ = _fitted(of_real, *real)
        # A classifier may know more classes than the rows have: BertClassifier(classes=[...]).
        known = [labels, self.estimator_.classes_, self.real_estimator_.classes_]
        self.classes_ = np.unique(np.concatenate(known))
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)  # of another fit
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like
            Rows like those of ``fit``.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            With columns in the order of ``classes_``.
        """
        check_is_fitted(self)
        of_all = _probabilities(self.estimator_, X, self.classes_)
        of_real = _probabilities(self.real_estimator_, X, self.classes_)
        return (1 - self.real_vote) * of_all + self.real_vote * of_real

    def predict(self, X: Any) -> np.ndarray:
        """Predict the label of each row.

        Parameters
        ----------
        X : array-like
            Rows like those of ``fit``.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            The most probable labels.
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.estimator).input_tags
        return tags


def _real_rows(X: Any, labels: np.ndarray, row_weights: RowWeights) -> tuple[Any, Any, RowWeights]:
    """Return the real rows; each class has the share of their weight that it has of all."""
    if not row_weights.synthetic.any():
        return X, labels, row_weights
    # Sums of extreme weights overflow or underflow, those of weights beside the largest do not.
    shares = row_weights.sample_weight / (row_weights.sample_weight.max() or 1.0)
    shares /= shares.sum() or 1.0
    own = np.where(row_weights.synthetic, 0.0, row_weights.sample_weight)
    total = own.sum()
    for label in np.unique(labels):
        of_class = labels == label
        if not own[of_class].any():
            raise ValueError(
                f"Class {str(label)!r} has no real row of positive weight to learn from. Add one, "
                "or use the classifier without RealSyntheticVotingClassifier. A search inside the "
                "pipeline splits real rows off too; put it around the whole pipeline."
            )
        relative = own[of_class] / own[of_class].max()
        own[of_class] = relative / relative.sum() * shares[of_class].sum() * total
        if not own[of_class].any():
            raise ValueError(
                f"The weights of class {str(label)!r} are negligible compared with those of the "
                "others: a float cannot hold their share. Raise real_weight or lower "
                "synthetic_weight."
            )
    rows = np.flatnonzero(own)
    X = safe_indexing(X.tocsr() if issparse(X) else X, rows)
    return X, labels[rows], RowWeights(own[rows], np.zeros(len(rows), dtype=bool))


def _fitted(estimator: Any, X: Any, y: np.ndarray, row_weights: RowWeights) -> Any:
    check_takes_weights(estimator, finished=row_weights.finish is None)
    if accepts(estimator, "row_weights") or accepts(estimator, "sample_weight"):
        return clone(estimator).fit(X, y, **weight_arguments(estimator, row_weights))
    argument = {f"{estimator.steps[-1][0]}__sample_weight": row_weights.sample_weight}
    # With metadata routing a pipeline refuses arguments that name a step.
    with config_context(enable_metadata_routing=False):
        return clone(estimator).fit(X, y, **argument)


def _probabilities(classifier: Any, X: Any, classes: np.ndarray) -> np.ndarray:
    """Return what a classifier predicts, each column at the place of its class; 0 elsewhere."""
    found = np.asarray(classifier.predict_proba(X), dtype=float)
    placed = np.zeros((len(found), len(classes)))
    placed[:, np.searchsorted(classes, classifier.classes_)] = found
    return placed
