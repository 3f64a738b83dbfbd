import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklw import SyntheticWeighter, Weighted
from sklw.datasets import load_maintenance_requests
from sklw.weighting import BaseMethod, Dimp, Imp

# A reference set and three synthetic rows whose probabilities are fixed below.
X_REAL = np.arange(60, dtype=float)[:, None]
Y_REAL = np.arange(60) % 2
X_MADE = np.array([[100.0], [101.0], [102.0]])
Y_MADE = np.array([0, 1, 1])
X_ALL = np.vstack([X_REAL, X_MADE])
Y_ALL = np.concatenate([Y_REAL, Y_MADE])
MASK = np.arange(63) >= 60


class Fixed(ClassifierMixin, BaseEstimator):
    """P(class 1 | x) from a table."""

    def __init__(self, table):
        self.table = table

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        one = np.array([self.table.get(float(row[0]), 0.5) for row in X])
        return np.column_stack([1 - one, one])


QUALITY = Fixed({100.0: 0.2, 101.0: 0.6, 102.0: 0.1})  # own label: .8, .6, .1
DIVERSITY = Fixed({100.0: 0.5, 101.0: 0.9, 102.0: 0.8})  # own label: .5, .9, .8
BY_HAND = {
    "uniform": [1, 1, 1],
    "quality": [0.8, 0.6, 0.1],
    "imp": [0.8 / 0.5, 0.6 / 0.9, 0.1 / 0.8],
}


def fixed(method, clip=10.0, **kwargs):
    own = {"imp": Imp(DIVERSITY, clip), "dimp": Dimp(clip)}
    settings = {"checker": QUALITY, "synthetic_weight": 1.0} | kwargs
    weighter = SyntheticWeighter(own.get(method, method), **settings)
    return weighter.fit(X_ALL, Y_ALL, synthetic=MASK)


@pytest.mark.parametrize("method", BY_HAND)
def test_raw_weights_are_the_papers_formulas(method):
    weighter = fixed(method, normalize=None, temperature=1)
    assert_allclose(weighter.sample_weight_[MASK], BY_HAND[method])
    assert_array_equal(weighter.sample_weight_[~MASK], 1)


def test_dimp_leaves_the_division_to_the_classifier():
    weighter = fixed("dimp", temperature=2, clip=3)
    weights = weighter.row_weights_
    assert_allclose(weights.quality[MASK], [0.8, 0.6, 0.1])
    assert_array_equal(weights.synthetic, MASK)
    assert_array_equal(weights.sample_weight, 1)
    assert weights.finish == Dimp(clip=3).finisher(2)
    half, p = torch.tensor([0.5]), torch.tensor([0.01, 0.25]).log()
    np.testing.assert_allclose(weights.finish(half, p), [3**0.5, 2**0.5])


@given(
    temperature=st.floats(0.1, 10),
    clip=st.none() | st.floats(0.01, 10),
    real=st.floats(0, 3),
    made=st.floats(0.1, 3),
    method=st.sampled_from(["uniform", "quality", "imp"]),
)
@settings(max_examples=30, deadline=None)
def test_weights_are_finite_non_negative_and_mean_one(temperature, clip, real, made, method):
    weighter = fixed(
        method, temperature=temperature, clip=clip, real_weight=real, synthetic_weight=made
    )
    weights = weighter.sample_weight_
    assert np.isfinite(weights).all()
    assert (weights >= 0).all()
    assert_allclose(weights[MASK].mean(), made)
    assert_array_equal(weights[~MASK], real)
    assert 1 <= weighter.effective_sample_size_ <= 3 + 1e-9


def test_quality_is_squared_unless_told_otherwise():
    squared = fixed("quality", normalize=None).sample_weight_[MASK]
    assert_allclose(squared, np.square(BY_HAND["quality"]))
    assert_allclose(fixed("imp", normalize=None).sample_weight_[MASK], BY_HAND["imp"])
    assert fixed("dimp").row_weights_.finish == Dimp(clip=10).finisher(1)


def test_temperature_and_clip_by_hand():
    raw = np.minimum(BY_HAND["imp"], 0.5) ** 0.5
    weighter = fixed("imp", temperature=2, clip=0.5)
    assert_allclose(weighter.sample_weight_[MASK], raw / raw.mean())


