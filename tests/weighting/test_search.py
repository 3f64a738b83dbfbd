"""Methods that choose by cross-validation on the real rows."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from sklw import SyntheticWeighter
from sklw.weighting import Auto, Mix


def blobs(n_real=60, n_made=300, *, wrong=0.0, seed=0):
    """Real and generated rows of two classes; a share of the generated has the wrong label."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n_real + n_made) % 2
    X = rng.normal(size=(n_real + n_made, 5))
    X[:, 0] += 1.5 * (2 * labels - 1)
    synthetic = np.arange(n_real + n_made) >= n_real
    flipped = synthetic & (rng.random(len(labels)) < wrong)
    return X, np.where(flipped, 1 - labels, labels), synthetic, flipped


@pytest.mark.slow
def test_good_rows_are_used_and_bad_rows_are_not():
    X, y, synthetic, _ = blobs(n_real=30)
    good = SyntheticWeighter("auto", random_state=0).fit(X, y, synthetic)
    assert good.best_params_["synthetic_weight"] > 0
    assert good.sample_weight_[synthetic].sum() > 0
    X, y, synthetic, _ = blobs(wrong=1.0)
    bad = SyntheticWeighter("mix", random_state=0).fit(X, y, synthetic)
    assert bad.best_params_ == {
        "method": "uniform",
        "temperature": 1.0,
        "synthetic_weight": 0.0,
    }
    assert (bad.sample_weight_[synthetic] == 0).all()
    assert (bad.sample_weight_[~synthetic] == 1).all()


@pytest.mark.slow
def test_wrong_labels_get_little_weight():
    X, y, synthetic, flipped = blobs(wrong=0.3)
    weighter = SyntheticWeighter("auto", random_state=0).fit(X, y, synthetic)
    assert weighter.best_params_["method"] in {"quality", "imp"}
    made = weighter.sample_weight_
    assert made[flipped].mean() < 0.3 * made[synthetic & ~flipped].mean()


def test_results_show_the_choice():
    X, y, synthetic, _ = blobs(wrong=0.3)
    weighter = SyntheticWeighter("auto", random_state=0).fit(X, y, synthetic)
    table = weighter.auto_results_
    assert table["synthetic_weight"].iloc[0] == 0
    favourite = table.query("method == 'quality' and temperature == 0.5").iloc[1]
    assert favourite["difference"] == 0
    gain = table["balanced_accuracy"] - favourite["balanced_accuracy"]
    assert np.allclose(table["difference"], gain)
    best = table.set_index("chosen").loc[True]
    assert weighter.best_params_.items() <= best.to_dict().items()
    again = clone(weighter).set_params(**weighter.best_params_).fit(X, y, synthetic)
    assert again.auto_results_.empty
    assert np.array_equal(again.sample_weight_, weighter.sample_weight_)


@pytest.mark.slow
def test_same_result_in_two_processes():
    X, y, synthetic, _ = blobs(wrong=0.3)
    tables = [
        SyntheticWeighter("auto", random_state=3, n_jobs=n).fit(X, y, synthetic).auto_results_
        for n in (None, 2)
    ]
    assert tables[0].equals(tables[1])


def test_children_of_held_out_rows_are_left_out():
    """Copies of real rows with random labels: whoever trains on the children of a row knows it."""
    rng = np.random.default_rng(0)
    X_real, y_real = rng.normal(size=(40, 200)), rng.permutation(np.arange(40) % 2)
    X, y = np.vstack([X_real, X_real + 1e-9]), np.concatenate([y_real, y_real])
    synthetic = np.arange(80) >= 40
    parents = [*[np.array([], dtype=int)] * 40, *[np.array([row]) for row in range(40)]]
    leaking = SyntheticWeighter("mix", random_state=0).fit(X, y, synthetic).auto_results_
    honest = SyntheticWeighter("mix", random_state=0).fit(X, y, synthetic, parents).auto_results_
    assert leaking["log_loss"].iloc[-1] < 0.5 * leaking["log_loss"].iloc[0]
    assert honest["log_loss"].iloc[-1] > 0.8 * honest["log_loss"].iloc[0]


