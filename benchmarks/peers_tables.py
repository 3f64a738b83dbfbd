"""Rows of five tables by sklw and by the packages that do the same.

Every generator learns the same 100 to 200 seed rows, half of each class, and writes rows of the
minority, in a process of its own; classifiers are then trained on the seed rows, more real rows of
the majority, and as many written ones. ``pip install be_great sdv mostlyai-engine realtabformer
statsmodels``, then (it resumes)::

    python benchmarks/peers_tables.py --data DATA --generate
    python benchmarks/peers_tables.py --data DATA
    python benchmarks/peers_tables.py

The first takes an hour and a half on two cores. `craft` and `adult` are those of ``nakada.py``;
`breast_cancer` comes with scikit-learn, `affairs` (``fair``) and `vote` (``anes96``) with
statsmodels. REaLTabFormer 0.2.4 needs ``transformers<5`` and ``datasets<4``, so an environment of
its own.
"""

import argparse
import resource
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
from _results import append, known
from imblearn.over_sampling import ADASYN, SMOTE, SMOTENC
from nakada import DATASETS, SIDE, load, make_classifier
from nakada_fair import CATEGORICAL, columns_apart, interval
from scipy.stats import ttest_ind
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import f1_score, log_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_sample_weight
from tqdm.auto import tqdm

RESULTS = Path(__file__).parent / "results"
SCORES, GENERATED = RESULTS / "peers_tables.csv", RESULTS / "peers_tables_generated.csv"
ROWS = RESULTS / "peers_tables"
METRICS = ["balanced_log_loss", "macro_f1", "roc_auc"]
KEY = ["table", "classifier", "method", "training", "seed"]
SIZES = {"craft": (100, 400), "adult": (100, 400), "affairs": (100, 400),
         "breast_cancer": (50, 120), "vote": (75, 200)}  # fmt: skip # seed rows a class, more
PLAIN = ["none", "class weights", "class weights, calibrated"]
SAMPLERS = [*PLAIN, "SMOTE", "SMOTENC", "ADASYN", "columns apart"]
WRITERS = ["sklw", "be_great", "REaLTabFormer", "GaussianCopula", "CTGAN", "MostlyAI"]
# A control: seed rows of the majority in place of a tenth of sklw's rows.
CONTROL = "sklw, a tenth wrong"
SEEDS = [1, 2, 6, 8, 42]
TRAININGS = 3  # of each generator, at most


@dataclass
class Table:
    """A table whose label is 1 in the minority."""

    label: str
    categorical: list[str]
    seed_rows: pd.DataFrame
    majority: pd.DataFrame
    test: pd.DataFrame


def read(name: str, data: Path) -> Table:
    """Read a table and split it."""
    n, _ = SIZES[name]
    if name in DATASETS:
        problem = load(data, name, "imbalance", [])
        parts = (problem.seed_rows, problem.majority, problem.test)
        kept = [part.drop(columns=SIDE) for part in parts]
        return Table(problem.label, CATEGORICAL[name], *kept)
    if name == "breast_cancer":
        loaded = load_breast_cancer(as_frame=True)
        rows = loaded.data.iloc[:, :10].assign(label=1 - loaded.target)
        categorical = []
    else:
        from statsmodels.datasets import anes96, fair

        frame = (fair if name == "affairs" else anes96).load_pandas().data
        if name == "affairs":
            rows = frame.drop(columns="affairs").assign(label=(frame["affairs"] > 0).astype(int))
            categorical = ["religious", "occupation", "occupation_husb"]
        else:
            rows = frame.drop(columns=["vote", "logpopul"]).assign(label=frame["vote"].astype(int))
            categorical = ["PID"]
    train, test = train_test_split(rows, test_size=0.5, stratify=rows["label"], random_state=0)
    sides = [train[train["label"] == value] for value in (0, 1)]
    seed_rows = pd.concat([side[:n] for side in sides], ignore_index=True)
    return Table("label", categorical, seed_rows, sides[0][n:], test)


