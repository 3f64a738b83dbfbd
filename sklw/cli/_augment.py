"""`python -m sklw augment`: a file of real rows, then synthetic ones with their weights."""

import argparse
import shlex
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from sklw._validation import holds_texts
from sklw.cli._arguments import beyond_balance, descriptions, share
from sklw.cli._augmented import Data, Output, read_data
from sklw.cli._file import add_file_options
from sklw.cli._generator import (
    add_generator_options,
    add_task_options,
    make_budget,
    make_generator,
    parameters_of,
    print_estimate,
)
from sklw.cli._reporting import all_kept, cache_file, shown_command

__all__ = ["add_parser"]

_PROMPTS = ("examples", "contrast", "attributes", "rewrite", "paraphrase", "counterfactual")
# DIMP is missing: its weights are found while the classifier is trained.
_METHODS = ("uniform", "quality", "imp", "confident", "hu", "sungen", "mix", "auto")


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "augment",
        help="add synthetic rows with weights to your own CSV, TSV or JSON-lines file",
        description=(
            "Have a language model write rows for the smaller classes, weight each of them, and "
            "write one file: the real rows as they are, then the synthetic ones, with the columns "
            "synthetic, weight, quality and parents (numbers of the real rows that the model was "
            "shown, from 0). A page beside it shows what was written and what it is worth. If it "
            "is interrupted, run it again: only what is missing is sent."
        ),
    )
    add = parser.add_argument
    add_file_options(parser)
    add("--output", required=True, metavar="FILE", help="a .csv or .tsv file to write (UTF-8)")
    add("--overwrite", action="store_true", help="replace the output if it exists")
    add(
        "--dry-run",
        action="store_true",
        help="print how many requests and tokens it takes, and the cost, and send nothing",
    )
    _add_sampling_options(add)
    add_generator_options(parser)
    parser.set_defaults(command=_run, what_is_kept=_what_is_kept)


def _add_sampling_options(add: Callable[..., Any]) -> None:
    add_task_options(add)
    add(
        "--sampling-strategy",
        type=share,
        default="auto",
        metavar="SHARE",
        help="fill each class up to this share of the largest (default: auto, as large)",
    )
    add(
        "--augment",
        type=beyond_balance,
        default=0,
        metavar="N",
        help="further rows: a number for each class, or a share of all, such as 0.5",
    )
    add("--prompt", choices=_PROMPTS, help="for texts: how the model is asked (default: examples)")
    add(
        "--set-prompt",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the prompt, such as n_examples=8 or 'instructions=Write in British "
        "English.'; may be repeated",
    )
    add(
        "--verifier",
        choices=("embedding", "model"),
        help="for texts: keep only those that it assigns to the class they were written for",
    )
    add(
        "--method",
        choices=_METHODS,
        default="quality",
        help="how synthetic rows are weighted (default: %(default)s)",
    )
    add(
        "--class-weight",
        choices=("balanced",),
        help="scale the weights so that all classes have the same total, real and synthetic rows "
        "together",
    )
    add("--random-state", type=int, default=0, metavar="N", help="seed (default: 0)")


def _run(arguments: argparse.Namespace) -> int:
    output = Output(arguments.output, data=arguments.data, overwrite=arguments.overwrite)
    data = read_data(arguments)
    sampler = _sampler(arguments, data)
    sampler.fit(data.X, data.y)
    if not arguments.augment and not any(sampler.sampling_strategy_.values()):
        raise ValueError(
            "There is nothing to add: no class falls short of what --sampling-strategy asks for. "
            "Pass --augment N for N more rows of each class."
        )
    counts = pd.Series(data.y).value_counts()
    print(f"{arguments.data}: {len(data.y)} rows ({_listed(counts)})", flush=True)
    if arguments.dry_run:
        if arguments.recorded is None:
            print_estimate(sampler.estimate(data.X, data.y), sampler.generator, arguments)
        else:
            print(f"The rows are in {arguments.recorded}: nothing would be sent.")
        return 0
    with output.opened():
        _augment(sampler, data, output, arguments)
    return 0


