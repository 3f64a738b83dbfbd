import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression

from sklw import BertClassifier, SyntheticWeighter
from sklw.weighting import Hu, SunGen

# Private: the derivative that these methods rest on, against finite differences.
from sklw.weighting._learning import weight_slopes

METHODS = [Hu, SunGen]


class TinyProblem:
    """Five rows and three reference rows of a softmax regression in double precision."""

    def __init__(self):
        rng = torch.Generator().manual_seed(0)
        draw = {"generator": rng, "dtype": torch.float64}
        self.params = {"weight": torch.randn(3, 4, **draw), "bias": torch.randn(3, **draw)}
        self.rows, self.codes = torch.randn(5, 4, **draw), torch.tensor([0, 1, 2, 0, 1])
        self.reference = torch.randn(3, 4, **draw)

    def losses(self, params):
        logits = self.rows @ params["weight"].T + params["bias"]
        return torch.nn.functional.cross_entropy(logits, self.codes, reduction="none")

    def outer_loss(self, params):
        logits = self.reference @ params["weight"].T + params["bias"]
        return torch.nn.functional.cross_entropy(logits, torch.tensor([2, 0, 1]))

    def outer_loss_after_step(self, weights, step):
        params = {k: v.clone().requires_grad_() for k, v in self.params.items()}
        gradient = torch.autograd.grad((weights * self.losses(params)).mean(), params.values())
        moved = {
            name: value.detach() - step * part
            for (name, value), part in zip(params.items(), gradient, strict=True)
        }
        return float(self.outer_loss(moved))


@pytest.mark.parametrize("weights", [None, [0.5, 2.0, 0.0, 1.0, 0.3]])
def test_slopes_equal_finite_differences(weights):
    tiny, step, h = TinyProblem(), 0.7, 1e-5
    at = None if weights is None else torch.tensor(weights, dtype=torch.float64)
    slopes = weight_slopes(tiny.losses, tiny.outer_loss, tiny.params, at, step)
    start = torch.zeros(5, dtype=torch.float64) if at is None else at
    for row in range(5):
        nudge = torch.zeros(5, dtype=torch.float64)
        nudge[row] = h
        above, below = (tiny.outer_loss_after_step(start + s * nudge, step) for s in (1, -1))
        assert float(slopes[row]) == pytest.approx((above - below) / (2 * h), rel=1e-6, abs=1e-9)


def test_hus_weights_by_hand():
    rule, rows = Hu().rule(3), torch.tensor([2, 0])
    losses, slopes = torch.zeros(2), torch.tensor([-1.0, 3.0])
    # Slopes over their mean size: -0.5 and 1.5. From weights of 0: 0.5 and the floor.
    first = rule.update(rows, losses, slopes)
    np.testing.assert_allclose(first, np.array([0.5, 1e-5]) / np.mean([0.5, 1e-5]), rtol=1e-5)
    np.testing.assert_allclose(rule.weights, [1e-5, 0, 0.5])
    second = rule.update(rows, losses, slopes)
    np.testing.assert_allclose(second[0] / second[1], (0.5 / 10 + 0.5) / 1e-5, rtol=1e-4)


def noisy(seed=0, n_made=300, noise=0.3):
    centres = [[-1.5, 0.0], [1.5, 0.0]]
    X, y = make_blobs(100 + n_made, centers=centres, cluster_std=1.0, random_state=seed)
    flipped = np.random.default_rng(seed).random(len(y)) < noise
    flipped[:100] = False
    return X, np.where(flipped, 1 - y, y), np.arange(len(y)) >= 100, flipped


