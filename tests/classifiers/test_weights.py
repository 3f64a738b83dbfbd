"""What weights and qualities do to training."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback

from sklw import BertClassifier, RowWeights
from sklw.weighting import Dimp

DIMP = Dimp(clip=None).finisher(temperature=1.0)


def proba(settings, X, y, X_test, **fit_arguments):
    return BertClassifier(**settings).fit(X, y, **fit_arguments).predict_proba(X_test)


@pytest.mark.parametrize("weight", [1.0, 0.1, 7.3])
def test_equal_weights_change_nothing(settings, reviews, weight):
    X, y = reviews
    plain = proba(settings, X, y, X)
    assert np.array_equal(proba(settings, X, y, X, sample_weight=np.full(60, weight)), plain)


@pytest.mark.parametrize(
    "start",
    [
        {"head_init": "random"},
        # Where the regression ends, the bias has gradient 0, and Adam makes steps of what rounding
        # leaves of it: so this compares the regressions alone.
        {"lr": 1e-9},
    ],
)
def test_weight_two_is_the_row_twice(settings, reviews, start):
    X, y = reviews
    settings = {**settings, "batch_size": 1000, "max_epochs": 5, **start}
    weights = np.ones(60)
    weights[:7] = 2
    twice = proba(settings, [*X, *X[:7]], [*y, *y[:7]], X)
    np.testing.assert_allclose(proba(settings, X, y, X, sample_weight=weights), twice, atol=1e-5)
    assert np.abs(proba(settings, X, y, X) - twice).max() > 1e-4


def test_rows_of_weight_zero_are_not_there(settings, reviews):
    X, y = reviews
    garbage = ["very very bad x"] * 20
    order = np.random.default_rng(1).permutation(80)
    texts = np.array([*X, *garbage], dtype=object)[order]
    labels = np.array([*y, *["up"] * 20])[order]
    real = order < 60
    expected = proba(settings, texts[real], labels[real], X)
    found = proba(settings, texts, labels, X, sample_weight=real.astype(float))
    assert np.array_equal(found, expected)
    assert not np.array_equal(proba(settings, texts, labels, X), expected)


@pytest.mark.parametrize("name", ["sample_weight", "quality"])
@pytest.mark.parametrize("early_stopping", [False, pytest.param(25, marks=pytest.mark.slow)])
def test_weights_stay_with_their_rows(settings, reviews, name, early_stopping):
    """Wrong labels get a tiny weight; were the weights shuffled, the classifier would fail."""
    X, y = reviews
    wrong = np.arange(60) % 5 < 2
    noisy = np.where(wrong, np.where(y == "up", "down", "up"), y)
    weights = np.where(wrong, 1e-6, 1.0)
    settings = {**settings, "max_epochs": 25, "batch_size": 8, "early_stopping": early_stopping}
    arguments = {"sample_weight": weights}
    if name == "quality":
        arguments = {"row_weights": RowWeights(np.ones(60), np.ones(60, dtype=bool), weights, DIMP)}
    clf = BertClassifier(**settings).fit(X, noisy, **arguments)
    assert clf.score(X, y) > 0.9


def test_class_weight_equals_sample_weight(settings, reviews):
    X, y = reviews
    weights = np.where(y == "up", 3.0, 1.0)
    by_class = {**settings, "class_weight": {"up": 3.0}}
    expected = proba(settings, X, y, X, sample_weight=weights)
    assert np.array_equal(proba(by_class, X, y, X), expected)


@pytest.mark.parametrize("absent", ["no row", "weight 0"])
def test_class_weight_of_a_class_without_rows(settings, reviews, absent):
    X, y = reviews
    weights = np.where(y == "up", 3.0, 1.0)
    if absent == "weight 0":
        X, y, weights = [*X, "the film"], [*y, "sideways"], [*weights, 0.0]
    kept = np.asarray(weights) > 0
    trained = [
        BertClassifier(**settings, class_weight=class_weight).partial_fit(
            X, y, classes=["down", "sideways", "up"], sample_weight=given
        )
        for class_weight, given in [({"up": 3.0, "sideways": 2.0}, kept), (None, weights)]
    ]
    assert np.array_equal(*[clf.predict_proba(X) for clf in trained])


def test_balanced_class_weight(settings, reviews):
    X, y = np.array(reviews[0], dtype=object)[:45], reviews[1][:45]
    keep = (y == "up") | (np.arange(45) < 10)
    X, y = X[keep], y[keep]
    counts = {label: (y == label).sum() for label in np.unique(y)}
    weights = [len(y) / (2 * counts[label]) for label in y]
    balanced = {**settings, "class_weight": "balanced"}
    expected = proba(settings, X, y, X, sample_weight=weights)
    np.testing.assert_allclose(proba(balanced, X, y, X), expected, atol=1e-6)


def test_balanced_classes_count_a_row_of_weight_two_twice(settings, reviews):
    X, y = np.array(reviews[0], dtype=object), reviews[1]
    weights = np.where(y == "up", 2.0, 1.0) * (np.arange(60) % 4 < 3)
    twice = np.repeat(np.arange(60), weights.astype(int))
    own = {"batch_size": 1000, "head_init": "random", "class_weight": "balanced"}
    settings = {**settings, **own}
    expected = proba(settings, X[twice], y[twice], X)
    found = proba(settings, X, y, X, sample_weight=weights)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_quality_of_real_rows_is_not_read(settings, reviews):
    X, y = reviews
    expected = proba(settings, X, y, X)
    quality, synthetic = np.full(60, 0.9), np.zeros(60, dtype=bool)
    real = RowWeights(np.ones(60), synthetic, quality, DIMP)
    assert np.array_equal(proba(settings, X, y, X, row_weights=real), expected)
    synthetic[0] = True
    partly = RowWeights(np.ones(60), synthetic, quality, DIMP)
    assert not np.array_equal(proba(settings, X, y, X, row_weights=partly), expected)


def test_dimp_factors_by_hand():
    p, quality = torch.tensor([0.9, 0.3]), torch.tensor([0.4, 0.9])
    ratio = quality / p
    for clip, temperature, expected in (
        (None, 1.0, ratio),
        (None, 2.0, ratio.sqrt()),
        (2.0, 2.0, ratio.clamp(max=2.0).sqrt()),
    ):
        found = Dimp(clip=clip).finisher(temperature)(quality, p.log())
        torch.testing.assert_close(found, expected)


def test_dimp_is_the_exponential_of_a_difference_of_losses():
    """exp(CE of the model - CE of the checker)."""
    rng = torch.Generator().manual_seed(0)
    logits, checker = (torch.randn(6, 3, generator=rng) for _ in range(2))
    y = torch.tensor([0, 1, 2, 0, 1, 2])
    quality = checker.softmax(dim=1).gather(1, y[:, None])[:, 0]
    cross_entropy = torch.nn.functional.cross_entropy
    of_model, of_checker = (cross_entropy(z, y, reduction="none") for z in (logits, checker))
    found = DIMP(quality, -of_model)
    torch.testing.assert_close(found, (of_model - of_checker).exp())


@pytest.mark.parametrize("temperature", [5e-324, 1e-30, 0.001, 1.0, 1e30, 1.7e308])
@pytest.mark.parametrize("clip", [None, 5e-324, 1.0, 1.7e308])
def test_dimp_factors_at_extreme_temperatures(temperature, clip):
    """Rows above the model's own probability count most, those of quality 0 never."""
    quality = torch.tensor([0.0, 0.1, 0.5, 0.9])
    found = Dimp(clip=clip).finisher(temperature)(quality, torch.full((4,), 0.5).log())
    far = Dimp(clip=clip).finisher(temperature)(quality, torch.tensor([0.0, -600, -1e-9, -600]))
    assert torch.isfinite(torch.stack([found, far])).all()
    assert (found >= 0).all()
    assert found[0] == 0
    assert (found.diff() >= 0).all()
    if temperature > 1e20:
        np.testing.assert_allclose(found[1:4], 1)
    if temperature < 0.01 and clip is None:
        np.testing.assert_allclose(found[:3], [0, 0, 1])
        assert found[3] > 1e12
    if temperature < 0.01 and clip == 1.0:
        np.testing.assert_allclose(found[1:4], [0, 1, 1])


