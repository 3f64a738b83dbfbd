import sys
import warnings

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from sklw import SyntheticWeighter


def wrong_labels():
    rng = np.random.default_rng(0)
    y = np.arange(300) % 2
    X = rng.normal(size=(300, 2))
    X[:, 0] += 4 * y
    synthetic = np.arange(300) >= 100
    wrong = synthetic & (rng.random(300) < 0.3)
    return X, np.array(["no", "yes"])[np.where(wrong, 1 - y, y)], synthetic, wrong


def test_confident_learning_drops_wrong_labels():
    pytest.importorskip("cleanlab")
    X, y, synthetic, wrong = wrong_labels()
    weights = SyntheticWeighter("confident").fit(X, y, synthetic=synthetic).sample_weight_
    assert (weights[wrong] == 0).mean() > 0.9
    assert (weights[synthetic & ~wrong] > 0).mean() > 0.9
    assert weights[~synthetic].min() == 1


def test_confident_learning_drops_rows_that_look_like_no_class_trained_on():
    pytest.importorskip("cleanlab")
    rng = np.random.default_rng(0)
    real, labels = (
        rng.normal(size=(90, 2)) + 9 * np.repeat([0, 1, 2], 30)[:, None],
        np.arange(90) // 30,
    )
    weighter = SyntheticWeighter(
        "confident", checker=KNeighborsClassifier(1), reference=(real, labels),
        class_prior="training",
    )  # fmt: skip
    # The last ten of the synthetic rows look like the class of which there is none.
    X, y = real[20:70] + 0.01, np.repeat([0, 1], [10, 40])
    weights = weighter.fit(X, y, synthetic=np.full(50, True)).sample_weight_
    np.testing.assert_array_equal(weights > 0, np.arange(50) < 40)


def test_confident_without_cleanlab_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cleanlab.filter", None)
    X, y, synthetic, _ = wrong_labels()
    with pytest.raises(ImportError, match="pip install cleanlab"):
        SyntheticWeighter("confident").fit(X, y, synthetic=synthetic)


def test_normalisation_by_the_prior_restores_the_real_proportions():
    X, y, synthetic, _ = wrong_labels()
    kept = np.flatnonzero(synthetic | (y == "no") | (np.arange(300) % 10 == 1))
    X, y, synthetic = X[kept], y[kept], synthetic[kept]
    weighter = SyntheticWeighter(normalize="prior", synthetic_weight=1.0).fit(
        X, y, synthetic=synthetic
    )
    weights = weighter.sample_weight_[synthetic]
    share = weights[y[synthetic] == "yes"].sum() / weights.sum()
    assert share == pytest.approx((y[~synthetic] == "yes").mean())
    assert weights.mean() == pytest.approx(1)


def test_calibration_pulls_overconfident_checkers_back():
    from sklearn.ensemble import ExtraTreesClassifier

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 2)), rng.integers(0, 2, 400)  # nothing to learn
    sure = ExtraTreesClassifier(2, random_state=0)
    plain, calibrated = (
        SyntheticWeighter(checker=sure, calibrate=calibrate, random_state=0)
        .fit(X, y, synthetic=np.arange(400) >= 200)
        .quality_
        for calibrate in (False, True)
    )
    assert np.abs(calibrated - 0.5).mean() < 0.5 * np.abs(plain - 0.5).mean()


def test_probabilities_of_all_classes_are_kept():
    X, y, synthetic, _ = wrong_labels()
    weighter = SyntheticWeighter().fit(X, y, synthetic=synthetic)
    np.testing.assert_allclose(weighter.quality_probabilities_.sum(axis=1), 1)
    own = weighter.quality_probabilities_[np.arange(300), (y == "yes").astype(int)]
    np.testing.assert_array_equal(own, weighter.quality_)
    assert weighter.classes_.tolist() == ["no", "yes"]