def test_synthetic_rows_have_their_total_weight_in_each_fold(monkeypatch):
    """Others make up for the rows that a fold leaves out, be they children or too many."""
    found, fit = [], LogisticRegression.fit

    def noted(self, features, labels, weights=None):
        made = features[:, -1] == 1
        found.append((made.sum(), weights[made].sum()))
        return fit(self, features, labels, weights)

    monkeypatch.setattr(LogisticRegression, "fit", noted)
    for n_made, n_children, most in ((3200, 120, 3000), (120, 120, 119)):
        X, y, synthetic, _ = blobs(n_real=40, n_made=n_made)
        X[:, -1] = synthetic
        parents = [[row % 40] if row < n_children else [] for row in range(n_made)]
        found.clear()
        SyntheticWeighter("mix", random_state=0).fit(X, y, synthetic, parents)
        assert max(n for n, total in found if total) <= most
        totals = {round(total / n_made, 9) for _, total in found}
        assert totals == {0.0, 0.1, 0.3, 1.0}


@pytest.mark.parametrize("method", ["mix", "auto"])
@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_a_fold_may_hold_all_real_rows_that_are_trained_on(method, class_weight):
    """Without them and without synthetic rows nothing is learned there: it counts as a miss."""
    X, y, synthetic, _ = blobs(n_real=40, n_made=20)
    rows = np.r_[0, 40:60]
    parents = [np.array([], dtype=int)] * 21
    reference = X[~synthetic], y[~synthetic]
    weighter = SyntheticWeighter(
        method, reference=reference, class_weight=class_weight, random_state=0
    ).fit(X[rows], y[rows], None, parents)
    scores = weighter.auto_results_.set_index("synthetic_weight")["log_loss"]
    assert scores[0.0] == pytest.approx(-np.log(1e-4))
    assert weighter.synthetic_weight_ > 0


def test_scores_of_a_row_are_those_of_its_label():
    """Whatever fold a row is judged in: none of the rare class is found, and all of the other."""
    X, y = np.arange(60.0)[:, None], (np.arange(60) % 4 == 0).astype(int)
    table = SyntheticWeighter("mix", random_state=0).fit(X, y, np.arange(60) >= 40).auto_results_
    assert table["balanced_accuracy"].iloc[0] == 0.5


AUTO = Auto()


