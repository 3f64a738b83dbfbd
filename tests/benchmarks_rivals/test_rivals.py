"""The methods of benchmarks/rivals, which know sklw's public interface alone."""

import pickle
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from sklw import BertClassifier, RowWeights, SyntheticWeighter, make_pipeline
from sklw.weighting import Imp, Quality

FOLDER = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(FOLDER))

from rivals import (  # noqa: E402
    Clipped,
    Diversity,
    Domain,
    MetaWeightNet,
    OutOfFoldImp,
    Ren,
    Rho,
)

METHODS = [Clipped(Imp()), Diversity(), Domain(), MetaWeightNet(), OutOfFoldImp(), Ren(), Rho()]


def shifted(seed=0):
    """Real rows around 0 and 4; half of the synthetic rows lie where no real row does."""
    rng = np.random.default_rng(seed)
    y = np.arange(400) % 2
    synthetic = np.arange(400) >= 100
    X = rng.normal(size=(400, 3))
    X[:, 0] += 4 * y
    strange = synthetic & (rng.random(400) < 0.5)
    X[strange, 1] += 5
    return X, y, synthetic, strange


def wrong_labels():
    rng = np.random.default_rng(0)
    y = np.arange(300) % 2
    X = rng.normal(size=(300, 2))
    X[:, 0] += 4 * y
    synthetic = np.arange(300) >= 100
    wrong = synthetic & (rng.random(300) < 0.3)
    return X, np.where(wrong, 1 - y, y), synthetic, wrong


def test_they_import_public_names_alone():
    for path in (FOLDER / "rivals").glob("*.py"):
        lines = path.read_text("utf-8").splitlines()
        imports = [line for line in lines if line.startswith(("from sklw", "import sklw"))]
        assert not [line for line in imports if "._" in line]


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_weights_can_be_trained_with(method):
    X, y, synthetic, _ = wrong_labels()
    weighter = SyntheticWeighter(method, random_state=0).fit(X, y, synthetic)
    weights = weighter.sample_weight_
    assert np.isfinite(weights).all()
    assert (weights >= 0).all()
    assert weights[synthetic].mean() == pytest.approx(1)
    again = pickle.loads(pickle.dumps(weighter)).fit(X, y, synthetic)
    np.testing.assert_array_equal(again.sample_weight_, weights)


@pytest.mark.parametrize("method", [Ren(), MetaWeightNet()])
def test_wrong_labels_lose_weight(method):
    X, y, synthetic, wrong = wrong_labels()
    for rows in (X, csr_matrix(X)) if isinstance(method, Ren) else (X,):
        weights = SyntheticWeighter(method, random_state=0).fit(rows, y, synthetic).sample_weight_
        assert weights[wrong].mean() < 0.5 * weights[synthetic & ~wrong].mean()


def test_all_rows_found_wrong_get_no_weight():
    y, synthetic = np.arange(300) % 2, np.arange(300) >= 100
    X = np.random.default_rng(0).normal(size=(300, 2)) + 6 * y[:, None]
    weighter = SyntheticWeighter(Ren(), random_state=0)
    weighter.fit(X, np.where(synthetic, 1 - y, y), synthetic=synthetic)
    assert weighter.sample_weight_[synthetic].mean() < 0.3
    assert (weighter.sample_weight_[~synthetic] == 1).all()


def test_rens_weights_by_hand():
    """Slopes of -1, 3 and -2: the rows that lower the loss count, with mean 1."""
    slopes = torch.tensor([-1.0, 3.0, -2.0])
    weights = Ren().rule(3).update(torch.arange(3), torch.zeros(3), slopes)
    np.testing.assert_allclose(weights, [1.0, 0.0, 2.0])
    assert not Ren().rule(2).update(torch.arange(2), torch.zeros(2), torch.ones(2)).any()


def test_the_net_gives_rows_of_one_loss_one_weight_and_learns_from_slopes():
    torch.manual_seed(0)
    rule, losses = MetaWeightNet().rule(4), torch.tensor([0.1, 3.0, 0.1, 3.0])
    for _ in range(200):
        weights = rule.update(torch.arange(4), losses, torch.tensor([-1.0, 1.0, -1.0, 1.0]))
    assert weights[0] == weights[2] > 2 * weights[1]


@pytest.mark.slow
@pytest.mark.parametrize("method", [Ren, MetaWeightNet])
def test_weights_can_be_learned_in_a_whole_bert(method, settings, reviews):
    texts, labels = np.array(reviews[0], dtype=object), reviews[1].copy()
    wrong, synthetic = np.arange(60) >= 50, np.arange(60) >= 30
    labels[wrong] = np.where(labels[wrong] == "up", "down", "up")
    bert = BertClassifier(**settings, max_epochs=4)
    weighter = SyntheticWeighter(method(bert), random_state=0).fit(texts, labels, synthetic)
    weights = weighter.sample_weight_
    assert weights[wrong].mean() < weights[synthetic & ~wrong].mean()


@pytest.mark.parametrize("kind", [np.asarray, csr_matrix, pd.DataFrame])
def test_domain_prefers_rows_from_where_real_rows_are(kind):
    X, y, synthetic, strange = shifted()
    X = kind(X)
    if kind is pd.DataFrame:  # with a category, so that it stays a frame
        X = X.set_axis(["a", "b", "c"], axis=1).assign(kind="a")
    weights = SyntheticWeighter(Domain()).fit(X, y, synthetic=synthetic).sample_weight_
    assert weights[strange].mean() < 0.3 * weights[synthetic & ~strange].mean()


