"""The experiments of Nakada, Xu, Li and Zhang (arXiv 2406.03628) from their own stored rows.

A seed set of 200 real rows, balanced over the label and a spurious attribute, gets more and more
real rows of the majority. Synthetic rows of the minority restore the balance, and may be followed
by synthetic rows of both (the augmentation), which weigh 0.5 each.

- `imbalance`: the majority has label 0.
- `spurious`: the minority are the rows in which label and attribute are both low or both high.

Step i adds 100 i real rows of the majority and as many synthetic ones of the minority; where
`augmented`, another 600. `scaling` and `spurious-scaling` always add 800 rows, and 400 i rows of
augmentation. The method `llm` draws from the authors' 50,000 rows, made by a GPT-2 fine-tuned on
all real rows but the test ones; SMOTE, ADASYN and random oversampling (`ros`) see the seed only.

Draws repeat the authors' own, so that most cells agree with the published ones in all digits. Not
so: forests with weights (scikit-learn 1.9 draws the bootstrap by them), XGBoost where the labels
are not balanced (newer releases start from another intercept), logistic regression on `adult`
(the columns are not scaled, and it does not converge), and SMOTE and ADASYN on `craft` (its values
are rounded, so that some neighbours are equally near).

Run it again to resume, or run parts of it, then compare::

    python benchmarks/nakada.py --data DATA --datasets craft --classifiers rf --steps 9
    python benchmarks/nakada.py --data DATA --compare
    python benchmarks/nakada.py --data DATA --copies

DATA has the folders ``craft`` and ``adult``, each with ``seed``, ``train``, ``test`` and
``synthetic_allseed`` as csv files, and ``published_results``.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from imblearn.over_sampling import ADASYN, SMOTE, RandomOverSampler
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_sample_weight
from tqdm.auto import tqdm
from xgboost import XGBClassifier

RESULTS = Path(__file__).parent / "results" / "nakada.csv"
KEY = ["dataset", "experiment", "classifier", "method", "step", "augmented", "seed"]
METRICS = ["balanced_cross_entropy", "minority_cross_entropy", "group_cross_entropy"]

DATASETS = {"craft": ("Target", "X6"), "adult": ("class", "sex")}  # label, spurious attribute
EXPERIMENTS = ["imbalance", "spurious", "scaling", "spurious-scaling"]
CLASSIFIERS = ["rf", "xgb", "log"]
METHODS = ["none", "llm", "smote", "adasyn", "ros"]
OVERSAMPLERS = {"smote": SMOTE, "adasyn": ADASYN, "ros": RandomOverSampler}
SEEDS = [1, 2, 6, 8, 42]
STEPS = range(10)

POOL_SEED = 42  # of the pools, which are the same for all seeds
SPLIT_SEED = 1  # with which the authors shuffled the training rows
POOL_SIZE = 1000
OVERSAMPLED_TO = 25_000  # rows of each label
AUGMENTATION_WEIGHT = 0.5
GPT2_ROWS = "synthetic_allseed"  # file name

SIDE = "_side"  # of a row: 1 in the minority, 0 in the majority


@dataclass
class Problem:
    """The rows of one experiment on one data set; all frames have the column `SIDE`."""

    label: str
    attribute: str
    scaling: bool
    seed_rows: pd.DataFrame
    majority: pd.DataFrame
    test: pd.DataFrame
    synthetic: dict[str, pd.DataFrame]

    def split(self, rows: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
        """Return features and labels."""
        return rows.drop(columns=[self.label, SIDE]), rows[self.label].to_numpy(dtype=int)


def read(data: Path, dataset: str, name: str) -> pd.DataFrame:
    """Read a csv file, compressed or not."""
    return pd.read_csv(next((data / dataset).glob(f"{name}.csv*")))


def high(rows: pd.DataFrame, attribute: str) -> np.ndarray:
    """Tell where the spurious attribute is not at its lowest value."""
    return (rows[attribute] != rows[attribute].min()).to_numpy()


def with_sides(rows: pd.DataFrame, dataset: str, experiment: str, shuffle: int) -> pd.DataFrame:
    """Add the column `SIDE`, and put each side's rows in the order of the authors' files.

    They wrote a file for each side: rows with a low attribute before the others, then shuffled.
    """
    label, attribute = DATASETS[dataset]
    is_high, is_one = high(rows, attribute), rows[label].to_numpy() == 1
    minority = is_high == is_one if experiment.startswith("spurious") else is_one
    rows = rows.assign(**{SIDE: minority.astype(int)}).iloc[np.argsort(is_high, kind="stable")]
    sides = [rows[rows[SIDE] == side].sample(frac=1, random_state=shuffle) for side in (0, 1)]
    return pd.concat(sides, ignore_index=True)


def unshuffle(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Undo ``sample(frac=1, random_state=seed)``, which permutes positions only."""
    positions = pd.Series(np.arange(len(rows))).sample(frac=1, random_state=seed)
    return rows.iloc[np.argsort(positions.to_numpy())].reset_index(drop=True)


