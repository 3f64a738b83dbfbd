"""Each column of a table comes back in its dtype with its values, or is refused unsent."""

import datetime as dt
import sys
import uuid
import warnings
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from _shuffler import Shuffler
from _untouched import Untouched

from sklw import LLMOverSampler, RecordedGenerator
from sklw.exceptions import GenerationWarning
from sklw.over_sampling import TableFilter, TableRows

StringDType = getattr(np.dtypes, "StringDType", lambda: object)  # since numpy 2

N = 30
RNG = np.random.default_rng(0)
NUMBERS = RNG.permutation(1000)[:N]
DAYS = [dt.date(2020, 1, 1) + dt.timedelta(days=int(7 * i)) for i in range(N)]
TIMES = pd.Series(pd.date_range("2020-10-20", periods=N, freq="91min"))
PRICES = [Decimal(int(n)) / 100 + Decimal("12.00") for n in NUMBERS]


def arrow(values, kind):
    return pd.Series(values, dtype=pd.ArrowDtype(kind))


COLUMNS = {
    "int8": pd.Series(NUMBERS % 100, dtype="int8"),
    "large": pd.Series(2**60 + NUMBERS),
    "uint64": pd.Series(2**63 + NUMBERS.astype("uint64")),
    "Int64": pd.Series([None, *(2**60 + NUMBERS[1:])], dtype="Int64"),
    "objects of int": pd.Series(NUMBERS.tolist(), dtype=object),
    "objects beyond int64": pd.Series([2**70 + int(n) for n in NUMBERS], dtype=object),
    "float16": pd.Series(RNG.normal(size=N), dtype="float16"),
    "Float32": pd.Series([None, *RNG.normal(size=N - 1)], dtype="Float32"),
    "whole objects of float": pd.Series(NUMBERS.astype(float).tolist(), dtype=object),
    "sparse": pd.Series(NUMBERS, dtype="Sparse[int]"),
    "boolean": pd.Series([None, True, False] * 10, dtype="boolean"),
    "objects of bool": pd.Series([None, True, False] * 10, dtype=object),
    "Decimal": pd.Series(PRICES, dtype=object),
    "Decimal with gaps": pd.Series([None, *PRICES[1:]], dtype=object),
    "few Decimals": pd.Series([Decimal("1.50"), Decimal("2.25"), Decimal("3.00")] * 10),
    "arrow decimal": arrow(PRICES, pa.decimal128(4, 2)),
    "Fraction": pd.Series([Fraction(int(n) % 5, 3) for n in NUMBERS]),
    "complex": pd.Series([complex(int(n) % 5, 1) for n in NUMBERS]),
    "date": pd.Series(DAYS, dtype=object),
    "date32": arrow(DAYS, pa.date32()),
    "datetime": pd.Series(TIMES.dt.to_pydatetime(), dtype=object),
    "seconds": TIMES.astype("datetime64[s]"),
    "zone": TIMES.dt.tz_localize("Europe/Zurich", ambiguous=True, nonexistent="shift_forward"),
    "zone with gaps": TIMES.where(np.arange(N) > 2).dt.tz_localize("UTC"),
    "arrow time": TIMES.astype("timestamp[us][pyarrow]"),
    "arrow zone": TIMES.dt.tz_localize("UTC").astype(
        pd.ArrowDtype(pa.timestamp("us", "Europe/Zurich"))
    ),
    "time": pd.Series([dt.time(int(n) % 24, 30) for n in NUMBERS]),
    "timedelta": pd.Series([dt.timedelta(seconds=int(n)) for n in NUMBERS], dtype=object),
    "timedelta64": pd.to_timedelta(pd.Series(NUMBERS), unit="s"),
    "arrow duration": arrow([dt.timedelta(seconds=int(n)) for n in NUMBERS], pa.duration("ms")),
    "period": pd.Series(pd.period_range("2020-01", periods=N, freq="M")),
    "interval": pd.Series(pd.arrays.IntervalArray.from_breaks(np.arange(N + 1))),
    "category": pd.Series(["u", "v"] * 15, dtype=pd.CategoricalDtype(["x", "v", "u"], True)),
    "category of numbers": pd.Series(NUMBERS % 3, dtype="category"),
    "category with gaps": pd.Series(["u", None, "v"] * 10, dtype="category"),
    "string[python]": pd.Series(["u", None, "v"] * 10, dtype="string[python]"),
    "string[pyarrow]": pd.Series(["u", None, "v"] * 10, dtype="string[pyarrow]"),
    "arrow string": arrow(["u", None, "v"] * 10, pa.string()),
    "arrow dictionary": arrow(["u", "v"] * 15, pa.dictionary(pa.int32(), pa.string())),
    "arrow bool": arrow([None, True, False] * 10, pa.bool_()),
    "arrow int": arrow([None, *(2**60 + NUMBERS[1:])], pa.int64()),
    "bytes": pd.Series([b"u", b"v"] * 15),
    "spaces": pd.Series([" u", "u", "u ", "v"] * 7 + [" u", "v"], dtype=object),
    "named like codes": pd.Series(["A1", " A1", "A0"] * 10, dtype=object),
    "words and numbers": pd.Series(["u", 3, 2.5] * 10, dtype=object),
    "UUID": pd.Series([uuid.UUID(int=int(n)) for n in NUMBERS]),
    "free text": pd.Series([f"the word {n} and more" for n in NUMBERS], dtype="string[pyarrow]"),
}


