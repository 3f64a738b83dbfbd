"""Read labelled texts from a file."""

import os
import warnings
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sklw._copies import copy_groups, folded
from sklw._validation import warn_of_alike_labels
from sklw.datasets._files import read_table

__all__ = ["load_texts"]


def load_texts(
    path: str | os.PathLike[str],
    text_column: str | int = "text",
    label_column: str | int = "label",
    *,
    separator: str | None = None,
    quotes: bool = True,
    encoding: str | None = None,
    drop_duplicates: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    r"""Read labelled texts from a CSV, TSV or JSON-lines file, compressed or not.

    Texts and labels are read verbatim: ``NA``, ``None``, ``01`` and ``1.0`` stay those
    strings.

    Parameters
    ----------
    path : str or path-like
        The file; ``.gz``, ``.bz2``, ``.xz`` or ``.zip`` may follow. What ends in ``.jsonl``,
        ``.ndjson`` or ``.json`` is read as JSON objects, everything else as a table with a
        separator.
    text_column, label_column : str or int, default="text" and "label"
        Names of the columns. Two integers are positions, counted from 0, in a file without a
        header.
    separator : str, default=None
        Character between two columns. None takes the one of comma, tab, semicolon and
        vertical bar with which the file has the requested columns.
    quotes : bool, default=True
        Whether ``"`` quotes a cell. Pass False where it is an ordinary character.
    encoding : str, default=None
        Encoding of the file. None reads UTF-8, UTF-16 and UTF-32, with a byte order mark or
        without; no other encoding can be detected reliably, so pass its name.
    drop_duplicates : bool, default=False
        Keep only the first row of each text; case, white space and Unicode form do not count.

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
        If the format is unknown or broken, the encoding is another, a column is missing, or fewer
        than two classes remain.

    Warns
    -----
    UserWarning
        If rows without a text or a label were left out, or labels differ in case or white space
        only.

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
    frame = read_table(
        Path(path).expanduser(),
        [text_column, label_column],
        separator=separator,
        quotes=quotes,
        encoding=encoding,
    )
    for column in (text_column, label_column):
        _check_column(frame, column, path)
    pairs = pd.DataFrame({"text": frame[text_column], "label": frame[label_column]}, dtype=object)
    blank = pairs.map(lambda cell: isinstance(cell, str) and not folded(cell)).any(axis=1)
    complete = pairs[~blank].dropna()
    if len(complete) < len(pairs):
        warnings.warn(
            f"{len(pairs) - len(complete)} of {len(pairs)} rows of {path} have no text or no "
            "label and were left out.",
            UserWarning,
            stacklevel=2,
        )
    texts, labels = complete["text"].to_numpy(), complete["label"].to_numpy()
    _check_classes(labels, label_column, path)
    warn_of_alike_labels(labels, stacklevel=3)
    if drop_duplicates:
        kept = ~pd.Series(copy_groups(texts)).duplicated().to_numpy()
        texts, labels = texts[kept], labels[kept]
    return texts, labels.astype(str)


def _check_column(frame: pd.DataFrame, column: Any, path: Any) -> None:
    names = [str(name) for name in frame.columns]
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
    strange = [cell for cell in frame[column] if isinstance(cell, (list, dict))]
    if strange:
        raise ValueError(
            f"The column {column!r} of {path} holds lists or objects, such as "
            f"{str(strange[0])[:60]}, where a string is needed."
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
