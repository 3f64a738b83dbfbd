"""Pairs of real and really LLM-generated texts, read from local copies of public repositories.

==========================  =====================================================================
folder                      repository
==========================  =====================================================================
parrot_dilemma              AndersGiovanni/worker_vs_gpt (Moller et al., EACL 2024)
sarcasm_gpt35               vminvsky/OptMLProject (set-up of Veselovsky et al., 2023)
seed_paraphrase_llm         kinit-sk/llms_vs_nlpaug_data_aug (Cegin et al.)
financial_phrasebank        Malo et al., 2014
fiqa_gpt4o                  CFA-Institute-RPC/Synthetic-Data-For-Finance
==========================  =====================================================================
"""

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

__all__ = ["PAIRS", "Pair", "Texts", "load_pair"]

MAX_TEST = 3000
# "(Hyperbolic)", "[Not hyperbole]", "#hyperbole" at the end: the model's own verdict on its row.
SELF_TAG = re.compile(r"\s*[(\[#]\s*([^()\[\]#]*hyperbol[^()\[\]#]*)[)\]]?[.!\s]*$", re.IGNORECASE)
# "(Neutral)", "#hate": a name of a class.
EMOTIONS = (
    "anger|boredom|empty|enthusiasm|fun|happiness|hate|love|neutral|relief|sadness|surprise|worry"
)
EMOTION_TAG = re.compile(rf"""\s*[(\[#]\s*({EMOTIONS})[)\]]?[.!"”\s]*$""", re.IGNORECASE)


@dataclass
class Texts:
    """Labelled texts."""

    texts: np.ndarray
    labels: np.ndarray

    @classmethod
    def of(cls, texts: Any, labels: Any) -> "Texts":
        """Keep the first of identical texts."""
        frame = pd.DataFrame({"text": list(texts), "label": [str(label) for label in labels]})
        frame = frame[frame["text"].str.len() > 0].drop_duplicates("text")
        return cls(frame["text"].to_numpy(object), frame["label"].to_numpy(object))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: Any) -> "Texts":
        return Texts(self.texts[rows], self.labels[rows])

    def without(self, *others: "Texts") -> "Texts":
        """Drop the texts that are in one of the others."""
        taken = set().union(*(set(other.texts) for other in others))
        return self[np.array([text not in taken for text in self.texts], dtype=bool)]


@dataclass
class Pair:
    """One pair.

    Attributes
    ----------
    small : Texts
        The small real set.
    synthetic : Texts
        Rows of the language model.
    parents : ndarray of int
        For each synthetic row, the real row it was generated from, or -1.
    large : Texts
        The large real set.
    test : Texts
        At most 3,000 real rows.
    self_tag_contradicts : ndarray of float or None
        Where the model tagged its own row: whether the tag contradicts the label; NaN elsewhere.
    """

    small: Texts
    synthetic: Texts
    parents: np.ndarray
    large: Texts
    test: Texts
    self_tag_contradicts: np.ndarray | None = None


def load_pair(name: str, data: Path, seed: int = 0) -> Pair:
    """Read a pair of `PAIRS`; the seed matters where the small set is drawn (``phrasebank``)."""
    return PAIRS[name](data, seed)


def _parrot(task: str, model: str) -> Callable[[Path, int], Pair]:
    def read(data: Path, seed: int) -> Pair:
        folder = data / "parrot_dilemma" / task
        small, large, test = (
            _records(next(folder.glob(f"{name}.json*")), "text", "target")
            for name in ("base", "train", "test")
        )
        rows = _json(folder / f"balanced_{model}_augmented.json.gz")
        tag = EMOTION_TAG if task == "crowdflower" else SELF_TAG
        tags = [tag.search(row["augmented_text"]) for row in rows]
        texts = [_unquoted(tag.sub("", row["augmented_text"])) for row in rows]
        pair = _pair(small, texts, rows, "target", large, test)
        if task == "hypo-l":
            verdicts = {
                text: np.nan
                if tag is None
                else float(("not" in tag[1].lower()) != row["target"].startswith("not"))
                for text, tag, row in reversed(list(zip(texts, tags, rows, strict=True)))
            }
            pair.self_tag_contradicts = np.array([verdicts[t] for t in pair.synthetic.texts])
        return pair

    return read


