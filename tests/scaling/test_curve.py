from itertools import pairwise
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE, RandomOverSampler
from sklearn.base import BaseEstimator
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sklw import LLMOverSampler, Pipeline, RecordedGenerator, SyntheticWeighter, make_pipeline
from sklw.generators import BaseGenerator
from sklw.over_sampling import TableFilter
from sklw.scaling import synthetic_size_curve


class Counted(SMOTE):
    """Counts its calls."""

    calls = 0

    def fit_resample(self, X, y):
        Counted.calls += 1
        return super().fit_resample(X, y)


@pytest.fixture
def data():
    return make_classification(
        300, n_classes=3, n_informative=4, weights=[0.7, 0.2], random_state=0
    )


def pipeline(sampler):
    weighter = SyntheticWeighter(random_state=0)
    return make_pipeline(StandardScaler(), sampler, weighter, LogisticRegression())


@pytest.mark.slow
def test_the_ends_are_the_pipeline_without_and_with_its_sampler(data):
    cv = StratifiedKFold(3)
    full = len(SMOTE(random_state=0).fit_resample(*data)[1]) - 300
    n_made = min(
        len(SMOTE(random_state=0).fit_resample(data[0][train], data[1][train])[1]) - len(train)
        for train, _ in cv.split(*data)
    )
    assert n_made < full
    sizes, scores = synthetic_size_curve(
        pipeline(SMOTE(random_state=0)), *data, [n_made, 0], cv=cv, scoring="neg_log_loss"
    )
    assert sizes.tolist() == [0, n_made]
    plain = make_pipeline(StandardScaler(), LogisticRegression())
    np.testing.assert_allclose(
        scores[0], cross_val_score(plain, *data, cv=cv, scoring="neg_log_loss")
    )
    whole = cross_val_score(pipeline(SMOTE(random_state=0)), *data, cv=cv, scoring="neg_log_loss")
    assert np.abs(scores[1] - whole).max() < 0.05
    assert np.abs(scores[1] - scores[0]).max() > 0.05


@pytest.mark.slow
def test_the_sampler_runs_once_for_each_split(data):
    Counted.calls = 0
    synthetic_size_curve(pipeline(Counted(random_state=0)), *data, [0, 10, 50, 90], cv=3)
    assert Counted.calls == 3


class Made(BaseEstimator):
    """Adds the rows 1, 2, ... of given labels."""

    def __init__(self, labels, groups=None):
        self.labels, self.groups = labels, groups

    def fit_resample(self, X, y):
        if self.groups is not None:
            self.groups_ = np.array([0] * len(X) + self.groups)
        made = np.arange(1, len(self.labels) + 1)[:, None]
        return np.vstack([X, made]), np.append(y, list(self.labels))


class Seen(DummyClassifier):
    """Keeps the made rows that it is trained on."""

    made: ClassVar = []

    def fit(self, X, y, sample_weight=None):
        Seen.made.append(set(X[X > 0].astype(int).tolist()))
        return super().fit(X, y)


@pytest.mark.parametrize(
    ("labels", "groups", "order"),
    [("bbbbbaac", None, [1, 6, 8, 2, 7, 3, 4, 5]), ("aabb", [0, 0, 0, 1], [1, 3, 4, 2])],
)
def test_sets_are_nested_and_even_over_the_classes_and_groups(labels, groups, order):
    Seen.made.clear()
    X, y = np.zeros((8, 1)), np.array(list("aaaabbbb"))
    sizes = range(len(labels) + 1)
    pipe = make_pipeline(Made(labels, groups), Seen())
    synthetic_size_curve(pipe, X, y, sizes, cv=2, scoring="accuracy")
    nested = Seen.made[: len(sizes)]
    assert [(more - fewer).pop() for fewer, more in pairwise(nested)] == order


@pytest.mark.parametrize("dtype", ["Int64", "boolean", "category"])
def test_labels_reach_the_sampler_as_they_are(dtype):
    class Told(Made):
        def fit_resample(self, X, y):
            told.update(np.unique(y).tolist())
            return super().fit_resample(X, y)

    told = set()
    labels = pd.Series([False] * 10 + [True] * 10).astype(dtype)
    pipe = make_pipeline(Told([True] * 3), DummyClassifier())
    synthetic_size_curve(pipe, np.arange(20.0)[:, None], labels, [0, 2], cv=2)
    assert {*map(type, told)} == {int if dtype == "Int64" else bool}


def test_sizes_may_be_floats():
    X, y = np.zeros((8, 1)), np.array(list("aaaabbbb"))
    pipe = make_pipeline(Made("aabb", None), DummyClassifier())
    sizes, scores = synthetic_size_curve(pipe, X, y, np.linspace(0, 4, 3), cv=2)
    assert sizes.tolist() == [0, 2, 4]
    assert sizes.dtype.kind == "i"
    assert np.isfinite(scores).all()


