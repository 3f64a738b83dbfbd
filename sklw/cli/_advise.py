"""`python -m sklw advise`: what more rows could bring."""

import argparse
from typing import Any

from sklw.cli._augmented import refuse_augmented
from sklw.cli._file import add_file_options, column, reading
from sklw.datasets import load_texts

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command to the subparsers of the command line."""
    parser = commands.add_parser(
        "advise",
        help="estimate what more rows of each class could gain, without a language model",
        description=(
            "Measure on sentence embeddings how good a classifier is with class weights, balanced "
            "and tuned, and how it improves with more rows of each class, which is about the most "
            "that generated rows could gain. This takes less than a minute and sends nothing."
        ),
    )
    add_file_options(parser, tables=False)
    add = parser.add_argument
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

    columns = [column(arguments, name) for name in (arguments.text, arguments.label)]
    texts, labels = load_texts(arguments.data, *columns, **reading(arguments))
    refuse_augmented(arguments, columns[1])
    print(
        advise(
            texts,
            labels.astype(object),  # as strings of NumPy, a class "nan" would be missing
            scoring=arguments.scoring,
            n_jobs=-1,
            verbose=True,
            random_state=arguments.seed,
        )
    )
    return 0
