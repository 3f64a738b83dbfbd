import shutil
from functools import partial

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from imblearn.combine import SMOTEENN
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline as make_stock_pipeline
from imblearn.under_sampling import RandomUnderSampler
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.feature_selection import RFECV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, RidgeClassifierCV
from sklearn.metrics import balanced_accuracy_score, get_scorer, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
    cross_val_score,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline as make_sklearn_pipeline
from sklearn.preprocessing import StandardScaler

from sklw import (
    LLMOverSampler,
    Pipeline,
    RecordedGenerator,
    SyntheticWeighter,
    TextEmbedder,
    make_pipeline,
)
from sklw.ensemble import RealSyntheticVotingClassifier
from sklw.over_sampling import TextFilter
from sklw.weighting import Dimp

BAG = make_stock_pipeline(CountVectorizer(), LogisticRegression())


class Recorder(ClassifierMixin, BaseEstimator):
    """A classifier that keeps what it was fitted with."""

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        self.got_ = {"X": X, "y": np.asarray(y), "sample_weight": sample_weight}
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


class Finisher(Recorder):
    """One that can also finish weights."""

    def fit(self, X, y, sample_weight=None, row_weights=None):
        super().fit(X, y, sample_weight)
        self.got_["row_weights"] = row_weights
        return self


class OldFinisher(Recorder):
    def fit(self, X, y, sample_weight=None, quality=None):
        return super().fit(X, y, sample_weight)


@pytest.fixture(autouse=True)
def _both_ways(routing):
    """Every pipeline is tested without metadata routing and with it."""


@pytest.fixture
def data():
    return make_classification(300, weights=[0.85], random_state=0)


def test_weights_reach_the_final_estimator_row_by_row(data):
    pipe = make_pipeline(SMOTE(random_state=0), SyntheticWeighter(), StandardScaler(), Recorder())
    pipe.fit(*data)
    got = pipe[-1].got_
    weighter = pipe.named_steps["syntheticweighter"]
    assert len(got["X"]) == len(got["sample_weight"]) > 300
    assert_array_equal(got["sample_weight"], weighter.sample_weight_)
    assert_array_equal(weighter.synthetic_mask_, np.arange(len(got["X"])) >= 300)
    assert_array_equal(got["sample_weight"][:300], 1)
    assert np.std(got["sample_weight"][300:]) > 0.01


def test_no_weights_given_are_not_weights_taken_away(data, fit_with):
    pipe = make_pipeline(SMOTE(random_state=0), SyntheticWeighter(), Recorder())
    fit_with(pipe, *data, "recorder", sample_weight=None)
    weights = pipe.named_steps["syntheticweighter"].sample_weight_
    assert_array_equal(pipe[-1].got_["sample_weight"], weights)


def test_dimp_hands_the_quality_on(data):
    weighter = SyntheticWeighter(Dimp(clip=5), temperature=2)
    pipe = make_pipeline(SMOTE(random_state=0), weighter, Finisher()).fit(*data)
    got = pipe[-1].got_["row_weights"]
    assert pipe[-1].got_["sample_weight"] is None
    assert_array_equal(got.synthetic, np.arange(len(got)) >= 300)
    assert_array_equal(got.quality, pipe[1].quality_)
    assert got.finish == Dimp(clip=5).finisher(2)


@pytest.mark.parametrize("method", ["uniform", "quality", "imp"])
def test_a_classifier_that_takes_row_weights_learns_which_rows_are_real(data, method):
    pipe = make_pipeline(SMOTE(random_state=0), SyntheticWeighter(method), Finisher()).fit(*data)
    got = pipe[-1].got_["row_weights"]
    assert_array_equal(got.synthetic, np.arange(len(got)) >= 300)
    assert_array_equal(got.sample_weight, pipe[1].sample_weight_)
    assert got.quality is None