def _augment(sampler: Any, data: Data, output: Output, arguments: argparse.Namespace) -> None:
    X, y = sampler.fit_resample(data.X, data.y)
    parents = sampler.parent_indices_
    weighter = _weighter(arguments).fit(
        X, y, synthetic=sampler.synthetic_mask_, parent_indices=parents
    )
    report = weighter.report(X, y, provenance=sampler.provenance_, parent_indices=parents)
    write_page = partial(
        report.to_html,
        settings={"sampler": sampler, "weighter": weighter, "usage": sampler.usage_},
        command=shown_command(arguments),
    )
    output.write(data.augmented(X, y, weighter, parents), write_page)
    _print_summary(sampler, data, output, y)
    if sampler.generator.prompt_form != "none" and all_kept(arguments):
        print(f"Answers are kept in {cache_file(arguments)}.")
    if output.page.exists():
        print(f"What was written, and what it is worth: {output.page}")


def _sampler(arguments: argparse.Namespace, data: Data) -> Any:
    from sklw.over_sampling import LLMOverSampler, TextFilter

    if arguments.target is not None and (arguments.prompt or arguments.verifier):
        raise ValueError("--prompt and --verifier are for texts, and --target reads a table.")
    if arguments.target is not None and holds_texts(data.X):
        options = shlex.join(["--text", str(data.X.columns[0]), "--label", arguments.target])
        raise ValueError(
            f"{arguments.data} has one column of strings besides the labels, and --target is for "
            f"tables. Read it as texts: write {options} in place of --target."
        )
    return LLMOverSampler(
        make_generator(arguments),
        sampling_strategy=arguments.sampling_strategy,
        augment=arguments.augment,
        prompt=_prompt(arguments),
        accept=TextFilter(verifier=arguments.verifier) if arguments.verifier else "auto",
        label_descriptions=descriptions(arguments.label_descriptions, data.y.tolist()) or None,
        task=arguments.task,
        budget=make_budget(arguments),
        cache=arguments.cache or True,
        random_state=arguments.random_state,
    )


def _prompt(arguments: argparse.Namespace) -> Any:
    from sklw import over_sampling

    name = (arguments.prompt or "examples").capitalize()
    kind = over_sampling.TableRows if arguments.target else getattr(over_sampling, name)
    prompt = kind()
    return prompt.set_params(**parameters_of(prompt, "--set-prompt", arguments.set_prompt))


def _weighter(arguments: argparse.Namespace) -> Any:
    from sklw.weighting import SyntheticWeighter

    return SyntheticWeighter(
        method=arguments.method,
        class_weight=arguments.class_weight,
        random_state=arguments.random_state,
    )


def _listed(counts: pd.Series) -> str:
    return ", ".join(f"{n} {label}" for label, n in counts.items())


def _print_summary(sampler: Any, data: Data, output: Output, y: np.ndarray) -> None:
    usage, new = sampler.usage_, pd.Series(y[len(data.y) :], dtype=object).value_counts()
    written = ~sampler.provenance_["reason"].isin(["exhausted", "refused"])
    kept = f" ({_listed(new)}), accepted out of {written.sum()} written" * bool(len(new))
    print(f"{output.path}: {len(data.frame)} real rows, then {new.sum()} synthetic ones{kept}.")
    if (n_left_out := len(data.frame) - len(data.y)) > 0:
        print(f"The {n_left_out} rows left out above are in it, with an empty weight.")
    if sampler.generator.prompt_form != "none":
        cost = f", for {usage.cost:.4f}" if usage.cost else ""
        print(
            f"Requests sent: {usage.requests}, found in the cache: {usage.cached}; "
            f"{usage.prompt_tokens:,} tokens read, {usage.completion_tokens:,} written{cost}."
        )


def _what_is_kept(arguments: argparse.Namespace) -> str:
    kept = (
        f"What was answered is kept in {cache_file(arguments)}; run the same command again to go "
        "on from there. "
    )
    return kept * all_kept(arguments) + f"{arguments.output} was not written."
