"""What to do with few real rows and many LLM-written ones: sklw's defaults and everything else.

Eleven pairs of real and really LLM-generated texts (see ``_pairs.py`` and ``weighting.py``), with
nothing tuned for any of them. Seeds 0 and 1 were used to choose the defaults, 10 and up for the
tables. Run it again to resume, or run parts of it; the page is made of whatever is there::

    python benchmarks/scoreboard.py --data DATA --classifiers embedding
    python benchmarks/scoreboard.py --data DATA --classifiers bert --seeds 10 --arms concatenation
    python benchmarks/scoreboard.py

A cell of `embedding` takes seconds, one of `bert` one to two minutes on one core. Each arm of real
and synthetic rows is also scored in a vote with the same classifier of the real rows alone
("+ real vote", :class:`sklw.ensemble.RealSyntheticVotingClassifier`), and concatenation on BERT
with one more of another seed ("+ same vote"): an ensemble of the same size.
"""

import argparse
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _pairs import PAIRS, Pair, load_pair
from _results import append, known
from imblearn.over_sampling import ADASYN, SMOTE
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, log_loss
from sklearn.utils.class_weight import compute_sample_weight
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm
from weighting import Judged, Training, draw, expected_calibration_error

from sklw import BertClassifier, RowWeights, SyntheticWeighter, TextEmbedder
from sklw.comparison import EDAOverSampler
from sklw.ensemble import RealSyntheticVotingClassifier
from sklw.weighting import Imp

RESULTS = Path(__file__).parent / "results" / "scoreboard.csv"
KEY = ["classifier", "pair", "arm", "seed"]
MOST_SYNTHETIC = {"embedding": 4500, "bert": 1500}


@dataclass(frozen=True)
class Arm:
    """What is trained on and how."""

    source: str = "both"  # "real", "both", "synthetic" or "large"
    weighter: dict[str, Any] = field(default_factory=lambda: {"method": "uniform"})
    sampler: type | None = None  # applied to the real rows
    class_weight: str | None = None
    as_many_steps: bool = False  # as training on real and synthetic rows takes
    setfit: bool = False  # in place of BertClassifier
    label_smoothing: float | None = None  # BertClassifier's default
    classifiers: tuple[str, ...] = ("embedding", "bert")


SHARE_1 = {"synthetic_weight": 1.0}
UNSMOOTHED = {
    "real only": Arm("real"),
    "real only, as many steps": Arm("real", as_many_steps=True),
    "concatenation": Arm(),
    "sklw, a share of 1": Arm(weighter=SHARE_1),
}
ARMS: dict[str, Arm] = {
    "real only": Arm("real"),
    "real only, as many steps": Arm("real", as_many_steps=True, classifiers=("bert",)),
    "SetFit": Arm("real", as_many_steps=True, setfit=True, classifiers=("bert",)),
    **{
        f"{name}, no smoothing": replace(arm, label_smoothing=0.0, classifiers=("bert",))
        for name, arm in UNSMOOTHED.items()
    },
    "class weights": Arm("real", class_weight="balanced"),
    "SMOTE": Arm("real", sampler=SMOTE, classifiers=("embedding",)),
    "ADASYN": Arm("real", sampler=ADASYN, classifiers=("embedding",)),
    "EDA": Arm("real", sampler=EDAOverSampler),
    "concatenation": Arm(),
    "confident learning": Arm(weighter={"method": "confident"}),
    "IMP-Loss": Arm(weighter={"method": Imp(clip=None), "normalize": None}),
    "DIMP-Loss": Arm(weighter={"method": "dimp"}, classifiers=("bert",)),
    "sklw": Arm(weighter={}),
    "sklw, a share of 1": Arm(weighter=SHARE_1),
    "sklw, a share of 1, no floor": Arm(weighter=SHARE_1 | {"normalize": "all"}),
    "sklw, a share of 1, within classes": Arm(weighter=SHARE_1 | {"normalize": "class"}),
    "synthetic, CE": Arm("synthetic"),
    "synthetic, IMP-Loss": Arm("synthetic", {"method": Imp(clip=None), "normalize": None}),
    "synthetic, DIMP-Loss": Arm("synthetic", {"method": "dimp"}, classifiers=("bert",)),
    "large real set": Arm("large"),
}