@pytest.mark.parametrize(
    ("method", "final", "words"),
    [
        ("quality", KNeighborsClassifier(), "KNeighborsClassifier cannot take sample_weight"),
        ("quality", make_pipeline(LogisticRegression()), "inner pipeline"),
        ("quality", "passthrough", "passthrough cannot take"),
        ("dimp", LogisticRegression(), "use BertClassifier"),
        ("dimp", Recorder(), "use BertClassifier"),
        ("dimp", OldFinisher(), r"quality.*has become a part of row_weights=sklw.RowWeights"),
    ],
)
def test_a_final_estimator_that_cannot_take_the_weights_is_an_error(data, method, final, words):
    with pytest.raises(TypeError, match=words):
        make_pipeline(SMOTE(random_state=0), SyntheticWeighter(method), final).fit(*data)


class Costly(SMOTE):
    def fit_resample(self, X, y):
        raise AssertionError("the sampler ran")


def test_the_error_comes_before_any_step_is_fitted(data):
    with pytest.raises(TypeError, match="cannot take"):
        make_pipeline(Costly(), SyntheticWeighter(), KNeighborsClassifier()).fit(*data)


def scaled(final):
    return make_sklearn_pipeline(StandardScaler(), final)


@pytest.mark.parametrize(
    ("build", "lost_in"),
    [
        (
            lambda: VotingClassifier(
                [("a", asking(LogisticRegression())), ("b", KNeighborsClassifier())]
            ),
            "KNeighbors",
        ),
        (
            lambda: StackingClassifier(
                [("a", asking(LogisticRegression())), ("b", KNeighborsClassifier())]
            ),
            "KNeighbors",
        ),
        (
            lambda: VotingClassifier([("a", CalibratedClassifierCV(KNeighborsClassifier()))]),
            "KNeighbors|CalibratedClassifierCV",
        ),
        (lambda: CalibratedClassifierCV(KNeighborsClassifier()), "KNeighbors"),
        (lambda: CalibratedClassifierCV(scaled(KNeighborsClassifier())), "KNeighbors"),
        (lambda: AdaBoostClassifier(KNeighborsClassifier()), "KNeighbors"),
    ],
)
def test_weights_that_would_not_reach_a_part_are_an_error(data, build, lost_in, routing):
    if routing and isinstance(build(), AdaBoostClassifier):
        pytest.skip("takes none at all")
    pipe = make_pipeline(Costly(), SyntheticWeighter("uniform"), build())
    with pytest.raises(TypeError, match=f"cannot take sample_weight.*({lost_in})"):
        pipe.fit(*data)
    vote = RealSyntheticVotingClassifier(build())
    if hasattr(build(), "predict_proba"):
        with pytest.raises(TypeError, match="would be lost"):
            make_pipeline(Costly(), SyntheticWeighter("uniform"), vote).fit(*data)


def test_calibration_hands_no_weights_to_a_pipeline_without_routing(data):
    inner = scaled(LogisticRegression())
    pipe = make_pipeline(Costly(), SyntheticWeighter("uniform"), CalibratedClassifierCV(inner))
    with sklearn.config_context(enable_metadata_routing=False):
        with pytest.raises(TypeError, match=r"Within it, Pipeline takes none.*its transformers"):
            pipe.fit(*data)
        fitted = FrozenEstimator(inner.fit(*data))  # is not to be weighted any more
        final = CalibratedClassifierCV(fitted, cv=2)
        make_pipeline(SMOTE(), SyntheticWeighter("uniform"), final).fit(*data)
        make_pipeline(SMOTE(), SyntheticWeighter("uniform"), CalibratedClassifierCV()).fit(*data)


@pytest.mark.parametrize(
    "within",
    [
        CalibratedClassifierCV,
        lambda part: GridSearchCV(part, {}, cv=2, scoring=not_judged_by_weights()),
        lambda part: VotingClassifier([("a", part)]),
        lambda part: VotingClassifier([("a", asking(CalibratedClassifierCV(part)))]),
        lambda part: BaggingClassifier(part),
    ],
)
def test_a_scaler_that_neither_asks_nor_declines_is_found_before_anything_is_sampled(data, within):
    with sklearn.config_context(enable_metadata_routing=True):
        for request in (None, False, True):
            scaler = StandardScaler().set_fit_request(sample_weight=request)
            final = within(make_sklearn_pipeline(scaler, asking(LogisticRegression())))
            pipe = make_pipeline(Costly(), SyntheticWeighter("uniform"), final)
            error = (TypeError, "StandardScaler") if request is None else (AssertionError, "ran")
            with pytest.raises(error[0], match=error[1]):
                pipe.fit(*data)


