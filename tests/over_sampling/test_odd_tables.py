"""Tables as people have them: odd types, odd names, odd answers."""

import csv
import io
import re
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_matrix

from sklw import FineTunedGenerator, LLMOverSampler, RecordedGenerator, TransformersGenerator
from sklw.generators import BaseGenerator, Completion
from sklw.over_sampling import TableFilter, TableRows

sys.path.insert(0, str(Path(__file__).parent))
from _scripted import Scripted
from _shuffler import Shuffler
from _untouched import Untouched

Y = np.repeat([0, 1], [20, 10])
RNG = np.random.default_rng(0)


def sampler(generator=None, **kwargs):
    settings = {"on_shortfall": "ignore", "random_state": 0, "verbose": False}
    settings["prompt"] = TableRows(3)
    return LLMOverSampler(generator=generator or Shuffler(), **{**settings, **kwargs})


def echoed(frame, answer, form="completion", reason="stop", **kwargs):
    """Return the values of the first generated row, or the reason why there is none."""
    settings = {"accept": TableFilter(reject_copies=False), "max_attempts": 1, **kwargs}
    found = sampler(Scripted([answer], form, reason), **settings)
    X_new, _ = found.fit_resample(frame, Y)
    if len(X_new) == len(frame):
        return found.provenance_["reason"].iloc[0]
    return X_new.iloc[len(frame)].tolist()


@pytest.mark.parametrize("classes", [2, 3, 4])
@pytest.mark.parametrize("kind", ["array", "list", "frame"])
def test_one_hot_labels_of_any_width(classes, kind):
    # The last class has no rows: its column stays empty.
    columns = Y if classes == 2 else np.repeat([0, 1, 1], 10)
    y = np.eye(classes, dtype=int)[columns]
    given = {
        "array": y,
        "list": y.tolist(),
        "frame": pd.DataFrame(y, columns=list("abcd")[:classes]),
    }
    X_new, y_new = sampler().fit_resample(RNG.normal(size=(30, 2)), given[kind])
    assert type(y_new) is type(given[kind])
    rows = np.asarray(y_new)
    assert_array_equal(rows[:30], y)
    assert_array_equal(rows.sum(axis=1), 1)
    assert len(X_new) == len(rows) == 40


HOLES = pd.DataFrame(RNG.normal(size=(30, 5)).round(3)).mask(RNG.random((30, 5)) < 0.3)


@pytest.mark.parametrize(
    "X",
    [
        pytest.param(pd.DataFrame({"x": RNG.normal(size=30)}), id="one column"),
        pytest.param(RNG.normal(size=(30, 1)), id="one column of an array"),
        pytest.param(
            pd.DataFrame(RNG.choice(["red", "green", "blue"], (30, 6))).add_prefix("c"),
            id="categories alone",
        ),
        pytest.param(HOLES.add_prefix("c"), id="missing values"),
        pytest.param(HOLES.add_prefix("c").assign(none=np.nan), id="a column of missing values"),
    ],
)
def test_tables_that_are_hard_for_other_packages(X):
    """The classes are balanced, with no column lost and no value that no real row could have."""
    X_new, y_new = sampler().fit_resample(X, Y)
    assert np.bincount(y_new).tolist() == [20, 20]
    assert X_new.shape == (40, X.shape[1])
    real, made = pd.DataFrame(X), pd.DataFrame(X_new)[30:]
    for name in real:
        present = made[name].dropna()
        if real[name].dtype == object or str(real[name].dtype) in ("str", "string"):
            assert set(present) <= set(real[name])
        else:
            assert present.between(real[name].min() - 1, real[name].max() + 1).all()
        assert made[name].isna().any() <= real[name].isna().any()


@pytest.mark.parametrize("dtype", ["uint8", "int8", "UInt8", "int64"])
def test_whole_numbers_stay_within_their_type(dtype):
    held = np.iinfo(dtype.lower())
    values = np.linspace(float(held.min), float(held.max) * 0.999, 30).astype(dtype.lower())
    frame = pd.DataFrame({"a": pd.array(values, dtype=dtype), "b": RNG.normal(size=30)})
    assert echoed(frame, f"{2**64},0.1") == "out_of_range"
    assert echoed(frame, f"{int(values[3])},0.12")[0] == values[3]


@pytest.mark.parametrize("answer", ["?,0.11", "2024-01-02 03:04:05,0.11"])
def test_times_with_zones_may_be_missing(answer):
    times = pd.Series(pd.date_range("2024-01-01", periods=30, freq="37min", tz="Europe/Zurich"))
    frame = pd.DataFrame({"when": times.where(np.arange(30) % 5 > 0), "b": RNG.normal(size=30)})
    found = sampler(Scripted([answer]), accept=TableFilter(reject_copies=False))
    assert found.fit_resample(frame, Y)[0].dtypes.equals(frame.dtypes)
    balanced = found.fit_resample(frame, np.arange(30) % 2)[0]
    pd.testing.assert_frame_equal(balanced, frame)


