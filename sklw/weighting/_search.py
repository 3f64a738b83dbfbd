"""Choosing how synthetic rows are weighted, by cross-validation on the real rows alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_sample_weight

from sklw._copies import copy_groups, fold_numbers
from sklw.weighting._checkers import own_column
from sklw.weighting._evidence import row_features
from sklw.weighting._inputs import Reference, check_classes, rows_seen
from sklw.weighting._process import one_blas_thread, unwarned, warn

__all__ = ["SEARCHED", "RealRows", "choose", "search"]

_CHOSEN = ("method", "temperature", "synthetic_weight")

# Factors of all synthetic rows.
_SHARES = (0.1, 0.3, 1.0)
# Candidates of each searched method, without the share: method and temperature.
SEARCHED: dict[str, list[tuple[str, float]]] = {
    "mix": [("uniform", 1.0)],
    "auto": [("uniform", 1.0), ("quality", 1.0), ("quality", 0.5), ("imp", 1.0)],
}
# What is taken unless another candidate is clearly better: a few hundred real rows cannot tell
# good candidates apart, and the best of many noisy scores is mostly lucky.
_FAVOURITE = {"auto": ("quality", 0.5, 0.3)}
_CLEARLY = 1.5  # standard errors
_N_REPEATS = 2
# Synthetic rows that a fold trains on, at the total weight of all: more tell no more about which
# candidate is best, and each fold draws its own.
_MOST_SYNTHETIC = 3000
# A few rows that no model expects must not decide alone.
_SMALLEST_PROBABILITY = 1e-4


class RealRows:
    """The real rows that candidates are judged on.

    Parameters
    ----------
    rows : array of shape (n_real, ...)
        The real rows.
    labels : ndarray of shape (n_real,)
        Their labels.
    tied : sequence of n_samples int arrays
        For each row to be trained on, the real rows that it is or was generated from.
    groups : ndarray of shape (n_real,), or None
        Their groups, if these are known.
    """

    def __init__(
        self,
        rows: Any,
        labels: np.ndarray,
        tied: Sequence[np.ndarray],
        groups: np.ndarray | None = None,
    ):
        self.rows, self.labels, self.tied = rows, labels, tied
        keys = [labels] if groups is None else [labels, groups]
        self.cells = pd.Series(labels).groupby(keys, sort=False).ngroup().to_numpy()

    def folds(self, n_folds: int, seed: int) -> list[np.ndarray]:
        """Return the rows of each fold, of two partitions; the only text of a class is in none."""
        texts = copy_groups(self.rows) if self.rows.ndim == 1 else np.arange(len(self.labels))
        counts = pd.Series(texts).groupby(self.labels).transform("nunique").to_numpy()
        judged = np.flatnonzero(counts > 1)
        if not len(judged):
            raise ValueError(
                "Every class has one real row, or copies of one, and a choice needs rows to be "
                'judged on. Pass method="uniform" or "quality", or more real rows.'
            )
        n_splits = min(n_folds, int(counts[judged].min()))
        rng = check_random_state(seed)
        drawn = [
            fold_numbers(self.labels[judged], texts[judged], n_splits, rng)
            for _ in range(_N_REPEATS)
        ]
        return [judged[of == fold] for of in drawn for fold in np.unique(of)]


def choose(
    weighter: Any,
    rows: Any,
    labels: np.ndarray,
    synthetic: np.ndarray,
    parent_indices: Any,
    reference: Reference,
    augmented: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return the parameters of the best candidate, and the scores of all; see :func:`search`."""
    if not synthetic.any():
        return {"method": "uniform"}, pd.DataFrame()
    check_classes(labels[synthetic], reference.labels)
    if parent_indices is None:
        warn(
            f'method="{weighter.method}" judges on real rows, and which of them the synthetic '
            "rows were made from is not known: rows that repeat what they are judged on "
            'look better than they are. Pass parent_indices to fit, or use "quality".',
            stacklevel=5,
        )
    tied = rows_seen(reference.positions, parent_indices)
    known = groups if groups is None or weighter.reference is not None else groups[~synthetic]
    real = RealRows(reference.rows, reference.labels, tied, known)
    extra = {"augmented": augmented, "groups": groups}
    results = search(weighter, rows, labels, synthetic, parent_indices, real, extra)
    row = results[results["chosen"]].iloc[0].to_dict()
    return {name: row[name] for name in _CHOSEN}, results


