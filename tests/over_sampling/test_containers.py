"""What goes in comes out in the same type with its texts and labels, or is refused unsent."""

import sys
from collections import deque, namedtuple
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

sys.path.insert(0, str(Path(__file__).parent))
from _untouched import Untouched

from sklw import LLMOverSampler, RecordedGenerator, SyntheticWeighter, advise
from sklw.over_sampling import TextFilter

StringDType = getattr(np.dtypes, "StringDType", lambda: object)  # since numpy 2

X = [f"see you at {i} in the office" for i in range(20)] + [f"win {i} pounds" for i in range(4)]
Y = ["ham"] * 20 + ["spam"] * 4
NEW = [f"claim prize {letter} today" for letter in "abcdefghijklmnop"]
Row = namedtuple("Row", "text")


def resampled(X, y, label="spam", texts=NEW):
    records = [{"text": text, "label": label} for text in texts]
    generator = RecordedGenerator(records)
    return LLMOverSampler(generator=generator, accept=TextFilter(None)).fit_resample(X, y)


def as_list(values):
    """Return what a container holds, without numpy's guesses."""
    if isinstance(values, (list, tuple)):
        return [value[0] if isinstance(value, (list, tuple)) else value for value in values]
    if isinstance(values, (pd.DataFrame, pl.DataFrame)):
        return as_list(values[values.columns[0]])
    return values.ravel().tolist() if isinstance(values, np.ndarray) else list(values)


TEXT_CONTAINERS = {
    "list": list,
    "tuple": tuple,
    "rows of one": lambda x: [[text] for text in x],
    "tuples of one": lambda x: tuple((text,) for text in x),
    "object array": lambda x: np.array(x, dtype=object),
    "fixed width": np.array,
    "fixed width column": lambda x: np.array(x)[:, None],
    "numpy strings": lambda x: np.array(x, dtype=StringDType()),
    "numpy string column": lambda x: np.array(x, dtype=StringDType())[:, None],
    "str": lambda x: pd.Series(x, name="text"),
    "object": lambda x: pd.Series(x, dtype=object),
    "string[python]": lambda x: pd.Series(x, dtype="string[python]"),
    "string[pyarrow]": lambda x: pd.Series(x, dtype="string[pyarrow]"),
    "arrow": lambda x: pd.Series(x, dtype=pd.ArrowDtype(pa.string())),
    "category": lambda x: pd.Series(x, dtype="category"),
    "unused category": lambda x: pd.Series(x, dtype=pd.CategoricalDtype([*set(x), "zzz"])),
    "category frame": lambda x: pd.DataFrame({"text": pd.Series(x, dtype="category")}),
    "frame": lambda x: pd.DataFrame({"text": x}),
    "index": lambda x: pd.Index(x, name="text"),
    "category index": pd.CategoricalIndex,
    "categorical": pd.Categorical,
    "string array": lambda x: pd.array(x, dtype="string"),
    "polars": lambda x: pl.Series("text", x),
    "polars category": lambda x: pl.Series("text", x, dtype=pl.Categorical),
    "polars frame": lambda x: pl.DataFrame({"text": x}),
}


@pytest.mark.parametrize("kind", TEXT_CONTAINERS)
def test_texts_come_back_in_their_container(kind):
    given = TEXT_CONTAINERS[kind](X)
    got, _ = resampled(given, Y)
    assert type(got) is type(given)
    assert as_list(got) == [*X, *NEW]
    dtype = getattr(given, "dtype", None)
    if isinstance(dtype, pd.CategoricalDtype):
        assert list(got.dtype.categories)[: len(dtype.categories)] == list(dtype.categories)
        assert got.dtype.ordered == dtype.ordered
    elif kind.startswith("fixed"):
        assert got.dtype.kind == "U"
    else:
        assert getattr(got, "dtype", None) == dtype
    assert getattr(got, "name", None) == getattr(given, "name", None)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(pl.Series(X, dtype=pl.Enum(X)), id="enum, which cannot grow"),
        pytest.param(pl.LazyFrame({"text": X}), id="lazy"),
        pytest.param(pa.array(X), id="arrow array"),
        pytest.param(pa.chunked_array([X]), id="arrow chunks"),
        pytest.param(pa.table({"text": X}), id="arrow table"),
        pytest.param(np.ma.array(X, mask=[True] + [False] * 23), id="masked"),
        pytest.param(np.ma.array(np.zeros((24, 2)), mask=np.eye(24, 2)), id="masked table"),
        pytest.param(np.matrix(np.array(X)[:, None]), id="matrix"),
        pytest.param(np.char.array(X), id="chararray"),
        pytest.param(np.array([text.encode() for text in X]), id="bytes"),
        pytest.param([text.encode() for text in X], id="list of bytes"),
        pytest.param([Row(text) for text in X], id="named tuples"),
        pytest.param(sparse.csr_array(np.eye(24)), id="sparse"),
        pytest.param(deque(X), id="deque"),
        pytest.param(set(X), id="set"),
        pytest.param(dict(enumerate(X)), id="dict"),
        pytest.param((text for text in X), id="generator"),
        pytest.param("text", id="text"),
    ],
)
def test_what_cannot_come_back_is_refused_before_anything_is_sent(given):
    sampler = LLMOverSampler(generator=Untouched())
    with pytest.raises(TypeError, match="LLMOverSampler"):
        sampler.fit_resample(given, Y)


