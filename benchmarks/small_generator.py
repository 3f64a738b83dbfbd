"""Ways to better rows from a small generator: fine-tuning, contrastive decoding, other labels.

The embedded language model writes 100 rows of the rarest class of five training sets: SMS with 20,
50 and 100 spam beside 300 ham; tweets, 20 hateful beside 300 offensive and 150 neither (Davidson et
al., 2017); news of companies, 20 negative beside 200 neutral and 100 positive (Malo et al., 2014).
A judge, a BERT fine-tuned on thousands of real texts that the generator never sees, says whether
a text belongs to the class. Run it again to resume, or run parts of it::

    python benchmarks/small_generator.py --data DATA --sets sms-50 --seeds 0
    python benchmarks/small_generator.py

DATA has the folders ``sms_spam``, ``hate_offensive_davidson`` and ``financial_phrasebank``; without
it, the tables of what is there are printed. A cell takes one to four minutes on two idle cores.
"""

import argparse
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from _contrastive import (
    ContrastiveFineTuned,
    ContrastiveGenerator,
    OtherClassToo,
    OtherLabelToo,
)
from _pairs import Texts
from _results import known
from filelock import FileLock
from prompt_strategies import ASKING as ASKED
from prompt_strategies import balance, draw, interval
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, log_loss
from tqdm.auto import tqdm

from sklw import BertClassifier, FineTunedGenerator, LLMOverSampler, SyntheticWeighter, TextEmbedder
from sklw.datasets import load_texts
from sklw.inspection import diversity_report
from sklw.over_sampling import TextFilter
from sklw.weighting.methods import Evidence

RESULTS = Path(__file__).parent / "results" / "small_generator.csv"
KEPT = RESULTS.with_suffix("")
KEY = ["set", "arm", "seed"]
N_NEW, N_TEST = 100, 2000
CHOICE = 3  # the seed that strengths were chosen on
SETS: dict[str, dict[str, int]] = {
    "sms-20": {"spam": 20, "ham": 300},
    "sms-50": {"spam": 50, "ham": 300},
    "sms-100": {"spam": 100, "ham": 300},
    "hate-20": {"hate speech": 20, "offensive": 300, "neither": 150},
    "finance-20": {"negative": 20, "neutral": 200, "positive": 100},
}
ASKING = {
    "sms": ASKED["sms"],
    "hate": {"task": "Tweets"},
    "finance": {"task": "News of companies"},
}
ARMS: dict[str, dict[str, Any]] = {
    "examples": {},
    "examples, verified": {"accept": TextFilter(verifier="embedding")},
    "fine-tuned": {"generator": FineTunedGenerator(verbose=False)},
    "fine-tuned, contrast 0.25": {"generator": ContrastiveFineTuned(0.25)},
    **{
        f"contrast of classes, {strength}": {
            "generator": ContrastiveGenerator(strength),
            "prompt": OtherClassToo(),
        }
        for strength in (0.25, 0.5)
    },
    **{
        f"contrast of labels, {strength}": {
            "generator": ContrastiveGenerator(strength),
            "prompt": OtherLabelToo(),
        }
        for strength in (1.0, 3.0)
    },
}
REAL, CEILING, SOFT, HALF = "real rows", "100 more real rows", "relabelled", "half relabelled"
# Run on the seed of the choice alone.
NOT_CHOSEN = ["contrast of classes, 0.5", "contrast of labels, 1.0", "contrast of labels, 3.0"]
ALL_ARMS = [REAL, CEILING, *ARMS, SOFT, HALF]


def texts_of(name: str, data: Path) -> Texts:
    """Read the real texts of a task."""
    if name == "sms":
        file = next((data / "sms_spam").glob("SMSSpamCollection*"))
        return Texts.of(*load_texts(file, 1, 0, separator="\t", quotes=False, drop_duplicates=True))
    if name == "hate":
        frame = pd.read_csv(data / "hate_offensive_davidson" / "labeled_data.csv.gz")
        texts, names = frame["tweet"], ["hate speech", "offensive", "neither"]
        labels = frame["class"]
    else:
        frame = pd.read_csv(data / "financial_phrasebank" / "sentences_66agree.csv.gz")
        texts, names = frame["sentence"], ["negative", "neutral", "positive"]
        labels = frame["label"]
    return Texts.of(texts.str.split().str.join(" "), labels.map(dict(enumerate(names))))


