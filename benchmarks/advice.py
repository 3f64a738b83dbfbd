"""How right `sklw.advise` is about what twice the rows of a rare class would bring.

For each corpus, number of rare rows (beside at most 750 of each other class) and seed, a
training set is drawn and advised on. Then as many further real rows of the rare class are added,
ten times over: the true gain is the mean by which the score on all rows left over rises, these
weighted so that the classes have the same shares as in the training set::

    python benchmarks/advice.py --data DATA --seeds 100 101 102

Class weights are tuned before and after, as `advise` assumes: the power of the classes' shares that
scores best on the training set in cross-validation. The method was developed with seeds 0 to 7, its
noise and law with 0 to 2.
About half an hour on one core.
"""

import argparse
import gzip
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from _pairs import Texts, load_pair
from _results import append, known
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, f1_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.preprocessing import FunctionTransformer

from sklw import TextEmbedder, advise
from sklw.datasets import load_texts

RESULTS = Path(__file__).parent / "results" / "advice.csv"
KEY = ["corpus", "n_rows", "seed"]
Scorer = Callable[..., float]
SCORINGS: dict[str, Scorer] = {
    "balanced_accuracy": balanced_accuracy_score,
    "f1_macro": partial(f1_score, average="macro"),
}
POWERS = np.linspace(-1, 1, 41)
WORTH = 0.01
MOST_ROWS, N_DOUBLINGS = 1500, 10


def main() -> None:
    arguments = parse_arguments()
    done = known(arguments.output, KEY)
    corpora = {name: CORPORA[name](arguments.data) for name in arguments.corpora}
    embeddings = embed(list(corpora.values()), arguments.embeddings)
    for seed in arguments.seeds:
        for name, data in corpora.items():
            for n_rare in arguments.sizes:
                if (name, n_rare, seed) not in done:
                    append(arguments.output, *evaluate(name, data, n_rare, seed, embeddings))
    print(table(pd.read_csv(arguments.output)))


def embed(corpora: list[Texts], path: Path | None) -> FunctionTransformer:
    """Return a transformer that has embedded all texts, and keep what it knows."""
    known = joblib.load(path) if path is not None and path.is_file() else {}
    missing = sorted({text for data in corpora for text in data.texts} - set(known))
    if missing:
        known |= dict(zip(missing, TextEmbedder().transform(missing), strict=True))
        if path is not None:
            joblib.dump(known, path)
    return FunctionTransformer(lambda texts: np.stack([known[text] for text in texts]))


def evaluate(
    corpus: str, data: Texts, n_rare: int, seed: int, embeddings: FunctionTransformer
) -> list[dict[str, Any]]:
    """Compare the advice on a training set with what more rows bring."""
    random = np.random.default_rng(seed)
    labels, counts = np.unique(data.labels, return_counts=True)
    rare = labels[counts.argmin()]
    train, test, further = [], [], np.array([], dtype=int)
    for label in labels:
        rows = random.permutation(np.flatnonzero(data.labels == label))[:MOST_ROWS]
        half = len(rows) // 2
        test.append(rows[half:])
        train.append(rows[: n_rare if label == rare else half])
        if label == rare:
            further = rows[n_rare:half]
    if len(further) < n_rare:
        return []
    given, held_out = np.concatenate(train), np.concatenate(test)
    X, y = embeddings.transform(data.texts), data.labels
    codes = np.searchsorted(labels, y)
    shares = np.bincount(codes[given]) / len(given)
    before = scores(X, codes, given, held_out, shares)
    doublings = [random.choice(further, n_rare, replace=False) for _ in range(N_DOUBLINGS)]
    after = [scores(X, codes, np.append(given, more), held_out, shares) for more in doublings]
    true = np.mean(after, axis=0) - before
    found = []
    for scoring, gain in zip(SCORINGS, true, strict=True):
        start = time.perf_counter()
        advice = advise(
            data.texts[given],
            y[given],
            scoring=scoring,
            worth=WORTH,
            encoder=embeddings,
            random_state=seed,
        )
        row = advice.frame.loc[rare]
        cell = {"corpus": corpus, "n_rows": n_rare, "seed": seed, "scoring": scoring}
        cell |= {"true": gain, **row[["gain", "low", "high", "verdict"]]}
        found.append(cell | {"seconds": time.perf_counter() - start})
    return found


