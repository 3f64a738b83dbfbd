"""How much the classes of synthetic rows count beside each other, on BERT.

A checker gives little P'(y|x) to a class of which it has seen few real rows, whatever the synthetic
rows are like. The trials differ in what follows for the class as a whole. Seeds 0 and 1, with which
the defaults were chosen; two to four minutes a cell on one core. It resumes, and prints the table
at last::

    python benchmarks/rare_classes.py --data DATA
    python benchmarks/rare_classes.py
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _pairs import load_pair
from _results import append, known
from sklearn.metrics import f1_score, log_loss
from tqdm.auto import tqdm
from weighting import Judged, Training, draw, expected_calibration_error

from sklw import BertClassifier, RowWeights, SyntheticWeighter

RESULTS = Path(__file__).parent / "results" / "rare_classes.csv"
PAIRS = ["emotions-gpt4", "emotions-llama2", "sarcasm-simple", "sentiment-gpt4"]
KEPT = "half the mean, of rare classes the mean"
FLOORS = {"no class below half the mean": 0.5, "no class below the mean": 1.0}
SETTINGS: dict[str, dict[str, Any]] = {
    "concatenation": {"method": "uniform"},
    "all classes alike": {"normalize": "class"},
    KEPT: {},
}


def weigh(trial: str, training: Training, seed: int) -> RowWeights:
    """Weigh all rows."""

    def fitted(**settings: Any) -> RowWeights:
        rows, weighter = training.rows, SyntheticWeighter(**settings, random_state=seed)
        weighter.fit(rows.texts, rows.labels, training.synthetic, training.parents)
        return weighter.row_weights_

    if trial in SETTINGS:
        return fitted(**SETTINGS[trial])
    overall, within = fitted(normalize="all"), fitted(normalize="class").sample_weight
    made, weights = overall.synthetic, overall.sample_weight.copy()
    total, labels = weights[made].sum(), training.rows.labels[made]
    means = pd.Series(weights[made] / weights[made].mean()).groupby(labels).transform("mean")
    weights[made] = within[made] * np.maximum(means, FLOORS[trial])
    weights[made] *= total / weights[made].sum()
    return RowWeights(weights, made)


def score(data: Path, name: str, trial: str, seed: int) -> dict[str, float]:
    """Train on one pair, and score."""
    pair = load_pair(name, data, seed)
    training, truth = draw(pair, "both", seed, 1500), pair.test.labels.astype(str)
    weights = weigh(trial, training, seed)
    kept = weights.sample_weight > 0
    rows, model = training.rows[kept], BertClassifier(random_state=seed)
    model.fit(rows.texts, rows.labels, row_weights=weights[kept])
    judged = Judged(model.classes_.astype(str), model.predict_proba(pair.test.texts))
    return {
        "macro_f1": f1_score(truth, judged.predict(None), average="macro"),
        "log_loss": log_loss(truth, judged.probabilities, labels=judged.classes_),
        "ece": expected_calibration_error(judged, truth),
    }


def run(data: Path) -> None:
    """Run what is not in the results yet."""
    key = ["pair", "trial", "seed"]
    done = known(RESULTS, key)
    cells = [
        (name, trial, seed) for seed in (0, 1) for name in PAIRS for trial in (*FLOORS, *SETTINGS)
    ]
    for cell in tqdm([cell for cell in cells if cell not in done]):
        append(RESULTS, dict(zip(key, cell, strict=True)) | score(data, *cell))


def main() -> None:
    """Run if there are data, and print macro-F1 by pair, and the log-loss."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of the copies; none prints the table")
    if (data := parser.parse_args().data) is not None:
        run(data)
    results = pd.read_csv(RESULTS)
    table = 100 * results.pivot_table("macro_f1", "trial", "pair", sort=False)
    table["log-loss"] = results.groupby("trial")["log_loss"].mean()
    print(table.to_markdown(floatfmt=("", *[".1f"] * len(PAIRS), ".3f")))


if __name__ == "__main__":
    main()
