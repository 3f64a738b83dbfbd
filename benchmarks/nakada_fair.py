"""The same experiment with equal information: every method sees the 200 seed rows alone.

Nakada et al. train their generator on all real rows but the test ones, and SMOTE on the seed. Here
the embedded language model learns the 200 seed rows (`FineTunedGenerator`), as in their ablation.
Step i adds 100 i real rows of the majority, which no method but class weights and the weighter
sees before training, and every method fills the minority up to them::

    python benchmarks/nakada_fair.py --data DATA --generate    # once: minutes a data set
    python benchmarks/nakada_fair.py --data DATA
    python benchmarks/nakada_fair.py --data DATA --table
    python benchmarks/nakada_fair.py --data DATA --prompted    # the same model, not trained

`gpt2` are the authors' stored rows, made with all real rows, through `RecordedGenerator`: not fair,
and there to show what more information is worth. The language model is trained once a data set;
the seeds draw the majority rows, the synthetic rows, and the classifier's randomness.
"""

import argparse
import time
import warnings
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _results import append, half_interval, known
from imblearn.over_sampling import ADASYN, SMOTE, SMOTENC, RandomOverSampler
from nakada import DATASETS, GPT2_ROWS, SEEDS, SIDE, Problem, load, make_classifier, measure, read
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.utils.class_weight import compute_sample_weight
from tqdm.auto import tqdm

from sklw import FineTunedGenerator, LLMOverSampler, RecordedGenerator, SyntheticWeighter
from sklw.over_sampling import TableFilter, TableRows
from sklw.weighting import Auto

RESULTS = Path(__file__).parent / "results" / "nakada_fair.csv"
ROWS = Path(__file__).parent / "results" / "nakada_fair"
KEY = ["dataset", "classifier", "method", "step", "seed"]
METRICS = ["balanced_cross_entropy", "minority_cross_entropy", "group_cross_entropy"]
POOL = {0: 433, 1: 1300}  # synthetic rows of each label

CATEGORICAL = {
    "craft": ["X6"],
    "adult": [
        "workclass", "education", "marital-status", "occupation", "relationship", "race", "sex",
        "native-country",
    ],
}  # fmt: skip
CHECKER = RandomForestClassifier(min_samples_leaf=3, random_state=0)
WEIGHTERS: dict[str, dict[str, Any]] = {
    "llm+quality": {"method": "quality"},
    "llm+quality, T=2": {"method": "quality", "temperature": 2.0},
    "llm+imp": {"method": "imp"},
    "llm+auto": {"method": Auto(scoring="log_loss"), "class_weight": "balanced"},
}
_weights: dict[tuple[str, int], np.ndarray] = {}
PLAIN = ["none", "class_weight", "class_weight, calibrated"]
# "+": with 300 further synthetic rows of each label, at weight 0.5.
METHODS = [
    *PLAIN, "ros", "smote", "smotenc", "adasyn", "smote+", "columns apart",
    "llm", "llm+", *WEIGHTERS, "gpt2",
]  # fmt: skip


def generate(data: Path, dataset: str, source: str) -> pd.DataFrame:
    """Over-sample the seed rows far beyond what is needed, and keep the rows and the verdicts."""
    label = DATASETS[dataset][0]
    seed_rows = read(data, dataset, "seed")
    X, y = seed_rows.drop(columns=label), seed_rows[label]
    sizes = {value: 100 + n for value, n in POOL.items()}
    recorded = read(data, dataset, GPT2_ROWS)
    generator: Any = FineTunedGenerator()
    if source == "gpt2":
        generator = RecordedGenerator(
            recorded, text_column=None, label_column=label, shuffle=True, random_state=42
        )
    sampler = LLMOverSampler(
        generator=generator,
        sampling_strategy=sizes,
        accept=TableFilter(range_margin=0.1),
        random_state=0,
    )
    start = time.perf_counter()
    X_new, y_new = sampler.fit_resample(X, y)
    seconds = time.perf_counter() - start
    made = X_new.assign(**{label: y_new}).iloc[len(X) :]
    ROWS.mkdir(parents=True, exist_ok=True)
    made.to_csv(ROWS / f"{dataset}_{source}.csv", index=False)
    verdicts = sampler.provenance_["reason"].replace("", "accepted").value_counts().to_dict()
    speed = len(made) / seconds  # training included
    print(f"{dataset}, {source}: {len(made)} rows in {seconds:.0f} s, {speed:.1f}/s, {verdicts}")
    report_copies(data, dataset, made)
    return made