@pytest.mark.parametrize("copied", ["synthetic", "reference"])
def test_synthetic_copies_of_real_rows_are_noticed(copied):
    X, y, synthetic, _ = wrong_labels()
    X[150] = X[3]
    if copied == "reference":
        weighter = SyntheticWeighter(reference=(X[:50], y[:50]))
        with pytest.warns(UserWarning, match="1 synthetic rows are identical"):
            weighter.fit(X[50:], y[50:], synthetic=synthetic[50:])
        return
    # Among the rows themselves: judged by the models that did not see the original.
    weighter = SyntheticWeighter(random_state=0).fit(X, y, synthetic=synthetic)
    told = SyntheticWeighter(random_state=0).fit(
        X, y, synthetic, [np.array([3] if row == 150 else [], dtype=int) for row in range(300)]
    )
    assert weighter.quality_[150] == told.quality_[150]


@pytest.mark.parametrize(
    ("method", "advice"),
    [
        ("imp", r"Raise temperature, which is 0\.005, or lower clip of the method\."),
        ("quality", r"Raise temperature, which is 0\.005\."),
    ],
)
def test_a_collapse_is_reported(method, advice):
    X, y, synthetic, _ = wrong_labels()
    with pytest.warns(UserWarning, match=f"a few rows carry nearly all.* {advice}"):
        SyntheticWeighter(method, temperature=0.005).fit(X, y, synthetic=synthetic)


def test_no_collapse_is_reported_by_default():
    X, y, synthetic, _ = wrong_labels()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        SyntheticWeighter().fit(X, y, synthetic=synthetic)


@pytest.mark.parametrize("n_real", [4, 40])
@pytest.mark.parametrize("method", ["quality", "imp", "dimp"])
def test_a_class_that_loses_all_its_synthetic_rows_is_reported(method, n_real):
    """A checker of few neighbours, none of which is of the class, gives all its rows weight 0."""
    rng = np.random.default_rng(0)
    places, sizes = [[0, 0], [3, 3], [9, 0], [0, 0], [3, 3]], [60, 60, n_real, 30, 20]
    X = np.vstack([rng.normal(at, 0.4, (n, 2)) for at, n in zip(places, sizes, strict=True)])
    y, made = np.repeat([0, 1, 2, 0, 2], sizes), np.arange(sum(sizes)) >= 120 + n_real
    weighter = SyntheticWeighter(method, checker=KNeighborsClassifier(5), random_state=0)
    with pytest.warns(UserWarning, match=r"of the class\(es\) \[2\] has weight 0.*another checker"):
        weighter.fit(X, y, made)


def test_a_checker_that_says_the_same_of_all_is_reported():
    from sklearn.dummy import DummyClassifier

    X, y, synthetic, _ = wrong_labels()
    weighter = SyntheticWeighter(checker=DummyClassifier(strategy="uniform"))
    with pytest.warns(UserWarning, match="to every synthetic row"):
        weighter.fit(X, y, synthetic=synthetic)
    np.testing.assert_allclose(weighter.sample_weight_, 1)


@pytest.mark.parametrize("method", ["quality", "imp", "dimp", "auto", "hu"])
def test_a_reference_of_five_rows_gives_usable_weights(method):
    X, y, _, _ = wrong_labels()
    weighter = SyntheticWeighter(method, reference=(X[:5], y[:5]), random_state=0)
    with pytest.warns(UserWarning, match="judged by 2 real row"):
        weighter.fit(X[100:], y[100:])
    assert np.isfinite(weighter.sample_weight_).all()
    assert weighter.sample_weight_.any()


def test_every_class_that_few_real_rows_judge_is_named():
    X, y = np.arange(24.0)[:, None], np.repeat([*"aabc", *"aabc"], 3)
    real = [0, 1, 2, 3, 4, 6, 9]  # five, one and one of each
    weighter = SyntheticWeighter(reference=(X[real], y[real]), random_state=0)
    words = r"class 'b' are judged by 1 real row\(s\), of class 'c' are judged by 1 real row\(s\):"
    with pytest.warns(UserWarning, match=words):
        weighter.fit(X[12:], y[12:])


def test_a_reference_of_another_kind_is_an_error():
    X, y, _, _ = wrong_labels()
    with pytest.raises(ValueError, match="reference holds 3 columns"):
        SyntheticWeighter(reference=(np.zeros((4, 3)), [0, 1, 0, 1])).fit(X, y)
    with pytest.raises(ValueError, match="reference holds texts"):
        SyntheticWeighter(reference=(["a", "b"], ["no", "yes"])).fit(X, y)
