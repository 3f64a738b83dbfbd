"""How time and memory grow with the rows: embedding, weighting, and accepting generated rows.

Each size runs in a process of its own, whose peak memory is read from the operating system::

    python benchmarks/scale.py --data SMSSpamCollection
    python benchmarks/scale.py --data SMSSpamCollection --what filtering --sizes 1000 10000

The texts are the messages of the corpus, then new ones of its words, as long and as frequent.
The exponent is the slope of log time over log size: 1 is linear.

- `embedding`: `TextEmbedder` on as many texts.
- `weighting`: `SyntheticWeighter` on 500 real rows and as many synthetic ones, embedded before.
- `generation`: `LLMOverSampler` accepts as many recorded texts.
- `filtering`: the same 200 recorded texts beside as many real ones, which they must not repeat.
"""

import argparse
import gc
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _speed import make_quiet, read_corpus

from sklw import LLMOverSampler, RecordedGenerator, SyntheticWeighter, TextEmbedder

RESULTS = Path(__file__).parent / "results" / "scale.csv"
SIZES = {
    "embedding": [1000, 3000, 10_000, 30_000, 100_000],
    "weighting": [1000, 3000, 10_000, 30_000, 100_000],
    "generation": [1000, 3000, 10_000, 20_000],
    "filtering": [1000, 3000, 10_000, 30_000, 100_000],
}


def texts_like(corpus: list[str], n: int) -> np.ndarray:
    """Return different texts: those of the corpus, then others with its words and lengths."""
    rng = np.random.default_rng(0)
    words = np.array([word for text in corpus for word in text.split()])
    lengths = [len(text.split()) for text in corpus]
    found = dict.fromkeys(corpus)
    while len(found) < n:
        found[" ".join(rng.choice(words, rng.choice(lengths)))] = None
    return np.array(list(found)[:n], dtype=object)


def embedding(corpus: list[str], n: int) -> Callable[[], Any]:
    texts = texts_like(corpus, n)
    TextEmbedder().transform(["load the model"])
    return lambda: TextEmbedder().transform(texts)


def weighting(corpus: list[str], n: int) -> Callable[[], Any]:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 500 + n)
    rows = rng.normal(size=(500 + n, 384)).astype(np.float32)
    rows[np.arange(len(labels)), labels] += 2
    parents = [rng.integers(0, 500, 3) for _ in range(n)]
    made = np.arange(len(labels)) >= 500
    return lambda: SyntheticWeighter(random_state=0).fit(rows, labels, made, parents)


def oversampling(real: np.ndarray, made: np.ndarray) -> Callable[[], Any]:
    rows = pd.DataFrame({"text": made, "label": "rare"})
    X = np.concatenate([real, ["a rare message", "another one of those", "and this is the third"]])
    y = np.array(["common"] * len(real) + ["rare"] * 3)
    sampler = LLMOverSampler(
        RecordedGenerator(rows),
        sampling_strategy={"rare": 3 + len(made) // 2},
        on_shortfall="error",
        random_state=0,
    )
    return lambda: sampler.fit_resample(X, y)


def generation(corpus: list[str], n: int) -> Callable[[], Any]:
    texts = texts_like(corpus, 2 * n + 1000)
    return oversampling(texts[:1000], texts[1000:])


def filtering(corpus: list[str], n: int) -> Callable[[], Any]:
    texts = texts_like(corpus, n + 400)
    return oversampling(texts[400:], texts[:400])


WHAT = {each.__name__: each for each in (embedding, weighting, generation, filtering)}


def measure(what: str, n: int, corpus: list[str]) -> None:
    """Print what one size takes, in this process."""
    run = WHAT[what](corpus, n)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    run()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "mib": (peak - before) / 1024}))


def main() -> None:
    """Measure all sizes, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="label<TAB>text lines")
    parser.add_argument("--what", nargs="+", choices=list(WHAT), default=list(WHAT))
    parser.add_argument("--sizes", nargs="+", type=int, help="default: 1,000 to 100,000")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    make_quiet()
    if arguments.one:
        arguments.model, arguments.n_train, arguments.n_test, arguments.seed = "", 5000, 100, 0
        corpus = read_corpus(arguments)
        measure(arguments.what[0], arguments.sizes[0], corpus.train_texts)
        return
    found = []
    for what in arguments.what:
        for n in arguments.sizes or SIZES[what]:
            command = [sys.executable, __file__, "--data", arguments.data, "--what", what]
            command += ["--sizes", str(n), "--one"]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found.append({"what": what, "rows": n} | json.loads(done.stdout.splitlines()[-1]))
            print(found[-1], flush=True)
    frame = pd.DataFrame(found)
    if RESULTS.is_file():  # what was not measured again stays
        frame = pd.concat([pd.read_csv(RESULTS), frame])
        frame = frame.drop_duplicates(["what", "rows"], keep="last").sort_values(["what", "rows"])
    frame.to_csv(RESULTS, index=False, float_format="%.3f")
    for what, part in frame.groupby("what", sort=False):
        if len(part) > 2:
            slope = np.polyfit(np.log(part["rows"][-3:]), np.log(part["seconds"][-3:]), 1)[0]
            print(f"{what}: exponent of the last three sizes {slope:.2f}")


if __name__ == "__main__":
    main()