@pytest.mark.parametrize("scale", [5e-324, 1e-310, 1e300, 1.7e308])
def test_the_scale_of_weights_does_not_matter(settings, reviews, scale):
    X, y = reviews
    weights = np.where(np.arange(60) % 3, 1.0, 0.0)
    expected = proba(settings, X, y, X, sample_weight=weights)
    found = proba(settings, X, y, X, sample_weight=weights * scale)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    by_class = {**settings, "class_weight": {"up": scale, "down": scale}}
    found = proba(by_class, X, y, X, sample_weight=weights * scale if scale > 1 else weights)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("class_weight", "match"),
    [
        ({"up": -1.0}, "finite and not negative"),
        ({"up": np.nan, "down": 1.0}, "finite and not negative"),
        ({"up": np.inf}, "finite and not negative"),
        ({"up": 0, "down": 0}, "zero for every row"),
        ({"UP": 2.0}, "not among the classes"),
        ({1: 2.0, "up": 1.0}, "not among the classes"),
    ],
)
def test_bad_class_weights(settings, reviews, class_weight, match):
    with pytest.raises(ValueError, match=match):
        BertClassifier(**settings, class_weight=class_weight).fit(*reviews)


class Gradient(Callback):
    """Keeps the gradient of the head's bias before the first step."""

    def on_grad_computed(self, net, named_parameters, **kwargs):
        self.bias = net.module_.head.bias.grad.clone()


