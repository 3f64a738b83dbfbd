"""What was tried to make synthetic rows pay more on a fine-tuned BERT, and was not kept.

Seeds 0 and 1, up to 1,000 test rows, each trial beside what it varies: the default weights with a
share of 0.3. Ten to twenty minutes a cell on one core; it resumes, and prints the table at last::

    python benchmarks/scoreboard_tried_bert.py --data DATA --pairs sentiment-gpt4 --seeds 0
    python benchmarks/scoreboard_tried_bert.py
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _pairs import PAIRS, load_pair
from _results import half_interval
from sklearn.metrics import f1_score, log_loss
from sklearn.model_selection import StratifiedKFold
from tqdm.auto import tqdm
from weighting import Judged, draw, expected_calibration_error

from sklw import BertClassifier, RowWeights, SyntheticWeighter
from sklw.weighting import BaseMethod
from sklw.weighting.methods import Evidence

RESULTS = Path(__file__).parent / "results" / "scoreboard_tried_bert.csv"
BASE = "q², a share of 0.3"
TRIALS = {
    "real rows, 3 epochs (the default)": "real 3",
    "real rows, 10 epochs": "real 10",
    "concatenation": "concatenation",
    BASE: "weighted",
    "the same, then 3 epochs on the real rows at half the learning rate": "then real",
    "q the mean of the embedding's and of four BERTs of 3 epochs": "q 3",
    "q the mean of the embedding's and of four BERTs of 6 epochs": "q 6",
    "the mean of the parameters with those of the real rows' BERT": "soup",
}
VOTES = {
    "concatenation, vote of the real rows' BERT": ("concatenation", "real 3"),
    "q², a share of 0.3, vote of the real rows' BERT": ("weighted", "real 3"),
    "the same, vote of four BERTs of 3 epochs of three quarters of them": ("weighted", "folds 3"),
    "then the real rows, vote of the real rows' BERT": ("then real", "real 3"),
    "q of both, 3 epochs, vote of the four": ("q 3", "folds 3"),
    "q of both, 6 epochs, vote of the four": ("q 6", "folds 6"),
}
SMOOTHED_BASE = "q², a share of 1"
SMOOTHED = {
    "real rows, 3 epochs (the default)": "real 3",
    "real rows, 6 epochs": "real 6",
    "real rows, 12 epochs": "real 12",
    "real rows, smoothed, 3 epochs": "smooth real 3",
    "real rows, smoothed, 6 epochs": "smooth real 6",
    "real rows, smoothed, 12 epochs": "smooth real 12",
    "concatenation": "concatenation",
    "concatenation, smoothed": "smooth concatenation",
    SMOOTHED_BASE: "full",
    "q², a share of 1, smoothed": "smooth full 3",
    "q², a share of 1, smoothed, 6 epochs": "smooth full 6",
}
SMOOTHED_VOTES = {
    "q², a share of 1, vote of the real rows' BERT": ("full", "real 3"),
    "q², a share of 1, both smoothed, vote of the real rows' BERT": (
        "smooth full 3", "smooth real 3",
    ),
    "the same, 6 epochs of the real rows": ("smooth full 3", "smooth real 6"),
}  # fmt: skip
TABLES = {BASE: [*TRIALS, *VOTES], SMOOTHED_BASE: [*SMOOTHED, *SMOOTHED_VOTES]}
SIMPLE, ALL_VOTES = TRIALS | SMOOTHED, VOTES | SMOOTHED_VOTES


class Given(BaseMethod):
    """Weights by a quality that is known."""

    default_temperature = 0.5

    def __init__(self, quality: Any) -> None:
        self.quality = quality

    def raw_weights(self, evidence: Evidence) -> np.ndarray:
        """Return it."""
        return self.quality


class Cell:
    """The trials on one pair and seed; each model is trained once."""

    def __init__(self, data: Path, name: str, seed: int) -> None:
        pair = load_pair(name, data, seed)
        self.training, self.seed = draw(pair, "both", seed, 1500), seed
        rows = self.training.rows
        self.X, self.y = rows.texts.astype(object), rows.labels.astype(str)
        self.real = np.flatnonzero(~self.training.synthetic)
        kept = np.sort(np.random.default_rng(7).permutation(len(pair.test))[:1000])
        self.test = pair.test[kept]
        self.classes = np.unique(self.y)
        self.found: dict[str, np.ndarray] = {}

    def bert(self, **settings: Any) -> BertClassifier:
        """Return an untrained BERT that knows all classes."""
        settings = {"label_smoothing": 0.0, **settings}
        return BertClassifier(random_state=self.seed, classes=list(self.classes), **settings)

    def weights(self, method: Any, share: float = 0.3) -> RowWeights:
        """Weigh all rows."""
        weighter = SyntheticWeighter(method, synthetic_weight=share, random_state=self.seed)
        args = (self.training.synthetic, self.training.parents)
        self.quality = weighter.fit(self.X, self.y, *args).quality_
        return weighter.row_weights_

    def of_real(self, epochs: int, **settings: Any) -> BertClassifier:
        """Train on the real rows."""
        model = self.bert(max_epochs=epochs, **settings)
        return model.fit(self.X[self.real], self.y[self.real])

    def run(self, trial: str) -> np.ndarray:
        """Return the probabilities of the test rows."""
        if trial not in self.found:
            self.found[trial] = self.predict(trial)
        return self.found[trial]

    def predict(self, trial: str) -> np.ndarray:
        """Train, and return the probabilities of the test rows."""
        smoothed = trial.startswith("smooth ")
        kind, _, epochs = trial.removeprefix("smooth ").partition(" ")
        settings = {"label_smoothing": 0.1 * smoothed}
        if kind == "folds":
            self.run(f"q {epochs}")
            return self.found[trial]
        if kind == "real":
            return self.of_real(int(epochs), **settings).predict_proba(self.test.texts)
        if kind == "concatenation":
            return self.bert(**settings).fit(self.X, self.y).predict_proba(self.test.texts)
        if kind == "full":
            weights = self.weights("quality", 1.0)
            model = self.bert(max_epochs=int(epochs or 3), **settings)
            model.fit(self.X, self.y, row_weights=weights)
            return model.predict_proba(self.test.texts)
        weights = self.weights("quality")
        if kind == "q":
            both = (self.quality + self.judged_by_bert(int(epochs))) / 2
            weights = self.weights(Given(both))
        model = self.bert().fit(self.X, self.y, row_weights=weights)
        if kind == "then":
            model.set_params(warm_start=True, lr=5e-5)
            model.fit(self.X[self.real], self.y[self.real])
        elif kind == "soup":
            own, other = (m.module_.state_dict() for m in (model, self.of_real(3)))
            mean = {
                name: (value + other[name]) / 2 if value.is_floating_point() else value
                for name, value in own.items()
            }
            model.module_.load_state_dict(mean)
        return model.predict_proba(self.test.texts)

    def judged_by_bert(self, epochs: int) -> np.ndarray:
        """Return q from BERTs that have not seen a row's parent; their mean is a trial itself."""
        made = np.flatnonzero(self.training.synthetic)
        parents = np.array([tied[0] if len(tied) else -1 for tied in self.training.parents])[made]
        counts = pd.Series(self.y[self.real]).map(pd.Series(self.y[self.real]).value_counts())
        rare, others = self.real[counts < 4], self.real[counts >= 4]
        folds = StratifiedKFold(4, shuffle=True, random_state=self.seed)
        sums, n, tested = np.zeros((len(made), len(self.classes))), np.zeros(len(made)), []
        own = []
        for kept, held_out in folds.split(others, self.y[others]):
            rows = np.append(others[kept], rare)
            model = self.bert(max_epochs=epochs).fit(self.X[rows], self.y[rows])
            unseen = ~np.isin(parents, rows)
            sums[unseen] += model.predict_proba(self.X[made[unseen]])
            n += unseen
            tested.append(model.predict_proba(self.test.texts))
            held = others[held_out]
            codes = np.searchsorted(self.classes, self.y[held])
            own.append(model.predict_proba(self.X[held])[np.arange(len(held)), codes])
        self.found[f"folds {epochs}"] = np.mean(tested, axis=0)
        codes = np.searchsorted(self.classes, self.y[made])
        of_made = sums[np.arange(len(made)), codes] / np.maximum(n, 1)
        quality = np.ones(len(self.y))
        quality[made] = np.where(n > 0, of_made, np.concatenate(own).mean())
        return quality

    def score(self, found: np.ndarray) -> dict[str, float]:
        """Score probabilities."""
        found = found.astype(float)
        truth = self.test.labels.astype(str)
        judged = Judged(self.classes, found / found.sum(axis=1, keepdims=True))
        return {
            "macro_f1": f1_score(truth, judged.predict(None), average="macro"),
            "log_loss": log_loss(truth, judged.probabilities, labels=self.classes),
            "ece": expected_calibration_error(judged, truth),
        }