@pytest.mark.parametrize("method", ["quality", "imp"])
def test_all_synthetic_rows_together_count_by_their_quality_beside_real_rows(method):
    sure = Fixed(QUALITY.table | {float(x): [0.1, 0.8][int(x) % 2] for x in range(60)})
    weighter = fixed(method, checker=sure, synthetic_weight=None)
    expected = 0.5 / ((0.9 + 0.8 + 0.8) / 3)  # one synthetic row is of class 0, two are of class 1
    assert weighter.synthetic_weight_ == pytest.approx(expected**2)
    given = fixed(method, checker=sure, synthetic_weight=expected**2)
    assert_allclose(weighter.sample_weight_, given.sample_weight_)
    assert weighter.get_params()["synthetic_weight"] is None


def test_synthetic_rows_as_good_as_real_ones_count_fully():
    assert fixed("quality", synthetic_weight=None).synthetic_weight_ == 1  # real ones have 0.5


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("uniform", {}),
        ("dimp", {}),
        ("quality", {"normalize": None}),
        ("quality", {"real_weight": 0}),
    ],
)
def test_a_share_of_one_where_no_mean_quality_is_meant(method, parameters):
    assert fixed(method, synthetic_weight=None, **parameters).synthetic_weight_ == 1


def test_synthetic_rows_alone_have_mean_one():
    weighter = SyntheticWeighter(checker=QUALITY, reference=(X_REAL, Y_REAL)).fit(X_MADE, Y_MADE)
    assert_allclose(weighter.sample_weight_.mean(), 1)


@pytest.mark.parametrize("prior", ["auto", "training", "reference"])
def test_the_share_of_synthetic_rows_is_that_under_the_real_class_prior(prior):
    X, y, mask = oversampled(np.random.default_rng(0))
    X[mask] -= 0.5  # towards the other class
    weighter = SyntheticWeighter(class_prior=prior, random_state=0).fit(X, y, synthetic=mask)
    real = SyntheticWeighter(class_prior="reference", random_state=0).fit(X, y, synthetic=mask)
    few = ~mask & (y == "few")
    ratio = real.quality_[mask].mean() / real.quality_[few].mean()
    assert ratio < 0.9
    assert weighter.synthetic_weight_ == pytest.approx(ratio**2)


def test_normalisation_within_each_class():
    weights = fixed("quality", temperature=1, normalize="class").sample_weight_[MASK]
    assert_allclose(weights, [1, 0.6 / 0.35, 0.1 / 0.35])


@pytest.mark.parametrize("method", ["uniform", "quality", "imp"])
def test_balanced_classes_have_the_same_total(method):
    X, y, mask = oversampled(np.random.default_rng(0))
    plain = SyntheticWeighter(method, synthetic_weight=0.3, random_state=0)
    balanced = clone(plain).set_params(class_weight="balanced").fit(X, y, synthetic=mask)
    weights, before = balanced.sample_weight_, plain.fit(X, y, synthetic=mask).sample_weight_
    assert weights[y == "few"].sum() == pytest.approx(weights[y == "many"].sum())
    assert weights.sum() == pytest.approx(len(y))
    # Within a class the weights keep their proportions.
    assert_allclose(np.ptp((weights / before)[y == "few"]), 0, atol=1e-9)


def test_effective_sample_size():
    assert fixed("uniform").effective_sample_size_ == pytest.approx(3)
    q = np.array(BY_HAND["quality"])
    assert fixed("quality", temperature=1).effective_sample_size_ == pytest.approx(
        q.sum() ** 2 / (q**2).sum()
    )


@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_effective_sample_size_is_that_of_the_weights_given(class_weight):
    settings = {"checker": QUALITY, "class_weight": class_weight, "augmentation_weight": 0.1}
    weighter = SyntheticWeighter("quality", **settings)
    weighter.fit(X_ALL, Y_ALL, MASK, augmented=np.arange(63) == 62)
    weights = weighter.sample_weight_[MASK]
    assert weighter.effective_sample_size_ == pytest.approx(weights.sum() ** 2 / (weights**2).sum())


def test_all_weights_zero_is_an_error():
    with pytest.raises(ValueError, match="weight 0"):
        fixed("quality", real_weight=0, synthetic_weight=0)


