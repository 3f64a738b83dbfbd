import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sklw.inspection import ScalingLawDisplay
from sklw.scaling import ScalingLaw

SIZES = np.arange(0, 2000, 200)
LOSSES = (0.3 + 5 * (SIZES + 100.0) ** -0.5)[:, None] + 0.01 * np.array([[-1, 0, 1]])


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_losses_and_law_are_drawn():
    law = ScalingLaw(offset=100, random_state=0).fit(SIZES, LOSSES)
    display = ScalingLawDisplay.from_losses(SIZES, LOSSES, law=law, up_to=4000)
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert set(labels) == {"measured", "scaling law", "90 %", "floor"}
    line = next(line for line in display.ax_.lines if line.get_label() == "scaling law")
    assert line.get_xdata()[-1] == 4000
    np.testing.assert_allclose(line.get_ydata()[0], LOSSES[0].mean(), atol=0.01)
    points = display.ax_.containers[0].lines[0]
    np.testing.assert_allclose(points.get_ydata(), LOSSES.mean(axis=1))


def test_the_band_is_labelled_with_the_level_of_the_fit():
    law = ScalingLaw(offset=100, random_state=0).fit(SIZES, LOSSES).set_params(confidence=0.5)
    display = ScalingLawDisplay.from_losses(SIZES, LOSSES, law=law)
    labels = {text.get_text() for text in display.ax_.get_legend().get_texts()}
    assert "90 %" in labels


def test_without_a_law_and_on_given_axes():
    ax = plt.subplots()[1]
    display = ScalingLawDisplay.from_losses(SIZES, LOSSES[:, 0], ax=ax, color="red")
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    with pytest.raises(ValueError, match="9 sizes and losses of 10"):
        ScalingLawDisplay.from_losses(SIZES[1:], LOSSES)
