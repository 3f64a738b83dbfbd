"""How much all synthetic rows together should count: fixed factors and what the checker says.

One class is oversampled until it is as large as the largest, and the pipeline has nothing set:
``make_pipeline(LLMOverSampler(), SyntheticWeighter(), ...)``. The rows are

- those of the embedded language model: SMS with 20 and 50 spam beside 300 ham, and tweets, 20
  hateful beside 300 offensive and 150 neither;
- those of GPT-3.5, GPT-4(o), Llama-2 and Llama-3 in nine pairs (``_pairs.py``), of which one class
  keeps 20 real rows and the others at most 150;
- real rows that pose as synthetic ones: what a perfect generator would write, for the sets of
  ``small_generator.py``.

Run it again to resume, or without --data to print the tables of what is there::

    python benchmarks/synthetic_weight.py --data DATA
    python benchmarks/synthetic_weight.py

Seeds 0 and 1 were used to choose the rule. About forty minutes on two cores, most of them for the
rows of the embedded model.
"""

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _pairs import PAIRS, Texts, load_pair
from _results import append, known
from _scoreboard_page import half_over_sets
from prompt_strategies import balance, draw, interval
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, log_loss
from small_generator import ASKING, SETS, split
from tqdm.auto import tqdm

from sklw import LLMOverSampler, SyntheticWeighter, TextEmbedder

RESULTS = Path(__file__).parent / "results" / "synthetic_weight.csv"
KEY = ["source", "set", "seed"]
WRITTEN, FEW, MANY = ("sms-20", "sms-50", "hate-20"), 20, 150
SOURCES = {
    "embedded": WRITTEN,
    "strong": tuple(name for name in PAIRS if not name.startswith("emotions")),
    "real rows": tuple(SETS),
}
REAL, CLASS_WEIGHTS = "real rows alone", "class weights"
DEFAULT = "quality, the default"
WEIGHTERS: dict[str, dict[str, Any]] = {
    "concatenation": {"method": "uniform"},
    **{f"quality, {share:g}": {"synthetic_weight": share} for share in (1.0, 0.3, 0.1)},
    DEFAULT: {},
}


def training_set(source: str, name: str, seed: int, data: Path) -> tuple[Any, ...]:
    """Return the texts and labels to train on, which are synthetic, their parents, the test set."""
    if source == "strong":
        pair = load_pair(name, data, seed)
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(pair.small))
        labels = pair.small.labels[order]
        classes = np.unique(labels)
        rare = classes[seed % len(classes)]
        ranks = pd.Series(labels).groupby(labels).cumcount().to_numpy()
        real = pair.small[order[ranks < np.where(labels == rare, FEW, MANY)]]
        pool = pair.synthetic[rng.permutation(np.flatnonzero(pair.synthetic.labels == rare))]
        return *joined(real, pool), pair.test
    pool, test, large = split(name.split("-")[0], data)
    real = draw(pool, SETS[name], seed)
    rare = next(iter(SETS[name]))
    if source == "real rows":
        order = np.random.default_rng(seed).permutation(np.flatnonzero(large.labels == rare))
        return *joined(real, large[order]), test
    sampler = LLMOverSampler(
        sampling_strategy="minority",
        max_attempts=10,
        cache=RESULTS.with_suffix("") / "answers",
        random_state=seed,
        **ASKING[name.split("-")[0]],
    )
    X, y = sampler.fit_resample(real.texts, real.labels)
    return X, np.asarray(y), sampler.synthetic_mask_, sampler.parent_indices_, test


def joined(real: Texts, pool: Texts) -> tuple[Any, Any, Any, Any]:
    """Add rows of one class until it is as large as the largest; no parents are known."""
    counts = pd.Series(real.labels).value_counts()
    added = pool[: counts.max() - counts[pool.labels[0]]]
    X = np.append(real.texts, added.texts)
    made = np.arange(len(X)) >= len(real)
    return X, np.append(real.labels, added.labels), made, None