def test_a_part_may_decline_the_weights(data):
    with sklearn.config_context(enable_metadata_routing=True):
        parts = [LogisticRegression().set_fit_request(sample_weight=w) for w in (True, False)]
        parts.append(make_sklearn_pipeline(PCA(1), clone(parts[1])))
        vote = VotingClassifier(list(zip("abc", parts, strict=True)))
        make_pipeline(SMOTE(), SyntheticWeighter("uniform"), vote).fit(*data)


def test_a_search_as_final_estimator_takes_the_weights(data):
    search = GridSearchCV(asking(Recorder()), {}, cv=2)
    pipe = make_pipeline(SMOTE(random_state=0), SyntheticWeighter(), search)
    assert pipe.fit(*data).predict(data[0]).shape == (300,)
    found = pipe[-1].best_estimator_.got_["sample_weight"]
    assert_array_equal(found, pipe[1].sample_weight_)
    pipe.set_params(gridsearchcv__estimator=KNeighborsClassifier())
    with pytest.raises(TypeError, match="GridSearchCV cannot take"):
        pipe.fit(*data)


def asking(estimator, **more):
    """Return an estimator that asks for weights, where metadata are routed."""
    if not sklearn.get_config()["enable_metadata_routing"]:
        return estimator
    estimator.set_fit_request(sample_weight=True, **more)
    return estimator.set_score_request(sample_weight=False)


def not_judged_by_weights():
    scorer = make_scorer(balanced_accuracy_score)
    if sklearn.get_config()["enable_metadata_routing"]:
        scorer.set_score_request(sample_weight=False)
    return scorer


@pytest.mark.parametrize(
    "build",
    [
        lambda: HalvingGridSearchCV(asking(LogisticRegression()), {"C": [0.1, 1]}, cv=2),
        lambda: RandomizedSearchCV(
            asking(LogisticRegression()), {"C": [0.1, 1]}, n_iter=1, random_state=0
        ),
        lambda: CalibratedClassifierCV(asking(LogisticRegression()), cv=2),
        lambda: VotingClassifier([("a", asking(LogisticRegression()))], voting="soft"),
        lambda: StackingClassifier(
            [("a", asking(LogisticRegression()))], asking(LogisticRegression())
        ),
        lambda: BaggingClassifier(asking(LogisticRegression())),
        lambda: LogisticRegressionCV(
            scoring=not_judged_by_weights(), l1_ratios=(0,), use_legacy_attributes=False
        ),
    ],
)
def test_estimators_of_estimators_take_the_weights(data, build):
    """Real rows count 1000 times a synthetic one: without weights other results come out."""
    heavy = make_pipeline(
        SMOTE(random_state=0), SyntheticWeighter("uniform", synthetic_weight=1e-3), build()
    )
    plain = make_pipeline(SMOTE(random_state=0), SyntheticWeighter("uniform"), build())
    shares = [pipe.fit(*data).predict_proba(data[0])[:, 1].mean() for pipe in (heavy, plain)]
    assert shares[0] < shares[1] - 0.05
    score = heavy.score(*data)
    assert 0.5 < score < 1
    if not isinstance(heavy[-1], LogisticRegressionCV):  # its scorer is balanced
        assert score == pytest.approx((heavy.predict(data[0]) == data[1]).mean())
    assert np.isfinite(cross_val_score(clone(heavy), *data, cv=2)).all()