def oversample(rows: pd.DataFrame, label: str, method: str) -> pd.DataFrame:
    """Return the rows that an oversampler of imbalanced-learn adds to the seed rows."""
    sizes = {0: OVERSAMPLED_TO, 1: OVERSAMPLED_TO}
    sampler = OVERSAMPLERS[method](sampling_strategy=sizes, random_state=POOL_SEED)
    features, labels = sampler.fit_resample(rows.drop(columns=label), rows[label])
    made = features.assign(**{label: labels}).iloc[len(rows) :]
    return made.sample(frac=1, random_state=POOL_SEED).reset_index(drop=True)


def load(data: Path, dataset: str, experiment: str, methods: list[str]) -> Problem:
    """Read a data set and make the pools of synthetic rows."""
    label, attribute = DATASETS[dataset]
    seed_rows = read(data, dataset, "seed")
    train = unshuffle(read(data, dataset, "train"), SPLIT_SEED)
    train = with_sides(train, dataset, experiment, SPLIT_SEED)
    test = read(data, dataset, "test")
    is_high, is_one = high(test, attribute), test[label] == 1
    test[SIDE] = is_high == is_one if experiment.startswith("spurious") else is_one
    synthetic = {}
    for method in set(methods) - {"none"}:
        stored = method == "llm"
        made = read(data, dataset, GPT2_ROWS) if stored else oversample(seed_rows, label, method)
        synthetic[method] = with_sides(made, dataset, experiment, POOL_SEED)
    return Problem(
        label,
        attribute,
        scaling=experiment.endswith("scaling"),
        seed_rows=seed_rows.assign(**{SIDE: 0}),  # not used
        majority=train[train[SIDE] == 0].sample(POOL_SIZE, random_state=POOL_SEED),
        test=test,
        synthetic=synthetic,
    )


def draw_synthetic(frame: pd.DataFrame, label: int, n: int, seed: int) -> pd.DataFrame:
    """Draw `n` synthetic rows of one side; `label` is 1 for the minority."""
    return frame[frame[SIDE] == label].sample(n, random_state=seed)


