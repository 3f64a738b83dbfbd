"""The parser of all commands, and what they have in common: errors, warnings, interruption."""

import argparse
import io
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tqdm.auto import tqdm

import sklw
from sklw.cli import _advise, _augment, _cache, _compare, _demo
from sklw.cli._reporting import without_false_comfort, write_unkept
from sklw.cli._wording import in_options
from sklw.exceptions import EndpointError

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, default=None
        Arguments after the program's name; None takes those of the process.

    Returns
    -------
    status : int
        0 on success, 1 if every trial of a comparison or any of the demo failed, 2 if the arguments
        or the data are wrong or an endpoint cannot be used, 130 if interrupted.

    Examples
    --------
    >>> from sklw.cli import main
    >>> main(["compare", "missing.csv", "--text", "body", "--label", "kind"])
    2
    """
    if argv is None:
        _show_all_characters()
    parser = _parser()
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as stop:  # argparse exits by itself; callers of main want the status
        return int(stop.code or 0)
    arguments.argv = sys.argv[1:] if argv is None else argv  # reports say how they were made
    with warnings.catch_warnings():
        shown: set[str] = set()
        said = partial(in_options, arguments=arguments)
        warnings.showwarning = partial(_print_warning, shown, said)
        try:
            status = int(arguments.command(arguments))
        except (EndpointError, ValueError, OSError, ImportError) as error:
            message, unkept = said(str(error)), write_unkept(arguments)
            return _refused(f"{without_false_comfort(message)} {unkept}" if unkept else message)
        except KeyboardInterrupt:
            kept: Any = getattr(arguments, "what_is_kept", lambda _: "")
            words = f"{kept(arguments)} {write_unkept(arguments)}".strip()
            print(f"\nInterrupted. {words}".rstrip(), file=sys.stderr)
            return 130
        if unkept := write_unkept(arguments):
            print(f"sklw: warning: {unkept}", file=sys.stderr)
        return status


def _show_all_characters() -> None:
    """Have a label that a terminal or a log file cannot show written as its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _refused(message: str) -> int:
    print(f"sklw: error: {' '.join(message.split())}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sklw",
        description="LLM oversampling and learned sample weights for scikit-learn.",
    )
    parser.add_argument("--version", action="version", version=f"sklw {sklw.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in (_demo, _advise, _augment, _compare, _cache):
        command.add_parser(commands)
    return parser


def _print_warning(
    shown: set[str], said: Callable[[str], str], message: Warning | str, *_: Any, **__: Any
) -> None:
    if str(message) not in shown:
        tqdm.write(f"sklw: warning: {said(str(message))}", file=sys.stderr)  # above a bar
    shown.add(str(message))
