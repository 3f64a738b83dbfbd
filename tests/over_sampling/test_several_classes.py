"""How many rows several classes, or cells of classes and groups, are to get."""

from collections import Counter

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score

from sklw import LLMOverSampler, RecordedGenerator, SyntheticWeighter, make_pipeline
from sklw.over_sampling import TextFilter

SIZES = {"ham": 40, "spam": 13, "bill": 6}
WORDS = {"ham": "see you at {} in the office", "spam": "win {} pounds", "bill": "pay {} euros"}
X = [WORDS[label].format(i) for label, size in SIZES.items() for i in range(size)]
Y = [label for label, size in SIZES.items() for _ in range(size)]
RECORDS = [
    {"text": f"claim {label} number {i} today", "label": label}
    for label in SIZES
    for i in range(40)
]


def sampler(names=None, **parameters):
    records = [row | {"label": (names or {}).get(row["label"], row["label"])} for row in RECORDS]
    return LLMOverSampler(
        generator=RecordedGenerator(records), accept=TextFilter(None), random_state=0,
        **parameters,
    )  # fmt: skip


@pytest.mark.parametrize(
    "names", [None, {"ham": 0, "spam": 1, "bill": 2}, {"ham": -1.0, "spam": 7.0, "bill": 2.0}]
)
@pytest.mark.parametrize(
    ("ratio", "sizes"),
    [
        (0.1, (40, 13, 6)),
        (0.3, (40, 13, 12)),
        (0.5, (40, 20, 20)),
        (1.0, (40, 40, 40)),
        (lambda y: 0.5, (40, 20, 20)),
    ],
)
def test_a_ratio_is_a_share_of_the_largest_class(ratio, sizes, names):
    y = Y if names is None else [names[label] for label in Y]
    found = sampler(names, sampling_strategy=ratio)
    X_new, y_new = found.fit_resample(X, y)
    wanted = dict(zip(dict.fromkeys(y), sizes, strict=True))
    assert Counter(y_new) == wanted
    assert found.sampling_strategy_ == {
        label: size - Counter(y)[label]
        for label, size in wanted.items()
        if size > Counter(y)[label]
    }
    assert X_new[:59] == X


@pytest.mark.parametrize(("ratio", "least"), [(0.5, 13), (1.0, 25)])
def test_with_groups_it_is_a_share_of_the_largest_cell(ratio, least):
    groups = np.array(["a"] * 25 + ["b"] * 15 + ["a"] * 4 + ["b"] * 9 + ["a"] * 3 + ["b"] * 3)
    records = [row | {"group": group} for group in "ab" for row in RECORDS]
    for number, row in enumerate(records):
        row["text"] += f" {number}"
    found = LLMOverSampler(
        generator=RecordedGenerator(records, group_column="group"), random_state=0,
        accept=TextFilter(None), sampling_strategy=ratio,
    )  # fmt: skip
    _, y_new = found.fit_resample(X, Y, groups=groups)
    before, after = (
        Counter(zip(Y, groups, strict=True)),
        Counter(zip(y_new, found.groups_, strict=True)),
    )
    assert after == {cell: max(least, size) for cell, size in before.items()}


@pytest.mark.parametrize(
    ("n_few", "n_many", "ratio", "n_after"),
    [
        (20, 40, 0.3, 20),  # more than that already, as in some fold of cross-validation
        (10, 40, 0.3, 12),
        (10, 40, 1.0, 40),
        (7, 100, 0.07, 7),  # in floats a little above 7
        (7, 100, 0.29, 29),  # and below 29
        (6, 55, 0.5, 28),
    ],
)
def test_a_ratio_is_the_least_share_of_two_classes_too(n_few, n_many, ratio, n_after):
    texts = [f"text {i} of {i * i}" for i in range(n_few + n_many)]
    found = sampler(sampling_strategy=ratio)
    _, y_new = found.fit_resample(texts, ["spam"] * n_few + ["ham"] * n_many)
    assert Counter(y_new) == {"ham": n_many, "spam": n_after}


@pytest.mark.slow
def test_a_ratio_works_in_cross_validation_and_search():
    pipe = make_pipeline(sampler(), SyntheticWeighter(), TfidfVectorizer(), LogisticRegression())
    grid = GridSearchCV(
        pipe, {"llmoversampler__sampling_strategy": [0.3, 0.5, "auto"]}, cv=3, error_score="raise",
        scoring="f1_macro",
    )  # fmt: skip
    grid.fit(X, Y)
    assert np.isfinite(grid.cv_results_["mean_test_score"]).all()
    uneven = StratifiedKFold(4, shuffle=True, random_state=1)
    pipe.set_params(llmoversampler__sampling_strategy=0.3)
    assert np.isfinite(cross_val_score(pipe, X, Y, cv=uneven, error_score="raise")).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sampling_strategy": {"spam": 12}}, "12 rows of 'spam', which has 13 .*=0.5.*callable"),
        ({"sampling_strategy": {"bill": 9, "ham": 0}}, "0 rows of 'ham', which has 40"),
        ({"sampling_strategy": {"bill": 9.5}}, "whole numbers of rows.*sampling_strategy=0.5"),
        ({"sampling_strategy": {"bill": "9"}}, "whole numbers of rows"),
        ({"sampling_strategy": {"bill": float("nan")}}, "whole numbers of rows"),
        ({"sampling_strategy": 1.5}, "sampling_strategy"),
        ({"sampling_strategy": lambda y: 0.0}, "share of the largest class"),
        ({"augment": {"bill": float("inf")}}, "whole numbers of rows"),
        ({"augment": {"bill": "x"}}, "whole numbers of rows"),
        ({"augment": {"bill": -1}}, "negative"),
        ({"augment": {"x": 1}}, r"augment names the class\(es\) \['x'\]"),
    ],
)
def test_what_cannot_be_is_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        sampler(**parameters).fit_resample(X, Y)


def test_numbers_of_rows_of_any_type():
    strategy = {np.str_("bill"): np.int64(9), "spam": 14.0}
    _, y_new = sampler(sampling_strategy=strategy, augment={"ham": np.int8(2)}).fit_resample(X, Y)
    assert Counter(y_new) == {"ham": 42, "spam": 14, "bill": 9}
