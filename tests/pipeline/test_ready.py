"""What transformers and the classifier cannot read of a table is found before rows are paid for."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline as make_sklearn_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    PolynomialFeatures,
    StandardScaler,
)

from sklw import LLMOverSampler, SyntheticWeighter, TextEmbedder, make_pipeline

N = 24
TABLE = pd.DataFrame(
    {
        "k": np.arange(N) / 2,
        "m": [np.nan, *range(1, N)],
        "kind": ["new", "used"] * (N // 2),
        "note": [f"see you at {i} in the office" for i in range(N)],
    }
)
NUMBERS = TABLE[["k", "m"]]
LABELS = ["ham"] * 20 + ["spam"] * 4


@pytest.fixture(autouse=True)
def _both_ways(routing):
    """Every pipeline is tested without metadata routing and with it."""


class Costly(LLMOverSampler):
    def fit_resample(self, X, y, groups=None):
        raise AssertionError("rows were paid for")


class Slow(StandardScaler):
    def fit(self, X, y=None):
        raise AssertionError("fitted too early")


def columns(*parts, **kwargs):
    return make_column_transformer(*parts, **kwargs)


def filled(*steps):
    return make_sklearn_pipeline(SimpleImputer(), *steps)


@pytest.mark.parametrize(
    ("X", "steps", "words"),
    [
        (TABLE, [columns((StandardScaler(), ["k", "m"]))], "what ColumnTransformer makes.*NaN"),
        (TABLE, [columns((StandardScaler(), ["k", "mm"]))], "mm"),
        (TABLE, [columns((StandardScaler(), ["kind"]))], "convert string to float: 'new'"),
        (TABLE, [columns((StandardScaler(), ["k"]), remainder="passthrough")], "'new'|'see you"),
        (TABLE, [columns((filled(PolynomialFeatures()), ["m", "kind"]))], "non-numeric data"),
        (TABLE, [columns((TextEmbedder(), ["note"]), (StandardScaler(), ["m"]))], "contains NaN"),
        (TABLE, [columns((Slow(), ["k"]), (MinMaxScaler(), ["mm"]))], "mm"),
        (TABLE, [columns((TfidfVectorizer(), "mm"), (OneHotEncoder(), ["kind"]))], "mm"),
        (NUMBERS, [StandardScaler()], "what StandardScaler makes of the real rows"),
        (NUMBERS.to_numpy(), [StandardScaler()], "contains NaN"),
        (NUMBERS, [StandardScaler(), MinMaxScaler()], "StandardScaler and MinMaxScaler make of"),
    ],
)
def test_what_transformers_or_the_classifier_cannot_read_is_refused_in_time(X, steps, words):
    for weighter in ([], [SyntheticWeighter("uniform")]):
        pipe = make_pipeline(Costly(), *weighter, *steps, LogisticRegression())
        with pytest.raises((TypeError, ValueError, KeyError), match=f"(?s){words}") as caught:
            pipe.fit(X, LABELS)
        notes = [str(caught.value), *getattr(caught.value, "__notes__", [])]
        assert notes[-1].endswith("No row was generated yet.")


@pytest.mark.parametrize(
    "steps",
    [
        [columns((filled(StandardScaler()), ["k", "m"]), (OneHotEncoder(), ["kind"]))],
        [columns((TfidfVectorizer(min_df=30), "note"), (OneHotEncoder(), ["kind"]))],
        [columns((filled(), make_column_selector(dtype_include=float)))],
        [columns((TextEmbedder(), ["note"]))],
        [columns((Slow(), ["k"]), remainder=OneHotEncoder())],
        # What it does to the rows is not known before.
        [columns((StandardScaler(), ["k", "m"])), FunctionTransformer(np.nan_to_num)],
        [FunctionTransformer(lambda X: X[["k"]]), StandardScaler()],
        [Slow(), StandardScaler()],
        # Of a part that is left out, these may be columns.
        [columns((Slow(), ["k"]), (OneHotEncoder(), ["kind"])), columns((StandardScaler(), [2]))],
    ],
)
def test_what_can_be_read_or_is_not_known_is_left_alone(steps):
    with pytest.raises(AssertionError, match="paid for"):
        make_pipeline(Costly(), *steps, LogisticRegression()).fit(TABLE, LABELS)


def test_a_classifier_that_reads_missing_values_may_get_them():
    steps = [columns((StandardScaler(), ["k", "m"])), HistGradientBoostingClassifier()]
    with pytest.raises(AssertionError, match="paid for"):
        make_pipeline(Costly(), *steps).fit(TABLE, LABELS)
