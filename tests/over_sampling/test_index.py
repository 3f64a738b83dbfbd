import numpy as np
import pandas as pd
import pytest

from sklw import LLMOverSampler, RecordedGenerator
from sklw.over_sampling import TextFilter

X = [f"see you at {i} in the office" for i in range(6)] + [f"win {i} pounds" for i in range(2)]
Y = ["ham"] * 6 + ["spam"] * 2


def resampled(index, letters="abcd"):
    """Return the index of X and y with four new rows."""
    records = [{"text": f"claim prize {letter} today", "label": "spam"} for letter in letters]
    sampler = LLMOverSampler(
        generator=RecordedGenerator(records), accept=TextFilter(None), verbose=False
    )
    X_new, y_new = sampler.fit_resample(pd.Series(X, index=index), pd.Series(Y, index=index))
    assert X_new.index.equals(y_new.index)
    return X_new, y_new


@pytest.mark.parametrize(
    ("index", "new"),
    [
        (pd.RangeIndex(8), [8, 9, 10, 11]),
        (pd.RangeIndex(10, 26, 2), [26, 28, 30, 32]),
        (pd.Index([3, 90, 7, 1, 2, 0, 44, 5], name="id"), [91, 92, 93, 94]),
        (pd.Index([1] * 8), [2, 3, 4, 5]),
        (pd.Index(range(-20, -12), dtype="int8"), [-12, -11, -10, -9]),
        (pd.Index([*range(7), 2**64 - 1], dtype="uint64"), [7, 8, 9, 10]),
        (pd.Index([*range(1, 8), 125], dtype="int8"), [0, 8, 9, 10]),
        (pd.Index([*range(7), 2**63 - 1]), [7, 8, 9, 10]),
        (pd.Index(range(8), dtype="Int64"), [8, 9, 10, 11]),
        (pd.Index(list("abcdefgh"), name="key"), [f"synthetic_{i}" for i in range(4)]),
        (
            pd.Index(["synthetic_5", *"bcdefgh"], dtype=object),
            ["synthetic_6", "synthetic_7", "synthetic_8", "synthetic_9"],
        ),
        (
            pd.Index(["synthetic_x", "my_synthetic_3", *"cdefgh"]),
            [f"synthetic_{i}" for i in range(4)],
        ),
    ],
)
def test_an_index_goes_on_without_duplicates(index, new):
    got, _ = resampled(index)
    assert got.index[:8].tolist() == index.tolist()
    assert got.index[8:].tolist() == new
    assert (got.index.dtype, got.index.name) == (index.dtype, index.name)


@pytest.mark.parametrize(
    "index",
    [
        pd.date_range("2024-01-01", periods=8),
        pd.Index(np.linspace(0, 1, 8)),
        pd.Index(pd.date_range("2024-01-01", periods=8).date),
        pd.Index([3, *"abcdefg"]),
        pd.MultiIndex.from_product([["a", "b"], range(4)]),
        pd.CategoricalIndex(list("abcdefgh")),
        pd.period_range("2024-01", periods=8, freq="M"),
        pd.Index([*range(7), None], dtype="Int64"),
    ],
)
def test_an_index_that_cannot_go_on_is_made_anew(index):
    got, _ = resampled(index)
    assert got.index.tolist() == list(range(12))


def test_resampling_again_gives_other_names():
    first, y = resampled(pd.Index(list("abcdefgh")))
    kept = [*range(8), 10, 11]  # without synthetic_0 and synthetic_1
    records = [{"text": f"free ringtone {letter} now", "label": "spam"} for letter in "abcdef"]
    sampler = LLMOverSampler(
        generator=RecordedGenerator(records),
        sampling_strategy={"spam": 8},
        accept=TextFilter(None),
    )
    X_new, y_new = sampler.fit_resample(first.iloc[kept], y.iloc[kept])
    assert X_new.index.is_unique
    assert X_new.index[10:].tolist() == [f"synthetic_{i}" for i in range(4, 8)]
    assert y_new.index.equals(X_new.index)
