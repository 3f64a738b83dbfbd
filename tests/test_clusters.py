"""Searches on a cluster: a real scheduler and two worker processes, over joblib's dask backend."""

import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from sklw import LLMOverSampler, OpenAIGenerator, SyntheticWeighter, make_pipeline
from sklw.datasets import load_maintenance_requests
from sklw.generators import RequestCache
from sklw.over_sampling import Examples, TextFilter

sys.path.insert(0, str(Path(__file__).parent / "generators"))
from _endpoint import Endpoint

distributed = pytest.importorskip("distributed", reason="dask's distributed is not installed")

CORPUS = load_maintenance_requests()
HAZARDS = CORPUS.data[CORPUS.target == "hazard"][:12]
ROUTINE = CORPUS.data[CORPUS.target == "routine"][:24]
X = [*ROUTINE, *HAZARDS]
Y = ["routine"] * 24 + ["hazard"] * 12


def search(endpoint, path):
    sampler = LLMOverSampler(
        generator=OpenAIGenerator("tiny", base_url=endpoint.url, max_concurrency=2),
        accept=TextFilter(None, length_tolerance=20),
        prompt=Examples(n_examples=3),
        on_shortfall="ignore",
        cache=str(path),
        random_state=0,
        verbose=False,
    )
    weighter = SyntheticWeighter(checker=LogisticRegression(), cv=2, random_state=0)
    pipe = make_pipeline(sampler, TfidfVectorizer(), weighter, LogisticRegression())
    grid = {"syntheticweighter__temperature": [0.5, 1.0, 2.0]}
    return GridSearchCV(pipe, grid, cv=2, scoring="neg_log_loss")


@pytest.mark.slow
def test_a_cluster_finds_what_one_process_does_and_sends_each_request_once(tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def script(prompt, nth):
        return {"text": f"smoke comes out of the {len(prompt)} sockets"}

    with Endpoint(script, seconds=0.02) as endpoint:
        alone = search(endpoint, tmp_path / "alone.sqlite").fit(X, Y)
        n_alone = len(endpoint.bodies)
        cluster = distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=0
        )
        with cluster, distributed.Client(cluster), joblib.parallel_config("dask"):
            found = search(endpoint, tmp_path / "shared.sqlite").fit(X, Y)
        assert len(endpoint.bodies) == 2 * n_alone
    assert n_alone == len(RequestCache(tmp_path / "shared.sqlite"))
    np.testing.assert_array_equal(
        found.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
    )
