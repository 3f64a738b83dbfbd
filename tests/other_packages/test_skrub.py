"""skrub's encoders before and after our steps."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline as make_plain_pipeline

from sklw import LLMOverSampler, RecordedGenerator, SyntheticWeighter, make_pipeline

skrub = pytest.importorskip("skrub", reason="needs skrub")


@pytest.fixture
def orders():
    """Return a frame of mixed columns, its labels, and a sampler with rows recorded for it."""
    rng = np.random.default_rng(0)

    def rows(n, late):
        days = rng.integers(2, 9, n) + 4 * late
        return {
            "days": days.tolist(),
            "city": rng.choice(["Rome", "Oslo", "Bern"], n, p=[0.6, 0.2, 0.2]).tolist(),
            "ordered": pd.to_datetime("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), "D"),
        }

    X = pd.concat([pd.DataFrame(rows(30, 0)), pd.DataFrame(rows(10, 1))], ignore_index=True)
    y = np.array(["no"] * 30 + ["yes"] * 10)
    recorded = pd.DataFrame(rows(60, 1)).assign(label="yes")
    recorded["ordered"] = recorded["ordered"].astype(str)
    sampler = LLMOverSampler(
        generator=RecordedGenerator(recorded.to_dict("records"), text_column=None)
    )
    return X, y, sampler


def test_the_vectorizer_before_the_weighter(orders):
    X, y, sampler = orders
    weighter = SyntheticWeighter("quality", random_state=0)
    pipe = make_pipeline(
        sampler, skrub.TableVectorizer(), weighter, LogisticRegression(max_iter=500)
    ).fit(X, y)
    X_all, y_all = sampler.fit_resample(X, y)
    assert X_all.dtypes.tolist() == X.dtypes.tolist()
    vectorizer = skrub.TableVectorizer().fit(X_all)
    features = vectorizer.transform(X_all)
    found = SyntheticWeighter("quality", random_state=0).fit(
        features, y_all, sampler.synthetic_mask_, sampler.parent_indices_
    )
    expected = LogisticRegression(max_iter=500).fit(
        features, y_all, sample_weight=found.sample_weight_
    )
    assert pipe.predict_proba(X) == pytest.approx(
        expected.predict_proba(vectorizer.transform(X)), abs=1e-6
    )
    assert np.ptp(found.sample_weight_[40:]) > 0.1


def test_a_pipeline_of_skrub_as_the_classifier_is_judged_by_ours(orders):
    X, y, sampler = orders
    pipe = make_pipeline(sampler, skrub.tabular_pipeline(LogisticRegression(max_iter=500)))
    X_all, y_all = sampler.fit_resample(X, y)
    expected = skrub.tabular_pipeline(LogisticRegression(max_iter=500)).fit(X_all, y_all)
    assert pipe.fit(X, y).predict_proba(X) == pytest.approx(expected.predict_proba(X))


@pytest.mark.parametrize("encoder", ["StringEncoder", "MinHashEncoder", "GapEncoder"])
def test_encoders_of_texts_after_the_weighter(task, encoder):
    def encode():
        names = {"StringEncoder": {"random_state": 0}, "GapEncoder": {"random_state": 0}}
        return getattr(skrub, encoder)(n_components=3, **names.get(encoder, {}))

    texts = pd.Series(task.texts, name="text")
    pipe = make_pipeline(task.sampler(), task.weighter(), encode(), LogisticRegression())
    pipe.fit(texts, task.labels)
    X_all, y_all, weights = task.weighted(texts, task.labels)
    steps = encode()
    features = steps.fit_transform(X_all)
    expected = LogisticRegression().fit(features, y_all, sample_weight=weights)
    new = pd.Series(task.new, name="text")
    assert pipe.predict_proba(new) == pytest.approx(expected.predict_proba(steps.transform(new)))
    plain = make_plain_pipeline(encode(), LogisticRegression()).fit(X_all, y_all)
    assert pipe.predict_proba(new) != pytest.approx(plain.predict_proba(new))
