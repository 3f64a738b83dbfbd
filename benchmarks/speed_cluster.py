"""A grid search by two workers of a Dask cluster against one process, each with one thread.

Twenty fits (four candidates, five folds) share one cache of requests. A local server answers each
request after a pause, as one elsewhere would::

    python benchmarks/speed_cluster.py --data SMSSpamCollection.gz --n-train 200

The workers run once without and once with what Dask sets by default: a limit on the memory that a
process keeps (``MALLOC_TRIM_THRESHOLD_``), which torch reaches at every step.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # read when NumPy and torch are loaded, and by the workers

import argparse
import json
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import dask
import joblib
import numpy as np
from _speed import Corpus, add_arguments, read_corpus
from distributed import Client, LocalCluster
from sklearn.model_selection import GridSearchCV

from sklw import BertClassifier, LLMOverSampler, OpenAIGenerator, SyntheticWeighter, make_pipeline


class Server(ThreadingHTTPServer):
    """Answers with random words of the corpus, after a pause, and counts what it is asked."""

    def __init__(self, texts: list[str], pause: float) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.words = np.array([word for text in texts for word in text.split()])
        self.pause = pause
        self.asked: Counter[str] = Counter()
        Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    """Speaks as much of the API of completions as the generator needs."""

    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked[body.decode()] += 1
        time.sleep(self.server.pause)
        text = " ".join(np.random.default_rng([*body]).choice(self.server.words, 20))
        choice = {"index": 0, "text": text + "\n", "finish_reason": "stop"}
        usage = {"prompt_tokens": 100, "completion_tokens": 25, "total_tokens": 125}
        answer = json.dumps({"id": "0", "model": "m", "choices": [choice], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: Any) -> None:
        pass


def load_shared_encoder() -> None:
    """Load what a search loads once in each process."""
    BertClassifier(max_epochs=1).fit(["a", "b"], [0, 1])


def search(url: str, folder: str) -> GridSearchCV:
    sampler = LLMOverSampler(
        OpenAIGenerator("m", base_url=url, prompting="completion", max_concurrency=4),
        sampling_strategy=0.4,
        label_names={0: "ham", 1: "spam"},
        cache=str(Path(folder) / "requests.sqlite"),
        random_state=0,
        verbose=False,
    )
    grid = {"syntheticweighter__temperature": [0.5, 1.0, 2.0, 4.0]}
    bert = BertClassifier(max_epochs=1, random_state=0)
    pipe = make_pipeline(sampler, SyntheticWeighter(random_state=0), bert)
    return GridSearchCV(pipe, grid, cv=5, refit=False, error_score="raise")


def seconds_and_row(corpus: Corpus, pause: float, n_workers: int) -> tuple[float, str]:
    """Return how long the search took, and a row of the table."""
    server = Server(corpus.train_texts, pause)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        if n_workers > 1:
            cluster = LocalCluster(
                n_workers=n_workers, threads_per_worker=1, dashboard_address=None, memory_limit=0
            )
            client = stack.enter_context(Client(stack.enter_context(cluster)))
            client.run(load_shared_encoder)
            stack.enter_context(joblib.parallel_config("dask"))
        start = time.perf_counter()
        found = search(server.url, folder).fit(corpus.train_texts, corpus.train_codes)
        seconds = time.perf_counter() - start
    server.shutdown()
    score = found.cv_results_["mean_test_score"].mean()
    return seconds, f"{seconds:.0f} | {server.asked.total()} | {len(server.asked)} | {score:.4f} |"


def main() -> None:
    """Search in one process, and with two workers in two ways."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add_arguments(parser)
    parser.add_argument("--pause", type=float, default=0.5, help="seconds before an answer")
    arguments = parser.parse_args()
    corpus = read_corpus(arguments)
    load_shared_encoder()
    print("| search by | seconds | requests sent | distinct | mean accuracy |")
    print("|---|---:|---:|---:|---:|")
    alone, row = seconds_and_row(corpus, arguments.pause, 1)
    print(f"| one process | {row}", flush=True)
    ratios = []
    # Dask leaves its limit behind in this process too, so that the other way comes first.
    for name, limit in (("that keep their memory", None), ("as Dask starts them", 65536)):
        key = "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_"
        with dask.config.set({key: limit}):
            seconds, row = seconds_and_row(corpus, arguments.pause, 2)
        print(f"| two workers {name} | {row}", flush=True)
        ratios.append(seconds / alone)
    print("Two workers take {:.2f} and {:.2f} of the time of one process.".format(*ratios))


if __name__ == "__main__":
    main()