def search(
    weighter: Any,
    rows: Any,
    labels: np.ndarray,
    synthetic: np.ndarray,
    parent_indices: Any,
    real: RealRows,
    extra: dict[str, np.ndarray | None],
) -> pd.DataFrame:
    """Score candidates by twice repeated cross-validation on the real rows, and choose one.

    For each fold the weights are learned without it, logistic regression (on embeddings, for
    texts) is fitted with them, and judged on it. Synthetic rows that were generated from a row of
    the fold are left out of its training, since they may repeat it; the others are given more
    weight, so that synthetic rows have the total weight they would have in training.

    Parameters
    ----------
    weighter : SyntheticWeighter
        Gives checkers, folds and all else but method, temperature and share.
    rows, labels : arrays of length n_samples
        What is trained on.
    synthetic : ndarray of bool of shape (n_samples,)
        Which of them are synthetic.
    parent_indices : list of n_samples int arrays, or None
        Rows that each was generated from.
    real : RealRows
        What is judged on.
    extra : dict
        `augmented` and `groups`, as in ``SyntheticWeighter.fit``.

    Returns
    -------
    results : DataFrame
        A row a candidate: `method`, `temperature`, `synthetic_weight`, `balanced_accuracy`,
        `log_loss`, how much better its score is than that of the favourite (of the best, for
        ``"mix"``) as `difference` with its standard error `difference_se`, and whether it is
        `chosen`. The first is training without synthetic rows where there are real ones.
    """
    candidates = [
        (method, temperature, share)
        for method, temperature in SEARCHED[weighter.method]
        for share in _SHARES
    ]
    if not synthetic.all() and weighter.real_weight > 0:
        candidates.insert(0, ("uniform", 1.0, 0.0))
    seed = int(check_random_state(weighter.random_state).randint(2**31 - 1))
    features, real_features = row_features(rows, real.rows)
    # Embeddings have length 1: a larger C makes up for their small scale.
    head = LogisticRegression(C=10.0 if rows.ndim == 1 else 1.0, max_iter=1000)
    checkers = {name: getattr(weighter, name) for name in ("quality_checker", "diversity_checker")}
    judging_rows, judging_real = rows, real
    if all(isinstance(checker, str) for checker in checkers.values()):
        # On features computed once; a fine-tuned BERT for each fold of each fold would take hours.
        checkers = dict.fromkeys(checkers, head)
        judging_rows, judging_real = features, RealRows(real_features, real.labels, real.tied)
    checkers = {n: "embedding" if isinstance(c, str) else c for n, c in checkers.items()}
    fold_weighter = clone(weighter).set_params(random_state=seed, n_jobs=None, **checkers)
    folds = real.folds(weighter.cv, seed)
    found = Parallel(n_jobs=weighter.n_jobs)(
        delayed(_judge_in_one_thread)(
            fold_weighter, candidates, judging_rows, labels, synthetic, parent_indices, extra,
            judging_real, held_out, features, real_features[held_out],
            # Neighbouring candidates have neighbouring solutions.
            clone(head).set_params(warm_start=True),
        )
        for held_out in folds
    )  # fmt: skip
    judged = np.concatenate(folds)
    # Axes: log-loss and hits, candidates, rows; the rows in the same order in each repeat.
    scores = np.concatenate(found, axis=2)[:, :, np.argsort(judged, kind="stable")]
    scores = scores.reshape(2, len(candidates), -1, _N_REPEATS).mean(axis=3)
    rows_judged = np.unique(judged)
    return _table(weighter, candidates, scores, real.labels[rows_judged], real.cells[rows_judged])


def _judge_in_one_thread(*arguments: Any) -> np.ndarray:
    # The matrices are small: a second BLAS thread makes these fits several times slower. What
    # there is to warn of is said once, when the choice is fitted.
    with one_blas_thread(), unwarned():
        return _judge(*arguments)


