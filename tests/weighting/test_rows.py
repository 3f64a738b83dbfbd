"""What SyntheticWeighter is told of each row: refused or used, never lost."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from sklw import SyntheticWeighter
from sklw.weighting import Imp, Mix

N, N_REAL = 60, 40
X, Y = make_classification(N, random_state=0)
MADE = np.arange(N) >= N_REAL
PARENTS = [np.array([i]) for i in range(N - N_REAL)]
GROUPS = np.array(["a", "b", "b"])[np.arange(N) % 3].astype(object)
EVEN = SyntheticWeighter("uniform", class_weight="balanced")


def at(position, value, values=GROUPS):
    changed = np.array(values, dtype=object)
    changed[position] = value
    return changed


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT, float("nan")])
@pytest.mark.parametrize("method", ["uniform", "auto"])
def test_a_missing_group_is_refused(method, missing):
    weighter = SyntheticWeighter(method, class_weight="balanced", random_state=0)
    for groups in (at(3, missing), at(50, missing).tolist(), pd.Series(at(3, missing))):
        with pytest.raises(ValueError, match="groups has 1 missing values"):
            weighter.fit(X, Y, MADE, PARENTS, groups=groups)


@pytest.mark.parametrize(
    "groups", [GROUPS[:-1], GROUPS[:N_REAL], np.tile(GROUPS[:, None], 2), ["a"] * (N + 1)]
)
def test_one_group_for_each_row(groups):
    with pytest.raises(ValueError, match="groups has"):
        EVEN.fit(X, Y, MADE, groups=groups)


def test_cells_have_the_same_total_whatever_groups_are():
    mixed = np.array([1, "1", None], dtype=object)[np.arange(N) % 3]
    mixed[mixed == None] = 2.5  # noqa: E711
    for groups in (
        mixed.tolist(),
        pd.Series(mixed, index=np.arange(N)[::-1]),
        pd.Categorical(GROUPS, categories=["z", "b", "a"]),
        pd.Series(GROUPS, dtype="string"),
        pd.date_range("2024-01-01", periods=3)[np.arange(N) % 3],
    ):
        weights = EVEN.fit(X, Y, MADE, groups=groups).sample_weight_
        keys = [f"{type(group).__name__} {group}" for group in groups]
        totals = pd.Series(weights).groupby([Y, np.array(keys)]).sum()
        assert len(totals) == 2 * len(set(keys))
        np.testing.assert_allclose(totals, N / len(totals))


@pytest.mark.parametrize(
    ("parents", "words"),
    [
        ([-1], "Row 40 has the parents"),
        ([0, N], "counted from 0"),
        ([10**12], "counted from 0"),
        ([1.5], "whole row numbers"),
        ([1.0], "whole row numbers"),
        ([True], "whole row numbers"),
        (["1"], "whole row numbers"),
        ([None], "whole row numbers"),
        ([np.nan], "whole row numbers"),
        ([[1, 2]], "whole row numbers"),
        (3, "whole row numbers"),
        ([0, 40], "its own parent"),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
def test_parents_that_cannot_be_are_refused(parents, words, whole):
    none = [[]] * N_REAL if whole else []
    given = [*none, parents, *PARENTS[1:]]
    for method in ("quality", "uniform", "auto"):
        with pytest.raises(ValueError, match=words):
            SyntheticWeighter(method).fit(X, Y, MADE, given)


def test_parents_in_any_container():
    expected = SyntheticWeighter(random_state=0).fit(X, Y, MADE, PARENTS).quality_
    for given in (
        [p.tolist() for p in PARENTS],
        np.array(PARENTS),
        np.array(PARENTS, dtype=np.uint8),
        pd.Series(PARENTS),
        tuple(tuple(p) for p in PARENTS),
        [[]] * N_REAL + PARENTS,
        [[row] for row in range(N_REAL)] + PARENTS,
    ):
        found = SyntheticWeighter(random_state=0).fit(X, Y, MADE, given).quality_
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("told", ["in a line", "in a circle"])
def test_no_row_is_judged_by_what_its_synthetic_parents_were_generated_from(told):
    rng = np.random.default_rng(0)
    real, labels = rng.normal(size=(100, 3)), rng.integers(0, 2, 100)  # nothing to be learned
    rows = np.vstack([real, real[:30] + 1e-6, real[:30] + 2e-6, real[:30] + 3e-6])
    labels, made = np.append(labels, np.tile(labels[:30], 3)), np.arange(190) >= 100
    parents = [[row] for row in range(30)] + [[row] for row in range(100, 160)]
    if told == "in a circle":
        parents[:30] = [[row, row + 160] for row in range(30)]
    weighter = SyntheticWeighter(checker=KNeighborsClassifier(1), random_state=0)
    quality = weighter.fit(rows, labels, made, parents).quality_
    for generation in (quality[100:130], quality[130:160], quality[160:]):
        np.testing.assert_array_equal(generation, quality[:30])


@pytest.mark.parametrize(
    "mask",
    [
        MADE[:-1],
        MADE[MADE],
        np.flatnonzero(MADE),
        at(0, None, MADE),
        at(0, pd.NA, MADE),
        at(0, np.nan, MADE),
        at(0, 2, MADE),
        MADE.astype(str),
        pd.array(at(0, pd.NA, MADE), dtype="boolean"),
    ],
)
@pytest.mark.parametrize("name", ["synthetic", "augmented"])
def test_masks_that_cannot_be_are_refused(mask, name):
    given = {"synthetic": MADE, name: mask}
    with pytest.raises(ValueError, match=f"{name} must hold one True or False"):
        SyntheticWeighter("uniform").fit(X, Y, **given)


@pytest.mark.parametrize("kind", [int, float, object, "boolean", list])
def test_masks_of_zeros_and_ones(kind):
    made = MADE.tolist() if kind is list else pd.Series(MADE).astype(kind)
    weighter = SyntheticWeighter("uniform", synthetic_weight=0.5, augmentation_weight=0.5)
    weights = weighter.fit(X, Y, made, augmented=made).sample_weight_
    np.testing.assert_array_equal(weights, np.where(MADE, 0.25, 1.0))


def test_a_real_row_is_not_augmented():
    with pytest.raises(ValueError, match="2 rows that are not synthetic, first at position 38"):
        SyntheticWeighter("uniform").fit(X, Y, MADE, augmented=np.arange(N) >= N_REAL - 2)


@pytest.mark.parametrize(
    ("labels", "error", "words"),
    [
        (at(5, None, Y), ValueError, "missing label at position 5"),
        (at(5, np.nan, Y), ValueError, "missing label at position 5"),
        (at(5, pd.NA, Y), ValueError, "missing label at position 5"),
        (at(5, None, Y).tolist(), ValueError, "missing label at position 5"),
        (np.where(np.arange(N) == 5, np.nan, Y), ValueError, "missing label at position 5"),
        (["ham"] * 30 + [1] * 30, TypeError, "one type"),
        (at(5, "1", Y), TypeError, "one type"),
    ],
)
def test_labels_that_cannot_be_are_refused(labels, error, words):
    with pytest.raises(error, match=words):
        SyntheticWeighter("uniform").fit(X, labels, MADE)
    with pytest.raises(error, match=words):
        SyntheticWeighter(reference=(X, labels)).fit(X, Y)


class Odd(ClassifierMixin, BaseEstimator):
    """A checker that has nothing to say about one row."""

    def __init__(self, value=np.nan):
        self.value = value

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.where(X[:, :1] == X_ODD, self.value, [[0.3, 0.7]])


X_ODD = X[50, 0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.2])
@pytest.mark.parametrize("method", ["quality", "imp", "dimp", "diversity", "confident"])
def test_a_checker_without_probabilities_is_named(method, value):
    pytest.importorskip("cleanlab")
    weighter = SyntheticWeighter(method, checker=Odd(value))
    if method == "diversity":
        weighter = SyntheticWeighter(Imp(diversity_checker=Odd(value)))
    with pytest.raises(ValueError, match="Odd gave no probabilities to 1 of"):
        weighter.fit(X, Y, MADE)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["auto", "mix"])
def test_candidates_are_judged_as_they_are_trained(method, monkeypatch):
    """In judging, the weights of a fold obey the same groups and marks as those of training."""
    seen = []
    judge = LogisticRegression.fit

    def fit(self, features, labels, weights=None):
        if weights is not None:
            seen.append((np.asarray(features), labels, weights))
        return judge(self, features, labels, weights)

    monkeypatch.setattr(LogisticRegression, "fit", fit)
    rows = np.column_stack([X, np.arange(N)])
    augmented = MADE & (np.arange(N) % 2 == 0)
    base = SyntheticWeighter(method, random_state=0, augmentation_weight=0.0)
    base.fit(rows, Y, MADE, PARENTS, augmented=augmented)
    scale = np.ptp(rows[:N_REAL, -1]) and rows[:N_REAL, -1].std()
    numbers = [np.rint(f[:, -1] * scale + rows[:N_REAL, -1].mean()).astype(int) for f, _, _ in seen]
    assert numbers
    assert not any(augmented[rows_used].any() for rows_used in numbers)

    seen.clear()
    even = SyntheticWeighter(method, random_state=0, class_weight="balanced")
    even.fit(rows, Y, MADE, PARENTS, groups=GROUPS)
    for features, labels, weights in seen:
        used = np.rint(features[:, -1] * scale + rows[:N_REAL, -1].mean()).astype(int)
        totals = pd.Series(weights).groupby([labels, GROUPS[used]]).sum()
        np.testing.assert_allclose(totals, totals.iloc[0])


def test_the_log_loss_counts_cells_alike():
    labels, groups = np.array([0, 0, 0, 0, 1, 1]), np.array(["a", "a", "a", "b", "a", "a"])
    losses = np.array([[1.0, 1.0, 1.0, 4.0, 2.0, 2.0]])
    given = [("uniform", 1.0, 0.0)], losses, losses, labels
    by_cell = Mix(scoring="log_loss").compare(*given, groups=groups, class_weight="balanced")
    assert by_cell["log_loss"][0] == pytest.approx((1 + 4 + 2) / 3)
    by_class = Mix(scoring="log_loss").compare(*given, class_weight="balanced")
    assert by_class["log_loss"][0] == pytest.approx((7 / 4 + 2) / 2)


def test_groups_beside_a_reference_of_its_own():
    """Groups are those of the rows to train on, so they say nothing about the reference."""
    weighter = SyntheticWeighter("mix", reference=(X[:N_REAL], Y[:N_REAL]), random_state=0)
    weighter.set_params(class_weight="balanced").fit(X, Y, MADE, PARENTS, groups=GROUPS)
    assert np.isfinite(weighter.auto_results_["log_loss"]).all()
