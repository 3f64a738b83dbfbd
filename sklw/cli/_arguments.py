"""Arguments of the command line: from strings to what they mean."""

import argparse
from collections.abc import Sequence
from typing import Any

__all__ = ["columns", "descriptions", "names", "positive", "separator", "sizes"]


def names(text: str) -> list[str]:
    """Read names with commas between them."""
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise argparse.ArgumentTypeError("give at least one name")
    return found


def separator(text: str) -> str:
    """Read one character, or the name of the tab."""
    char = {"tab": "\t", "\\t": "\t"}.get(text.lower(), text)
    if len(char) != 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not one character")
    return char


def positive(text: str) -> int:
    """Read a whole number above 0."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return value


def sizes(text: str) -> list[int]:
    """Read whole numbers with commas between them."""
    return [positive(part) for part in names(text)]


def columns(arguments: argparse.Namespace) -> list[Any]:
    """Return the names of the columns of texts and labels, or their positions."""
    found = [arguments.text, arguments.label]
    if not arguments.no_header:
        return found
    if not all(name.isdecimal() for name in found):
        raise ValueError(
            "With --no-header, --text and --label are positions counted from 0, such as --text 1 "
            "--label 0."
        )
    return [int(name) for name in found]


def descriptions(pairs: Sequence[str], labels: Any) -> dict[str, str]:
    """Read LABEL=TEXT pairs whose labels occur."""
    found = {}
    for pair in pairs:
        label, equals, text = pair.partition("=")
        if not equals or not text.strip():
            raise ValueError(f"--label-description {pair!r} does not have the form LABEL=TEXT.")
        if label not in set(labels.tolist()):
            known = ", ".join(sorted(set(labels.tolist())))
            raise ValueError(f"--label-description names the label {label!r}; there are: {known}.")
        found[label] = text.strip()
    return found
