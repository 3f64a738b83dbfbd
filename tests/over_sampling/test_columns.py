import json
import re
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

# Private: through the sampler, a value that is lost on its way could not be told from a model's.
from sklw.over_sampling._table.learning import learn_columns
from sklw.over_sampling._table.row_text import RowText

sys.path.insert(0, str(Path(__file__).parent))
from _tables import table

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("row_format", ["csv", "sentences", "json"])
@pytest.mark.parametrize("codes", [False, True])
def test_what_is_written_can_be_read_and_fits_the_pattern(row_format, codes):

    X, _ = table()
    X["town"] = X["town"].replace("Chur", 'Chur, "capital" [GR]')
    columns, constants = learn_columns(X, codes=codes)
    assert constants == {"country": "CH"}
    text = RowText(columns, row_format)
    pattern = re.compile(text.pattern())
    rng = np.random.default_rng(0)
    for record in X.to_dict("records"):
        line = text.write(record)
        if row_format == "json":
            assert set(json.loads(line)) == set(text.schema()["required"])
        else:
            assert pattern.fullmatch(line), (line, pattern.pattern)
        texts = text.read(line)
        values = {column.name: column.read(texts[column.name]) for column in columns}
        assert text.write(values) == line
        if row_format == "sentences":
            permuted = text.write(record, rng.permutation(len(columns)))
            assert text.read(permuted) == texts
    as_json = text.read(RowText(columns, "json").write(record))
    assert {c.name: c.read(as_json[c.name]) for c in columns} == values


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        ("age", "12.5", "bad_value"),
        ("age", "old", "bad_value"),
        ("age", "140", "out_of_range"),
        ("age", "-3", "out_of_range"),
        ("age", "", "missing_value"),
        ("hours per week, usually", "nan", "missing_value"),
        ("hours per week, usually", "inf", "bad_value"),
        ("work", "other", "unknown_category"),
        ("member", "perhaps", "unknown_category"),
        ("joined", "2021-02-31", "bad_value"),
        ("joined", "1999-01-01", "out_of_range"),
        ("joined", "2021-04-03 10:30", "bad_value"),
        # What pandas would complete by the clock, or guess the month of.
        ("joined", "today", "bad_value"),
        ("joined", "10:30", "bad_value"),
        ("joined", "May 2021", "bad_value"),
        ("joined", "03/04/2021", "bad_value"),
        ("joined", "13/04/2021", "bad_value"),
    ],
)
def test_values_are_checked_against_their_column(column, text, reason):

    columns, _ = learn_columns(table()[0])
    (found,) = (each for each in columns if each.name == column)
    with pytest.raises(ValueError, match=reason):
        found.read(text)


@pytest.mark.parametrize(
    "text",
    ["2021-04-03", "2021-4-3", "2021/04/03", "20210403", "2021-04-03 00:00:00", "2021-04-03T00"],
)
def test_dates_with_their_year_first_are_read(text):
    columns, _ = learn_columns(table()[0])
    (joined,) = (each for each in columns if each.name == "joined")
    assert joined.read(text) == pd.Timestamp(2021, 4, 3)


