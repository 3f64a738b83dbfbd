"""`python -m sklw cache`: show, clear, export or import the request cache."""

import argparse
from typing import Any

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    cache = commands.add_parser(
        "cache",
        help="show, clear, export or import the answers that are kept on disk",
        description="Show what the request cache holds, or clear, export or import it.",
    )
    cache.add_argument("--path", help="the file; by default the one that cache=True uses")
    what = cache.add_mutually_exclusive_group()
    what.add_argument("--clear", action="store_true", help="delete all answers")
    what.add_argument("--export", metavar="FILE", help="write all answers to a JSONL file")
    what.add_argument(
        "--import", metavar="FILE", dest="from_file", help="add the answers of such a file"
    )
    cache.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    from sklw.generators import RequestCache

    cache = RequestCache(arguments.path) if arguments.path else RequestCache.default()
    if arguments.clear:
        print(f"Deleted {cache.clear()} answers from {cache.path}.")
    elif arguments.export:
        print(f"Wrote {cache.export_jsonl(arguments.export)} answers to {arguments.export}.")
    elif arguments.from_file:
        print(f"Added {cache.import_jsonl(arguments.from_file)} answers to {cache.path}.")
    else:
        exists = cache.path.is_file()
        n_answers = len(cache)
        size = cache.path.stat().st_size / 1e6 if exists else 0
        missing = "" if exists else " (there is no such file yet)"
        print(f"{cache.path}: {n_answers} answers, {size:.1f} MB{missing}")
    return 0
