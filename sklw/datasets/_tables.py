"""Read a labelled table from a file."""

import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sklw._callers import caller_level
from sklw._copies import folded
from sklw._reading import WORDS_FOR_MISSING
from sklw._validation import warn_of_alike_labels
from sklw.datasets._frames import check_column, read_frame
from sklw.datasets._labels import check_classes

__all__ = ["load_table"]

# Leading zeros, and telephone numbers such as +491701234567.
_CODE = r"\s*[-+]?0\d|\s*\+\d{7,}\s*$"


def load_table(
    path: str | os.PathLike[str],
    target_column: str | int = "target",
    *,
    ignore: Sequence[str | int] = (),
    separator: str | None = None,
    quotes: bool = True,
    encoding: str | None = None,
) -> tuple[pd.DataFrame, pd.Series]:
    r"""Read a labelled table from a CSV, TSV or JSON-lines file, compressed or not.

    Columns in which every value is a number become numbers, all others stay strings. So do
    numbers with leading zeros or, like telephone numbers, a plus and seven digits or more, which
    are codes, and whole numbers too large to be kept to the digit.

    Parameters
    ----------
    path : str or path-like
        The file, as in :func:`load_texts`.
    target_column : str or int, default="target"
        Column of the labels: its name, or its position in a file without a header.
    ignore : sequence of str or int, default=()
        Columns to leave out, such as a running number.
    separator, quotes, encoding
        As in :func:`load_texts`.

    Returns
    -------
    X : DataFrame
        The rows that have a label, each with its number in the file, counted from 0, as index.
    y : Series of str
        Their labels.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file cannot be read, a column is missing, the target is to be ignored, nothing is
        left besides the labels, or fewer than two classes remain.

    Warns
    -----
    UserWarning
        If rows without a label were left out, labels differ in case or white space only, or lines
        within quotes read like rows.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklw.datasets import load_table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "loans.csv"
    ...     _ = path.write_text("age,job,paid\n39,clerk,yes\n51,cook,no\n")
    ...     X, y = load_table(path, "paid")
    >>> X.values.tolist(), y.tolist()
    ([[39, 'clerk'], [51, 'cook']], ['yes', 'no'])
    """
    frame = read_frame(
        path,
        [target_column],
        label=target_column,
        separator=separator,
        quotes=quotes,
        encoding=encoding,
    )
    for column in ignore:
        check_column(frame, column, path)
    if target_column in ignore:
        raise ValueError(
            f"The target {target_column!r} cannot be ignored: it holds the labels. Take it out of "
            "ignore (--ignore)."
        )
    labels = frame[target_column]
    labelled = labels.map(lambda label: isinstance(label, str) and bool(folded(label)))
    if not labelled.all():
        warnings.warn(
            f"{(~labelled).sum()} of {len(frame)} rows of {path} have no label and were left out.",
            UserWarning,
            stacklevel=caller_level(),
        )
    X = frame.drop(columns=[target_column, *ignore])
    if X.empty and len(frame):
        raise ValueError(f"{path} has no column besides {target_column!r} to learn from.")
    _check_names(X, path)
    X, y = X[labelled], labels[labelled]
    check_classes(y.to_numpy(), target_column, f"{path}", "a label")
    warn_of_alike_labels(y.to_numpy())
    return X.apply(_typed), y.astype(object)


def _check_names(X: pd.DataFrame, path: Any) -> None:
    if twice := X.columns[X.columns.duplicated()].tolist():
        raise ValueError(f"{path} has several columns {twice[0]!r}. Rename all but one.")
    for name in X.columns:
        if any(isinstance(cell, (list, dict)) for cell in X[name]):
            raise ValueError(
                f"The column {name!r} of {path} holds lists or objects; leave it out with "
                f"ignore=[{name!r}] (--ignore {name})."
            )


def _typed(column: pd.Series) -> pd.Series:
    """Make a column of numbers, if it is one."""
    there = column.dropna()
    there = there[~there.str.strip().str.lower().isin(WORDS_FOR_MISSING)]
    codes = there.str.match(_CODE).any()
    numbers = pd.to_numeric(there, errors="coerce")
    if codes or there.empty or not np.isfinite(numbers).all() or numbers.dtype.kind == "u":
        return column
    if numbers.dtype.kind == "i":
        # Beside a missing value pandas would make floats of them.
        whole = numbers if len(there) == len(column) else numbers.astype("Int64")
        return whole.reindex(column.index)
    long = there.str.fullmatch(r"\s*[-+]?\d{16,}\s*")
    pairs = zip(numbers[long], there[long], strict=True)
    if any(int(number) != int(text) for number, text in pairs):
        return column
    return numbers.reindex(column.index)
