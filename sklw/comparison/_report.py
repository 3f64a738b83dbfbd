"""A page on what a comparison has shown."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from sklw._html import in_frame, render, write_page
from sklw.comparison._metrics import METRICS
from sklw.comparison._report_parts import Block, examples, failures, methods, settings, where
from sklw.comparison._table import TITLES, summarize, with_errors
from sklw.comparison._verdict import SINGLE_SEED, Verdict, named

__all__ = ["ComparisonReport"]


class ComparisonReport:
    """What won a comparison, by how much, and at what cost.

    Build it with :meth:`from_results`. Notebooks show it as a page.

    Attributes
    ----------
    summary : DataFrame
        What :func:`summarize` returns.
    verdict : str
        What the comparison has shown, in a few sentences.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklw.comparison import ComparisonReport
    >>> results = pd.DataFrame({
    ...     "classifier": "tfidf", "minority_size": 20, "error": "", "fit_seconds": 0.1,
    ...     "method": ["class_weight", "llm"] * 3, "seed": [0, 0, 1, 1, 2, 2],
    ...     "tokens": [0, 900] * 3, "synthetic_rows": [0, 8] * 3,
    ...     "macro_f1": [0.70, 0.75, 0.72, 0.75, 0.74, 0.78]})
    >>> print(ComparisonReport.from_results(results).verdict)
    llm beats class weights here: macro-F1 +0.040 [+0.015, +0.065].
    Its macro-F1 over 3 seeds is 0.760, against 0.720 with class weights.
    llm takes 0.10 s for each training set, with 8 generated rows and 900 tokens; class weights
    take 0.10 s.
    """

    def __init__(
        self,
        results: pd.DataFrame,
        summary: pd.DataFrame,
        verdicts: Mapping[Any, Verdict],
        metric: str,
        baseline: str,
        folder: Any,
    ) -> None:
        self.summary = summary
        self._results = results
        self._verdicts = verdicts
        self._metric = metric
        self._baseline = baseline
        self._folder = folder

    @classmethod
    def from_results(
        cls,
        results: pd.DataFrame,
        *,
        baseline: str | None = None,
        metric: str = "macro_f1",
        output: Any = None,
    ) -> "ComparisonReport":
        """Report on results.

        Parameters
        ----------
        results : DataFrame
            What :func:`compare` or :func:`read_results` returns.
        baseline : str, default=None
            The method to compare with; None takes ``"class_weight"`` or, without it, the first.
        metric : str, default="macro_f1"
            The metric that decides.
        output : path, default=None
            The folder of the comparison; adds its settings and generated rows to the page.

        Returns
        -------
        report : ComparisonReport
            The report.

        Raises
        ------
        ValueError
            If the results have no rows, or do not have the baseline or the metric.
        """
        results = with_errors(results)
        names = list(dict.fromkeys(results["method"]))
        if not names:
            raise ValueError(
                "The results have no rows, so there is nothing to report. Run compare."
            )
        if baseline is None:
            baseline = "class_weight" if "class_weight" in names else names[0]
        metrics = [name for name in METRICS if name in results]
        for what, value, known in (("baseline", baseline, names), ("metric", metric, metrics)):
            if value not in known:
                raise ValueError(f"The results have no {what} {value!r}. Choose from {known}.")
        summary = summarize(results, baseline=baseline, metrics=metrics)
        paired = _with_baseline(results, baseline)
        # Bonferroni: the best is picked from all others.
        confidence = 1 - 0.05 / max(len(names) - 1, 1)
        plain, strict = (
            _by_case(summarize(paired, baseline=baseline, metrics=[metric], confidence=level))
            for level in (0.95, confidence)
        )
        verdicts = {
            key: Verdict(
                plain.get(key, group.head(0)),
                strict.get(key, group.head(0)),
                {m: (int(n), int(n + k)) for m, n, k in group[["failed", "seeds"]].itertuples()},
                metric,
                baseline,
            )
            for key, group in _by_case(summary).items()
        }
        return cls(results, summary, verdicts, metric, baseline, output)

    @property
    def verdict(self) -> str:
        """What the comparison has shown, in a few sentences."""
        lines = []
        for key, verdict in self._verdicts.items():
            lines += [f"{where(*key)}:"] if len(self._verdicts) > 1 else []
            lines += [verdict.headline, *verdict.sentences()]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"ComparisonReport({self._headline()!r})"

    def to_html(self, path: Any = None, *, n_rows: int = 50, command: str | None = None) -> str:
        """Make a page of it.

        The page says first what won, by how much and at what cost, then shows the differences to
        the baseline with their intervals, and generated rows with their weights.

        Parameters
        ----------
        path : str or path-like, default=None
            File to write the page to.
        n_rows : int, default=50
            How many of the highest and of the lowest weighted generated rows to show.
        command : str, default=None
            The command that makes the page again, to be shown on it.

        Returns
        -------
        page : str
            The page; it needs no other file.
        """
        first, *others = self._verdicts.values()
        cases = _by_case(self.summary)
        winners = {verdict.winner for verdict in self._verdicts.values()}
        shown, examples_title = examples(self._folder, winners, n_rows)
        page = render(
            "comparison",
            title="Comparison of methods",
            headline=self._headline(),
            sentences=[] if others else first.sentences(),
            metric_title=TITLES[self._metric],
            baseline=named(self._baseline),
            blocks=[
                Block(key, cases[key], self._metric, self._baseline).drawn()
                | {"sentences": [verdict.headline, *verdict.sentences()] if others else []}
                for key, verdict in self._verdicts.items()
            ],
            examples=shown,
            examples_title=examples_title,
            content_title="Row" if shown and shown[0].cells else "Text",
            methods=methods(self._results),
            failures=failures(self._results),
            settings=settings(self._results, self._folder),
            command=command,
        )
        if path is not None:
            write_page(path, page)
        return page

    def _repr_html_(self) -> str:
        return in_frame(self.to_html(n_rows=10))

    def _headline(self) -> str:
        first, *others = self._verdicts.values()
        if not others:
            return first.headline
        baseline, n_cases = named(self._baseline), len(self._verdicts)
        holds = sum(verdict.holds for verdict in self._verdicts.values())
        won = sum(bool(verdict.winner) for verdict in self._verdicts.values())
        if not won:
            return self._no_winner()
        beats, n = ("beats", holds) if holds else ("may beat", won)
        return f"Something {beats} {baseline} in {n} of {n_cases} cases."

    def _no_winner(self) -> str:
        baseline, n_cases = named(self._baseline), len(self._verdicts)
        judged = sum(verdict.is_judged for verdict in self._verdicts.values())
        if judged:
            cases = f"{n_cases} cases"
            if judged < n_cases:
                cases = f"the {judged} of {n_cases} cases that have two seeds to compare"
            return f"Nothing beats {baseline} in any of {cases}."
        if any(verdict.best for verdict in self._verdicts.values()):
            return SINGLE_SEED
        return f"There is nothing to compare with {baseline}."


def _with_baseline(results: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """Keep the trials on seeds on which the baseline has succeeded."""
    succeeded = results[(results["method"] == baseline) & (results["error"] == "")]
    return results.merge(succeeded[["classifier", "minority_size", "seed"]].drop_duplicates())


def _by_case(summary: pd.DataFrame) -> dict[Any, pd.DataFrame]:
    """Take a summary apart by classifier and minority size; the parts are indexed by method."""
    groups = summary.groupby(level=["classifier", "minority_size"], sort=False)
    return {key: group.droplevel(["classifier", "minority_size"]) for key, group in groups}
