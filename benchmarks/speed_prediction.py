"""Time of prediction: BertClassifier.predict_proba and transformers' text-classification pipeline.

Both start from the raw strings and run the same fine-tuned encoder. transformers' class puts its
own head on it, so the accuracy beside is that of BertClassifier, as timed and in float32.

    python benchmarks/speed_prediction.py --data SMSSpamCollection
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from _speed import LEARNING_RATE, add_arguments, make_quiet, read_corpus
from sklearn.metrics import accuracy_score
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

from sklw import BertClassifier
from sklw.models import locate_model

MAX_LENGTH = 128


def best_of(function: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def as_sequence_classifier(clf: BertClassifier, args: argparse.Namespace) -> torch.nn.Module:
    """Put the tuned encoder into transformers' class, whose head is its own."""
    model = AutoModelForSequenceClassification.from_pretrained(
        locate_model(args.model).location, num_labels=len(clf.classes_), dtype=torch.float32
    )
    model.base_model.load_state_dict(clf.module_.encoder.state_dict(), strict=False)
    return model.to(args.device).eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    parser.set_defaults(n_train=320)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    make_quiet()
    corpus = read_corpus(args)
    clf = BertClassifier(
        args.model,
        max_length=MAX_LENGTH,
        batch_size=args.batch_size,
        lr=LEARNING_RATE,
        device=args.device,
        random_state=args.seed,
    ).fit(corpus.train_texts, corpus.train_codes)
    classify = pipeline(
        "text-classification",
        model=as_sequence_classifier(clf, args),
        tokenizer=AutoTokenizer.from_pretrained(locate_model(args.model).location),
        batch_size=args.batch_size,
        device=args.device,
        top_k=None,
    )
    sides = {
        "sklw": lambda: clf.predict_proba(corpus.test_texts),
        "pipeline": lambda: classify(corpus.test_texts, truncation=True, max_length=MAX_LENGTH),
    }
    seconds = {}
    for side, predict in sides.items():
        seconds[side] = best_of(predict, args.repeats)
        rate = len(corpus.test_texts) / seconds[side]
        print(f"{side:8s} {seconds[side]:8.2f} s {rate:8.1f} texts/s", flush=True)
    probabilities = clf.predict_proba(corpus.test_texts)
    clf.module_.precision = "float32"
    exact = clf.predict_proba(corpus.test_texts)
    for name, found in (("as timed", probabilities), ("in float32", exact)):
        accuracy = accuracy_score(corpus.test_codes, found.argmax(axis=1))
        print(f"accuracy of sklw {name}: {accuracy:.4f}")
    print(f"largest difference of a probability: {np.abs(probabilities - exact).max():.4f}")
    print(f"ratio sklw : pipeline = {seconds['pipeline'] / seconds['sklw']:.2f}")


if __name__ == "__main__":
    main()
