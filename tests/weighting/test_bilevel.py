import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from scipy.special import logsumexp
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression

from sklw import BertClassifier, SyntheticWeighter
from sklw.weighting import Hu, SunGen
from sklw.weighting.methods import BaseBilevel, Rule

METHODS = [Hu, SunGen]


class Watching(BaseBilevel):
    """Trains with weights of 1 and keeps the first slopes, those of the step of a zero head."""

    def __init__(self, at=None):
        super().__init__()
        self.at = at

    def rule(self, n_rows):
        found, at = {}, self.at

        class Kept(Rule):
            def propose(self, rows, losses):
                return None if at is None else torch.tensor(at)[rows - 6]

            def update(self, rows, losses, slopes):
                found.setdefault("first", (rows.numpy() - 6, slopes.double().numpy()))
                return torch.ones(len(rows))

        self.__class__.found = found
        return Kept()


@pytest.mark.parametrize("weights", [None, [0.5, 2.0, 0.0, 1.0, 0.3]])
def test_slopes_equal_finite_differences(weights):
    X = np.random.default_rng(0).normal(size=(11, 4))
    y = np.array([0, 1, 2] * 3 + [0, 1])
    SyntheticWeighter(Watching(weights), random_state=0).fit(X, y, np.arange(11) >= 6)
    rows, slopes = Watching.found["first"]
    X = (X - X[:6].mean(axis=0)) / X[:6].std(axis=0)  # a head reads columns scaled by real rows
    X = np.column_stack([X, np.ones(11)])
    start = np.zeros(5) if weights is None else np.array(weights)
    # The head is zero and each class has the probability 1/3: so the gradient of a row's loss.
    gradients = X[6:, None] * (1 / 3 - np.eye(3)[y[6:]])[:, :, None]

    def loss_after_step(at):
        logits = X[:6] @ -np.einsum("i,ikj->jk", at / 5, gradients)
        return np.mean(logsumexp(logits, axis=1) - logits[np.arange(6), y[:6]])

    for row, slope in zip(rows, slopes, strict=True):
        nudge = np.eye(5)[row] * 1e-5
        expected = (loss_after_step(start + nudge) - loss_after_step(start - nudge)) / 2e-5
        assert slope == pytest.approx(expected, rel=1e-3, abs=1e-6)


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
def test_wrong_labels_lose_weight(method, capfd):
    X, y, synthetic, flipped = noisy()
    weighter = SyntheticWeighter(method(), random_state=0).fit(X, y, synthetic=synthetic)
    assert capfd.readouterr().err == ""  # no progress unless asked for
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


def mislabelled(reviews):
    texts, labels = np.array(reviews[0], dtype=object), reviews[1].copy()
    wrong = np.arange(60) >= 50
    labels[wrong] = np.where(labels[wrong] == "up", "down", "up")
    return texts, labels, np.arange(60) >= 30, wrong


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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