values = {
    "number": st.floats(-1e9, 1e9, allow_nan=False).map(lambda x: round(x, 3)),
    "small": st.floats(-1e-6, 1e-6),
    "whole": st.integers(-(10**15), 10**15),
    "name": st.text(st.characters(blacklist_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=12),
    "day": st.datetimes(pd.Timestamp("1900-01-01"), pd.Timestamp("2150-01-01")),
    "flag": st.booleans(),
}


def test_a_missing_value_is_not_a_category_that_is_written_like_one():
    frame = pd.DataFrame({"mood": [None, "?", "good", "?", "bad"]})
    columns, _ = learn_columns(frame)
    for form in ("csv", "sentences", "json"):
        text = RowText(columns, form)
        lines = [text.write(record) for record in frame.to_dict("records")]
        again = [columns[0].read(text.read(line)["mood"]) for line in lines]
        assert again == [None, "?", "good", "?", "bad"]


@pytest.mark.slow
@given(
    st.fixed_dictionaries({name: st.lists(v, min_size=5, max_size=5) for name, v in values.items()})
)
@settings(max_examples=60, deadline=None)
@pytest.mark.filterwarnings("ignore:The column")
def test_any_row_that_is_written_is_read_again(columns):

    frame = pd.DataFrame(columns)
    frame.loc[0, "name"] = None
    try:
        learned, _ = learn_columns(frame)
    except ValueError as error:
        assert "nothing to generate" in str(error)  # noqa: PT017
        return
    for form in ("csv", "sentences", "json"):
        text = RowText(learned, form)
        for record in frame.to_dict("records"):
            line = text.write(record)
            assert "\n" not in line
            texts = text.read(line)
            again = {column.name: column.read(texts[column.name]) for column in learned}
            assert text.write(again) == line


@pytest.mark.parametrize("tiny", [5e-324, 1e-310, 1e-200])
def test_numbers_at_the_end_of_what_a_float_can_hold(tiny):
    """The spread may be so small that the numbers are infinitely many times as large."""
    values = [0.0, -tiny, 0.0, 0.0, -9.5e-7]
    (column,), _ = learn_columns(pd.DataFrame({"x": values}))
    for value in values:
        assert column.read(column.write(value)) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize(
    "values",
    [
        RNG.uniform(1, 9, 30) * 1e-9,
        100_000 + RNG.normal(0, 0.01, 30),
        1.6e12 + RNG.uniform(0, 1e6, 30),
        RNG.uniform(1, 9, 30) * 1e300,
        np.r_[np.full(25, 1.5), np.full(5, np.nan)],
    ],
)
def test_numbers_keep_what_tells_them_apart(values):
    (column,), _ = learn_columns(pd.DataFrame({"a": values}))
    known = values[~np.isnan(values)]
    written = np.array([column.read(column.write(value)) for value in known], dtype=float)
    np.testing.assert_allclose(written, known, rtol=0, atol=0.02 * np.ptp(known) + 1e-12)


@pytest.mark.parametrize(
    ("real", "dtype", "expected"),
    [
        ([9.99, 12.5, 30.0, 8.1], "float64", 12.35),
        ([9.99, 12.5, 30.0, 8.1], "float32", 12.35),
        ([9.99, 12.5, 30.0, None], "Float32", 12.35),
        ([9.5, 1250.5, 3000.0, 8.5], "float64", 12.3),
        ([9.123, 12.5, 30.0, 8.1], "float32", 12.346),
        ([9.99, 12.5, 30.0, 100 / 7], "float64", 12.3456789),
    ],
)
def test_numbers_get_no_more_decimals_than_the_real_ones_have(real, dtype, expected):
    [column], _ = learn_columns(pd.DataFrame({"price": real}, dtype=dtype))
    assert column.read("12.3456789") == expected
    assert column.exact().read("12.3456789") == 12.3456789  # of recorded rows


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        (pd.to_timedelta([1500, 2700, 999_000], "ms"), pd.Timedelta("12.3s")),
        (pd.to_timedelta([1501, 2700, 999_000], "ms"), pd.Timedelta("12.346s")),
        (pd.to_timedelta([1501, 2700, 99_000_001], "ns") * 1000, pd.Timedelta("12.345679s")),
        (pd.to_timedelta([1, 10**11], "ns"), pd.Timedelta("12.345678912s")),
        (pd.to_datetime(["2020-01-01 10:00:00", "2020-01-03 11:11:11"]), "2020-01-02 01:02:03"),
        (
            pd.to_datetime(["2020-01-01 10:00", "2020-01-03 11:11:11.25"], format="ISO8601"),
            "2020-01-02 01:02:03.123",
        ),
    ],
)
def test_nor_do_durations_and_times(real, expected):
    [column], _ = learn_columns(pd.DataFrame({"c": real.as_unit("ns")}))
    times = isinstance(expected, str)
    text = "2020-01-02 01:02:03.123456" if times else "12.345678912"
    exact = pd.Timestamp(text) if times else pd.Timedelta(f"{text}s")
    assert column.read(text) == (pd.Timestamp(expected) if times else expected)
    assert column.exact().read(text) == exact  # of recorded rows


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("kind", [pd.Timedelta, timedelta])
def test_recorded_durations_are_read_to_the_last_digit(unit, kind):
    numbers = np.random.default_rng(0).integers(0, 10**9, 50) * 1001 + 1
    spans = pd.Series(pd.to_timedelta(numbers, unit if kind is pd.Timedelta else "ms"))
    spans = spans if kind is pd.Timedelta else pd.Series(spans.dt.to_pytimedelta(), dtype=object)
    [column], _ = learn_columns(pd.DataFrame({"c": spans}), range_margin=0)
    for span in spans:
        seconds = Decimal(pd.Timedelta(span).as_unit("ns").value).scaleb(-9)
        for text in (str(span), str(seconds), pd.Timedelta(span).isoformat()):
            found = column.exact().read(text)
            assert found == span
            assert isinstance(found, kind)