def test_a_score_may_be_weighted(data, routing):
    weights = data[1] + 1.0
    final = LogisticRegression()
    if routing:
        final.set_score_request(sample_weight=True)
    pipe = make_pipeline(SMOTE(random_state=0), SyntheticWeighter("uniform"), final).fit(*data)
    right = pipe.predict(data[0]) == data[1]
    assert pipe.score(*data, sample_weight=weights) == pytest.approx(
        np.average(right, weights=weights)
    )
    assert not hasattr(make_pipeline(SyntheticWeighter("uniform"), "passthrough"), "score")
    with pytest.raises(NotFittedError):
        clone(pipe).score(*data)


def test_threshold_tuning_takes_weights_with_routing_and_says_so_without(data, routing):
    tuned = TunedThresholdClassifierCV(LogisticRegression(), cv=2, scoring=not_judged_by_weights())
    pipe = make_pipeline(SMOTE(random_state=0), SyntheticWeighter(), tuned)
    with pytest.raises(TypeError, match=r"set_fit_request\(sample_weight=True\)") as caught:
        pipe.fit(*data)
    assert ("set_config(enable_metadata_routing=True)" in str(caught.value)) is not routing
    if routing:
        tuned.set_params(estimator=asking(LogisticRegression()))
        found = pipe.fit(*data)[-1].estimator_.coef_
        expected = LogisticRegression().fit(
            *SMOTE(random_state=0).fit_resample(*data), pipe[1].sample_weight_
        )
        assert_allclose(found, expected.coef_)


@pytest.mark.parametrize(
    ("meta", "scoring"),
    [
        (TunedThresholdClassifierCV, "balanced_accuracy"),
        (TunedThresholdClassifierCV, "f1_macro"),
        (partial(GridSearchCV, param_grid={}), "f1_macro"),
        (partial(RFECV, cv=2), "accuracy"),
    ],
)
def test_a_scorer_given_by_name_is_told_to_decline_weights(data, meta, scoring):
    with sklearn.config_context(enable_metadata_routing=True):
        by_default = scoring == "accuracy"
        final = meta(asking(LogisticRegression()), scoring=None if by_default else scoring)
        pipe = make_pipeline(SMOTE(), SyntheticWeighter("uniform"), final)
        with pytest.raises(TypeError, match=rf"decline them.*get_scorer\('{scoring}'\)\.set_score"):
            pipe.fit(*data)
        final.set_params(scoring=get_scorer(scoring).set_score_request(sample_weight=False))
        pipe.fit(*data)


@pytest.mark.parametrize("scoring", ["accuracy", "f1"])
def test_a_scorer_of_the_classifier_itself_is_told_to_decline_weights(data, scoring):
    with sklearn.config_context(enable_metadata_routing=True):
        final = RidgeClassifierCV(scoring=scoring, cv=3)
        pipe = make_pipeline(SMOTE(), SyntheticWeighter("uniform"), final)
        with pytest.raises(TypeError, match=rf"decline them.*get_scorer\('{scoring}'\)\.set_score"):
            pipe.fit(*data)
        final.set_params(scoring=get_scorer(scoring).set_score_request(sample_weight=False))
        pipe.fit(*data)
        pipe.set_params(ridgeclassifiercv=LogisticRegressionCV())  # whose scorer is the accuracy
        with pytest.raises(TypeError, match=r"decline them.*get_scorer\('accuracy'\)\.set_score"):
            pipe.fit(*data)


def test_what_does_not_ask_for_weights_where_they_are_routed_is_told_to(data):
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(LogisticRegression(), {})
        pipe = make_pipeline(SMOTE(), SyntheticWeighter(), search)
        with pytest.raises(TypeError, match=r"LogisticRegression\(...\).set_fit_request"):
            pipe.fit(*data)
        search.estimator.set_fit_request(sample_weight=False)
        with pytest.raises(TypeError, match="cannot take sample_weight"):
            pipe.fit(*data)


def test_a_search_of_finishers_gets_a_part_of_the_row_weights_for_each_fold(data):
    more = {"row_weights": True} if sklearn.get_config()["enable_metadata_routing"] else {}
    search = GridSearchCV(asking(Finisher(), **more), {}, cv=2)
    pipe = make_pipeline(SMOTE(random_state=0), SyntheticWeighter("dimp"), search).fit(*data)
    got = pipe[-1].best_estimator_.got_
    assert_array_equal(got["row_weights"].quality, pipe[1].quality_)
    assert got["row_weights"].synthetic.sum() == len(got["X"]) - 300


