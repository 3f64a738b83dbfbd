"""What a comparison keeps on disk, so that it can be resumed and looked at."""

import csv
import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sklw._writing import kept_alone, put, write_whole
from sklw.comparison._generated import Generated

__all__ = ["KEY", "ResultsFolder", "read_generated", "read_results"]

KEY = ["classifier", "method", "minority_size", "seed"]
# Strings are quoted and read as strings, so that "01", "NA" and line breaks stay as they are.
_WRITE: dict[str, Any] = {"index": False, "quoting": csv.QUOTE_NONNUMERIC, "lineterminator": "\n"}
_READ: dict[str, Any] = {"dtype": object, "keep_default_na": False}


def read_results(folder: Any) -> pd.DataFrame:
    """Read what :func:`compare` has kept so far, in one run or several.

    Parameters
    ----------
    folder : path
        The `output` of those runs.

    Returns
    -------
    results : DataFrame
        One row a trial, as :func:`compare` returns them; of a trial run again the last attempt.

    Raises
    ------
    FileNotFoundError
        If there are no results.
    """
    path = Path(folder) / "results.csv"
    if not path.is_file():
        raise FileNotFoundError(f"There are no results in {str(folder)!r} yet; run compare first.")
    results = pd.read_csv(path, dtype={"error": str}, encoding_errors="surrogatepass").fillna(
        {"error": ""}
    )
    return results.drop_duplicates(KEY, keep="last", ignore_index=True)


class ResultsFolder:
    """A folder with ``settings.json``, ``results.csv`` and the generated texts.

    What cannot be written, on a full disk for example, is tried again with the next trial; until
    then there is a warning.
    """

    def __init__(self, folder: Any, description: dict[str, Any]) -> None:
        self.folder = Path(folder)
        self._description = description
        self._unsaved: list[dict[str, Any]] = []

    @contextmanager
    def opened(self) -> Iterator["ResultsFolder"]:
        """Keep the folder for this process alone, having checked that the results there fit."""
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"output={str(self.folder)!r} is a file. Pass a folder.")
        self.folder.mkdir(parents=True, exist_ok=True)
        refusal = (
            f"Another comparison is writing to {self.folder}. Wait until it has ended, or pass "
            "another folder."
        )
        with kept_alone(self.folder / ".lock", refusal):
            self._check_settings()
            try:
                yield self
            finally:
                self._append()

    def _check_settings(self) -> None:
        path = self.folder / "settings.json"
        advice = "Pass another folder, or delete this one to start afresh."
        if not path.exists():
            if self.results_path.exists():
                raise ValueError(
                    f"{self.folder} holds results without the {path.name} that says how they were "
                    f"made. {advice}"
                )
            write_whole(path, json.dumps(self._description, indent=1))
            return
        try:
            known = dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path} is not a settings file: {error}. {advice}") from None
        names = dict.fromkeys([*self._description, *known])
        changed = [n for n in names if known.get(n) != self._description.get(n)]
        if changed:
            raise ValueError(
                f"{self.folder} holds results that were made with other values of "
                f"{', '.join(changed)} (see {path.name} there). {advice}"
            )

    @property
    def results_path(self) -> Path:
        """Where the results are."""
        return self.folder / "results.csv"

    def generated_path(self, minority_size: int, seed: int) -> Path:
        """Where the generated texts of one training set are."""
        return self.folder / f"generated_m{minority_size}_seed{seed}.csv"

    def finished(self) -> pd.DataFrame | None:
        """Read the finished trials; None if there are none."""
        self._cut_off_unfinished()
        if not self.results_path.exists():
            return None
        return read_results(self.folder)

    def append_result(self, row: dict[str, Any]) -> None:
        """Add a finished trial."""
        self._unsaved.append(row)
        self._append()

    def _append(self) -> None:
        if not self._unsaved:
            return
        with _warned(f"{len(self._unsaved)} finished trials"):
            self._cut_off_unfinished()
            new = not self.results_path.exists()
            text = pd.DataFrame(self._unsaved).to_csv(header=new, **_WRITE)
            with self.results_path.open("ab") as file:
                put(file, text)
            self._unsaved = []

    def _cut_off_unfinished(self) -> None:
        """Drop a row whose writing was interrupted: that trial is run again."""
        path = self.results_path
        if not path.exists():
            return
        content = path.read_bytes()
        if not content.endswith(b"\n"):
            content = content[: content.rfind(b"\n") + 1]
            os.truncate(path, len(content))
        if not content:
            path.unlink()

    def write_generated(self, generated: Generated, minority_size: int, seed: int) -> None:
        """Keep the texts with their verdicts, and their cost."""
        path = self.generated_path(minority_size, seed)
        cost = {"seconds": round(generated.seconds, 3), "tokens": generated.tokens}
        frame = generated.verdicts.assign(
            parents=[" ".join(map(str, rows)) for rows in generated.verdicts["parents"]]
        )
        with _warned("the generated texts"):
            write_whole(path.with_suffix(".json"), json.dumps(cost))
            write_whole(path, frame.to_csv(**_WRITE))

    def read_generated(self, minority_size: int, seed: int, labels: np.ndarray) -> Generated | None:
        """Read what `write_generated` kept; None if there is nothing."""
        path = self.generated_path(minority_size, seed)
        if not path.is_file():
            return None
        by_name = {str(label): label for label in np.unique(labels).tolist()}
        try:
            frame = read_generated(path)
            frame["label"] = [by_name[label] for label in frame["label"]]
            frame["parents"] = [tuple(map(int, rows.split())) for rows in frame["parents"]]
            frame["accepted"] = frame["accepted"] == "True"
            cost = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            return Generated(verdicts=frame, **cost)
        except (KeyError, ValueError, TypeError, OSError) as error:
            raise ValueError(
                f"{path} cannot be read ({type(error).__name__}: {error}). It, or the .json file "
                "beside it, is damaged: delete both to have these texts generated anew."
            ) from error

    def write_weights(
        self, weights: np.ndarray, method: str, minority_size: int, seed: int
    ) -> None:
        """Put the weights of the accepted texts beside them, in a column of the method's name."""
        path = self.generated_path(minority_size, seed)
        if not path.is_file():
            return  # could not be written, of which there was a warning
        with _warned(f"the weights of {method}"):
            frame = read_generated(path)
            column = np.full(len(frame), np.nan)
            column[frame["accepted"] == "True"] = np.round(weights, 4)
            frame[f"weight_{method}"] = column
            write_whole(path, frame.to_csv(**_WRITE))


def read_generated(path: Any) -> pd.DataFrame:
    """Read generated texts that :func:`compare` has kept, with their verdicts and weights.

    Parameters
    ----------
    path : path
        A file ``generated_m<size>_seed<seed>.csv`` in the `output` of a comparison.

    Returns
    -------
    generated : DataFrame
        One row a text; every value is a string.
    """
    return pd.read_csv(path, encoding_errors="surrogatepass", **_READ)


@contextmanager
def _warned(what: str) -> Iterator[None]:
    """Let the comparison go on when the disk refuses: what was computed and paid for is kept."""
    try:
        yield
    except OSError as error:
        warnings.warn(f"Could not write {what}: {error}.", UserWarning, stacklevel=4)