def oversampled(rng, n_made=60):
    X = np.vstack([rng.normal(0, 1, (200, 2)), rng.normal(3, 1, (20, 2))])
    y = np.array(["many"] * 200 + ["few"] * 20)
    good, bad = rng.normal(3, 1, (n_made // 2, 2)), rng.normal(0, 1, (n_made // 2, 2))
    return (
        np.vstack([X, good, bad]),
        np.concatenate([y, ["few"] * n_made]),
        np.arange(220 + n_made) >= 220,
    )


@pytest.mark.parametrize("method", ["quality", "imp"])
def test_wrong_rows_get_less_weight_and_strings_are_labels(method):
    X, y, mask = oversampled(np.random.default_rng(0))
    weights = SyntheticWeighter(method).fit(X, y, synthetic=mask).sample_weight_[mask]
    assert weights[:30].mean() > 2 * weights[30:].mean()


def test_oversampling_one_class_moves_the_prior():
    X, y, mask = oversampled(np.random.default_rng(0))
    auto = SyntheticWeighter().fit(X, y, synthetic=mask)
    reference = SyntheticWeighter(class_prior="reference").fit(X, y, synthetic=mask)
    assert auto.class_prior_ == "training"
    assert (auto.quality_[mask] > reference.quality_[mask]).all()


def test_imp_with_one_synthetic_class_is_not_quality_alone():
    # A checker of rows of one class would say 1 to each of them.
    X, y, mask = oversampled(np.random.default_rng(0))
    weighter = SyntheticWeighter("imp").fit(X, y, synthetic=mask)
    assert weighter.diversity_[mask].std() > 0.01
    assert np.isnan(weighter.diversity_[~mask]).all()


@pytest.mark.slow
def test_texts_in_any_container_give_the_same_weights():
    corpus = load_maintenance_requests()
    texts, labels = list(corpus.data[:120]), list(corpus.target[:120])
    texts, labels = texts + list(corpus.data[-40:]), labels + list(corpus.target[-40:])
    mask = np.arange(160) % 5 == 0
    expected = SyntheticWeighter(random_state=0).fit(texts, labels, synthetic=mask).sample_weight_
    for X, y in (
        (np.array(texts, dtype=object), np.array(labels)),
        (pd.Series(texts), pd.Series(labels)),
        (pd.DataFrame({"text": texts}), pd.Series(labels, dtype="category")),
    ):
        got = SyntheticWeighter(random_state=0).fit(X, y, synthetic=mask).sample_weight_
        assert_allclose(got, expected, rtol=1e-3)
    assert expected[mask].std() > 0.05


def test_sparse_rows():
    X, y, mask = oversampled(np.random.default_rng(0))
    weights = SyntheticWeighter().fit(csr_matrix(X), y, synthetic=mask).sample_weight_
    assert np.isfinite(weights).all()
    assert weights[mask].std() > 0.01


def test_reference_by_constructor():
    X, y, mask = oversampled(np.random.default_rng(0))
    reference = (X[:220], y[:220])
    given = SyntheticWeighter(reference=reference, random_state=0).fit(X, y)
    assert_array_equal(given.synthetic_mask_, mask)
    inside = SyntheticWeighter(random_state=0).fit(X, y, synthetic=mask)
    assert_allclose(given.sample_weight_, inside.sample_weight_)
    # Synthetic rows alone, as in the paper: reference rows need not be among them.
    alone = SyntheticWeighter(reference=reference, random_state=0).fit(X[mask], y[mask])
    assert alone.synthetic_mask_.all()
    by_real_prior = SyntheticWeighter(class_prior="reference", random_state=0)
    assert_allclose(alone.quality_, by_real_prior.fit(X, y, synthetic=mask).quality_[mask])


@pytest.mark.parametrize("dtype", [np.int64, np.float32])
def test_reference_rows_are_recognized_in_another_type(dtype):
    X, y, mask = oversampled(np.random.default_rng(0))
    X = np.rint(1000 * X) if dtype == np.int64 else X.astype(np.float32)
    weighter = SyntheticWeighter(reference=(X[:220].astype(dtype), y[:220]))
    assert_array_equal(weighter.fit(X.astype(float), y).synthetic_mask_, mask)
    sparse = SyntheticWeighter(reference=(csr_matrix(X[:220]), y[:220]))
    assert_array_equal(sparse.fit(csr_matrix(X.astype(float)), y).synthetic_mask_, mask)


def test_repeated_real_rows_are_held_out_together():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 2)), np.arange(50) % 2
    X[20], y[20] = X[0], y[0]
    seen = []

    class Asking(BaseMethod):
        def raw_weights(self, evidence):
            seen.extend(evidence.seen)
            return np.ones(50)

    SyntheticWeighter(Asking()).fit(X, y, np.arange(50) >= 40)
    assert seen[0].tolist() == seen[20].tolist() == [0, 20]
    assert seen[1].tolist() == [1]
    assert seen[45].tolist() == []


