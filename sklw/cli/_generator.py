"""One way to name a generator on the command line, and what it may cost."""

import argparse
import json
import os
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from sklw.cli._arguments import amount, positive
from sklw.cli._reporting import cache_file
from sklw.datasets import load_frame
from sklw.models import EMBEDDED_LANGUAGE_MODEL, locate_model

__all__ = [
    "add_generator_options",
    "add_task_options",
    "make_budget",
    "make_generator",
    "parameters_of",
    "print_estimate",
]

_KEY = "OPENAI_API_KEY"
_PRICES = ("prompt_price", "completion_price")
_BOUNDS = ("max_requests", "max_tokens", "max_cost")


def add_generator_options(parser: argparse.ArgumentParser) -> None:
    """Add the options to a command."""
    group = parser.add_argument_group(
        "who writes the rows",
        f"by default the embedded language model, {EMBEDDED_LANGUAGE_MODEL}, on this machine",
    )
    _add_sources(group)
    add = group.add_argument
    add("--model", metavar="NAME", help="name of the model at the endpoint")
    add(
        "--api-key-env",
        metavar="NAME",
        help=f"name of the environment variable that holds the key (default: {_KEY})",
    )
    add(
        "--fine-tune",
        action="store_true",
        help="train the model on the real rows before it writes; mainly for tables",
    )
    add(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the generator, such as temperature=0.7 or max_concurrency=4; may be "
        "repeated",
    )
    _add_bounds(group)
    add(
        "--cache",
        metavar="PATH",
        help="file that keeps the answers, so that none is paid for twice (default: one file for "
        "all, in the user's cache folder)",
    )


def add_task_options(add: Callable[..., Any]) -> None:
    """Add the options that say what the rows and classes are."""
    add("--task", metavar="TEXT", help='what the rows are, such as "SMS messages"')
    add(
        "--label-descriptions",
        action="extend",
        nargs="+",
        default=[],
        metavar="LABEL=TEXT",
        help="what classes mean, for the prompt; may be repeated",
    )


def _add_sources(group: Any) -> None:
    add = group.add_mutually_exclusive_group().add_argument
    add(
        "--generator",
        metavar="MODEL",
        help="a model on this machine: a folder, a .gguf file or a hub id",
    )
    add(
        "--endpoint",
        metavar="URL",
        help="an OpenAI-compatible server, such as http://localhost:8000/v1; needs --model",
    )
    add(
        "--recorded",
        metavar="FILE",
        help="rows generated elsewhere: a file with the columns of the data, or text and label",
    )


def _add_bounds(group: Any) -> None:
    add = group.add_argument
    add("--max-requests", type=positive, metavar="N", help="send at most N requests")
    add("--max-tokens", type=positive, metavar="N", help="read and write at most N tokens")
    add("--max-cost", type=amount, metavar="X", help="spend at most X; needs the prices")
    add("--prompt-price", type=amount, metavar="X", help="price of a million tokens read")
    add("--completion-price", type=amount, metavar="X", help="price of a million tokens written")


def make_generator(arguments: argparse.Namespace) -> Any:
    """Build the generator that the options name; nothing is loaded or sent yet."""
    _check_combination(arguments)
    if arguments.endpoint is not None:
        generator = _of_endpoint(arguments)
    elif arguments.recorded is not None:
        generator = _of_records(arguments)
    else:
        generator = _of_this_machine(arguments)
    parameters = parameters_of(generator, "--set", arguments.set)
    generator.set_params(**parameters)
    generator.generate([])  # a wrong value shows now
    if arguments.api_key_env is not None or "api_key_env" in parameters:
        _check_key(generator.api_key_env)
    return generator


def _check_combination(arguments: argparse.Namespace) -> None:
    if arguments.endpoint is None:
        if arguments.model is not None:
            raise ValueError(
                f"--model {arguments.model} is the name of a model at an --endpoint URL, which is "
                f"missing. For a model on this machine write --generator {arguments.model}."
            )
        if arguments.api_key_env is not None:
            raise ValueError("--api-key-env is for an --endpoint URL, which is missing.")
    elif arguments.model is None:
        raise ValueError("--endpoint needs the name of a model there: --model NAME.")
    if arguments.fine_tune and (arguments.endpoint or arguments.recorded):
        raise ValueError(
            "--fine-tune trains a model on this machine: leave out --endpoint and --recorded."
        )


def _of_endpoint(arguments: argparse.Namespace) -> Any:
    from sklw.generators import OpenAIGenerator

    return OpenAIGenerator(
        arguments.model, base_url=arguments.endpoint, api_key_env=arguments.api_key_env or _KEY
    )


def _check_key(name: str) -> None:
    """Raise an error if a variable that was named has no key."""
    if os.environ.get(name):
        return
    like = [known for known in os.environ if "KEY" in known or "TOKEN" in known]
    close = get_close_matches(name, like, n=1, cutoff=0.8)
    hint = f" Did you mean {close[0]}?" if close else ""
    raise ValueError(
        f"The environment variable {name} is not set.{hint} Put the key there (export {name}=...), "
        "or leave --api-key-env out for a server that needs none."
    )


