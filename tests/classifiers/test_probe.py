"""Where the head starts: at a logistic regression on the untrained encoder."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch.utils.data import Subset

from sklw import BertClassifier, RowWeights
from sklw.feature_extraction import TextEmbedder
from sklw.weighting import Dimp

STILL = {"lr": 1e-12, "max_epochs": 1, "batch_size": 8, "random_state": 0}


@pytest.fixture(scope="module")
def texts():
    good = [f"a {word} film, I loved it" for word in ("great", "warm", "fine", "clever", "funny")]
    bad = [f"a {word} film, I hated it" for word in ("dull", "awful", "poor", "empty", "silly")]
    return [*good, *bad], [*["good"] * 5, *["bad"] * 5]


def test_rows_drawn_stand_for_all(tiny):
    """The head sees about 512 rows, small classes in full, and is right about their shares."""
    seen = []

    class Noting(BertClassifier().module):
        def embed(self, input_ids, attention_mask):
            if not self.training:
                seen.append(len(input_ids))
            return super().embed(input_ids, attention_mask)

    y = np.repeat(["rare", "often"], [100, 1900])
    settings = {**STILL, "batch_size": 500, "module": Noting}
    classifier = BertClassifier(tiny, **settings).fit(["the film"] * 2000, y)
    assert sum(seen) == 100 + 256
    often = classifier.predict_proba(["the film"])[0, 0]
    assert often == pytest.approx(0.95, abs=0.01)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_starts_at_a_logistic_regression(texts, n_classes):
    X, y = texts[0], [*texts[1][:-2], *["odd"] * 2] if n_classes == 3 else texts[1]
    weights = np.linspace(0.5, 2, len(y))
    found = BertClassifier(**STILL).fit(X, y, sample_weight=weights).predict_proba(X)
    features = TextEmbedder().fit_transform(X).astype(float)
    features -= features.mean(axis=1, keepdims=True)
    features /= features.std(axis=1, keepdims=True)
    probe = LogisticRegression(C=1 / len(X), max_iter=1000)
    probe.fit(features, y, sample_weight=weights / weights.mean())
    assert found == pytest.approx(probe.predict_proba(features), abs=0.03)


@pytest.mark.slow
def test_random_start_knows_nothing(texts):
    clf = BertClassifier(**STILL, head_init="random").fit(*texts)
    assert clf.predict_proba(texts[0]) == pytest.approx(0.5, abs=0.3)
    assert clf.module_.head.bias.abs().max() < 1e-6


@pytest.mark.slow
def test_quality_weighs_too(texts):
    X, y = texts
    made = np.array(y) == "good"
    doubted = RowWeights(np.ones(len(y)), made, np.full(len(y), 0.01), Dimp().finisher(1.0))
    trusting = BertClassifier(**STILL).fit(X, y)
    doubting = BertClassifier(**STILL).fit(X, y, row_weights=doubted)
    at = list(trusting.classes_).index("good")
    assert (doubting.predict_proba(X)[:, at] < trusting.predict_proba(X)[:, at]).all()


@pytest.mark.slow
def test_a_head_that_has_learnt_is_kept(texts, tmp_path):
    X, y = texts
    flipped = ["bad" if label == "good" else "good" for label in y]
    clf = BertClassifier(**STILL, warm_start=True).fit(X, y)
    head = clf.module_.head.weight.clone()
    clf.fit(X, flipped).partial_fit(X, flipped)
    assert torch.allclose(clf.module_.head.weight, head, atol=1e-6)
    clf.save_params(f_params=tmp_path / "weights.pt")
    loaded = BertClassifier(**STILL, classes=["bad", "good"]).initialize()
    loaded.load_params(f_params=tmp_path / "weights.pt")
    loaded.partial_fit(X, flipped)
    assert torch.allclose(loaded.module_.head.weight, head, atol=1e-6)


def test_a_class_without_rows_leaves_the_head_alone(texts):
    clf = BertClassifier(**STILL, classes=["bad", "good", "new"]).partial_fit(*texts)
    assert (clf.module_.head.bias.abs() < 1e-6).all()


@pytest.mark.slow
def test_rows_held_out_are_not_seen(texts):
    def halves(dataset, y=None):
        return Subset(dataset, range(10)), Subset(dataset, range(10, 20))

    X = [*texts[0], *(f"{text}!" for text in texts[0])]
    heads = [
        BertClassifier(**STILL, train_split=halves).fit(X, [*texts[1], *held]).module_.head.weight
        for held in (texts[1], texts[1][::-1])
    ]
    assert torch.equal(*heads)


def test_a_module_of_ones_own_starts_as_it_is(texts):
    class Plain(torch.nn.Module):
        def __init__(self, encoder, n_classes, **settings):
            super().__init__()
            self.encoder, self.head = encoder, torch.nn.Linear(384, n_classes)
            torch.nn.init.zeros_(self.head.weight)

        def forward(self, input_ids, attention_mask):
            states = self.encoder(input_ids=input_ids, attention_mask=attention_mask)
            return self.head(states.last_hidden_state[:, 0].float())

    clf = BertClassifier(**STILL, module=Plain).fit(*texts)
    assert clf.module_.head.weight.abs().max() < 1e-6
