"""Tables of any types: the rows that a comparison keeps come back as they were."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier

from sklw import RecordedGenerator, SyntheticWeighter, make_pipeline
from sklw.comparison import METHODS, Settings, compare

LABELS = np.array(["no", "yes", "yes", "yes"] * 15)
DAYS = pd.date_range("2021-03-27", periods=12, freq="5h")
COLUMNS = {
    "date": [day.date() for day in DAYS],
    "decimal": [Decimal(n) / 100 for n in range(12)],
    "time": pd.Series([dt.time(1, 2, 3, n) for n in range(12)], dtype=object),
    "microseconds": DAYS + pd.to_timedelta(range(12), "us"),
    "time zone": DAYS.tz_localize("Europe/Berlin", nonexistent="shift_forward"),
    "duration": pd.to_timedelta(range(12), "min"),
    "period": pd.PeriodIndex(DAYS, freq="D"),
    "month": pd.period_range("2020-01", periods=12, freq="M"),
    "days": pd.Categorical(pd.to_datetime(["2021-01-01", "2021-01-02"] * 6)),
    "breaks": ["one\u2028line", "two\u0085lines", "three\r\nlines"] * 4,
    "large": pd.array([2**60 + n if n % 3 else None for n in range(12)], dtype="Int64"),
    "third": [n / 3 if n % 4 else np.nan for n in range(12)],
    "flag": pd.Series([True, None, False] * 4, dtype=object),
    **{
        f"categories of {dtype}": pd.Categorical(pd.array([1, 2, 3] * 4, dtype=dtype))
        for dtype in ("int8", "int32", "float32", "Int64", "string")
    },
}


def table_of(column):
    table = pd.DataFrame({"column": column})
    return pd.concat([table] * 5, ignore_index=True).assign(number=np.arange(60) / 7)


@pytest.fixture
def trained_on(monkeypatch):
    """Return the list of tables that the method "llm" trains on."""
    tables = []

    class Noting(DummyClassifier):
        def fit(self, X, y, sample_weight=None):
            tables.append(X)
            return super().fit(X, y)

    def build(plan):
        return make_pipeline(SyntheticWeighter("uniform"), Noting())

    monkeypatch.setitem(METHODS, "llm", replace(METHODS["llm"], build=build))
    return tables


@pytest.mark.parametrize("name", COLUMNS)
def test_generated_rows_are_of_the_types_of_the_real_ones(name, trained_on, tmp_path):
    table = table_of(COLUMNS[name])
    recorded = table.assign(number=table["number"] + 0.01, label="no")
    arguments = {"methods": ["llm"], "classifiers": ["logistic"], "seeds": [0], "output": tmp_path}
    settings = Settings(generator=RecordedGenerator(recorded, text_column=None), llm_ratio=0.6)
    first = compare(table, LABELS, settings=settings, **arguments)
    (tmp_path / "results.csv").unlink()
    again = compare(table, LABELS, settings=settings, **arguments)  # reads the generated rows
    assert first["error"].tolist() == again["error"].tolist() == [""]
    assert first["synthetic_rows"].item() > 5
    generated, read = trained_on
    assert generated.dtypes["column"] == read.dtypes["column"] == table.dtypes["column"]
    pd.testing.assert_frame_equal(generated, read)
    known = {type(value) for value in table["column"]}
    assert {type(value) for value in generated["column"]} <= known | {float}


def test_columns_may_have_names_of_any_type(tmp_path):
    table = pd.DataFrame({("a", 1): [1, 2] * 30, ("a", "1"): np.arange(60) / 7})
    arguments = {"methods": ["real"], "classifiers": ["logistic"], "seeds": [0]}
    assert compare(table, LABELS, output=tmp_path, **arguments)["error"].tolist() == [""]
    with pytest.raises(ValueError, match="several columns named '1'"):
        compare(table.set_axis([1, "1"], axis=1), LABELS, **arguments)


def test_durations_are_numbers():
    table = table_of(COLUMNS["duration"]).assign(job=["cook", "clerk", "smith"] * 20)
    methods = ["real", "smote", "smotenc"]
    results = compare(table, LABELS, methods=methods, classifiers=["logistic"], seeds=[0])
    assert results["error"].tolist() == [""] * 3


@pytest.mark.parametrize("value", [Decimal(1), b"bytes", pd.Interval(0, 1)])
def test_what_cannot_be_kept_is_refused_before_anything_is_generated(value, tmp_path):
    cells = pd.Series([value, "other", "more"] * 20, dtype=object)
    table = pd.DataFrame({"number": range(60), "odd": cells})
    settings = Settings(generator="no generator")
    with pytest.raises(ValueError, match="'odd' holds values that cannot be kept"):
        compare(table, LABELS, settings=settings, seeds=[0], output=tmp_path)
    assert not list(tmp_path.iterdir())