def test_domain_does_not_use_how_often_a_class_was_generated():
    rng = np.random.default_rng(0)
    y = np.concatenate([np.arange(100) % 2, np.arange(600) % 6 == 0]).astype(int)
    X = rng.normal(size=(700, 2))
    X[:, 0] += 4 * y
    synthetic = np.arange(700) >= 100
    weighter = SyntheticWeighter(Domain(), normalize=None).fit(X, y, synthetic=synthetic)
    for label in (0, 1):
        of_label = weighter.sample_weight_[synthetic & (y == label)]
        assert np.median(of_label) == pytest.approx(1, abs=0.3)


def test_domain_leaves_classes_of_few_real_rows_alone():
    X, y, synthetic, _ = shifted()
    kept = synthetic | (y == 0) | (np.cumsum(~synthetic & (y == 1)) <= 4)
    weighter = SyntheticWeighter(Domain(), normalize=None)
    weights = weighter.fit(X[kept], y[kept], synthetic=synthetic[kept]).sample_weight_
    np.testing.assert_array_equal(weights[synthetic[kept] & (y[kept] == 1)], 1)


def test_diversity_is_the_reciprocal_of_q():
    X, y, synthetic, _ = wrong_labels()
    weighter = SyntheticWeighter(Diversity(), normalize=None).fit(X, y, synthetic=synthetic)
    found = weighter.sample_weight_[synthetic]
    np.testing.assert_allclose(found, np.minimum(1 / weighter.diversity_[synthetic], 10))
    assert np.isnan(weighter.quality_).all()
    assert "Q " in weighter.report(X, y).frame["reason"].iloc[-1]
    with pytest.warns(UserWarning, match="a few rows carry nearly all"):
        SyntheticWeighter(Diversity(clip=1e9), temperature=0.01).fit(X, y, synthetic=synthetic)


def test_out_of_fold_diversity_is_lower_for_a_checker_that_remembers():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(120, 2)), np.arange(120) % 2
    synthetic, neighbour = np.arange(120) >= 40, KNeighborsClassifier(1)
    inside, outside = (
        SyntheticWeighter(method, normalize=None).fit(X, y, synthetic=synthetic)
        for method in (Imp(neighbour), OutOfFoldImp(neighbour))
    )
    np.testing.assert_array_equal(inside.diversity_[synthetic], 1)
    assert outside.diversity_[synthetic].mean() < 0.7
    ratio = outside.quality_ / np.maximum(outside.diversity_, 1e-6)
    np.testing.assert_allclose(outside.sample_weight_[synthetic], np.minimum(ratio, 10)[synthetic])


def test_a_quantile_bounds_the_weights():
    X, y, synthetic, _ = wrong_labels()
    free, bound = (
        SyntheticWeighter(method, normalize=None, random_state=0).fit(X, y, synthetic=synthetic)
        for method in (Quality(), Clipped(Quality(), quantile=0.5))
    )
    raw = np.sqrt(free.sample_weight_[synthetic])  # the temperature is 0.5
    median = np.quantile(raw, 0.5)
    np.testing.assert_allclose(bound.sample_weight_[synthetic], np.minimum(raw, median) ** 2)
    assert bound.effective_sample_size_ > free.effective_sample_size_


def test_rho_selects_the_rows_of_the_largest_ratio():
    quality, log_p = torch.tensor([0.9, 0.1, 0.6, 0.0, 0.7]), torch.tensor([0.5] * 5).log()
    for share, expected in ((0.4, [2.5, 0, 0, 0, 2.5]), (1e-6, [5, 0, 0, 0, 0]), (1.0, [1] * 5)):
        found = Rho(share).finisher(1.0)(quality, log_p)
        np.testing.assert_allclose(found, expected)
    sure_of_the_first = torch.tensor([0.99, 0.01, 0.5, 0.5, 0.5]).log()
    found = Rho(0.2).finisher(1.0)(quality, sure_of_the_first)
    np.testing.assert_allclose(found, [0, 5, 0, 0, 0])


def test_rho_leaves_the_selection_to_the_classifier():
    X, y, synthetic, _ = wrong_labels()
    weighter = SyntheticWeighter(Rho(0.2)).fit(X, y, synthetic=synthetic)
    assert weighter.emitted_arguments() == ("row_weights",)
    assert weighter.row_weights_.finish.share == 0.2
    np.testing.assert_array_equal(weighter.row_weights_.synthetic, synthetic)
    pipe = make_pipeline(SyntheticWeighter(Rho()), LogisticRegression())
    with pytest.raises(TypeError, match="use BertClassifier"):
        pipe.fit(X, y, syntheticweighter__synthetic=synthetic)


def test_rho_trains_on_the_trusted_rows(settings, reviews):
    X, y = reviews
    wrong = np.arange(60) >= 40
    labels = np.where(wrong, np.where(y == "up", "down", "up"), y)
    quality = np.where(wrong, 0.01, 0.99)
    model = BertClassifier(**settings, max_epochs=20)
    every = np.ones(60, dtype=bool)
    weights = RowWeights(np.ones(60), every, quality, Rho(0.3).finisher(1.0))
    assert model.fit(X, labels, row_weights=weights).score(X, y) > 0.9