def table(results: pd.DataFrame, base: str) -> str:
    """Return a row for each trial: the mean of its differences to the base, paired."""
    wide = results.pivot_table(["macro_f1", "log_loss", "ece"], ["pair", "seed"], "trial")
    lines = ["| trial | cells | macro-F1 | log-loss | ECE |", "|---|---:|---:|---:|---:|"]
    for trial in TABLES[base]:
        both = wide[[(metric, of) for metric in ("macro_f1", "log_loss", "ece") for of in
                     dict.fromkeys((trial, base))]].dropna()  # fmt: skip
        gaps = {m: both[m][trial] - both[m][base] for m in ("macro_f1", "log_loss", "ece")}
        points = 100 * gaps["macro_f1"]
        half = half_interval(points)
        spread = f" [{points.mean() - half:+.1f}, {points.mean() + half:+.1f}]"
        cells = f"{points.mean():+.1f}{spread if trial != base else ''}"
        rest = f"{gaps['log_loss'].mean():+.3f} | {gaps['ece'].mean():+.3f}"
        lines.append(f"| {trial} | {len(both)} | {cells} | {rest} |")
    return "\n".join(lines)


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of the copies; none prints the table")
    parser.add_argument("--pairs", nargs="+", choices=list(PAIRS), default=list(PAIRS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    arguments = parser.parse_args()
    key = ["pair", "seed", "trial"]
    done = pd.read_csv(RESULTS)[key].to_numpy().tolist() if RESULTS.is_file() else []
    cells = (
        [] if arguments.data is None else [(p, s) for s in arguments.seeds for p in arguments.pairs]
    )
    for pair, seed in tqdm(cells):
        cell = Cell(arguments.data, pair, seed)
        for trial in [*SIMPLE, *ALL_VOTES]:
            if [pair, seed, trial] in done:
                continue
            parts = ALL_VOTES.get(trial) or (SIMPLE[trial],)
            found = cell.score(np.mean([cell.run(part) for part in parts], axis=0))
            frame = pd.DataFrame([dict(zip(key, (pair, seed, trial), strict=True)) | found])
            header = not RESULTS.is_file()
            frame.to_csv(RESULTS, mode="a", header=header, index=False, float_format="%.4f")
    for base in TABLES:
        print(f"\nDifferences to {base}:\n\n{table(pd.read_csv(RESULTS), base)}")


if __name__ == "__main__":
    main()
