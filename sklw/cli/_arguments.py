"""Arguments of the command line: from strings to what they mean."""

import argparse
from collections.abc import Sequence
from typing import Any

__all__ = [
    "amount",
    "beyond_balance",
    "columns",
    "descriptions",
    "names",
    "positive",
    "ratio",
    "separator",
    "share",
    "sizes",
]


def names(text: str) -> list[str]:
    """Read names with commas between them."""
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise argparse.ArgumentTypeError("give at least one name")
    return found


def columns(text: str) -> list[str]:
    """Read names of columns, of which one may be empty: that of the row numbers of pandas."""
    return [name.strip() for name in text.split(",")]


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


def amount(text: str) -> float:
    """Read a number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 0")
    return value


def ratio(text: str) -> float:
    """Read a share of the largest class."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number in (0, 1]")
    return value


def share(text: str) -> str | float:
    """Read a share of the largest class, or 'auto'."""
    if text == "auto":
        return text
    try:
        return ratio(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither 'auto' nor a number in (0, 1]"
        ) from None


def beyond_balance(text: str) -> int | float:
    """Read a number of rows for each class, or a share of all rows."""
    if text.isdecimal():
        return int(text)
    return amount(text)


def descriptions(pairs: Sequence[str], labels: Any) -> dict[str, str]:
    """Read LABEL=TEXT pairs whose labels occur."""
    found, known = {}, set(labels)
    for pair in pairs:
        # A label may have the sign in it: the longest that fits is meant.
        fitting = (label for label in known if pair.startswith(f"{label}="))
        label = max(fitting, key=len, default=pair.partition("=")[0])
        text = pair[len(label) + 1 :]
        if not text.strip():
            raise ValueError(f"--label-descriptions {pair!r} does not have the form LABEL=TEXT.")
        if label not in known:
            raise ValueError(
                f"--label-descriptions names the label {label!r}; there are: "
                f"{', '.join(sorted(known))}."
            )
        found[label] = text.strip()
    return found
