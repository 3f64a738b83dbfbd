import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

# Private: over_sampling, weighting and inspection share it.
from sklw._cross_fitting import CrossFittedChecker, own_column


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
    plain = LogisticRegression().fit(X, y).predict_proba(X)
    shifted = plain * [0.5 / 0.75, 0.5 / 0.25]
    by_hand = shifted / shifted.sum(axis=1, keepdims=True)
    checker = CrossFittedChecker(
        LogisticRegression(), class_prior={0: 0.5, 1: 0.5}, cross_fit=False, random_state=0
    )
    got = checker.fit(X, y).probabilities(X, y, [np.array([i]) for i in range(20)])
    assert_allclose(got, by_hand)


def test_a_class_of_prior_0_leaves_no_nan():
    X, y = np.arange(9.0)[:, None], np.repeat([0, 1, 2], 3)
    checker = CrossFittedChecker(
        KNeighborsClassifier(1), class_prior={0: 0.5, 1: 0.5, 2: 0.0}, random_state=0
    )
    got = checker.fit(X, y).probability(X, y, [np.array([], dtype=int)] * 9)
    assert np.isfinite(got).all()


def test_one_rare_row_does_not_cost_the_others_their_folds():
    X, y = np.arange(31, dtype=float)[:, None], np.array([0] * 15 + [1] * 15 + [2])
    checker = CrossFittedChecker(Memorizer(), random_state=0).fit(X, y)
    assert len(checker.fold_models_) == 5
    # A class of one row in two: the model that lacks it knows one class and is left out.
    y = np.array([0] * 30 + [1])
    checker = CrossFittedChecker(Memorizer(), random_state=0).fit(X, y)
    assert len(checker.fold_models_) == 4
    got = checker.probability(X, y, [np.array([i]) for i in range(31)])
    assert (got[checker.fold_of_ != checker.fold_of_[30]] == 0.5).all()


def test_a_label_the_checker_never_saw_is_nan():
    got = own_column(np.array([[0.2, 0.8], [0.4, 0.6]]), np.array([0, 1]), np.array([1, 7]))
    assert got[0] == 0.8
    assert np.isnan(got[1])
