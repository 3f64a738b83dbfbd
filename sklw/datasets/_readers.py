"""Read labelled texts from a file."""

import os
import warnings
from typing import Any

import pandas as pd

from sklw._callers import caller_level
from sklw._copies import copy_groups, folded
from sklw._validation import warn_of_alike_labels
from sklw.datasets._frames import read_frame
from sklw.datasets._labels import check_classes

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
    as_frame: bool = False,
) -> tuple[Any, Any]:
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
    as_frame : bool, default=False
        Return Series, with the number of each row in the file, counted from 0, as index.

    Returns
    -------
    texts : ndarray of object of shape (n_rows,), or Series
        The texts.
    labels : ndarray of str of shape (n_rows,), or Series
        Their labels, always as strings.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the format is unknown or broken, the encoding is another, a column is missing, there are
        more different labels than texts, or fewer than two classes remain.

    Warns
    -----
    UserWarning
        If rows without a text or a label were left out, labels differ in case or white space
        only, or lines within quotes read like rows.

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
    if text_column == label_column:
        raise ValueError(
            f"The texts and the labels are to be read from one column, {text_column!r}. Name the "
            "column of the labels."
        )
    frame = read_frame(
        path,
        [text_column, label_column],
        label=label_column,
        separator=separator,
        quotes=quotes,
        encoding=encoding,
    )
    complete = _complete_rows(frame[text_column], frame[label_column], path)
    check_classes(complete["label"].to_numpy(), label_column, path, "a text and a label")
    n_texts, n_labels = complete.nunique()
    if n_labels > n_texts:
        raise ValueError(
            f"Column {label_column!r} of {path} has {n_labels} different values and column "
            f"{text_column!r} only {n_texts}, so that the former cannot hold the labels. Have the "
            "text column and the label column been swapped?"
        )
    warn_of_alike_labels(complete["label"].to_numpy())
    if drop_duplicates:
        complete = complete[~pd.Series(copy_groups(complete["text"])).duplicated().to_numpy()]
    texts, labels = complete["text"], complete["label"]
    return (texts, labels) if as_frame else (texts.to_numpy(), labels.to_numpy().astype(str))


def _complete_rows(texts: Any, labels: Any, path: str | os.PathLike[str]) -> pd.DataFrame:
    """Return the rows that have a text and a label, and warn of the others."""
    pairs = pd.DataFrame({"text": texts, "label": labels}, dtype=object)
    blank = pairs.map(lambda cell: isinstance(cell, str) and not folded(cell)).any(axis=1)
    complete = pairs[~blank].dropna()
    if len(complete) < len(pairs):
        warnings.warn(
            f"{len(pairs) - len(complete)} of {len(pairs)} rows of {path} have no text or no "
            "label and were left out.",
            UserWarning,
            stacklevel=caller_level(),
        )
    return complete