def _sarcasm(strategy: str) -> Callable[[Path, int], Pair]:
    def read(data: Path, seed: int) -> Pair:
        folder = data / "sarcasm_gpt35"
        small, large, test = (
            _records(next(folder.glob(f"{name}.json*")), "text", "labels")
            for name in ("base", "train", "test")
        )
        rows = _json(folder / f"{strategy}_gpt-3.5-turbo.json.gz")
        texts = [_unquoted(row["augmented_text"]) for row in rows]
        return _pair(small, texts, rows, "labels", large, test)

    return read


def _ag_news(file: str) -> Callable[[Path, int], Pair]:
    def read(data: Path, seed: int) -> Pair:
        folder = data / "seed_paraphrase_llm" / "ag_news"
        rows = pd.read_csv(folder / file).to_dict("records")
        seeds, test = (pd.read_csv(folder / name) for name in ("seeds_train.csv", "test.csv"))
        # The real texts have neither capitals nor punctuation.
        texts = [_plain(row["text"]) for row in rows]
        rows = [{**row, "text": _plain(row["seed"])} for row in rows]
        small = Texts.of(seeds["text"].map(_plain), seeds["label"])
        real_test = Texts.of(test["text"].map(_plain), test["label"])
        return _pair(small, texts, rows, "label", small[:0], real_test)

    return read


def _phrasebank(data: Path, seed: int) -> Pair:
    real = pd.read_csv(data / "financial_phrasebank" / "sentences_50agree.csv.gz")
    everything = Texts.of(real["sentence"], real["label"])
    small, rest = train_test_split(
        np.arange(len(everything)), train_size=400, stratify=everything.labels, random_state=seed
    )
    large, test = train_test_split(
        rest, train_size=2000, stratify=everything.labels[rest], random_state=seed
    )
    made = pd.read_csv(data / "fiqa_gpt4o" / "gpt_synthetic_data.csv")
    synthetic = Texts.of(made["sentence"], made["label"] - 1)
    parents = np.full(len(synthetic), -1)
    return Pair(everything[small], synthetic, parents, everything[large], everything[test])


PAIRS: dict[str, Callable[[Path, int], Pair]] = {
    "sentiment-gpt4": _parrot("sentiment", "gpt-4"),
    "sentiment-llama2": _parrot("sentiment", "llama-2-70b"),
    "hyperbole-gpt4": _parrot("hypo-l", "gpt-4"),
    "hyperbole-llama2": _parrot("hypo-l", "llama-2-70b"),
    "sarcasm-grounded": _sarcasm("grounded"),
    "sarcasm-simple": _sarcasm("simple"),
    "emotions-gpt4": _parrot("crowdflower", "gpt-4"),
    "emotions-llama2": _parrot("crowdflower", "llama-2-70b"),
    "agnews-gpt35": _ag_news("gpt35_para.csv.gz"),
    "agnews-llama3": _ag_news("llama3_para.csv.gz"),
    "phrasebank-gpt4o": _phrasebank,
}


def _pair(
    small: Texts, texts: list[str], rows: list[Any], label: str, large: Texts, test: Texts
) -> Pair:
    small = small.without(test)
    seeds = dict(reversed([(t, row["text"].strip()) for t, row in zip(texts, rows, strict=True)]))
    synthetic = Texts.of(texts, [row[label] for row in rows]).without(test, small)
    # A paraphrase of a test row is as good as the row.
    tested = set(test.texts)
    synthetic = synthetic[np.array([seeds[text] not in tested for text in synthetic.texts])]
    where = {text: row for row, text in enumerate(small.texts)}
    parents = np.array([where.get(seeds[text], -1) for text in synthetic.texts])
    if len(test) > MAX_TEST:
        test = test[np.random.default_rng(0).choice(len(test), MAX_TEST, replace=False)]
    return Pair(small, synthetic, parents, large.without(small, test), test)


def _records(path: Path, text: str, label: str) -> Texts:
    rows = _json(path)
    return Texts.of([row[text].strip() for row in rows], [row[label] for row in rows])


def _json(path: Path) -> list[dict[str, Any]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        content = file.read()
    try:
        return list(json.loads(content))
    except json.JSONDecodeError:  # one object a line
        return [json.loads(line) for line in content.splitlines() if line.strip()]


def _unquoted(text: str) -> str:
    return text.strip().strip('"“”').strip()


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", "", text.lower()).split())
