"""Rows that were generated elsewhere, read from files and lists."""

import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sklw._reading import protected, restored

__all__ = ["framed", "left_out", "read_records"]

_SEPARATORS = {".csv": ",", ".tsv": "\t"}
# What sklw writes itself is known by these columns: the first says which rows are not to be used.
_WRITTEN = {
    ("accepted", "reason"): "were rejected when they were generated",
    ("synthetic", "weight", "quality", "parents"): "are real ones",
}


def left_out(frame: pd.DataFrame, *, tables: bool) -> list[str]:
    """Say of each row why it is not to be used, "" if it is, in what sklw wrote itself."""
    found = [""] * len(frame)
    for columns, why in _WRITTEN.items():
        if not set(columns) <= set(frame.columns) or (tables and "reason" in columns):
            continue  # such columns may be those of a table
        why = f"{why}, as the column {columns[0]!r} says"
        for row, mark in enumerate(frame[columns[0]].tolist()):
            found[row] = why if str(mark).casefold() == "false" else found[row]
    return found


def read_records(path: Path) -> pd.DataFrame:
    """Read a file of rows as texts."""
    kind = (Path(path.stem).suffix if path.suffix == ".gz" else path.suffix).lower()
    if kind not in {*_SEPARATORS, ".jsonl"}:
        raise ValueError(
            f"The records in {str(path)!r} have an unknown format. Use a .csv, .tsv or .jsonl "
            "file (also with .gz), or read the file yourself and pass the DataFrame."
        )
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig", newline="\n") as file:
            if kind == ".jsonl":
                return framed([json.loads(line) for line in file if line.strip()], "Line")
            text, mark = protected(file.read())
        # A label 01 and a text 1.50 are to stay that; only an empty field is missing.
        options: dict[str, Any] = {
            "sep": _SEPARATORS[kind], "dtype": str, "keep_default_na": False, "na_values": [""],
        }  # fmt: skip
        frame = restored(pd.read_csv(io.StringIO(text), **options), mark)
        # pandas numbers a name that occurs again, so that it could not be told.
        header = pd.read_csv(io.StringIO(text), header=None, nrows=1, **options)
        names = restored(header, mark).iloc[0]
        frame.columns = names.fillna(frame.columns.to_series(index=names.index)).tolist()
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(
            f"The records in {str(path)!r} could not be read: {error}. Check that the file "
            f"exists and is a readable {kind} file, or read it yourself and pass the DataFrame."
        ) from error
    if not isinstance(frame.index, pd.RangeIndex):
        raise ValueError(
            f"The rows in {str(path)!r} have more fields than its header has names. Put texts "
            "with a separator in them into quotes."
        )
    return frame


def framed(records: Sequence[Any], what: str) -> pd.DataFrame:
    """Make a frame of mappings; whole numbers stay so beside missing values."""
    for number, record in enumerate(records):
        if not isinstance(record, Mapping):
            raise ValueError(
                f"{what} {number} of the records, counted from 0, is a {type(record).__name__} "
                "and not a mapping of columns to values."
            )
    return pd.DataFrame([dict(record) for record in records], dtype=object)
