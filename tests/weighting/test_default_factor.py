"""How much all synthetic rows count by default, and what the checker may be fitted on."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array, vstack
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from sklw import SyntheticWeighter
from sklw.weighting import Quality


def three_classes(n_last):
    """Return rows of three classes, the last with `n_last` different real rows and nine others."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [10, 10, 19])
    X, mask = rng.normal(size=(39, 2)) + 2 * y[:, None], np.arange(39) >= 30
    X[20:30] = X[20 + np.arange(10) % n_last]
    return X, y, mask


def test_the_only_row_of_a_class_and_its_copies_are_no_measure_of_the_synthetic_ones():
    X, y, mask = three_classes(n_last=1)
    assert SyntheticWeighter(random_state=0).fit(X, y, mask).synthetic_weight_ == 1
    y[35:] = 1  # of these rows real ones are known
    X[35:] = X[:4]
    found = SyntheticWeighter(random_state=0).fit(X, y, mask)
    other = np.isin(y, [0, 1]) | ~mask
    assert found.synthetic_weight_ < 0.5
    alone = SyntheticWeighter(random_state=0).fit(X[other], y[other], mask[other])
    assert found.synthetic_weight_ == pytest.approx(alone.synthetic_weight_)


@pytest.mark.parametrize("kind", [np.asarray, csr_array, pd.DataFrame, "texts"])
def test_no_row_of_a_table_is_judged_by_a_model_of_its_copies(kind):
    rng = np.random.default_rng(0)
    X, y = np.tile(rng.integers(1, 1000, (30, 4)), (4, 1)), np.tile(np.arange(30) % 2, 4)
    X, y, mask = np.r_[X, X[:6] + 1], np.r_[y, y[:6]], np.arange(126) >= 120
    checker = KNeighborsClassifier(1)  # knows by heart what it was fitted on
    if kind == "texts":
        kind = lambda X: pd.DataFrame(X.astype(str))  # noqa: E731
        encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
        checker = make_pipeline(encoder, checker)
    weighter = SyntheticWeighter(checker=checker, random_state=0)
    quality = weighter.fit(kind(X), y, mask).quality_[~mask]
    assert quality.mean() < 0.8  # the labels are noise
    assert (quality.reshape(4, 30) == quality[:30]).all()


def test_the_reference_says_what_real_rows_of_a_class_get():
    X, y, mask = three_classes(n_last=10)
    without = ~((y == 2) & ~mask)
    settings = {"class_prior": "reference", "random_state": 0}
    usual = SyntheticWeighter(**settings).fit(X, y, mask)
    found = SyntheticWeighter(reference=(X[~mask], y[~mask]), **settings)
    found.fit(X[without], y[without], mask[without])
    assert found.synthetic_weight_ == pytest.approx(usual.synthetic_weight_)


