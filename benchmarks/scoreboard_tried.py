"""What was tried on the way to the scoreboard's defaults, on embeddings, with seeds 0 and 1.

    python benchmarks/scoreboard_tried.py --data DATA

Prints the folded table of ``docs/scoreboard.md``. About ten minutes on one core.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _pairs import PAIRS, load_pair
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, log_loss
from tqdm.auto import tqdm
from weighting import Judged, draw, expected_calibration_error

from sklw import TextEmbedder
from sklw.weighting.methods import Evidence

HEAD = LogisticRegression(C=10.0, max_iter=1000)


def quality(rows: Any, training: Any, prior: dict[str, float] | None, seed: int) -> tuple[Any, Any]:
    """Return P'(c|x) of the synthetic rows, and P'(y|x) of all, under a class prior."""
    labels, made = training.rows.labels.astype(str), training.synthetic
    seen = [np.array([at]) if not made[at] else tied for at, tied in enumerate(training.parents)]
    evidence = Evidence(rows, labels, made, rows[~made], labels[~made], seen)
    checker = evidence.checker(HEAD)
    checker.random_state, checker.class_prior = seed, prior
    checker.fit(rows[~made], labels[~made])
    found = checker.probabilities(rows, labels, seen)
    own = found[np.arange(len(labels)), np.searchsorted(checker.classes_, labels)]
    return found[made], own, checker


def chosen_share(
    rows: Any, labels: Any, training: Any, weights: Any, folds: np.ndarray, rule: str
) -> float:
    """Return the lowest share within a standard error of the best, by cross-validation."""
    real, made = np.flatnonzero(~training.synthetic), np.flatnonzero(training.synthetic)
    scores = pd.DataFrame(np.nan, index=real, columns=[0.0, 0.1, 0.3, 1.0])
    for fold in np.unique(folds):
        held_out, kept = real[folds == fold], real[folds != fold]
        others = [at for at, row in enumerate(made) if not np.isin(training.parents[row],
                  np.flatnonzero(folds == fold)).any()]  # fmt: skip
        for share in scores.columns:
            fitted_on = np.append(kept, made[others]) if share else kept
            w = np.append(np.ones(len(kept)), share * weights[others])[: len(fitted_on)]
            model = HEAD.fit(rows[fitted_on], labels[fitted_on], w)
            known = held_out[np.isin(labels[held_out], model.classes_)]
            found = model.predict_proba(rows[known])
            own = found[np.arange(len(known)), np.searchsorted(model.classes_, labels[known])]
            right = (model.classes_[found.argmax(1)] == labels[known]) * 1.0
            scores.loc[known, share] = (
                right if rule == "accuracy" else np.log(np.maximum(own, 1e-9))
            )
    scores = scores.dropna()
    best = scores.mean().idxmax()
    gaps = scores.sub(scores[best], axis=0)
    return float(next(s for s in gaps if gaps[s].mean() >= -gaps[s].std() / len(gaps) ** 0.5))


def trials(rows: Any, test: Any, training: Any, seed: int) -> Iterator[tuple[str, Any]]:
    """Yield the name of each trial and its probabilities for the test rows."""
    labels, made = training.rows.labels.astype(str), training.synthetic
    real, y = ~made, labels[made]
    classes, counts = np.unique(labels, return_counts=True)

    def fitted(weights: Any, of_real: Any = 1.0, targets: Any = None) -> Any:
        # A row of several labels is a row for each.
        targets = (y[:, None] == classes) * 1.0 if targets is None else targets
        at, label = np.nonzero(targets * weights[:, None] > 1e-3)
        X = np.concatenate([rows[real], rows[made][at]])
        of_real = np.broadcast_to(of_real, real.sum())
        w = np.concatenate([of_real, (targets * weights[:, None])[at, label]])
        return HEAD.fit(X, np.append(labels[real], classes[label]), w).predict_proba(test)

    soft, own, checker = quality(rows, training, None, seed)
    q2, ones = own[made] ** 2, np.ones(made.sum())
    overall, within = q2 / q2.mean(), q2 / pd.Series(q2).groupby(y).transform("mean").to_numpy()
    of_real = HEAD.fit(rows[real], labels[real]).predict_proba(test)
    yield "the real rows alone", of_real
    yield "1: concatenation", fitted(ones)
    yield "q², mean 1 over all", fitted(overall)
    yield "q², mean 1 within each class", (classwise := fitted(within))
    means = pd.Series(overall).groupby(y).transform("mean").to_numpy()
    for floor in (0.3, 0.5, 0.7, 0.9):
        least = within * np.maximum(means, floor)
        least /= least.mean()
        yield f"q², no class below {floor} of the mean", fitted(least)
        if floor == 0.5:
            usual = pd.Series(own[real]).groupby(labels[real]).mean()
            relative = min(1.0, own[made].mean() / usual[y].mean())
            yield "the same, times the relative quality squared", fitted(relative**2 * least)
            for power, share in (("q", own[made].mean()), ("q²", q2.mean())):
                yield f"the same, and a share of the mean {power}", fitted(share * least)
            rare = pd.Series(labels[real]).value_counts().reindex(y, fill_value=0).to_numpy() < 30
            typical = q2[~rare].mean() / q2.mean()
            least = within * np.where(rare, 1.0, np.maximum(means / typical, floor))
            even = relative**2 * least / least.mean()
            yield "the same, rare classes as the others", fitted(even)
    yield "q², and a share of 0.3", fitted(0.3 * overall)
    for rule in ("log-loss", "accuracy"):
        share = chosen_share(rows, labels, training, overall, checker.fold_of_, rule)
        trained = fitted(share * overall) if share else of_real
        yield f"q², share 0, 0.1, 0.3 or 1 by {rule} of held-out real rows", trained
    ratio, missing = np.ones(len(y)), np.ones(real.sum())
    pooled, own_real = (own[real] ** 2).mean(), pd.Series(own[real] ** 2)
    for label, of_class in own_real.groupby(labels[real]):
        # As if three rows more had the mean of all.
        usual = (of_class.sum() + 3 * pooled) / (len(of_class) + 3)
        share = min(1.0, q2[y == label].mean() / usual) if (y == label).any() else 1.0
        ratio[y == label] = share
        missing[labels[real] == label] += (1 - share) * (y == label).sum() / len(of_class)
    yield "q², the share from the checker", fitted(within * ratio)
    yield "the same, the rest to the real rows", fitted(within * ratio, missing)
    priors = {"uniform": np.full(len(classes), 1 / len(classes)), "training": counts / counts.sum()}
    for name, prior in priors.items():
        moved = quality(rows, training, dict(zip(classes, prior, strict=True)), seed)[1][made]
        yield f"q², {name} prior", fitted(moved**2 / (moved**2).mean())
    hard = (y[:, None] == classes) * 1.0
    yield "q² within classes, soft targets", fitted(within, targets=(hard + soft) / 2)
    yield "1, soft targets", fitted(ones, targets=(hard + soft) / 2)
    yield "1, labels from P' alone", fitted(ones, targets=soft)
    for vote in (0.3, 0.5, 0.7):
        yield f"q² within classes, vote {vote}", (1 - vote) * classwise + vote * of_real
    tested = checker.probabilities(
        test, np.full(len(test), classes[0]), [np.array([], int)] * len(test)
    )
    yield "q² within classes, vote of the fold models", (classwise + tested) / 2


def main() -> None:
    """Run all trials and print their means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pairs", nargs="+", choices=list(PAIRS), default=list(PAIRS))
    arguments = parser.parse_args()
    found = []
    for name in tqdm(arguments.pairs):
        for seed in (0, 1):
            pair = load_pair(name, arguments.data, seed)
            training, truth = draw(pair, "both", seed, 4500), pair.test.labels.astype(str)
            rows, test = (TextEmbedder().transform(t.texts) for t in (training.rows, pair.test))
            for trial, proba in trials(rows, test, training, seed):
                judged = Judged(np.unique(training.rows.labels.astype(str)), proba)
                f1 = 100 * f1_score(truth, judged.predict(None), average="macro")
                loss = log_loss(truth, proba / proba.sum(1, keepdims=True), labels=judged.classes_)
                ece = expected_calibration_error(judged, truth)
                found.append({"trial": trial, "macro-F1": f1, "log-loss": loss, "ECE": ece})
    means = pd.DataFrame(found).groupby("trial", sort=False).mean()
    print(means.to_markdown(floatfmt=("", ".1f", ".3f", ".3f")))


if __name__ == "__main__":
    main()