def over_sampled(frame, wanted, **kwargs):
    """Return what comes back when the rows wanted are recorded."""
    records = wanted.astype(object).assign(label=1)
    sampler = LLMOverSampler(
        generator=RecordedGenerator(records, text_column=None),
        accept=TableFilter(reject_copies=False),
        verbose=False,
        random_state=0,
        **kwargs,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The column", GenerationWarning)
        return sampler.fit_resample(frame, [0] * 20 + [1] * 10)[0]


@pytest.mark.parametrize("codes", [False, True])
@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_comes_back_in_its_dtype_with_its_values(kind, codes):
    frame = pd.DataFrame({"c": COLUMNS[kind], "z": RNG.normal(size=N).round(2)})
    wanted = frame.iloc[:10]
    got = over_sampled(frame, wanted, prompt=TableRows(category_codes=codes))
    assert got["c"].dtype == frame["c"].dtype
    pd.testing.assert_frame_equal(got.iloc[:N], frame)
    made, real = got["c"].iloc[N:].tolist(), wanted["c"].tolist()
    assert [type(value) for value in made] == [type(value) for value in real]
    assert [str(value) for value in made] == [str(value) for value in real]


@pytest.mark.parametrize("kind", ["timedelta", "timedelta64", "arrow duration"])
def test_durations_that_pandas_writes_as_json_are_read(kind, tmp_path):
    spans = COLUMNS[kind].astype("timedelta64[ns]") * 1000 - pd.Timedelta(days=9)
    frame = pd.DataFrame({"c": spans.astype(COLUMNS[kind].dtype), "z": RNG.normal(size=N).round(2)})
    path = tmp_path / "rows.jsonl"
    wanted = frame.iloc[:10].assign(c=spans, label=1)
    wanted.to_json(path, orient="records", lines=True, date_format="iso")
    assert '"c":"P' in path.read_text()
    sampler = LLMOverSampler(
        generator=RecordedGenerator(path, text_column=None),
        accept=TableFilter(reject_copies=False),
        verbose=False,
    )
    got, _ = sampler.fit_resample(frame, [0] * 20 + [1] * 10)
    assert got["c"].iloc[N:].tolist() == frame["c"].iloc[:10].tolist()


@pytest.mark.parametrize("from_file", [False, True])
@pytest.mark.parametrize("kind", COLUMNS)
def test_recorded_copies_are_found_whatever_the_dtype(kind, from_file, tmp_path):
    frame = pd.DataFrame({"c": COLUMNS[kind], "z": RNG.normal(size=N)})
    records = frame.iloc[20:].astype(object).assign(label=1)
    if from_file:
        records.to_csv(tmp_path / "rows.csv", index=False)
        records = tmp_path / "rows.csv"
    sampler = LLMOverSampler(
        generator=RecordedGenerator(records, text_column=None),
        on_shortfall="ignore",
        verbose=False,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The column", GenerationWarning)
        sampler.fit_resample(frame, [0] * 20 + [1] * 10)
    assert sampler.provenance_["reason"].tolist()[:10] == ["copied_real"] * 10


@pytest.mark.parametrize("container", ["pandas", "polars", "one row without"])
def test_texts_of_a_categorical_dtype_are_texts(container):
    texts = [f"see you at {n} o'clock in town" for n in range(N)]
    if container == "one row without":
        texts[3] = None
    frame = pd.DataFrame({"c": pd.Series(texts, dtype="category"), "z": np.arange(N) / 7})
    wanted = pd.DataFrame({"c": ["claim a prize", "win ten pounds"] * 5, "z": np.arange(10) / 8})
    if container == "polars":
        pl = pytest.importorskip("polars")
        frame = pl.DataFrame(
            {"c": texts, "z": frame["z"].tolist()}, schema_overrides={"c": pl.Categorical}
        )
        got = over_sampled(frame, wanted)
        assert got.schema == frame.schema
        assert got["c"].to_list() == [*texts, *wanted["c"]]
        with pytest.raises(TypeError, match="Nothing has been sent"):
            over_sampled(frame.with_columns(c=pl.Series(texts, dtype=pl.Enum(texts))), wanted)
        return
    got = over_sampled(frame, wanted)
    assert got["c"].iloc[N:].tolist() == wanted["c"].tolist()
    assert got["c"].iloc[:N].dropna().tolist() == frame["c"].dropna().tolist()
    assert got["c"].dtype.categories[: N - 1].isin(frame["c"].dtype.categories).all()


@pytest.mark.parametrize(
    ("text", "new"),
    [("请于{}点在城里等我", "恭喜您获得奖金"), ("พรุ่งนี้เจอกันในเมืองนะ {}", "คุณได้รับรางวัลเงินสด")],
)
def test_texts_without_spaces_are_texts_in_a_column_of_categories(text, new):
    texts = pd.Series([text.format(n) for n in range(N)], dtype="category")
    frame = pd.DataFrame({"c": texts, "z": np.arange(N) / 7})
    got = over_sampled(frame, pd.DataFrame({"c": [new], "z": [0.3]}))
    assert got["c"].iloc[N:].tolist() == [new]


def test_categories_that_somebody_chose_from_a_list_stay_categories():
    answers = ["I do not agree", "I do not know", "I agree with this"] * 10
    for dtype in ("category", pd.CategoricalDtype(sorted(set(answers)), ordered=True)):
        frame = pd.DataFrame({"c": pd.Series(answers, dtype=dtype), "z": np.arange(N) / 7})
        wanted = pd.DataFrame({"c": ["I do not know", "Nobody said so"], "z": [0.3, 0.4]})
        with pytest.warns(GenerationWarning, match="1 unknown_category"):
            got = over_sampled(frame, wanted)
        assert got["c"].iloc[N:].tolist() == ["I do not know"]
        assert got["c"].dtype == frame["c"].dtype


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([[i] for i in range(N)], "list values"),
        ([(i,) for i in range(N)], "tuple values"),
        ([{i} for i in range(N)], "set values"),
        ([frozenset([i]) for i in range(N)], "frozenset values"),
        ([{"a": i} for i in range(N)], "dict values"),
        ([np.zeros(2)] * N, "ndarray values"),
        (arrow([[i] for i in range(N)], pa.list_(pa.int64())), "list values"),
        (arrow([{"a": i} for i in range(N)], pa.struct([("a", pa.int64())])), "dict values"),
        ([1, "1", 2.5] * 10, "both 1 and '1', which read alike"),
        ([1, True, 0] * 10, "read alike"),
        ([2, "2.0", "u"] * 10, "read alike"),
        ([True, "True", "u"] * 10, "read alike"),
        ([True, 1, 1] * 10, "read alike"),
        (pd.Series([1, "1", "u"] * 10, dtype="category"), "read alike"),
        (["u", *[(i,) for i in range(N - 1)]], "tuple values"),
        ([1.5, *[[i] for i in range(N - 1)]], "list values"),
        ([Decimal("Infinity"), *PRICES[1:]], "infinity"),
        ([np.inf, *NUMBERS[1:].astype(float)], "infinity"),
    ],
)
def test_a_column_that_cannot_come_back_is_refused_before_anything_is_sent(values, words):
    frame = pd.DataFrame({"c": pd.Series(values), "z": RNG.normal(size=N)})
    with pytest.raises(ValueError, match=words):
        LLMOverSampler(generator=Untouched()).fit_resample(frame, [0] * 20 + [1] * 10)


