"""Few real rows of a class, and how common that class will be.

Of one class, or of every class, only a few real rows are kept, in nine pairs of real rows and rows
of GPT-3.5, GPT-4(o), Llama-2 and Llama-3 (``_pairs.py``). The synthetic rows are of all classes,
1,500 a pair, or, as in oversampling, of that one class until it is as large as the largest.
Logistic regression on sentence embeddings is tested twice on the same rows: weighted, so that each
class is as common as among the real rows, and as they are, where a class that has lost its real
rows is as common as ever. The last arms are variants of the default that were tried: the rule for
the weight of a class, the power of P'(y|x) in classes with fewer than 30 real rows.

Run it again to resume, or without --data to print the tables of what is there. Seeds 0 to 2 were
for trials; about ten minutes on two cores::

    python benchmarks/few_real_rows.py --data DATA
    python benchmarks/few_real_rows.py
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _pairs import PAIRS, Pair, load_pair
from _results import append, known
from _scoreboard_page import half_over_sets
from prompt_strategies import balance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, log_loss, roc_auc_score
from tqdm.auto import tqdm

from sklw import SyntheticWeighter, TextEmbedder

RESULTS = Path(__file__).parent / "results" / "few_real_rows.csv"
KEY = ["few", "pair", "kept", "seed"]
NAMES = [name for name in PAIRS if not name.startswith("emotions")]
OVERSAMPLED = "one class, oversampled"
FEW, KEPT, RARE, N_SYNTHETIC = (OVERSAMPLED, "one class", "every class"), (5, 10, 20, 50), 30, 1500
DEFAULT, CLASS_WEIGHTS = "default", "class weights"


def draw(pair: Pair, few: str, kept: int, seed: int) -> tuple[Any, Any, np.ndarray]:
    """Return texts, labels, and which are synthetic."""
    rng = np.random.default_rng(seed)
    small = pair.small[rng.permutation(len(pair.small))]
    synthetic = pair.synthetic[rng.permutation(len(pair.synthetic))]
    classes = np.unique(small.labels)
    rare = classes if few == "every class" else classes[seed % len(classes)]
    places = pd.Series(small.labels).groupby(small.labels).cumcount()
    small = small[~np.isin(small.labels, rare) | (places < kept)]
    n_added = N_SYNTHETIC
    if few == OVERSAMPLED:
        synthetic = synthetic[synthetic.labels == rare]
        n_added = pd.Series(small.labels).value_counts().max() - (small.labels == rare).sum()
    synthetic = synthetic[:n_added]
    made = np.arange(len(small) + len(synthetic)) >= len(small)
    labels = np.append(small.labels, synthetic.labels).astype(str)
    return np.append(small.texts, synthetic.texts), labels, made


def weights_by_arm(X: Any, y: np.ndarray, made: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Return the weights of each arm."""

    def fitted(**settings: Any) -> SyntheticWeighter:
        return SyntheticWeighter(**settings, random_state=seed).fit(X, y, made)

    def variant(totals: Any, within: Any) -> np.ndarray:
        weights = totals * within / mean_by_class(within)
        weights *= default.sample_weight_[made].mean() / weights.mean()
        return np.append(default.sample_weight_[~made], weights)

    def mean_by_class(values: Any) -> Any:
        return pd.Series(values).groupby(y[made]).transform("mean").to_numpy()

    real, default = (~made).astype(float), fitted()
    other = {"reference": "training", "training": "reference"}[default.class_prior_]
    totals, quality = mean_by_class(default.sample_weight_[made]), default.quality_[made]
    n_real = pd.Series(y[~made]).value_counts().reindex(y[made], fill_value=0).to_numpy()
    found = {
        "real rows": real,
        CLASS_WEIGHTS: np.append(balance(y[~made]), np.zeros(made.sum())),
        "concatenation": np.ones(len(y)),
        DEFAULT: default.sample_weight_,
        f'class_prior="{other}"': fitted(class_prior=other).sample_weight_,
        "rare classes not squared": variant(totals, quality ** np.where(n_real < RARE, 1.0, 2.0)),
        "rare classes alike": variant(totals, quality ** np.where(n_real < RARE, 0.0, 2.0)),
    }
    if len(np.unique(y[made])) > 1:
        overall = mean_by_class(fitted(normalize="all").sample_weight_[made])
        floor = np.maximum(overall, overall.mean() / 2)
        found["no class below half the mean"] = variant(floor, quality**2)
        found["all classes alike"] = fitted(normalize="class").sample_weight_
    return found