def _of_records(arguments: argparse.Namespace) -> Any:
    from sklw.generators import RecordedGenerator

    if arguments.text is None:
        target = "target" if arguments.no_header else arguments.target
        records = _records(arguments, [target])
        records = records.drop(columns=[n for n in arguments.ignore if n in records.columns])
        return RecordedGenerator(records, text_column=None, label_column=target)
    # Other programs mostly write the columns of the data, sklw itself text and label.
    columns, of_sklw = [arguments.text, arguments.label], ["text", "label"]
    try:
        records = _records(arguments, of_sklw if arguments.no_header else columns)
    except ValueError as error:
        try:
            records = _records(arguments, of_sklw)
        except ValueError:
            raise error from None
        columns = of_sklw
    if arguments.no_header or {*of_sklw, "accepted", "reason"} <= set(records.columns):
        columns = of_sklw
    return RecordedGenerator(records, text_column=columns[0], label_column=columns[1])


def _records(arguments: argparse.Namespace, columns: list[str]) -> Any:
    try:
        return _as_encoded(arguments, columns)
    except ValueError as error:
        if not arguments.no_header or not str(error).startswith("There is no column"):
            raise
        names = "the numbers of the columns of the data, from 0, and 'target' for the labels"
        names = names if arguments.text is None else "'text' and 'label'"
        raise ValueError(
            f"{error} It needs column names, even with --no-header, which is about {arguments.data}"
            f": {names}."
        ) from None


def _as_encoded(arguments: argparse.Namespace, columns: list[str]) -> Any:
    """Read the file in Unicode, or else as the data are encoded."""
    try:
        return load_frame(arguments.recorded, columns)
    except ValueError:
        if arguments.encoding is None:
            raise
        return load_frame(arguments.recorded, columns, encoding=arguments.encoding)


def _of_this_machine(arguments: argparse.Namespace) -> Any:
    from sklw.generators import FineTunedGenerator, TransformersGenerator

    model = arguments.generator or EMBEDDED_LANGUAGE_MODEL
    locate_model(model)  # a wrong name shows now, not after the first hour
    return FineTunedGenerator(model) if arguments.fine_tune else TransformersGenerator(model)


def parameters_of(target: Any, option: str, pairs: list[str]) -> dict[str, Any]:
    """Read an option's NAME=VALUE pairs, the values as JSON where they are that."""
    known = target.get_params(deep=False)
    found = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise ValueError(f"{option} {pair!r} does not have the form NAME=VALUE.")
        if name not in known:
            close = get_close_matches(name, list(known), n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise ValueError(
                f"{option} {name}: {type(target).__name__} has no such parameter.{hint} It has: "
                f"{', '.join(known)}."
            )
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    return found


def make_budget(arguments: argparse.Namespace, *, shared_by: int | None = None) -> Any:
    """Build the budget; None if nothing is said.

    Of one that is `shared_by` several fits, each gets an equal part; without a bound they need
    none.
    """
    prices, bounds = (
        {name: value for name in group if (value := getattr(arguments, name)) is not None}
        for group in (_PRICES, _BOUNDS)
    )
    if "max_cost" in bounds and not any(prices.values()):
        raise ValueError(
            "--max-cost needs --prompt-price and --completion-price, in money for a million "
            "tokens: without prices everything is free."
        )
    for name, bound in bounds.items() if shared_by else ():
        bounds[name] = bound / shared_by if name == "max_cost" else bound // shared_by
        if not bounds[name]:
            raise ValueError(
                f"--{name.replace('_', '-')} {bound} is not enough for {shared_by} training sets: "
                "raise it, or lower --seeds."
            )
    if not bounds and (shared_by or not prices):
        return None
    from sklw.generators import Budget

    return Budget(**prices, **bounds)


def print_estimate(estimate: Any, generator: Any, arguments: argparse.Namespace) -> None:
    """Print what would be sent to a generator, and that nothing was."""
    estimate = estimate.rename(
        columns={"prompt_tokens": "tokens read", "completion_tokens": "tokens written"}
    )
    formats = dict.fromkeys(estimate.columns, "{:,}".format) | {"cost": "{:,.4f}".format}
    priced = any(getattr(arguments, name) is not None for name in _PRICES)
    shown = estimate if priced else estimate.drop(columns="cost")
    print(f"\nWhat {generator.model_name} would be sent:\n")
    print(shown.to_string(formatters={name: formats[name] for name in shown}))
    if not priced:
        print("\nWith --prompt-price and --completion-price it shows the cost.")
    print(f"\nNothing was sent. Answers that are already in {cache_file(arguments)} are not paid")
    print("for again. 'expected': every answer is accepted; 'at most': all attempts are needed.")