@pytest.mark.parametrize("decimals", ["7.5", "7.50", "7.500"])
def test_decimals_keep_the_scale_of_the_column(decimals):
    frame = pd.DataFrame({"c": PRICES, "z": RNG.normal(size=N)})
    wanted = pd.DataFrame({"c": [Decimal(decimals) + 10] * 10, "z": frame["z"].iloc[:10]})
    made = over_sampled(frame, wanted)["c"].iloc[N:]
    assert {str(value) for value in made} == {"17.50"}


def test_a_decimal_of_more_places_is_rejected_not_rounded():
    frame = pd.DataFrame({"c": PRICES, "z": RNG.normal(size=N)})
    wanted = frame.iloc[:10].assign(c=Decimal("17.505"))
    with pytest.warns(GenerationWarning, match="10 bad_value"):
        assert len(over_sampled(frame, wanted)) == N


def test_a_model_writes_decimals_in_full():
    frame = pd.DataFrame({"price": PRICES, "z": RNG.normal(size=N).round(2)})
    sampler = LLMOverSampler(generator=Shuffler(), random_state=0, verbose=False)
    made = sampler.fit_resample(frame, [0] * 20 + [1] * 10)[0]["price"].iloc[N:]
    assert {type(value) for value in made} == {Decimal}
    assert {value.as_tuple().exponent for value in made} == {-2}