def training_rows(
    problem: Problem, method: str, step: int, augmented: bool, seed: int
) -> tuple[pd.DataFrame, int]:
    """Put together what a cell trains on; the second value counts the augmentation at its end."""
    n_added = 800 if problem.scaling else 100 * step
    n_augmentation = 400 * step if problem.scaling else 600 * augmented
    parts = [problem.seed_rows]
    if n_added:
        state = POOL_SEED if problem.scaling else seed
        parts.append(problem.majority.sample(n_added, random_state=state))
    if method != "none":
        synthetic = problem.synthetic[method]
        pool = draw_synthetic(synthetic, 1, POOL_SIZE, POOL_SEED)
        if n_added:
            parts.append(draw_synthetic(pool, 1, n_added, seed))
        if n_augmentation:
            rest = synthetic.drop(index=pool.index)
            parts += [draw_synthetic(rest, side, n_augmentation // 2, seed) for side in (1, 0)]
    return pd.concat(parts, ignore_index=True), n_augmentation


def make_classifier(name: str, seed: int) -> Any:
    """Return a classifier with the settings of the paper."""
    if name == "rf":
        return RandomForestClassifier(criterion="entropy", random_state=seed)
    if name == "xgb":
        return XGBClassifier(random_state=seed, n_jobs=1)
    return LogisticRegression(max_iter=1000, random_state=seed)


def measure(problem: Problem, model: Any) -> dict[str, float]:
    """Return the cross-entropies on the test rows.

    "Balanced" is over the labels, also in `spurious`, where the paper has the four groups of
    label and attribute but the published numbers do not: "group" is over these.
    """
    X, y = problem.split(problem.test)
    probabilities = model.predict_proba(X)
    groups = 2 * high(problem.test, problem.attribute) + y
    minority = problem.test[SIDE].to_numpy(dtype=float)
    balanced, over_groups = (compute_sample_weight("balanced", each) for each in (y, groups))
    weights = (balanced, minority, over_groups)
    losses = [log_loss(y, probabilities, sample_weight=each, labels=[0, 1]) for each in weights]
    return dict(zip(METRICS, losses, strict=True))


def run(
    problem: Problem, classifier: str, method: str, step: int, augmented: bool, seed: int
) -> dict[str, float]:
    """Train and judge one cell."""
    rows, n_augmentation = training_rows(problem, method, step, augmented, seed)
    model = make_classifier(classifier, seed)
    if augmented:
        weights = np.ones(len(rows))
        weights[len(rows) - n_augmentation :] = AUGMENTATION_WEIGHT
        model.fit(*problem.split(rows), sample_weight=weights)
    else:
        model.fit(*problem.split(rows))
    return measure(problem, model)


def cells(arguments: argparse.Namespace) -> Iterator[tuple[Any, ...]]:
    """Go through what was asked for, leaving out what makes no sense."""
    asked = product(
        arguments.datasets,
        arguments.experiments,
        arguments.classifiers,
        arguments.methods,
        arguments.steps or STEPS,
        (False, True),
        arguments.seeds,
    )
    for cell in asked:
        scaling, method, augmented = cell[1].endswith("scaling"), cell[3], cell[5]
        if (augmented and method == "none") or (scaling and not augmented):
            continue
        yield cell


def load_results() -> pd.DataFrame:
    """Read what has been measured."""
    if RESULTS.exists():
        return pd.read_csv(RESULTS, keep_default_na=False)
    return pd.DataFrame(columns=[*KEY, *METRICS])


def run_all(arguments: argparse.Namespace) -> None:
    """Run the missing cells and append them to the results."""
    done = set(load_results()[KEY].itertuples(index=False, name=None))
    missing = [cell for cell in cells(arguments) if cell not in done]
    RESULTS.parent.mkdir(exist_ok=True)
    for (dataset, experiment), group in groupby(tqdm(missing), key=lambda cell: cell[:2]):
        problem = load(arguments.data, dataset, experiment, arguments.methods)
        for cell in group:
            found = pd.DataFrame([dict(zip(KEY, cell, strict=True)) | run(problem, *cell[2:])])
            found.to_csv(RESULTS, mode="a", index=False, header=not RESULTS.exists())


def load_published(data: Path) -> pd.DataFrame:
    """Read the authors' results: mean and standard deviation over their seeds of each cell.

    Those of `scaling` are of the logarithm of the loss.
    """
    kinds = {
        "imbalance": "imbalanced_class_vary_ratio",
        "spurious": "spurious_corr_vary_ratio",
        "scaling": "imbalanced_class_vary_additional",
        "spurious-scaling": "spurious_corr_vary_additional",
    }
    stages = {"imbalance_base": "none", "balance_base": False, "balance_augment": True}
    rows = []
    for dataset, experiment, classifier, method, metric in product(
        DATASETS, EXPERIMENTS, CLASSIFIERS, METHODS[1:], ("balanced", "min")
    ):
        stored = GPT2_ROWS if method == "llm" else method
        suffix = "log_cross" if experiment.endswith("scaling") else "cross"
        name = f"{dataset}__{kinds[experiment]}_{classifier}_{stored}_{metric}_{suffix}.json"
        path = data / "published_results" / name
        if not path.exists():
            continue
        found = json.loads(path.read_text())
        for step, (stage, kind) in product(found, stages.items()):
            if f"{stage}_mean" not in found[step]:
                continue
            of = method if kind != "none" else kind
            cell = (dataset, experiment, classifier, of, int(step), kind is True)
            values = (found[step][f"{stage}_{name}"] for name in ("mean", "std"))
            rows.append((*cell, METRICS[metric == "min"], *values))
    names = [*KEY[:-1], "metric", "mean", "sd"]
    return pd.DataFrame(rows, columns=names).drop_duplicates(names[:-2])


def compare(arguments: argparse.Namespace) -> None:
    """Print our results beside the published ones, as a markdown table."""
    ours = load_results().melt(KEY, METRICS, "metric")
    is_scaling = ours["experiment"].str.endswith("scaling")
    ours["value"] = ours["value"].where(~is_scaling, np.log(ours["value"]))
    by = [*KEY[:-1], "metric"]
    ours = ours.groupby(by)["value"].agg(our_mean="mean", our_sd=lambda each: each.std(ddof=0))
    both = ours.reset_index().merge(load_published(arguments.data), on=by)
    scaling = both["experiment"].str.endswith("scaling")
    asked = both["step"].isin(arguments.steps) if arguments.steps else scaling | (both["step"] == 9)
    for name in ("dataset", "experiment", "classifier", "method"):
        asked &= both[name].isin(getattr(arguments, f"{name}s"))
    difference = (both["our_mean"] - both["mean"]).abs()
    same = (difference < 1e-4) & ((both["our_sd"] - both["sd"]).abs() < 1e-4)
    near = difference <= 2 * both["sd"].clip(lower=1e-4)
    print(
        f"Of {len(both)} published numbers, all steps, {same.sum()} agree in four digits (mean and "
        f"standard deviation), and {near.mean():.0%} within two of their standard deviations.\n"
    )
    print("The loss, or for scaling its logarithm: mean ± standard deviation over the seeds.\n")
    print(f"| {' | '.join(by)} | ours | published | difference in published sd |")
    print("|" + "---|" * (len(by) + 3))
    for row in both[asked].itertuples():
        named = " | ".join(str(getattr(row, name)) for name in by)
        mine = f"{row.our_mean:.4f} ± {row.our_sd:.4f}"
        theirs = f"{row.mean:.4f} ± {row.sd:.4f}"
        gap = (row.our_mean - row.mean) / max(row.sd, 1e-4)  # XGBoost alone has none
        print(f"| {named} | {mine} | {theirs} | {round(gap, 1) + 0.0:+.1f} |")


def copies(arguments: argparse.Namespace) -> None:
    """Print how many synthetic rows are exact copies, and as a yardstick how many test rows."""
    print("| dataset | rows | n | equal a seed or train row | equal a test row | repeated |")
    print("|" + "---|" * 6)
    for dataset in arguments.datasets:
        rows = {}
        for name in ("seed", "train", "test", GPT2_ROWS):
            frame = read(arguments.data, dataset, name) + 0.0  # makes -0 a 0
            rows[name] = list(frame.itertuples(index=False, name=None))
        real, test = {*rows["seed"], *rows["train"]}, set(rows["test"])
        for name, others in ((GPT2_ROWS, test), ("test", set())):
            n, own = len(rows[name]), set(rows[name])
            counts = [sum(row in which for row in rows[name]) for which in (real, others)]
            shares = " | ".join(f"{count / n:.3%}" for count in [*counts, n - len(own)])
            print(f"| {dataset} | {name} | {n} | {shares} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=list(DATASETS))
    parser.add_argument("--experiments", nargs="+", choices=EXPERIMENTS, default=EXPERIMENTS)
    parser.add_argument("--classifiers", nargs="+", choices=CLASSIFIERS, default=CLASSIFIERS)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    parser.add_argument("--steps", nargs="+", type=int, choices=STEPS)  # compare: 9 if not given
    parser.add_argument("--compare", action="store_true", help="print the comparison and stop")
    parser.add_argument("--copies", action="store_true", help="print the shares of copies and stop")
    arguments = parser.parse_args()
    if arguments.compare:
        compare(arguments)
    elif arguments.copies:
        copies(arguments)
    else:
        run_all(arguments)


if __name__ == "__main__":
    main()
