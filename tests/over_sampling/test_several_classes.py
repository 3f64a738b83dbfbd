"""How many rows several classes, or cells of classes and groups, are to get."""

from collections import Counter

import numpy as np
import pytest
from imblearn.over_sampling import RandomOverSampler
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


@pytest.mark.parametrize(("ratio", "least"), [(0.5, 12), (1.0, 25)])
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


@pytest.mark.parametrize("ratio", [0.3, 0.5])
def test_a_ratio_of_two_classes_is_that_of_imbalanced_learn(ratio):
    texts = [f"text {i} of {i * i}" for i in range(65)]
    labels = ["spam"] * 10 + ["ham"] * 55
    _, y_new = sampler(sampling_strategy=ratio).fit_resample(texts, labels)
    theirs = RandomOverSampler(sampling_strategy=ratio).fit_resample(np.zeros((65, 1)), labels)[1]
    assert Counter(y_new) == Counter(theirs)


def test_a_class_that_has_more_than_the_ratio_is_left_as_it_is():
    # As in some fold of cross-validation, where imbalanced-learn raises.
    texts, labels = [f"text {i} of {i * i}" for i in range(60)], ["spam"] * 20 + ["ham"] * 40
    _, y_new = sampler(sampling_strategy=0.3).fit_resample(texts, labels)
    assert Counter(y_new) == {"ham": 40, "spam": 20}


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
