"""Weights are numbers one can train with, whatever they are made of."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin

from sklw import SyntheticWeighter
from sklw.weighting import BaseMethod, Dimp, Imp

N_REAL, N_MADE = 60, 6
X = np.arange(N_REAL + N_MADE, dtype=float)[:, None]
Y = np.arange(len(X)) % 2
MADE = np.arange(len(X)) >= N_REAL


class Fixed(ClassifierMixin, BaseEstimator):
    """Says of each synthetic row that its label has a certain probability."""

    def __init__(self, own=()):
        self.own = own

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        rows = X[:, 0].astype(int)
        own = np.array([0.5] * N_REAL + list(self.own))[rows]
        one = np.where(rows % 2 == 1, own, 1 - own)
        return np.column_stack([1 - one, one])


TINY, HUGE = 5e-324, 1.7e308
SIZES = st.sampled_from([0.0, TINY, 1e-300, 1e-12, 0.3, 1.0, 7.0, 1e12, 1e300, HUGE])
POSITIVE = SIZES.filter(bool)
CHANCES = st.sampled_from([0.0, TINY, 1e-300, 1e-9, 0.2, 0.5, 0.8, 1.0])


DIVERSITY = (0.5, 0.9, 0.8, 0.1, 0.3, 0.6)


def fitted(method, own, diversity=DIVERSITY, clip=10.0, **parameters):
    parameters = {"synthetic_weight": 1.0} | parameters
    methods = {"imp": Imp(Fixed(diversity), clip), "dimp": Dimp(clip)}
    weighter = SyntheticWeighter(
        methods.get(method, method), checker=Fixed(own), class_prior="reference", **parameters
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        return weighter.fit(X, Y, synthetic=MADE)


@settings(deadline=None, max_examples=100)
@given(
    method=st.sampled_from(["uniform", "quality", "imp", "dimp"]),
    own=st.lists(CHANCES, min_size=N_MADE, max_size=N_MADE),
    diversity=st.lists(CHANCES, min_size=N_MADE, max_size=N_MADE),
    temperature=POSITIVE,
    clip=st.none() | POSITIVE,
    normalize=st.sampled_from(["floor", "all", "class", "prior", None]),
    real_weight=SIZES,
    synthetic_weight=SIZES | st.none(),
    augmentation_weight=SIZES,
    class_weight=st.sampled_from(["balanced", None]),
)
def test_weights_are_finite_not_negative_and_not_all_zero(method, own, diversity, **parameters):
    try:
        weighter = fitted(method, own, diversity, **parameters)
    except ValueError as error:
        assert "weight 0" in str(error)  # noqa: PT017
        assert not parameters["real_weight"]
        return
    weights = weighter.sample_weight_
    assert np.isfinite(weights.sum())
    assert (weights >= 0).all()
    assert weights.any()
    assert 0 <= weighter.effective_sample_size_ <= N_MADE + 1e-9


OWN = (0.8, 0.6, 0.1, 0.7, 0.8, 0.5)


@pytest.mark.parametrize("temperature", [0.001, 1e-5, 1e-300, TINY])
@pytest.mark.parametrize("method", ["quality", "imp"])
def test_at_low_temperatures_the_best_rows_carry_all(method, temperature):
    raw = np.array(OWN) if method == "quality" else np.array(OWN) / DIVERSITY
    best = raw == raw.max()
    parameters = {"temperature": temperature, "clip": None}
    weights = fitted(method, OWN, **parameters, normalize="all").sample_weight_
    np.testing.assert_allclose(weights[MADE], best * N_MADE / best.sum(), atol=1e-9)
    np.testing.assert_array_equal(weights[~MADE], 1)
    weights = fitted(method, OWN, **parameters, normalize=None).sample_weight_
    # Raw ratios above 1 outweigh every real row, those below 1 vanish.
    alone = best * 1.0 if raw.max() > 1 else np.zeros(N_MADE)
    np.testing.assert_allclose(weights[MADE] / weights.max(), alone, atol=1e-9)


def test_within_each_class_the_best_row_carries_all():
    weights = fitted("quality", OWN, temperature=1e-4, normalize="class").sample_weight_[MADE]
    # Rows 0, 2, 4 are of one class, the best of them twice; of the others row 3 is the best.
    np.testing.assert_allclose(weights, [1.5, 0, 0, 3, 1.5, 0], atol=1e-9)


def test_a_class_that_the_checker_knows_badly_is_not_starved():
    own = np.array([0.9, 0.01, 0.8, 0.03, 0.7, 0.02])
    squared = own**2 / (own**2).mean()
    weights = fitted("quality", own).sample_weight_[MADE]
    expected = np.where(np.arange(6) % 2, 0.5 * squared / squared[1::2].mean(), squared)
    np.testing.assert_allclose(weights, expected / expected.mean())
    # Where no class is that low nothing is raised.
    equal = [fitted("quality", OWN, normalize=n).sample_weight_ for n in ("all", "floor")]
    np.testing.assert_allclose(*equal)
    # A class without any credible row gets nothing, whatever the temperature of the others.
    none = fitted("quality", own * (np.arange(6) % 2 == 0)).sample_weight_[MADE]
    np.testing.assert_array_equal(none > 0, np.arange(6) % 2 == 0)
    cold = fitted("quality", own, temperature=0.001).sample_weight_[MADE]
    np.testing.assert_allclose(cold / cold.sum(), [0.8, 0, 0, 0.2, 0, 0], atol=1e-9)


@pytest.mark.parametrize("temperature", [1e5, 1e300, HUGE])
@pytest.mark.parametrize("normalize", ["floor", "all", "class", None])
def test_at_high_temperatures_all_rows_count_alike(temperature, normalize):
    weights = fitted("imp", OWN, temperature=temperature, normalize=normalize).sample_weight_
    np.testing.assert_allclose(weights, 1, rtol=1e-4)


@pytest.mark.parametrize("real_weight", [1e3, 1e300, 1e308, HUGE])
def test_a_huge_weight_of_real_rows_keeps_the_proportions(real_weight):
    weights = fitted("uniform", OWN, real_weight=real_weight).sample_weight_
    assert np.isfinite(weights.sum())
    np.testing.assert_allclose(weights[MADE] / weights[0], 1 / real_weight)
    if real_weight < 1e307:
        np.testing.assert_array_equal(weights[~MADE], real_weight)
    even = fitted("uniform", OWN, real_weight=real_weight, class_weight="balanced").sample_weight_
    np.testing.assert_allclose([even[label == Y].sum() for label in (0, 1)], len(X) / 2)


class Given(BaseMethod):
    """Gives each synthetic row the weight it is told."""

    def __init__(self, weights=()):
        self.weights = weights

    def raw_weights(self, evidence):
        weights = np.ones(len(evidence.labels))
        weights[evidence.synthetic] = self.weights
        return weights


def shares(raw, labels, real, normalize="floor"):
    """Return the normalized weights of synthetic rows of these labels, beside real ones."""
    y = np.r_[real, labels]
    weighter = SyntheticWeighter(Given(raw), normalize=normalize, synthetic_weight=1.0)
    weighter.fit(np.arange(len(y))[:, None], y, synthetic=np.arange(len(y)) >= len(real))
    return weighter.sample_weight_[len(real) :]


@pytest.mark.parametrize("n_rare", [1, 29, 30])
def test_a_class_with_hardly_any_real_row_counts_as_much_as_the_others(n_rare):
    labels = np.repeat([0, 1, 2], [3, 2, 2])
    raw = np.array([0.9, 0.8, 0.7, 0.6, 0.4, 0.01, 0.03])
    real = np.repeat([0, 1, 2], [50, 40, n_rare])
    weights = shares(raw, labels, real)
    others = shares(raw[:5], labels[:5], real)
    expected = np.r_[others, [0.5, 1.5] if n_rare < 30 else [0.25, 0.75]]
    if n_rare == 30:
        expected[:5] = shares(raw, labels, real, "all")[:5]
    np.testing.assert_allclose(weights, expected / expected.mean())


def test_without_enough_real_rows_of_any_class_all_count_the_same():
    labels, raw = np.repeat([0, 1], 3), np.array([0.9, 0.8, 0.7, 0.1, 0.2, 0.3])
    weights = shares(raw, labels, np.repeat([0, 1], 5))
    np.testing.assert_allclose(weights, shares(raw, labels, labels, "class"))


@pytest.mark.parametrize("scale", [TINY, 1e-310, 1.0, 1e307])
def test_scales_do_not_matter_to_proportions(scale):
    raw = np.array([1.0, 1.0, 1.0, 0.5, 0.0, 0.5]) * scale
    half = 0.5 if scale > TINY else 0.0  # half the smallest number is none
    # Rows 0, 2, 4 are of one class, and 1, 3, 5 of the other.
    one, other = np.array([1.0, 0, 1, 0, 0, 0]), np.array([0.0, 1, 0, half, 0, half])
    both = one + other
    for normalize, expected in (
        ("all", both * 6 / both.sum()),
        ("class", one * 3 / one.sum() + other * 3 / other.sum()),
    ):
        weighter = fitted(Given(raw), OWN, normalize=normalize)
        np.testing.assert_allclose(weighter.sample_weight_[MADE], expected)
        effective = expected.sum() ** 2 / (expected**2).sum()
        assert weighter.effective_sample_size_ == pytest.approx(effective)
    even = fitted(Given(raw), OWN, real_weight=0.0, normalize=None, class_weight="balanced")
    expected = (one / one.sum() + other / other.sum()) * len(X) / 2
    np.testing.assert_allclose(even.sample_weight_[MADE], expected)


@pytest.mark.parametrize("factor", [1e300, 1e-300, 1.0])
def test_products_beyond_a_float_keep_their_proportions(factor):
    raw = np.array([1.0, 0.1, 0.5, 1.0, 0.0, 1.0]) * factor
    weights = fitted(
        Given(raw), OWN, real_weight=0.0, synthetic_weight=factor, normalize=None
    ).sample_weight_[MADE]
    np.testing.assert_allclose(weights / weights.max(), raw / factor)


@pytest.mark.parametrize("normalize", ["floor", "all", "class", "prior", None])
def test_ordinary_weights_are_the_formula(normalize):
    weighter = fitted("imp", OWN, temperature=2.0, normalize=normalize, synthetic_weight=0.3)
    raw = np.sqrt(np.array(OWN) / DIVERSITY)
    if normalize in ("all", "floor"):
        raw = raw / raw.mean()
    elif normalize is not None:  # classes alternate, in these rows and the real ones
        raw = np.column_stack([raw[::2] / raw[::2].mean(), raw[1::2] / raw[1::2].mean()]).ravel()
    np.testing.assert_allclose(weighter.sample_weight_[MADE], 0.3 * raw)
    np.testing.assert_array_equal(weighter.sample_weight_[~MADE], 1)
    assert weighter.effective_sample_size_ == pytest.approx(raw.sum() ** 2 / (raw**2).sum())