def split(name: str, data: Path) -> tuple[Texts, Texts, Texts]:
    """Return what training sets are drawn from, the test set, and what the judge is trained on.

    At most 2,000 rows of a class are the judge's.
    """
    everything = texts_of(name, data)
    rng = np.random.default_rng(0)
    everything = everything[rng.permutation(len(everything))]
    pool, test, rest = np.split(np.arange(len(everything)), [1500, 1500 + N_TEST])
    if name == "hate":  # one tweet in twenty is: the pool would need 2,000, the judge has enough
        pool, test, rest = np.split(np.arange(len(everything)), [2000, 2000 + N_TEST])
    elif name == "finance":
        pool, test, rest = np.split(np.arange(len(everything)), [1000, 2200])
    ranks = pd.Series(everything.labels[rest]).groupby(everything.labels[rest]).cumcount()
    return everything[pool], everything[test], everything[rest[ranks < 2000]]


def judge_of(name: str, large: Texts) -> BertClassifier:
    """Train the judge once."""
    path = KEPT / f"judge_{name}.joblib"
    if not path.is_file():
        judge = BertClassifier(class_weight="balanced", label_smoothing=0.0, random_state=0)
        path.parent.mkdir(parents=True, exist_ok=True)
        joblib.dump(judge.fit(large.texts, large.labels), path)
    return joblib.load(path)


def generated(
    name: str, real: Texts, rare: str, arm: str, seed: int
) -> tuple[Any, Any, Any, Any, dict[str, float]]:
    """Write the rows of an arm; the last value is what writing took."""
    settings = dict(ARMS[arm])
    sampler = LLMOverSampler(
        sampling_strategy={rare: int((real.labels == rare).sum()) + N_NEW},
        max_attempts=10,
        cache=KEPT / "answers",
        on_shortfall="ignore",
        random_state=seed,
        verbose=False,
        **ASKING[name.split("-")[0]],
        **settings,
    )
    start = time.perf_counter()
    X, y = sampler.fit_resample(real.texts, real.labels)
    seconds = time.perf_counter() - start
    reasons = sampler.provenance_["reason"]
    spent = sampler.provenance_[["prompt_tokens", "completion_tokens"]]
    cost = {
        "candidates": float((reasons != "surplus").sum()),
        "copies": float(reasons.str.startswith(("copied", "duplicate")).sum()),
        "tokens": float(spent.to_numpy().sum()),
        "seconds": seconds,
    }
    return X, y, sampler.synthetic_mask_, sampler.parent_indices_, cost


def relabelled(X: Any, y: Any, made: Any, parents: Any, keep: float) -> tuple[Any, Any, Any]:
    """Give each new row the labels that a checker of the real rows sees in it, as weighted copies.

    `keep` is the part of its weight that stays with the label it was asked for.
    """
    vectors = TextEmbedder().fit_transform(X)
    seen = [np.array([at]) if not made[at] else shown for at, shown in enumerate(parents)]
    evidence = Evidence(vectors, y, made, vectors[~made], y[~made], seen)
    checker = evidence.checker(LogisticRegression(C=10.0, max_iter=1000))
    checker.random_state, checker.class_prior = 0, None
    found = checker.fit(vectors[~made], y[~made]).probabilities(vectors, y, seen)[made]
    targets = keep * (y[made][:, None] == checker.classes_) + (1 - keep) * found
    at, label = np.nonzero(targets > 1e-3)
    new, classes = X[made][at], checker.classes_[label]
    weights = np.append(np.ones((~made).sum()), targets[at, label])
    return np.append(X[~made], new), np.append(y[~made], classes), weights


def scores(texts: Any, labels: Any, weights: Any, test: Texts) -> Iterator[tuple[str, float]]:
    """Yield macro-F1 and log-loss of both classifiers, classes weighted equally."""
    labels = np.asarray(labels).astype(str)
    totals = pd.Series(weights).groupby(labels).transform("sum").to_numpy()
    balanced = weights * len(labels) / totals / len(np.unique(labels))
    bags = TfidfVectorizer(sublinear_tf=True).fit(texts)
    embed = TextEmbedder().fit_transform
    for name, transform in (("embedding", embed), ("tfidf", bags.transform)):
        model = LogisticRegression(C=10.0, max_iter=2000)
        model.fit(transform(texts), labels, balanced)
        found, truth = model.predict_proba(transform(test.texts)), test.labels.astype(str)
        yield f"f1_{name}", f1_score(truth, model.classes_[found.argmax(1)], average="macro")
        yield f"loss_{name}", log_loss(truth, found, labels=model.classes_)


