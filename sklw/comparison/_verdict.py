"""What a comparison has shown, in sentences."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sklw.comparison._metrics import LOSSES
from sklw.comparison._table import TITLES

__all__ = ["SINGLE_SEED", "Verdict", "named", "signed"]

SINGLE_SEED = "A single seed cannot tell which method is better."

_NAMES = {
    "class_weight": "class weights",
    "calibrated": "calibrated class weights",
    "real": "the real rows alone",
}


def named(method: str) -> str:
    """Return how a method is called in a sentence."""
    return _NAMES.get(method, method)


def signed(row: Any, metric: str) -> str:
    """Return the difference to the baseline with its interval."""
    difference, low, high = (row[f"{metric}_{part}"] for part in ("difference", "low", "high"))
    if np.isnan(difference):
        return ""
    interval = "" if np.isnan(low) else f" [{low:+.3f}, {high:+.3f}]"
    return f"{difference:+.3f}{interval}"


class Verdict:
    """Which method does best for one classifier and training size.

    `summary` and `strict` are indexed by method and made from the seeds on which the baseline
    succeeded, so that all means are over the seeds of the difference; the intervals of `strict`
    are widened for the best method having been picked from all. `failed` has for each method its
    failed trials and all of them.
    """

    def __init__(
        self,
        summary: pd.DataFrame,
        strict: pd.DataFrame,
        failed: Mapping[str, tuple[int, int]],
        metric: str,
        baseline: str,
    ) -> None:
        self._summary, self._metric, self._baseline = summary, metric, baseline
        self._failed = failed
        self._title = TITLES[metric]
        self._sign = -1 if metric in LOSSES else 1
        others = summary.drop(index=baseline, errors="ignore")
        several = others[others["seeds"] > 1]
        #: Whether a method and the baseline have two seeds in common: one proves nothing.
        self.is_judged = len(several) > 0
        #: The method that beats the baseline, at least by its own interval; "" if none does.
        self.winner = self._best_of(others[self._beats(others)])
        #: What is compared with the baseline in sentences; "" if there is nothing.
        self.best = self.winner or self._best_of(several) or self._best_of(others)
        #: Whether the winner would also be one if the best had not been picked from several.
        self.holds = bool(self.winner and self._beats(strict).loc[self.winner])

    @property
    def headline(self) -> str:
        """The verdict, in one sentence."""
        baseline = named(self._baseline)
        if not self.best:
            if self._baseline in self._summary.index:
                return f"There is nothing to compare with {baseline}."
            why = "failed in every trial" if self._baseline in self._failed else "did not run"
            return f"There is nothing to compare with: {baseline} {why}."
        if self.winner:
            beats = _verb(self.best, "beats", "beat") if self.holds else "may beat"
            return f"{_capital(named(self.best))} {beats} {baseline} here: {self._gain(self.best)}."
        return f"Nothing beats {baseline} here." if self.is_judged else SINGLE_SEED

    def sentences(self) -> list[str]:
        """Return what is behind it, what it costs, and how sure it is."""
        if not self.best:
            return self._failures()
        return [
            self._values(),
            self._costs_of_both(),
            *self._doubts(),
            *self._of_language_models(),
            *self._failures(),
        ]

    @property
    def _n_seeds(self) -> int:
        return int(self._summary["seeds"][self.best])

    def _best_of(self, rows: pd.DataFrame) -> str:
        differences = (self._sign * rows[f"{self._metric}_difference"]).dropna()
        return "" if differences.empty else str(differences.idxmax())

    def _beats(self, summary: pd.DataFrame) -> pd.Series:
        least = "low" if self._sign > 0 else "high"
        return self._sign * summary[f"{self._metric}_{least}"] > 0

    def _gain(self, method: str) -> str:
        return f"{self._title} {signed(self._summary.loc[method], self._metric)}"

    def _values(self) -> str:
        row = self._summary.loc[self.best]
        own, difference = row[self._metric], row[f"{self._metric}_difference"]
        its = _verb(self.best, "its", "their")
        seeds = "with one seed" if self._n_seeds < 2 else f"over {self._n_seeds} seeds"
        values = (
            f"{self._title} {seeds} is {own:.3f}, against {own - difference:.3f} with "
            f"{named(self._baseline)}"
        )
        if self.winner:
            return f"{its.capitalize()} {values}."
        gain = self._gain(self.best).removeprefix(f"{self._title} ")
        start = f"The best of the others is {named(self.best)}: {its} {values} ({gain})"
        if self._n_seeds < 2:
            return f"{start}. Repeat the comparison with at least five seeds."
        return f"{start}, which may be chance." if self._sign * difference > 0 else f"{start}."

    def _costs(self, method: str) -> str:
        row = self._summary.loc[method]
        takes = _verb(method, "takes", "take")
        sentence = f"{_capital(named(method))} {takes} {_seconds(row)} for each training set"
        if row.get("synthetic_rows", 0) > 0:
            sentence += f", with {row['synthetic_rows']:,.0f} generated rows"
        if row.get("tokens", 0) > 0:
            sentence += f" and {row['tokens']:,.0f} tokens"
        return sentence

    def _costs_of_both(self) -> str:
        takes = _verb(self._baseline, "takes", "take")
        seconds = _seconds(self._summary.loc[self._baseline])
        return f"{self._costs(self.best)}; {named(self._baseline)} {takes} {seconds}."

    def _doubts(self) -> list[str]:
        n_others = len(self._summary) - 1
        if not self.winner or n_others < 2:
            return []
        start = f"It was picked as the best of {n_others} methods, which flatters it: an interval"
        if self.holds:
            return [f"{start} widened to allow for that still excludes zero."]
        return [
            f"{start} widened to allow for that includes zero. Repeat the comparison with more "
            "seeds before you rely on it."
        ]

    def _of_language_models(self) -> list[str]:
        if "synthetic_rows" not in self._summary:
            return []
        best = self._best_of(self._summary[self._summary["synthetic_rows"] > 0])
        if not best or best == self.best:
            return []
        gain = f"Of the methods with generated rows {best} does best: {self._gain(best)}."
        return [f"{gain} {self._costs(best)}."]

    def _failures(self) -> list[str]:
        parts = [f"{name} {n} of {n_all}" for name, (n, n_all) in self._failed.items() if n]
        return [f"Failed trials are left out: {', '.join(parts)}."] if parts else []


def _seconds(row: Any) -> str:
    seconds = np.nansum([row.get("fit_seconds", 0.0), row.get("generation_seconds", 0.0)])
    return f"{seconds:,.{2 if seconds < 1 else 1}f} s"


def _verb(method: str, one: str, many: str) -> str:
    """Choose the form that goes with the name of a method in a sentence."""
    return many if method in _NAMES else one


def _capital(text: str) -> str:
    """Start a sentence, unless with the name of a method."""
    return text[0].upper() + text[1:] if text in _NAMES.values() else text