def test_a_number_may_be_the_name_of_the_group_column():
    frame = pd.DataFrame({20: RNG.normal(size=30), 10: ["u", "v"] * 15})
    assert set(sampler(group_column=10).fit(frame, Y).sampling_strategy_) == {
        (0, "u"), (0, "v"), (1, "u"), (1, "v"),
    } - {(0, "u")}  # fmt: skip
    by_place = sampler(group_column=1).fit(frame, Y)
    assert by_place.sampling_strategy_ == sampler(group_column=10).fit(frame, Y).sampling_strategy_


def test_lists_of_mixed_rows_keep_their_types():
    rows = [[float(i) / 4, "uv"[i % 2], i] for i in range(30)]
    found, _ = sampler().fit_resample(rows, Y.tolist())
    assert [type(value) for value in found[-1]] == [float, str, int]


@pytest.mark.parametrize("mark", [None, np.nan])
def test_missing_objects_look_as_in_the_real_rows(mark):
    values = np.array([mark, "u", "v"] * 10, dtype=object)
    frame = pd.DataFrame({"a": pd.Series(values, dtype=object), "b": RNG.normal(size=30)})
    found, _ = sampler(Scripted(["?,0.1"]), accept=TableFilter(reject_copies=False)).fit_resample(
        frame, Y
    )
    new = found["a"].iloc[30:]
    assert new.isna().all()
    assert {type(value) for value in new} == {type(mark)}


FRAME = pd.DataFrame({"a": ["u", "v"] * 15, "b": np.arange(30) * 2000})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("u,450", ["u", 450]),
        ("Here is a new row:\n\nu,450", ["u", 450]),
        ("```csv\na,b\nu,450\n```", ["u", 450]),
        ("1. u,450", ["u", 450]),
        ('{"a": "u", "b": 450}', ["u", 450]),
        ('{"a": [1, 2], "b": 450}', "unknown_category"),
        ("[" * 100_000, "unparsable"),
        ('{"a":' * 100_000, "unparsable"),
        ("u," + "4" * 200_000, "unparsable"),
        ('"u', "unparsable"),
    ],
)
def test_answers_with_something_around_the_row(answer, expected):
    assert echoed(FRAME, answer, form="chat") == expected


def test_a_row_that_was_cut_is_not_kept():
    assert echoed(FRAME, "u,450", reason="length") == "truncated"


@pytest.mark.parametrize(("repeats", "natural"), [(1, False), (2, True)])
def test_a_row_may_be_a_copy_where_more_than_one_real_row_in_twenty_is(repeats, natural):
    frame = pd.concat([FRAME[:-repeats], FRAME[:repeats]], ignore_index=True)
    found = echoed(frame, "v,2000", accept=TableFilter())
    assert found == (["v", 2000] if natural else "copied_real")


@pytest.mark.parametrize(
    "name", ["1. FC", "- dash", "None", "nan", "{curly", "?", "a, b", 'say "x"']
)
def test_categories_of_any_name(name):
    frame = pd.DataFrame({"a": [name, "v"] * 15, "b": RNG.normal(size=30).round(2)})
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow([name, 0.12])
    assert echoed(frame, buffer.getvalue()) == [name, 0.12]


def test_what_is_asked_for_beyond_balance_changes_nothing_before_it():
    frame = pd.DataFrame({"a": RNG.integers(0, 12, 60) / 10, "b": ["u", "v"] * 30})
    y = np.repeat(["a", "b", "c"], [30, 20, 10])
    plain, _ = sampler().fit_resample(frame, y)
    more = sampler(augment=20)
    found, _ = more.fit_resample(frame, y)
    n = len(plain)
    pd.testing.assert_frame_equal(found.iloc[:n].reset_index(drop=True), plain)
    assert_array_equal(more.augmentation_mask_, np.arange(len(found)) >= n)


@pytest.mark.parametrize("augment", [np.float32(0.5), 0.5, {0: 10, 1: 10}, np.int64(10)])
def test_augmentation_in_every_form(augment):
    _, y_new = sampler(augment=augment).fit_resample(RNG.normal(size=(30, 2)), Y)
    assert len(y_new) == 60


def test_groups_of_an_earlier_fit_are_forgotten():
    found = sampler()
    X_new, _ = found.fit_resample(FRAME, Y, groups=["g"] * 30)
    assert len(found.groups_) == len(X_new) > 30
    found.fit_resample(FRAME, Y)
    assert not hasattr(found, "groups_")