def scores(
    X: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray, shares: np.ndarray
) -> np.ndarray:
    """Score tuned class weights on rows whose classes have these shares."""
    model = LogisticRegression(max_iter=1000, class_weight="balanced")
    cv = StratifiedKFold(shuffle=True, random_state=0)
    known = cross_val_predict(model, X[train], y[train], cv=cv, method="predict_log_proba")
    new = model.fit(X[train], y[train]).predict_log_proba(X[test])

    def score(scorer: Scorer, rows: np.ndarray, log_proba: np.ndarray, power: float) -> float:
        chosen = (log_proba + power * np.log(shares)).argmax(axis=1)
        weights = shares[y[rows]] / np.bincount(y[rows])[y[rows]]
        return scorer(y[rows], chosen, sample_weight=weights)

    found = []
    for scorer in SCORINGS.values():
        best = max(POWERS, key=partial(score, scorer, train, known))
        found.append(score(scorer, test, new, best))
    return np.array(found)


def table(results: pd.DataFrame) -> str:
    """Summarise errors, coverage and verdicts, in points."""
    frame = results.assign(
        error=100 * (results["gain"] - results["true"]).abs(),
        error_of_none=100 * results["true"].abs(),
        bias=100 * (results["gain"] - results["true"]),
        covered=100 * results["true"].between(results["low"], results["high"]),
        worth=results["true"] >= WORTH,
        true=100 * results["true"],
        predicted=100 * results["gain"],
    )
    columns = ["true", "predicted", "bias", "error", "error_of_none", "covered"]
    keys = ["scoring", "n_rows"]
    parts = []
    for by in (keys, [*keys[:1], "corpus"]):
        groups = frame.groupby(by)
        part = groups[columns].mean()
        for verdict in ("worth trying", "hardly worth it"):
            said = frame[frame["verdict"] == verdict]
            right = said["worth"] == (verdict == "worth trying")
            n_said = said.groupby(by).size().reindex(part.index, fill_value=0)
            n_right = right.groupby([said[key] for key in by]).sum()
            n_right = n_right.reindex(part.index, fill_value=0).astype(int)
            part[verdict] = n_right.astype(str) + "/" + n_said.astype(str)
        part["worth in truth"] = groups["worth"].sum().astype(str) + "/" + groups.size().astype(str)
        parts.append(part.reset_index().to_markdown(index=False, floatfmt=".1f"))
    return "\n\n".join(parts)


def _sms(data: Path) -> Texts:
    path = data / "sms_spam" / "SMSSpamCollection.gz"
    return Texts.of(*load_texts(path, 1, 0, separator="\t", quotes=False, drop_duplicates=True))


def _hate(data: Path) -> Texts:
    frame = pd.read_csv(data / "hate_offensive_davidson" / "labeled_data.csv.gz")
    frame = pd.concat(
        [rows.sample(min(len(rows), 4000), random_state=0) for _, rows in frame.groupby("class")]
    )
    return Texts.of(frame["tweet"], frame["class"])


def _phrasebank(data: Path) -> Texts:
    frame = pd.read_csv(data / "financial_phrasebank" / "sentences_50agree.csv.gz")
    return Texts.of(frame["sentence"], frame["label"])


def _irony(data: Path) -> Texts:
    folder = data / "tweeteval" / "irony"
    with gzip.open(folder / "train_text.txt.gz", "rt", encoding="utf-8") as file:
        texts = file.read().rstrip("\n").split("\n")
    labels = (folder / "train_labels.txt").read_text(encoding="utf-8").split()
    return Texts.of(texts, labels)


def _real_rows_of(pair: str) -> Callable[[Path], Texts]:
    def read(data: Path) -> Texts:
        found = load_pair(pair, data)
        parts = [found.small, found.large, found.test]
        return Texts.of(
            np.concatenate([part.texts for part in parts]),
            np.concatenate([part.labels for part in parts]),
        )

    return read


CORPORA: dict[str, Callable[[Path], Texts]] = {
    "SMS spam": _sms,
    "hate speech": _hate,
    "hyperbole": _real_rows_of("hyperbole-gpt4"),
    "sentiment": _real_rows_of("sentiment-gpt4"),
    "sarcasm": _real_rows_of("sarcasm-simple"),
    "irony": _irony,
    "phrasebank": _phrasebank,
    "AG news": _real_rows_of("agnews-gpt35"),
}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--corpora", nargs="+", default=list(CORPORA), choices=list(CORPORA))
    parser.add_argument("--sizes", nargs="+", type=int, default=[20, 50, 100])
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(100, 105)))
    parser.add_argument("--embeddings", type=Path, help="file to keep the embeddings in")
    parser.add_argument("--output", type=Path, default=RESULTS, help="default: %(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    main()