def run(task: Any, name: str, arm: str, seed: int) -> dict[str, float]:
    """Write the rows of one cell, judge them and train on them."""
    pool, test, large, judge = task
    sizes = SETS[name]
    rare = next(iter(sizes))
    real = draw(pool, sizes, seed)
    if arm == REAL:
        recall = (judge.predict(test.texts[test.labels == rare]) == rare).mean()
        alone = dict(scores(real.texts, real.labels, balance(real.labels), test))
        return {"right": recall, **alone}
    if arm == CEILING:
        X, y = (np.append(a, b[large.labels == rare][:N_NEW]) for a, b in
                ((real.texts, large.texts), (real.labels, large.labels)))  # fmt: skip
        return dict(scores(X, y, balance(y), test))
    source = arm if arm in ARMS else "examples"
    X, y, made, parents, cost = generated(name, real, rare, source, seed)
    if arm in (SOFT, HALF):
        return dict(scores(*relabelled(X, y, made, parents, 0.5 if arm == HALF else 0.0), test))
    report = diversity_report(X, y, made, parents).xs("synthetic", level="source").loc[rare]
    weighter = SyntheticWeighter(random_state=0, class_weight="balanced")
    weighter.fit(X, y, made, parents)
    weighted = scores(X, y, weighter.sample_weight_, test)
    return {
        "rows": float(made.sum()),
        **cost,
        "right": (judge.predict(X[made]) == rare).mean(),
        **{column: report[column] for column in ("distinct_2", "spread", "distance_to_real")},
        **dict(scores(X, y, balance(y), test)),
        **{f"{metric}_weighted": value for metric, value in weighted},
    }


def run_all(arguments: argparse.Namespace) -> None:
    """Run what is missing."""
    for name in arguments.sets:
        task: Any = None
        cells = [(name, arm, seed) for seed in arguments.seeds for arm in arguments.arms]
        for cell in tqdm(cells, desc=name):
            if cell in known(RESULTS, KEY):
                continue
            if task is None:
                parts = split(name.split("-")[0], arguments.data)
                task = (*parts, judge_of(name.split("-")[0], parts[2]))
            found = pd.DataFrame([dict(zip(KEY, cell, strict=True)) | run(task, *cell)])
            with FileLock(KEPT / "lock"):  # several sets may run at a time
                before = pd.read_csv(RESULTS) if RESULTS.is_file() else found[:0]
                pd.concat([before, found]).to_csv(RESULTS, index=False, float_format="%.4f")


def table(results: pd.DataFrame, keys: list[str]) -> None:
    """Print a line for each arm; brackets are intervals of the difference to the real rows.

    Arms are compared on the cells that they have, with the real rows of the same cells.
    """
    f1 = ["f1_embedding", "f1_embedding_weighted", "f1_tfidf", "f1_tfidf_weighted"]
    columns = ["cells", "right class", "copies", "distinct-2", "tokens a row", "seconds"]
    heads = ["embeddings", "and weighted", "TF-IDF", "and weighted"]
    print(f"| rows | {' | '.join(columns + heads)} |\n|---{'|---:' * 10}|")
    real = results[results["arm"] == REAL].set_index(keys)
    for arm in ALL_ARMS:
        part = results[results["arm"] == arm].set_index(keys)
        if not len(part):
            continue
        of = part.mean(numeric_only=True)
        cells = [
            str(len(part)),
            f"{of['right']:.2f}",
            f"{(part['copies'] / part['candidates']).mean():.2f}",
            f"{of['distinct_2']:.2f}",
            f"{(part['tokens'] / part['rows']).mean():.0f}",
            f"{of['seconds']:.0f}",
        ]
        for column in f1:
            gaps = 100 * (part[column] - real[column.removesuffix("_weighted")]).dropna()
            value = f"{gaps.mean():+.1f}{interval(gaps)}"
            cells.append(f"{100 * of[column]:.1f}" if arm == REAL else value)
        print(f"| {arm} | {' | '.join(cells)} |".replace("+nan", "").replace("nan", ""))


def tables() -> None:
    """Print the tables of all sets and of each."""
    results = pd.read_csv(RESULTS)
    chosen_on = results[results["seed"] == CHOICE]
    results = results[results["seed"] != CHOICE]
    table(results, ["set", "seed"])
    for name in SETS:
        print(f"\n**{name}**\n")
        table(results[results["set"] == name], ["seed"])
        if (chosen_on["set"] == name).any():
            print(f"\n**{name}, the seed used to choose the settings**\n")
            table(chosen_on[chosen_on["set"] == name], ["seed"])


def main() -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of the copies; none prints the tables")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    chosen = [arm for arm in ALL_ARMS if arm not in NOT_CHOSEN]
    parser.add_argument("--arms", nargs="+", choices=ALL_ARMS, default=chosen)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    if arguments.data:
        run_all(arguments)
    else:
        tables()


if __name__ == "__main__":
    main()