def prepare(arm: Arm, training: Training, seed: int) -> tuple[Any, np.ndarray, RowWeights]:
    """Return the rows, labels and weights that an arm trains on."""
    texts, labels = training.rows.texts, training.rows.labels
    weighter = SyntheticWeighter(**arm.weighter, random_state=seed)
    weighter.fit(texts, labels, training.synthetic, training.parents)
    weights = weighter.row_weights_[training.used]
    texts, labels = texts[training.used], labels[training.used]
    if arm.class_weight:
        weights = weights.times(compute_sample_weight(arm.class_weight, labels))
    return texts, labels, weights


def oversample(sampler: type, rows: Any, labels: np.ndarray, seed: int) -> tuple[Any, np.ndarray]:
    """Balance the classes that have enough rows for it."""
    counts = pd.Series(labels).value_counts()
    settings = {"SMOTE": {"k_neighbors": 1}, "ADASYN": {"n_neighbors": 1}}.get(sampler.__name__, {})
    settings = {name: int(min(5, counts[counts > 1].min() - 1)) for name in settings}
    wanted = {label: int(counts.max()) for label, n in counts.items() if 1 < n < counts.max()}
    return sampler(sampling_strategy=wanted, random_state=seed, **settings).fit_resample(
        rows, labels
    )


