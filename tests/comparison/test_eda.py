import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from sklw import SyntheticWeighter, make_pipeline
from sklw.comparison import EDAOverSampler

word = st.text(alphabet="abcdefgh", min_size=1, max_size=4)
text = st.lists(word, min_size=1, max_size=12).map(" ".join)


@st.composite
def labelled_texts(draw):
    rare = draw(st.lists(text, min_size=1, max_size=4))
    common = draw(st.lists(text, min_size=len(rare) + 1, max_size=10))
    labels = ["rare"] * len(rare) + ["common"] * len(common)
    order = draw(st.permutations(range(len(labels))))
    texts = [*rare, *common]
    return [texts[i] for i in order], [labels[i] for i in order]


@given(labelled_texts(), st.floats(0.01, 1), st.integers(0, 2**31))
def test_new_texts_fill_the_strategy_from_words_of_their_class(data, alpha, seed):
    texts, labels = data
    sampler = EDAOverSampler(alpha=alpha, random_state=seed)
    X, y = sampler.fit_resample(texts, labels)
    n = len(texts)
    assert X[:n] == texts
    assert y[:n] == labels
    assert y.count("rare") == y.count("common") == labels.count("common")
    assert set(y[n:]) <= {"rare"}
    vocabulary = {
        w for t, label in zip(texts, labels, strict=True) if label == "rare" for w in t.split()
    }
    for new in X[n:]:
        assert new.split()
        assert set(new.split()) <= vocabulary
    assert sampler.synthetic_mask_.tolist() == [False] * n + [True] * (len(X) - n)
    assert len(sampler.parent_indices_) == len(X) - n
    assert all(labels[parent] == "rare" for (parent,) in sampler.parent_indices_)
    assert clone(sampler).fit_resample(texts, labels) == (X, y)


@given(st.lists(word, min_size=2, max_size=20, unique=True), st.floats(0.05, 0.3))
def test_a_new_text_differs_from_its_parent_by_as_many_words_as_asked(words, alpha):
    texts = [" ".join(words), "x y", "x y", "x y z"]
    X, _ = EDAOverSampler(alpha=alpha, random_state=0).fit_resample(texts, list("abbb"))
    n_edits = max(1, round(alpha * len(words)))
    for new in X[4:]:
        assert new != texts[0]
        assert abs(len(new.split()) - len(words)) <= n_edits
        # A swap moves two words, each other edit touches one.
        kept = sum(a == b for a, b in zip(new.split(), words, strict=False))
        if len(new.split()) == len(words):
            assert kept >= len(words) - 2 * n_edits


def test_containers_come_back_as_they_were():
    texts, labels = ["a b c", "d e", "f g"], ["x", "y", "y"]
    series, target = EDAOverSampler(random_state=0).fit_resample(
        pd.Series(texts, name="text"), pd.Series(labels, name="label")
    )
    assert isinstance(series, pd.Series)
    assert series.name == "text"
    assert target.tolist() == ["x", "y", "y", "x"]
    array, _ = EDAOverSampler(random_state=0).fit_resample(np.array(texts, dtype=object), labels)
    assert array.tolist() == series.tolist()
    column, _ = EDAOverSampler(random_state=0).fit_resample(
        np.array(texts, dtype=object).reshape(-1, 1), labels
    )
    assert column.shape == (4, 1)


def test_texts_that_no_edit_can_change_still_fill_the_strategy():
    X, _ = EDAOverSampler(random_state=0).fit_resample(["", "a", "b", "c"], list("xyyy"))
    assert X[4:] == ["", ""]


def test_weighter_learns_which_rows_are_new():
    texts = ["win a prize now", "claim your prize today", "free prize call", "claim now"]
    texts += [f"see you at {n} then" for n in ("two", "three", "four", "five", "six", "seven")]
    labels = ["spam"] * 4 + ["ham"] * 6
    pipe = make_pipeline(
        EDAOverSampler(random_state=0),
        SyntheticWeighter(
            method="uniform",
            synthetic_weight=0.25,
        ),
        CountVectorizer(),
        LogisticRegression(),
    ).fit(texts, labels)
    mask = pipe[1].synthetic_mask_
    assert mask.sum() == 2
    assert set(pipe[1].sample_weight_[mask]) == {0.25}


@pytest.mark.parametrize(
    ("X", "error"), [([1, 2, 3], TypeError), ("text", TypeError), ([], ValueError)]
)
def test_what_is_no_text_is_refused(X, error):
    with pytest.raises(error):
        EDAOverSampler().fit_resample(X, ["a", "b", "b"][: len(X)] or ["a"])


def test_lengths_and_parameters_are_checked():
    with pytest.raises(ValueError, match="2 texts and 3 labels"):
        EDAOverSampler().fit_resample(["a", "b"], ["x", "y", "y"])
    with pytest.raises(ValueError, match="alpha"):
        EDAOverSampler(alpha=0).fit_resample(["a", "b", "c"], ["x", "y", "y"])


def test_texts_without_spaces_are_named():
    texts = ["明天八点见", "我晚点到", "给我打电话", "恭喜您中奖了"]
    labels = ["ham", "ham", "ham", "spam"]
    with pytest.warns(UserWarning, match="1 of 1 texts of the class spam have no spaces"):
        EDAOverSampler(random_state=0).fit_resample(texts, labels)
    spaced = [*texts[:3], "恭喜 您 中奖 了"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        EDAOverSampler(random_state=0).fit_resample(spaced, labels)