POLARS = {
    "Int8": pl.Series(NUMBERS % 100, dtype=pl.Int8),
    "UInt64": pl.Series(2**63 + NUMBERS.astype("uint64")),
    "Int64 with gaps": pl.Series([None, *(2**60 + NUMBERS[1:]).tolist()]),
    "Float32": pl.Series([None, *RNG.normal(size=N - 1)], dtype=pl.Float32),
    "Boolean": pl.Series([None, True, False] * 10),
    "String": pl.Series(["u", None, "v"] * 10),
    "Categorical": pl.Series(["u", "v"] * 15, dtype=pl.Categorical),
    "Enum": pl.Series(["u", "v"] * 15, dtype=pl.Enum(["x", "v", "u"])),
    "Date": pl.Series(DAYS),
    "Datetime": pl.Series(TIMES.dt.to_pydatetime().tolist(), dtype=pl.Datetime("ms")),
    "zone": pl.Series(TIMES.dt.to_pydatetime().tolist()).dt.replace_time_zone("Asia/Tokyo"),
    "Duration": pl.Series([dt.timedelta(seconds=int(n)) for n in NUMBERS]),
    "Time": pl.Series([dt.time(int(n) % 24, 30) for n in NUMBERS]),
    "Decimal": pl.Series(PRICES, dtype=pl.Decimal(4, 2)),
    "Binary": pl.Series([b"u", b"v"] * 15),
    "Null": pl.Series([None] * N),
}


