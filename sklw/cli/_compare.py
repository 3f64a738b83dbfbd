"""`python -m sklw compare`: all methods on the user's own file."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from sklw.cli._arguments import descriptions, names, positive, ratio, sizes
from sklw.cli._augmented import refuse_augmented
from sklw.cli._file import add_file_options, check_output, label_column, read_rows
from sklw.cli._generator import (
    add_generator_options,
    add_task_options,
    make_budget,
    make_generator,
    print_estimate,
)
from sklw.cli._reporting import shown_command
from sklw.comparison import (
    CLASSIFIERS,
    METHODS,
    TABLE_CLASSIFIERS,
    ComparisonReport,
    Settings,
    compare,
    estimate,
    format_table,
    summarize,
)
from sklw.exceptions import EndpointError
from sklw.models import EMBEDDED_ENCODER, locate_model

__all__ = ["add_parser", "print_table", "what_is_kept"]

_BASELINE = "class_weight"


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "compare",
        help="compare all methods on your own CSV, TSV or JSON-lines file",
        description=(
            "Compare ways of dealing with imbalance on your own labelled texts or table. For each\n"
            "seed a training set is drawn; the rows left over are the test set, the same for all\n"
            "methods. Limits such as --max-cost hold for the whole comparison and are divided\n"
            "equally among the training sets."
        ),
        epilog=_methods_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add_file_options(parser)
    add("--methods", type=names, metavar="A,B", help="methods to compare (default: all)")
    add(
        "--classifiers",
        type=names,
        metavar="A,B",
        help=f"for texts: {', '.join(CLASSIFIERS)} (default: embedding); for tables: "
        f"{', '.join(TABLE_CLASSIFIERS)} (default: all)",
    )
    _add_split_options(add)
    add(
        "--output",
        default="sklw-comparison",
        metavar="DIR",
        help="results and generated rows; run again to resume (default: %(default)s)",
    )
    add(
        "--dry-run",
        action="store_true",
        help="print how many requests and tokens it takes, and the cost, and send nothing",
    )
    add("--html", metavar="FILE", help="write a page on what won, by how much and at what cost")
    _add_model_options(add)
    add_generator_options(parser)
    parser.set_defaults(command=_run, what_is_kept=what_is_kept)


def _add_split_options(add: Callable[..., Any]) -> None:
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


def _add_model_options(add: Callable[..., Any]) -> None:
    add(
        "--encoder",
        default=EMBEDDED_ENCODER,
        help="model of embeddings and of BERT (default: %(default)s)",
    )
    add("--epochs", type=positive, metavar="N", help="epochs of BERT (default: its own)")
    add_task_options(add)
    add(
        "--llm-ratio",
        type=ratio,
        metavar="SHARE",
        default=Settings.llm_ratio,
        help="the language model fills classes up to this share of the largest one; weights do "
        "the rest of the balancing (default: %(default)s)",
    )


def _methods_help() -> str:
    lines = [f"  {name:13} {method.description}" for name, method in METHODS.items()]
    return "\n".join(["methods:", *lines])


def _run(arguments: argparse.Namespace) -> int:
    if arguments.html is not None:
        _check_page(Path(arguments.html), Path(arguments.output), arguments.data)
    X, labels = read_rows(arguments)
    y = labels.to_numpy().astype(str)
    refuse_augmented(arguments, label_column(arguments))
    locate_model(arguments.encoder)  # a wrong name shows now, not after the first hour
    plan: dict[str, Any] = {
        "methods": arguments.methods,
        "classifiers": arguments.classifiers,
        "minority_sizes": arguments.minority_sizes,
        "majority_size": arguments.majority_size,
        "seeds": range(arguments.seeds),
        "test_size": arguments.test_size,
        "settings": _settings(arguments, y),
    }
    if arguments.dry_run:
        _print_cost(arguments, estimate(X, y, **plan), plan["settings"])
        return 0
    results = compare(X, y, **plan, output=arguments.output, verbose=True)
    print_table(results)
    if arguments.html is not None:
        report = ComparisonReport.from_results(results, output=arguments.output)
        report.to_html(arguments.html, command=shown_command(arguments))
        print(f"\n{report.verdict}\nThe page is {arguments.html}.")
    print(f"\nResults and generated rows are in {arguments.output}/.")
    refused = results.loc[results["error"].str.startswith(EndpointError.__name__), "error"]
    if len(refused):  # what there is, is shown; the failed trials are run again
        raise EndpointError(refused.iloc[0].partition(": ")[2])
    return int(bool((results["error"] != "").all()))


def _check_page(page: Path, output: Path, data: str) -> None:
    if page.resolve() == output.resolve():
        raise ValueError(f"--html {page} is the folder of --output; name a file.")
    if output.exists() or page.parent.resolve() != output.resolve():  # which is made
        check_output(page, "--html", data)


def _settings(arguments: argparse.Namespace, y: Any) -> Settings:
    n_sets = arguments.seeds * len(set(arguments.minority_sizes or [0]))
    budget = make_budget(arguments, shared_by=n_sets)
    if budget is None and arguments.dry_run:
        budget = make_budget(arguments)  # has the prices
    bert: dict[str, Any] = {"model": arguments.encoder}
    if arguments.epochs is not None:
        bert["max_epochs"] = arguments.epochs
    return Settings(
        llm_ratio=arguments.llm_ratio,
        generator=make_generator(arguments),
        task=arguments.task,
        label_descriptions=descriptions(arguments.label_descriptions, y.tolist()) or None,
        sampler={} if budget is None else {"budget": budget},
        cache=arguments.cache or True,
        encoder=arguments.encoder,
        bert=bert,
    )


def _print_cost(arguments: argparse.Namespace, cost: Any, settings: Settings) -> None:
    if arguments.recorded is not None:
        print(f"The rows are in {arguments.recorded}: nothing would be sent.")
    elif cost is None:
        print("None of the methods asks a language model: nothing would be sent.")
    else:
        print_estimate(cost, settings.generator, arguments)


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