@pytest.mark.parametrize("old", ["quality", "quality_temperature"])
def test_old_names_given_to_the_pipeline_say_the_new_one(data, old):
    if sklearn.get_config()["enable_metadata_routing"]:
        pytest.skip("scikit-learn refuses arguments that no step asks for")
    pipe = make_pipeline(SMOTE(), SyntheticWeighter("dimp"), Finisher())
    with pytest.raises(TypeError, match=r"sklw.RowWeights to the classifier as row_weights"):
        pipe.fit(*data, **{f"finisher__{old}": np.ones(300)})


def test_steps_that_would_lose_weights_are_errors(data):
    with pytest.raises(TypeError, match="2 weighters"):
        make_pipeline(SyntheticWeighter(), SyntheticWeighter("imp"), Recorder()).fit(*data)
    with pytest.raises(TypeError, match="SMOTE adds or drops rows after the weighter"):
        make_pipeline(SyntheticWeighter(), SMOTE(), Recorder()).fit(*data)
    with pytest.raises(TypeError, match="SMOTEENN does not say"):
        make_pipeline(SMOTEENN(random_state=0), SyntheticWeighter(), Recorder()).fit(*data)


def test_random_over_sampling_copies_are_synthetic_with_their_original_as_parent(data):
    sampler = RandomOverSampler(random_state=0)
    pipe = Pipeline([("ros", sampler), ("weigh", SyntheticWeighter())]).fit(*data)
    mask = pipe["weigh"].synthetic_mask_
    assert_array_equal(mask, np.arange(len(mask)) >= 300)
    # A copy is judged by the model that did not see its original, so as the original is.
    quality = pipe["weigh"].quality_
    assert_allclose(quality[300:], quality[sampler.sample_indices_[300:]])


def test_rows_are_followed_through_several_samplers(data):
    under = RandomUnderSampler(sampling_strategy={0: 60}, random_state=0)
    pipe = make_pipeline(
        SMOTE(sampling_strategy={1: 120}, random_state=0), under, SyntheticWeighter(), Recorder()
    ).fit(*data)
    weighter = pipe.named_steps["syntheticweighter"]
    assert_array_equal(weighter.synthetic_mask_, under.sample_indices_ >= 300)


def test_no_sampler_means_no_synthetic_rows(data):
    pipe = make_pipeline("passthrough", SyntheticWeighter("imp"), Recorder()).fit(*data)
    assert_array_equal(pipe[-1].got_["sample_weight"], np.ones(300))


@pytest.mark.parametrize(
    "steps",
    [
        [],
        ["passthrough"],
        [StandardScaler(with_mean=False, with_std=False)],
        [RandomUnderSampler(random_state=0)],
    ],
)
def test_a_reference_tells_what_is_real_where_nothing_was_added(data, steps):
    X, y = data
    mended = np.where(np.arange(300) % 5 == 0, 1 - y, y)
    weighter = SyntheticWeighter(reference=(X[:100], y[:100]), random_state=0)
    pipe = make_pipeline(*steps, weighter, Recorder()).fit(X[100:], mended[100:])
    assert weighter.synthetic_mask_.all()
    got = pipe[-1].got_
    expected = clone(weighter).fit(got["X"], got["y"]).sample_weight_
    assert_allclose(got["sample_weight"], expected)
    assert np.std(expected) > 0.1


@pytest.mark.parametrize("shortfall", [0, 20])
def test_an_over_sampler_takes_the_rows_it_gets_for_real_ones(data, shortfall, fit_with):
    X, y = data
    wanted = {1: (y[100:] == 1).sum() + shortfall}
    weighter = SyntheticWeighter(reference=(X[:100], y[:100]), random_state=0)
    pipe = make_pipeline(SMOTE(sampling_strategy=wanted, random_state=0), weighter, Recorder())
    pipe.fit(X[100:], y[100:])
    assert_array_equal(weighter.synthetic_mask_, np.arange(200 + shortfall) >= 200)
    mask = np.arange(200) >= 150  # unless told otherwise
    fit_with(pipe, X[100:], y[100:], "syntheticweighter", synthetic=mask)
    assert_array_equal(weighter.synthetic_mask_, np.arange(200 + shortfall) >= 150)


