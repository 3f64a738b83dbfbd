"""`python -m sklw demo`: the whole method in miniature, on a bundled corpus."""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd

from sklw.cli._compare import print_table, what_is_kept
from sklw.comparison import Settings, compare, read_generated
from sklw.datasets import load_maintenance_requests

__all__ = ["add_parser"]

_QUICK = {"embedding": ["real", "class_weight", "smote", "llm", "llm_quality", "llm_vote"]}
_FULL = {
    "embedding": [*_QUICK["embedding"], "llm_imp", "random", "eda"],
    "bert": ["class_weight", "random", "llm", "llm_dimp"],
}


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    demo = commands.add_parser(
        "demo",
        help="try the whole method on a small bundled corpus, without a network",
        description=(
            "Train on 20 messages about hazards and 200 routine ones of a bundled corpus, let the "
            "embedded language model write more about hazards, and compare the ways of using them "
            "with those that need none. Three to six minutes on two cores."
        ),
    )
    demo.add_argument(
        "--quick", action="store_true", help="one seed, fewer rows, no BERT: under a minute"
    )
    demo.add_argument("--seed", type=int, default=0, help="first seed (default: 0)")
    demo.add_argument(
        "--output", metavar="DIR", help="keep results and generated texts here (default: nowhere)"
    )
    demo.set_defaults(command=_run, what_is_kept=what_is_kept)


def _run(arguments: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="sklw-demo-") as scratch:
        return _run_in(arguments, Path(arguments.output or scratch))


def _run_in(arguments: argparse.Namespace, folder: Path) -> int:
    start = time.perf_counter()
    corpus = load_maintenance_requests()
    quick = arguments.quick
    seeds = [arguments.seed] if quick else [arguments.seed, arguments.seed + 1]
    n_hazards, n_routine = 20, 200
    print(
        f"Messages to a property manager: which report a hazard? Training on {n_hazards} that do "
        f"and {n_routine} routine ones.\nThe embedded language model is writing more hazards ..."
    )
    results = pd.concat(
        compare(
            corpus.data,
            corpus.target,
            methods=methods,
            classifiers=[classifier],
            minority_sizes=[n_hazards],
            majority_size=n_routine,
            seeds=seeds,
            settings=Settings(
                llm_ratio=0.3 if quick else 0.4,
                task=corpus.task,
                label_descriptions=corpus.label_descriptions,
            ),
            output=folder,
            verbose=True,
        )
        for classifier, methods in (_QUICK if quick else _FULL).items()
    )
    print()
    print_table(results)
    _print_texts(folder, n_hazards, seeds[0])
    cost = results[results["tokens"] > 0].drop_duplicates("seed")
    print(
        f"\n{int(cost['synthetic_rows'].sum())} rows were generated in "
        f"{cost['generation_seconds'].sum():.0f} s ({int(cost['tokens'].sum()):,} tokens read and "
        f"written); everything took {time.perf_counter() - start:.0f} s."
    )
    print("Few seeds and a small corpus: a demonstration, not a benchmark.")
    return int(bool((results["error"] != "").any()))


def _print_texts(folder: Path, minority_size: int, seed: int) -> None:
    """Print the texts of the highest and the lowest weights."""
    path = folder / f"generated_m{minority_size}_seed{seed}.csv"
    column = "weight_llm_quality"
    if not path.is_file() or column not in (frame := read_generated(path)):
        return
    rows = frame[frame["accepted"] == "True"]
    rows = rows.assign(weight=pd.to_numeric(rows[column])).sort_values("weight", ascending=False)
    shown = pd.concat([rows.head(3), rows.tail(3)]).drop_duplicates("text")
    print(f"\n{len(rows)} of {len(frame)} generated texts were accepted (seed {seed}).")
    print("The highest and the lowest quality weights (1 is the mean):")
    for weight, text in zip(shown["weight"], shown["text"], strict=True):
        print(f"  {weight:5.2f}  {' '.join(str(text).split())}")