@pytest.mark.parametrize(("gamma", "smoothing"), [(0.0, 0.0), (2.0, 0.0), (2.0, 0.2)])
def test_one_batch_by_hand(settings, reviews, gamma, smoothing):
    """Its loss is sum(w * f * l) / (B * mean(w)), and no gradient flows through w and f."""
    X, y = reviews
    rng = np.random.default_rng(3)
    weights, quality = rng.uniform(0.5, 3, 60), rng.uniform(size=60)
    synthetic = np.arange(60) % 3 > 0
    kept = Gradient()
    settings = {**settings, "batch_size": 60, "max_epochs": 1, "callbacks": [kept]}
    settings |= {"loss": "focal", "focal_gamma": gamma, "label_smoothing": smoothing}
    # A step of length (almost) zero leaves the network as it was before the first one.
    clf = BertClassifier(**{**settings, "lr": 1e-12}).fit(
        X, y, row_weights=RowWeights(weights, synthetic, quality, Dimp().finisher(2.0))
    )
    of_up, own = (
        clf.predict_proba(X)[:, 1],
        clf.predict_proba(X)[np.arange(60), (y == "up").astype(int)],
    )
    factor = np.where(synthetic, np.sqrt(quality / own), 1) * (1 - own) ** gamma
    factor *= weights / weights.mean()
    up = smoothing / 2 + (1 - smoothing) * (y == "up")
    losses = -up * np.log(of_up) - (1 - up) * np.log(1 - of_up)
    expected = np.mean(factor * losses)
    assert clf.history[0, "train_loss"] == pytest.approx(expected, rel=1e-4)
    slope = np.mean(factor * (of_up - up))
    np.testing.assert_allclose(kept.bias, [-slope, slope], rtol=1e-3)


def test_focal_learns(settings, reviews):
    X, y = reviews
    focal = {**settings, "loss": "focal", "focal_gamma": 2.0}
    assert BertClassifier(**focal, max_epochs=20).fit(X, y).score(X, y) > 0.95
    plain = BertClassifier(**{**focal, "focal_gamma": 0.0}).fit(X, y).predict_proba(X)
    cross_entropy = {**focal, "loss": "cross_entropy"}
    assert np.array_equal(BertClassifier(**cross_entropy).fit(X, y).predict_proba(X), plain)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"sample_weight": np.ones(59)}, "shape"),
        ({"sample_weight": np.ones((60, 2))}, "shape"),
        ({"sample_weight": np.r_[np.nan, np.ones(59)]}, "finite.*position 0"),
        ({"sample_weight": np.r_[np.ones(59), np.inf]}, "finite.*position 59"),
        ({"sample_weight": np.r_[1, -1, np.ones(58)]}, "negative.*position 1"),
        ({"sample_weight": np.zeros(60)}, "zero for every row"),
        ({"row_weights": RowWeights(np.ones(59), np.ones(59))}, "shape"),
        ({"row_weights": RowWeights(np.zeros(60), np.ones(60))}, "zero for every row"),
        (
            {"row_weights": RowWeights(np.ones(60), np.ones(60)), "sample_weight": np.ones(60)},
            "given twice.*row_weights.times",
        ),
    ],
)
def test_bad_weights(settings, reviews, arguments, match):
    with pytest.raises(ValueError, match=match):
        BertClassifier(**settings).fit(*reviews, **arguments)


