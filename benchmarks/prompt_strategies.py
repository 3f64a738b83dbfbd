"""What each prompt strategy is worth, with the embedded language model.

Two sets of real texts: SMS spam (50 spam and 500 ham, 150 spam wanted) and tweets by sentiment (60
of each of three classes, 30 more of each wanted). A judge, fine-tuned on thousands of real texts
that the generator never sees, says whether a generated text belongs to its class. Run it again to
resume::

    python benchmarks/prompt_strategies.py --data DATA
    python benchmarks/prompt_strategies.py --data DATA --table

DATA has the folders ``sms_spam`` (SMSSpamCollection.gz) and ``parrot_dilemma``. A cell takes about
a minute on two idle cores.
"""

import argparse
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _pairs import Texts, load_pair
from _results import half_interval, known
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, recall_score
from tqdm.auto import tqdm

from sklw import BertClassifier, LLMOverSampler, SyntheticWeighter, TextEmbedder
from sklw.datasets import load_texts
from sklw.inspection import diversity_report
from sklw.over_sampling import Attributes, TextFilter

RESULTS = Path(__file__).parent / "results" / "prompt_strategies.csv"
KEY = ["dataset", "variant", "seed"]
ASKING: dict[str, dict[str, Any]] = {
    "sms": {
        "task": "SMS messages",
        "label_descriptions": {
            "ham": "a private message between friends, family or colleagues",
            "spam": "unwanted advertising: prizes, ringtones, dating lines, offers with a number "
            "to call",
        },
    },
    "sentiment": {"task": "Tweets"},
}
ATTRIBUTES = {
    "sms": {
        "topic": ["a prize draw", "a phone upgrade", "ringtones", "a dating line", "a loan",
                  "a holiday", "a quiz", "a chat service", "a voucher", "a subscription"],
        "tone": ["urgent", "friendly", "official", "excited"],
        "length": "match",
    },
    "sentiment": {
        "topic": ["a football match", "a new film", "music", "an election", "work", "school",
                  "the weather", "a phone", "food", "travel", "a TV show", "family"],
        "tone": ["casual", "serious", "ironic", "excited"],
        "length": "match",
    },
}  # fmt: skip
VARIANTS: dict[str, dict[str, Any]] = {
    "examples": {},
    "contrast": {"prompt": "contrast"},
    "attributes, proposed": {"prompt": "attributes"},
    "attributes, given": {"prompt": ...},
    "rewrite": {"prompt": "rewrite"},
    "paraphrase": {"prompt": "paraphrase"},
    "counterfactual": {"prompt": "counterfactual"},
    "examples, verified by embedding": {"accept": TextFilter(verifier="embedding")},
    "examples, verified by model": {"accept": TextFilter(verifier="model")},
}
N_JUDGE, N_TEST = 4000, 2000


@dataclass
class Dataset:
    """What texts are drawn from, what they are judged by, and what they are to help with."""

    pool: Texts
    judge: BertClassifier
    test: Texts
    sizes: dict[str, int]
    wanted: dict[str, int]


def load(name: str, data: Path) -> Dataset:
    """Read the texts and train the judge."""
    rng = np.random.default_rng(0)
    if name == "sms":
        file = next((data / "sms_spam").glob("SMSSpamCollection*"))
        texts, labels = load_texts(file, 1, 0, separator="\t", quotes=False, drop_duplicates=True)
        everything = Texts.of(texts, labels)
        parts = np.split(rng.permutation(len(everything)), [1500, 1500 + N_TEST])
        pool, test, large = (everything[part] for part in parts)
        sizes, wanted = {"ham": 500, "spam": 50}, {"spam": 150}
    else:
        pair = load_pair("sentiment-gpt4", data)
        pool, test = pair.small, pair.test[:N_TEST]
        large = pair.large[rng.permutation(len(pair.large))[:N_JUDGE]]
        sizes = {str(label): 60 for label in np.unique(pool.labels)}
        wanted = dict.fromkeys(sizes, 30)
    judge = BertClassifier(class_weight="balanced", label_smoothing=0.0, random_state=0)
    return Dataset(pool, judge.fit(large.texts, large.labels), test, sizes, wanted)


def draw(pool: Texts, sizes: dict[str, int], seed: int) -> Texts:
    """Draw the real texts of a seed."""
    order = np.random.default_rng(seed).permutation(len(pool))
    drawn = [order[pool.labels[order] == label][:n] for label, n in sizes.items()]
    return pool[np.concatenate(drawn)]


