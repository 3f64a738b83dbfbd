"""Writes ``docs/scoreboard.md`` and its picture from what ``scoreboard.py`` has measured."""

from pathlib import Path

import numpy as np
import pandas as pd
from _pairs import PAIRS
from matplotlib.figure import Figure
from scipy.stats import t
from scoreboard import ARMS
from weighting_tables import differences, interval, number, whole_seeds

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "scoreboard.md"
MARKER = "<!-- tables -->"
TITLES = {"embedding": "Logistic regression on frozen embeddings", "bert": "Fine-tuned BERT"}
BASES = ("concatenation", "real only", "real only, as many steps")


def write(results: pd.DataFrame) -> None:
    """Write the part of the page below its marker, and a picture for each classifier."""
    sections = []
    for classifier, title in TITLES.items():
        part = results[results["classifier"] == classifier].drop_duplicates(
            ["pair", "arm", "seed"], keep="last"
        )
        if len(part):
            path = DOCS / "images" / f"scoreboard_{classifier}.png"
            picture(part, path)
            sections.append(
                f"## {title}\n\n![Points of macro-F1 over concatenation](images/{path.name})\n\n"
                f":::{{dropdown}} Table\n{table(part)}\n:::\n\n"
                f":::{{dropdown}} Pair by pair\n{table_of_pairs(part)}\n:::\n"
            )
    head = PAGE.read_text(encoding="utf-8").partition(MARKER)[0]
    PAGE.write_text(head + MARKER + "\n\n" + "\n".join(sections), encoding="utf-8")


def by_arm(results: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return a row for each arm, a column for each pair and seed that the arm has whole."""
    source = results["arm"].eq("large real set").map({True: "large", False: "both"})
    wide = results.assign(source=source).pivot_table(
        metric, ["source", "arm"], ["pair", "seed"], sort=False
    )
    return whole_seeds(wide).droplevel("source").dropna(how="all")


def table(results: pd.DataFrame) -> str:
    """Write the table of one classifier."""
    f1 = by_arm(results, "macro_f1") * 100
    others = {m: by_arm(results, m).reindex_like(f1) for m in ("log_loss", "ece")}
    against = {base: compared(f1, base) for base in BASES if base in f1.index}
    seconds = results.groupby("arm")["seconds"].median()
    pairs = [name for name in PAIRS if name in f1.columns.get_level_values("pair")]
    head = ["arm", "seeds", *pairs, "mean", *(f"to {base}" for base in against)]
    head += ["log-loss", "ECE", "seconds"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for arm in sorted(f1.index, key=order):
        means = f1.loc[arm].groupby("pair").mean()
        n_seeds = f1.loc[arm].dropna().index.get_level_values("seed").nunique()
        cells = [arm, str(n_seeds), *(number(means.get(pair, np.nan), 1) for pair in pairs)]
        cells.append(number(means.mean(), 1) if means[pairs].notna().all() else "")
        cells += [interval(part.loc[arm]) for part in against.values()]
        cells += [number(others[m].loc[arm].mean(), 3) for m in ("log_loss", "ece")]
        cells.append(number(seconds[arm], 1))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def table_of_pairs(results: pd.DataFrame) -> str:
    """Write the differences that some arms make on each pair."""
    f1 = by_arm(results, "macro_f1") * 100
    of_column = f1.columns.get_level_values("pair")
    columns = [(arm, base) for arm in ("sklw", "large real set") for base in BASES[:2]]
    lines = [
        "| pair | " + " | ".join(f"{arm} to {base}" for arm, base in columns) + " |",
        "|---" * (1 + len(columns)) + "|",
    ]
    for pair in (name for name in PAIRS if name in of_column):
        of_pair = f1.loc[:, of_column == pair]
        cells = [interval(differences(of_pair, base).loc[arm]) for arm, base in columns]
        lines.append("| " + " | ".join([pair, *cells]) + " |")
    return "\n".join(lines)


def compared(f1: pd.DataFrame, base: str) -> pd.DataFrame:
    """Compare with one arm; with one or two seeds the interval is over the pairs."""
    found = differences(f1, base)
    found.loc[base, "seeds"] = 1  # no interval
    gaps = (f1 - f1.loc[base]).T.groupby("pair").mean().T
    for arm in found.index[found["seeds"] < 3]:
        half, n_sets = half_over_sets(gaps.loc[arm].dropna())
        if n_sets > 1 and arm != base:
            found.loc[arm, ["half", "seeds"]] = half, n_sets
    return found


def half_over_sets(gaps: pd.Series) -> tuple[float, int]:
    """Return the half-width of the 95 % interval of a mean, and the number of sets of real rows.

    Pairs share real rows, so their sums of deviations by real set are what varies independently.
    """
    sums = (gaps - gaps.mean()).groupby(gaps.index.str.split("-").str[0]).sum()
    if (n_sets := len(sums)) < 2:
        return np.nan, n_sets
    error = np.sqrt(np.square(sums).sum() * n_sets / (n_sets - 1)) / len(gaps)
    return t.ppf(0.975, n_sets - 1) * error, n_sets


def order(arm: str) -> tuple[int, str]:
    """Sort as the benchmark lists them, votes after what they are votes of."""
    name, _, vote = arm.partition(" + ")
    return list(ARMS).index(name), vote


def picture(results: pd.DataFrame, path: Path) -> None:
    """Draw differences to concatenation with their intervals, and the log-loss beside them."""
    f1 = by_arm(results, "macro_f1") * 100
    found = compared(f1, "concatenation").drop(index="large real set", errors="ignore")
    found = found.sort_values("mean")
    losses = by_arm(results, "log_loss").mean(axis=1)[found.index]
    colors = ["tab:orange" if arm.startswith("sklw") else "tab:blue" for arm in found.index]
    places = np.arange(len(found))
    figure = Figure(figsize=(9, 0.32 * len(found) + 1.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(2, 1))
    half = found["half"].fillna(0.0)
    for place, (mean, reach, color) in enumerate(zip(found["mean"], half, colors, strict=True)):
        left.errorbar(mean, place, xerr=reach, fmt="o", color=color, capsize=2)
    left.axvline(0, color="grey", linewidth=0.8)
    left.set_yticks(places, found.index)
    left.set_xlabel("macro-F1, points over concatenation")
    right.barh(places, losses, color=colors)
    right.set_xlabel("log-loss")
    figure.savefig(path, dpi=110)
