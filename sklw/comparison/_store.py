"""What a comparison keeps on disk, so that it can be resumed and looked at."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sklw.comparison._generated import Generated

__all__ = ["KEY", "Store", "read_results"]

KEY = ["classifier", "method", "minority_size", "seed"]


def read_results(folder: Any) -> pd.DataFrame:
    """Read what :func:`compare` has kept so far, in one run or several.

    Parameters
    ----------
    folder : path
        The `output` of those runs.

    Returns
    -------
    results : DataFrame
        One row a cell, as :func:`compare` returns them; of a cell tried again the last attempt.

    Raises
    ------
    FileNotFoundError
        If there are no results.
    """
    path = Path(folder) / "results.csv"
    if not path.is_file():
        raise FileNotFoundError(f"There are no results in {str(folder)!r} yet; run compare first.")
    results = pd.read_csv(path, dtype={"error": str}).fillna({"error": ""})
    return results.drop_duplicates(KEY, keep="last", ignore_index=True)


class Store:
    """A folder with ``settings.json``, ``results.csv`` and the generated texts.

    Parameters
    ----------
    folder : path
        Created if it does not exist.
    description : dict
        All that the results depend on beside method, classifier, size and seed.

    Raises
    ------
    ValueError
        If the folder holds results of other data or settings.
    """

    def __init__(self, folder: Any, description: dict[str, Any]) -> None:
        self.folder = Path(folder)
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"output={str(folder)!r} is a file; give a folder.")
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "settings.json"
        if path.exists():
            known = json.loads(path.read_text(encoding="utf-8"))
            changed = [name for name in description if known.get(name) != description[name]]
            if changed:
                raise ValueError(
                    f"{self.folder} holds results that were made with other values of "
                    f"{', '.join(changed)} (see {path.name} there). Give another folder, or "
                    "delete this one to start afresh."
                )
        else:
            path.write_text(json.dumps(description, indent=1), encoding="utf-8")

    @property
    def results_path(self) -> Path:
        """Where the results are."""
        return self.folder / "results.csv"

    def generated_path(self, minority_size: int, seed: int) -> Path:
        """Where the generated texts of one training set are."""
        return self.folder / f"generated_m{minority_size}_seed{seed}.csv"

    def finished(self) -> pd.DataFrame | None:
        """Read the finished cells; None if there are none."""
        if not self.results_path.exists():
            return None
        content = self.results_path.read_bytes()
        if not content.endswith(b"\n"):
            # Cut off while it was being written: that cell is done again.
            self.results_path.write_bytes(content[: content.rfind(b"\n") + 1])
        if not self.results_path.stat().st_size:
            self.results_path.unlink()
            return None
        return read_results(self.folder)

    def append_result(self, row: dict[str, Any]) -> None:
        """Add a finished cell."""
        new = not self.results_path.exists()
        pd.DataFrame([row]).to_csv(self.results_path, mode="a", header=new, index=False)

    def write_generated(self, generated: Generated, minority_size: int, seed: int) -> None:
        """Keep the texts with their verdicts, and their cost."""
        path = self.generated_path(minority_size, seed)
        cost = {"seconds": round(generated.seconds, 3), "tokens": generated.tokens}
        frame = generated.verdicts.assign(
            parents=[" ".join(map(str, rows)) for rows in generated.verdicts["parents"]]
        )
        path.with_suffix(".json").write_text(json.dumps(cost), encoding="utf-8")
        _replace(path, frame)

    def read_generated(self, minority_size: int, seed: int, labels: np.ndarray) -> Generated | None:
        """Read what `write_generated` kept; None if there is nothing."""
        path = self.generated_path(minority_size, seed)
        if not path.exists():
            return None
        frame = pd.read_csv(path, dtype={"text": str, "parents": str}, keep_default_na=False)
        by_name = {str(label): label for label in np.unique(labels)}
        frame["label"] = [by_name[str(label)] for label in frame["label"]]
        frame["parents"] = [tuple(map(int, rows.split())) for rows in frame["parents"]]
        frame["accepted"] = frame["accepted"].astype(str) == "True"
        cost = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        return Generated(verdicts=frame, **cost)

    def write_weights(
        self, weights: np.ndarray, method: str, minority_size: int, seed: int
    ) -> None:
        """Put the weights of the accepted texts beside them, in a column of the method's name."""
        path = self.generated_path(minority_size, seed)
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        column = np.full(len(frame), np.nan)
        column[frame["accepted"] == "True"] = np.round(weights, 4)
        frame[f"weight_{method}"] = column
        _replace(path, frame)


def _replace(path: Path, frame: pd.DataFrame) -> None:
    """Write the whole file or nothing."""
    partial = path.with_suffix(".partial")
    frame.to_csv(partial, index=False)
    partial.replace(path)
