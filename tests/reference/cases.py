"""What sklw answers for fixed seeds: run this file to write the reference answers anew.

    python tests/reference/cases.py

Do so only when a change of behaviour is meant, and name the change in CHANGELOG.md.
"""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd

from sklw import BertClassifier, LLMOverSampler, SyntheticWeighter
from sklw.datasets import load_maintenance_requests
from sklw.generators import BaseGenerator, Completion
from sklw.over_sampling import TableRows

FOLDER = Path(__file__).parent
TEXT_STRATEGIES = (
    "examples", "contrast", "attributes", "rewrite", "paraphrase", "counterfactual",
)  # fmt: skip
TABLE_FORMATS = ("csv", "sentences", "json")
FORMS = ("completion", "chat")
METHODS = ("uniform", "quality", "imp", "dimp", "confident", "hu", "sungen", "mix", "auto")


class Echo(BaseGenerator):
    """Answers with words of the prompt in another order, so that it needs no model."""

    def __init__(self, form="completion"):
        self.form = form

    @property
    def prompt_form(self):
        return self.form

    @property
    def model_name(self):
        return "echo"

    def cache_key(self):
        return {"backend": "echo"}

    def iter_generate(self, requests):
        self.requests_ = [*getattr(self, "requests_", []), *requests]
        for number, request in enumerate(requests):
            rng = np.random.default_rng(request.seed)
            text = request.prompt if isinstance(request.prompt, str) else request.prompt[-1][1]
            lines = [line for line in text.splitlines() if len(line) > 15]
            line = re.sub(r"^(\w+:|\d+\.|-)\s*", "", lines[rng.integers(len(lines))])
            parts = re.split(r"(?<=,)" if line.count(",") > 2 else r"(?<= )", line)
            if rng.random() < 0.8:  # the others are copies
                at = rng.integers(len(parts))
                parts[at] = re.sub(r"\d", "5", parts[at])
                parts = parts if line.count(",") > 2 else rng.permutation(parts).tolist()
            reason = "length" if rng.random() < 0.1 else "stop"
            yield number, Completion("".join(parts), 10, 10, reason)


def texts():
    """Return 40 texts of one class and 12 of another."""
    X, y = load_maintenance_requests(return_X_y=True)
    keep = np.r_[np.flatnonzero(y == "routine")[:40], np.flatnonzero(y == "hazard")[:12]]
    return X[keep], y[keep]


def table():
    """Return 40 rows of one class and 12 of another: numbers, categories, a date, a constant."""
    rng = np.random.default_rng(0)
    y = np.repeat(["stays", "leaves"], [40, 12])
    frame = pd.DataFrame(
        {
            "age": rng.integers(20, 60, 52) - 5 * (y == "leaves"),
            "income": np.round(rng.lognormal(3, 0.4, 52), 2),
            "branch": rng.choice(["north", "south", "west"], 52),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, 52), "D"),
            "country": "NL",
        }
    )
    return frame, y


def _sampled(sampler, X, y):
    sampler.fit_resample(X, y)
    requests = [
        {"prompt": request.prompt, "seed": request.seed, "pattern": request.pattern}
        for request in sampler.generator_.requests_
    ]
    rows = sampler.provenance_[["text", "accepted", "reason", "parents"]]
    # As JSON has it: lists in place of tuples.
    return json.loads(json.dumps({"requests": requests[:6], "rows": rows.to_dict("records")}))


def sampled_texts(strategy, form):
    """Return the first requests for texts, and what became of the answers."""
    X, y = texts()
    sampler = LLMOverSampler(
        generator=Echo(form),
        sampling_strategy={"hazard": 18},
        prompt=strategy,
        label_descriptions=load_maintenance_requests().label_descriptions,
        task="messages from tenants",
        max_attempts=4,
        on_shortfall="ignore",
        random_state=0,
        verbose=False,
    )
    return _sampled(sampler, X, y)


def sampled_table(row_format, form):
    """Return the first requests for rows of a table, and what became of the answers."""
    X, y = table()
    sampler = LLMOverSampler(
        generator=Echo(form),
        sampling_strategy={"leaves": 18},
        prompt=TableRows(row_format=row_format, category_codes=row_format == "csv"),
        max_attempts=4,
        on_shortfall="ignore",
        random_state=0,
        verbose=False,
    )
    return _sampled(sampler, X, y)


def _with_synthetic(X, y):
    """Let the last third of each class stand for rows that a model has written, one wrong."""
    synthetic = np.zeros(len(y), dtype=bool)
    for label in np.unique(y):
        own = np.flatnonzero(y == label)
        synthetic[own[-(len(own) // 3) :]] = True
    y = y.copy()
    y[np.flatnonzero(synthetic)[0]] = y[-1]
    parents = [np.array([row - 3]) if made else [row] for row, made in enumerate(synthetic)]
    return X, y, synthetic, parents


def weights(kind, method):
    """Return the weights of texts or of a table by a method."""
    X, y = texts() if kind == "texts" else table()
    X = X if kind == "texts" else X[["age", "income"]]
    weighter = SyntheticWeighter(method, random_state=0)
    row_weights = weighter.fit(*_with_synthetic(X, y)).row_weights_
    found = {"sample_weight": row_weights.sample_weight.tolist()}
    if method == "dimp":
        made = row_weights.synthetic
        found["quality"] = row_weights.quality[made].tolist()
    return found


def probabilities(method):
    """Return what a BERT says that was trained with the weights of a method."""
    X, y, synthetic, parents = _with_synthetic(*texts())
    weighter = SyntheticWeighter(method, random_state=0).fit(X, y, synthetic, parents)
    classifier = BertClassifier(
        max_epochs=2, label_smoothing=0.0, precision="float32", device="cpu", random_state=0
    )
    classifier.fit(X, y, row_weights=weighter.row_weights_)
    return classifier.predict_proba(X)[:, 0].tolist()


# File, function, and the arguments of each case.
CASES = {
    "texts": (sampled_texts, [(s, f) for s in TEXT_STRATEGIES for f in FORMS]),
    "tables": (sampled_table, [(r, f) for r in TABLE_FORMATS for f in FORMS]),
    "weights": (weights, [(k, m) for k in ("texts", "table") for m in METHODS]),
    "probabilities": (probabilities, [("uniform",), ("quality",), ("dimp",)]),
}


def main():
    """Write the answers."""
    for name, (function, cases) in CASES.items():
        answers = {" ".join(case): function(*case) for case in cases}
        path = FOLDER / f"{name}.json"
        path.write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
