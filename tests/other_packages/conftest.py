"""Common set-up: rare texts, rows recorded for them, and the weights as found step by step."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklw import LLMOverSampler, RecordedGenerator, SyntheticWeighter
from sklw.over_sampling import TextFilter

HAM = [f"see you at {place} on {day}" for place in ("the office", "home", "lunch", "the gym",
       "school", "the shop") for day in ("monday", "tuesday", "friday")]  # fmt: skip
SPAM = ["win a prize today", "claim the prize now", "win cash today", "claim cash now",
        "free prize for you", "free cash for you"]  # fmt: skip
MADE = [
    "claim a free prize", "win free cash", "see the office on monday", "cash prize today",
    "home on friday for cash", "prize, prize", "win now", "claim it today", "free for you",
    "the gym is free", "win the cash prize", "today is prize day",
]  # fmt: skip


@pytest.fixture
def task():
    """Return texts, labels 0 and 1, the two steps, and what they make of the data."""
    texts, labels = [*HAM, *SPAM], np.array([0] * len(HAM) + [1] * len(SPAM))

    def sampler():
        rows = [{"text": text, "label": 1} for text in MADE]
        return LLMOverSampler(
            generator=RecordedGenerator(rows), accept=TextFilter(None), on_shortfall="ignore"
        )

    def weighter():
        checker = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10))
        return SyntheticWeighter("quality", checker=checker, random_state=0)

    def weighted(X, y):
        made = sampler()
        X_all, y_all = made.fit_resample(X, y)
        weights = (
            weighter().fit(X_all, y_all, made.synthetic_mask_, made.parent_indices_).sample_weight_
        )
        return X_all, y_all, weights

    X_all, y_all, weights = weighted(texts, labels)
    assert len(y_all) == 2 * len(HAM)
    assert np.ptp(weights[len(texts) :]) > 0.5  # weights that would be missed
    return SimpleNamespace(
        texts=texts, labels=labels, sampler=sampler, weighter=weighter, weighted=weighted,
        X_all=X_all, y_all=np.asarray(y_all), weights=weights,
        new=["free cash at the office", "see you today", "claim lunch on monday"],
    )  # fmt: skip