@pytest.mark.parametrize(
    "name", [" work class", "two  spaces", "line\nbreak", "a is b", ", x is ", "?"]
)
@pytest.mark.parametrize("form", ["csv", "sentences", "json"])
def test_columns_of_any_name(name, form):
    frame = pd.DataFrame({name: RNG.normal(size=30).round(2), "b": ["u", "v"] * 15})
    columns, _ = learn_columns(frame)
    text = RowText(columns, form)
    line = text.write({name: 0.12, "b": "u"})
    assert text.read(line) == {name: "0.12", "b": "u"}
    assert "\n" not in text.header


def test_a_value_that_does_not_fit_says_why():
    (column,), _ = learn_columns(pd.DataFrame({"a": [0.5, 1.5] * 15}))
    with pytest.raises(ValueError, match="bad_value"):
        column.read("nan or so")


NOTES = [f"note {number}" for number in range(60)]


@pytest.mark.parametrize("form", ["csv", "sentences", "json"])
@pytest.mark.parametrize("mark", ["", None])
@pytest.mark.parametrize("others", [["home", "away"], NOTES])
def test_an_empty_string_is_written_as_such_and_none_that_is_missing(others, mark, form):
    frame = pd.DataFrame({"size": [1, 2, 3, 4, 5] * 13, "k": ["", mark, "a", "b", "c"] * 13})
    frame.loc[frame.index[: len(others)], "k"] = others
    columns, _ = learn_columns(frame)
    text = RowText(columns, form)
    for record in frame.to_dict("records"):
        line = text.write(record)
        assert re.fullmatch(text.pattern(), line) or form == "json"
        texts = text.read(line.strip())
        again = {column.name: column.read(texts[column.name]) for column in columns}
        assert again["k"] == (None if pd.isna(record["k"]) else record["k"])
    assert "home" not in others or "home" in text.write(frame.iloc[0].to_dict())


@pytest.mark.parametrize("word", ["nan", "None", "null", "N/A"])
def test_a_word_for_a_missing_value_is_no_text_unless_it_is_a_real_one(word):
    def learned(*more):
        return learn_columns(pd.DataFrame({"a": [*NOTES, *more]}))[0][0]

    assert learned(None).read(word) is None
    with pytest.raises(ValueError, match="missing_value"):
        learned("one more").read(word)
    assert learned(None, word).read(word) == word


def test_categories_and_truth_values_may_be_written_in_another_case():
    frame = pd.DataFrame({"flag": [True, False, True], "job": ["Cook", "Clerk", "Head"],
                          "size": ["s", "S", "m"]})  # fmt: skip
    flag, job, size = learn_columns(frame)[0]
    assert [flag.read(text) for text in ("true", "FALSE")] == [True, False]
    assert job.read("cook") == "Cook"
    assert [size.read(text) for text in ("s", "S", "M")] == ["s", "S", "m"]
    assert learn_columns(frame, codes=True)[0][1].read("b1") == "Cook"


def test_times_of_another_zone_are_written_in_that_of_the_column():
    times = pd.date_range("2024-05-01", periods=30, freq="7h", tz="Europe/Berlin")
    (column,) = learn_columns(pd.DataFrame({"t": times}))[0]
    read = column.read("2024-05-02T12:00:00Z")
    assert read == pd.Timestamp("2024-05-02 12:00", tz="UTC")
    assert column.write(read) == "2024-05-02 14:00:00"


