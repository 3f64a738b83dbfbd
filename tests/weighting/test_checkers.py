import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

from sklw.weighting._checkers import CrossFittedChecker, own_label_probability


class Memorizer(ClassifierMixin, BaseEstimator):
    """Sure of the rows it was fitted on, undecided about all others."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.known_ = {float(row[0]): label for row, label in zip(X, y, strict=True)}
        return self

    def predict_proba(self, X):
        rows = [
            [1.0 / len(self.classes_)] * len(self.classes_)
            if float(row[0]) not in self.known_
            else [float(label == self.known_[float(row[0])]) for label in self.classes_]
            for row in X
        ]
        return np.array(rows)


def memorized(n=20, **kwargs):
    X = np.arange(n, dtype=float)[:, None]
    y = np.arange(n) % 2
    return X, y, CrossFittedChecker(Memorizer(), random_state=0, **kwargs).fit(X, y)


def test_a_row_is_never_judged_by_a_model_that_saw_it():
    X, y, checker = memorized()
    assert_array_equal(checker.probability(X, y, [np.array([i]) for i in range(20)]), 0.5)


def test_a_row_is_judged_by_the_models_that_did_not_see_its_parents():
    X, y, checker = memorized()
    # Judging row 3's content as a child of row 3: only the model of row 3's fold is honest.
    child, label = X[[3]], y[[3]]
    assert_allclose(checker.probability(child, label, [np.array([3])]), [0.5])
    # Without a known parent all models speak, most of which saw row 3.
    assert_allclose(checker.probability(child, label, [np.array([], dtype=int)]), [0.9])


def test_with_parents_in_several_folds_the_models_that_saw_fewest_speak():
    X, y, checker = memorized()
    fold = checker.fold_of_
    two = np.flatnonzero(fold == 0)[:2]
    other = np.flatnonzero(fold == 1)[:1]
    tied = np.concatenate([two, other])
    assert_allclose(checker.probability(X[two[:1]], y[two[:1]], [tied]), [0.5])


def test_without_cross_fitting_the_full_model_speaks():
    X, y, checker = memorized(cross_fit=False)
    assert_array_equal(checker.probability(X, y, [np.array([i]) for i in range(20)]), 1.0)


def test_a_class_of_one_row_still_gets_a_probability():
    X = np.arange(11, dtype=float)[:, None]
    y = np.array([0] * 10 + [1])
    checker = CrossFittedChecker(LogisticRegression(), random_state=0).fit(X, y)
    got = checker.probability(X, y, [np.array([i]) for i in range(11)])
    assert np.isfinite(got).all()
    assert ((got >= 0) & (got <= 1)).all()


def test_the_prior_is_moved_by_bayes_rule():
    X = np.array([[0.0], [1.0]] * 10)
    y = np.array([0] * 15 + [1] * 5)
    model = LogisticRegression().fit(X, y)
    plain = model.predict_proba(X)
    ratio = np.array([0.5 / 0.75, 0.5 / 0.25])
    by_hand = plain * ratio / (plain * ratio).sum(axis=1, keepdims=True)
    assert_allclose(own_label_probability(model, X, y, ratio), by_hand[np.arange(20), y])


def test_a_label_the_checker_never_saw_is_nan():
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    got = own_label_probability(model, [[0.0], [1.0]], np.array([0, 7]), np.ones(2))
    assert np.isfinite(got[0])
    assert np.isnan(got[1])
