"""Choosing how synthetic rows are weighted, by cross-validation on the real rows alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_sample_weight

from sklw.weighting._checkers import own_label_probability

__all__ = ["SEARCHED", "RealRows", "search"]

_SHARES = (0.1, 0.3, 1.0)
# Candidates of each searched method, without the share: method and temperature.
SEARCHED: dict[str, list[tuple[str, float]]] = {
    "mix": [("uniform", 1.0)],
    "auto": [
        ("uniform", 1.0),
        ("quality", 2.0),
        ("quality", 1.0),
        ("quality", 0.5),
        ("imp", 2.0),
        ("imp", 1.0),
        ("imp", 0.5),
    ],
}
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
    """

    def __init__(self, rows: Any, labels: np.ndarray, tied: Sequence[np.ndarray]):
        self.rows, self.labels, self.tied = rows, labels, tied

    def folds(self, n_folds: int, seed: int) -> list[np.ndarray]:
        """Return the rows of each fold; the only row of a class is in none."""
        counts = pd.Series(self.labels).groupby(self.labels).transform("size").to_numpy()
        judged = np.flatnonzero(counts > 1)
        if not len(judged):
            raise ValueError(
                "Every class has one real row, and a choice needs rows to be judged on. Pass "
                'method="uniform" or "quality", or more real rows.'
            )
        splitter = StratifiedKFold(
            min(n_folds, int(counts[judged].min())), shuffle=True, random_state=seed
        )
        return [judged[fold] for _, fold in splitter.split(judged, self.labels[judged])]


def search(
    weighter: Any,
    rows: Any,
    labels: np.ndarray,
    synthetic: np.ndarray,
    parent_indices: Any,
    real: RealRows,
) -> pd.DataFrame:
    """Score candidates by the log-loss of cross-validation on the real rows.

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
    parent_indices : sequence of n_samples int arrays, or None
        Rows that each was generated from.
    real : RealRows
        What is judged on.

    Returns
    -------
    results : DataFrame
        A row a candidate: `method`, `temperature`, `synthetic_weight`, `log_loss`, `difference`
        to the first row and its standard error `difference_se`. The first is training without
        synthetic rows where there are real ones.
    """
    candidates = [
        (method, temperature, share)
        for method, temperature in SEARCHED[weighter.method]
        for share in _SHARES
    ]
    if not synthetic.all():
        candidates.insert(0, ("uniform", 1.0, 0.0))
    seed = int(check_random_state(weighter.random_state).randint(2**31 - 1))
    fold_weighter = clone(weighter).set_params(random_state=seed, n_jobs=None)
    for checker in ("quality_checker", "diversity_checker"):
        if isinstance(getattr(weighter, checker), str):
            # A fine-tuned BERT for each fold of each fold would take hours.
            fold_weighter.set_params(**{checker: "embedding"})
    training_features, real_features, head = _features(rows, real.rows)
    folds = real.folds(weighter.cv, seed)
    found = Parallel(n_jobs=weighter.n_jobs)(
        delayed(_judge)(
            fold_weighter, candidates, rows, labels, synthetic, parent_indices, real, held_out,
            training_features, real_features[held_out], head,
        )
        for held_out in folds
    )  # fmt: skip
    # Who trains with balanced classes wants them balanced in the judgement, too.
    importance = compute_sample_weight(weighter.class_weight, real.labels[np.concatenate(folds)])
    return _table(candidates, np.concatenate(found, axis=1), importance)


def _features(rows: Any, real_rows: Any) -> tuple[Any, Any, LogisticRegression]:
    """Return both kinds of rows as features, and the classifier for them."""
    # Neighbouring candidates have neighbouring solutions.
    head = LogisticRegression(max_iter=1000, warm_start=True)
    if rows.ndim == 1:
        from sklw.feature_extraction import TextEmbedder

        embedder = TextEmbedder()
        return embedder.transform(rows), embedder.transform(real_rows), head.set_params(C=10.0)
    scaler = MaxAbsScaler() if issparse(rows) else StandardScaler()
    scaler.fit(real_rows)
    return scaler.transform(rows), scaler.transform(real_rows), head


def _judge(
    weighter: Any,
    candidates: Sequence[tuple[str, float, float]],
    rows: Any,
    labels: np.ndarray,
    synthetic: np.ndarray,
    parent_indices: Any,
    real: RealRows,
    held_out: np.ndarray,
    features: Any,
    held_out_features: Any,
    head: LogisticRegression,
) -> np.ndarray:
    """Return the log-loss of each candidate (axis 0) on each row held out (axis 1)."""
    left_out = np.zeros(len(real.labels), dtype=bool)
    left_out[held_out] = True
    keep = np.flatnonzero([not left_out[tied].any() for tied in real.tied])
    made = np.flatnonzero(synthetic[keep])
    parents = None if parent_indices is None else _renumbered(parent_indices, keep, len(labels))
    weighter = clone(weighter).set_params(reference=(real.rows[~left_out], real.labels[~left_out]))
    truth, classifier, fitted_method = real.labels[held_out], clone(head), None
    losses = np.empty((len(candidates), len(held_out)))
    for number, (method, temperature, share) in enumerate(candidates):
        weighter.set_params(
            method=method,
            temperature=temperature,
            synthetic_weight=share * synthetic.sum() / max(len(made), 1),
        )
        if method != fitted_method:
            weighter.fit(rows[keep], labels[keep], synthetic[keep], parents)
            fitted_method = method
        else:
            weighter._set_weights(labels[keep], made)
        weights = weighter.sample_weight_
        used = weights > 0
        if len(np.unique(labels[keep][used])) < 2:
            losses[number] = -np.log(_SMALLEST_PROBABILITY)
            continue
        if list(getattr(classifier, "classes_", [])) != sorted(set(labels[keep][used])):
            classifier = clone(head)
        classifier.fit(features[keep][used], labels[keep][used], weights[used])
        own = own_label_probability(
            classifier, held_out_features, truth, np.ones(len(classifier.classes_))
        )
        losses[number] = -np.log(np.maximum(np.nan_to_num(own), _SMALLEST_PROBABILITY))
    return losses


def _renumbered(parent_indices: Any, keep: np.ndarray, n_rows: int) -> list[np.ndarray]:
    """Parents of the rows kept, as positions among those; parents that are gone are dropped."""
    position = np.full(n_rows, -1)
    position[keep] = np.arange(len(keep))
    renumbered = (position[np.asarray(parent_indices[row], dtype=int)] for row in keep)
    return [parents[parents >= 0] for parents in renumbered]


def _table(
    candidates: Sequence[tuple[str, float, float]], losses: np.ndarray, importance: np.ndarray
) -> pd.DataFrame:
    table = pd.DataFrame(candidates, columns=["method", "temperature", "synthetic_weight"])
    table["log_loss"] = np.average(losses, axis=1, weights=importance)
    differences = losses - losses[0]
    table["difference"] = np.average(differences, axis=1, weights=importance)
    deviations = importance * (differences - table[["difference"]].to_numpy())
    table["difference_se"] = np.sqrt((deviations**2).sum(axis=1)) / importance.sum()
    return table
