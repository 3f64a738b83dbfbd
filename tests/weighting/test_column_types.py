"""Columns are read by what they hold, however the frame, the array or the reference holds it."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csr_array
from sklearn.base import clone

from sklw import SyntheticWeighter, advise

N = 120
Y = np.arange(N) % 2
MADE = np.arange(N) >= 70
GIVEN = np.where(MADE & (np.arange(N) < 85), 1 - Y, Y)  # fifteen are wrong
AMOUNT = np.round(100 * Y + 60 * np.random.default_rng(0).normal(size=N))
DAY = [date(2020, 1, 1) + timedelta(days=int(amount)) for amount in AMOUNT]
KIND = ["u", "v", "w"] * 40
WEIGHTER = SyntheticWeighter(random_state=0)


def objects(convert):
    return lambda values: pd.Series([convert(value) for value in values], dtype=object)


def of_polars(kind):
    def build(values):
        pl = pytest.importorskip("polars")
        return pl.Series(values, dtype=getattr(pl, kind)).to_list()

    return build


def of_arrow(kind, *arguments):
    def build(values):
        arrow = pytest.importorskip("pyarrow")
        return pd.Series(values, dtype=pd.ArrowDtype(getattr(arrow, kind)(*arguments)))

    return build


NUMBERS = {
    "float": lambda values: pd.Series(values, dtype=float),
    "object": objects(float),
    "int": objects(int),
    "bool and int": objects(lambda x: bool(x) if x in (0, 1) else int(x)),
    "numpy": objects(np.float64),
    "decimal": objects(lambda x: Decimal(int(x))),
    "fraction": objects(lambda x: Fraction(int(x))),
    "mixed": objects(lambda x: Decimal(int(x)) if x > 0 else float(x)),
    "polars": lambda values: of_polars("Decimal")([Decimal(int(x)) for x in values]),
    "arrow": lambda values: of_arrow("decimal128", 9, 1)([Decimal(int(x)) for x in values]),
}
DATES = {
    "datetime": lambda values: pd.to_datetime(pd.Series(values)),
    "date": objects(lambda day: day),
    "timestamp": objects(pd.Timestamp),
    "numpy": objects(np.datetime64),
    "several": lambda values: pd.Series([pd.Timestamp(values[0]), *values[1:]], dtype=object),
    "seconds": lambda values: pd.Series(values, dtype="datetime64[s]"),
    "nanoseconds": lambda values: pd.Series(values, dtype="datetime64[ns]"),
    "zones": lambda values: pd.Series(
        [pd.Timestamp(d, tz="UTC").tz_convert(["UTC", "Asia/Tokyo"][d.day % 2]) for d in values],
        dtype=object,
    ),
    "polars": of_polars("Date"),
    "arrow": of_arrow("date32"),
    "arrow time": of_arrow("timestamp", "ms"),
}


def frames(values, kinds, name, *, mixed):
    """Return a frame with the column in the usual type, and one with it in another."""
    built = [kind(values) for kind in (next(iter(kinds.values())), kinds[name])]
    columns = {"other": np.arange(N) * 7.0 % 120} | ({"kind": KIND} if mixed else {})
    return [pd.DataFrame({"own": column, **columns}) for column in built]


def weights(table, **parameters):
    return clone(WEIGHTER).set_params(**parameters).fit(table, GIVEN, MADE).sample_weight_


def check_that_the_column_is_read(found):
    assert found[85:].mean() > 2 * found[70:85].mean()


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_are_numbers_in_any_type(name, mixed):
    expected, found = (weights(frame) for frame in frames(AMOUNT, NUMBERS, name, mixed=mixed))
    check_that_the_column_is_read(expected)
    assert_allclose(found, expected)


@pytest.mark.parametrize("name", DATES)
def test_dates_are_dates_in_any_type(name):
    expected, found = (weights(frame) for frame in frames(DAY, DATES, name, mixed=True))
    check_that_the_column_is_read(expected)
    assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT, Decimal("NaN")])
@pytest.mark.parametrize("mixed", [False, True])
def test_missing_values_beside_numbers_and_dates(missing, mixed):
    plain, table = frames(AMOUNT, NUMBERS, "object", mixed=mixed)
    plain["day"], table["day"] = pd.to_datetime(pd.Series(DAY)), pd.Series(DAY, dtype=object)
    plain.loc[::9, "own"], plain.loc[::8, "day"] = np.nan, pd.NaT
    for at, name in ((9, "own"), (8, "day")):
        table[name] = pd.Series(table[name].where(np.arange(N) % at > 0, missing), dtype=object)
    flags = [missing if at % 5 == 0 else bool(y) for at, y in enumerate(Y)]
    table["flag"] = pd.Series(flags, dtype=object)
    plain["flag"] = pd.Series(Y > 0).where(np.arange(N) % 5 > 0).astype(float)
    assert table.dtypes[["own", "day", "flag"]].tolist() == [object] * 3
    assert_allclose(weights(table), weights(plain), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["boolean", "bool[pyarrow]"])
@pytest.mark.parametrize("mixed", [False, True])
def test_truth_values_are_numbers_in_any_type(dtype, mixed):
    pytest.importorskip("pyarrow")
    plain, _ = frames(AMOUNT, NUMBERS, "float", mixed=mixed)
    plain["own"] = plain["own"] > 50
    assert_allclose(weights(plain.astype({"own": dtype})), weights(plain))
    gaps = plain["own"].astype(object).where(np.arange(N) % 5 > 0, None)
    assert_allclose(
        weights(plain.assign(own=gaps.astype(dtype))), weights(plain.assign(own=gaps.astype(float)))
    )


def test_objects_of_all_kinds_stay_what_they_are():
    table = pd.DataFrame({"a": [1, "x", None] * 40, "b": [None] * N, "c": AMOUNT})
    assert_allclose(weights(table), weights(table.assign(a=table["a"].astype("category"))))
    huge = pd.DataFrame({"own": pd.Series([10**400] * N, dtype=object), "c": AMOUNT})
    assert np.isfinite(weights(huge)).all()


def test_rows_keep_their_places_whatever_their_index():
    expected, table = frames(AMOUNT, NUMBERS, "decimal", mixed=True)
    assert_allclose(weights(table.set_axis([0] * N)), weights(expected))


@pytest.mark.parametrize("frame", [{"amount": AMOUNT, "kind": KIND}, {"amount": AMOUNT}])
def test_all_rows_may_be_synthetic(frame):
    weighter = SyntheticWeighter("uniform").fit(pd.DataFrame(frame), Y, np.ones(N, dtype=bool))
    assert_allclose(weighter.sample_weight_, 1)


@pytest.mark.parametrize(
    ("values", "kinds", "name"),
    [(AMOUNT, NUMBERS, name) for name in NUMBERS if name != "float"]
    + [(DAY, DATES, name) for name in DATES if name not in ("datetime", "zones")],
)
def test_the_reference_may_hold_a_column_in_another_type(values, kinds, name):
    plain, other = frames(values, kinds, name, mixed=kinds is DATES)
    expected = weights(plain)
    for reference, rows in ((plain, other), (other, plain)):
        weighter = clone(WEIGHTER).set_params(reference=(reference[~MADE], GIVEN[~MADE]))
        assert_allclose(weighter.fit(rows, GIVEN).sample_weight_, expected, rtol=1e-6)
        assert weighter.synthetic_mask_.tolist() == MADE.tolist()
        assert weighter.transform(rows[:3]) is not None


def test_a_reference_may_be_sparse_where_rows_are_not():
    table = np.column_stack([AMOUNT, np.arange(N)])
    for reference, rows in ((csr_array(table[~MADE]), table), (table[~MADE], csr_array(table))):
        weighter = SyntheticWeighter(reference=(reference, GIVEN[~MADE])).fit(rows, GIVEN)
        assert weighter.synthetic_mask_.tolist() == MADE.tolist()


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (AMOUNT.astype(str), "'own' holds strings or objects in the reference and numbers in"),
        (pd.to_datetime(pd.Series(DAY)), "'own' holds dates in the reference and numbers in"),
    ],
)
@pytest.mark.parametrize("mixed", [False, True])
def test_a_column_of_another_kind_in_the_reference_is_an_error(column, words, mixed):
    table, _ = frames(AMOUNT, NUMBERS, "float", mixed=mixed)
    other = table.assign(own=column)
    with pytest.raises(ValueError, match=words):
        clone(WEIGHTER).set_params(reference=(other, Y)).fit(table, Y)
    turned = " and ".join(words.split("holds ")[1].split(" in the reference and ")[::-1])
    with pytest.raises(ValueError, match=turned.split(" in")[0]):
        clone(WEIGHTER).set_params(reference=(table, Y)).fit(other, Y)


def test_a_column_that_holds_nothing_suits_any_other():
    table, _ = frames(AMOUNT, NUMBERS, "float", mixed=False)
    empty = table.assign(other=pd.Series([None] * N, dtype=object))
    for reference, rows in ((table, empty), (empty, table)):
        weighter = clone(WEIGHTER).set_params(reference=(reference[~MADE], GIVEN[~MADE]))
        check_that_the_column_is_read(weighter.fit(rows, GIVEN, MADE).sample_weight_)


def test_rows_at_prediction_are_read_alike():
    _, table = frames(AMOUNT, NUMBERS, "decimal", mixed=False)
    weighter = clone(WEIGHTER).fit(table, GIVEN, MADE)
    gap = table[:2].assign(own=pd.Series([None, pd.NA], dtype=object))
    for rows in (table[:2], gap, table[:2].astype(float)):
        assert weighter.transform(rows) is rows
    with pytest.raises(ValueError, match="feature names should match"):
        weighter.transform(table[["own"]])


@pytest.mark.slow
def test_advise_reads_columns_alike():
    expected, table = frames(AMOUNT, NUMBERS, "decimal", mixed=True)
    day = {"day": pd.Series(DAY, dtype=object)}
    found = advise(table.assign(**day), Y, random_state=0).methods["score"]
    usual = advise(expected.assign(day=pd.to_datetime(day["day"])), Y, random_state=0)
    assert_allclose(found, usual.methods["score"])


@pytest.mark.parametrize(
    ("values", "odd"),
    [
        ([int(n) for n in np.arange(60) % 20], ["unknown"]),
        ([int(n) for n in np.arange(60) % 20], ["unknown"] * 20),
        ([Decimal(int(n)) / 8 for n in np.arange(60) % 20], [date(2024, 1, 1)]),
        ([date(2024, 1, 1 + int(n)) for n in np.arange(60) % 20], ["not yet", 5]),
        ([timedelta(int(n)) for n in np.arange(60) % 20], ["none so far"]),
    ],
)
def test_what_only_some_folds_hold_beside_numbers_and_dates_is_read(values, odd):
    column = pd.Series(values, dtype=object)
    column.iloc[5 : 5 + len(odd)] = odd
    X = pd.DataFrame({"floor": column, "k": np.random.default_rng(0).normal(size=60)})
    y = np.array(["p", "n", "n"] * 20)
    weighter = SyntheticWeighter(random_state=0).fit(X, y, synthetic=np.arange(60) >= 40)
    assert np.isfinite(weighter.sample_weight_).all()
