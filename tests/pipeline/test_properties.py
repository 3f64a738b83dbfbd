"""Any data through any samplers: each row keeps its own weight.

The final estimator records what it got; the oracle knows each row by its text.
"""

import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from imblearn import FunctionSampler
from imblearn.over_sampling import RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline as make_checker

from sklw import LLMOverSampler, RecordedGenerator, SyntheticWeighter, make_pipeline
from sklw.over_sampling import TextFilter

N_HAM, N_SPAM = 14, 4
TEXTS = [f"see you at {i}" for i in range(N_HAM)] + [f"win {i} pounds" for i in range(N_SPAM)]
IS_SPAM = np.arange(N_HAM + N_SPAM) >= N_HAM
MADE = [f"claim prize {w} today" for w in "abcdefghijkl"]


class Recorder(ClassifierMixin, BaseEstimator):
    def fit(self, X, y, sample_weight=None):
        self.got_ = texts_of(X), list(y), np.asarray(sample_weight)
        self.classes_ = np.unique(np.asarray(y))
        return self

    def predict(self, X):
        return np.repeat(self.classes_[0], len(texts_of(X)))


class RowRecorder(Recorder):
    def fit(self, X, y, sample_weight=None, row_weights=None):
        super().fit(X, y, row_weights.sample_weight)
        self.synthetic_ = row_weights.synthetic
        return self


def texts_of(X):
    values = np.asarray(X, dtype=object)
    return values.reshape(len(values)).tolist()


TEXT_CONTAINERS = {
    "list": list,
    "tuple": tuple,
    "nested": lambda texts: [[text] for text in texts],
    "object": lambda texts: np.array(texts, dtype=object),
    "fixed": np.array,
    "column": lambda texts: np.array(texts, dtype=object)[:, None],
    "series": pd.Series,
    "string": lambda texts: pd.Series(texts, dtype="string"),
    "object series": lambda texts: pd.Series(texts, dtype=object, index=range(7, 25)),
    "named": lambda texts: pd.Series(texts, index=[f"row {i}" for i in range(18)], name="text"),
    "frame": lambda texts: pd.DataFrame({"text": texts}),
}
LABELS = {
    "str": ("ham", "spam"),
    "int": (0, 1),
    "bool": (False, True),
    "reversed": (7, 3),
    "float": (1.0, 2.0),
}
LABEL_CONTAINERS = {
    "list": list,
    "array": np.array,
    "series": pd.Series,
    "category": lambda labels: pd.Series(labels, dtype="category"),
    "object": lambda labels: np.array(labels, dtype=object),
}
WEIGHT_CONTAINERS = {"list": list, "array": np.asarray, "series": pd.Series}


def picked(X, order):
    if hasattr(X, "iloc"):
        return X.iloc[order]
    return X[order] if isinstance(X, np.ndarray) else type(X)(X[at] for at in order)


def shuffling(seed):
    def shuffle(X, y):
        order = np.random.default_rng(seed).permutation(len(texts_of(X)))
        return picked(X, order), picked(y, order)

    return FunctionSampler(func=shuffle, validate=False)


def dropping(seed):
    """Drop about a third of the rows, but of each class leave at least two."""

    def drop(X, y):
        rng = np.random.default_rng(seed)
        labels = pd.Series(list(y))
        kept = rng.random(len(labels)) < 0.67
        for _, of_class in labels.groupby(labels, observed=True):
            kept[of_class.index[-2:]] = True
        return picked(X, np.flatnonzero(kept)), picked(y, np.flatnonzero(kept))

    return FunctionSampler(func=drop, validate=False)


def appending(seed):
    """Put the last row's text, changed, before all others: a new row of its class."""

    def put_first(X, y):
        made = f"new {seed} -> {texts_of(X)[-1]}"
        order = np.r_[len(texts_of(X)) - 1, np.arange(len(texts_of(X)))]
        X, y = picked(X, order), picked(y, order)
        if hasattr(X, "iloc"):
            X = X.copy()
            X.iloc[0] = made
        elif isinstance(X, np.ndarray):
            X = X.astype(object)
            X[0] = made
        else:
            X = type(X)([[made] if isinstance(X[0], list) else made, *X[1:]])
        return X, y

    return FunctionSampler(func=put_first, validate=False)


