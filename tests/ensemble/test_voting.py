import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from sklearn import config_context
from sklearn.base import clone
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline as stock_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklw import (
    BertClassifier,
    LLMOverSampler,
    RecordedGenerator,
    RowWeights,
    SyntheticWeighter,
    TextEmbedder,
    Weighted,
    make_pipeline,
)
from sklw.datasets import load_maintenance_requests
from sklw.ensemble import RealSyntheticVotingClassifier
from sklw.over_sampling import TextFilter


@parametrize_with_checks([RealSyntheticVotingClassifier(LogisticRegression())])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b", "a", "b"], [40, 10, 5, 35])
    X = rng.normal(size=(90, 3)) + (y == "b")[:, None]
    return X, y, RowWeights(rng.uniform(0.1, 2, 90), synthetic=np.arange(90) >= 50)


def test_it_averages_both(rows):
    X, y, weights = rows
    clf = RealSyntheticVotingClassifier(LogisticRegression(), real_vote=0.3)
    found = clf.fit(X, y, row_weights=weights).predict_proba(X)
    of_all = LogisticRegression().fit(X, y, weights.sample_weight).predict_proba(X)
    of_real = clf.real_estimator_.predict_proba(X)
    np.testing.assert_allclose(found, 0.7 * of_all + 0.3 * of_real)
    np.testing.assert_array_equal(clf.predict(X), clf.classes_[found.argmax(axis=1)])


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e-9, 1e9, 1e150, 1e300])
def test_weights_of_any_size_beside_each_other(rows, scale):
    X, y, weights = rows
    made = weights.synthetic
    factors = np.where(made, 1 / scale, scale)  # both classes have synthetic rows
    clf = RealSyntheticVotingClassifier(Noting())
    clf.fit(X, y, row_weights=RowWeights(weights.sample_weight * factors, made))
    found, own = clf.real_estimator_.got_, weights.sample_weight[~made]
    assert found.sum() == pytest.approx((own * scale).sum())
    of_all = pd.Series(weights.sample_weight * factors / factors.max()).groupby(y).sum()
    of_real = pd.Series(found / scale).groupby(y[~made]).sum()
    np.testing.assert_allclose(of_real / of_real.sum(), of_all / of_all.sum())
    np.testing.assert_allclose((found / scale / own)[:40].std(), 0, atol=1e-9)


def test_a_share_that_no_float_can_hold_is_an_error(rows):
    X, y, _ = rows
    made = np.arange(90) >= 55  # of class b alone
    weights = RowWeights(np.where(made, 1e300, 1e-300), made)
    with pytest.raises(
        ValueError, match=r"class 'a' are negligible compared with.*lower synthetic_weight"
    ):
        RealSyntheticVotingClassifier(LogisticRegression()).fit(X, y, row_weights=weights)


def test_names_of_columns_are_those_of_the_last_fit(rows):
    X, y, weights = rows
    frame = pd.DataFrame(X, columns=["age", "size", "year"])
    clf = RealSyntheticVotingClassifier(LogisticRegression()).fit(frame, y, row_weights=weights)
    assert clf.feature_names_in_.tolist() == ["age", "size", "year"]
    assert clf.n_features_in_ == 3
    clf.fit(X[:, :2], y, row_weights=weights)
    assert not hasattr(clf, "feature_names_in_")
    assert clf.n_features_in_ == 2
    texts = stock_pipeline(CountVectorizer(token_pattern="."), LogisticRegression())
    clf.set_params(estimator=texts).fit(list(map(str, y)), y, row_weights=weights)
    assert not hasattr(clf, "n_features_in_")


class Noting(LogisticRegression):
    """Keeps the weights that it was fitted with."""

    def fit(self, X, y, sample_weight=None):
        self.got_ = sample_weight
        return super().fit(X, y)


def test_classes_of_the_real_rows_have_their_share_of_all_weights(rows):
    X, y, weights = rows
    clf = RealSyntheticVotingClassifier(LogisticRegression()).fit(X, y, row_weights=weights)
    own, real = weights.sample_weight.copy(), ~weights.synthetic
    n_real = own[real].sum()
    shares = {label: weights.sample_weight[y == label].sum() / own.sum() for label in "ab"}
    for label, share in shares.items():
        own[(y == label) & real] *= share * n_real / own[(y == label) & real].sum()
    expected = LogisticRegression().fit(X[real], y[real], own[real])
    np.testing.assert_allclose(clf.real_estimator_.coef_, expected.coef_, rtol=1e-3)


