"""`python -m sklw advise`: what more rows could bring."""

import argparse
from typing import Any

from sklw.cli._arguments import columns, separator
from sklw.datasets import load_texts

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command to the subparsers of the command line."""
    parser = commands.add_parser(
        "advise",
        help="say what more rows of each class could bring, without a language model",
        description=(
            "Measure on sentence embeddings how a classifier improves with the rows of each class, "
            "what class weights and a tuned threshold give, and so the most that generated rows "
            "could bring. Takes less than a minute and sends nothing anywhere."
        ),
    )
    add = parser.add_argument
    add("data", help="a .csv, .tsv, .txt or .jsonl file; .gz may follow")
    add("--text", required=True, metavar="COLUMN", help="column of the texts")
    add("--label", required=True, metavar="COLUMN", help="column of the labels")
    add("--separator", type=separator, metavar="CHAR", help="character between columns, or 'tab'")
    add("--encoding", metavar="NAME", help="such as cp1252 (default: UTF-8 or UTF-16)")
    add("--no-quotes", action="store_true", help='" is an ordinary character')
    add("--no-header", action="store_true", help="--text and --label count the columns from 0")
    add(
        "--scoring",
        choices=["balanced_accuracy", "f1_macro"],
        default="balanced_accuracy",
        help="the score to improve (default: %(default)s)",
    )
    add("--seed", type=int, default=0, help="seed of all draws (default: %(default)s)")
    parser.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    """Print the advice for a file."""
    from sklw.advice import advise  # loads torch

    texts, labels = load_texts(
        arguments.data,
        *columns(arguments),
        separator=arguments.separator,
        quotes=not arguments.no_quotes,
        encoding=arguments.encoding,
    )
    print(
        advise(
            texts,
            labels,
            scoring=arguments.scoring,
            n_jobs=-1,
            verbose=True,
            random_state=arguments.seed,
        )
    )
    return 0