def test_parents_may_be_given_for_the_synthetic_rows_alone():
    X, y, mask = oversampled(np.random.default_rng(0))
    short = [np.array([200 + i % 20]) for i in range(60)]
    full = [np.array([], dtype=int)] * 220 + short
    weighter = SyntheticWeighter(random_state=0)
    expected = weighter.fit(X, y, mask, full).sample_weight_
    assert_array_equal(weighter.fit(X, y, mask, short).sample_weight_, expected)
    with pytest.raises(ValueError, match="61 entries for 280 rows, 60 of them synthetic"):
        weighter.fit(X, y, mask, [*short, short[0]])


def test_nothing_is_left_of_an_earlier_fit():
    X, y, mask = oversampled(np.random.default_rng(0))
    weighter = SyntheticWeighter().fit(X, y, synthetic=mask)
    assert weighter.quality_probabilities_.shape == (280, 2)
    weighter.set_params(method="uniform").fit(X[:240], y[:240], synthetic=mask[:240])
    assert not hasattr(weighter, "quality_probabilities_")
    assert len(weighter.report(X[:240], y[:240]).frame) == 240


def test_missing_values_are_not_taken_for_weights():
    X, y, mask = oversampled(np.random.default_rng(0))
    X[230, 0] = np.nan
    assert np.isfinite(SyntheticWeighter("hu").fit(X, y, synthetic=mask).sample_weight_).all()
    with pytest.raises(ValueError, match="NaN"):
        SyntheticWeighter(checker=LogisticRegression()).fit(X, y, synthetic=mask)
    X[230, 0] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        SyntheticWeighter().fit(X, y, synthetic=mask)


def test_names_of_columns_are_kept():
    X, y, mask = oversampled(np.random.default_rng(0))
    frame = pd.DataFrame(X, columns=["age", "size"])
    weighter = SyntheticWeighter().fit(frame, y, synthetic=mask)
    assert weighter.get_feature_names_out().tolist() == ["age", "size"]
    assert weighter.set_output(transform="pandas").transform(frame).equals(frame)
    texts = [f"row {value:.1f}" for value in X[:, 0]]
    weighter.set_params(method="uniform").fit(texts, y, synthetic=mask)
    assert not hasattr(weighter, "feature_names_in_")  # those were of another fit


def test_parents_keep_a_row_from_being_judged_by_its_original():
    from sklearn.neighbors import KNeighborsClassifier

    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 3))
    y = rng.integers(0, 2, 100)
    copies = X[:20] + 1e-6
    mask = np.arange(120) >= 100
    parents = [np.array([], dtype=int)] * 100 + [np.array([i]) for i in range(20)]
    weighter = SyntheticWeighter(checker=KNeighborsClassifier(1), random_state=0)
    stacked = np.vstack([X, copies]), np.concatenate([y, y[:20]])
    leaky = clone(weighter).fit(*stacked, synthetic=mask).quality_[mask]
    clean = clone(weighter).fit(*stacked, synthetic=mask, parent_indices=parents).quality_[mask]
    assert leaky.mean() > 0.8 - 1e-9
    assert_allclose(clean, weighter.fit(*stacked, synthetic=mask).quality_[:20])