@pytest.mark.parametrize("vote", [0, 1])
def test_one_vote_alone(rows, vote):
    X, y, weights = rows
    clf = RealSyntheticVotingClassifier(LogisticRegression(), real_vote=vote)
    clf.fit(X, y, row_weights=weights)
    alone = clf.real_estimator_ if vote else clf.estimator_
    np.testing.assert_allclose(clf.predict_proba(X), alone.predict_proba(X))


def test_without_synthetic_rows_both_see_the_same(rows):
    X, y, _ = rows
    clf = RealSyntheticVotingClassifier(LogisticRegression()).fit(X, y)
    expected = LogisticRegression().fit(X, y).predict_proba(X)
    np.testing.assert_allclose(clf.predict_proba(X), expected)


class Backwards(LogisticRegression):
    """Has its classes in descending order."""

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.classes_ = self.classes_[::-1]
        return self

    def predict_proba(self, X):
        return super().predict_proba(X)[:, ::-1]


def test_columns_are_told_by_the_classes_of_each_part(rows):
    X, y, weights = rows
    expected = RealSyntheticVotingClassifier(LogisticRegression()).fit(X, y, row_weights=weights)
    for parts in ((LogisticRegression(), Backwards()), (Backwards(), None)):
        clf = RealSyntheticVotingClassifier(parts[0], real_estimator=parts[1])
        clf.fit(X, y, row_weights=weights)
        assert clf.classes_.tolist() == ["a", "b"]
        np.testing.assert_allclose(clf.predict_proba(X), expected.predict_proba(X))


@pytest.mark.parametrize("classes", [["up", "down"], ["a0", "down", "up"], ["up", "down", "x"]])
def test_a_part_that_is_given_its_classes(settings, reviews, classes):
    X, y = reviews
    bert = BertClassifier(**settings, max_epochs=10, classes=classes)
    of_real = stock_pipeline(CountVectorizer(), LogisticRegression())
    clf = RealSyntheticVotingClassifier(bert, real_estimator=of_real)
    clf.fit(X, y, row_weights=RowWeights(np.ones(60), np.arange(60) > 40))
    assert clf.classes_.tolist() == sorted(classes)
    np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1, rtol=1e-6)
    assert clf.score(X, y) > 0.95


def test_texts_in_a_pipeline():
    corpus = load_maintenance_requests()
    X, y = np.array(corpus.data[:200], dtype=object), np.array(corpus.target[:200])
    rare = min(set(y), key=list(y).count)
    written = [{"text": f"{t} and it is getting worse", "label": rare} for t in X[y == rare]]
    head = RealSyntheticVotingClassifier(LogisticRegression(C=10))
    pipe = make_pipeline(
        LLMOverSampler(
            RecordedGenerator(written),
            sampling_strategy={rare: 2 * len(written) - 1},
            accept=TextFilter(None),
        ),
        SyntheticWeighter(),
        TextEmbedder(),
        head,
    )
    pipe.fit(X, y)
    assert pipe[-1].real_estimator_.n_features_in_ == 384  # a clone, on the embeddings
    assert pipe.score(X, y) > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("method", ["quality", "dimp"])
def test_bert_in_a_stock_pipeline_and_with_another_real_estimator(method):
    corpus = load_maintenance_requests()
    X, y = np.array(corpus.data[:60], dtype=object), np.array(corpus.target[:60])
    synthetic = np.arange(60) >= 40
    weighted = SyntheticWeighter(method, random_state=0).fit_transform(X, y, synthetic=synthetic)
    bert = BertClassifier(max_epochs=1, random_state=0)
    of_real = stock_pipeline(TextEmbedder(), LogisticRegression(C=10))
    for real_estimator, kind in ((None, BertClassifier), (of_real, type(of_real))):
        clf = RealSyntheticVotingClassifier(bert, real_estimator=real_estimator).fit(weighted, y)
        assert isinstance(clf.real_estimator_, kind)
        np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1, rtol=1e-6)


@pytest.mark.usefixtures("routing")
def test_a_pipeline_as_either_part(rows):
    X, y, weights = rows
    part = stock_pipeline(StandardScaler(), LogisticRegression())
    clf = RealSyntheticVotingClassifier(part, real_estimator=part).fit(X, y, row_weights=weights)
    scaled = StandardScaler().fit_transform(X)
    expected = LogisticRegression().fit(scaled, y, weights.sample_weight).predict_proba(scaled)
    np.testing.assert_allclose(clf.estimator_.predict_proba(X), expected)
    assert clf.predict_proba(X).shape == (90, 2)


