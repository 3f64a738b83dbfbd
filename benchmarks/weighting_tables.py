"""Tables and pictures of what ``weighting.py`` has measured so far.

Writes the part of ``docs/weighting_benchmark.md`` between its markers, and the pictures beside it::

    python benchmarks/weighting_tables.py

Or compares any two rows of a table, over the seeds that both have, pair by pair::

    python benchmarks/weighting_tables.py --compare both quality-bert both quality-squared
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from _pairs import PAIRS
from matplotlib.figure import Figure
from scipy.stats import rankdata, t
from weighting import METHODS, RESULTS, SOURCES

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "weighting_benchmark.md"
BASES = {"concatenation": ("both", "uniform"), "real only": ("real", "uniform")}


def scores(results: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return a row for each source and method, a column for each pair and seed."""
    return results.pivot_table(metric, ["source", "method"], ["pair", "seed"])


def differences(table: pd.DataFrame, base: tuple[str, str]) -> pd.DataFrame:
    """Compare every row with one, seed by seed: mean over pairs, and a 95 % interval.

    The pairs are what they are; the interval is Student's over the seeds.
    """
    if base not in table.index:
        return pd.DataFrame(np.nan, index=table.index, columns=["mean", "half", "seeds"])
    by_seed = (table - table.loc[base]).T.groupby("seed").mean().T
    count = by_seed.notna().sum(axis=1)
    half = t.ppf(0.975, (count - 1).clip(lower=1)) * by_seed.std(axis=1) / np.sqrt(count)
    return pd.DataFrame({"mean": by_seed.mean(axis=1), "half": half, "seeds": count})


def pairs_of_all(results: pd.DataFrame) -> list[str]:
    """Return the pairs on which every method has been run that has been run on any."""
    part = results[results["source"].isin(["real", "synthetic", "both"])]
    by_pair = part.pivot_table("macro_f1", ["source", "method"], "pair", aggfunc="size")
    return by_pair.columns[by_pair.notna().all()].tolist()


def whole_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """Blank the seeds of a row that lack pairs, so that all means are over the same pairs.

    The large real set exists for some pairs only.
    """
    pairs, seeds = (table.columns.unique(level) for level in ("pair", "seed"))
    table = table.reindex(
        columns=pd.MultiIndex.from_product([pairs, seeds], names=["pair", "seed"])
    )
    partial = table.index.get_level_values("source").isin(["large", "noisy20", "noisy40"])
    missing = table.isna().T.groupby("seed").any().T
    for seed in missing.columns:
        table.loc[missing[seed] & ~partial, table.columns.get_level_values("seed") == seed] = np.nan
    return table.loc[:, table[~partial].notna().any()]


def markdown(results: pd.DataFrame) -> str:
    """Write the table of one classifier."""
    table = whole_seeds(scores(results, "macro_f1")) * 100
    kept = table.columns
    seconds = results.pivot_table("weighter_seconds", ["source", "method"])
    others = {
        metric: scores(results, metric).reindex(columns=kept).where(table.notna())
        for metric in ("accuracy", "log_loss", "ece")
    }
    against = {name: differences(table, base) for name, base in BASES.items()}
    ranked = table[table.index.get_level_values("source").isin(["real", "synthetic", "both"])]
    ranked = ranked.loc[:, ranked.notna().all()]
    ranks = pd.DataFrame(rankdata(-ranked, axis=0), ranked.index, ranked.columns).mean(axis=1)
    pairs = [name for name in PAIRS if name in kept.get_level_values("pair")]
    head = [
        "trained on", "method", "seeds", *pairs, "mean", "to concatenation", "to real only", "rank",
        "accuracy", "log-loss", "ECE", "seconds",
    ]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for key in sorted(table.dropna(how="all").index, key=order):
        by_pair = table.loc[key].groupby("pair").mean()
        used = table.loc[key].dropna().index.get_level_values("seed")
        cells = [
            key[0],
            key[1],
            str(used.nunique()),
            *(number(by_pair.get(pair, np.nan), 1) for pair in pairs),
        ]
        cells.append(number(by_pair.mean(), 1) if by_pair[pairs].notna().all() else "")
        cells += [interval(part.loc[key]) for part in against.values()]
        cells.append(number(ranks.get(key, np.nan), 1))
        cells.append(number(others["accuracy"].loc[key].mean() * 100, 1))
        cells += [number(others[m].loc[key].mean(), 3) for m in ("log_loss", "ece")]
        cells.append(number(seconds["weighter_seconds"].get(key, np.nan), 1))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def prompted(results: pd.DataFrame) -> str:
    """Write the table of the language model that classifies by itself."""
    lines = ["| pair | seeds | accuracy | macro-F1 | log-loss |", "|---|---:|---:|---:|---:|"]
    for pair, rows in results.groupby("pair", sort=False):
        scored = [rows["accuracy"].mean() * 100, rows["macro_f1"].mean() * 100]
        cells = [str(pair), str(rows["seed"].nunique()), *(number(score, 1) for score in scored)]
        lines.append(f"| {' | '.join(cells)} | {number(rows['log_loss'].mean(), 2)} |")
    return "\n".join(lines)