class Sloping(ClassifierMixin, BaseEstimator):
    """Says the same of a row whatever it was fitted on."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        scores = np.exp(X[:, :1] * self.classes_)
        return scores / scores.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("told", ["mask", "parents", "reference", "mask and reference"])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_the_factor_does_not_depend_on_the_order_of_equal_rows_with_unlike_labels(told, seed):
    X, y = np.repeat([[0.1], [0.5], [1.0], [0.4]], [6, 6, 6, 4], axis=0), np.arange(22) % 3
    mask = np.arange(22) >= 18
    judged = Sloping().fit(X, y).predict_proba(X)[np.arange(22), y]
    usual = [judged[~mask & (y == label)].mean() for label in y[mask]]
    order = np.random.default_rng(seed).permutation(22)
    arguments, reference = {"synthetic": mask[order]}, None
    if told == "parents":  # a real row may have one too
        parents = np.random.default_rng(seed).integers(0, 22, 22)
        parents = np.where(parents == np.arange(22), (parents + 1) % 22, parents)
        arguments["parent_indices"] = [[parent] for parent in parents]
    elif told != "mask":
        shuffled = np.random.default_rng(seed + 1).permutation(18)
        reference = X[shuffled], y[shuffled]
        arguments = arguments if told == "mask and reference" else {}
    weighter = SyntheticWeighter(checker=Sloping(), reference=reference)
    found = weighter.fit(X[order], y[order], **arguments).synthetic_weight_
    assert found == pytest.approx(min(1, judged[mask].mean() / np.mean(usual)) ** 2)


@pytest.mark.parametrize("share", [-1.0, np.nan, None, "x"])
def test_an_impossible_factor_of_a_method_is_named(share):
    class Own(Quality):
        def default_synthetic_weight(self, evidence):
            return share

    X, y, mask = three_classes(n_last=10)
    with pytest.raises(ValueError, match=r"Own\.default_synthetic_weight returned"):
        SyntheticWeighter(Own()).fit(X, y, mask)


def test_calibration_that_is_impossible_is_reported():
    X, y, mask = three_classes(n_last=10)
    few = ~(mask & (np.arange(39) > 31))  # two synthetic rows, on which P' is not fitted
    plain = SyntheticWeighter(random_state=0).fit(X[few], y[few], mask[few])
    calibrated = SyntheticWeighter(calibrate=True, random_state=0).fit(X[few], y[few], mask[few])
    assert not np.allclose(plain.quality_, calibrated.quality_)
    rare = ~((y == 1) & (np.arange(39) > 12))
    with pytest.warns(UserWarning, match=r"fitted on 3 different row\(s\) of the class 1"):
        SyntheticWeighter(calibrate=True).fit(X[rare], y[rare], mask[rare])


def test_calibration_of_the_diversity_depends_on_the_rows_that_it_is_fitted_on():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(33, 2)), np.repeat([0, 1, 0, 1], [10, 10, 10, 3])
    with pytest.warns(UserWarning, match=r"fitted on 3 different row\(s\) of the class 1"):
        weighter = SyntheticWeighter("imp", calibrate=True).fit(X, y, np.arange(33) >= 20)
    assert np.isfinite(weighter.sample_weight_).all()


@pytest.mark.parametrize("method", ["quality", "imp"])
def test_tables_of_few_different_rows(method):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 2, (300, 2)), rng.integers(0, 2, 300)
    weighter = SyntheticWeighter(method, random_state=0)
    assert np.isfinite(weighter.fit(X, y, np.arange(300) >= 250).sample_weight_).all()
    y[:250] = X[:250, 0] = 0
    X[0], y[0] = [1, 1], 1
    y[1:4], X[1:4] = 1, [1, 0]
    calibrated = SyntheticWeighter(method, calibrate=True, random_state=0)
    with pytest.warns(UserWarning, match=r"2 different row\(s\) of the class"):
        calibrated.fit(X, y, np.arange(300) >= 250)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_rows_stay_as_they_are(dtype):
    entries = np.array([2, 0, 1, 4, 3, 0], dtype=dtype), [1, 0, 2, 1, 0, 2], [0, 3, 6]
    real = vstack([csr_array(entries, shape=(2, 3)) for _ in range(10)], format="csr")
    before = real.toarray()
    X, y = np.tile(before[:2], (5, 1)), np.tile([0, 1], 5)
    SyntheticWeighter(reference=(real, np.tile([0, 1], 10)), random_state=0).fit(csr_array(X), y)
    np.testing.assert_array_equal(real.toarray(), before)


def test_missing_numbers_of_a_table_are_imputed_for_the_default_checker():
    X, y, mask = three_classes(n_last=10)
    complete = SyntheticWeighter(random_state=0).fit(X, y, mask).quality_
    gaps = X.copy()
    gaps[::7, 0] = np.nan
    for rows in (gaps, pd.DataFrame(gaps)):
        found = SyntheticWeighter(random_state=0).fit(rows, y, mask).quality_
        assert np.corrcoef(found[mask], complete[mask])[0, 1] > 0.5