@pytest.mark.slow
def test_parents_and_several_processes(data):
    pipe = pipeline(RandomOverSampler(random_state=0))
    one, two = (synthetic_size_curve(pipe, *data, [0, 40], cv=2, n_jobs=n)[1] for n in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_errors(data):
    with pytest.raises(TypeError, match="0 samplers"):
        synthetic_size_curve(make_pipeline(LogisticRegression()), *data, [0])
    with pytest.raises(ValueError, match=r"a size of 100000 was asked for.* augment"):
        synthetic_size_curve(pipeline(SMOTE()), *data, [0, 100_000])
    with pytest.raises(TypeError, match=r"got GridSearchCV\..* best_estimator_"):
        synthetic_size_curve(GridSearchCV(pipeline(SMOTE()), {}), *data, [0])
    with pytest.raises(TypeError, match="A curve is of one score"):
        synthetic_size_curve(pipeline(SMOTE()), *data, [0], scoring=["f1", "roc_auc"])
    for sizes in ([-1, 5], [], [0.5], [0, np.nan], ["a"]):
        with pytest.raises(ValueError, match="sizes must be whole numbers"):
            synthetic_size_curve(pipeline(SMOTE()), *data, sizes)


@pytest.mark.parametrize(
    ("steps", "match"),
    [
        ([SyntheticWeighter("uniform"), KNeighborsClassifier()], "cannot take sample_weight"),
        ([TfidfVectorizer(), LogisticRegression(C=-1)], "'C' parameter"),
        ([LogisticRegression()], "cannot read rows as LLMOverSampler writes them"),
        ([TfidfVectorizer(), LinearSVC()], r"reads predict_proba, which LinearSVC.*balanced_acc"),
        ([], "reads predict_proba, which LLMOverSampler"),
    ],
)
def test_what_cannot_be_fitted_or_scored_is_refused_before_anything_is_generated(steps, match):
    class Unasked(BaseGenerator):
        prompt_form = "chat"

        def iter_generate(self, requests):
            raise AssertionError("the model is asked")

    X, y = [f"text {number}" for number in range(20)], ["rare"] * 6 + ["common"] * 14
    pipe = make_pipeline(LLMOverSampler(Unasked(), verbose=False), *steps)
    with pytest.raises((TypeError, ValueError), match=match):
        synthetic_size_curve(pipe, X, y, [0, 4], cv=2)


def test_steps_may_have_any_name():
    X, y = np.zeros((8, 1)), np.array(list("aaaabbbb"))
    pipe = Pipeline([("made", Made("aabb", None)), ("chosen", DummyClassifier())])
    assert synthetic_size_curve(pipe, X, y, [0, 2], cv=2)[1].shape == (2, 2)


def test_a_size_that_some_split_cannot_have_is_refused_before_any_is_scored():
    class NotYet(DummyClassifier):
        def fit(self, X, y):
            raise AssertionError("something is scored")

    X, y = np.arange(103.0)[:, None], np.repeat([0, 1], [85, 18])
    pipe = make_pipeline(Counted(random_state=0, k_neighbors=3), NotYet())
    made = [-np.diff(np.bincount(y[train]))[0] for train, _ in StratifiedKFold(5).split(X, y)]
    assert made[0] != min(made)
    with pytest.raises(ValueError, match=f"ask for sizes of at most {min(made)}"):
        synthetic_size_curve(pipe, X, y, [0, made[0]])
    Counted.calls = 0
    with pytest.raises(ValueError, match="ask for smaller sizes"):
        synthetic_size_curve(pipe, X, y, [0, 1000])
    assert Counted.calls == 1


def test_groups_and_augmentation_reach_the_weighter():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=120), "g": rng.integers(0, 2, 120)})
    y = (rng.random(120) < 0.3).astype(int)
    rows = pd.DataFrame({"a": rng.normal(size=400), "g": np.arange(400) // 2 % 2})
    recorded = RecordedGenerator(
        rows.assign(y=np.arange(400) % 2), text_column=None, label_column="y", group_column="g"
    )
    sampler = LLMOverSampler(
        generator=recorded, group_column="g", augment=10,
        accept=TableFilter(range_margin=9), verbose=False,
        random_state=0,
    )  # fmt: skip

    def scores(**kwargs):
        weighter = SyntheticWeighter("uniform", **kwargs)
        pipe = make_pipeline(sampler, weighter, LogisticRegression())
        return synthetic_size_curve(pipe, X, y, [0, 60], cv=2)[1]

    plain = scores()
    for kwargs in ({"augmentation_weight": 0.0}, {"class_weight": "balanced"}):
        found = scores(**kwargs)
        assert (found[1] != plain[1]).all()
