"""Read a file as a table of strings."""

import os
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pandas as pd

from sklw._copies import folded
from sklw.datasets._files import read_table

__all__ = ["check_column", "load_frame", "read_frame"]


def load_frame(
    path: str | os.PathLike[str],
    columns: Sequence[str | int],
    *,
    separator: str | None = None,
    quotes: bool = True,
    encoding: str | None = None,
) -> pd.DataFrame:
    r"""Read a CSV, TSV or JSON-lines file, compressed or not, with each value as it stands there.

    Parameters
    ----------
    path : str or path-like
        The file, as in :func:`load_texts`.
    columns : sequence of str or int
        Columns that the file must have, by which its separator is found: names, or positions
        counted from 0 in a file without a header.
    separator, quotes, encoding
        As in :func:`load_texts`.

    Returns
    -------
    frame : DataFrame
        All columns and rows, as strings; NaN where a cell is empty.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the format is unknown or broken, the encoding is another, or a column is missing or
        occurs twice.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklw.datasets import load_frame
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "mail.csv"
    ...     _ = path.write_text("id;body;kind\n007;See you at 5;ham\n")
    ...     frame = load_frame(path, ["body", "kind"])
    >>> frame.values.tolist()
    [['007', 'See you at 5', 'ham']]
    """
    return read_frame(path, columns, separator=separator, quotes=quotes, encoding=encoding)


def read_frame(path: str | os.PathLike[str], columns: Sequence[Any], **how: Any) -> pd.DataFrame:
    """Read a file, as `read_table` does, and check its columns."""
    frame = read_table(Path(path).expanduser(), columns, **how)
    for column in columns:
        check_column(frame, column, path)
        _refuse_lists(frame[column], path)
    return frame.reset_index(drop=True)


def check_column(frame: pd.DataFrame, column: Any, path: Any) -> None:
    """Raise ValueError if a frame read from a file does not have a column, or several."""
    names = [str(name) or "''" for name in frame.columns]
    if column not in frame.columns:
        close = get_close_matches(str(column), names, n=1, cutoff=0.6)
        # Names that differ in case or white space only are not always close to difflib.
        close = [name for name in names if folded(name) == folded(str(column))] or close
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(
            f"There is no column {column!r} in {path}.{hint} It has: {', '.join(names)}."
        )
    if list(frame.columns).count(column) > 1:
        raise ValueError(f"{path} has several columns {column!r}. Rename all but one.")


def _refuse_lists(column: pd.Series, path: Any) -> None:
    strange = [cell for cell in column if isinstance(cell, (list, dict))]
    if strange:
        raise ValueError(
            f"The column {column.name!r} of {path} holds lists or objects, such as "
            f"{str(strange[0])[:60]}, where a string is needed."
        )
