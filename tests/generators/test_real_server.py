"""The whole way over a real server: transformers' own, with the embedded model."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

sys.path.insert(0, str(Path(__file__).parent))
from _models import converted_folder

from sklw import LLMOverSampler, OpenAIGenerator, SyntheticWeighter, make_pipeline
from sklw.datasets import load_maintenance_requests
from sklw.exceptions import EndpointError
from sklw.generators import RequestCache
from sklw.over_sampling import Examples, TextFilter

pytest.importorskip("uvicorn", reason="transformers[serving] is not installed")

CORPUS = load_maintenance_requests()
HAZARDS = CORPUS.data[CORPUS.target == "hazard"]
ROUTINE = CORPUS.data[CORPUS.target == "routine"]
X = [*ROUTINE[:16], *HAZARDS[:10]]
Y = ["routine"] * 16 + ["hazard"] * 10


class Server:
    """transformers serve, in a process of its own."""

    def __init__(self, folder):
        self.log = folder / "log"
        model = folder / "model"
        shutil.copytree(converted_folder(), model)
        settings = json.loads((model / "generation_config.json").read_text())
        # The server draws only if the model's own settings say so.
        (model / "generation_config.json").write_text(json.dumps(settings | {"do_sample": True}))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.model, self.url = str(model), f"http://127.0.0.1:{port}/v1"
        command = [
            shutil.which("transformers", path=os.path.dirname(sys.executable)) or "transformers",
            "serve", self.model, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu",
        ]  # fmt: skip
        with self.log.open("w") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        for _ in range(600):
            time.sleep(0.2)
            try:
                urllib.request.urlopen(self.url.removesuffix("/v1") + "/health", timeout=2)
                return
            except OSError:
                assert self._process.poll() is None, self.log.read_text()
        raise AssertionError(self.log.read_text())

    @property
    def n_requests(self):
        return self.log.read_text().count('/v1/completions HTTP/1.1" 200')

    def stop(self):
        self._process.terminate()
        self._process.wait(20)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


@pytest.mark.slow
def test_a_search_sends_each_request_once_and_needs_no_server_after_it(server, tmp_path):
    cache = RequestCache(tmp_path / "cache.sqlite")
    generator = OpenAIGenerator(
        server.model, base_url=server.url, prompting="completion", max_new_tokens=16,
        max_concurrency=4, top_p=0.9, temperature=0.8,
    )  # fmt: skip
    sampler = LLMOverSampler(
        sampling_strategy=lambda y: {"hazard": (y == "hazard").sum() + 2},
        generator=generator, prompt=Examples(2), accept=TextFilter(length_tolerance=20),
        max_attempts=2,
        on_shortfall="ignore", cache=str(cache.path), random_state=0,
        task="Messages from tenants to their property manager",
    )  # fmt: skip
    weighter = SyntheticWeighter(checker=LogisticRegression(), cv=2, random_state=0)
    pipe = make_pipeline(sampler, TfidfVectorizer(), weighter, LogisticRegression())
    grid = {"logisticregression__C": [1.0, 10.0]}
    search = GridSearchCV(pipe, grid, cv=2, n_jobs=2, scoring="f1_macro").fit(X, Y)
    sent = server.n_requests
    assert sent == len(cache) > 0
    made = search.best_estimator_[0].provenance_
    assert made["completion_tokens"].sum() > 0

    server.stop()
    again = GridSearchCV(pipe, grid, cv=2, scoring="f1_macro").fit(X, Y)
    assert again.cv_results_["mean_test_score"].tolist() == (
        search.cv_results_["mean_test_score"].tolist()
    )
    assert again.best_estimator_[0].usage_.requests == 0
    with pytest.raises(EndpointError, match="cannot be reached"):
        pipe.set_params(
            llmoversampler__random_state=1, llmoversampler__generator__max_retries=0
        ).fit(X, Y)