def _judge(
    weighter: Any,
    candidates: Sequence[tuple[str, float, float]],
    rows: Any,
    labels: np.ndarray,
    synthetic: np.ndarray,
    parent_indices: Any,
    extra: dict[str, np.ndarray | None],
    real: RealRows,
    held_out: np.ndarray,
    features: Any,
    held_out_features: Any,
    head: LogisticRegression,
) -> np.ndarray:
    """Return log-loss and hits (axis 0) of each candidate (1) on each row held out (2)."""
    left_out = np.zeros(len(real.labels), dtype=bool)
    left_out[held_out] = True
    usable = np.array([not left_out[tied].any() for tied in real.tied])
    surplus = np.random.default_rng(held_out).permutation(np.flatnonzero(usable & synthetic))
    usable[surplus[_MOST_SYNTHETIC:]] = False
    keep = np.flatnonzero(usable)
    made = np.flatnonzero(synthetic[keep])
    parents = None if parent_indices is None else _renumbered(parent_indices, keep, len(labels))
    extra = {name: values if values is None else values[keep] for name, values in extra.items()}
    weighter = clone(weighter).set_params(reference=(real.rows[~left_out], real.labels[~left_out]))
    truth, classifier, fitted_method = real.labels[held_out], clone(head), None
    scores = np.zeros((2, len(candidates), len(held_out)))
    for number, (method, temperature, share) in enumerate(candidates):
        weighter.set_params(
            method=method,
            temperature=temperature,
            synthetic_weight=share * synthetic.sum() / max(len(made), 1),
        )
        if method != fitted_method:
            weighter.fit(rows[keep], labels[keep], synthetic[keep], parents, **extra)
            fitted_method = method
        else:
            weighter._set_weights(labels[keep], real.labels[~left_out], **extra)
        weights = weighter.sample_weight_
        used = weights > 0
        if len(np.unique(labels[keep][used])) < 2:
            scores[0, number] = -np.log(_SMALLEST_PROBABILITY)
            continue
        if list(getattr(classifier, "classes_", [])) != sorted(set(labels[keep][used])):
            classifier = clone(head)
        classifier.fit(features[keep][used], labels[keep][used], weights[used])
        probabilities = classifier.predict_proba(held_out_features)
        own = np.nan_to_num(own_column(probabilities, classifier.classes_, truth))
        scores[0, number] = -np.log(np.maximum(own, _SMALLEST_PROBABILITY))
        scores[1, number] = classifier.classes_[probabilities.argmax(axis=1)] == truth
    return scores


def _renumbered(parent_indices: Any, keep: np.ndarray, n_rows: int) -> list[np.ndarray]:
    """Parents of the rows kept, as positions among those; parents that are gone are dropped."""
    position = np.full(n_rows, -1)
    position[keep] = np.arange(len(keep))
    renumbered = (position[parent_indices[row]] for row in keep)
    return [parents[parents >= 0] for parents in renumbered]


def _table(
    weighter: Any,
    candidates: Sequence[tuple[str, float, float]],
    scores: np.ndarray,
    labels: np.ndarray,
    cells: np.ndarray | None = None,
) -> pd.DataFrame:
    table = pd.DataFrame(candidates, columns=["method", "temperature", "synthetic_weight"])
    losses, hits = scores
    balanced = compute_sample_weight("balanced", labels)
    # Who trains with balanced classes (or cells) wants them balanced in the judgement, too.
    importance = compute_sample_weight(weighter.class_weight, labels if cells is None else cells)
    table["balanced_accuracy"] = np.average(hits, axis=1, weights=balanced)
    table["log_loss"] = np.average(losses, axis=1, weights=importance)
    by_row = -losses * importance if weighter.scoring == "log_loss" else hits * balanced
    score = by_row.mean(axis=1)
    best = base = int(score.argmax())
    if weighter.method in _FAVOURITE:
        base = candidates.index(_FAVOURITE[weighter.method])
    differences = by_row - by_row[base]
    table["difference"] = differences.mean(axis=1)
    table["difference_se"] = differences.std(axis=1) / np.sqrt(len(labels))
    if table["difference"][best] <= _CLEARLY * table["difference_se"][best]:
        best = base
    table["chosen"] = np.arange(len(table)) == best
    return table
