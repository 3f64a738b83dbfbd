"""Which rows of the reference are which of those to be weighted."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklw import SyntheticWeighter

N, N_REAL = 120, 70
MADE = np.arange(N) >= N_REAL
Y = np.arange(N) % 2
RNG = np.random.default_rng(0)
NUMBERS = pd.DataFrame({"size": 2 * Y + RNG.normal(size=N), "noise": 100 + 50 * RNG.normal(size=N)})
MIXED = NUMBERS.assign(kind=np.where(RNG.random(N) > 0.5, "u", "v"))
# Of the synthetic rows, the first fifteen are labelled wrongly.
GIVEN = np.where(np.arange(N) - N_REAL < 15, 1 - Y, Y)
GIVEN[:N_REAL] = Y[:N_REAL]


def as_polars(frame):
    pl = pytest.importorskip("polars")
    return pl.DataFrame({name: frame[name].tolist() for name in frame})


@pytest.mark.parametrize("wrap", [pd.DataFrame, as_polars])
@pytest.mark.parametrize("table", [NUMBERS, MIXED], ids=["numbers", "mixed"])
def test_columns_of_the_reference_are_found_by_name(table, wrap):
    weighter = SyntheticWeighter(reference=(table[~MADE], GIVEN[~MADE]), random_state=0)
    expected = weighter.fit(table, GIVEN).sample_weight_
    assert weighter.synthetic_mask_.tolist() == MADE.tolist()
    assert expected[N_REAL + 15 :].mean() > 2 * expected[N_REAL : N_REAL + 15].mean()
    turned = wrap(table[~MADE][table.columns[::-1]])
    weighter = SyntheticWeighter(reference=(turned, GIVEN[~MADE]), random_state=0)
    assert_allclose(weighter.fit(wrap(table), GIVEN).sample_weight_, expected)
    # Without names on one side, the order is all there is.
    for reference, rows in (
        (table[~MADE].to_numpy(), table),
        (table[~MADE], table.to_numpy()),
        (table[~MADE].to_numpy(), wrap(table)),
    ):
        weighter = SyntheticWeighter(reference=(reference, GIVEN[~MADE]), random_state=0)
        assert_allclose(weighter.fit(rows, GIVEN).sample_weight_, expected)


@pytest.mark.parametrize("method", ["quality", "hu", "auto"])
def test_a_mixed_reference_without_names(method):
    reference = MIXED[~MADE].to_numpy(), GIVEN[~MADE]
    weighter = SyntheticWeighter(method, reference=reference, random_state=0)
    assert np.isfinite(weighter.fit(MIXED[MADE], GIVEN[MADE]).sample_weight_).all()


@pytest.mark.parametrize("wrap", [pd.DataFrame, as_polars])
@pytest.mark.parametrize("table", [NUMBERS, MIXED], ids=["numbers", "mixed"])
def test_other_columns_in_the_reference_are_an_error(table, wrap):
    other = table.rename(columns={"noise": "colour"})
    weighter = SyntheticWeighter(reference=(wrap(other[~MADE]), GIVEN[~MADE]))
    with pytest.raises(ValueError, match=r"reference has the columns \['size', 'colour'.*'noise'"):
        weighter.fit(wrap(table), GIVEN)
    weighter.set_params(reference=(table[["size", *table]][~MADE], GIVEN[~MADE]))
    with pytest.raises(ValueError, match="each name once"):
        weighter.fit(wrap(table), GIVEN)
    weighter.set_params(reference=(wrap(table[["size"]][~MADE]), GIVEN[~MADE]))
    with pytest.raises(ValueError, match="the same columns"):
        weighter.fit(wrap(table), GIVEN)


def test_a_column_of_texts_may_have_another_name_in_the_reference():
    texts = pd.DataFrame({"text": [f"{'good' if y else 'bad'} {i}" for i, y in enumerate(Y)]})
    reference = texts[~MADE].rename(columns={"text": "message"}), Y[~MADE]
    weighter = SyntheticWeighter("uniform", reference=reference).fit(texts, Y)
    assert weighter.synthetic_mask_.tolist() == MADE.tolist()


TEXTS = [f"{'good' if y else 'bad'} number {i}" for i, y in enumerate(Y)]
BAG = make_pipeline(CountVectorizer(), LogisticRegression(C=100))


@pytest.mark.parametrize(
    ("rows", "checker"),
    [
        (NUMBERS.to_numpy(), "embedding"),
        (csr_array(NUMBERS), "embedding"),
        (MIXED, "embedding"),
        (np.array(TEXTS, dtype=object), BAG),
    ],
    ids=["numbers", "sparse", "mixed", "texts"],
)
def test_a_row_of_the_reference_with_another_label_is_synthetic(rows, checker):
    flipped = np.where(np.arange(N) < 10, 1 - Y, Y)
    weighter = SyntheticWeighter(checker=checker, reference=(rows, Y), random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        weights = weighter.fit(rows, flipped).sample_weight_
    assert weighter.synthetic_mask_.tolist() == [True] * 10 + [False] * (N - 10)
    # Judged by models that did not see the row itself.
    told = SyntheticWeighter(checker=checker, random_state=0).fit(
        *doubled(rows, flipped), np.arange(N + 10) >= N
    )
    assert_allclose(weighter.quality_[:10], told.quality_[N:])
    assert weighter.quality_[:10].mean() < 0.4
    assert (weights[10:] == 1).all()
    with pytest.warns(UserWarning, match="10 synthetic rows are identical"):
        weighter.fit(rows, flipped, synthetic=np.arange(N) < 10)


def doubled(rows, flipped):
    """Return all rows as they are, then the first ten with the other label."""
    order = np.r_[np.arange(N), np.arange(10)]
    taken = rows.iloc[order] if isinstance(rows, pd.DataFrame) else rows[order]
    return taken, np.r_[Y, flipped[:10]]


def test_a_row_of_the_reference_may_have_several_labels_there():
    rows, labels = np.tile(NUMBERS.to_numpy()[:40], (2, 1)), np.r_[Y[:40], 1 - Y[:40]]
    weighter = SyntheticWeighter("uniform", reference=(rows, labels)).fit(rows[:40], labels[:40])
    assert not weighter.synthetic_mask_.any()
