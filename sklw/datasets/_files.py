"""Read a file of any encoding and separator as a table of strings."""

import bz2
import codecs
import csv
import gzip
import io
import json
import lzma
import warnings
import zipfile
import zlib
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from sklw._callers import caller_level
from sklw._reading import protected, restored

__all__ = ["read_table"]

FORMATS = ".csv, .tsv, .txt or .jsonl"
_SEPARATORS = {".tsv": "\t", ".tab": "\t"}
_KNOWN_SEPARATORS = ",\t;|"
_N_LOOKED_AT = 100
_JSON_LINES = {".jsonl", ".ndjson"}
_OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_MARKS = {  # the longer ones first
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_EXCEL = (
    "save the sheet as CSV (UTF-8), or call "
    'pandas.read_excel(path).to_csv("texts.csv", index=False)'
)
# How other programs' files begin, and what to do with them.
_FOREIGN = {
    b"\x1f\x8b": "a gzip file: rename it so that its name ends in .gz",
    b"PK\x03\x04": f"an Excel, OpenDocument or zip file: {_EXCEL}",
    b"\xd0\xcf\x11\xe0": f"an old Excel or Word file: {_EXCEL}",
    b"PAR1": 'a Parquet file: pandas.read_parquet(path).to_csv("texts.csv", index=False)',
    b"ARROW1": 'an Arrow file: pandas.read_feather(path).to_csv("texts.csv", index=False)',
    b"SQLite format 3": "an SQLite database: export the table as CSV",
    b"%PDF": "a PDF: export its table as CSV",
}


def read_table(
    path: Path,
    columns: Sequence[Any],
    *,
    separator: str | None,
    quotes: bool,
    encoding: str | None,
    label: Any = None,
) -> pd.DataFrame:
    """Read a file as a table of strings, missing where a cell is empty.

    `columns` are names, by which the separator is recognized, or positions in a file without a
    header. None finds the separator, and the encoding if it is UTF-8, UTF-16 or UTF-32. By the
    column of the labels, rows are recognized that quotation marks have drawn into a cell.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    text = _decoded(_content(path, suffixes), path, encoding)
    if not text.strip():
        raise ValueError(f"The file {str(path)!r} is empty.")
    ending = next((s for s in reversed(suffixes) if s not in {*_OPENERS, ".zip"}), "")
    if separator is None and (ending in _JSON_LINES or ending == ".json"):
        return _read_json(text, path)
    text, mark = protected(text, quotes=quotes)
    if separator is None:
        separator = _found_separator(text, columns, quotes, _SEPARATORS.get(ending, ","))
    frame = restored(_read_csv(text, separator, quotes, path), mark)
    if not isinstance(columns[0], int):
        frame = frame.iloc[1:].set_axis(frame.iloc[0].fillna(""), axis=1)
    if quotes and label is not None:
        _warn_of_rows_within_cells(frame, label, separator, path)
    return frame


def _content(path: Path, suffixes: list[str]) -> bytes:
    if path.is_dir():
        inside = sorted(p.name for p in path.iterdir() if p.is_file() and p.name[0] != ".")[:5]
        hint = f" In it are: {', '.join(inside)}." if inside else ""
        raise ValueError(f"{str(path)!r} is a folder; give a file.{hint}")
    if path.exists() and not path.is_file():
        raise ValueError(
            f"{str(path)!r} is a pipe or a device, and the data are read more than once. Write "
            "them to a file and give that."
        )
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    packing = suffixes[-1] if suffixes else ""
    try:
        if packing == ".zip":
            with zipfile.ZipFile(path) as archive:
                names = [name for name in archive.namelist() if not name.endswith("/")]
                if len(names) != 1:
                    raise ValueError(
                        f"{str(path)!r} holds {len(names)} files. Unpack it and give one of them."
                    )
                return archive.read(names[0])
        with _OPENERS.get(packing, open)(path, "rb") as file:
            content: bytes = file.read()
    except (EOFError, lzma.LZMAError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{str(path)!r} is damaged and cannot be unpacked: {error}.") from None
    for start, advice in _FOREIGN.items():
        if content.startswith(start):
            raise ValueError(f"{str(path)!r} is {advice}. sklw reads {FORMATS} files.")
    return content


def _decoded(content: bytes, path: Path, encoding: str | None) -> str:
    try:
        text = content.decode(encoding or _found_encoding(content))
    except LookupError:
        raise ValueError(
            f"There is no encoding {encoding!r}. Common ones are utf-8, utf-16, cp1252 and latin-1."
        ) from None
    except UnicodeDecodeError as error:
        line = content[content.rfind(b"\n", 0, error.start) + 1 :].split(b"\n")[0]
        shown = line[max(0, error.start - content.rfind(b"\n", 0, error.start) - 21) :][:40]
        raise ValueError(
            f"{str(path)!r} is not encoded in {error.encoding} ({error.reason} at byte "
            f"{error.start}). Pass its encoding: encoding='cp1252' (--encoding cp1252), for "
            f"example, would read {shown.decode('cp1252', 'replace').strip()!r} there."
        ) from None
    if "\0" in text:
        raise ValueError(
            f"{str(path)!r} is not text in {encoding or 'UTF-8'}: it has NUL characters. Pass its "
            f"encoding, such as encoding='utf-16' (--encoding utf-16); sklw reads {FORMATS} files."
        )
    return text.removeprefix("\ufeff")


def _found_encoding(content: bytes) -> str:
    for mark, name in _MARKS.items():
        if content.startswith(mark):
            return name
    # Without a mark, UTF-16 is known by the empty half of its most common characters.
    start = content[:1000]
    if len(start) > 1 and 0 in start and len(content) % 2 == 0:
        even, odd = start[::2].count(0), start[1::2].count(0)
        if min(even, odd) == 0 and max(even, odd) > len(start) / 4:
            return "utf-16-be" if even else "utf-16-le"
    return "utf-8"


def _found_separator(text: str, columns: Sequence[Any], quotes: bool, expected: str) -> str:
    """Return the separator that yields the columns; otherwise that of most columns."""
    n_columns = {expected: 0}
    for separator in dict.fromkeys([expected, *_KNOWN_SEPARATORS]):
        reader = csv.reader(io.StringIO(text), delimiter=separator, quoting=_quoting(quotes))
        try:
            rows = list(islice(filter(None, reader), _N_LOOKED_AT))
        except csv.Error:  # such as a cell of more than 128 kB
            continue
        widths = {len(row) for row in rows}
        if isinstance(columns[0], str):
            found = set(columns) <= set(rows[0])
        else:
            found = len(widths) == 1 and max(columns) < max(widths)
        if found:
            return separator
        n_columns[separator] = len(rows[0])
    return max(n_columns, key=lambda separator: n_columns[separator])


def _quoting(quotes: bool) -> Any:
    return csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE


def _read_csv(text: str, separator: str, quotes: bool, path: Path) -> pd.DataFrame:
    try:
        # The header is read as a row, so that a row longer than it is an error.
        return pd.read_csv(
            io.StringIO(text),
            sep=separator,
            header=None,
            dtype=object,
            keep_default_na=False,
            na_values=[""],
            quoting=_quoting(quotes),
        )
    except ValueError as error:  # includes pandas' ParserError
        raise ValueError(
            f"{str(path)!r} could not be read as a table with the separator {separator!r}: "
            f"{str(error).splitlines()[0]}. Pass another separator (--separator); where quotation "
            "marks are ordinary characters pass quotes=False (--no-quotes)."
        ) from error


def _warn_of_rows_within_cells(frame: pd.DataFrame, label: Any, separator: str, path: Path) -> None:
    """Warn of rows between two quotation marks that are ordinary characters."""
    names = frame.columns.tolist()
    if names.count(label) != 1 or len(names) == 1:
        return
    place, labels = names.index(label), set(frame[label].dropna())

    def is_row(line: str) -> bool:
        cells = line.rstrip("\r").split(separator)
        return len(cells) == len(names) and cells[place] in labels

    cells = [cell for cell in frame.to_numpy().ravel() if isinstance(cell, str) and "\n" in cell]
    rows = [line for cell in cells for line in cell.split("\n") if is_row(line)]
    if rows:
        lines = f"{len(rows)} lines of {path} read like rows but are"
        if len(rows) == 1:
            lines = f"1 line of {path} reads like a row but is"
        warnings.warn(
            f"{lines} within quotes, such as {rows[0][:60]!r}. If quotation marks are ordinary "
            "characters there, pass quotes=False (--no-quotes): then each is a row of its own.",
            UserWarning,
            stacklevel=caller_level(),
        )


def _read_json(text: str, path: Path) -> pd.DataFrame:
    """Read JSON lines, or a list of objects, with each value as it is written there."""
    parts = [text] if text.lstrip().startswith("[") else text.split("\n")
    records: list[Any] = []
    for number, part in enumerate(parts, start=1):
        if not part.strip():
            continue
        try:
            # A label 1 must become neither 1.0 nor, beside a missing one, a float.
            read = json.loads(part, parse_int=_Number, parse_float=_Number, parse_constant=_missing)
        except ValueError as error:
            raise ValueError(
                f"Line {number} of {str(path)!r} could not be read as JSON: {error}. Each line "
                "must be one object."
            ) from None
        records += read if isinstance(read, list) else [read]
    if not all(isinstance(record, dict) for record in records):
        raise ValueError(
            f"{str(path)!r} holds values that are not JSON objects; each line must be one."
        )
    return pd.DataFrame([{k: _cell(v) for k, v in r.items()} for r in records], dtype=object)


class _Number(str):
    """A number, as it is written."""


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, _Number) else _within(value)


def _within(value: Any) -> Any:
    """Read the numbers of a list or an object by value: [1.10] becomes [1.1], not ["1.10"]."""
    if isinstance(value, list):
        return [_within(item) for item in value]
    if isinstance(value, dict):
        return {name: _within(item) for name, item in value.items()}
    return json.loads(value) if isinstance(value, _Number) else value


def _missing(constant: str) -> None:
    """Read NaN and Infinity, which JSON does not have, as missing."""
