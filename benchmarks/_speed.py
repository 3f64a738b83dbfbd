"""What the speed comparisons share: arguments and texts."""

import argparse
import gzip
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split
from transformers.utils import logging

from sklw._hardware import choose_device

# Large enough for small encoders; the same for every side.
LEARNING_RATE = 3e-4


@dataclass(frozen=True)
class Corpus:
    """Texts and encoded labels of both parts."""

    train_texts: list[str]
    test_texts: list[str]
    train_codes: list[int]
    test_codes: list[int]
    n_classes: int

    @property
    def n_train(self) -> int:
        return len(self.train_texts)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, help="label<TAB>text lines, may be .gz")
    parser.add_argument("--model", default="all-MiniLM-L6-v2")
    parser.add_argument("--n-train", type=int, default=2000)
    parser.add_argument("--n-test", type=int, default=2000)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--device", default=choose_device("auto"))
    parser.add_argument("--seed", type=int, default=0)


def make_quiet() -> None:
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    warnings.filterwarnings("ignore")


def read_corpus(args: argparse.Namespace) -> Corpus:
    if args.data is None:
        from sklw.datasets import load_maintenance_requests

        bunch = load_maintenance_requests()
        texts, labels = list(bunch.data), list(bunch.target)
    else:
        open_ = gzip.open if args.data.suffix == ".gz" else open
        with open_(args.data, "rt", encoding="utf-8") as lines:
            rows = dict.fromkeys(tuple(line.rstrip("\n").split("\t", 1)) for line in lines)
        texts, labels = [row[1] for row in rows], [row[0] for row in rows]
    classes, codes = np.unique(labels, return_inverse=True)
    n_test = min(args.n_test, len(texts) // 3)
    parts = train_test_split(
        texts,
        codes.tolist(),
        train_size=min(args.n_train, len(texts) - n_test),
        test_size=n_test,
        stratify=codes,
        random_state=args.seed,
    )
    return Corpus(*parts, n_classes=len(classes))