@pytest.mark.parametrize("kind", POLARS)
def test_a_polars_column_comes_back_in_its_dtype_with_its_values(kind):
    frame = pl.DataFrame({"c": POLARS[kind], "z": RNG.normal(size=N).round(2)})
    wanted = pd.DataFrame(
        {name: frame[name][:10].to_list() for name in frame.columns}, dtype=object
    )
    got = over_sampled(frame, wanted)
    assert isinstance(got, pl.DataFrame)
    assert got.schema == frame.schema
    assert got[:N].equals(frame)
    assert got[N:].equals(frame[:10])


@pytest.mark.parametrize(
    "column",
    [
        pl.Series([[1], [2]] * 15),
        pl.Series([{"a": 1}, {"a": 2}] * 15),
        pl.Series([[1, 2], [3, 4]] * 15, dtype=pl.Array(pl.Int64, 2)),
    ],
)
def test_nested_polars_columns_are_refused_before_anything_is_sent(column):
    frame = pl.DataFrame({"c": column, "z": RNG.normal(size=N)})
    with pytest.raises(ValueError, match="cannot be written into a row"):
        LLMOverSampler(generator=Untouched()).fit_resample(frame, [0] * 20 + [1] * 10)


@pytest.mark.parametrize(
    "container",
    [
        lambda rows: [list(row) for row in rows],
        lambda rows: [tuple(row) for row in rows],
        lambda rows: tuple(list(row) for row in rows),
        lambda rows: np.array(rows, dtype=object),
        lambda rows: np.array(rows, dtype=str),
        lambda rows: np.array([[str(v) for v in row] for row in rows], dtype=StringDType()),
        lambda rows: np.array([[row[0], row[2]] for row in rows], dtype="float32"),
        lambda rows: np.array([[row[0], row[2]] for row in rows], dtype="uint16"),
        lambda rows: pl.DataFrame(rows, schema=["a", "b", "c"], orient="row"),
    ],
)
def test_tables_of_any_container_come_back(container):
    rows = [(int(n), "uv"[n % 2], int(n) % 7 + 300) for n in NUMBERS]
    given = container(rows)
    names = list("abc") if isinstance(given, pl.DataFrame) else ["x0", "x1", "x2"]
    values = given.rows() if isinstance(given, pl.DataFrame) else given
    wanted = pd.DataFrame([list(row) for row in values[:10]], dtype=object)
    wanted.columns = names[: wanted.shape[1]]
    got = over_sampled(given, wanted)
    assert type(got) is type(given)
    if isinstance(got, pl.DataFrame):
        got = got.rows()
    assert [list(row) for row in got[N:]] == [list(row) for row in values[:10]]
    assert [type(v) for v in got[-1]] == [type(v) for v in got[0]]


def test_wide_strings_of_an_array_are_not_cut():
    given = np.array([[f"the number {i} of all", "uv"[i % 2]] for i in range(N)])
    text = "a note that is longer than all"
    wanted = pd.DataFrame({"x0": [f"{text} {i}" for i in range(10)], "x1": ["u"] * 10})
    got = over_sampled(given, wanted)
    assert got[N:, 0].tolist() == wanted["x0"].tolist()


@pytest.mark.parametrize(
    "ids",
    [
        range(1, 31),
        RNG.permutation(30) + 1,
        RNG.permutation(30) + 90_000,
        np.sort(RNG.permutation(40)[:30]),
        (RNG.permutation(30) + 1).astype(float),
        pd.Series(range(30), dtype="UInt32"),
        pd.Series(range(30), dtype="int64[pyarrow]"),
        [f"c-{i:05d}" for i in range(30)],
        [uuid.UUID(int=i) for i in range(30)],
        [str(uuid.UUID(int=i)) for i in range(30)],
        pd.Series([f"c-{i:05d}" for i in range(30)], dtype="category"),
    ],
)
def test_identifiers_get_a_warning(ids):
    frame = pd.DataFrame({"number": ids, "z": RNG.normal(size=30)})
    with pytest.warns(GenerationWarning, match="'number' has a different value in every row"):
        LLMOverSampler(generator=Shuffler()).estimate(frame, [0] * 29 + [1])


