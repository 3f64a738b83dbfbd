"""Every method in the places where users put it."""

import pickle

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

import sklw.weighting
from sklw import BertClassifier, SyntheticWeighter, make_pipeline
from sklw.weighting import BaseMethod, Dimp, Hu, Imp, Quality

NOT_METHODS = ("SyntheticWeighter", "BaseMethod")
CLASSES = [
    getattr(sklw.weighting, name) for name in sklw.weighting.__all__ if name not in NOT_METHODS
]
ALL = [kind.__name__.lower() for kind in CLASSES]
FIXED = [method for method in ALL if method != "dimp"]
pytestmark = pytest.mark.filterwarnings("ignore:method=")  # SMOTE does not tell its parents


def test_every_method_is_described():
    missing = [method for method in ALL if f'``"{method}"``' not in SyntheticWeighter.__doc__]
    assert not missing


@pytest.mark.parametrize("kind", CLASSES)
def test_a_name_stands_for_an_object(kind):
    X, y = make_classification(120, random_state=0)
    synthetic, none = np.arange(120) >= 60, [np.array([], dtype=int)] * 120
    named = SyntheticWeighter(kind.__name__.lower(), random_state=0).fit(X, y, synthetic, none)
    given = kind()
    weighter = SyntheticWeighter(given, random_state=0).fit(X, y, synthetic, none)
    np.testing.assert_array_equal(weighter.sample_weight_, named.sample_weight_)
    assert weighter.method is given
    assert weighter.method_ is not given


def test_parameters_of_methods_can_be_searched():
    X, y = make_classification(200, weights=[0.8], random_state=0)
    pipe = make_pipeline(
        SMOTE(random_state=0), SyntheticWeighter(Imp(), random_state=0), LogisticRegression()
    )
    names = "syntheticweighter__method__clip", "syntheticweighter__checker"
    grid = {names[0]: [1.0, None], names[1]: [LogisticRegression(), "embedding"]}
    assert len(GridSearchCV(pipe, grid, cv=2, error_score="raise").fit(X, y).cv_results_) > 4


@pytest.mark.parametrize(
    ("method", "error", "words"),
    [
        ("qualty", ValueError, 'Did you mean "quality"'),
        ("rho", ValueError, r"benchmarks/rivals/.*Rho\(\)"),
        ("meta-weight-net", ValueError, r"benchmarks/rivals/.*MetaWeightNet\(\)"),
        (Imp, TypeError, r"Pass an object: Imp\(\)"),
        (LogisticRegression(), TypeError, "subclass of sklw.weighting.BaseMethod"),
        (None, TypeError, "must be one of"),
        (Imp(clip=0), ValueError, "'clip' parameter of Imp"),
        (Dimp(clip=-1), ValueError, "'clip' parameter of Dimp"),
        (Imp(diversity_checker="magic"), ValueError, "'diversity_checker' parameter of Imp"),
        (Hu(model="magic"), ValueError, "'model' parameter of Hu"),
    ],
)
def test_a_wrong_method_is_answered_with_what_to_write(method, error, words):
    X, y = make_classification(60, random_state=0)
    with pytest.raises(error, match=words):
        SyntheticWeighter(method).fit(X, y, np.arange(60) >= 30)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"quality_checker": "bert"}, r"checker=\.\.\."),
        ({"diversity_checker": "bert"}, r"method=Imp\(diversity_checker="),
        ({"diversity_fit": "out_of_fold"}, "benchmarks/rivals"),
        ({"clip": 5}, r"method=Imp\(clip="),
        ({"clip_quantile": 0.9}, "benchmarks/rivals"),
        ({"top_share": 0.2}, "benchmarks/rivals"),
        ({"bilevel_model": "bert"}, r"method=Hu\(model="),
        ({"scoring": "log_loss"}, r"method=Auto\(scoring="),
    ],
)
def test_an_old_parameter_is_answered_with_the_new_one(old, new):
    with pytest.raises(TypeError, match=f"has no parameter '{next(iter(old))}' any more.*{new}"):
        SyntheticWeighter(**old)
    with pytest.raises(TypeError, match=new):
        SyntheticWeighter().set_params(**old)


class Odd(BaseMethod):
    def __init__(self, weights=None):
        self.weights = weights

    def raw_weights(self, evidence):
        return self.weights


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (np.ones(30), r"Odd.raw_weights returned an array of shape \(30,\) for 60 rows"),
        (np.full(60, np.nan), "no finite weight.*nan to the row at position 30"),
        (np.full(60, -1.0), "no finite weight.*-1.0 to the row at position 30"),
    ],
)
def test_weights_of_a_method_are_checked(weights, words):
    X, y = make_classification(60, random_state=0)
    with pytest.raises(ValueError, match=words):
        SyntheticWeighter(Odd(weights)).fit(X, y, np.arange(60) >= 30)


def test_only_what_a_method_reads_is_computed():
    class Never(LogisticRegression):
        def fit(self, X, y):
            raise AssertionError("nobody asked")

    X, y = make_classification(60, random_state=0)
    weighter = SyntheticWeighter(Odd(np.arange(60)), checker=Never(), normalize=None)
    weighter.fit(X, y, np.arange(60) >= 30)
    np.testing.assert_array_equal(weighter.sample_weight_[30:], np.arange(30, 60))
    assert np.isnan(weighter.quality_).all()
    assert not hasattr(weighter, "classes_")
    with pytest.raises(AssertionError, match="nobody asked"):
        weighter.set_params(method=Quality()).fit(X, y, np.arange(60) >= 30)


class Surprise:
    """As simple as what a user may write: weights by how unlikely the network finds the row."""

    def __call__(self, quality, log_p):
        return quality * (1 - log_p.exp())


class Surprising(BaseMethod):
    def raw_weights(self, evidence):
        return np.ones(len(evidence.labels))

    def finisher(self, temperature):
        return Surprise()


def test_a_method_of_the_users_is_finished_by_bert(settings, reviews):
    texts, labels = np.array(reviews[0], dtype=object), reviews[1]
    synthetic = np.arange(60) >= 30
    weighter = SyntheticWeighter(Surprising(), random_state=0).fit(texts, labels, synthetic)
    assert weighter.emitted_arguments() == ("row_weights",)
    found = [
        BertClassifier(**settings, max_epochs=1).fit(texts, labels, row_weights=weights)
        for weights in (weighter.row_weights_, pickle.loads(pickle.dumps(weighter)).row_weights_)
    ]
    probabilities = [model.predict_proba(texts) for model in found]
    np.testing.assert_array_equal(*probabilities)
    plain = BertClassifier(**settings, max_epochs=1).fit(texts, labels).predict_proba(texts)
    assert np.abs(probabilities[0] - plain).max() > 1e-4


@pytest.mark.slow
def test_all_methods_of_fixed_weights_in_one_search():
    X, y = make_classification(200, weights=[0.8], random_state=0)
    pipe = make_pipeline(
        SMOTE(random_state=0), SyntheticWeighter(random_state=0), LogisticRegression()
    )
    grid = GridSearchCV(pipe, {"syntheticweighter__method": FIXED}, cv=2, error_score="raise")
    scores = grid.fit(X, y).cv_results_["mean_test_score"]
    assert len(scores) == len(FIXED)
    assert scores.min() > 0.6


@pytest.mark.slow
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


@pytest.mark.slow
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
