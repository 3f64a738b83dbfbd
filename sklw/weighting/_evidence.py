"""What weights are made of: finding out about the synthetic rows."""

from typing import Any

import numpy as np
from scipy.sparse import issparse, vstack
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from sklearn.utils import check_random_state

from sklw.weighting._checkers import CrossFittedChecker, default_checker, own_column
from sklw.weighting._inputs import Reference, check_classes
from sklw.weighting._methods import Evidence
from sklw.weighting._mixed import MixedEncoder, MixedRows, reading_frames
from sklw.weighting._process import warn

__all__ = ["EvidenceFinder", "density_ratio", "label_issues", "learned_weights", "row_features"]

# Fewer real rows than this say nothing about a density.
_FEWEST_OF_CLASS = 5
_LARGEST_RATIO = 100.0
# Fewer rows may well be judged alike.
_ENOUGH = 20


class EvidenceFinder:
    """Asks the checkers and learners that a method needs.

    Parameters
    ----------
    weighter : SyntheticWeighter
        Its parameters, its mask and its class prior are used.
    rows, labels : arrays of length n_samples
        All rows.
    reference : Reference
        The real ones.
    seen : sequence of n_samples int arrays
        For each row, the reference rows that it is or was generated from.

    Attributes
    ----------
    quality, diversity : ndarray of shape (n_samples,)
        P'(y|x) of all rows and Q(y|x) of the synthetic ones; NaN where not asked for.
    probabilities, classes : ndarray
        P'(c|x) of all rows, and what the columns are; empty where not asked for.
    """

    def __init__(
        self,
        weighter: Any,
        rows: Any,
        labels: np.ndarray,
        reference: Reference,
        seen: list[np.ndarray],
    ) -> None:
        self._weighter, self._reference, self._seen = weighter, reference, seen
        self._rows, self._labels = rows, labels
        self._made = np.flatnonzero(weighter.synthetic_mask_)
        self.quality, self.diversity = np.full((2, len(labels)), np.nan)
        self.probabilities, self.classes = np.empty((0, 0)), np.empty(0)

    def find(self, needs: tuple[str, ...]) -> Evidence:
        """Find the fields of the evidence that are needed."""
        made, reference = self._made, self._reference
        if not len(made):
            return Evidence()
        asked = set(needs) - {"diversity"} and self._weighter.method != "sungen"
        if asked or self._weighter.normalize == "prior":
            check_classes(self._labels[made], reference.labels)
        found: dict[str, np.ndarray] = {}
        if {"quality", "label_issue"} & set(needs):
            self._ask_quality_checker()
            found["quality"] = self.quality[made]
        if "label_issue" in needs:
            # The real rows help to learn how sure P' is of each class.
            judged = np.isin(self._labels, self.classes)
            issues = np.zeros(len(judged), dtype=bool)
            issues[judged] = label_issues(
                self.probabilities[judged], self.classes, self._labels[judged]
            )
            found["label_issue"] = issues[made]
        if "diversity" in needs:
            found["diversity"] = self.diversity[made] = self._ask_diversity_checker()
        if "density_ratio" in needs:
            checker = self._checker(self._weighter.quality_checker, None)
            real = (reference.rows, reference.labels)
            found["density_ratio"] = density_ratio(
                checker, *real, self._rows[made], self._labels[made]
            )
        if "learned" in needs:
            found["learned"] = learned_weights(
                self._weighter, self._rows, self._labels, reference.rows, reference.labels
            )
        for name, values in found.items():
            _check_finite(name, values)
        return Evidence(**found)

    def _ask_quality_checker(self) -> None:
        checker = self._checker(self._weighter.quality_checker, self._prior())
        checker.fit(self._reference.rows, self._reference.labels)
        self.classes = checker.classes_
        self.probabilities = checker.probabilities(self._rows, self._labels, self._seen)
        self.quality = own_column(self.probabilities, self.classes, self._labels)
        judged = self.quality[self._made]
        if len(judged) >= _ENOUGH and np.ptp(judged) < 1e-9:
            warn(
                f"The quality checker says {judged[0]:.3g} to every synthetic row, so it tells "
                "good from bad as little as no checker does. Pass another quality_checker, or more "
                "real rows.",
                stacklevel=6,
            )

    def _ask_diversity_checker(self) -> np.ndarray:
        """Q(y|x) of the synthetic rows.

        Q is fitted on the synthetic rows if they hold every class, as in the paper. Where only
        some classes were oversampled, a checker of those rows would say 1 to all of them, so Q is
        fitted on all rows: on what the classifier is trained on.
        """
        labels, made = self._labels, self._made
        fitted_on = made if set(labels[made]) >= set(labels) else np.arange(len(labels))
        checker = self._checker(self._weighter.diversity_checker, None)
        checker.cross_fit = self._weighter.diversity_fit == "out_of_fold"
        checker.fit(self._rows[fitted_on], labels[fitted_on])
        at = np.flatnonzero(np.isin(fitted_on, made))
        return checker.probability(self._rows[made], labels[made], [np.array([i]) for i in at])

    def _prior(self) -> dict[Any, float] | None:
        if self._weighter.class_prior_ == "reference":
            return None
        classes, counts = np.unique(self._labels, return_counts=True)
        shares = dict(zip(classes.tolist(), counts / len(self._labels), strict=True))
        return {c: shares.get(c, 0.0) for c in np.unique(self._reference.labels).tolist()}

    def _calibration_folds(self) -> int:
        """At most five, and as many as the rarest class has rows in the smallest fit."""
        rarest = min(
            np.unique(labels, return_counts=True)[1].min()
            for labels in (self._reference.labels, self._labels[self._made])
        )
        return int(min(5, rarest // 2))

    def _checker(self, checker: Any, prior: dict[Any, float] | None) -> CrossFittedChecker:
        weighter = self._weighter
        if isinstance(checker, str):
            checker = default_checker(
                checker,
                text=self._rows.ndim == 1,
                sparse=issparse(self._rows),
                random_state=weighter.random_state,
                mixed=isinstance(self._rows, MixedRows),
            )
        elif isinstance(self._rows, MixedRows):
            checker = reading_frames(checker)
        if weighter.calibrate and (folds := self._calibration_folds()) > 1:
            checker = CalibratedClassifierCV(
                checker, method="temperature", cv=folds, ensemble=False
            )
        return CrossFittedChecker(
            checker,
            n_folds=weighter.cv,
            class_prior=prior,
            random_state=weighter.random_state,
            n_jobs=weighter.n_jobs,
        )


def _check_finite(name: str, values: np.ndarray) -> None:
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        raise ValueError(
            f"The {name.replace('_', ' ')} of {len(wrong)} synthetic rows is not a finite number. "
            "Drop or impute missing values in the rows, or pass a checker whose predict_proba "
            "gives finite probabilities."
        )


def density_ratio(
    checker: CrossFittedChecker, real: Any, real_labels: np.ndarray, made: Any, labels: np.ndarray
) -> np.ndarray:
    """Estimate p_real(x|y) / p_synthetic(x|y) by telling real from synthetic rows of a class.

    The odds of a row being real, out of fold, divided by the share of real rows. Within each
    class: across classes the ratio would mostly repeat how often each class was generated.

    Parameters
    ----------
    checker : CrossFittedChecker
        Tells real from synthetic.
    real, made : array of shape (n, ...)
        Real and synthetic rows.
    real_labels, labels : ndarray of shape (n,)
        Their labels.

    Returns
    -------
    ratio : ndarray of shape (n_synthetic,)
        Between 0.01 and 100; 1 for a class with fewer than five real or synthetic rows.
    """
    ratio = np.ones(len(labels))
    for label in np.unique(labels):
        of_real, of_made = (np.flatnonzero(known == label) for known in (real_labels, labels))
        if min(len(of_real), len(of_made)) < _FEWEST_OF_CLASS:
            continue
        rows = _stacked(real[of_real], made[of_made])
        is_real = np.arange(rows.shape[0]) < len(of_real)
        own = [np.array([row]) for row in range(len(is_real))]
        found = checker.fit(rows, is_real).probability(rows, is_real, own)[len(of_real) :]
        odds = (1 - found) / np.maximum(found, 1e-12)
        ratio[of_made] = odds * len(of_made) / len(of_real)
    return np.clip(ratio, 1 / _LARGEST_RATIO, _LARGEST_RATIO)


def label_issues(probabilities: np.ndarray, classes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Find wrong labels by confident learning (Northcutt et al., JAIR 2021), with cleanlab.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_classes)
        P'(c|x) of all rows, out of fold.
    classes : ndarray of shape (n_classes,)
        What the columns are.
    labels : ndarray of shape (n,)
        The labels.

    Returns
    -------
    issue : ndarray of bool of shape (n,)
        True where the label is found wrong.
    """
    try:
        from cleanlab.filter import find_label_issues
    except ImportError as error:
        raise ImportError(
            'method="confident" is computed by cleanlab, which is not installed. Run: '
            "pip install cleanlab"
        ) from error
    known = np.nan_to_num(probabilities)
    known = known / known.sum(axis=1, keepdims=True)
    return find_label_issues(np.searchsorted(classes, labels), known, n_jobs=1)


def learned_weights(
    weighter: Any,
    rows: Any,
    labels: np.ndarray,
    reference_rows: Any,
    reference_labels: np.ndarray,
) -> np.ndarray:
    """Learn weights by a bilevel method.

    Parameters
    ----------
    weighter : SyntheticWeighter
        Says by which method, in which model, and which rows are synthetic.
    rows, labels : arrays of length n
        What is trained on.
    reference_rows, reference_labels : arrays
        Real rows.

    Returns
    -------
    weights : ndarray of shape (n_synthetic,)
        The weights.
    """
    import torch

    from sklw._hardware import seeded
    from sklw.weighting._bilevel import RULES, learn_weights
    from sklw.weighting._bilevel_models import BertModel, HeadModel

    if not len(reference_labels):  # only "sungen" comes here without real rows, and uses none
        reference_rows, reference_labels = rows, labels
    seed = int(check_random_state(weighter.random_state).randint(2**31 - 1))
    model: HeadModel | BertModel
    with seeded(seed, "cuda" if torch.cuda.is_available() else "cpu"):
        if weighter.bilevel_model == "head":
            features, reference_features = row_features(rows, reference_rows)
            missing = features.data if issparse(features) else features
            _check_finite("features", missing)
            classes = np.unique(np.concatenate([labels, reference_labels]))
            model = HeadModel(
                features,
                np.searchsorted(classes, labels),
                reference_features,
                np.searchsorted(classes, reference_labels),
                seed,
            )
        else:
            classifier = _bert_of(weighter.bilevel_model, rows, seed)
            model = BertModel(classifier, rows, labels, reference_rows, reference_labels, seed)
        made = weighter.synthetic_mask_
        rule = RULES[weighter.method](len(labels))
        return learn_weights(model, made, rule, verbose=weighter.verbose)[made]


def row_features(rows: Any, real_rows: Any) -> tuple[Any, Any]:
    """Return rows and real rows as numbers of one scale: embeddings, or scaled columns.

    Parameters
    ----------
    rows, real_rows : arrays
        Texts or numbers.

    Returns
    -------
    features, real_features : arrays of shape (n, n_features)
        Embeddings have length 1; columns have the scale of the real rows.
    """
    if rows.ndim == 1:
        from sklw.feature_extraction import TextEmbedder

        embedder = TextEmbedder().set_output(transform="default")
        return embedder.transform(rows), embedder.transform(real_rows)
    if isinstance(rows, MixedRows):
        encoder = MixedEncoder().fit(real_rows)
        return encoder.transform(rows), encoder.transform(real_rows)
    scaler = MaxAbsScaler() if issparse(rows) else StandardScaler()
    scaler.set_output(transform="default").fit(real_rows)
    return scaler.transform(rows), scaler.transform(real_rows)


def _bert_of(model: Any, rows: Any, seed: int) -> Any:
    from sklw.classifiers import BertClassifier

    if rows.ndim > 1:
        raise ValueError(
            'bilevel_model="bert" reads texts and these rows are a table. Use "head" (the '
            "default), which learns the weights in a linear model of the scaled columns."
        )
    if model != "bert" and not isinstance(model, BertClassifier):
        raise TypeError(
            f"bilevel_model must be a BertClassifier, whose network can be differentiated, got "
            f'{type(model).__name__}. Pass BertClassifier(...), or "head", which suits any rows.'
        )
    return BertClassifier(random_state=seed) if model == "bert" else clone(model)


def _stacked(first: Any, second: Any) -> Any:
    if isinstance(first, MixedRows):
        return first.joined(second)
    if issparse(first):
        return vstack([first, second], format="csr")
    return np.concatenate([first, second])
