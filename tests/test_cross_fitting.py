"""The checker that a weighting method is given."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from sklw.weighting.methods import Evidence


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


def fitted(checker, X, y, **changes):
    evidence = Evidence(X, y, np.ones(len(y), dtype=bool), X, y, [])
    found = evidence.checker(checker)
    vars(found).update(changes, random_state=0)
    return found.fit(X, y)


def memorized(**changes):
    X, y = np.arange(20.0)[:, None], np.arange(20) % 2
    return X, y, fitted(Memorizer(), X, y, **changes)


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
    checker = fitted(LogisticRegression(), X, y)
    got = checker.probability(X, y, [np.array([i]) for i in range(11)])
    assert np.isfinite(got).all()
    assert ((got >= 0) & (got <= 1)).all()


def test_the_prior_is_moved_by_bayes_rule():
    X = np.array([[0.0], [1.0]] * 10)
    y = np.array([0] * 15 + [1] * 5)
    plain = LogisticRegression().fit(X, y).predict_proba(X)
    shifted = plain * [0.5 / 0.75, 0.5 / 0.25]
    by_hand = shifted / shifted.sum(axis=1, keepdims=True)
    prior = {0: 0.5, 1: 0.5}
    checker = fitted(LogisticRegression(), X, y, class_prior=prior, cross_fit=False)
    got = checker.probabilities(X, y, [np.array([i]) for i in range(20)])
    assert_allclose(got, by_hand)


def test_a_class_of_prior_0_leaves_no_nan():
    X, y = np.arange(9.0)[:, None], np.repeat([0, 1, 2], 3)
    checker = fitted(KNeighborsClassifier(1), X, y, class_prior={0: 0.5, 1: 0.5, 2: 0.0})
    got = checker.probability(X, y, [np.array([], dtype=int)] * 9)
    assert np.isfinite(got).all()


class Knowing(LogisticRegression):
    """Knows two more classes than its rows have, and believes in each with probability 1/4."""

    def fit(self, X, y):
        super().fit(X, y)
        self.classes_ = np.array([-1, *self.classes_, 9])
        return self

    def predict_proba(self, X):
        up = 1 / (2 + 2 * np.exp(-self.decision_function(X)))
        return np.column_stack([np.full(len(X), 0.25), 0.5 - up, up, np.full(len(X), 0.25)])


@pytest.mark.parametrize("prior", [None, {0: 0.5, 1: 0.5}])
def test_a_class_that_only_the_checker_knows_is_left_out(prior):
    X, y = np.arange(20.0)[:, None], np.repeat([0, 1], [8, 12])
    tied = [np.array([i]) for i in range(20)]
    expected, found = (
        fitted(kind(), X, y, class_prior=prior).probabilities(X, y, tied)
        for kind in (LogisticRegression, Knowing)
    )
    assert_allclose(found, expected)


def test_one_rare_row_does_not_cost_the_others_their_folds():
    X, y = np.arange(31, dtype=float)[:, None], np.array([0] * 15 + [1] * 15 + [2])
    checker = fitted(Memorizer(), X, y)
    assert len(checker.fold_models_) == 5
    # A class of one row in two: the model that lacks it knows one class and is left out.
    y = np.array([0] * 30 + [1])
    checker = fitted(Memorizer(), X, y)
    assert len(checker.fold_models_) == 4
    got = checker.probability(X, y, [np.array([i]) for i in range(31)])
    assert (got[checker.fold_of_ != checker.fold_of_[30]] == 0.5).all()


def test_a_label_the_checker_never_saw_is_nan():
    X, _, checker = memorized()
    got = checker.probability(X[:2], np.array([1, 7]), [np.array([0]), np.array([1])])
    assert_array_equal(got, [0.5, np.nan])