def test_a_weighter_that_nothing_tells_what_is_synthetic_is_an_error(data):
    for steps in ([], [StandardScaler()]):
        with pytest.raises(ValueError, match="cannot know which rows are synthetic"):
            make_pipeline(*steps, SyntheticWeighter(), Recorder()).fit(*data)
    pipe = make_pipeline(RandomUnderSampler(), SyntheticWeighter(), Recorder()).fit(*data)
    assert not pipe[1].synthetic_mask_.any()


def test_users_weights_of_the_real_rows_are_multiplied_in(data, fit_with):
    given = np.linspace(0, 2, 300)
    pipe = make_pipeline(SMOTE(random_state=0), SyntheticWeighter(), Recorder())
    fit_with(pipe, *data, "recorder", sample_weight=given)
    got = pipe[-1].got_["sample_weight"]
    assert_allclose(got[:300], given)
    assert_array_equal(got[300:], pipe[1].sample_weight_[300:])
    with pytest.raises(ValueError, match="one weight for each real row"):
        fit_with(pipe, *data, "recorder", sample_weight=given[:-1])


def test_a_mask_given_by_the_user_is_used(data, fit_with):
    mask = np.arange(300) % 3 == 0
    pipe = make_pipeline(SyntheticWeighter(), Recorder())
    fit_with(pipe, *data, "syntheticweighter", synthetic=mask)
    assert_array_equal(pipe[0].synthetic_mask_, mask)


def test_without_a_weighter_it_is_imbalanced_learns_pipeline(data):
    ours = make_pipeline(SMOTE(random_state=0), StandardScaler(), LogisticRegression()).fit(*data)
    theirs = make_stock_pipeline(SMOTE(random_state=0), StandardScaler(), LogisticRegression())
    assert_array_equal(ours.predict_proba(data[0]), theirs.fit(*data).predict_proba(data[0]))


def test_uniform_weights_change_nothing(data):
    ours = make_pipeline(
        SMOTE(random_state=0), SyntheticWeighter("uniform"), LogisticRegression()
    ).fit(*data)
    theirs = make_stock_pipeline(SMOTE(random_state=0), LogisticRegression()).fit(*data)
    assert_allclose(ours.predict_proba(data[0]), theirs.predict_proba(data[0]))


def test_memory_fits_each_step_once_and_keeps_the_weights(data, tmp_path):
    calls = tmp_path / "calls"
    pipe = make_pipeline(
        CountingSMOTE(calls, random_state=0),
        SyntheticWeighter(),
        LogisticRegression(),
        memory=joblib.Memory(tmp_path / "cache", verbose=0),
    )
    first = clone(pipe).fit(*data)
    second = clone(pipe).set_params(logisticregression__C=10).fit(*data)
    assert calls.read_text() == "."
    assert_array_equal(first[1].sample_weight_, second[1].sample_weight_)
    assert not hasattr(pipe[1], "sample_weight_")


