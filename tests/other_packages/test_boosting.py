"""XGBoost and LightGBM as final estimators get the weights."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import FunctionTransformer

from sklw import LLMOverSampler, SyntheticWeighter, make_pipeline


def xgboost():
    xgb = pytest.importorskip("xgboost", reason="needs xgboost or xgboost-cpu")
    return xgb.XGBClassifier(n_estimators=8, max_depth=2, min_child_weight=0, n_jobs=1)


def lightgbm():
    lgb = pytest.importorskip("lightgbm", reason="needs lightgbm")
    return lgb.LGBMClassifier(n_estimators=8, min_child_samples=1, n_jobs=1, verbose=-1)


def lightgbm_forest():
    lgb = pytest.importorskip("lightgbm", reason="needs lightgbm")
    return lgb.LGBMClassifier(
        boosting_type="rf", n_estimators=8, bagging_freq=1, bagging_fraction=0.7,
        min_child_samples=1, n_jobs=1, verbose=-1, random_state=0,
    )  # fmt: skip


MODELS = pytest.mark.parametrize("model", [xgboost, lightgbm, lightgbm_forest])


def counted(texts):
    """Return weak features, so that classes overlap and each weight tells."""
    return np.array([[text.count("a"), text.count("o"), len(text) % 7] for text in texts])


@MODELS
def test_weights_arrive(task, model):
    final = model()
    counts = FunctionTransformer(counted)
    pipe = make_pipeline(task.sampler(), task.weighter(), counts, clone(final))
    found = pipe.fit(task.texts, task.labels).predict_proba(task.texts)
    features = counted(task.X_all)
    by_hand = clone(final).fit(features, task.y_all, sample_weight=task.weights)
    assert found == pytest.approx(by_hand.predict_proba(counted(task.texts)))
    unweighted = clone(final).fit(features, task.y_all)
    assert found != pytest.approx(unweighted.predict_proba(counted(task.texts)), abs=1e-3)


@MODELS
def test_weights_arrive_through_a_search(task, model):
    final = model()
    search = GridSearchCV(clone(final), {"n_estimators": [4, 8]}, cv=3, scoring="neg_log_loss")
    pipe = make_pipeline(task.sampler(), task.weighter(), TfidfVectorizer(), search)
    found = pipe.fit(task.texts, task.labels)
    features = TfidfVectorizer().fit_transform(task.X_all)
    by_hand = clone(search).fit(features, task.y_all, sample_weight=task.weights)
    assert found[-1].cv_results_["mean_test_score"] == pytest.approx(
        by_hand.cv_results_["mean_test_score"]
    )


@pytest.mark.parametrize("model", [xgboost, lightgbm])
def test_as_a_checker(task, model):
    sampler = task.sampler()
    X, y = sampler.fit_resample(task.texts, task.labels)
    table = counted(X)
    weighter = SyntheticWeighter("quality", checker=model(), random_state=0)
    weighter.fit(table, y, sampler.synthetic_mask_, sampler.parent_indices_)
    made = sampler.synthetic_mask_
    # No parents are known of recorded rows: each fold's model has seen as much of them.
    assert np.isfinite(weighter.quality_[made]).all()
    assert np.ptp(weighter.quality_[made]) > 0.05


class Costly(LLMOverSampler):
    def fit_resample(self, X, y, groups=None):
        raise AssertionError("rows were paid for")


TABLE = pd.DataFrame({"size": np.arange(30.0), "kind": ["new", "used"] * 15})
CATEGORICAL = TABLE.astype({"kind": "category"})


@pytest.mark.parametrize(
    ("final", "X", "words"),
    [
        *((model, [f"it is {i}" for i in range(30)], "texts") for model in (xgboost, lightgbm)),
        *((model, TABLE, "column 'kind' holds strings") for model in (xgboost, lightgbm)),
        (lambda: xgboost().set_params(enable_categorical=False), CATEGORICAL, "is categorical"),
        (lambda: xgboost().set_params(enable_categorical=True), CATEGORICAL, ""),
        (lightgbm, CATEGORICAL, ""),
        (xgboost, TABLE[["size"]], ""),
        (lambda: GridSearchCV(xgboost(), {"max_depth": [2]}, cv=2), TABLE, "'kind' holds strings"),
    ],
)
def test_rows_that_it_cannot_read_are_refused_before_generation(final, X, words):
    classifier = final()
    labels = np.repeat([0, 1], [20, 10])
    if words:
        with pytest.raises(ValueError):  # noqa: PT011  # in the words of its package
            classifier.fit(X, labels)
    else:
        classifier.fit(X, labels)
    error, words = (TypeError, f"cannot read .*{words}") if words else (AssertionError, "paid for")
    with pytest.raises(error, match=words):
        make_pipeline(Costly(), SyntheticWeighter("uniform"), classifier).fit(X, labels)
