"""Time of embedding: TextEmbedder and sentence-transformers, at equal precision.

Different texts at each size, so that nothing is remembered. sentence-transformers sorts by length
itself, and runs with the batch size that is fastest for it::

    python benchmarks/speed_embedding.py --data SMSSpamCollection
    python benchmarks/speed_embedding.py --data SMSSpamCollection --sizes 500 5000 50000
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from _speed import make_quiet, read_corpus
from scale import texts_like
from sentence_transformers import SentenceTransformer

from sklw import TextEmbedder
from sklw.models import EMBEDDED_ENCODER, locate_model

BATCH_SIZES = [32, 64, 128]


def best_batch_size(model: SentenceTransformer, texts: list[str]) -> int:
    """Return the batch size with which the rival is fastest."""
    seconds = {}
    for size in BATCH_SIZES:
        start = time.perf_counter()
        model.encode(texts, batch_size=size)
        seconds[size] = time.perf_counter() - start
    return min(seconds, key=seconds.__getitem__)


def main() -> None:
    """Time both sides in turn, and print ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="label<TAB>text lines")
    parser.add_argument("--sizes", nargs="+", type=int, default=[500, 2000, 5000])
    parser.add_argument("--precisions", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    make_quiet()
    arguments.model, arguments.n_train, arguments.n_test, arguments.seed = "", 5000, 100, 0
    corpus = read_corpus(arguments).train_texts
    folder = locate_model(EMBEDDED_ENCODER).location
    texts = texts_like(corpus, arguments.repeats * sum(arguments.sizes) + 500).tolist()
    for precision in arguments.precisions:
        dtype = getattr(torch, precision)
        rival = SentenceTransformer(folder, device="cpu", model_kwargs={"dtype": dtype})
        batch_size = best_batch_size(rival, texts[:500])
        TextEmbedder(precision=precision).transform(texts[:500])
        start = 500
        for size in arguments.sizes:
            seconds: dict[str, list[float]] = {"sklw": [], "sentence-transformers": []}
            for _ in range(arguments.repeats):
                part, start = texts[start : start + size], start + size
                for side, taken in seconds.items():
                    began = time.perf_counter()
                    if side == "sklw":
                        own = TextEmbedder(precision=precision).transform(part)
                    else:
                        other = rival.encode(part, batch_size=batch_size)
                    taken.append(time.perf_counter() - began)
            cosine = np.sum(own * np.asarray(other, dtype=float), axis=1).min()
            rates = {side: size / min(taken) for side, taken in seconds.items()}
            ratio = rates["sklw"] / rates["sentence-transformers"]
            shown = ", ".join(f"{side} {rate:.0f} texts/s" for side, rate in rates.items())
            print(
                f"{precision}, {size} texts: {shown}, ratio {ratio:.2f} (its batches: "
                f"{batch_size}; lowest cosine of the vectors {cosine:.5f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