def test_a_share_of_unknown_rows_is_an_error():
    for parameters in ({"synthetic_weight": 0.3}, {"synthetic_weight": 1.0, "real_weight": 2.0}):
        weighter = SyntheticWeighter("uniform", **parameters)
        with pytest.raises(ValueError, match="cannot know which rows are synthetic"):
            weighter.fit(X_ALL, Y_ALL)
    for parameters in ({}, {"synthetic_weight": 2.0, "real_weight": 2.0}):
        weights = SyntheticWeighter("uniform", **parameters).fit(X_ALL, Y_ALL).sample_weight_
        assert len(set(weights)) == 1


def test_fit_transform_carries_the_weights_and_transform_is_the_identity():
    X, y, mask = oversampled(np.random.default_rng(0))
    weighter = SyntheticWeighter(random_state=0)
    carrier = weighter.fit_transform(X, y, synthetic=mask)
    assert isinstance(carrier, Weighted)
    assert len(carrier) == len(X)
    assert carrier.X is X
    assert_array_equal(carrier.sample_weight, weighter.sample_weight_)
    assert weighter.transform(X) is X
    restored = pickle.loads(pickle.dumps(weighter))
    assert_array_equal(restored.sample_weight_, weighter.sample_weight_)


@pytest.mark.parametrize(
    ("kwargs", "fit", "words"),
    [
        ({}, {}, "cannot know which rows are synthetic"),
        ({}, {"synthetic": MASK[:-1]}, "one True or False"),
        ({}, {"synthetic": np.arange(63)}, "one True or False"),
        ({}, {"synthetic": np.ones(63, bool)}, "0 class"),
        ({"reference": (X_REAL, np.zeros(60))}, {}, "1 class"),
        ({"reference": (X_REAL, Y_REAL + 1)}, {}, r"no real row.*have \[.*Pass a reference"),
        ({"reference": (X_REAL, Y_REAL.astype(str))}, {}, r"have \['0', .*labels of one type"),
        ({"reference": (X_REAL,)}, {}, "pair"),
        ({"reference": (X_REAL, Y_REAL[:-1])}, {}, "60 rows and y has 59"),
        ({}, {"synthetic": MASK, "parent_indices": [[0]]}, "1 entries for 63 rows"),
        ({"checker": "bert"}, {"synthetic": MASK}, "reads texts"),
        ({"temperature": 0}, {"synthetic": MASK}, "temperature"),
        ({"method": "magic"}, {"synthetic": MASK}, "method"),
    ],
)
def test_bad_input_is_named(kwargs, fit, words):
    with pytest.raises(ValueError, match=words):
        SyntheticWeighter(**kwargs).fit(X_ALL, Y_ALL, **fit)


def test_one_label_for_each_row():
    with pytest.raises(ValueError, match="63 rows and y has 60"):
        SyntheticWeighter().fit(X_ALL, Y_REAL, synthetic=MASK)


@pytest.mark.parametrize("method", ["uniform", "quality"])
def test_rows_handed_on_are_known_to_be_real_or_synthetic(method):
    weighter = SyntheticWeighter(method, random_state=0)
    with pytest.raises(ValueError, match=r"cannot know which .* sklw\.make_pipeline"):
        make_pipeline(weighter, "passthrough").fit_transform(X_ALL, Y_ALL)
    weighter.set_params(reference=(X_REAL, Y_REAL))
    carrier = make_pipeline(weighter, "passthrough").fit_transform(X_ALL, Y_ALL)
    assert_array_equal(carrier.row_weights.synthetic, MASK)


CARRIER = "fit_transform returns rows with their weights (Weighted), transform the rows alone"
EXPECTED_FAILED_CHECKS = {
    "check_fit_score_takes_y": "fit_transform has to be told which rows are synthetic",
    "check_transformer_general": CARRIER,
    "check_transformer_data_not_an_array": CARRIER,
    "check_transformer_preserve_dtypes": CARRIER,
    "check_pipeline_consistency": CARRIER,
}


@parametrize_with_checks(
    [SyntheticWeighter("uniform")], expected_failed_checks=lambda _: EXPECTED_FAILED_CHECKS
)
def test_estimator_checks(estimator, check):
    check(estimator)


def test_default_checker_heads_are_cloned_not_shared():
    checker = LogisticRegression()
    weighter = SyntheticWeighter(checker=checker).fit(X_ALL, Y_ALL, synthetic=MASK)
    assert not hasattr(checker, "coef_")
    assert weighter.checker is checker