SAMPLERS = {
    "shuffle": shuffling,
    "drop": dropping,
    "new first": appending,
    "over": lambda seed: RandomOverSampler(random_state=seed),
    "under": lambda seed: RandomUnderSampler(random_state=seed),
}


def llm(labels):
    rows = [{"text": text, "label": labels[1]} for text in MADE]
    return LLMOverSampler(
        generator=RecordedGenerator(rows), accept=TextFilter(None), random_state=0
    )


def run(data, samplers, labels, routing, output, final, method, memory=None):
    X, y, users = data
    checker = make_checker(CountVectorizer(), LogisticRegression())
    weighter = SyntheticWeighter(method, checker=checker, real_weight=0.5, random_state=0)
    pipe = make_pipeline(llm(labels), *samplers, weighter, final, memory=memory)
    with sklearn.config_context(enable_metadata_routing=routing, transform_output=output):
        if routing:
            final.set_fit_request(sample_weight=True)
            pipe.fit(X, y, sample_weight=users)
        else:
            pipe.fit(X, y, **{f"{pipe.steps[-1][0]}__sample_weight": users})
        assert len(pipe.predict(X)) == len(TEXTS)
    return pipe


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    container=st.sampled_from(sorted(TEXT_CONTAINERS)),
    label_type=st.sampled_from(sorted(LABELS)),
    label_container=st.sampled_from(sorted(LABEL_CONTAINERS)),
    weight_container=st.sampled_from(sorted(WEIGHT_CONTAINERS)),
    steps=st.lists(st.sampled_from(sorted(SAMPLERS)), max_size=3),
    seed=st.integers(0, 1000),
    routing=st.booleans(),
    output=st.sampled_from(["default", "pandas"]),
    takes_rows=st.booleans(),
    method=st.sampled_from(["uniform", "quality"]),
)
def test_each_row_keeps_its_own_weight(
    container, label_type, label_container, weight_container, steps, seed, routing, output,
    takes_rows, method,
):  # fmt: skip
    # scikit-learn takes no objects but strings for labels, and reads categories of truth values
    # as numbers.
    assume(label_container != "object" or label_type == "str")
    assume(label_container != "category" or label_type != "bool")
    labels = LABELS[label_type]
    users = np.random.default_rng(seed).uniform(0.5, 2, len(TEXTS))
    of_user = dict(zip(TEXTS, users, strict=True))
    label_of = dict(zip(TEXTS, np.array(labels, dtype=object)[IS_SPAM.astype(int)], strict=True))
    data = (
        TEXT_CONTAINERS[container](TEXTS),
        LABEL_CONTAINERS[label_container](list(label_of.values())),
        WEIGHT_CONTAINERS[weight_container](users),
    )
    final = RowRecorder() if takes_rows else Recorder()
    two_dimensional = container in ("nested", "column", "frame")
    if not two_dimensional:  # imbalanced-learn's samplers read tables alone
        steps = [step for step in steps if step not in ("over", "under")]
    if {"drop", "under"} & set(steps):
        method = "uniform"  # a checker needs real rows of both classes
    samplers = [SAMPLERS[step](seed + at) for at, step in enumerate(steps)]
    try:
        pipe = run(data, samplers, labels, routing, output, final, method)
    except TypeError as error:
        # Of a row and its copies, nobody can say which has been dropped.
        copies = "over" in steps and "drop" in steps[steps.index("over") :]
        if copies and "one of several identical rows" in str(error):
            return
        raise
    weighter = pipe.named_steps["syntheticweighter"]
    texts, got_labels, weights = final.got_
    met = set()
    for at, (text, label, weight) in enumerate(zip(texts, got_labels, weights, strict=True)):
        copy, met = text in met, met | {text}
        real = text in of_user and not copy
        assert label == label_of.get(text.split("-> ")[-1], labels[1])
        assert weighter.synthetic_mask_[at] == (not real)
        assert weight == pytest.approx(of_user.get(text, 1.0) * weighter.sample_weight_[at])
        if real:
            assert weight == pytest.approx(0.5 * of_user[text])
        if takes_rows:
            assert final.synthetic_[at] == (not real)
    if not {"drop", "under"} & set(steps):
        assert set(of_user) <= met
    assert weighter.synthetic_mask_.any() or {"drop", "under"} & set(steps)