def test_a_table_of_arrow_is_told_how_to_come():
    table = pa.table({"text": X, "size": np.arange(24.0)})
    calls = [LLMOverSampler(Untouched()).fit_resample, SyntheticWeighter().fit, advise]
    for call in calls:
        with pytest.raises(TypeError, match=r"got a table of Arrow. Pass table.to_pandas\(\)"):
            call(table, Y)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
@pytest.mark.parametrize("kind", ["list", "object", "category", "string[pyarrow]", "polars"])
def test_missing_texts_are_refused_before_anything_is_sent(kind, missing):
    if kind in ("polars", "category"):
        missing = None
    given = TEXT_CONTAINERS[kind]([missing, *X[1:]])
    with pytest.raises(ValueError, match=r"missing value .* position 0"):
        LLMOverSampler(generator=Untouched()).fit_resample(given, Y)


NUMBERS = [0] * 20 + [1] * 4
LABELS = {
    "list": Y,
    "tuple": tuple(Y),
    "column of lists": [[label] for label in Y],
    "numpy strings in a list": [np.str_(label) for label in Y],
    "numpy and plain numbers": [np.int64(0)] * 20 + [1] * 4,
    "whole floats": [0.0] * 20 + [1.0] * 4,
    "array": np.array(Y),
    "object array": np.array(NUMBERS, dtype=object),
    "column": np.array(Y)[:, None],
    "string dtype": np.array(Y, dtype=StringDType()),
    "small": np.array(NUMBERS, dtype="int8"),
    "unused category": pd.Series(Y, dtype=pd.CategoricalDtype(["spam", "other", "ham"])),
    "categories of numbers": pd.Series(NUMBERS, dtype="category"),
    "categorical": pd.Categorical(Y),
    "nullable numbers": pd.Series(NUMBERS, dtype="Int64", name="kind"),
    "nullable booleans": pd.Series(np.array(NUMBERS, dtype=bool), dtype="boolean"),
    "arrow": pd.Series(NUMBERS, dtype="int64[pyarrow]"),
    "frame": pd.DataFrame({"kind": Y}),
    "index": pd.Index(Y),
    "polars": pl.Series("kind", Y),
    "polars category": pl.Series("kind", Y, dtype=pl.Categorical),
    "polars enum": pl.Series("kind", Y, dtype=pl.Enum(["ham", "spam", "other"])),
    "polars numbers": pl.Series("kind", NUMBERS, dtype=pl.UInt8),
    "polars booleans": pl.Series("kind", NUMBERS).cast(pl.Boolean),
    "polars frame": pl.DataFrame({"kind": Y}),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_come_back_in_their_container(kind):
    y = LABELS[kind]
    old = as_list(y)
    _, got = resampled(X, y, label=old[-1])
    assert type(got) is type(y)
    assert as_list(got) == [*old, *[old[-1]] * 16]
    assert {type(label) for label in as_list(got)[24:]} <= {type(old[-1]), str, int}
    assert getattr(got, "dtype", None) == getattr(y, "dtype", None)
    if isinstance(y, pd.DataFrame):
        assert got.dtypes.equals(y.dtypes)


@pytest.mark.parametrize(
    ("y", "error", "words"),
    [
        (["ham"] * 20 + [1] * 4, TypeError, "'ham' and 1"),
        (np.array(["ham"] * 20 + [1] * 4, dtype=object), TypeError, "'ham' and 1"),
        (pd.Series(["ham"] * 20 + [1] * 4, dtype="category"), TypeError, "'ham' and 1"),
        (["1"] * 20 + [1] * 4, TypeError, "'1' and 1"),
        ([True] * 20 + [0] * 4, TypeError, "0 and True"),
        ([0] * 20 + [1.0] * 4, TypeError, "0 and 1.0"),
        (["ham"] * 20 + [b"ham"] * 4, TypeError, "bytes"),
        ([b"ham"] * 20 + [b"spam"] * 4, TypeError, "bytes"),
        (np.array([b"ham"] * 20 + [b"spam"] * 4), TypeError, "bytes"),
        (["ham"] * 20 + [float("nan")] * 4, ValueError, "missing label at position 20, 4 in all"),
        (np.array(["ham"] * 20 + [float("nan")] * 4), ValueError, "missing label at position 20"),
        (["ham"] * 20 + [None] * 4, ValueError, "missing label at position 20"),
        (["ham"] * 20 + [pd.NA] * 4, ValueError, "missing label at position 20"),
        (["ham"] * 20 + [pd.NaT] * 4, ValueError, "missing label at position 20"),
        ([0] * 20 + [float("nan")] * 4, ValueError, "missing label at position 20"),
        (pd.Series([*Y[:23], None]), ValueError, "missing label at position 23"),
        (pd.Series([*Y[:23], None], dtype="category"), ValueError, "missing label at position 23"),
        (pd.Series([*NUMBERS[:23], None], dtype="Int64"), ValueError, "missing label"),
        (pl.Series([*Y[:23], None]), ValueError, "missing label at position 23"),
        ([1.0] * 20 + [1.5] * 4, ValueError, "continuous"),
        (np.ma.array(NUMBERS, mask=[True] + [False] * 23), TypeError, "masked"),
        (sparse.csr_array(np.array(NUMBERS)[:, None]), TypeError, "sparse"),
        (sparse.csr_array(np.eye(2)[NUMBERS]), TypeError, "sparse"),
        (pa.chunked_array([Y]), TypeError, "cannot append rows to y"),
        (pl.DataFrame(np.eye(2, dtype=int)[NUMBERS]), TypeError, "cannot append rows to y"),
        (np.where(np.eye(2)[NUMBERS], 1.0, np.nan), ValueError, "missing"),
        ("ham", ValueError, "1d array"),
    ],
)
def test_labels_that_are_no_classes_are_refused_before_anything_is_sent(y, error, words):
    with pytest.raises(error, match=words):
        LLMOverSampler(generator=Untouched()).fit_resample(X, y)


plain = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=4, max_size=30)
words = plain.map(lambda text: f"w {' '.join(text.split())} w")