@pytest.mark.parametrize(
    "times",
    [
        pd.Series(pd.date_range("0999-12-20", periods=30)),
        pd.Series(pd.date_range("2024-10-27", periods=30, freq="13min", tz="Europe/Berlin")),
    ],
    ids=["before the year 1000", "an hour that clocks show twice"],
)
def test_any_time_that_is_written_is_read_again(times):
    (column,) = learn_columns(pd.DataFrame({"t": times}))[0]
    written = [column.write(time) for time in times]
    assert [column.write(column.read(text)) for text in written] == written


@pytest.mark.parametrize("values", [[0.1234567, None], [np.float32(0.1), None], [0.0349, 9.0]])
def test_the_ends_of_a_range_may_be_written_as_the_model_sees_them(values):
    frame = pd.DataFrame({"a": np.array([*values] * 15, dtype=type(values[0])), "b": range(30)})
    column = learn_columns(frame, range_margin=0)[0][0]
    written = [column.write(value) for value in frame["a"]]
    assert [column.write(column.read(text)) for text in written] == written


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_so_may_the_first_of_times_with_parts_of_a_second(zone):
    times = pd.date_range("2024-10-27 01:30:00.75Z", periods=30, freq="61s").tz_convert(zone)
    column = learn_columns(pd.DataFrame({"t": times}), range_margin=0)[0][0]
    written = [column.write(time) for time in times]
    assert [column.write(column.read(text)) for text in written] == written


def test_texts_with_quotes_fit_the_pattern_of_sentences():
    texts = [f'say "{number}", and more' for number in range(30)]
    columns, _ = learn_columns(pd.DataFrame({"a": np.arange(30) / 7, "b": texts}))
    row = RowText(columns, "sentences")
    assert re.fullmatch(row.pattern(), row.write({"a": 0.1, "b": texts[0]}))


@pytest.mark.parametrize("margin", [0, 0.1])
@pytest.mark.parametrize("dtype", ["int64", "uint64", "UInt64"])
def test_whole_numbers_at_the_end_of_their_type_are_in_range(dtype, margin):
    highest = np.iinfo(dtype.lower()).max
    ids = pd.Series([highest - 7 * number for number in range(30)], dtype=dtype)
    (column,) = learn_columns(pd.DataFrame({"a": ids}), range_margin=margin)[0]
    assert [column.read(column.write(value)) for value in ids] == ids.tolist()
    with pytest.raises(ValueError, match="out_of_range"):
        column.read(str(highest + 1))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("dtype", ["int64", "float64"])
def test_no_whole_number_exceeds_the_range_by_more_than_the_margin(sign, dtype):
    ages = pd.Series([sign * age for age in range(20, 36)], dtype=dtype)
    (column,) = learn_columns(pd.DataFrame({"age": ages}), range_margin=0.1)[0]
    assert [column.read(str(sign * age)) for age in (19, 36)] == [sign * 19, sign * 36]
    for age in (18, 37):
        with pytest.raises(ValueError, match="out_of_range"):
            column.read(str(sign * age))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("dtype", ["int64", "float64"])
def test_numbers_of_one_sign_stay_so(sign, dtype):
    values = pd.Series(np.arange(2, 62) * sign, dtype=dtype)
    values = values if dtype == "int64" else values / 4
    (column,), _ = learn_columns(pd.DataFrame({"a": values}), range_margin=0.1)
    assert [column.read(text) for text in ("0", str(values.iloc[0]))] == [0, values.iloc[0]]
    with pytest.raises(ValueError, match="out_of_range"):
        column.read(str(-sign))
    assert column.write(-0.0) == column.write(0.0)  # as the pattern has no sign


@pytest.mark.parametrize("amount", ["12345678901234567.89", "41000000000000000.41", "-0.01"])
def test_json_keeps_all_places_of_a_decimal(amount):
    real = [Decimal(amount), Decimal("50000000000000000.50"), Decimal("-0.25")]
    columns, _ = learn_columns(pd.DataFrame({"amount": real}))
    row = RowText(columns, "json")
    line = row.write({"amount": Decimal(amount)})
    assert line == f'{{"amount": {amount}}}'
    assert columns[0].read(row.read(line)["amount"]) == Decimal(amount)