@pytest.mark.parametrize("group", ["New York, NY", 2.123456, "1. FC"])
def test_groups_of_any_value(group):
    frame = pd.DataFrame({"a": RNG.normal(size=30).round(2), "g": [group] * 24 + ["other"] * 6})
    frame["g"] = frame["g"].iloc[RNG.permutation(30)].to_numpy()
    found = sampler(Grouped(), group_column="g", max_attempts=1)
    found.fit_resample(frame, Y)
    assert set(found.provenance_["reason"]) <= {"", "duplicate"}


class Grouped(BaseGenerator):
    """Answers with a row of the group asked for, which must fit the pattern of the request."""

    def iter_generate(self, requests):
        for number, request in enumerate(requests):
            group = f'"{request.group}"' if "," in str(request.group) else request.group
            assert re.fullmatch(request.pattern, f" 0.12,{group}\n")
            yield number, Completion(f"0.12,{group}")


def test_durations_and_free_text_beside_numbers():
    frame = pd.DataFrame(
        {
            "span": [timedelta(seconds=int(s)) for s in RNG.integers(60, 9000, 60)],
            "note": [f"word {i} and another {i}" for i in range(60)],
            "b": RNG.normal(size=60),
        }
    )
    y = np.repeat([0, 1], 30)
    found = sampler(prompt=TableRows(3, example_selection="nearest"), sampling_strategy={1: 32})
    assert len(found.fit_resample(frame, y)[0]) == 62
    records = frame.iloc[30:33].assign(b=0.1, label=1)
    recorded = sampler(RecordedGenerator(records, text_column=None), sampling_strategy={1: 32})
    assert recorded.fit_resample(frame, y)[0]["span"].iloc[60:].tolist() == (
        frame["span"].iloc[30:32].tolist()
    )


@pytest.mark.parametrize(
    ("X", "groups", "error", "message"),
    [
        (csr_matrix(np.eye(30)), None, TypeError, "sparse"),
        (FRAME.assign(a=[np.inf, *["u"] * 29]), None, ValueError, "'a' holds infinity"),
        (FRAME, np.zeros((30, 2)), ValueError, r"shape \(30, 2\)"),
    ],
)
def test_what_cannot_be_used_is_named(X, groups, error, message):
    with pytest.raises(error, match=message):
        sampler().fit_resample(X, Y, groups=groups)


def test_groups_may_be_a_column_of_a_frame():
    found = sampler().fit(FRAME, Y, groups=FRAME[["a"]])
    assert set(found.sampling_strategy_) <= {(0, "u"), (0, "v"), (1, "u"), (1, "v")}


@pytest.mark.slow
def test_the_longest_row_fits_into_an_answer():
    frame = pd.DataFrame(RNG.normal(size=(30, 9)).round(2)).rename(columns=str)
    sent = []

    class Watching(Shuffler):
        def iter_generate(self, requests):
            sent.extend(requests)
            return super().iter_generate(requests)

    X_new, _ = sampler(Watching()).fit_resample(frame, Y)
    local = TransformersGenerator()
    rows = [",".join(map(str, row)) for row in X_new.to_numpy()]
    longest = max(local.count_tokens(f" {row}\n") for row in rows)
    assert all(longest <= request.max_new_tokens <= 2 * longest for request in sent)


def test_nothing_is_learned_where_nothing_is_wanted(monkeypatch):
    monkeypatch.setattr(FineTunedGenerator, "fit", None)
    X_new, _ = sampler(FineTunedGenerator()).fit_resample(FRAME, np.arange(30) % 2)
    assert len(X_new) == 30


@pytest.mark.parametrize(
    ("row_format", "answer", "reason"),
    [
        ("csv", "21,1.75\n\nThis row follows the", ""),
        ("csv", "21,1.7", "truncated"),
        ("json", '{"age": 21, "size": 1.75} This row follows the', ""),
        ("json", '{"age": 21, "size": 1.7', "truncated"),
    ],
)
def test_a_row_is_whole_if_the_answer_was_cut_after_it(row_format, answer, reason):
    X = pd.DataFrame({"age": RNG.integers(18, 60, 30), "size": RNG.uniform(1.5, 2, 30).round(2)})
    found = sampler(
        Scripted([answer], "chat", "length"),
        prompt=TableRows(3, row_format=row_format),
        max_attempts=1,
        sampling_strategy={1: 11},
    )
    found.fit_resample(X, Y)
    assert found.provenance_["reason"].tolist() == [reason]


def test_whole_numbers_beside_none_stay_whole_in_lists():
    X = [[i if i % 4 else None, "xy"[i % 2], i / 7] for i in range(30)]
    X_new, _ = sampler(sampling_strategy={1: 15}).fit_resample(X, Y)
    assert X_new[:30] == X
    assert {type(row[0]) for row in X_new[30:]} <= {int, type(None)}
    with pytest.raises(ValueError, match="Row 7 of X has 2 values and row 0 has 3"):
        sampler().fit_resample([*X[:7], X[7][:2], *X[8:]], Y)