@pytest.mark.slow
@given(
    kind=st.sampled_from(sorted(TEXT_CONTAINERS)),
    labels=st.sampled_from(
        [("a", "b"), (0, 1), (False, True), (-1, 7), ("1", "01"), (2.0, 3.0), ("é", " é")]
    ),
    as_y=st.sampled_from(
        [list, tuple, np.array, pd.Series, pl.Series, lambda y: pd.Series(y, dtype="category")]
    ),
    texts=st.lists(words, min_size=12, max_size=12, unique_by=str.casefold),
    index=st.permutations(range(8)),
)
@settings(max_examples=80, deadline=None)
def test_any_texts_and_labels_come_back(kind, labels, as_y, texts, index):
    real, new = texts[:8], texts[8:]
    given, y = TEXT_CONTAINERS[kind](real), as_y([labels[0]] * 6 + [labels[1]] * 2)
    if isinstance(given, (pd.Series, pd.DataFrame)):
        given.index = index
    generator = RecordedGenerator([{"text": text, "label": labels[1]} for text in new])
    sampler = LLMOverSampler(
        generator=generator,
        accept=TextFilter(None, length_tolerance=99),
        on_shortfall="ignore",
    )
    got, y_got = sampler.fit_resample(given, y)
    made = sampler.provenance_.query("accepted")["text"].tolist()
    assert (type(got), type(y_got)) == (type(given), type(y))
    assert as_list(got) == [*real, *made]
    assert as_list(y_got) == [labels[0]] * 6 + [labels[1]] * (2 + len(made))
    if isinstance(got, (pd.Series, pd.DataFrame)):
        assert got.index.tolist() == [*index, *range(8, 8 + len(made))]
