"""Checkers: classifiers whose probability of a row's own label says how much to trust the row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils import check_random_state

from sklw._compat.scikit_learn import HasMethods, StrOptions, safe_indexing
from sklw._copies import copy_groups, fold_numbers
from sklw._mixed import MixedEncoder, MixedRows, number_scaler
from sklw._rows.following import row_keys

__all__ = [
    "CHECKER",
    "CrossFittedChecker",
    "default_checker",
    "own_column",
    "row_groups",
]

# What a parameter that takes a checker may be.
CHECKER = [StrOptions({"embedding", "bert"}), HasMethods(["fit", "predict_proba"])]


def default_checker(
    kind: str, *, text: bool, sparse: bool, random_state: Any, mixed: bool = False
) -> Any:
    """Build the checker that a name stands for."""
    if kind == "bert":
        if not text:
            raise ValueError(
                'The checker "bert" reads texts and these rows are a table. Use "embedding" '
                "(the default) or pass a classifier with predict_proba."
            )
        from sklw.classifiers import BertClassifier

        return BertClassifier(random_state=random_state)
    head = LogisticRegression(max_iter=1000)
    if text:
        from sklw.feature_extraction import TextEmbedder

        embedder = TextEmbedder().set_output(transform="default")
        # Sentence embeddings have length 1: a larger C makes up for their small scale.
        return make_pipeline(embedder, head.set_params(C=10.0))
    if mixed:
        return make_pipeline(MixedEncoder(), head)
    return make_pipeline(number_scaler(sparse=sparse), head)


def own_column(probabilities: np.ndarray, classes: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Pick from each row the entry of its label; NaN for a label that is not a class."""
    columns = {label: column for column, label in enumerate(classes.tolist())}
    column_of = np.array([columns.get(label, -1) for label in y.tolist()])
    return np.where(column_of >= 0, probabilities[np.arange(len(y)), column_of], np.nan)


def row_groups(rows: Any) -> np.ndarray:
    """Return for each row a number shared by its copies: alike, of a table in every column."""
    if rows.ndim == 1:
        return copy_groups(rows)
    numbers: dict[Any, int] = {}
    [keys] = row_keys(rows.folded() if isinstance(rows, MixedRows) else rows)
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=int)


def _class_probabilities(checker: Any, X: Any) -> np.ndarray:
    found = np.asarray(checker.predict_proba(X), dtype=float)
    # Rounding leaves some classifiers a little below 0.
    wrong = np.flatnonzero(~(np.isfinite(found) & (found > -1e-9)).all(axis=1))
    if len(wrong):
        raise ValueError(
            f"The checker {type(checker).__name__} gave no probabilities to {len(wrong)} of "
            f"{len(found)} rows: {found[wrong[0]].tolist()} to the row at position {wrong[0]}. "
            "Drop or impute missing values in the rows, or pass a checker whose predict_proba "
            "gives finite numbers from 0 to 1."
        )
    return np.maximum(found, 0.0)


