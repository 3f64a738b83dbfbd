"""A grid search on a dask cluster: two workers against one, and how often each request is sent.

Four candidates and five folds, with the embedded language model and a fine-tuned encoder; every
search starts with an empty request cache::

    pip install distributed
    python benchmarks/speed_search.py --data SMSSpamCollection.gz

Workers have one thread each, as if each were a machine; the last search gives one worker two.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import joblib
import numpy as np
from _speed import Corpus, make_quiet, read_corpus
from distributed import Client, LocalCluster
from sklearn.model_selection import GridSearchCV

from sklw import (
    BertClassifier,
    LLMOverSampler,
    SyntheticWeighter,
    TransformersGenerator,
    make_pipeline,
)
from sklw.generators import Completion, Request, RequestCache


class Counted(TransformersGenerator):
    """The embedded model, which leaves a line in a file for each request that it answers."""

    log = ""

    def iter_generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        with open(self.log, "a", encoding="utf-8") as lines:
            lines.writelines("sent\n" for _ in requests)
        yield from super().iter_generate(requests)


def search(corpus: Corpus, workers: int, threads: int) -> tuple[np.ndarray, dict[str, float]]:
    """Return the scores, and what the search took on so many workers."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder, "cache.sqlite")
        Counted.log = os.fspath(Path(folder, "sent.txt"))
        sampler = LLMOverSampler(
            Counted(),
            task="SMS messages",
            sampling_strategy=0.3,
            cache=cache,
            random_state=0,
            verbose=False,
        )
        classifier = BertClassifier(max_epochs=1, random_state=0)
        pipe = make_pipeline(sampler, SyntheticWeighter(random_state=0), classifier)
        methods = {"syntheticweighter__method": ["uniform", "quality", "imp", "dimp"]}
        grid = GridSearchCV(pipe, methods, cv=5, scoring="f1_macro", refit=False)
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            dashboard_address=None,
            memory_limit=0,
            env={"OMP_NUM_THREADS": str(threads)},
        )
        with cluster, Client(cluster) as client, joblib.parallel_config("dask"):
            client.submit(lambda: __import__("sklw.classifiers")).result()
            start = time.perf_counter()
            grid.fit(corpus.train_texts, corpus.train_codes)
            seconds = time.perf_counter() - start
        sent = len(Path(Counted.log).read_text(encoding="utf-8").splitlines())
        distinct = len(RequestCache(cache))
    return grid.cv_results_["mean_test_score"], {
        "workers": workers,
        "threads": threads,
        "seconds": seconds,
        "sent": sent,
        "distinct": distinct,
    }


def main() -> None:
    """Search with one worker, with two, and with one that has both cores."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="label<TAB>text lines, may be .gz")
    parser.add_argument("--n-train", type=int, default=200)
    arguments = parser.parse_args()
    arguments.n_test, arguments.seed = 100, 0
    make_quiet()
    corpus = read_corpus(arguments)
    runs = [search(corpus, *setting) for setting in [(1, 1), (2, 1), (1, 2)]]
    print("| workers | threads each | seconds | ratio | requests sent | distinct |")
    print("|---:|---:|---:|---:|---:|---:|")
    for scores, run in runs:
        print(
            f"| {run['workers']} | {run['threads']} | {run['seconds']:.0f} | "
            f"{run['seconds'] / runs[0][1]['seconds']:.2f} | {run['sent']} | {run['distinct']} |"
        )
        print(f"mean scores {np.round(scores, 4)}")


if __name__ == "__main__":
    main()
