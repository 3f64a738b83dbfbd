"""What weighting methods can find out about the rows."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.calibration import CalibratedClassifierCV
from sklearn.utils import check_random_state

from sklw._cached import cached_property
from sklw._cross_fitting import (
    CrossFittedChecker,
    default_checker,
    own_column,
    row_groups,
)
from sklw._mixed import MixedEncoder, MixedRows, number_scaler, reading_frames
from sklw._validation import check_encodable
from sklw.weighting._inputs import resolved_prior
from sklw.weighting._process import warn

__all__ = ["CheckerSettings", "Evidence"]

# Fewer rows may well be judged alike.
_ENOUGH = 20


@dataclass(frozen=True)
class CheckerSettings:
    """Parameters of :class:`SyntheticWeighter` that methods share."""

    checker: Any = "embedding"
    class_prior: str = "auto"
    calibrate: bool = False
    cv: int = 5
    n_jobs: int | None = None
    verbose: bool | int = False
    random_state: Any = None


@dataclass(eq=False)
class Evidence:
    """What a weighting method can read about the rows.

    Whatever takes time is computed when it is first read, so a method costs what it uses. Arrays
    have an entry for each row to be trained on, real or synthetic; `synthetic` tells them apart.

    Attributes
    ----------
    rows : array of shape (n_samples, ...)
        The rows: an array of texts, a numeric array, a sparse matrix, or rows of a frame.
    labels : ndarray of shape (n_samples,)
        Their labels.
    synthetic : ndarray of bool of shape (n_samples,)
        Which rows are synthetic.
    real_rows, real_labels : arrays of length n_real
        The real rows to learn from: those among `rows`, or the weighter's `reference`.
    seen : list of n_samples int arrays
        For each row, the positions among the real rows of itself, its copies and its
        parents, and what synthetic parents were generated from.
    parents_known : bool
        Whether the parents of the synthetic rows are known.
    augmented, groups, real_groups : ndarray or None
        Rows beyond balance, and the groups of rows and of real rows, if given.
    settings : CheckerSettings
        Parameters of the weighter: `checker`, `cv`, `n_jobs`, `verbose`, ...
    quality : ndarray of float of shape (n_samples,)
        P'(y|x), from checkers fitted on real rows other than the row and its parents.
    quality_probabilities : ndarray of float of shape (n_samples, n_classes)
        P'(c|x) for every class in `classes`.
    relative_quality : float
        The mean quality of the synthetic rows, divided by that of the real rows of their classes
        and at most 1. The class prior is that of the real rows. Classes of one real row, or of
        copies of one, say nothing; 1 if there are no others.
    classes : ndarray of shape (n_classes,)
        The classes of the real rows.
    diversity : ndarray of float of shape (n_samples,)
        What :meth:`find_diversity` found last; NaN for real rows.
    features, real_features : arrays of shape (n, n_features)
        The rows as numbers: sentence embeddings of texts, or scaled and encoded columns.
    class_prior : {"reference", "training"}
        The class prior of P'.
    """

    rows: Any
    labels: np.ndarray
    synthetic: np.ndarray
    real_rows: Any
    real_labels: np.ndarray
    seen: list[np.ndarray]
    parents_known: bool = False
    augmented: np.ndarray | None = None
    groups: np.ndarray | None = None
    real_groups: np.ndarray | None = None
    settings: CheckerSettings = field(default_factory=CheckerSettings)
    diversity: np.ndarray = field(init=False)

    @cached_property
    def class_prior(self) -> str:
        """The class prior of P'."""
        return resolved_prior(
            self.settings.class_prior, self.labels, self.synthetic, self.real_labels
        )

    @cached_property
    def classes(self) -> np.ndarray:
        """The classes of the real rows."""
        return np.unique(self.real_labels)

    @cached_property
    def quality_probabilities(self) -> np.ndarray:
        """P'(c|x) of all rows."""
        return self._judged_under(self._prior())

    @cached_property
    def quality(self) -> np.ndarray:
        """P'(y|x) of all rows."""
        if not self.synthetic.any():
            return np.full(len(self.labels), np.nan)
        quality = own_column(self.quality_probabilities, self.classes, self.labels)
        judged = quality[self.synthetic]
        _check_finite("quality", judged)
        if len(judged) >= _ENOUGH and np.ptp(judged) < 1e-9:
            warn(
                f"The checker gives the probability {judged[0]:.3g} to every synthetic row, so it "
                "cannot tell good rows from bad ones. Pass another checker, or more real rows."
            )
        return quality

    @cached_property
    def relative_quality(self) -> float:
        """How good the synthetic rows are, beside real rows of their classes."""
        judged = own_column(self._judged_under(None), self.classes, self.labels)
        found, real = judged[self.synthetic], judged[~self.synthetic]
        if not self._learns_from_its_real_rows():
            checker, _ = self._judges
            checker.class_prior = None
            own = [np.array([at]) for at in range(len(self.real_labels))]
            real = checker.probability(self.real_rows, self.real_labels, own)
        # The only row of a class is judged by a model that has seen it.
        several = _n_different(self.real_rows, self.real_labels) > 1
        usual = pd.Series(real).groupby(self.real_labels).mean()[several]
        expected = pd.Series(self.labels[self.synthetic]).map(usual)
        measured = expected.notna().to_numpy()
        if not expected.sum() > 0:
            return 1.0
        return float(min(1.0, found[measured].mean() / expected[measured].mean()))

    def _learns_from_its_real_rows(self) -> bool:
        """Whether the real rows to learn from are those among `rows`, in their order."""
        places = np.flatnonzero(~self.synthetic)
        return np.array_equal(self.labels[places], self.real_labels) and all(
            at in self.seen[row] for at, row in enumerate(places)
        )

    @cached_property
    def _judges(self) -> tuple[CrossFittedChecker, list[np.ndarray]]:
        checker = self.checker(self.settings.checker).fit(self.real_rows, self.real_labels)
        return checker, checker.predict_each(self.rows)

    def _judged_under(self, prior: dict[Any, float] | None) -> np.ndarray:
        checker, predictions = self._judges
        checker.class_prior = prior
        return checker.combine(predictions, self.labels, self.seen)

    @cached_property
    def features(self) -> Any:
        """The rows as numbers."""
        return self._features[0]

    @cached_property
    def real_features(self) -> Any:
        """The real rows as numbers."""
        return self._features[1]

    @cached_property
    def _features(self) -> tuple[Any, Any]:
        any_real = len(self.real_labels) > 0
        found, of_real = _row_features(self.rows, self.real_rows if any_real else self.rows)
        for values in (found, of_real):
            _check_finite("features", values.data if issparse(values) else values)
        return found, of_real if any_real else of_real[:0]

    def read(self, name: str, default: Any = None) -> Any:
        """Return an attribute if a method has read it, without computing it otherwise."""
        return vars(self).get(name, default)

    def seed(self) -> int:
        """Draw a seed from the weighter's `random_state`."""
        return int(check_random_state(self.settings.random_state).randint(2**31 - 1))

    def checker(self, checker: Any, fitted_on: np.ndarray | None = None) -> CrossFittedChecker:
        """Make a cross-fitted checker, with the weighter's folds, calibration and seed.

        Parameters
        ----------
        checker : {"embedding", "bert"} or classifier
            What is fitted; it has to read rows like `rows`.
        fitted_on : ndarray of int, default=None
            Positions among `rows` of those that it will be fitted on, which limit calibration;
            None stands for the real rows.

        Returns
        -------
        checker : CrossFittedChecker
            Not fitted yet: call ``fit(X, y)``, then ``probability(X, y, seen)``.
        """
        settings, mixed = self.settings, isinstance(self.rows, MixedRows)
        if isinstance(checker, str):
            if self.rows.ndim == 1:
                check_encodable(self.rows)
            checker = default_checker(
                checker,
                text=self.rows.ndim == 1,
                sparse=issparse(self.rows),
                random_state=settings.random_state,
                mixed=mixed,
            )
        elif mixed:
            checker = reading_frames(checker)
        if settings.calibrate and (folds := self._calibration_folds(fitted_on)) > 1:
            checker = CalibratedClassifierCV(
                checker, method="temperature", cv=folds, ensemble=False
            )
        return CrossFittedChecker(
            checker, settings.cv, random_state=settings.random_state, n_jobs=settings.n_jobs
        )

    def find_diversity(self, checker: Any = "embedding", *, cross_fit: bool = False) -> np.ndarray:
        """Find Q(y|x) of the synthetic rows.

        Q is fitted on the synthetic rows if they hold every class, as by Kuo et al. Where only
        some classes were oversampled, a checker of those rows would be sure of each, so Q is
        fitted on all rows: on what the classifier is trained on.

        Parameters
        ----------
        checker : {"embedding", "bert"} or classifier, default="embedding"
            What Q is.
        cross_fit : bool, default=False
            Whether Q judges each row without having been fitted on it.

        Returns
        -------
        diversity : ndarray of shape (n_samples,)
            Q(y|x); NaN for real rows.
        """
        labels, made = self.labels, np.flatnonzero(self.synthetic)
        self.diversity = np.full(len(labels), np.nan)
        if not len(made):  # such as in a fold that all synthetic rows were generated from
            return self.diversity
        fitted_on = made if set(labels[made]) >= set(labels) else np.arange(len(labels))
        fitted = self.checker(checker, fitted_on)
        fitted.cross_fit = cross_fit
        fitted.fit(self.rows[fitted_on], labels[fitted_on])
        own = [np.array([at]) for at in np.flatnonzero(np.isin(fitted_on, made))]
        found = fitted.probability(self.rows[made], labels[made], own)
        _check_finite("diversity", found)
        self.diversity[made] = found
        return self.diversity

    def part(self, rows: np.ndarray, real_rows: np.ndarray) -> "Evidence":
        """Return the evidence about some of the rows, from some of the real rows alone."""
        place = np.full(len(self.real_labels), -1)
        place[real_rows] = np.arange(len(real_rows))
        seen = [place[self.seen[row]] for row in rows]
        return replace(
            self,
            rows=self.rows[rows],
            labels=self.labels[rows],
            synthetic=self.synthetic[rows],
            real_rows=self.real_rows[real_rows],
            real_labels=self.real_labels[real_rows],
            seen=[places[places >= 0] for places in seen],
            augmented=None if self.augmented is None else self.augmented[rows],
            groups=None if self.groups is None else self.groups[rows],
            real_groups=None if self.real_groups is None else self.real_groups[real_rows],
        )

    def _prior(self) -> dict[Any, float] | None:
        if self.class_prior == "reference":
            return None
        classes, counts = np.unique(self.labels, return_counts=True)
        shares = dict(zip(classes.tolist(), counts / len(self.labels), strict=True))
        return {c: shares.get(c, 0.0) for c in self.classes.tolist()}

    def _calibration_folds(self, fitted_on: np.ndarray | None) -> int:
        rows, labels = self.real_rows, self.real_labels
        if fitted_on is not None:
            rows, labels = self.rows[fitted_on], self.labels[fitted_on]
        # At most five, and as many as the rarest class has rows in the smallest fit.
        counts = _n_different(rows, labels)
        folds = int(min(5, counts.min() // 2))
        if folds < 2:
            warn(
                f"calibrate=True has no effect: a checker is fitted on {counts.min()} different "
                f"row(s) of the class {counts.idxmin()}, and calibrating it takes four or more."
            )
        return folds


def _n_different(rows: Any, labels: np.ndarray) -> pd.Series:
    """Count the rows of each class, copies once."""
    return pd.Series(row_groups(rows)).groupby(labels).nunique()


def _row_features(rows: Any, real_rows: Any) -> tuple[Any, Any]:
    if rows.ndim == 1:
        from sklw.feature_extraction import TextEmbedder

        embedder = TextEmbedder().set_output(transform="default")
        return embedder.transform(rows), embedder.transform(real_rows)
    if isinstance(rows, MixedRows):
        encoder = MixedEncoder().fit(real_rows)
        return encoder.transform(rows), encoder.transform(real_rows)
    scaler = number_scaler(sparse=issparse(rows)).fit(real_rows)
    return scaler.transform(rows), scaler.transform(real_rows)


def _check_finite(name: str, values: np.ndarray) -> None:
    wrong = ~np.isfinite(values)
    if wrong.any():
        n_rows = int(wrong.any(axis=1).sum()) if wrong.ndim > 1 else int(wrong.sum())
        raise ValueError(
            f"The {name} of {n_rows} rows is not a finite number. Drop or impute missing values "
            "in the rows, or pass a checker whose predict_proba gives finite probabilities."
        )