def run(name: str, dataset: Dataset, variant: str, seed: int) -> dict[str, float]:
    """Generate and judge."""
    real = draw(dataset.pool, dataset.sizes, seed)
    settings = dict(VARIANTS[variant])
    if settings.get("prompt") is ...:
        settings["prompt"] = Attributes(ATTRIBUTES[name])
    sampler = LLMOverSampler(
        sampling_strategy={c: dataset.sizes[c] + n for c, n in dataset.wanted.items()},
        max_attempts=10,
        on_shortfall="ignore",
        random_state=seed,
        verbose=False,
        **ASKING[name],
        **settings,
    )
    start = time.perf_counter()
    X, y = sampler.fit_resample(real.texts, real.labels)
    seconds = time.perf_counter() - start
    made = sampler.synthetic_mask_
    own = dataset.judge.predict(X[made]) == y[made]
    report = diversity_report(X, y, made, sampler.parent_indices_)
    classes = list(dataset.wanted)
    by_class = report.xs("synthetic", level="source").reindex(classes).mean()
    of_real = report.xs("real", level="source").reindex(classes).mean()
    found = {
        "rows": made.sum(),
        "candidates": len(sampler.provenance_),
        "fidelity": np.mean([own[y[made] == c].mean() for c in classes if (y[made] == c).any()]),
        **{column: by_class[column] for column in report.columns if column != "texts"},
        **{f"real_{c}": of_real[c] for c in ("words", "distinct_2", "spread", "distance_to_real")},
        "requests": sampler.usage_.requests,
        "tokens": sampler.usage_.prompt_tokens + sampler.usage_.completion_tokens,
        "seconds": seconds,
    }
    weighter = SyntheticWeighter(synthetic_weight=1.0, random_state=0, class_weight="balanced")
    weighter.fit(X, y, made, sampler.parent_indices_)
    return found | {
        "f1_unweighted": score(X, y, balance(y), dataset.test),
        "f1_weighted": score(X, y, weighter.sample_weight_, dataset.test),
    }


def run_real(dataset: Dataset, seed: int) -> dict[str, float]:
    """Judge the real texts themselves, and train on them alone."""
    real = draw(dataset.pool, dataset.sizes, seed)
    report = diversity_report(real.texts, real.labels, np.zeros(len(real), dtype=bool))
    of_real = report.xs("real", level="source").reindex(list(dataset.wanted)).mean()
    told = dataset.judge.predict(dataset.test.texts)
    recall = recall_score(dataset.test.labels, told, labels=list(dataset.wanted), average="macro")
    f1 = score(real.texts, real.labels, balance(real.labels), dataset.test)
    columns = {column: of_real[column] for column in report.columns if column != "texts"}
    return columns | {"fidelity": recall, "f1_unweighted": f1, "f1_weighted": f1}


def balance(labels: np.ndarray) -> np.ndarray:
    """Weigh the classes equally."""
    classes, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return len(labels) / (len(classes) * counts)[codes]


def score(texts: Any, labels: Any, weights: np.ndarray, test: Texts) -> float:
    """Train on embeddings and return the macro-F1 on real texts."""
    embed = TextEmbedder().fit_transform
    model = LogisticRegression(C=10.0, max_iter=1000).fit(embed(texts), labels, weights)
    return float(f1_score(test.labels, model.predict(embed(test.texts)), average="macro"))


def run_all(arguments: argparse.Namespace) -> None:
    """Run what is missing."""
    done = known(RESULTS, KEY)
    for name in arguments.datasets:
        todo = [
            (variant, seed)
            for seed in arguments.seeds
            for variant in ["real", *arguments.variants]
            if (name, variant, seed) not in done
        ]
        dataset = load(name, arguments.data) if todo else None
        for variant, seed in tqdm(todo, desc=name):
            if variant == "real":
                found = run_real(dataset, seed)
            else:
                found = run(name, dataset, variant, seed)
            row = pd.DataFrame([dict(zip(KEY, (name, variant, seed), strict=True)) | found])
            before = pd.read_csv(RESULTS) if RESULTS.is_file() else row[:0]
            pd.concat([before, row]).to_csv(RESULTS, index=False, float_format="%.4f")


def table() -> None:
    """Print the means over seeds, the last two columns with intervals of the difference to real."""
    results = pd.read_csv(RESULTS)
    columns = {
        "accepted": lambda part: part["rows"] / part["candidates"],
        "right class": lambda part: part["fidelity"],
        "words": lambda part: part["words"],
        "distinct-2": lambda part: part["distinct_2"],
        "spread": lambda part: part["spread"],
        "to real": lambda part: part["distance_to_real"],
        "tokens a row": lambda part: part["tokens"] / part["rows"],
    }
    for name, of_dataset in results.groupby("dataset", sort=False):
        print(f"\n### {name}\n")
        scores = ["macro-F1 with them", "and weighted"]
        print(f"| prompts | seeds | {' | '.join([*columns, *scores])} |")
        print("|---" + "|---:" * (len(columns) + 3) + "|")
        real = of_dataset[of_dataset["variant"] == "real"].set_index("seed")
        for variant in ["real", *VARIANTS]:
            part = of_dataset[of_dataset["variant"] == variant].set_index("seed")
            if not len(part):
                continue
            cells = [str(len(part))]
            for column, compute in columns.items():
                value = compute(part).mean()
                digits = 1 if column == "words" else 0 if column == "tokens a row" else 2
                cells.append("" if np.isnan(value) else f"{value:.{digits}f}")
            for column in ("f1_unweighted", "f1_weighted"):
                difference = 100 * (part[column] - real[column])
                cells.append(f"{100 * part[column].mean():.1f}{interval(difference)}")
            print(f"| {variant} | {' | '.join(cells)} |")


def interval(differences: pd.Series) -> str:
    """Write the 95 % interval of a mean difference, Student's over the seeds."""
    differences = differences.dropna()
    if len(differences) < 2 or not differences.any():
        return ""
    half = half_interval(differences)
    return f" [{differences.mean() - half:+.1f}, {differences.mean() + half:+.1f}]"


def main() -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--datasets", nargs="+", choices=list(ASKING), default=list(ASKING))
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--table", action="store_true", help="print the tables and stop")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    if not arguments.table:
        run_all(arguments)
    table()


if __name__ == "__main__":
    main()