def table_of(hits, method=AUTO):
    candidates = [("uniform", 1.0, 0.0), ("quality", 0.5, 0.3), ("uniform", 1.0, 1.0)]
    scores = np.stack([np.log(2 - np.asarray(hits)), hits])  # half a nat for a miss
    return method.compare(candidates, *scores, np.arange(20) // 10)


def hits_of(*counts):
    return np.array([np.arange(20) < count for count in counts], dtype=float)


@pytest.mark.parametrize(("best", "chosen"), [(12, 1), (13, 2)])
def test_the_favourite_is_left_only_for_a_clearly_better_one(best, chosen):
    table = table_of(hits_of(8, 10, best))
    assert table["chosen"].tolist() == [row == chosen for row in range(3)]
    assert table["difference"].tolist() == pytest.approx([-0.1, 0, (best - 10) / 20])
    difference = hits_of(best)[0] - hits_of(10)[0]
    assert table["difference_se"][2] == pytest.approx(difference.std() / np.sqrt(20))


def test_mix_takes_the_best_and_of_equal_ones_the_least():
    assert table_of(hits_of(8, 10, 11), Mix())["chosen"].tolist() == [False, False, True]
    assert table_of(hits_of(10, 10, 10), Mix())["chosen"].tolist() == [True, False, False]


def test_classes_count_alike_in_the_balanced_accuracy():
    candidates = [("uniform", 1.0, 0.0)]
    hits = np.array([[1.0, 1.0, 1.0, 0.0]])
    labels = np.array([0, 0, 0, 1])
    table = Mix().compare(candidates, hits, hits, labels)
    assert table["balanced_accuracy"][0] == pytest.approx(0.5)
    assert table["log_loss"][0] == pytest.approx(0.75)
    even = Mix().compare(candidates, hits, hits, labels, class_weight="balanced")
    assert even["log_loss"][0] == 0.5


def test_the_log_loss_can_decide():
    hits, losses = hits_of(10, 10, 10), np.tile([[0.1], [1.0], [0.5]], 20)
    losses = losses + 0.01 * np.arange(20)
    candidates = [("uniform", 1.0, 0.0), ("quality", 0.5, 0.3), ("uniform", 1.0, 1.0)]
    labels = np.arange(20) // 10
    by_loss = Auto(scoring="log_loss").compare(candidates, losses, hits, labels)
    assert by_loss["chosen"].tolist() == [True, False, False]
    by_hits = Auto().compare(candidates, losses, hits, labels)
    assert by_hits["chosen"].tolist() == [False, True, False]


@pytest.mark.slow
def test_reference_apart_from_the_training_rows():
    """All rows to train on are synthetic: training without them is no choice."""
    X, y, synthetic, _ = blobs(wrong=0.2)
    weighter = SyntheticWeighter(
        "auto", reference=(X[~synthetic], y[~synthetic]), random_state=0
    ).fit(X[synthetic], y[synthetic])
    assert (weighter.auto_results_["synthetic_weight"] > 0).all()
    assert weighter.sample_weight_.any()


def test_unknown_parents_are_warned_of():
    X, y, synthetic, _ = blobs()
    with pytest.warns(UserWarning, match="Pass parent_indices"):
        SyntheticWeighter("mix", random_state=0).fit(X, y, synthetic)
    none = [np.array([], dtype=int)] * int(synthetic.sum())
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        SyntheticWeighter("mix", random_state=0).fit(X, y, synthetic, none)


@pytest.mark.slow
def test_real_rows_of_weight_zero_are_no_candidate():
    X, y, synthetic, _ = blobs()
    weighter = SyntheticWeighter("auto", real_weight=0, random_state=0).fit(X, y, synthetic)
    assert (weighter.auto_results_["synthetic_weight"] > 0).all()


def test_no_synthetic_rows():
    X, y, synthetic, _ = blobs()
    weighter = SyntheticWeighter("auto").fit(X, y, np.zeros_like(synthetic))
    assert (weighter.sample_weight_ == 1).all()
    assert weighter.auto_results_.empty


@pytest.mark.slow
@pytest.mark.parametrize("n_rare", [1, 2, 3])
def test_hardly_any_rows_of_a_class(n_rare):
    X, y, synthetic, _ = blobs()
    rare = np.flatnonzero(~synthetic & (y == 1))[n_rare:]
    X, y, synthetic = (np.delete(values, rare, axis=0) for values in (X, y, synthetic))
    weighter = SyntheticWeighter("auto", class_weight="balanced", random_state=0)
    weighter.fit(X, y, synthetic)
    assert np.isfinite(weighter.auto_results_["log_loss"]).all()
    assert np.isfinite(weighter.sample_weight_).all()


def test_unknown_which_rows_are_synthetic():
    X, y, _, _ = blobs()
    with pytest.raises(ValueError, match="cannot know which rows are synthetic"):
        SyntheticWeighter("auto").fit(X, y)


def test_one_real_row_of_each_class():
    X, y, synthetic, _ = blobs(n_real=2)
    with pytest.raises(ValueError, match="one real row"):
        SyntheticWeighter("auto").fit(X, y, synthetic)


@pytest.mark.parametrize("method", ["auto", "mix"])
def test_rows_that_were_generated_from_every_fold_cannot_be_judged(method):
    X, y, synthetic, _ = blobs(n_real=30, n_made=6)
    parents = [np.arange(30)] * 6
    with pytest.warns(UserWarning, match="each was generated from real rows of all 5 folds"):
        weighter = SyntheticWeighter(method, random_state=0).fit(
            X, y, synthetic, parent_indices=parents
        )
    assert np.isfinite(weighter.sample_weight_).all()
    if method == "auto":
        assert weighter.best_params_["method"] == "quality"
        assert (weighter.sample_weight_[synthetic] > 0).any()
