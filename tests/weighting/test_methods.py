"""Every method in the places where users put it."""

import pickle

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from sklw import BertClassifier, SyntheticWeighter, make_pipeline
from sklw.weighting._methods import METHODS
from sklw.weighting._search import SEARCHED

ALL = [*METHODS, *SEARCHED]
FIXED = [m for m in ALL if m in SEARCHED or not METHODS[m].finished_by_classifier]
pytestmark = pytest.mark.filterwarnings("ignore:method=")  # SMOTE does not tell its parents


def test_every_method_is_described():
    missing = [method for method in ALL if f'``"{method}"``' not in SyntheticWeighter.__doc__]
    assert not missing


def test_all_methods_of_fixed_weights_in_one_search():
    X, y = make_classification(200, weights=[0.8], random_state=0)
    pipe = make_pipeline(
        SMOTE(random_state=0), SyntheticWeighter(random_state=0), LogisticRegression()
    )
    grid = GridSearchCV(pipe, {"syntheticweighter__method": FIXED}, cv=2, error_score="raise")
    scores = grid.fit(X, y).cv_results_["mean_test_score"]
    assert len(scores) == len(FIXED)
    assert scores.min() > 0.6


@pytest.mark.parametrize("method", ALL)
def test_bert_trains_with_every_method(method, settings, reviews):
    texts, labels = np.array(reviews[0], dtype=object), reviews[1]
    weighter = SyntheticWeighter(method, random_state=0)
    synthetic, parents = np.arange(60) >= 30, [np.array([i % 30]) for i in range(30)]
    weighter.fit(texts, labels, synthetic, parents)
    model = BertClassifier(**settings, max_epochs=1)
    model.fit(texts, labels, row_weights=weighter.row_weights_)
    assert np.isfinite(model.predict_proba(texts)).all()


@pytest.mark.parametrize("method", ALL)
def test_no_row_is_synthetic(method):
    X, y = make_classification(60, random_state=0)
    weighter = SyntheticWeighter(method).fit(X, y, synthetic=np.zeros(60))
    np.testing.assert_array_equal(weighter.sample_weight_, 1)


@pytest.mark.parametrize("method", ALL)
def test_every_row_is_synthetic(method):
    X, y = make_classification(200, random_state=0)
    weighter = SyntheticWeighter(method, reference=(X[:80], y[:80]), random_state=0)
    weights = weighter.fit(X[80:], y[80:]).sample_weight_
    assert np.isfinite(weights).all()
    assert (weights >= 0).all()
    assert weights.any()


@pytest.mark.parametrize("method", ALL)
def test_copies_find_the_same_weights(method):
    X, y = make_classification(200, random_state=0)
    synthetic = np.arange(200) >= 80
    weighter = SyntheticWeighter(method, random_state=0).fit(X, y, synthetic=synthetic)
    again = clone(weighter).fit(X, y, synthetic=synthetic)
    np.testing.assert_array_equal(again.sample_weight_, weighter.sample_weight_)
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(weighter)).sample_weight_, weighter.sample_weight_
    )
