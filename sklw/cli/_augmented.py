"""The file that `augment` reads, and the one that it writes."""

import argparse
import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sklw._writing import as_csv, kept_alone, write_by, write_whole
from sklw.cli._file import check_output, column, label_column, read_rows, reading
from sklw.datasets import load_frame

__all__ = ["ADDED", "Data", "Output", "read_data", "refuse_augmented"]

ADDED = ["synthetic", "weight", "quality", "parents"]
_SEPARATORS = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True)
class Data:
    """All rows of a file as strings, and those to learn from.

    `numbers` are the rows of `frame` that `X` and `y` hold, and `places` the columns of `frame`
    that those of `X` come from.
    """

    frame: pd.DataFrame
    X: Any
    y: np.ndarray
    numbers: np.ndarray
    places: list[int]
    label_place: int

    def augmented(self, X: Any, y: Any, weighter: Any, parents: Any) -> pd.DataFrame:
        """Return the real rows as they are, then the synthetic ones, with what is known of each."""
        n_real, n_used = len(self.frame), len(self.y)
        real = self.frame.set_axis(range(self.frame.shape[1]), axis=1).map(_as_text)
        made = pd.DataFrame(index=range(len(y) - n_used), columns=real.columns, dtype=object)
        new = pd.DataFrame(X).iloc[n_used:].astype(object)
        for at, place in enumerate(self.places):
            made[place] = new.iloc[:, at].to_numpy()
        made[self.label_place] = y[n_used:]
        rows = pd.concat([real, made], ignore_index=True)
        rows.columns = pd.Index(self.frame.columns, dtype=object)
        places = [*self.numbers, *range(n_real, len(rows))]
        known = pd.DataFrame(index=rows.index, columns=ADDED, dtype=object)
        known["synthetic"] = np.arange(len(rows)) >= n_real
        known.loc[places, "weight"] = weighter.sample_weight_.round(6)
        known.loc[places, "quality"] = weighter.quality_.round(6)
        known.loc[n_real:, "parents"] = [
            " ".join(map(str, self.numbers[np.asarray(of_row, dtype=int)])) for of_row in parents
        ]
        return pd.concat([rows, known], axis=1)


def _as_text(cell: Any) -> Any:
    """Write lists and objects of JSON lines as they were there."""
    return json.dumps(cell, ensure_ascii=False) if isinstance(cell, (list, dict)) else cell


def read_data(arguments: argparse.Namespace) -> Data:
    """Read and check the file."""
    X, y = read_rows(arguments)
    label = label_column(arguments)
    texts = [] if arguments.target is not None else [column(arguments, arguments.text)]
    frame = load_frame(arguments.data, [*texts, label], **reading(arguments))
    _check_names(frame, arguments.data)
    names = list(frame.columns)
    return Data(
        frame,
        X,
        y.to_numpy(dtype=object),  # as strings of NumPy, a class "nan" would be missing
        y.index.to_numpy(),
        [names.index(name) for name in texts or X.columns],
        names.index(label),
    )


def _check_names(frame: pd.DataFrame, path: Any) -> None:
    if taken := [name for name in ADDED if name in frame.columns]:
        own = " It looks like a file that augment wrote: give it the real rows alone."
        raise ValueError(
            f"{path} already has a column {taken[0]!r}, which augment adds: rename it."
            + own * (len(taken) == len(ADDED))
        )


def refuse_augmented(arguments: argparse.Namespace, label: Any) -> None:
    """Raise an error if the file has synthetic rows, which would be taken for real ones."""
    frame = load_frame(arguments.data, [label], **reading(arguments))
    if set(ADDED) <= set(frame.columns):
        raise ValueError(
            f"{arguments.data} looks like a file that augment wrote. Its synthetic rows would be "
            "tested on as if they were real: give the real rows alone."
        )


class Output:
    """The augmented file and the page beside it.

    Everything that can be wrong with them is found before anything is sent.
    """

    def __init__(self, path: str, *, data: str, overwrite: bool) -> None:
        self.path = Path(path).expanduser()
        self.page = self.path.with_suffix(".html")
        self.overwrite = overwrite
        if self.path.suffix.lower() not in _SEPARATORS:
            raise ValueError(f"--output {path} must end in .csv or .tsv.")
        check_output(self.path, "--output", data)
        self._refuse_existing()

    def _refuse_existing(self) -> None:
        for path in (self.path, self.page):
            if path.is_dir():
                raise ValueError(f"{str(path)!r} is a folder; name a file with --output.")
            if path.exists() and not self.overwrite:
                raise ValueError(
                    f"{path} exists and was left as it is. Name another --output, or pass "
                    "--overwrite to replace it."
                )

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Keep the file and its page for this run alone."""
        refusal = (
            f"Another run is writing to {self.path} or its page {self.page}. Wait until it has "
            "ended, or name another --output."
        )
        # A run with out.tsv has the same page as one with out.csv.
        with kept_alone(self.page.with_name(f".{self.page.name}.lock"), refusal):
            yield

    def write(self, rows: pd.DataFrame, write_page: Callable[[Path], None]) -> None:
        """Write both; a page that cannot be written is worth a warning."""
        self._refuse_existing()  # the other one may have come meanwhile
        separator = _SEPARATORS[self.path.suffix.lower()]
        try:
            write_whole(self.path, as_csv(rows, separator))
        except OSError as error:
            raise OSError(
                f"{self.path} could not be written: {error.strerror or error}. Make room, or name "
                "an --output elsewhere, and run the command again: no answer is lost or asked for "
                "twice."
            ) from error
        try:
            write_by(self.page, write_page)
        except OSError as error:
            warnings.warn(
                f"The page {self.page} could not be written: {error.strerror or error}.",
                UserWarning,
                stacklevel=2,
            )