def test_parents_of_recorded_rows_of_a_table_are_refused():
    X = pd.DataFrame({"age": range(30), "size": np.arange(30) / 7})
    records = [{"age": 3, "size": 1.5, "label": 1, "seed": "3,1.4"}]
    generator = RecordedGenerator(records, text_column=None, parent_column="seed")
    with pytest.raises(ValueError, match=r"'seed' .* rows of a table.*set parent_column=None"):
        sampler(generator).fit_resample(X, Y)
    generator.set_params(parent_column=None)
    assert len(sampler(generator).fit_resample(X, Y)[0]) == 31


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": np.arange(30) / 7, "b": [f"see {n}, a is 3" for n in range(30)]}),
        pd.DataFrame({"a b": np.arange(30) / 7, "a  b": np.arange(30) / 9}),
    ],
    ids=["a text like a part of a row", "names that read alike"],
)
def test_rows_that_could_not_be_read_are_refused_before_anything_is_sent(frame):
    prompt = TableRows(row_format="sentences")
    with pytest.raises(ValueError, match=r'No row of X can be read again.*\(row_format="json"'):
        sampler(Untouched(), prompt=prompt).fit_resample(frame, Y)
    recorded = RecordedGenerator(frame[20:25].assign(label=1), text_column=None)
    settings = {"prompt": prompt, "accept": TableFilter(reject_copies=False)}
    assert len(sampler(recorded, **settings).fit_resample(frame, Y)[0]) == 35


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("as_array", [False, True])
def test_recorded_durations_come_back_in_their_unit_and_copies_are_found(unit, as_array):
    spans = pd.Series(pd.to_timedelta(np.random.default_rng(0).integers(0, 10**9, 30), "ms"))
    X = pd.DataFrame({"x0": spans.astype(f"timedelta64[{unit}]"), "x1": np.arange(30) + 0.5})
    y = np.repeat([0, 1], [20, 10])
    records = X[:15].assign(label=1, x1=lambda rows: rows["x1"] + 0.25 * (rows.index < 5))
    found = LLMOverSampler(
        RecordedGenerator(records, text_column=None), on_shortfall="ignore", verbose=False
    )
    X_new, _ = found.fit_resample(X.to_numpy(dtype=object) if as_array else X, y)
    assert found.provenance_["reason"].tolist()[:15] == [""] * 5 + ["copied_real"] * 10
    new = pd.DataFrame(X_new).iloc[30:, 0]
    assert new.tolist() == X["x0"][:5].tolist()
    assert {span.unit for span in new} == {unit}


def test_numbers_are_no_records_of_texts():
    y = np.repeat([0, 1], [20, 10])
    X = pd.DataFrame({"zip": [f"{i:05d}" for i in range(30)], "k": np.arange(30) + 0.5})
    records = pd.DataFrame({"zip": [703.0, 8.0], "k": [1.25, 2.25], "label": 1})
    with pytest.raises(ValueError, match="and that of X holds strings"):
        LLMOverSampler(RecordedGenerator(records, text_column=None)).fit_resample(X, y)
    records = [{"zip": 703, "k": 1.25, "label": 1}, {"zip": "00703", "k": 2.25, "label": 1}]
    found = LLMOverSampler(
        RecordedGenerator(records, text_column=None), on_shortfall="ignore", verbose=False
    )
    X_new, _ = found.fit_resample(X, y)
    assert found.provenance_["reason"].tolist()[:2] == ["bad_value", ""]
    assert X_new["zip"].tolist()[30:] == ["00703"]


@pytest.mark.parametrize("word", ["NA", "?", "-", " n/a"])
def test_words_for_missing_values_in_records_are_such(word):
    y = np.repeat([0, 1], [20, 10])
    X = pd.DataFrame(
        {
            "n": np.arange(30) / 4, "i": pd.array(np.arange(30) % 3, "Int64"),
            "t": [f"text number {i}" for i in range(30)], "k": np.arange(30) + 0.5,
        }
    )  # fmt: skip
    X.loc[3, ["n", "i", "t"]] = None
    X["none"] = np.nan
    record = {"n": word, "i": word, "t": word, "none": word, "k": "1.25", "label": 1}
    found = LLMOverSampler(
        RecordedGenerator([record, record | {"k": word}], text_column=None),
        on_shortfall="ignore",
        verbose=False,
    )
    X_new, _ = found.fit_resample(X, y)
    assert found.provenance_["reason"].tolist()[:2] == ["", "missing_value"]
    assert X_new.iloc[30:][["n", "i", "t", "none"]].isna().all(axis=None)
