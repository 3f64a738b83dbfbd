"""`python -m sklw compare`: all methods on the user's own file."""

import argparse
import shlex
from collections.abc import Callable
from typing import Any

import pandas as pd

import sklw
from sklw.cli._arguments import columns, descriptions, names, positive, separator, sizes
from sklw.comparison import (
    CLASSIFIERS,
    METHODS,
    ComparisonReport,
    Settings,
    compare,
    format_table,
    summarize,
)
from sklw.datasets import load_texts
from sklw.models import EMBEDDED_ENCODER, EMBEDDED_LANGUAGE_MODEL, locate_model

__all__ = ["add_parser", "print_table", "what_is_kept"]

_BASELINE = "class_weight"


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "compare",
        help="compare all methods on your own CSV, TSV or JSON-lines file",
        description=(
            "Compare ways of dealing with imbalance on your own labelled texts. For each seed a "
            "training set is drawn; the rows left over are the test set, the same for all methods."
        ),
        epilog=_methods_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    _add_file_options(add)
    add("--methods", type=names, metavar="A,B", help="methods to compare (default: all)")
    add(
        "--classifiers",
        type=names,
        default=["embedding"],
        metavar="A,B",
        help=f"out of {', '.join(CLASSIFIERS)} (default: embedding)",
    )
    add("--seeds", type=positive, default=5, metavar="N", help="repetitions (default: 5)")
    add(
        "--minority-sizes",
        type=sizes,
        metavar="N,M",
        help="training rows of the rarest class (default: three quarters of it)",
    )
    add(
        "--majority-size",
        type=positive,
        metavar="N",
        help="training rows of each other class (default: three quarters of it)",
    )
    add("--test-size", type=positive, metavar="N", help="test rows (default: all that are left)")
    add(
        "--output",
        default="sklw-comparison",
        metavar="DIR",
        help="results and generated texts; run again to resume (default: %(default)s)",
    )
    add("--html", metavar="FILE", help="write a page on what won, by how much and at what cost")
    _add_model_options(add)
    parser.set_defaults(command=_run, what_is_kept=what_is_kept)


def _add_file_options(add: Callable[..., Any]) -> None:
    add("data", help="a .csv, .tsv, .txt or .jsonl file; .gz may follow")
    add("--text", required=True, metavar="COLUMN", help="column of the texts")
    add("--label", required=True, metavar="COLUMN", help="column of the labels")
    add(
        "--separator",
        type=separator,
        metavar="CHAR",
        help="character between two columns, or 'tab' (default: found by the names of the columns)",
    )
    add("--encoding", metavar="NAME", help="such as cp1252 (default: UTF-8 or UTF-16, as it is)")
    add("--no-quotes", action="store_true", help='" is an ordinary character')
    add(
        "--no-header",
        action="store_true",
        help="the file has no names of columns; --text and --label count them from 0",
    )


def _add_model_options(add: Callable[..., Any]) -> None:
    add(
        "--model",
        default=EMBEDDED_LANGUAGE_MODEL,
        help="language model: embedded name, path or hub id (default: %(default)s)",
    )
    add(
        "--encoder",
        default=EMBEDDED_ENCODER,
        help="model of embeddings and of BERT (default: %(default)s)",
    )
    add("--epochs", type=positive, metavar="N", help="epochs of BERT (default: its own)")
    add("--task", metavar="TEXT", help='what the texts are, such as "SMS messages"')
    add(
        "--label-description",
        action="append",
        default=[],
        metavar="LABEL=TEXT",
        help="what a class means, for the prompt; may be repeated",
    )
    add(
        "--llm-ratio",
        type=float,
        default=Settings.llm_ratio,
        help="the language model fills classes up to this share of the largest one; weights do "
        "the rest of the balancing (default: %(default)s)",
    )
    add("--cache", metavar="PATH", help="keep the model's answers here, so none is paid for twice")


def _methods_help() -> str:
    lines = [f"  {name:13} {method.description}" for name, method in METHODS.items()]
    return "\n".join(["methods:", *lines])


def _run(arguments: argparse.Namespace) -> int:
    texts, labels = load_texts(
        arguments.data,
        *columns(arguments),
        separator=arguments.separator,
        quotes=not arguments.no_quotes,
        encoding=arguments.encoding,
    )
    for model in (arguments.model, arguments.encoder):
        locate_model(model)  # a wrong name shows now, not after the first hour
    bert: dict[str, Any] = {"model": arguments.encoder}
    if arguments.epochs is not None:
        bert["max_epochs"] = arguments.epochs
    results = compare(
        texts,
        labels,
        methods=arguments.methods,
        classifiers=arguments.classifiers,
        minority_sizes=arguments.minority_sizes,
        majority_size=arguments.majority_size,
        seeds=range(arguments.seeds),
        test_size=arguments.test_size,
        settings=Settings(
            llm_ratio=arguments.llm_ratio,
            generator=sklw.TransformersGenerator(arguments.model),
            task=arguments.task,
            label_descriptions=descriptions(arguments.label_description, labels) or None,
            cache=arguments.cache,
            encoder=arguments.encoder,
            bert=bert,
        ),
        output=arguments.output,
        verbose=True,
    )
    print_table(results)
    if arguments.html is not None:
        report = ComparisonReport.from_results(results, output=arguments.output)
        report.to_html(
            arguments.html, command=shlex.join(["python", "-m", "sklw", *arguments.argv])
        )
        print(f"\n{report.verdict}\nThe page is {arguments.html}.")
    print(f"\nResults and generated texts are in {arguments.output}/.")
    return int(bool((results["error"] != "").all()))


def print_table(results: pd.DataFrame) -> None:
    """Print the results of a comparison."""
    baseline = _BASELINE if (results["method"] == _BASELINE).any() else results["method"].iloc[0]
    print(format_table(summarize(results, baseline=baseline), baseline=baseline))


def what_is_kept(arguments: argparse.Namespace) -> str:
    """Return what to say after an interruption."""
    if getattr(arguments, "output", None) is None:
        return "Nothing was kept; with --output DIR, finished trials are kept."
    return (
        f"The finished trials are kept in {arguments.output}/; run the same command again to go on "
        "from there."
    )