def written(name: str, method: str, training: int) -> Path:
    """Return the file of the rows that a generator wrote."""
    return ROWS / f"{name}_{'sklw' if method == CONTROL else method}_{training}.csv"


def generate(name: str, method: str, arguments: argparse.Namespace) -> None:
    """Write rows of the minority, and measure it."""
    from rivals.tables import GENERATORS

    table = read(name, arguments.data)
    n = round(1.25 * SIZES[name][1])
    generator = GENERATORS[method](table.label, table.categorical, arguments.training)
    start = time.perf_counter()
    generator.fit(table.seed_rows.copy())
    fitted = time.perf_counter()
    made = generator.sample(1, n)
    done = time.perf_counter()
    real = table.seed_rows
    made = made[real.columns].apply(pd.to_numeric, errors="coerce")
    own = made.round(6).apply(tuple, axis=1)
    ROWS.mkdir(parents=True, exist_ok=True)
    made.to_csv(written(name, method, arguments.training), index=False)
    found = {
        "table": name,
        "method": method,
        "training": arguments.training,
        "rows": len(made),
        "valid": share_valid(table, made),
        "copies": own.isin(real.round(6).apply(tuple, axis=1)).mean(),
        "repeated": own.duplicated().mean(),
        "fit_seconds": None if arguments.untimed else fitted - start,
        "rows_per_second": None if arguments.untimed else len(made) / (done - fitted),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    append(GENERATED, found)


def share_valid(table: Table, made: pd.DataFrame) -> float:
    """Return the share with the right label and values as there are in real rows, used or not."""
    real = pd.concat([table.seed_rows, table.majority, table.test])
    inside = made.apply(lambda c: c.between(real[c.name].min(), real[c.name].max()))
    inside[table.categorical] = made[table.categorical].apply(lambda c: c.isin(real[c.name]))
    return float((inside.all(axis=1) & (made[table.label] == 1)).mean())


def share_beyond(table: Table, rows: pd.DataFrame) -> float:
    """Return the share of rows with a number beyond the range of the seed rows."""
    real = table.seed_rows.drop(columns=table.categorical)
    inside = real.apply(lambda c: rows[c.name].between(c.min(), c.max()))
    return float(1 - inside.all(axis=1).mean())


def print_likeness(table: Table, name: str, arms: list[tuple[str, int]]) -> None:
    """Print how many rows lie beyond the seed rows, and how much they look like the minority.

    That is the mean probability that a forest of the test rows gives to them; each real one is
    judged by the trees that have not seen it.
    """
    X, y = table.test.drop(columns=table.label), table.test[table.label].to_numpy(dtype=int)
    forest = RandomForestClassifier(
        500, min_samples_leaf=3, class_weight="balanced", oob_score=True, random_state=0
    ).fit(X, y)
    found = {"real": (table.test[y == 1], forest.oob_decision_function_[y == 1])}
    for method, training in arms:
        made = pd.read_csv(written(name, method, training))
        own = made[made[table.label] == 1].dropna().drop(columns=table.label)
        found[f"{method}, training {training}"] = made, forest.predict_proba(own)
    for origin, (rows, judged) in found.items():
        print(f"{name}, {origin}: {share_beyond(table, rows):.1%} beyond the seed rows, "
              f"{judged[:, 1].mean():.2f} like the class")  # fmt: skip


def oversampled(table: Table, method: str, rows: pd.DataFrame, n: int, seed: int) -> pd.DataFrame:
    """Return `n` rows of the minority that an over-sampler adds to the seed rows."""
    if method == "columns apart":
        return columns_apart(rows, table.label, n, seed)
    X, y = rows.drop(columns=table.label), rows[table.label]
    samplers = {"SMOTE": SMOTE, "ADASYN": ADASYN, "SMOTENC": SMOTENC}
    settings: dict[str, Any] = {"sampling_strategy": {1: int((y == 1).sum()) + n}}
    if method == "SMOTENC":
        settings["categorical_features"] = [X.columns.get_loc(c) for c in table.categorical]
    X_new, y_new = samplers[method](**settings, random_state=seed).fit_resample(X, y)
    return X_new.assign(**{table.label: y_new}).iloc[len(X) :]


def run(
    name: str, classifier: str, method: str, training: int, seed: int, table: Table
) -> dict[str, float]:
    """Train and judge one cell."""
    n = SIZES[name][1]
    majority = table.majority.sample(min(n, len(table.majority)), random_state=seed)
    parts = [table.seed_rows, majority]
    if method in [*WRITERS, CONTROL]:
        made = pd.read_csv(written(name, method, training)).dropna()
        made = made[made[table.label] == 1]
        made = made.sample(min(len(majority), len(made)), random_state=seed)
        if method == CONTROL:
            others = table.seed_rows[table.seed_rows[table.label] == 0]
            wrong = others.sample(len(made) // 10, random_state=seed).assign(**{table.label: 1})
            made = pd.concat([made.iloc[len(wrong) :], wrong])
        parts.append(made)
    elif method not in PLAIN:
        parts.append(oversampled(table, method, table.seed_rows, len(majority), seed))
    rows = pd.concat(parts, ignore_index=True)
    y = rows[table.label].to_numpy(dtype=int)
    weights = compute_sample_weight("balanced", y) if method in PLAIN[1:] else None
    model = make_classifier(classifier, seed)
    if method == "class weights, calibrated":
        model = CalibratedClassifierCV(model)
    model.fit(rows.drop(columns=table.label), y, sample_weight=weights)
    found = model.predict_proba(table.test.drop(columns=table.label))
    truth = table.test[table.label].to_numpy(dtype=int)
    balanced = compute_sample_weight("balanced", truth)
    return {
        "balanced_log_loss": log_loss(truth, found, sample_weight=balanced, labels=[0, 1]),
        "macro_f1": f1_score(truth, found.argmax(axis=1), average="macro"),
        "roc_auc": roc_auc_score(truth, found[:, 1]),
    }


def generate_all(arguments: argparse.Namespace) -> None:
    """Run what is missing, each in a process of its own, so that its memory is its own."""
    done = known(GENERATED, ["table", "method", "training"])
    methods = [method for method in arguments.methods if method in WRITERS]
    cells = product(arguments.tables, methods)
    for cell in tqdm([c for c in cells if (*c, arguments.training) not in done]):
        command = [sys.executable, __file__, "--data", str(arguments.data), "--one", *cell,
                   "--training", str(arguments.training)]  # fmt: skip
        command += ["--untimed"] * arguments.untimed
        if subprocess.run(command, check=False).returncode:
            print(f"{cell[1]} failed on {cell[0]}")


def score_all(arguments: argparse.Namespace) -> None:
    """Train what is missing, and print how far rows lie from the seed rows and the class."""
    warnings.filterwarnings("ignore", message=".*lbfgs failed")
    done = known(SCORES, KEY)
    for name in arguments.tables:
        table = read(name, arguments.data)
        arms = [(m, t) for m, t in product([*WRITERS, CONTROL], range(TRAININGS))
                if m in arguments.methods and written(name, m, t).is_file()]  # fmt: skip
        print_likeness(table, name, [arm for arm in arms if arm[0] != CONTROL])
        arms += [(m, 0) for m in SAMPLERS if m in arguments.methods]
        for classifier, arm, seed in tqdm(list(product(["rf", "xgb", "log"], arms, SEEDS)), name):
            cell = (classifier, *arm, seed)
            no_categories = arm[0] == "SMOTENC" and not table.categorical
            if (name, *cell) not in done and not no_categories:
                append(SCORES, dict(zip(KEY, (name, *cell), strict=True)) | run(name, *cell, table))


def print_tables() -> None:
    """Print what was written, and the scores with the difference to SMOTE."""
    print("| table | method | rows | valid | copies | training | rows a second | "
          "training and 1,000 rows | peak memory |\n|---|---" + "|---:" * 7 + "|")  # fmt: skip
    generated = pd.read_csv(GENERATED).groupby(["table", "method"]).mean()
    for (name, method), of in generated.loc[list(SIZES)].iterrows():
        fit, speed = of["fit_seconds"], of["rows_per_second"]
        times = f"{fit:.1f} s | {speed:,.0f} | {fit + 1000 / speed:,.0f} s"
        if pd.isna(fit):  # beside other jobs
            times = " | | "
        print(f"| {name} | {method} | {of['rows']:.0f} | {of['valid']:.1%} | "
              f"{of['copies']:.1%} | {times} | {of['peak_mib']:,.0f} MiB |")  # fmt: skip
    scores = pd.read_csv(SCORES)
    for metric, classifier in product(METRICS, ("rf", "xgb", "log")):
        print(f"\n{metric}, {classifier}:\n")
        of = scores[scores["classifier"] == classifier]
        wide = of.pivot_table(metric, "method", ["table", "seed"])  # means over trainings
        print(f"| method | {' | '.join(SIZES)} |\n" + "|---" * (len(SIZES) + 1) + "|")
        for method in [m for m in [*SAMPLERS, *WRITERS, CONTROL] if m in wide.index]:
            cells = []
            for name in SIZES:
                values = wide.loc[method, name] if name in wide.columns.levels[0] else pd.Series()
                if values.isna().all():
                    cells.append("")
                    continue
                gaps = values - wide.loc["SMOTE", name]
                cells.append(f"{values.mean():.3f} {interval(gaps)}")
            print(f"| {method} | {' | '.join(cells)} |")
        print_trainings(of, metric)
    for metric, classifiers in product(METRICS, (["rf", "xgb", "log"], ["rf", "xgb"])):
        print_wins(scores[scores["classifier"].isin(classifiers)], metric)


def print_wins(scores: pd.DataFrame, metric: str) -> None:
    """Print in how many comparisons the method of a row is better than that of a column."""
    means = scores.pivot_table(metric, ["table", "classifier"], "method")
    means = means * (-1 if metric == "balanced_log_loss" else 1)
    wins = pd.DataFrame({other: means.gt(means[other], axis=0).sum() for other in means})
    print(f"\n{metric}, comparisons won of {len(means)}:\n\n{wins.to_string()}")
    writers = means[[method for method in WRITERS if method in means]]
    print(f"best of the packages: {writers.idxmax(axis=1).value_counts().to_dict()}")
    ahead = means.gt(writers.max(axis=1), axis=0).sum()
    print(f"better than all of them: {ahead[ahead > 0].to_dict()}")


def print_trainings(scores: pd.DataFrame, metric: str) -> None:
    """Print the lowest and highest mean of each generator's trainings, and the gap to sklw."""
    of = scores[scores["method"].isin(WRITERS)]  # a control has no trainings of its own
    means = of.groupby(["table", "method", "training"])[metric].mean()
    for name in SIZES:
        own = means[name, "sklw"]
        for method in means[name].index.unique("method"):
            found = means[name, method]
            if len(found) == 1:
                continue
            line = f"{name}, {method}: {found.min():.3f} to {found.max():.3f}"
            if method != "sklw" and len(own) > 1:
                gap = ttest_ind(own, found, equal_var=False).confidence_interval()
                line += f", sklw less {method} {own.mean() - found.mean():+.3f} "
                line += f"[{gap.low:+.3f}, {gap.high:+.3f}]"
            print(line)


def main() -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of the copies; none prints the tables")
    parser.add_argument("--tables", nargs="+", choices=SIZES, default=list(SIZES))
    methods = [*SAMPLERS, *WRITERS, CONTROL]
    parser.add_argument("--methods", nargs="+", choices=methods, default=methods)
    parser.add_argument("--generate", action="store_true", help="write the rows and stop")
    parser.add_argument("--training", type=int, default=0, help="seed of the generators")
    parser.add_argument("--untimed", action="store_true", help="other jobs run; keep no seconds")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.data is None:
        print_tables()
    elif arguments.one:
        generate(*arguments.one, arguments)
    elif arguments.generate:
        generate_all(arguments)
    else:
        score_all(arguments)


if __name__ == "__main__":
    main()
