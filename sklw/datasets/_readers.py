"""Read labelled texts from a file of the user's."""

import csv
import os
import warnings
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["load_texts"]

_COMPRESSED = {".gz", ".bz2", ".xz", ".zip", ".zst"}
_SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_JSON_LINES = {".jsonl", ".ndjson"}


def load_texts(
    path: str | os.PathLike[str],
    text_column: str | int = "text",
    label_column: str | int = "label",
    *,
    separator: str | None = None,
    quotes: bool = True,
    encoding: str = "utf-8-sig",
    drop_duplicates: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    r"""Read labelled texts from a CSV, TSV or JSON-lines file, compressed or not.

    Texts and labels are read as they stand: ``NA``, ``None`` and ``01`` stay those strings.

    Parameters
    ----------
    path : str or path-like
        A ``.csv``, ``.tsv``, ``.jsonl`` or ``.ndjson`` file; ``.gz``, ``.bz2``, ``.xz`` or
        ``.zip`` may follow.
    text_column, label_column : str or int, default="text" and "label"
        Names of the columns. Two integers are positions, counted from 0, in a file without a
        header.
    separator : str, default=None
        Character between two columns. None goes by the ending of the file's name.
    quotes : bool, default=True
        Whether ``"`` quotes a cell. Pass False where it is an ordinary character.
    encoding : str, default="utf-8-sig"
        Encoding of the file; the default reads UTF-8 with or without a byte order mark.
    drop_duplicates : bool, default=False
        Keep only the first row of each text.

    Returns
    -------
    texts : ndarray of object of shape (n_rows,)
        The texts.
    labels : ndarray of str of shape (n_rows,)
        Their labels, always as strings.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the format is unknown or broken, a column is missing, or fewer than two classes remain.

    Warns
    -----
    UserWarning
        If rows without a text or a label were left out; says how many.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklw.datasets import load_texts
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "mail.csv"
    ...     _ = path.write_text("body,kind\nSee you at 5,ham\nYou WON,spam\n")
    ...     texts, labels = load_texts(path, "body", "kind")
    >>> labels.tolist()
    ['ham', 'spam']
    """
    if isinstance(text_column, str) != isinstance(label_column, str):
        raise ValueError(
            f"text_column={text_column!r} and label_column={label_column!r}: give two names, or "
            "two positions for a file without a header."
        )
    header = isinstance(text_column, str)
    frame = _read_frame(Path(path), header, separator, quotes, encoding)
    for parameter, column in (("text_column", text_column), ("label_column", label_column)):
        _check_column(frame, column, parameter, path)
    pairs = pd.DataFrame({"text": frame[text_column], "label": frame[label_column]})
    blank = pairs["text"].astype(str).str.strip() == ""
    complete = pairs[~blank].dropna()
    if len(complete) < len(pairs):
        warnings.warn(
            f"{len(pairs) - len(complete)} of {len(pairs)} rows of {path} have no text or no "
            "label and were left out.",
            UserWarning,
            stacklevel=2,
        )
    if drop_duplicates:
        complete = complete.drop_duplicates("text")
    texts = complete["text"].astype(str).to_numpy(dtype=object)
    labels = complete["label"].astype(str).to_numpy(dtype=object)
    _check_classes(labels, label_column, path)
    return texts, labels.astype(str)


def _read_frame(
    path: Path, header: bool, separator: str | None, quotes: bool, encoding: str
) -> pd.DataFrame:
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    ending = suffixes[-1] if suffixes else ""
    if separator is None and ending not in _SEPARATORS and ending not in _JSON_LINES:
        raise ValueError(
            f"The name {path.name!r} does not say which format the file has. Rename it to end in "
            '.csv, .tsv or .jsonl, or pass separator="," or separator="\\t".'
        )
    try:
        if separator is None and ending in _JSON_LINES:
            # dtype=False: a label "01" must not become the number 1.
            return pd.read_json(path, lines=True, encoding=encoding, dtype=False)
        return pd.read_csv(
            path,
            sep=separator or _SEPARATORS[ending],
            header=0 if header else None,
            dtype=str,
            keep_default_na=False,
            na_values=[""],
            quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
            encoding=encoding,
        )
    except pd.errors.EmptyDataError:
        raise ValueError(f"The file {str(path)!r} is empty.") from None
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{str(path)!r} is not encoded in {encoding} ({error.reason} at byte {error.start}). "
            'Pass its encoding, for example encoding="latin-1".'
        ) from None
    except ValueError as error:  # includes pandas' ParserError
        raise ValueError(
            f"{str(path)!r} could not be read as a table: {str(error).splitlines()[0]}. Check the "
            "separator; where quotation marks are ordinary characters pass quotes=False."
        ) from error


def _check_column(frame: pd.DataFrame, column: Any, parameter: str, path: Any) -> None:
    if column in frame.columns:
        return
    names = [str(name) for name in frame.columns]
    close = get_close_matches(str(column), names, n=1, cutoff=0.6)
    # Names that differ in case only are not close to difflib.
    close = [name for name in names if name.lower() == str(column).lower()] or close
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise ValueError(
        f"{parameter}={column!r} is no column of {path}.{hint} It has: {', '.join(names)}."
    )


def _check_classes(labels: np.ndarray, label_column: Any, path: Any) -> None:
    if not len(labels):
        raise ValueError(f"{path} has no row with a text and a label.")
    counts = pd.Series(labels).value_counts()
    if len(counts) == 1:
        raise ValueError(
            f"Every row of {path} has the label {counts.index[0]!r} in column {label_column!r}; "
            "a classifier needs at least two classes."
        )
    if len(counts) == len(labels) and len(labels) > 2:
        raise ValueError(
            f"Every row of {path} has a different value in column {label_column!r}; that cannot "
            "be a label. Have the text column and the label column been swapped?"
        )