@dataclass
class CrossFittedChecker:
    """A checker that judges each row by models that were not fitted on it, if classes allow it.

    It is fitted once without each fold, and once on all rows. The only row of a class is judged by
    the model of all rows, since no other model knows the class.
    """

    checker: Any  # a classifier with predict_proba, cloned for each fit
    n_folds: int = 5  # fewer where no class has as many rows
    class_prior: dict[Any, float] | None = None  # to move the probabilities to; None: as fitted
    cross_fit: bool = True  # False judges by the one model that was fitted on everything
    random_state: Any = None
    n_jobs: int | None = None

    def fit(self, X: Any, y: np.ndarray, groups: np.ndarray | None = None) -> "CrossFittedChecker":
        """Fit the models; rows of a group are in one fold, by default copies."""
        self.classes_, counts = np.unique(y, return_counts=True)
        n_rows = len(y)
        n_folds = int(min(self.n_folds, counts.max())) if self.cross_fit else 0
        if n_folds > 1:
            groups = row_groups(X) if groups is None else groups
            n_folds = min(n_folds, len(np.unique(groups)))
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        self.fold_of_ = np.zeros(n_rows, dtype=int)
        if groups is not None and n_folds > 1:
            # The models that lack a class of one row give it NaN.
            self.fold_of_ = fold_numbers(y, groups, n_folds, seed)
        # A model of one class would be sure of everything.
        self.folds_ = [f for f in range(n_folds) if len(np.unique(y[self.fold_of_ != f])) > 1]
        subsets = [np.flatnonzero(self.fold_of_ != fold) for fold in self.folds_]
        fitted = Parallel(n_jobs=self.n_jobs)(
            delayed(_fit_on)(self.checker, X, y, rows) for rows in [*subsets, np.arange(n_rows)]
        )
        *self.fold_models_, self.full_model_ = fitted
        self.fitted_prior_ = dict(zip(self.classes_.tolist(), counts / n_rows, strict=True))
        return self

    def probability(self, X: Any, y: np.ndarray, seen: Sequence[np.ndarray]) -> np.ndarray:
        """P(y_i | x_i), from the models that saw the fewest of the rows tied to row i.

        ``seen[i]`` has the positions, among the fitted rows, of row i itself or of its parents.
        NaN for a class that was not fitted.
        """
        return own_column(self.probabilities(X, y, seen), self.classes_, y)

    def probabilities(self, X: Any, y: np.ndarray, seen: Sequence[np.ndarray]) -> np.ndarray:
        """P(c | x_i) for every class c in ``classes_``, from the same models."""
        return self.combine(self.predict_each(X), y, seen)

    def predict_each(self, X: Any) -> list[np.ndarray]:
        """Return what each model says, before its class prior is moved: see :meth:`combine`."""
        return [_class_probabilities(model, X) for model in [*self.fold_models_, self.full_model_]]

    def combine(
        self, predictions: Sequence[np.ndarray], y: np.ndarray, seen: Sequence[np.ndarray]
    ) -> np.ndarray:
        """P(c | x_i) from :meth:`predict_each`, under the present `class_prior`."""
        models = [*self.fold_models_, self.full_model_]
        *folds, full = map(self._all_classes, models, predictions)
        if not folds:
            return full
        by_fold = np.stack(folds)
        own = np.stack([own_column(part, self.classes_, y) for part in by_fold])
        unseen = np.zeros(own.shape)
        for row, tied in enumerate(seen):
            # The model of a fold has not seen the tied rows in that fold.
            counts = np.bincount(self.fold_of_[tied], minlength=self.fold_of_.max() + 1)
            unseen[:, row] = counts[self.folds_]
        usable = ~np.isnan(own)
        unseen[~usable] = -1
        chosen = usable & (unseen == unseen.max(axis=0))
        total = np.where(chosen[:, :, None], np.nan_to_num(by_fold), 0.0).sum(axis=0)
        count = chosen.sum(axis=0)[:, None]
        return np.where(count > 0, total / np.maximum(count, 1), full)

    def _all_classes(self, model: Any, found: np.ndarray) -> np.ndarray:
        # A checker may know more classes than its rows have: BertClassifier(classes=[...]).
        fitted = np.isin(model.classes_, self.classes_)
        found, classes = found[:, fitted], model.classes_[fitted]
        if self.class_prior is not None:
            found = found * [self.class_prior[c] / self.fitted_prior_[c] for c in classes.tolist()]
        totals = found.sum(axis=1, keepdims=True)
        # Nothing is left where all that the checker believes in are classes of prior 0.
        found /= np.where(totals > 0, totals, 1.0)
        expanded = np.full((len(found), len(self.classes_)), np.nan)
        expanded[:, np.searchsorted(self.classes_, classes)] = found
        return expanded


def _fit_on(checker: Any, X: Any, y: np.ndarray, rows: np.ndarray) -> Any:
    subset = X[rows] if isinstance(X, np.ndarray) or issparse(X) else safe_indexing(X, rows)
    return clone(checker).fit(subset, y[rows])