@pytest.mark.parametrize("method", METHODS)
def test_wrong_labels_lose_weight(method):
    X, y, synthetic, flipped = noisy()
    weighter = SyntheticWeighter(method(), random_state=0).fit(X, y, synthetic=synthetic)
    weights = weighter.sample_weight_
    assert weights[flipped].mean() < 0.5 * weights[synthetic & ~flipped].mean()
    assert np.isfinite(weights).all()
    assert (weights >= 0).all()
    assert weights[synthetic].mean() == pytest.approx(1)
    again = SyntheticWeighter(method(), random_state=0).fit(X, y, synthetic=synthetic)
    np.testing.assert_array_equal(weights, again.sample_weight_)


def test_sungen_needs_no_real_rows():
    X, y, synthetic, flipped = noisy()
    X, y, flipped = X[synthetic], y[synthetic], flipped[synthetic]
    weighter = SyntheticWeighter("sungen", random_state=0)
    weights = weighter.fit(X, y, synthetic=np.ones(len(y), dtype=bool)).sample_weight_
    assert weights[flipped].mean() < 0.5 * weights[~flipped].mean()


def test_the_progress_is_shown_if_asked_for(capfd, monkeypatch):
    monkeypatch.setattr("sklw._progress._SECONDS", 0.0)
    X, y, synthetic, _ = noisy()
    SyntheticWeighter("hu", random_state=0).fit(X, y, synthetic=synthetic)
    assert capfd.readouterr().err == ""
    SyntheticWeighter("hu", random_state=0, verbose=True).fit(X, y, synthetic=synthetic)
    assert "learning weights" in capfd.readouterr().err


def mislabelled(reviews):
    texts, labels = np.array(reviews[0], dtype=object), reviews[1].copy()
    wrong = np.arange(60) >= 50
    labels[wrong] = np.where(labels[wrong] == "up", "down", "up")
    return texts, labels, np.arange(60) >= 30, wrong


@pytest.mark.parametrize("method", METHODS)
def test_weights_can_be_learned_in_a_whole_bert(method, settings, reviews):
    texts, labels, synthetic, wrong = mislabelled(reviews)
    bert = BertClassifier(**settings, max_epochs=4)
    weighter = SyntheticWeighter(method(bert), random_state=0)
    weights = weighter.fit(texts, labels, synthetic=synthetic).sample_weight_
    assert np.isfinite(weights).all()
    assert weights[synthetic].mean() == pytest.approx(1)
    assert weights[wrong].mean() < weights[synthetic & ~wrong].mean()
    assert not bert.initialized_  # it is a pattern, not used up


def test_a_whole_bert_is_trained_while_the_weights_are_learned(settings, reviews):
    """Were only the head trained, frozen layers would give other weights than free ones."""
    texts, labels, synthetic, _ = mislabelled(reviews)

    class Frozen(BertClassifier):
        def initialize_module(self):
            super().initialize_module()
            self.module_.encoder.requires_grad_(False)
            return self

    found = [
        SyntheticWeighter(Hu(kind(**settings, max_epochs=2)), random_state=0)
        .fit(texts, labels, synthetic=synthetic)
        .sample_weight_
        for kind in (BertClassifier, Frozen)
    ]
    assert not np.allclose(*found, rtol=1e-3)


def test_sparse_tables():
    X, y, synthetic, flipped = noisy()
    weighter = SyntheticWeighter("sungen", random_state=0)
    weights = weighter.fit(csr_matrix(X), y, synthetic=synthetic).sample_weight_
    assert weights[flipped].mean() < 0.5 * weights[synthetic & ~flipped].mean()


def test_only_a_bert_can_be_the_model():
    _, y, synthetic, _ = noisy()
    texts = np.array([f"row {i}" for i in range(len(y))], dtype=object)
    with pytest.raises(TypeError, match="must be a BertClassifier"):
        SyntheticWeighter(Hu(LogisticRegression())).fit(texts, y, synthetic=synthetic)


def test_bert_on_numbers_is_an_error():
    X, y, synthetic, _ = noisy()
    with pytest.raises(ValueError, match=r'model="bert" reads texts.*Use "head"'):
        SyntheticWeighter(Hu("bert")).fit(X, y, synthetic=synthetic)