@pytest.mark.parametrize(
    "part",
    [
        VotingClassifier([("a", LogisticRegression()), ("b", GaussianNB())], voting="soft"),
        GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
    ],
    ids=["voting", "search"],
)
def test_parts_that_hand_their_weights_on(rows, part):
    X, y, weights = rows
    clf = RealSyntheticVotingClassifier(part).fit(X, y, row_weights=weights)
    expected = clone(part).fit(X, y, sample_weight=weights.sample_weight).predict_proba(X)
    np.testing.assert_allclose(clf.estimator_.predict_proba(X), expected)
    unweighted = clone(part).fit(X, y).predict_proba(X)
    assert np.abs(unweighted - expected).max() > 0.01


def test_a_part_that_loses_weights_is_refused(rows):
    X, y, weights = rows
    part = VotingClassifier([("a", LogisticRegression()), ("b", KNeighborsClassifier())])
    with pytest.raises(TypeError, match="takes no sample_weight"):
        RealSyntheticVotingClassifier(part.set_params(voting="soft")).fit(X, y, row_weights=weights)


def test_a_stack_is_a_part_if_it_has_probabilities(rows):
    X, y, weights = rows
    stack = StackingClassifier([("a", LogisticRegression())], cv=2)
    clf = RealSyntheticVotingClassifier(stack, real_estimator=stack)
    assert clf.fit(X, y, row_weights=weights).predict_proba(X).shape == (len(y), 2)
    stack.set_params(final_estimator=LinearSVC())
    with pytest.raises(TypeError, match="LinearSVC of StackingClassifier lacks"):
        clf.fit(X, y, row_weights=weights)


def test_no_vote_without_knowing_which_rows_are_real(rows):
    X, y, _ = rows
    voting = RealSyntheticVotingClassifier(LogisticRegression())
    with pytest.raises(TypeError, match=r"which rows are synthetic.*after SMOTE"):
        make_pipeline(SMOTE(), voting).fit(X, y)
    assert make_pipeline(SMOTE(), SyntheticWeighter("uniform"), voting).fit(X, y).score(X, y)


@pytest.mark.parametrize("routing", [False, True])
def test_a_search_over_the_vote(rows, routing):
    X, y, _ = rows
    voting = RealSyntheticVotingClassifier(LogisticRegression())
    pipe = make_pipeline(SMOTE(random_state=0), SyntheticWeighter("uniform"), voting)
    grid = {"realsyntheticvotingclassifier__real_vote": [0, 0.5]}
    with config_context(enable_metadata_routing=routing):
        search = GridSearchCV(pipe, grid, cv=2).fit(X, y)
    assert len(search.cv_results_["mean_test_score"]) == 2
    assert search.best_estimator_[-1].real_estimator_.n_features_in_ == 3


def test_what_cannot_be_right(rows):
    X, y, weights = rows
    voting = RealSyntheticVotingClassifier
    alone = RowWeights(weights.sample_weight, (y == "b") | weights.synthetic)
    with pytest.raises(ValueError, match="Class 'b' has no real row"):
        voting(LogisticRegression()).fit(X, y, row_weights=alone)
    with pytest.raises(TypeError, match="takes no sample_weight"):
        voting(KNeighborsClassifier()).fit(X, y, row_weights=weights)
    with pytest.raises(TypeError, match="takes no sample_weight"):
        voting(LogisticRegression(), real_estimator=KNeighborsClassifier()).fit(
            X, y, row_weights=weights
        )
    twice = [(X, {"sample_weight": np.ones(90), "row_weights": weights})]
    twice += [(Weighted(X, weights), {name: value}) for name, value in twice[0][1].items()]
    for given, arguments in twice:
        with pytest.raises(ValueError, match="twice"):
            voting(LogisticRegression()).fit(given, y, **arguments)
    with pytest.raises(ValueError, match="90 weights for 89 rows"):
        voting(LogisticRegression()).fit(X[:89], y[:89], row_weights=weights)
    finished = SyntheticWeighter("dimp").fit(X, y, synthetic=weights.synthetic).row_weights_
    with pytest.raises(TypeError, match="cannot take row_weights"):
        voting(LogisticRegression()).fit(X, y, row_weights=finished)