def order(key: tuple[str, str]) -> tuple[int, int]:
    """Sort as the benchmark lists them."""
    return SOURCES.index(key[0]), list(METHODS).index(key[1])


def number(value: float, digits: int) -> str:
    """Write a number, or nothing."""
    return "" if np.isnan(value) else f"{value:.{digits}f}"


def interval(row: pd.Series) -> str:
    """Write a difference with its interval, if there are seeds for one."""
    if np.isnan(row["mean"]):
        return ""
    if row["seeds"] < 2:
        return f"{row['mean']:+.1f}"
    low, high = row["mean"] - row["half"], row["mean"] + row["half"]
    return f"{row['mean']:+.1f} [{low:+.1f}, {high:+.1f}]"


def picture(results: pd.DataFrame, path: Path) -> None:
    """Draw the differences to plain concatenation with their intervals."""
    table = whole_seeds(scores(results, "macro_f1")) * 100
    table = table[table.index.get_level_values("source").isin(["real", "synthetic", "both"])]
    table = table.dropna(how="all")
    found = differences(table, BASES["concatenation"]).sort_values("mean")
    figure = Figure(figsize=(8, 0.26 * len(found) + 1), dpi=110, layout="constrained")
    ax = figure.subplots()
    colours = {"real": "tab:gray", "synthetic": "tab:orange", "both": "tab:blue"}
    for place, ((source, _), row) in enumerate(found.iterrows()):
        half = 0 if row["seeds"] < 2 else row["half"]
        ax.errorbar(row["mean"], place, xerr=half, fmt="o", color=colours[source], capsize=2)
    ax.set_yticks(range(len(found)), [f"{source}: {method}" for source, method in found.index])
    ax.axvline(0, color="black", linewidth=0.8)
    if BASES["real only"] in found.index:
        ax.axvline(found["mean"][BASES["real only"]], color="tab:gray", linestyle=":")
    ax.set(
        xlabel="macro-F1, points over plain concatenation; mean over pairs, 95 % over seeds",
        ylim=(-0.7, len(found) - 0.3),
    )
    figure.savefig(path)


def compare(results: pd.DataFrame, key: tuple[str, str], base: tuple[str, str]) -> None:
    """Print how much better one row is than another: overall, and by pair."""
    table = (scores(results, "macro_f1") * 100).loc[[key, base]]
    whole = whole_seeds(table).dropna(axis="columns")
    control = whole.columns.get_level_values("pair").str.startswith("agnews")
    parts = {"all pairs": whole, "without agnews": whole.loc[:, ~control]}
    parts |= {pair: table[[pair]].dropna(axis="columns") for pair in PAIRS if pair in table}
    for name, part in parts.items():
        print(f"{name:20} {interval(differences(part, base).loc[key])}")


def folded(title: str, table: str) -> str:
    """Hide a table below its title."""
    return f"<details><summary>{title}</summary>\n\n{table}\n\n</details>"


def main() -> None:
    """Write everything."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--compare", nargs=4, metavar=("SOURCE", "METHOD", "SOURCE", "METHOD"))
    parser.add_argument("--classifier", choices=["bert", "embedding"], default="bert")
    arguments = parser.parse_args()
    results = pd.read_csv(RESULTS)
    if arguments.compare:
        of_classifier = results[results["classifier"] == arguments.classifier]
        compare(of_classifier, tuple(arguments.compare[:2]), tuple(arguments.compare[2:]))
        return
    parts = []
    for classifier, title in (("embedding", "Frozen embeddings"), ("bert", "Fine-tuned BERT")):
        part = results[results["classifier"] == classifier]
        if not len(part):
            continue
        name = f"weighting_{classifier}.png"
        (DOCS / "images").mkdir(exist_ok=True)
        picture(part, DOCS / "images" / name)
        parts.append(folded(f"{title}, every pair", markdown(part)))
        of_all = part[part["pair"].isin(pairs_of_all(part))]
        if 0 < of_all["pair"].nunique() < part["pair"].nunique():
            title += ", every method, on the pairs that all have"
            parts.append(folded(title, markdown(of_all)))
    part = results[results["classifier"] == "prompted"]
    parts.append(folded("The language model itself, shown five texts", prompted(part)))
    before, rest = PAGE.read_text(encoding="utf-8").split("<!-- tables -->")
    after = rest.split("<!-- end of tables -->")[1]
    inner = "\n\n".join(parts)
    PAGE.write_text(
        f"{before}<!-- tables -->\n\n{inner}\n\n<!-- end of tables -->{after}", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
