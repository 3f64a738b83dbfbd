"""Draw the pictures of the benchmarks from ``benchmarks/results``: ``python docs/pictures.py``."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import t

HERE = Path(__file__).parent
RESULTS = HERE.parent / "benchmarks" / "results"
METHODS = {
    "threshold": "threshold tuning",
    "smote": "SMOTE",
    "llm": "LLM rows, unweighted",
    "llm_quality": "LLM rows + quality",
    "llm_vote": "LLM rows + quality, voting",
}
CLASSIFIERS = {"embedding": "embeddings", "tfidf": "TF-IDF", "bert": "BERT"}
BLUE, RED, GREY = "#1f5fa8", "#c2571a", "#808080"


def intervals(table: pd.DataFrame, base: str) -> pd.DataFrame:
    """Return the mean paired difference of each method to a base, and its 95 % half-width."""
    differences = table.sub(table[base], axis=0).drop(columns=base)
    n_seeds = differences.notna().sum()
    half = t.ppf(0.975, n_seeds - 1) * differences.std() / np.sqrt(n_seeds)
    return pd.DataFrame({"mean": differences.mean(), "half": half}).dropna()


def draw(ax, found: pd.DataFrame, names: dict[str, str], highlighted: set[str]) -> None:
    """Draw one interval for each method, the first at the top."""
    order = [name for name in names if name in found.index]
    for row, name in enumerate(reversed(order)):
        mean, half = found.loc[name, ["mean", "half"]]
        color = BLUE if name in highlighted else RED if name == "llm" else GREY
        ax.errorbar(mean, row, xerr=half, fmt="o", color=color, capsize=3)
    ax.set_yticks(range(len(order)), [names[name] for name in reversed(order)])
    ax.axvline(0, color="black", linewidth=0.8)
    ax.grid(axis="x", alpha=0.3)


def sms_spam() -> Figure:
    """Draw macro-F1 on SMS spam against class weights."""
    results = pd.read_csv(RESULTS / "sms_spam.csv")
    figure = Figure(figsize=(11, 6.2), layout="constrained", dpi=110)
    axes = figure.subplots(3, 3, sharex="col", sharey=True)
    for row, size in zip(axes, (20, 50, 100), strict=True):
        for ax, classifier in zip(row, CLASSIFIERS, strict=True):
            part = results.query("classifier == @classifier and minority_size == @size")
            found = intervals(100 * part.pivot_table("macro_f1", "seed", "method"), "class_weight")
            # Not every method ran on TF-IDF and BERT, and the axes share their labels.
            draw(ax, found.reindex(list(METHODS)), METHODS, {"llm_vote"})
            ax.set_title(f"{size} spam, {CLASSIFIERS[classifier]}", fontsize=11)
    figure.supxlabel("points of macro-F1 against class weights, with 95 % intervals")
    return figure


def tables() -> Figure:
    """Draw the loss on the tables of Nakada et al. against SMOTE."""
    results = pd.read_csv(RESULTS / "nakada_fair.csv")
    names = {
        "class_weight": "class weights",
        "class_weight, calibrated": "class weights, calibrated",
        "ros": "random oversampling",
        "adasyn": "ADASYN",
        "columns apart": "columns drawn apart",
        "llm": "LLM rows",
        "llm+": "LLM rows + augmentation",
        "llm+imp": "LLM rows + IMP",
    }
    figure = Figure(figsize=(11, 5.2), layout="constrained", dpi=110)
    axes = figure.subplots(2, 3, sharey=True)
    for row, dataset in zip(axes, ("craft", "adult"), strict=True):
        for ax, classifier in zip(row, ("rf", "xgb", "log"), strict=True):
            part = results.query("dataset == @dataset and classifier == @classifier")
            table = part.pivot_table("balanced_cross_entropy", "seed", "method")
            found = intervals(table, "smote")
            draw(ax, found, names, {"llm", "llm+", "llm+imp"})
            title = {"rf": "random forest", "xgb": "XGBoost", "log": "logistic regression"}
            ax.set_title(f"{dataset.title()}, {title[classifier]}", fontsize=11)
    figure.supxlabel("balanced cross-entropy against SMOTE (lower is better), with 95 % intervals")
    return figure


def prompts() -> Figure:
    """Draw the share of texts whose class a judge agrees with, for each prompt."""
    results = pd.read_csv(RESULTS / "prompt_strategies.csv")
    table = results.pivot_table("fidelity", "variant", "dataset")
    figure = Figure(figsize=(10, 4.4), layout="constrained", dpi=110)
    for ax, dataset in zip(figure.subplots(1, 2, sharey=True), table, strict=True):
        shares = table[dataset].dropna()[::-1]
        colors = [BLUE if "verified" in name else GREY for name in shares.index]
        ax.barh(shares.index, shares, color=colors)
        ax.axvline(shares["real"], color="black", linewidth=0.8)
        ax.set_title({"sms": "SMS spam"}.get(dataset, "sentiment of tweets"), fontsize=11)
        ax.set_xlim(0, 1)
    figure.supxlabel("share of texts whose class a judge agrees with")
    return figure


if __name__ == "__main__":
    for picture in (sms_spam, tables, prompts):
        picture().savefig(HERE / "images" / f"{picture.__name__}.png")