@pytest.mark.parametrize(
    "old",
    [
        {"quality": np.ones(60)},
        {"quality": np.ones(60), "quality_temperature": 2.0},
        {"quality_clip": 3.0},
        {"quality_top_share": 0.1},
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_the_old_names_say_the_new_one(settings, reviews, method, old):
    with pytest.raises(TypeError, match=r"row_weights=sklw\.RowWeights"):
        getattr(BertClassifier(**settings), method)(*reviews, **old)


def test_wrong_arguments_are_named(settings, reviews):
    with pytest.raises(TypeError, match="unexpected argument 'weights'"):
        BertClassifier(**settings).fit(*reviews, weights=np.ones(60))
    with pytest.raises(TypeError, match=r"must be a sklw\.RowWeights, got ndarray"):
        BertClassifier(**settings).fit(*reviews, row_weights=np.ones(60))


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"sample_weight": np.ones((3, 2))}, "one value for each row"),
        ({"sample_weight": [1, np.nan, 1]}, "finite and not negative, got nan at position 1"),
        ({"sample_weight": [1, 1, -1]}, "position 2"),
        ({"synthetic": [True]}, "for each of the 3 rows"),
        ({"synthetic": [0, 1, 2]}, "True or False"),
        ({"quality": [0.5, 1.5, 0.5], "finish": DIMP}, "got 1.5 at position 1"),
        ({"quality": [0.5, np.nan, 0.5], "finish": DIMP}, "got nan at position 1"),
        ({"quality": [0.5], "finish": DIMP}, "1 values for 3 rows"),
        ({"quality": [0.5, 0.5, 0.5]}, r"belong together.*Dimp\(\).finisher"),
        ({"finish": DIMP}, "belong together"),
    ],
)
def test_bad_row_weights(arguments, match):
    given = {"sample_weight": [1, 1, 1], "synthetic": [False, True, True], **arguments}
    with pytest.raises(ValueError, match=match):
        RowWeights(**given)


def test_what_finishes_weights_is_callable():
    with pytest.raises(TypeError, match=r"finish must be callable, got Dimp\(\)"):
        RowWeights([1, 1], [False, True], [0.5, 0.5], finish=Dimp())


@pytest.mark.parametrize("row", [0, -1, np.int64(2)])
def test_one_row_of_the_weights_is_taken_as_an_array(row):
    weights = RowWeights([1, 0.5, 0.25], [False, True, True])
    with pytest.raises(TypeError, match=rf"weights\[\[{row}\]\]"):
        weights[row]
    assert weights[[row]].sample_weight.tolist() == [weights.sample_weight[row]]
    with pytest.raises(TypeError, match="several rows"):
        list(weights)


def test_row_weights_are_split_with_the_rows(settings, reviews):
    """As an array: by position, by mask, and by scikit-learn's cross-validation."""
    quality = np.linspace(0, 1, 60)
    finish = Dimp(clip=3.0).finisher(2.0)
    found = RowWeights(np.arange(60), np.arange(60) >= 30, quality, finish)
    for part in (found[[3, 50]], found[np.isin(np.arange(60), [3, 50])]):
        assert part.sample_weight.tolist() == [3, 50]
        assert part.synthetic.tolist() == [False, True]
        assert part.quality.tolist() == quality[[3, 50]].tolist()
        assert part.finish == finish
    search = GridSearchCV(BertClassifier(**settings, max_epochs=1), {}, error_score="raise", cv=2)
    assert search.fit(*reviews, row_weights=found).best_score_ > 0
    assert clone(found, safe=False).times(np.full(60, 2.0)).sample_weight[50] == 100


def test_weighted_rows(settings, reviews):
    from sklw.pipeline import Weighted

    X, y = reviews
    weights = np.linspace(0.1, 2, 60)
    finish = Dimp(clip=3.0).finisher(2.0)
    found = RowWeights(weights, np.arange(60) % 2 == 0, np.full(60, 0.8), finish)
    carrier = Weighted(X, found)
    assert carrier.sample_weight is found.sample_weight
    expected = proba(settings, X, y, X, row_weights=found)
    assert np.array_equal(proba(settings, carrier, y, X), expected)
    for twice in ({"sample_weight": weights}, {"row_weights": found}):
        with pytest.raises(ValueError, match="twice"):
            BertClassifier(**settings).fit(carrier, y, **twice)


@pytest.mark.parametrize("factors", [[2.0], np.ones(4), np.ones((3, 1))])
def test_factors_are_one_for_each_row_or_one_for_all(factors):
    weights = RowWeights(np.ones(3), np.zeros(3, dtype=bool))
    assert weights.times(2).sample_weight.tolist() == [2.0, 2.0, 2.0]
    assert weights.times([1, 2, 3]).sample_weight.tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(ValueError, match=r"for 3 rows\. Pass one number"):
        weights.times(factors)