@pytest.mark.filterwarnings("ignore:The class")
@pytest.mark.filterwarnings("error:The column")
@pytest.mark.parametrize(
    "values",
    [
        np.arange(30) * 2000,
        np.r_[NUMBERS[:29], NUMBERS[0]],
        RNG.normal(size=30),
        RNG.integers(18, 90, 30),
        np.arange(30) / 4,
        [f"one word and {i} more" for i in range(30)],
        pd.date_range("2024-01-01", periods=30),
    ],
)
def test_other_columns_get_none(values):
    frame = pd.DataFrame({"number": values, "z": RNG.normal(size=30)})
    LLMOverSampler(generator=Shuffler()).estimate(frame, [0] * 29 + [1])


@pytest.mark.slow
@given(
    kinds=st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=4, unique=True),
    order=st.permutations(range(N)),
    chosen=st.lists(st.integers(0, N - 1), min_size=10, max_size=10),
    row_format=st.sampled_from(["csv", "sentences", "json"]),
    codes=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_any_columns_come_back(kinds, order, chosen, row_format, codes):
    columns = {name: COLUMNS[name] for name in kinds}
    frame = pd.DataFrame({**columns, "z": NUMBERS / 8}).iloc[order]  # one column may be texts
    wanted = frame.iloc[chosen]
    got = over_sampled(frame, wanted, prompt=TableRows(row_format=row_format, category_codes=codes))
    pd.testing.assert_series_equal(got.dtypes, frame.dtypes)
    assert got.iloc[N:].astype(str).to_numpy().tolist() == wanted.astype(str).to_numpy().tolist()


@pytest.mark.parametrize("there", ["True", "true", True])
@pytest.mark.parametrize("recorded", ["True", "TRUE", True, np.True_])
def test_recorded_truth_values_are_known_in_any_case(there, recorded):
    other = not there if isinstance(there, bool) else "False"
    X = pd.DataFrame({"a": np.arange(30) / 7, "b": [there, other] * 15})
    records = [{"a": 0.5, "b": recorded, "label": 1}]
    generator = RecordedGenerator(records, text_column=None)
    sampler = LLMOverSampler(generator, sampling_strategy={1: 11}, verbose=False)
    X_new, _ = sampler.fit_resample(X, [0] * 20 + [1] * 10)
    assert X_new["b"].iloc[-1] == there


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([pd.Timestamp("2024-01-01")] * 30),
        pd.Series([dt.datetime(2024, 1, 1)] * 30, dtype=object),
        pd.Series(
            pd.to_datetime(["2024-01-01", "2024-02-01", "2024-03-01"] * 10), dtype="category"
        ),
        pd.Series([0.1] * 30, dtype="float32"),
        pd.Series([0.1, None] * 15, dtype="Float32"),
    ],
    ids=["one date", "one object", "categories", "one float", "nullable float"],
)
def test_dates_and_floats_that_a_file_writes_otherwise_are_known(values, tmp_path):
    X = pd.DataFrame({"a": np.arange(30) / 7, "b": values})
    X.iloc[:5].assign(a=X["a"][5:10].to_numpy() + 0.01, label=1).to_csv(
        tmp_path / "rows.csv", index=False
    )
    generator = RecordedGenerator(tmp_path / "rows.csv", text_column=None)
    sampler = LLMOverSampler(generator, sampling_strategy={1: 15}, verbose=False)
    X_new, _ = sampler.fit_resample(X, [0] * 20 + [1] * 10)
    pd.testing.assert_series_equal(X_new["b"][30:].reset_index(drop=True), X["b"][:5])
