"""Means over seeds, and paired differences to a baseline with their intervals."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import sem, t

from sklw.comparison._methods import check_names
from sklw.comparison._metrics import METRICS

__all__ = ["TITLES", "format_table", "summarize", "with_errors"]

_GROUP = ["classifier", "minority_size", "method"]
_COSTS = ["fit_seconds", "generation_seconds", "tokens", "synthetic_rows"]
TITLES = {
    "macro_f1": "macro-F1",
    "balanced_accuracy": "bal. acc.",
    "minority_f1": "minority F1",
    "auprc": "AUPRC",
    "log_loss": "log-loss",
    "brier": "Brier",
    "accuracy": "accuracy",
}


def summarize(
    results: pd.DataFrame,
    *,
    baseline: str = "class_weight",
    metrics: Sequence[str] = METRICS,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Average results over seeds and compare each method with a baseline, seed by seed.

    Parameters
    ----------
    results : DataFrame
        What :func:`compare` returns.
    baseline : str, default="class_weight"
        The method to compare with, for each classifier and minority size.
    metrics : sequence of str, default=METRICS
        The metrics to summarize.
    confidence : float, default=0.95
        Level of the intervals.

    Returns
    -------
    summary : DataFrame
        Indexed by classifier, minority size and method. For each metric its mean, and as
        ``<metric>_difference``, ``<metric>_low`` and ``<metric>_high`` the mean of the differences
        to the baseline on the same seed with the interval of Student's t; NaN without a baseline,
        the interval also with fewer than two seeds in common. ``seeds`` and ``failed`` count
        trials; the costs are means.

    Raises
    ------
    ValueError
        If `confidence` is not between 0 and 1, a metric is unknown, or a trial occurs twice.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklw.comparison import summarize
    >>> results = pd.DataFrame({
    ...     "classifier": "tfidf", "minority_size": 20, "error": "",
    ...     "method": ["class_weight", "llm"] * 3, "seed": [0, 0, 1, 1, 2, 2],
    ...     "macro_f1": [0.70, 0.75, 0.72, 0.75, 0.74, 0.78]})
    >>> summarize(results, metrics=["macro_f1"]).loc[("tfidf", 20, "llm")].round(3).to_dict()
    {'macro_f1': 0.76, 'macro_f1_difference': 0.04, 'macro_f1_low': 0.015,
     'macro_f1_high': 0.065, 'seeds': 3.0, 'failed': 0.0}
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}.")
    check_names(metrics, list(results.columns), "metric")
    results = with_errors(results)
    twice = results[results.duplicated([*_GROUP, "seed"])]
    if len(twice):
        first = ", ".join(f"{name} {twice[name].iloc[0]}" for name in [*_GROUP, "seed"])
        raise ValueError(
            f"{len(twice)} trials occur more than once, such as {first}. Counted as new seeds, "
            "they would make the intervals too narrow: keep one of each (drop_duplicates), or "
            "rename the method if another setting was tried."
        )
    rows: dict[Any, dict[str, float]] = {}
    for (classifier, size), group in results.groupby(["classifier", "minority_size"], sort=False):
        succeeded = group[group["error"] == ""].set_index("seed")
        reference = succeeded[succeeded["method"] == baseline]
        for method, trials in group.groupby("method", sort=False):
            good = succeeded[succeeded["method"] == method]
            row: dict[str, float] = {}
            for metric in metrics:
                row[metric] = good[metric].mean()
                difference = (good[metric] - reference[metric]).dropna().to_numpy(dtype=float)
                row |= _interval(metric, difference, confidence)
            row |= {cost: good[cost].mean() for cost in _COSTS if cost in good}
            rows[classifier, size, method] = row | {
                "seeds": len(good),
                "failed": len(trials) - len(good),
            }
    summary = pd.DataFrame.from_dict(rows, orient="index")
    summary.index = pd.MultiIndex.from_tuples(summary.index, names=_GROUP)
    return summary


def with_errors(results: pd.DataFrame) -> pd.DataFrame:
    """Return results with "" where a trial has not failed, which pandas reads as missing."""
    return results.assign(error=results["error"].astype(object).fillna(""))


def _interval(metric: str, differences: np.ndarray, confidence: float) -> dict[str, float]:
    n = len(differences)
    mean = float(differences.mean()) if n else np.nan
    half = np.nan
    if n > 1:
        half = float(t.ppf((1 + confidence) / 2, n - 1) * sem(differences))
    return {
        f"{metric}_difference": mean,
        f"{metric}_low": mean - half,
        f"{metric}_high": mean + half,
    }


def format_table(
    summary: pd.DataFrame,
    *,
    baseline: str = "class_weight",
    metric: str = "macro_f1",
    style: str = "text",
) -> str:
    """Format a summary as a table.

    Parameters
    ----------
    summary : DataFrame
        What :func:`summarize` returns.
    baseline : str, default="class_weight"
        The baseline it was made with, for the heading.
    metric : str, default="macro_f1"
        The metric whose difference to the baseline is shown.
    style : {"text", "markdown"}, default="text"
        For a terminal, or as Markdown.

    Returns
    -------
    table : str
        One table for each classifier and minority size.

    Raises
    ------
    ValueError
        If `style` or `metric` is unknown.
    """
    if style not in {"text", "markdown"}:
        raise ValueError(f'style must be "text" or "markdown", got {style!r}.')
    metrics = [name for name in TITLES if name in summary]
    check_names([metric], metrics, "metric")
    metrics = [metric, *(name for name in metrics if name != metric)]
    header = ["method", TITLES[metric], f"vs {baseline}"]
    header += [TITLES[name] for name in metrics[1:]] + ["fit s", "gen. s", "tokens"]
    blocks = []
    for (classifier, size), group in summary.groupby(level=[0, 1], sort=False):
        n_seeds = int(group["seeds"].max())
        seeds = "1 seed" if n_seeds == 1 else f"{n_seeds} seeds"
        title = f"{classifier}, {size} row{'' if size == 1 else 's'} of the rarest class, {seeds}"
        methods = group.index.get_level_values(2)
        body = [
            _cells(str(method), row, metrics)
            for method, (_, row) in zip(methods, group.iterrows(), strict=True)
        ]
        lines = _markdown(header, body) if style == "markdown" else _text(header, body)
        prefix = "### " if style == "markdown" else ""
        gap = [""] if style == "markdown" else []
        blocks.append("\n".join([prefix + title, *gap, *lines]))
    return "\n\n".join(blocks)


def _cells(method: str, row: Any, metrics: Sequence[str]) -> list[str]:
    if row["failed"]:
        method += f" ({int(row['failed'])} failed)"
    first, *others = metrics
    difference, low, high = (row[f"{first}_{part}"] for part in ("difference", "low", "high"))
    versus = "" if np.isnan(difference) else f"{difference:+.3f}"
    if versus and not np.isnan(low) and high > low:
        versus += f" [{low:+.3f}, {high:+.3f}]"
    values = [_number(row[name], 3) for name in others]
    costs = [
        _number(row.get("fit_seconds", np.nan), 1),
        _number(row.get("generation_seconds", np.nan), 1),
        _number(row.get("tokens", np.nan), 0),
    ]
    return [method, _number(row[first], 3), versus, *values, *costs]


def _number(value: float, digits: int) -> str:
    return "" if np.isnan(value) else f"{value:,.{digits}f}"


def _markdown(header: list[str], body: list[list[str]]) -> list[str]:
    rule = ["---", *["---:"] * (len(header) - 1)]
    return ["| " + " | ".join(cells) + " |" for cells in (header, rule, *body)]


def _text(header: list[str], body: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(header, *body, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        for cells in (header, *body)
    ]
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]
