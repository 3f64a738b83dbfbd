"""The command line: `python -m sklw demo`, `compare`, `advise` and `cache`."""

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

import sklw
from sklw._arguments import columns, descriptions, names, positive, separator, sizes
from sklw._cache_cli import add_cache
from sklw.advice._cli import add_parser as add_advise
from sklw.comparison import CLASSIFIERS, METHODS, Settings, compare, format_table, summarize
from sklw.comparison._store import read_generated
from sklw.datasets import load_maintenance_requests, load_texts
from sklw.models import EMBEDDED_ENCODER, EMBEDDED_LANGUAGE_MODEL, locate_model

__all__ = ["main"]

_BASELINE = "class_weight"
_QUICK_DEMO = {"embedding": ["real", "class_weight", "smote", "llm", "llm_quality", "llm_imp"]}
_DEMO = {
    "embedding": [*_QUICK_DEMO["embedding"], "random", "eda"],
    "bert": ["class_weight", "random", "llm", "llm_dimp"],
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, default=None
        Arguments after the program's name; None takes those of the process.

    Returns
    -------
    status : int
        0 on success, 1 if every cell of a comparison failed, 2 if the arguments or the data are
        wrong, 130 if interrupted.

    Examples
    --------
    >>> from sklw.cli import main
    >>> main(["compare", "missing.csv", "--text", "body", "--label", "kind"])
    2
    """
    parser = _parser()
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as stop:  # argparse exits by itself; callers of main want the status
        return int(stop.code or 0)
    with warnings.catch_warnings():
        shown: set[str] = set()
        warnings.showwarning = partial(_print_warning, shown)
        try:
            return int(arguments.command(arguments))
        except (ValueError, OSError) as error:
            print(f"sklw: error: {' '.join(str(error).split())}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print(f"\nInterrupted. {_what_is_kept(arguments)}", file=sys.stderr)
            return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sklw",
        description="LLM oversampling and learned sample weights for scikit-learn.",
    )
    parser.add_argument("--version", action="version", version=f"sklw {sklw.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_demo(commands)
    _add_compare(commands)
    add_advise(commands)
    add_cache(commands)
    return parser


def _add_demo(commands: Any) -> None:
    demo = commands.add_parser(
        "demo",
        help="the whole method in miniature, on a bundled corpus, without network",
        description=(
            "Train on 20 urgent and 200 routine messages of a bundled corpus, let the embedded "
            "language model write more urgent ones, and compare the ways of using them with those "
            "that need none. About three minutes on two cores."
        ),
    )
    demo.add_argument(
        "--quick", action="store_true", help="one seed, fewer rows, no BERT: under a minute"
    )
    demo.add_argument("--seed", type=int, default=0, help="first seed (default: 0)")
    demo.add_argument(
        "--output", metavar="DIR", help="keep results and generated texts here (default: nowhere)"
    )
    demo.set_defaults(command=_demo)


def _add_compare(commands: Any) -> None:
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
    _add_model_options(add)
    parser.set_defaults(command=_compare)


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


def _compare(arguments: argparse.Namespace) -> int:
    texts, labels = load_texts(
        arguments.data,
        *columns(arguments),
        separator=arguments.separator,
        quotes=not arguments.no_quotes,
        encoding=arguments.encoding,
    )
    for model in (arguments.model, arguments.encoder):
        locate_model(model)  # a wrong name shows now, not after the first hour
    bert = {"model": arguments.encoder}
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
    _print_table(results)
    print(f"\nResults and generated texts are in {arguments.output}/.")
    return int(bool((results["error"] != "").all()))


def _print_table(results: pd.DataFrame) -> None:
    baseline = _BASELINE if (results["method"] == _BASELINE).any() else results["method"].iloc[0]
    print(format_table(summarize(results, baseline=baseline), baseline=baseline))


def _demo(arguments: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="sklw-demo-") as scratch:
        return _run_demo(arguments, Path(arguments.output or scratch))


def _run_demo(arguments: argparse.Namespace, folder: Path) -> int:
    start = time.perf_counter()
    corpus = load_maintenance_requests()
    quick = arguments.quick
    seeds = [arguments.seed] if quick else [arguments.seed, arguments.seed + 1]
    n_urgent, n_routine = 20, 200
    print(
        f"Messages to a property manager: which are urgent? Training on {n_urgent} urgent and "
        f"{n_routine} routine ones.\nThe embedded language model is writing more urgent ones ..."
    )
    results = pd.concat(
        compare(
            corpus.data,
            corpus.target,
            methods=methods,
            classifiers=[classifier],
            minority_sizes=[n_urgent],
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
        for classifier, methods in (_QUICK_DEMO if quick else _DEMO).items()
    )
    print()
    _print_table(results)
    _print_texts(folder, n_urgent, seeds[0])
    cost = results[results["tokens"] > 0].drop_duplicates("seed")
    print(
        f"\n{int(cost['synthetic_rows'].sum())} rows were generated in "
        f"{cost['generation_seconds'].sum():.0f} s ({int(cost['tokens'].sum()):,} tokens read and "
        f"written); everything took {time.perf_counter() - start:.0f} s."
    )
    print("Few seeds and a small corpus: a demonstration, not a benchmark.")
    return int(bool((results["error"] != "").any()))


def _print_texts(folder: Path, minority_size: int, seed: int, n_texts: int = 6) -> None:
    """Print the texts of the highest and the lowest weights."""
    path = folder / f"generated_m{minority_size}_seed{seed}.csv"
    column = "weight_llm_quality"
    if not path.is_file() or column not in (frame := read_generated(path)):
        return
    rows = frame[frame["accepted"] == "True"]
    rows = rows.assign(weight=pd.to_numeric(rows[column])).sort_values("weight", ascending=False)
    shown = pd.concat([rows.head(n_texts // 2), rows.tail(n_texts // 2)]).drop_duplicates("text")
    print(f"\n{len(rows)} of {len(frame)} generated texts were accepted (seed {seed}).")
    print("The highest and the lowest quality weights (1 is the mean):")
    for weight, text in zip(shown["weight"], shown["text"], strict=True):
        print(f"  {weight:5.2f}  {' '.join(str(text).split())}")


def _what_is_kept(arguments: argparse.Namespace) -> str:
    if getattr(arguments, "output", None) is None:
        return "Nothing was kept; with --output DIR finished cells are."
    return (
        f"The finished cells are kept in {arguments.output}/; run the same command again to go on "
        "from there."
    )


def _print_warning(
    shown: set[str], message: Warning | str, category: type[Warning], *_: Any, **__: Any
) -> None:
    if str(message) not in shown:
        print(f"sklw: warning: {message}", file=sys.stderr)
    shown.add(str(message))