def report_copies(data: Path, dataset: str, made: pd.DataFrame) -> None:
    """Print how many rows equal a seed, another real, or a test row."""
    own = list((made + 0.0).itertuples(index=False, name=None))
    for name in ("seed", "train", "test"):
        real = set((read(data, dataset, name) + 0.0).itertuples(index=False, name=None))
        print(f"  equal to a {name} row: {np.mean([row in real for row in own]):.2%}")


def prompted(data: Path, dataset: str) -> None:
    """Show an untrained model rows in prompts, and say what becomes of 24 rows."""
    label, minority = DATASETS[dataset][0], 1
    rows = read(data, dataset, "seed")
    X, y = rows.drop(columns=label), rows[label]
    first = X.columns[0]
    for row_format in ("csv", "sentences"):
        sampler = LLMOverSampler(
            sampling_strategy={minority: int((y == minority).sum()) + 24},
            prompt=TableRows(row_format=row_format),
            accept=TableFilter(range_margin=0.1),
            max_attempts=3,
            on_shortfall="ignore",
            random_state=0,
        )
        X_new, _ = sampler.fit_resample(X, y)
        verdicts = sampler.provenance_["reason"].replace("", "accepted").value_counts().to_dict()
        means = [X_new[len(X) :][first].mean(), X[y == minority][first].mean(), X[first].mean()]
        print(f"{dataset}, {row_format}: {verdicts}; mean of {first}:", end=" ")
        print("new {:.2f}, real {:.2f}, real of all classes {:.2f}".format(*means))