def run(source: str, name: str, seed: int, data: Path) -> Iterator[dict[str, Any]]:
    """Yield the scores of each arm."""
    X, y, made, parents, test = training_set(source, name, seed, data)
    y, truth = y.astype(str), test.labels.astype(str)
    embedder, bags = TextEmbedder(), TfidfVectorizer(sublinear_tf=True).fit(X)
    features = {
        "embedding": (embedder.fit_transform(X), embedder.transform(test.texts)),
        "tfidf": (bags.transform(X), bags.transform(test.texts)),
    }

    def scored(arm: str, rows: np.ndarray, weights: np.ndarray, share: float) -> dict[str, Any]:
        found = {"source": source, "set": name, "seed": seed, "arm": arm, "share": share}
        for kind, (train, tested) in features.items():
            model = LogisticRegression(C=10.0, max_iter=2000).fit(train[rows], y[rows], weights)
            chances = model.predict_proba(tested)
            predicted = model.classes_[chances.argmax(axis=1)]
            found[f"f1_{kind}"] = f1_score(truth, predicted, average="macro")
            found[f"loss_{kind}"] = log_loss(truth, chances, labels=model.classes_)
        return found

    real = np.flatnonzero(~made)
    yield scored(REAL, real, np.ones(len(real)), np.nan)
    yield scored(CLASS_WEIGHTS, real, balance(y[real]), np.nan)
    for arm, settings in WEIGHTERS.items():
        weighter = SyntheticWeighter(random_state=0, **settings).fit(X, y, made, parents)
        weights, share = weighter.sample_weight_, weighter.synthetic_weight_
        yield scored(arm, np.arange(len(y)), weights, share)


def tables() -> None:
    """Print a table for each source; brackets are intervals of the difference to class weights.

    They are over the real sets, or over the runs where there are two sets.
    """
    results = pd.read_csv(RESULTS)
    for source in SOURCES:
        part = results[results["source"] == source]
        if not len(part):
            continue
        n_cells = len(part.drop_duplicates(KEY))
        print(f"\n**{source}**, {n_cells} runs\n\n| arm | factor | embeddings | log-loss | TF-IDF "
              "| log-loss |\n|---|---:|---:|---:|---:|---:|")  # fmt: skip
        base = part[part["arm"] == CLASS_WEIGHTS].set_index(KEY)
        for arm in part["arm"].unique():
            own = part[part["arm"] == arm].set_index(KEY)
            cells = [arm, "" if own["share"].isna().all() else f"{own['share'].mean():.2f}"]
            for kind in ("embedding", "tfidf"):
                f1, gaps = own[f"f1_{kind}"], 100 * (own[f"f1_{kind}"] - base[f"f1_{kind}"])
                half, n_sets = half_over_sets(gaps.droplevel(["source", "seed"]))
                mean = gaps.mean()
                reach = f" [{mean - half:+.1f}, {mean + half:+.1f}]"
                reach = interval(gaps) if n_sets < 3 else reach
                change = "" if arm == CLASS_WEIGHTS else f", {mean:+.1f}{reach}"
                cells += [f"{100 * f1.mean():.1f}{change}", f"{own[f'loss_{kind}'].mean():.3f}"]
            print(f"| {' | '.join(cells)} |")
        shares = part[part["arm"] == DEFAULT].groupby("set")["share"].agg(["min", "max"])
        found = [f"{name} {low:.2f} to {high:.2f}" for name, low, high in shares.itertuples()]
        print(f"\nFactors of the default: {', '.join(found)}.")


def main() -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of the copies; none prints the tables")
    parser.add_argument("--sources", nargs="+", choices=list(SOURCES), default=list(SOURCES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[10, 11, 12])
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    if not arguments.data:
        tables()
        return
    cells = [(s, name, seed) for s in arguments.sources for seed in arguments.seeds
             for name in SOURCES[s]]  # fmt: skip
    for cell in tqdm(cells):
        if cell not in known(RESULTS, KEY):
            append(RESULTS, *run(*cell, arguments.data))


if __name__ == "__main__":
    main()
