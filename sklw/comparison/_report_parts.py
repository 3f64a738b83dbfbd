"""What the page on a comparison shows below its verdict."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from sklw._html import Example, examples_of, significant
from sklw.comparison._folder import read_generated
from sklw.comparison._methods import METHODS
from sklw.comparison._metrics import LOSSES
from sklw.comparison._table import TITLES
from sklw.comparison._verdict import signed

__all__ = ["Block", "examples", "failures", "methods", "settings", "where"]


def where(classifier: str, size: int) -> str:
    """Return what a part of the comparison is called."""
    return f"Classifier {classifier}, {size} row{'' if size == 1 else 's'} of the rarest class"


class Block:
    """The picture of one classifier and training size."""

    def __init__(
        self, key: tuple[str, int], summary: pd.DataFrame, metric: str, baseline: str
    ) -> None:
        self._key, self._summary = key, summary
        self._metric, self._baseline = metric, baseline
        self._seconds = self._cost("fit_seconds", "generation_seconds")
        self._tokens = self._cost("tokens")
        largest = np.nan_to_num(summary[f"{metric}_difference"].abs().max())
        # With two seeds an interval can be a hundred times as wide as what matters.
        bound = 3 * largest if largest > 0 else 1e-3
        self._left = max(np.fmin(-largest, summary[f"{metric}_low"].min()), -bound)
        self._right = min(np.fmax(largest, summary[f"{metric}_high"].max()), bound)

    def drawn(self) -> dict[str, Any]:
        """Return what the template needs."""
        n_seeds = int(self._summary["seeds"].max())
        return {
            "title": f"{where(*self._key)}, {n_seeds} seed{'' if n_seeds == 1 else 's'}",
            "zero": self._place(0.0),
            "lines": [self._line(str(method), row) for method, row in self._summary.iterrows()],
            "numbers": self._numbers(),
        }

    def _line(self, method: str, row: pd.Series) -> dict[str, Any]:
        middle, low, high = (row[f"{self._metric}_{p}"] for p in ("difference", "low", "high"))
        is_baseline = method == self._baseline
        value = f"{TITLES[self._metric]} {row[self._metric]:.3f}"
        return {
            "method": method + (f" ({int(row['failed'])} failed)" if row["failed"] else ""),
            "tone": "quiet" if is_baseline else self._tone(low, high),
            "difference": value if is_baseline else signed(row, self._metric),
            "middle": None if np.isnan(middle) else self._place(middle),
            "interval": None
            if np.isnan(low) or is_baseline
            else (self._place(low), self._place(high)),
            "costs": [
                {
                    "text": f"{costs[method]:,.{digits}f}",
                    "unit": unit,
                    "share": 100 * costs[method] / costs.max(),
                }
                for costs, digits, unit in (
                    (self._seconds, 2 if self._seconds[method] < 1 else 1, "s"),
                    (self._tokens, 0, "tokens"),
                )
                if costs.max() > 0
            ],
        }

    def _tone(self, low: float, high: float) -> str:
        if low > 0 or high < 0:
            return "good" if (low > 0) == (self._metric not in LOSSES) else "bad"
        return ""

    def _place(self, difference: float) -> float:
        """Return its place in percent of the width, at the edge if it is beyond."""
        share = (difference - self._left) / ((self._right - self._left) or 1.0)
        return round(2 + 96 * float(np.clip(share, 0, 1)), 2)

    def _cost(self, *columns: str) -> pd.Series:
        return self._summary.reindex(columns=list(columns)).fillna(0.0).sum(axis=1)

    def _numbers(self) -> Markup:
        table = self._summary[[name for name in TITLES if name in self._summary]]
        return Markup(
            table.rename(columns=TITLES)
            .reset_index()
            .to_html(
                index=False, border=0, classes="numbers", float_format="{:.3f}".format, na_rep=""
            )
        )


def examples(folder: Any, winners: set[str], n_rows: int) -> tuple[list[Example], str]:
    """Return generated rows of the first training set that were kept, and their title."""
    paths = [] if folder is None else sorted(Path(folder).glob("generated_*.csv"))
    for path in paths:
        frame = read_generated(path)
        columns = [name for name in map(str, frame) if name.startswith("weight_")]
        if not columns or frame.empty:
            continue
        weight = next((c for c in columns if c.removeprefix("weight_") in winners), columns[-1])
        frame[weight] = pd.to_numeric(frame[weight], errors="coerce")
        frame["reason"] = [
            # compare divides weights by the mean
            f"accepted; {significant(share, 2)} times the mean weight"
            if accepted == "True"
            else f"rejected: {reason.replace('_', ' ')}"
            for accepted, reason, share in frame[["accepted", "reason", weight]].to_numpy()
        ]
        frame = frame.drop(columns="accepted").sort_values(weight, ascending=False, kind="stable")
        if len(frame) > 2 * n_rows:
            frame = pd.concat([frame.head(n_rows), frame.tail(n_rows)])
        training_set = path.stem.removeprefix("generated_").replace("_", ", ")
        title = f"Generated rows ({training_set}), weighted by {weight.removeprefix('weight_')}"
        contents = _contents(frame["text"].tolist())
        return examples_of(frame.drop(columns="text"), contents, weight=weight), title
    return [], ""


def _contents(lines: list[str]) -> list[Any]:
    """Return the texts, or what the rows of a table hold, which are kept as JSON objects."""
    try:
        rows = [json.loads(line) for line in lines]
    except ValueError:
        return lines
    return rows if all(isinstance(row, dict) for row in rows) else lines


def methods(results: pd.DataFrame) -> dict[str, str]:
    """Return what the methods are."""
    names = [name for name in dict.fromkeys(results["method"]) if name in METHODS]
    return {name: METHODS[name].description.lstrip(". ") for name in names}


def failures(results: pd.DataFrame) -> dict[str, str]:
    """Return the trials that failed, and why."""
    failed = results[results["error"] != ""]
    return {
        f"{row['classifier']} {row['method']} m={row['minority_size']} seed={row['seed']}": row[
            "error"
        ]
        for row in failed.to_dict("records")
    }


def settings(results: pd.DataFrame, folder: Any) -> dict[str, Any]:
    """Return the settings that were kept."""
    seeds = {"seeds": ", ".join(map(str, dict.fromkeys(results["seed"])))}
    path = None if folder is None else Path(folder) / "settings.json"
    if path is None or not path.is_file():
        return seeds
    kept = json.loads(path.read_text(encoding="utf-8"))
    return seeds | {name: value for name, value in kept.items() if value not in (None, {}, [])}
