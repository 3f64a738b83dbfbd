"""The whole pipeline in one search, as a user would write it."""

import pickle
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score

from sklw import (
    BertClassifier,
    LLMOverSampler,
    SyntheticWeighter,
    TextEmbedder,
    TransformersGenerator,
    make_pipeline,
)
from sklw.datasets import load_maintenance_requests
from sklw.generators import BaseGenerator, Completion
from sklw.over_sampling import TextFilter

CORPUS = load_maintenance_requests()
ROUTINE = CORPUS.data[CORPUS.target == "routine"][:60]
HAZARD = CORPUS.data[CORPUS.target == "hazard"][:16]
X = [*ROUTINE, *HAZARD]
Y = ["routine"] * 60 + ["hazard"] * 16
WORDS = " ".join(HAZARD).split()


class Logged(BaseGenerator):
    """Writes words of real texts, and a line for each request that it is asked."""

    def __init__(self, log=None, temperature=0.8):
        self.log = log
        self.temperature = temperature

    def iter_generate(self, requests):
        for index, request in enumerate(requests):
            with open(self.log, "a") as file:
                prompt = crc32(request.prompt.encode())
                file.write(f"{self.temperature} {prompt} {request.seed}\n")
            random = np.random.default_rng([request.seed, int(100 * self.temperature)])
            yield index, Completion(" ".join(random.choice(WORDS, 9)))


def pipeline(generator, cache, classifier):
    sampler = LLMOverSampler(
        generator=generator,
        sampling_strategy=0.4,
        accept=TextFilter(length_tolerance=20),
        max_attempts=2,
        on_shortfall="ignore",
        cache=cache,
        random_state=0,
        verbose=False,
    )
    return make_pipeline(sampler, SyntheticWeighter(random_state=0), *classifier)


@pytest.mark.slow
def test_a_search_sends_each_request_once_and_its_second_run_none(tmp_path):
    log = tmp_path / "sent"
    steps = [TextEmbedder(), LogisticRegression(max_iter=1000)]
    pipe = pipeline(Logged(log), tmp_path / "requests.sqlite", steps)
    grid = {
        "syntheticweighter__method": ["uniform", "imp"],
        "llmoversampler__generator__temperature": [0.7, 0.9],
    }
    search = GridSearchCV(pipe, grid, scoring="f1_macro", cv=2, n_jobs=2, error_score="raise")
    search.fit(X, Y)
    sent = log.read_text().splitlines()
    assert len(sent) > 10
    assert len(set(sent)) == len(sent)
    scores = search.cv_results_["mean_test_score"]
    again = clone(search).fit(X, Y)
    assert log.read_text().splitlines() == sent
    assert_array_equal(again.cv_results_["mean_test_score"], scores)


@pytest.mark.slow
def test_everything_is_searched_in_one_call(tiny, tmp_path):
    pipe = pipeline(
        Logged(tmp_path / "sent"),
        tmp_path / "requests.sqlite",
        [BertClassifier(tiny, max_epochs=1, random_state=0)],
    ).set_params(memory=str(tmp_path / "steps"))
    grid = {
        "llmoversampler__generator__temperature": [0.8],
        "syntheticweighter__method": ["imp", "dimp"],
        "syntheticweighter__temperature": [2],
        "bertclassifier__lr": [1e-4, 5e-4],
    }
    search = GridSearchCV(pipe, grid, scoring="f1_macro", cv=2, n_jobs=2, error_score="raise")
    search.fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert Path(tmp_path / "steps").exists()
    best = search.best_estimator_
    restored = pickle.loads(pickle.dumps(best))
    assert_array_equal(restored.predict(X), best.predict(X))
    assert "LLMOverSampler" in search._repr_html_()


@pytest.mark.slow
@pytest.mark.parametrize("method", ["imp", "dimp"])
def test_bert_takes_every_method_and_stock_pipelines_work_too(tiny, method):
    from imblearn.pipeline import make_pipeline as make_stock_pipeline

    texts, labels = np.array(X[30:], dtype=object), np.array(Y[30:])
    bert = BertClassifier(tiny, max_epochs=1, random_state=0)
    weighter = SyntheticWeighter(method, reference=(texts[:40], labels[:40]), random_state=0)
    stock = make_stock_pipeline(weighter, clone(bert)).fit(texts, labels)
    ours = make_pipeline(clone(weighter), clone(bert))
    ours.fit(texts, labels, syntheticweighter__synthetic=~np.isin(texts, texts[:40]))
    assert_array_equal(stock.predict_proba(texts), ours.predict_proba(texts))


@pytest.mark.slow
def test_cross_val_score_with_the_embedded_model(tmp_path):
    generator = TransformersGenerator(max_new_tokens=12)
    steps = [TextEmbedder(), LogisticRegression()]
    pipe = pipeline(generator, tmp_path / "requests.sqlite", steps)
    assert (cross_val_score(pipe, X, Y, cv=2, scoring="f1_macro") > 0.4).all()
