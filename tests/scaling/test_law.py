import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.stats import t
from sklearn.base import clone

from sklw.scaling import ScalingLaw

SIZES = np.arange(0, 2000, 200)


def losses(floor, scale, exponent, offset, *, noise=0.0, n_repeats=None, rng=None):
    exact = floor + scale * (SIZES + float(offset)) ** -exponent
    if n_repeats is None:
        return exact
    return exact[:, None] + noise * rng.normal(size=(len(SIZES), n_repeats))


@given(
    floor=st.floats(0, 1), scale=st.floats(1, 30), exponent=st.floats(0.2, 1.5),
    offset=st.sampled_from([50, 200]),
)  # fmt: skip
@hypothesis_settings(max_examples=30, deadline=None)
def test_exact_losses_are_reproduced(floor, scale, exponent, offset):
    exact = losses(floor, scale, exponent, offset)
    law = ScalingLaw(offset=offset).fit(SIZES, exact)
    assert law.exponent_ == pytest.approx(exponent, rel=0.02)
    np.testing.assert_allclose(law.predict(SIZES), exact, rtol=0.01, atol=0.01 * exact.max())
    assert law.floor_ >= 0
    assert law.scale_ >= 0


@pytest.mark.parametrize("truth", [(0.3, 5, 0.5, 100), (0.5, 20, 0.8, 200), (0.2, 2, 0.3, 50)])
def test_intervals_cover_the_truth_as_often_as_they_say(truth):
    rng = np.random.default_rng(0)
    hits = np.zeros(3)
    for _ in range(150):
        measured = losses(*truth, noise=0.01, n_repeats=5, rng=rng)
        law = ScalingLaw(offset=truth[3], n_bootstrap=100, random_state=0).fit(SIZES, measured)
        _, low, high = law.intervals_.to_numpy().T
        hits += (low <= truth[:3]) & (high >= truth[:3])
    assert (hits / 150 >= 0.85).all()


def test_intervals_of_two_repeats_are_students():
    shifts = np.array([-0.02, 0.02])  # as much at every size
    measured = losses(0.3, 5, 0.5, 100)[:, None] + shifts
    law = ScalingLaw(offset=100, n_bootstrap=2000, random_state=0).fit(SIZES, measured)
    low, high = law.predict_interval(SIZES)
    half = t.ppf(0.95, df=1) * shifts.std(ddof=1) / np.sqrt(2)
    np.testing.assert_allclose((high - low) / 2, half, rtol=0.05)
    assert law.intervals_.loc["floor", "high"] == pytest.approx(law.floor_ + half, rel=0.05)


def test_without_repeats_the_residuals_are_resampled():
    rng = np.random.default_rng(0)
    measured = losses(0.3, 5, 0.5, 100, noise=0.01, n_repeats=1, rng=rng)[:, 0]
    law = ScalingLaw(offset=100, random_state=0).fit(SIZES, measured)
    assert law.intervals_["low"]["floor"] < 0.3 < law.intervals_["high"]["floor"]
    low, high = law.predict_interval(SIZES)
    assert (low < law.predict(SIZES)).all()
    assert (high > law.predict(SIZES)).all()


def test_the_offset_can_be_estimated():
    law = ScalingLaw(random_state=0).fit(SIZES, losses(0.3, 5, 0.5, 100))
    assert law.offset_ == pytest.approx(100, rel=0.5)
    np.testing.assert_allclose(law.predict(SIZES), losses(0.3, 5, 0.5, 100), atol=0.01)


def test_gain_and_recommended_size():
    law = ScalingLaw(offset=100).fit(SIZES, losses(0.3, 5, 0.5, 100))
    expected = 5 * (1900**-0.5 - 3700**-0.5)
    assert law.gain(1800, 3600) == pytest.approx(expected, rel=0.05)
    assert law.recommended_size_ == 1800
    harmful = losses(0.3, 5, 0.5, 100)[::-1]
    assert ScalingLaw(offset=100).fit(SIZES, harmful).recommended_size_ == 0
    assert ScalingLaw(offset=100).fit(SIZES, np.ones(10)).recommended_size_ == 0


def test_the_loss_of_a_size_is_the_mean_of_its_rows():
    sizes = np.repeat([0, 100, 200, 300, 400], 3)
    measured = [0.5, 0.5, 0.5, 0.9, 0.1, 0.8, 0.3, 0.3, 0.3, 0.31, 0.31, 0.31, 0.4, 0.4, 0.4]
    assert ScalingLaw(offset=100).fit(sizes, measured).recommended_size_ == 200


def test_rising_losses_have_no_scale():
    law = ScalingLaw(offset=100).fit(SIZES, np.linspace(0.5, 0.7, 10))
    assert law.scale_ == 0
    assert law.floor_ == pytest.approx(0.6)


def test_the_same_seed_gives_the_same_intervals():
    rng = np.random.default_rng(0)
    measured = losses(0.3, 5, 0.5, 100, noise=0.01, n_repeats=3, rng=rng)
    law = ScalingLaw(offset=100, random_state=1).fit(SIZES, measured)
    assert clone(law).fit(SIZES, measured).intervals_.equals(law.intervals_)


@pytest.mark.parametrize(
    ("params", "sizes", "measured", "match"),
    [
        ({}, [0, 1, 2], [1.0, 1.0, 1.0], "pass offset"),
        ({"offset": 1}, [0, 1, 2], [1.0, 1.0, 1.0], "Measure more sizes"),
        ({"offset": 0}, [0, 1, 2, 3, 4], [1.0] * 5, "With offset=0 no size may be 0"),
        ({"offset": 5}, [-1, 1, 2, 3, 4], [1.0] * 5, "0 or more, none missing; got -1"),
        ({"offset": 5}, [0, 1, 2, 3, np.nan], [1.0] * 5, "none missing; got nan"),
        ({"offset": 5}, [0, 1, 2, 3, np.inf], [1.0] * 5, "A size is infinite"),
        ({"offset": 5}, [0, 1, 2, 3, 4], [1.0] * 4, "a row of losses for each size"),
        ({"offset": 5}, [0, 1, 2, 3, 4], [1.0, 1, np.nan, 1, 1], "NaN"),
        ({"offset": 5}, [0, 1, 2, 3, 4], [-1.0] * 5, "Pass -scores"),
        ({"confidence": 1.5}, [0, 1, 2, 3, 4], [1.0] * 5, "confidence"),
    ],
)
def test_errors(params, sizes, measured, match):
    with pytest.raises(ValueError, match=match):
        ScalingLaw(**params).fit(sizes, measured)


@pytest.mark.parametrize("size", [-1, -500, np.nan])
def test_no_loss_is_expected_of_a_size_that_cannot_be(size):
    law = ScalingLaw(offset=100).fit(SIZES, losses(0.3, 5, 0.5, 100))
    for ask in (law.predict, law.predict_interval, lambda sizes: law.gain(0, *sizes)):
        with pytest.raises(ValueError, match=f"0 or more, none missing; got {size}"):
            ask([size])


def test_the_law_ends_at_its_floor_and_is_infinite_at_no_rows():
    law = ScalingLaw(offset=0).fit(SIZES[1:], 0.3 + 5 * SIZES[1:] ** -0.5)
    assert law.predict([np.inf]) == pytest.approx(law.floor_)
    with pytest.raises(ValueError, match="With offset=0 no size may be 0"):
        law.predict_interval([0])
