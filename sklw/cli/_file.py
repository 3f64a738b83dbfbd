"""The options that say which files are meant and how they are written."""

import argparse
import os
from pathlib import Path
from typing import Any

import pandas as pd

from sklw.cli._arguments import columns, separator
from sklw.datasets import load_table, load_texts

__all__ = ["add_file_options", "check_output", "column", "label_column", "read_rows", "reading"]


def add_file_options(parser: argparse.ArgumentParser, *, tables: bool = True) -> None:
    """Add them to a command: texts with --text and --label, or a table with --target."""
    add = parser.add_argument
    add("data", help="a .csv, .tsv, .txt or .jsonl file; .gz, .bz2, .xz or .zip may follow")
    add("--text", required=not tables, metavar="COLUMN", help="column of the texts")
    add("--label", required=not tables, metavar="COLUMN", help="column of their labels")
    if tables:
        add("--target", metavar="COLUMN", help="for a table: column of the labels")
        add(
            "--ignore",
            type=columns,
            default=[],
            metavar="A,B",
            help="for a table: columns that are not features, such as a row number; '' is the one "
            "without a name",
        )
    add(
        "--separator",
        type=separator,
        metavar="CHAR",
        help="character between two columns, or 'tab' (default: detected from the column names)",
    )
    add("--encoding", metavar="NAME", help="such as cp1252 (default: UTF-8, -16 or -32, detected)")
    add("--no-quotes", action="store_true", help='" is an ordinary character')
    add(
        "--no-header",
        action="store_true",
        help="the file has no column names; options give columns by number, from 0",
    )


def label_column(arguments: argparse.Namespace) -> Any:
    """Return the column of the labels, having checked that text and label, or target, are given."""
    is_text = arguments.text is not None or arguments.label is not None
    if arguments.target is not None and is_text:
        raise ValueError(
            "--target is for tables and --text with --label for texts: give one or the other."
        )
    if arguments.target is None and (arguments.text is None or arguments.label is None):
        raise ValueError(
            "Say where the texts and the labels are: --text COLUMN --label COLUMN. For a table, "
            "--target COLUMN names the labels."
        )
    if arguments.ignore and arguments.target is None:
        raise ValueError("--ignore is for tables (--target): for texts, only one column is read.")
    return column(arguments, arguments.target if arguments.text is None else arguments.label)


def column(arguments: argparse.Namespace, name: str) -> Any:
    """Return the name of a column, or its position in a file without a header."""
    if not arguments.no_header:
        return name
    if not name.isdecimal():
        example = "--target 4" if arguments.text is None else "--text 1 --label 0"
        raise ValueError(
            f"With --no-header, columns are positions counted from 0, such as {example}."
        )
    return int(name)


def reading(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return how the file is to be read."""
    return {
        "separator": arguments.separator,
        "quotes": not arguments.no_quotes,
        "encoding": arguments.encoding,
    }


def read_rows(arguments: argparse.Namespace) -> tuple[Any, pd.Series]:
    """Read texts or a table, and the labels, indexed by their row in the file."""
    label, how = label_column(arguments), reading(arguments)
    if arguments.target is None:
        text = column(arguments, arguments.text)
        X, y = load_texts(arguments.data, text, label, **how, as_frame=True)
        return X.to_numpy(), y
    ignore = [column(arguments, name) for name in arguments.ignore]
    X, y = load_table(arguments.data, label, ignore=ignore, **how)
    return X.reset_index(drop=True), y


def check_output(path: Path, option: str, data: str) -> None:
    """Raise an error if the file of an option cannot be written, before anything is done for it."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        return  # a device or a pipe is written to itself
    folder = (path.resolve() if path.is_symlink() else path).parent
    if not folder.is_dir():
        raise ValueError(
            f"There is no folder {str(folder)!r} for {option}. Make it (mkdir -p {folder}), or "
            "name a file elsewhere."
        )
    if path.is_dir():
        raise ValueError(f"{str(path)!r} is a folder; name a file with {option}.")
    if not os.access(folder, os.W_OK):
        raise ValueError(f"The folder {str(folder)!r} may not be written to; name another one.")
    if path.exists() and Path(data).exists() and path.samefile(data):
        raise ValueError(f"{option} {path} is the file of the real rows; name another one.")
