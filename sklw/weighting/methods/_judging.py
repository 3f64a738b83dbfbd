"""How well candidates do in cross-validation on the real rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils import check_random_state

from sklw._copies import fold_numbers
from sklw._cross_fitting import own_column, row_groups
from sklw.weighting._evidence import Evidence
from sklw.weighting._normalization import Scaling
from sklw.weighting._process import one_blas_thread, unwarned, warn
from sklw.weighting.methods._base import BaseMethod

__all__ = ["Candidate", "draw_folds", "judge"]

_N_REPEATS = 2
# Synthetic rows that a fold trains on, at the total weight of all: more of them do not show better
# which candidate is best, and each fold draws its own.
_MOST_SYNTHETIC = 3000
# A few rows that no model expects must not decide alone.
_SMALLEST_PROBABILITY = 1e-4


@dataclass(frozen=True)
class Candidate:
    """A method with a temperature, and the factor of all synthetic rows."""

    method: BaseMethod
    temperature: float
    share: float

    @property
    def key(self) -> tuple[str, float, float]:
        """What it is called in the results."""
        return type(self.method).__name__.lower(), self.temperature, self.share

    def scaling(self, scaling: Scaling, factor: float = 1.0) -> Scaling:
        """Return the weighter's scaling with this temperature and factor."""
        weight = self.share * factor
        return replace(scaling, temperature=self.temperature, synthetic_weight=weight)