def added_rows(
    problem: Problem, dataset: str, method: str, n: int, seed: int, pools: dict[str, pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Return `n` rows for the minority, and the augmentation if the method has one."""
    label, seed_rows = problem.label, problem.seed_rows.drop(columns=SIDE)
    name = method.split("+")[0]
    if name == "columns apart":
        return columns_apart(seed_rows, label, n, seed), None
    if name in pools:
        pool = pools[name].sample(frac=1, random_state=seed)
        ones, zeros = (pool[pool[label] == value] for value in (1, 0))
    else:
        X, y = seed_rows.drop(columns=label), seed_rows[label]
        settings: dict[str, Any] = {"sampling_strategy": {0: 400, 1: 100 + n + 300}}
        if name == "smotenc":
            columns = [X.columns.get_loc(column) for column in CATEGORICAL[dataset]]
            settings["categorical_features"] = columns
        samplers = {"smote": SMOTE, "smotenc": SMOTENC, "adasyn": ADASYN, "ros": RandomOverSampler}
        X_new, y_new = samplers[name](**settings, random_state=seed).fit_resample(X, y)
        pool = X_new.assign(**{label: y_new}).iloc[len(X) :].sample(frac=1, random_state=seed)
        ones, zeros = (pool[pool[label] == value] for value in (1, 0))
    if not method.endswith("+"):
        return ones.iloc[:n], None
    return ones.iloc[:n], pd.concat([ones.iloc[n : n + 300], zeros.iloc[:300]])


def columns_apart(rows: pd.DataFrame, label: str, n: int, seed: int) -> pd.DataFrame:
    """Return `n` rows said to be of the minority: a control that knows nothing of the classes.

    Each value is that of a row of either class, drawn without regard to the other columns.
    """
    rng = np.random.default_rng(seed)
    return rows.apply(lambda column: rng.choice(column, n)).assign(**{label: 1})


def run(
    problem: Problem,
    dataset: str,
    classifier: str,
    method: str,
    step: int,
    seed: int,
    pools: dict[str, pd.DataFrame],
) -> dict[str, float]:
    """Train and judge one cell."""
    label, n = problem.label, 100 * step
    majority = problem.majority.sample(n, random_state=seed)
    parts = [problem.seed_rows.drop(columns=SIDE), majority.drop(columns=SIDE)]
    n_real, beyond = 200 + n, None
    if method not in PLAIN:
        added, beyond = added_rows(problem, dataset, method, n, seed, pools)
        parts += [added] if beyond is None else [added, beyond]
    rows = pd.concat(parts, ignore_index=True)
    X, y = rows.drop(columns=label), rows[label].to_numpy(dtype=int)
    weights = np.ones(len(rows))
    if method in PLAIN[1:]:
        weights = compute_sample_weight("balanced", y)
    elif method in WEIGHTERS:
        weights = learned_weights(X, y, n_real, method)
    elif beyond is not None:
        weights[len(rows) - len(beyond) :] = 0.5
    model = make_classifier(classifier, seed)
    if method == "class_weight, calibrated":
        model = CalibratedClassifierCV(model)
    unweighted = bool((weights == 1).all())
    model.fit(X, y, sample_weight=None if unweighted else weights)
    return measure(problem, model)


def learned_weights(X: pd.DataFrame, y: np.ndarray, n_real: int, method: str) -> np.ndarray:
    """Weigh the rows after the first `n_real`, once for all classifiers."""
    key = (method, pd.util.hash_pandas_object(X).sum())
    if key not in _weights:
        settings = {"synthetic_weight": 1.0} | WEIGHTERS[method]
        if method != "llm+auto":  # which fits a checker for each candidate and fold
            settings |= {"checker": CHECKER}
        weighter = SyntheticWeighter(**settings, random_state=0)
        _weights[key] = weighter.fit(X, y, synthetic=np.arange(len(X)) >= n_real).sample_weight_
    return _weights[key]


def run_all(arguments: argparse.Namespace) -> None:
    """Run the missing cells and append them to the results."""
    warnings.filterwarnings("ignore", message=".*parents|.*lbfgs failed|.*judges on real rows")
    done = known(RESULTS, KEY)
    asked = [
        (dataset, classifier, method, step, seed)
        for dataset, step, method, seed, classifier in product(
            arguments.datasets, arguments.steps, arguments.methods, arguments.seeds,
            arguments.classifiers,
        )
    ]  # fmt: skip
    loaded: dict[str, tuple[Problem, dict[str, pd.DataFrame]]] = {}
    for cell in tqdm([cell for cell in asked if cell not in done]):
        dataset = cell[0]
        if dataset not in loaded:
            files = {source: ROWS / f"{dataset}_{source}.csv" for source in ("llm", "gpt2")}
            pools = {source: pd.read_csv(file) for source, file in files.items() if file.is_file()}
            loaded[dataset] = load(arguments.data, dataset, "imbalance", []), pools
        problem, pools = loaded[dataset]
        found = run(problem, dataset, *cell[1:], pools)
        append(RESULTS, dict(zip(KEY, cell, strict=True)) | found, digits=5)


def table(arguments: argparse.Namespace) -> None:
    """Print a table for each step: the mean over seeds, and the difference to SMOTE."""
    results = pd.read_csv(RESULTS, keep_default_na=False)
    for step in arguments.steps:
        print(f"\nBalanced cross-entropy, step {step}:\n")
        columns = list(product(arguments.datasets, arguments.classifiers))
        print(f"| method | {' | '.join(f'{d}, {c}' for d, c in columns)} |")
        print("|---" * (len(columns) + 1) + "|")
        scores = results[results["step"] == step].pivot_table(
            METRICS[0], ["method"], ["dataset", "classifier", "seed"]
        )
        for method in [name for name in METHODS if name in scores.index]:
            row = []
            for column in columns:
                if column not in scores.columns.droplevel("seed"):
                    continue
                values = scores.loc[method, column]
                row.append(f"{values.mean():.3f} {interval(values - scores.loc['smote', column])}")
            print(f"| {method} | {' | '.join(row)} |")


def interval(differences: pd.Series) -> str:
    """Write the 95 % interval of a mean difference, Student's over the seeds."""
    if not differences.any():
        return ""
    half = half_interval(differences)
    return f"[{differences.mean() - half:+.3f}, {differences.mean() + half:+.3f}]"


def main() -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=list(DATASETS))
    parser.add_argument("--classifiers", nargs="+", default=["rf", "xgb", "log"])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--steps", nargs="+", type=int, default=[9])
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    parser.add_argument("--generate", action="store_true", help="make the rows and stop")
    parser.add_argument("--prompted", action="store_true", help="show rows instead, and stop")
    parser.add_argument("--table", action="store_true", help="print the tables and stop")
    arguments = parser.parse_args()
    if arguments.generate:
        for dataset, source in product(arguments.datasets, ("gpt2", "llm")):
            generate(arguments.data, dataset, source)
    elif arguments.prompted:
        for dataset in arguments.datasets:
            prompted(arguments.data, dataset)
    elif arguments.table:
        table(arguments)
    else:
        run_all(arguments)


if __name__ == "__main__":
    main()
