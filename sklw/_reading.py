"""How files differ: carriage returns within cells, and the case of truth values."""

import re
from typing import Any

import pandas as pd

__all__ = ["TRUTH_VALUES", "WORDS_FOR_MISSING", "protected", "restored"]

# As CSV files of pandas and JSON have them, but for case.
TRUTH_VALUES = frozenset({"true", "false"})
# What files and models write where a value is missing, folded in case.
WORDS_FOR_MISSING = frozenset({"nan", "none", "null", "na", "n/a", "<na>", "nat", "-", "?", ""})

# "\r\r\n" ends lines of files written twice as text, and "\r" a file that lost its last byte.
_WITHIN = re.compile(r"\r(?!\r*(?:\n|\Z))")
# A mark that follows a letter or a digit, as in 6", opens no cell.
_QUOTED = re.compile(r'(?<!\w)"[^"]*"')


def protected(text: str, *, quotes: bool = True) -> tuple[str, str]:
    r"""Replace carriage returns that end no line by a mark, and return it: pandas would end rows.

    Where lines end in ``\r`` alone, a newline is found within quotes only, and nothing is replaced.
    """
    if not _WITHIN.search(text) or "\n" not in (_QUOTED.sub("", text) if quotes else text):
        return text, ""
    mark = next(mark for mark in map(chr, range(0xE000, 0xF900)) if mark not in text)
    return _WITHIN.sub(mark, text), mark


def restored(frame: pd.DataFrame, mark: str) -> pd.DataFrame:
    """Put carriage returns in the place of the mark."""
    if not mark:
        return frame

    def restore(cell: Any) -> Any:
        return cell.replace(mark, "\r") if isinstance(cell, str) else cell

    return frame.map(restore).astype(frame.dtypes.to_dict()).rename(columns=restore)