def judge(
    evidence: Evidence, scaling: Scaling, candidates: Sequence[Candidate]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Score candidates by twice repeated cross-validation on the real rows.

    For each fold the weights are learned without it, logistic regression (on embeddings, for
    texts) is fitted with them, and judged on it. Synthetic rows that were generated from a row of
    the fold are left out of its training, since they may repeat it; the others are given more
    weight, so that synthetic rows have the total weight they would have in training.

    Returns the log-loss and the hits of each candidate on each row judged, and those rows.
    """
    seed = evidence.seed()
    # Embeddings have length 1: a larger C makes up for their small scale.
    head = LogisticRegression(C=10.0 if evidence.rows.ndim == 1 else 1.0, max_iter=1000)
    inner, candidates = _made_cheap(evidence, candidates, head, seed)
    folds = draw_folds(evidence.real_rows, evidence.real_labels, evidence.settings.cv, seed)
    if not any((_untied(evidence, fold) & evidence.synthetic).any() for fold in folds):
        warn(
            "No synthetic row can be judged: each was generated from real rows of all "
            f"{len(folds) // _N_REPEATS} folds, and could repeat what it would be judged on. The "
            "choice is a guess. Show fewer real rows in a prompt (n_examples), raise cv, or pass "
            'method="quality".'
        )
    features, real_features = evidence.features, evidence.real_features
    found = Parallel(n_jobs=evidence.settings.n_jobs)(
        delayed(_judge_fold)(
            # Neighbouring candidates have neighbouring solutions.
            inner, scaling, candidates, held_out, features, real_features[held_out],
            clone(head).set_params(warm_start=True),
        )
        for held_out in folds
    )  # fmt: skip
    judged = np.concatenate(folds)
    # Axes: log-loss and hits, candidates, rows; the rows in the same order in each repeat.
    scores = np.concatenate(found, axis=2)[:, :, np.argsort(judged, kind="stable")]
    losses, hits = scores.reshape(2, len(candidates), -1, _N_REPEATS).mean(axis=3)
    return losses, hits, np.unique(judged)


def draw_folds(rows: Any, labels: np.ndarray, n_folds: int, seed: int) -> list[np.ndarray]:
    """Return the rows of each fold, of two partitions; the only row of a class is in none."""
    groups = row_groups(rows)
    counts = pd.Series(groups).groupby(labels).transform("nunique").to_numpy()
    judged = np.flatnonzero(counts > 1)
    if not len(judged):
        raise ValueError(
            "Every class has one real row, or copies of one, and a choice needs rows to be "
            'judged on. Pass method="uniform" or "quality", or more real rows.'
        )
    n_splits = min(n_folds, int(counts[judged].min()))
    rng = check_random_state(seed)
    drawn = [fold_numbers(labels[judged], groups[judged], n_splits, rng) for _ in range(_N_REPEATS)]
    return [judged[of == fold] for of in drawn for fold in np.unique(of)]


def _made_cheap(
    evidence: Evidence, candidates: Sequence[Candidate], head: Any, seed: int
) -> tuple[Evidence, list[Candidate]]:
    """Replace checkers given by name: a BERT for each fold of each fold would take hours."""
    own = [c.method.get_params().get("diversity_checker", "embedding") for c in candidates]
    on_features = all(isinstance(checker, str) for checker in [evidence.settings.checker, *own])

    def cheap(checker: Any) -> Any:
        # On features that are computed once.
        return head if on_features else "embedding" if isinstance(checker, str) else checker

    checker = cheap(evidence.settings.checker)
    settings = replace(evidence.settings, checker=checker, random_state=seed, n_jobs=None)
    inner = replace(evidence, settings=settings)
    if on_features:
        inner = replace(inner, rows=evidence.features, real_rows=evidence.real_features)
    changed = []
    for candidate, checker in zip(candidates, own, strict=True):
        method = clone(candidate.method)
        if "diversity_checker" in method.get_params():
            method.set_params(diversity_checker=cheap(checker))
        changed.append(replace(candidate, method=method))
    return inner, changed


def _untied(evidence: Evidence, held_out: np.ndarray) -> np.ndarray:
    """Whether each row is none of those held out and was not generated from one."""
    left_out = np.isin(np.arange(len(evidence.real_labels)), held_out)
    return np.array([not left_out[rows].any() for rows in evidence.seen])


def _judge_fold(
    evidence: Evidence,
    scaling: Scaling,
    candidates: Sequence[Candidate],
    held_out: np.ndarray,
    features: Any,
    held_out_features: Any,
    head: LogisticRegression,
) -> np.ndarray:
    """Return log-loss and hits (axis 0) of each candidate (1) on each row held out (2)."""
    usable = _untied(evidence, held_out)
    surplus = np.flatnonzero(usable & evidence.synthetic)
    usable[np.random.default_rng(held_out).permutation(surplus)[_MOST_SYNTHETIC:]] = False
    kept = np.flatnonzero(usable)
    part = evidence.part(kept, np.setdiff1d(np.arange(len(evidence.real_labels)), held_out))
    factor = evidence.synthetic.sum() / max(part.synthetic.sum(), 1)
    truth, classifier = evidence.real_labels[held_out], clone(head)
    raw: dict[str, np.ndarray] = {}
    scores = np.zeros((2, len(candidates), len(held_out)))
    # The matrices are small: a second BLAS thread makes these fits several times slower. What
    # there is to warn of is said once, when the choice is fitted.
    with one_blas_thread(), unwarned():
        for number, candidate in enumerate(candidates):
            name = candidate.key[0]
            if name not in raw:
                raw[name] = candidate.method.raw_weights(part)
            weights = candidate.scaling(scaling, factor).weights(raw[name], part)
            used = weights > 0
            labels = part.labels[used]
            if len(np.unique(labels)) < 2:
                scores[0, number] = -np.log(_SMALLEST_PROBABILITY)
                continue
            if list(getattr(classifier, "classes_", [])) != sorted(set(labels)):
                classifier = clone(head)
            classifier.fit(features[kept][used], labels, weights[used])
            probabilities = classifier.predict_proba(held_out_features)
            own = np.nan_to_num(own_column(probabilities, classifier.classes_, truth))
            scores[0, number] = -np.log(np.maximum(own, _SMALLEST_PROBABILITY))
            scores[1, number] = classifier.classes_[probabilities.argmax(axis=1)] == truth
    return scores