def test_memory_knows_a_file_of_recorded_rows_by_its_content(tmp_path):
    texts = [f"see you at {i}" for i in range(20)] + [f"win {i} pounds" for i in range(4)]
    labels = ["ham"] * 20 + ["spam"] * 4
    file = tmp_path / "rows.csv"
    pipe = make_pipeline(
        LLMOverSampler(RecordedGenerator(file), accept=TextFilter(None), on_shortfall="ignore"),
        SyntheticWeighter("uniform"),
        TfidfVectorizer(),
        LogisticRegression(),
        memory=str(tmp_path / "cache"),
    )
    for word in ("gold", "silver"):
        rows = {"text": [f"win {n} bars of {word}" for n in range(30)], "label": "spam"}
        pd.DataFrame(rows).to_csv(file, index=False)
        assert word in pipe.fit(texts, labels)[2].vocabulary_


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("place", ["transformer", "weighter", "sampler"])
def test_memory_knows_a_model_by_its_content(place, frozen, tiny, reviews, tmp_path, fit_with):
    import torch
    from transformers import BertConfig, BertModel

    texts, labels = reviews
    folder = shutil.copytree(tiny, tmp_path / "model")
    embedder = TextEmbedder(folder, device="cpu")
    if frozen:
        embedder = FrozenEstimator(embedder)
    checker = make_pipeline(embedder, LogisticRegression())
    weighter = SyntheticWeighter(checker=checker if place == "weighter" else clone(BAG))
    steps = [weighter, embedder if place == "transformer" else CountVectorizer()]
    if place == "sampler":
        generator = RecordedGenerator([{"text": f"{t} x", "label": "up"} for t in texts])
        accept = TextFilter(verifier=checker, near_duplicate_threshold=None)
        sampler = LLMOverSampler(generator, sampling_strategy={"up": 35}, accept=accept)
        steps = [sampler.set_params(on_shortfall="ignore"), *steps]
    pipe = make_pipeline(*steps, Recorder(), memory=str(tmp_path / "cache"))
    mask = np.arange(60) >= 40

    def found():
        fit_with(pipe, texts, labels, "syntheticweighter", synthetic=mask)
        if place == "sampler":
            return pipe[0].provenance_["accepted"].to_numpy()
        got = pipe[-1].got_
        return got["X"] if place == "transformer" else got["sample_weight"]

    first = found()
    assert_array_equal(found(), first)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        BertModel(BertConfig.from_pretrained(folder)).save_pretrained(folder)
    second = found()
    assert second.shape != first.shape or not np.allclose(first, second)


class CountingSMOTE(SMOTE):
    def __init__(self, calls=None, random_state=None):
        super().__init__(random_state=random_state)
        self.calls = calls

    def fit_resample(self, X, y):
        with open(self.calls, "a") as file:
            file.write(".")
        return super().fit_resample(X, y)


def test_grid_search_clone_and_cross_val_score(data):
    pipe = make_pipeline(SMOTE(random_state=0), SyntheticWeighter(), LogisticRegression())
    grid = {
        "syntheticweighter__method": ["uniform", "quality", "imp"],
        "syntheticweighter__temperature": [0.5, 2],
    }
    search = GridSearchCV(pipe, grid, cv=2, scoring="f1_macro").fit(*data)
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    assert not np.isnan(search.cv_results_["mean_test_score"]).any()
    assert np.isfinite(cross_val_score(clone(pipe), *data, cv=2)).all()
    assert "SyntheticWeighter" in pipe._repr_html_()


def test_in_a_stock_pipeline_any_other_step_refuses_the_weights(data):
    X, y = data
    weighter = SyntheticWeighter(reference=(X[:100], y[:100]))
    for step in (StandardScaler(), LogisticRegression(), SMOTE()):
        with pytest.raises(TypeError, match=r"sklw\.Pipeline"):
            make_stock_pipeline(weighter, step).fit(X, y)
    texts = ["one thing", "another thing"] * 10
    weighter = SyntheticWeighter("uniform", reference=(texts[:2], [0, 1]))
    with pytest.raises(TypeError, match=r"sklw\.Pipeline"):
        make_stock_pipeline(weighter, CountVectorizer(), LogisticRegression()).fit(
            texts, [0, 1] * 10
        )


def test_in_a_stock_pipeline_without_reference_the_weighter_says_what_to_do(data):
    with pytest.raises(ValueError, match=r"Put it in sklw\.Pipeline"):
        make_stock_pipeline(SMOTE(), SyntheticWeighter(), LogisticRegression()).fit(*data)


def test_verbose_prints_each_step(data, capsys):
    make_pipeline(SMOTE(random_state=0), SyntheticWeighter(), Recorder(), verbose=True).fit(*data)
    assert "(step 2 of 3) Processing syntheticweighter" in capsys.readouterr().out