def run(few: str, name: str, kept: int, seed: int, data: Path) -> Iterator[dict[str, Any]]:
    """Yield the scores of each arm."""
    pair = load_pair(name, data, seed)
    X, y, made = draw(pair, few, kept, seed)
    test = pair.test[np.random.default_rng(seed).permutation(len(pair.test))[:1500]]
    embedder, truth = TextEmbedder(), pd.Series(test.labels.astype(str))
    train, tested = embedder.fit_transform(X), embedder.transform(test.texts)
    wanted, there = (pd.Series(labels).value_counts(normalize=True) for labels in (y[~made], truth))
    counts = {"as_real": truth.map(wanted / there), "as_tested": None}
    for arm, weights in weights_by_arm(X, y, made, seed).items():
        rows = weights > 0
        model = LogisticRegression(C=10.0, max_iter=2000).fit(train[rows], y[rows], weights[rows])
        chances = model.predict_proba(tested)
        predicted = model.classes_[chances.argmax(axis=1)]
        found: dict[str, Any] = dict(zip(KEY, (few, name, kept, seed), strict=True), arm=arm)
        for way, weight in counts.items():
            found[f"macro_f1_{way}"] = f1_score(
                truth, predicted, average="macro", sample_weight=weight
            )
            found[f"log_loss_{way}"] = log_loss(
                truth, chances, labels=model.classes_, sample_weight=weight
            )
        scores = chances[:, 1] if len(model.classes_) == 2 else chances
        found["auc"] = roc_auc_score(truth, scores, multi_class="ovr")
        yield found


def table(part: pd.DataFrame) -> pd.DataFrame:
    """Return means, and differences with their intervals over the sets of real rows."""
    means = part.groupby("arm", sort=False).mean(numeric_only=True)
    found = pd.DataFrame(index=means.index)
    for way in ("as_real", "as_tested"):
        by_pair = 100 * part.pivot_table(f"macro_f1_{way}", "pair", "arm", sort=False)
        found[f"macro-F1, {way}"] = by_pair.mean().map("{:.1f}".format)
        for base in (CLASS_WEIGHTS, DEFAULT):
            gaps = by_pair.sub(by_pair[base], axis=0)
            changes = [(gaps[arm].mean(), half_over_sets(gaps[arm])[0]) for arm in found.index]
            found[f"to {base}, {way}"] = [
                f"{mean:+.1f} [{mean - half:+.1f}, {mean + half:+.1f}]" for mean, half in changes
            ]
        found[f"log-loss, {way}"] = means[f"log_loss_{way}"].map("{:.3f}".format)
    found["AUC"] = (100 * means["auc"]).map("{:.1f}".format)
    return found


def main() -> None:
    """Run if there are data, and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of the copies; none prints the tables")
    parser.add_argument("--pairs", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[10, 11, 12])
    arguments = parser.parse_args()
    cells = [(few, name, kept, seed) for name in arguments.pairs for seed in arguments.seeds
             for few in FEW for kept in KEPT]  # fmt: skip
    for cell in tqdm(cells if arguments.data else []):
        if cell not in known(RESULTS, KEY):
            append(RESULTS, *run(*cell, arguments.data))
    for few, part in pd.read_csv(RESULTS).groupby("few", sort=False):
        print(f"\n{few}: {len(part.drop_duplicates(KEY))} cells\n")
        print(table(part).to_markdown())


if __name__ == "__main__":
    main()
