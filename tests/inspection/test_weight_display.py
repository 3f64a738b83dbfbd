import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.datasets import make_blobs

from sklw import SyntheticWeighter, WeightDisplay


@pytest.fixture(scope="module")
def fitted():
    X, y = make_blobs(60, centers=[[0, 0], [3, 3]], random_state=0)
    synthetic = np.arange(60) >= 40
    labels = np.array(["no", "yes"])[y]
    weighters = {
        method: SyntheticWeighter(method).fit(X, labels, synthetic=synthetic)
        for method in ("uniform", "quality", "imp")
    }
    return X, labels, synthetic, weighters


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_boxes_by_class_show_the_synthetic_rows(fitted):
    X, y, synthetic, weighters = fitted
    display = WeightDisplay.from_estimator(weighters["quality"], X, y)
    labels = [tick.get_text() for tick in display.ax_.get_yticklabels()]
    assert labels == [f"{name} (n={int((y[synthetic] == name).sum())})" for name in ("yes", "no")]
    assert f"{weighters['quality'].effective_sample_size_:.0f} of equal" in display.ax_.get_title()
    assert display.figure_ is display.ax_.figure


def test_weights_too_small_to_be_squared_are_worth_what_their_proportions_say():
    display = WeightDisplay.from_weights([1, 1e-200, 3e-200], [0, 1, 1], [False, True, True])
    assert "worth 2 of equal weight" in display.ax_.get_title()


def test_boxes_by_source(fitted):
    X, y, synthetic, weighters = fitted
    display = WeightDisplay.from_estimator(weighters["quality"], X, y, kind="source")
    labels = [tick.get_text() for tick in display.ax_.get_yticklabels()]
    assert labels == ["synthetic (n=20)", "real (n=40)"]
    sources = np.where(synthetic, "gpt", "people")
    display = WeightDisplay.from_weights(
        weighters["quality"].sample_weight_, y, synthetic, sources=sources, kind="source"
    )
    assert display.ax_.get_yticklabels()[0].get_text() == "people (n=40)"


def test_quality_against_weight_or_diversity(fitted):
    X, y, synthetic, weighters = fitted
    plain = WeightDisplay.from_estimator(weighters["quality"], X, y, kind="quality")
    assert plain.ax_.get_ylabel() == "weight"
    drawn = np.concatenate([part.get_offsets() for part in plain.ax_.collections])
    assert len(drawn) == 20
    both = WeightDisplay.from_estimator(weighters["imp"], X, y, kind="quality", s=3)
    offsets = both.ax_.collections[0].get_offsets()
    np.testing.assert_allclose(offsets[:, 1], weighters["imp"].quality_[synthetic])
    np.testing.assert_allclose(offsets[:, 0], weighters["imp"].diversity_[synthetic])


def test_draws_on_the_axes_given(fitted):
    X, y, _, weighters = fitted
    ax = plt.subplots()[1]
    assert WeightDisplay.from_estimator(weighters["imp"], X, y, ax=ax).ax_ is ax


def test_errors_say_what_to_do(fitted):
    X, y, _, weighters = fitted
    with pytest.raises(ValueError, match='Use kind="class"'):
        WeightDisplay.from_estimator(weighters["uniform"], X, y, kind="quality")
    with pytest.raises(ValueError, match="fit_resample returned"):
        WeightDisplay.from_estimator(weighters["quality"], X[:40], y[:40])
    with pytest.raises(ValueError, match="no synthetic row"):
        WeightDisplay.from_weights(np.ones(3), [0, 1, 1], [0, 0, 0])
    with pytest.raises(ValueError, match="fitted on other labels than these"):
        WeightDisplay.from_estimator(weighters["quality"], X, y[::-1])
    with pytest.raises(ValueError, match="inconsistent numbers"):
        WeightDisplay.from_estimator(weighters["quality"], X, y, sources=["gpt"] * 3)
    for mask in (["True", "False", "False"], [0, 1, 2]):
        with pytest.raises(ValueError, match="one True or False"):
            WeightDisplay.from_weights(np.ones(3), [0, 1, 1], mask)
    with pytest.raises(ValueError, match="sample_weight contains NaN"):
        WeightDisplay.from_weights([1, 1, np.nan], [0, 1, 1], [0, 0, 1])
    with pytest.raises(ValueError, match="kind"):
        WeightDisplay.from_estimator(weighters["quality"], X, y, kind="pie")