class Cell:
    """One arm on one pair with one seed and classifier."""

    def __init__(
        self, classifier: str, arm: Arm, pair: Pair, seed: int, alone: bool = False
    ) -> None:
        self.alone = alone  # no votes
        self.classifier, self.arm, self.pair, self.seed = classifier, arm, pair, seed
        self.n_synthetic = MOST_SYNTHETIC[classifier]
        self.training = draw(pair, arm.source, seed, self.n_synthetic)
        self.test = TextEmbedder().transform(pair.test.texts)
        TextEmbedder().transform(self.training.rows.texts)  # once a process, and not what is timed

    def run(self) -> Iterator[tuple[str | None, dict[str, float]]]:
        """Train, and score alone and in votes."""
        start = time.perf_counter()
        texts, labels, weights = prepare(self.arm, self.training, self.seed)
        rows: Any = TextEmbedder().transform(texts)
        if self.arm.sampler is EDAOverSampler:
            texts, labels = oversample(EDAOverSampler, texts, labels, self.seed)
            rows = TextEmbedder().transform(texts)
        elif self.arm.sampler is not None:
            rows, labels = oversample(self.arm.sampler, rows, labels, self.seed)
        if self.arm.sampler is not None:
            weights = RowWeights(np.ones(len(labels)), np.zeros(len(labels), dtype=bool))
        kept = weights.sample_weight > 0
        if self.classifier == "bert":
            rows, test = np.asarray(texts, dtype=object), self.pair.test.texts
            model: Any = self.bert(len(rows))
        else:
            test = self.test
            model = LogisticRegression(C=10.0, max_iter=1000)
        rows, labels, weights = rows[kept], labels[kept], weights[kept]
        if self.alone or not weights.synthetic.any() or weights.synthetic.all():
            name = "row_weights" if self.classifier == "bert" else "sample_weight"
            weighed = {name: weights if self.classifier == "bert" else weights.sample_weight}
            model.fit(rows, labels, **({} if self.arm.setfit else weighed))
            found = model.predict_proba(test)
            yield None, self.score(model.classes_, found, time.perf_counter() - start)
            return
        voting = RealSyntheticVotingClassifier(model).fit(rows, labels, row_weights=weights)
        seconds = time.perf_counter() - start
        own = voting.estimator_.predict_proba(test)
        yield None, self.score(voting.classes_, own, seconds)
        yield "real", self.score(voting.classes_, voting.predict_proba(test), seconds)
        if self.classifier == "bert" and self.arm.weighter == Arm().weighter:
            model.set_params(random_state=self.seed + 1000)
            other = model.fit(rows, labels, row_weights=weights).predict_proba(test)
            yield "same", self.score(voting.classes_, (own + other) / 2, seconds)

    def bert(self, n_rows: int) -> Any:
        """Return a BERT that trains for as many steps as the arm asks for."""
        model = BertClassifier(random_state=self.seed)
        if self.arm.label_smoothing is not None:
            model.set_params(label_smoothing=self.arm.label_smoothing)
        if not self.arm.as_many_steps:
            return model
        n_both = len(draw(self.pair, "both", self.seed, self.n_synthetic).rows)
        if self.arm.setfit:
            from rivals.setfit import SetFit

            return SetFit(model.max_epochs * n_both // model.batch_size, self.seed)
        return model.set_params(max_epochs=round(model.max_epochs * n_both / n_rows))

    def score(self, classes: np.ndarray, found: Any, seconds: float) -> dict[str, float]:
        """Score probabilities."""
        found = np.asarray(found, dtype=float)
        truth = self.pair.test.labels.astype(str)
        judged = Judged(classes.astype(str), found)
        return {
            "macro_f1": f1_score(truth, judged.predict(None), average="macro"),
            "log_loss": log_loss(truth, found, labels=judged.classes_),
            "ece": expected_calibration_error(judged, truth),
            "seconds": seconds,
        }


def trained_before(classifier: str, name: str, arm: str, seed: int) -> pd.DataFrame:
    """Return the result of another pair with the same real rows, such as hyperbole-gpt4."""
    if not RESULTS.is_file():
        return pd.DataFrame()
    known = pd.read_csv(RESULTS)
    same_rows = known["pair"].str.partition("-")[0] == name.partition("-")[0]
    cell = (known[["classifier", "arm", "seed"]] == [classifier, arm, seed]).all(axis=1)
    return known[same_rows & cell].head(1)


def run(arguments: argparse.Namespace) -> None:
    """Run what is not in the results yet."""
    done = known(RESULTS, KEY)
    todo = [
        (classifier, name, arm, seed)
        for seed in arguments.seeds
        for name in arguments.pairs
        for classifier in arguments.classifiers
        for arm in arguments.arms
        if classifier in ARMS[arm].classifiers and (classifier, name, arm, seed) not in done
    ]
    for classifier, name, arm, seed in tqdm(todo):
        alike = ARMS[arm].source in ("real", "large")
        if alike and len(twin := trained_before(classifier, name, arm, seed)):
            twin.assign(pair=name).to_csv(RESULTS, mode="a", header=False, index=False)
            continue
        pair = load_pair(name, arguments.data, seed)
        if ARMS[arm].source == "large" and not len(pair.large):
            continue
        with threadpool_limits(1 if classifier == "embedding" else None, user_api="blas"):
            try:
                found = list(Cell(classifier, ARMS[arm], pair, seed, arguments.alone).run())
            except ValueError as error:
                if ARMS[arm].sampler is not ADASYN:
                    raise
                print(f"{arm} refuses {name}: {error}")
                continue
        rows = [
            dict(zip(KEY, (classifier, name, arm + (f" + {vote} vote" if vote else ""), seed),
                     strict=True)) | scores
            for vote, scores in found
        ]  # fmt: skip
        append(RESULTS, *rows)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of the copies; none writes the page")
    parser.add_argument("--pairs", nargs="+", choices=list(PAIRS), default=list(PAIRS))
    classifiers = list(MOST_SYNTHETIC)
    parser.add_argument("--classifiers", nargs="+", choices=classifiers, default=classifiers)
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS))
    parser.add_argument("--alone", action="store_true", help="leave out the votes")
    parser.add_argument("--seeds", nargs="+", type=int, default=[10, 11, 12, 13, 14])
    return parser.parse_args()


def main() -> None:
    """Run, or write the page."""
    arguments = parse_arguments()
    warnings.filterwarnings("ignore", category=UserWarning, module="sklearn")
    if arguments.data is None:
        from _scoreboard_page import write

        write(pd.read_csv(RESULTS))
    else:
        run(arguments)


if __name__ == "__main__":
    main()
