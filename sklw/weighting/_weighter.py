"""SyntheticWeighter: how much each synthetic row should count."""

from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.base import TransformerMixin, _fit_context, clone
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from sklw._row_weights import BaseRowWeighter, RowWeights
from sklw._validation import holds_texts
from sklw.weighting._checkers import CrossFittedChecker, default_checker
from sklw.weighting._inputs import check_mask, check_rows, row_keys, rows_seen
from sklw.weighting._methods import METHODS
from sklw.weighting._scaling import balanced, mean_one
from sklw.weighting._search import SEARCHED, RealRows, search

__all__ = ["SyntheticWeighter"]

_CHOSEN = ("method", "temperature", "synthetic_weight")
_CHECKER = [StrOptions({"embedding", "bert"}), HasMethods(["fit", "predict_proba"])]


class SyntheticWeighter(TransformerMixin, BaseRowWeighter):
    """Give each synthetic row a weight learned from a small set of real rows.

    A *quality checker* P' is fitted on real rows, and for ``"imp"`` a *diversity checker* Q on the
    rows the weights are for. A synthetic row (x, y) then counts [1]_

    ===============  ==============================================================
    ``"uniform"``    1: plain cross-entropy
    ``"quality"``    P'(y|x): rows that look like their label count more
    ``"imp"``        P'(y|x) / Q(y|x): IMP-Loss, frozen before training
    ``"dimp"``       P'(y|x) / p(y|x): DIMP-Loss, p being the classifier at each step
    ``"diversity"``  1 / Q(y|x): rows that are unlike the others of their label count more
    ``"mix"``        1, the share of the synthetic rows chosen as for ``"auto"`` [2]_
    ``"auto"``       uniform, quality or imp, at the temperature and share that do best in
                     cross-validation on the real rows; a share of 0 is among the choices
    ===============  ==============================================================

    Real rows count `real_weight`. P' never judges a row by a model that was fitted on it, nor,
    where folds allow, on a row it was generated from (its prompt rows).

    Use it in :class:`sklw.Pipeline` after a sampler. In a stock pipeline give `reference` and put
    :class:`sklw.BertClassifier` directly after it.

    Parameters
    ----------
    method : {"uniform", "quality", "imp", "dimp", "diversity", "mix", "auto"}, default="quality"
        The formula. ``"dimp"`` needs :class:`sklw.BertClassifier`. ``"mix"`` and ``"auto"`` choose
        `temperature` and `synthetic_weight` themselves, with logistic regression on frozen
        embeddings (on scaled columns, for tables); `class_weight` ``"balanced"`` makes them judge
        by the mean log-loss of the classes.
    reference : tuple (X, y), default=None
        Real rows that P' is fitted on; None takes the real rows that reach the weighter.
    quality_checker, diversity_checker : {"embedding", "bert"} or classifier, default="embedding"
        What P' and Q are: logistic regression on frozen sentence embeddings (for tables, on
        scaled columns), a fine-tuned :class:`sklw.BertClassifier`, or any classifier with
        ``predict_proba``.
    diversity_fit : {"in_sample", "out_of_fold"}, default="in_sample"
        Whether Q judges rows that it was fitted on, as in [1]_, or cross-fitted.
    class_prior : {"auto", "reference", "training"}, default="auto"
        Class prior under which P' speaks: that of the real rows it was fitted on, or that of all
        the rows to be trained on. ``"auto"`` means ``"training"`` where some class has no
        synthetic row, because oversampling has moved the prior on purpose, and ``"reference"``
        otherwise.
    temperature : float, default=1.0
        Weights are raised to the power ``1 / temperature``: above 1 they move towards uniform.
    clip : float or None, default=10.0
        Upper bound of the ratio before tempering; None for no bound.
    normalize : {"all", "class"} or None, default="all"
        Scale the weights to mean 1 over the synthetic rows, or within each class of them; None
        leaves them raw. Not applied to ``"dimp"``, whose ratio changes during training.
    real_weight, synthetic_weight : float, default=1.0
        Factors for all real and all synthetic rows, after normalisation.
    class_weight : "balanced" or None, default=None
        Scale the weights so that each class has the same total, real and synthetic rows together:
        for oversampling short of full balance, with any final estimator.
    cv : int, default=5
        Number of folds that checkers are cross-fitted with.
    n_jobs : int, default=None
        Number of folds fitted at a time.
    random_state : int, RandomState or None, default=None
        Seed of the folds and of checkers that take one.

    Attributes
    ----------
    sample_weight_ : ndarray of shape (n_samples,)
        The weights.
    quality_ : ndarray of shape (n_samples,)
        P'(y|x), cross-fitted; NaN where no checker was needed.
    diversity_ : ndarray of shape (n_samples,)
        Q(y|x) of the synthetic rows; NaN elsewhere and where not needed.
    synthetic_mask_ : ndarray of bool of shape (n_samples,)
        Which rows are synthetic.
    effective_sample_size_ : float
        ``sum(w)**2 / sum(w**2)`` over the synthetic rows; for ``"dimp"``, of the quality alone.
    class_prior_ : {"reference", "training"}
        What `class_prior` came to.
    row_weights_ : RowWeights
        What the pipeline hands to the classifier.
    best_params_ : dict
        What ``"mix"`` or ``"auto"`` chose; empty for the others.
    auto_results_ : DataFrame
        Their candidates: `method`, `temperature`, `synthetic_weight`, `log_loss`, and the
        `difference` to the first with its standard error `difference_se`. The first is training
        without synthetic rows, if there are real ones to train on. Empty for other methods.

    Raises
    ------
    ValueError
        If it cannot know which rows are synthetic, or a synthetic row's class has no real row.

    References
    ----------
    .. [1] H.-K. Kuo et al., "Not All LLM-Generated Data Are Equal: Rethinking Data Weighting in
       Text Classification", ICLR 2025.
    .. [2] A. Jain et al., "Scaling laws for learning with real and surrogate data",
       NeurIPS 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sklw import SyntheticWeighter
    >>> X = np.array([[0.0], [0.2], [0.4], [2.0], [2.2], [2.4], [2.1], [0.1]])
    >>> y = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    >>> synthetic = np.array([False] * 6 + [True] * 2)
    >>> weighter = SyntheticWeighter().fit(X, y, synthetic=synthetic)
    >>> bool(weighter.sample_weight_[6] > 2 * weighter.sample_weight_[7])
    True
    """

    _parameter_constraints: dict = {
        "method": [StrOptions({*METHODS, *SEARCHED})],
        "reference": [tuple, list, None],
        "quality_checker": _CHECKER,
        "diversity_checker": _CHECKER,
        "diversity_fit": [StrOptions({"in_sample", "out_of_fold"})],
        "class_prior": [StrOptions({"auto", "reference", "training"})],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "clip": [Interval(Real, 0, None, closed="neither"), None],
        "normalize": [StrOptions({"all", "class"}), None],
        "real_weight": [Interval(Real, 0, None, closed="left")],
        "synthetic_weight": [Interval(Real, 0, None, closed="left")],
        "class_weight": [StrOptions({"balanced"}), None],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        method: str = "quality",
        *,
        reference: tuple[Any, Any] | None = None,
        quality_checker: Any = "embedding",
        diversity_checker: Any = "embedding",
        diversity_fit: str = "in_sample",
        class_prior: str = "auto",
        temperature: float = 1.0,
        clip: float | None = 10.0,
        normalize: str | None = "all",
        real_weight: float = 1.0,
        synthetic_weight: float = 1.0,
        class_weight: str | None = None,
        cv: int = 5,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.method = method
        self.reference = reference
        self.quality_checker = quality_checker
        self.diversity_checker = diversity_checker
        self.diversity_fit = diversity_fit
        self.class_prior = class_prior
        self.temperature = temperature
        self.clip = clip
        self.normalize = normalize
        self.real_weight = real_weight
        self.synthetic_weight = synthetic_weight
        self.class_weight = class_weight
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: Any, y: Any, synthetic: Any = None, parent_indices: Any = None
    ) -> "SyntheticWeighter":
        """Find the weights.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,), or of numbers (n_samples, n_features)
            Real and synthetic rows.
        y : array-like of shape (n_samples,)
            Their labels.
        synthetic : array-like of bool of shape (n_samples,), default=None
            Which rows are synthetic. :class:`sklw.Pipeline` passes it. Without it, the rows that
            are not in `reference` count as synthetic.
        parent_indices : sequence of n_samples int arrays, default=None
            For each row, the rows of `X` it was generated from.

        Returns
        -------
        self : SyntheticWeighter
            The fitted weighter.
        """
        rows, labels = check_rows(X, y)
        self._reads_texts = holds_texts(X)
        self.n_features_in_ = 1 if rows.ndim == 1 else rows.shape[1]
        reference_rows, reference_labels, position = self._reference_for(rows, labels, synthetic)
        self.synthetic_mask_ = self._synthetic_mask(synthetic, position, len(labels))
        self.best_params_: dict[str, Any] = {}
        self.auto_results_ = pd.DataFrame()
        if self.method in SEARCHED:
            real = (reference_rows, reference_labels, position)
            return self._fit_best(rows, labels, parent_indices, *real)
        method = METHODS[self.method]
        self.quality_ = np.full(len(labels), np.nan)
        self.diversity_ = np.full(len(labels), np.nan)
        self.class_prior_ = self._resolved_prior(labels, reference_labels)
        made = np.flatnonzero(self.synthetic_mask_)
        if len(made) and method.needs_quality:
            self._check_classes(labels[made], reference_labels)
            seen = rows_seen(position, parent_indices, len(labels))
            prior = self._prior_of(labels, reference_labels)
            checker = self._checker(self.quality_checker, prior, sparse=issparse(rows))
            checker.fit(reference_rows, reference_labels)
            self.quality_ = checker.probability(rows, labels, seen)
        if len(made) and method.needs_diversity:
            self.diversity_[made] = self._diversity(rows, labels, made)
        self._set_weights(labels, made)
        return self

    def _fit_best(
        self,
        rows: Any,
        labels: np.ndarray,
        parent_indices: Any,
        reference_rows: Any,
        reference_labels: np.ndarray,
        position: np.ndarray,
    ) -> "SyntheticWeighter":
        synthetic = self.synthetic_mask_
        best: dict[str, Any] = {"method": "uniform"}
        results = self.auto_results_
        if synthetic.any():
            self._check_classes(labels[synthetic], reference_labels)
            tied = rows_seen(position, parent_indices, len(labels))
            real = RealRows(reference_rows, reference_labels, tied)
            results = search(self, rows, labels, synthetic, parent_indices, real)
            row = results.iloc[results["log_loss"].argmin()].to_dict()
            best = {name: row[name] for name in _CHOSEN}
        chosen = clone(self).set_params(**best).fit(rows, labels, synthetic, parent_indices)
        for name, value in vars(chosen).items():
            if name.endswith("_"):
                setattr(self, name, value)
        self.best_params_, self.auto_results_ = best, results
        return self

    def transform(self, X: Any) -> Any:
        """Return `X` as it is: weights matter in training only.

        Parameters
        ----------
        X : array-like
            Rows.

        Returns
        -------
        X : array-like
            The same object.
        """
        check_is_fitted(self)
        if not self._reads_texts:
            validate_data(self, X, reset=False, accept_sparse="csr", ensure_all_finite="allow-nan")
        return X

    def fit_transform(
        self, X: Any, y: Any = None, synthetic: Any = None, parent_indices: Any = None
    ) -> Any:
        """Find the weights and return them with the rows: for stock pipelines.

        Parameters
        ----------
        X, y, synthetic, parent_indices
            As in :meth:`fit`.

        Returns
        -------
        weighted : Weighted
            Rows and weights, which :class:`sklw.BertClassifier` takes as `X`.
        """
        from sklw.pipeline import Weighted

        self.fit(X, y, synthetic=synthetic, parent_indices=parent_indices)
        return Weighted(X, self.row_weights_)

    def emitted_arguments(self) -> tuple[str, ...]:
        """Names of the fit arguments that the final estimator has to take."""
        if self.method in METHODS and METHODS[self.method].finished_by_classifier:
            return ("sample_weight", "quality")
        return ("sample_weight",)

    def _reference_for(
        self, rows: Any, labels: np.ndarray, synthetic: Any
    ) -> tuple[Any, np.ndarray, np.ndarray]:
        """Return the real rows for P', and for each row its position among them or -1."""
        if self.reference is not None:
            if len(self.reference) != 2:
                raise ValueError(
                    f"reference must be a pair (X, y), got {len(self.reference)} items. Pass "
                    "reference=(real_texts, real_labels)."
                )
            reference_rows, reference_labels = check_rows(*self.reference)
            keys = row_keys(reference_rows)
            first = {key: at for at, key in reversed(list(enumerate(keys)))}
            position = np.array([first.get(key, -1) for key in row_keys(rows)])
            return reference_rows, reference_labels, position
        if synthetic is None:
            if self.method in SEARCHED or METHODS[self.method].needs_quality:
                raise ValueError(
                    "SyntheticWeighter cannot know which rows are synthetic. Put it in "
                    "sklw.Pipeline (or sklw.make_pipeline) after a sampler, which tells it; or "
                    "pass reference=(X_real, y_real) to the constructor, or synthetic=mask to fit."
                )
            return rows, labels, np.arange(len(labels))
        real = ~check_mask(synthetic, len(labels))
        position = np.where(real, np.cumsum(real) - 1, -1)
        return rows[real], labels[real], position

    def _synthetic_mask(self, synthetic: Any, position: np.ndarray, n_rows: int) -> np.ndarray:
        return position < 0 if synthetic is None else check_mask(synthetic, n_rows)

    def _check_classes(self, labels: np.ndarray, reference_labels: np.ndarray) -> None:
        known = np.unique(reference_labels)
        if len(known) < 2:
            raise ValueError(
                f"The real rows hold {len(known)} class(es) and a quality checker needs two or "
                "more. Pass reference=(X, y) with real rows of every class."
            )
        unknown = sorted(set(labels.tolist()) - set(known.tolist()), key=str)
        if unknown:
            raise ValueError(
                f"Synthetic rows have the class(es) {unknown}, of which there is no real row to "
                "judge them by. Pass a reference that holds every class, or drop these rows."
            )

    def _resolved_prior(self, labels: np.ndarray, reference_labels: np.ndarray) -> str:
        if self.class_prior != "auto":
            return self.class_prior
        made = set(labels[self.synthetic_mask_].tolist())
        return "reference" if made >= set(reference_labels.tolist()) else "training"

    def _prior_of(
        self, labels: np.ndarray, reference_labels: np.ndarray
    ) -> dict[Any, float] | None:
        if self.class_prior_ == "reference":
            return None
        classes, counts = np.unique(labels, return_counts=True)
        shares = dict(zip(classes.tolist(), counts / len(labels), strict=True))
        return {label: shares.get(label, 0.0) for label in np.unique(reference_labels).tolist()}

    def _checker(
        self, checker: Any, prior: dict[Any, float] | None, *, sparse: bool
    ) -> CrossFittedChecker:
        if isinstance(checker, str):
            checker = default_checker(
                checker,
                text=self._reads_texts,
                sparse=sparse,
                random_state=self.random_state,
            )
        return CrossFittedChecker(
            checker,
            n_folds=self.cv,
            class_prior=prior,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        )

    def _diversity(self, rows: Any, labels: np.ndarray, made: np.ndarray) -> np.ndarray:
        """Q(y|x) of the synthetic rows.

        Q is fitted on the synthetic rows if they hold every class, as in the paper. Where only
        some classes were oversampled, a checker of those rows would say 1 to all of them, so Q is
        fitted on all rows: on what the classifier is trained on.
        """
        fitted_on = made if set(labels[made]) >= set(labels) else np.arange(len(labels))
        checker = self._checker(self.diversity_checker, None, sparse=issparse(rows))
        checker.cross_fit = self.diversity_fit == "out_of_fold"
        checker.fit(rows[fitted_on], labels[fitted_on])
        at = np.flatnonzero(np.isin(fitted_on, made))
        return checker.probability(rows[made], labels[made], [np.array([i]) for i in at])

    def _set_weights(self, labels: np.ndarray, made: np.ndarray) -> None:
        method = METHODS[self.method]
        weights = np.full(len(labels), float(self.real_weight))
        quality = self.quality_[made]
        learned = method.ratio(quality, self.diversity_[made]) if len(made) else quality
        if self.clip is not None:
            learned = np.minimum(learned, self.clip)
        learned = learned ** (1.0 / self.temperature)
        if self.normalize is not None:
            learned = mean_one(learned, labels[made] if self.normalize == "class" else None)
        judged = quality if method.finished_by_classifier else learned
        squares = float(np.sum(judged**2))
        self.effective_sample_size_ = float(np.sum(judged)) ** 2 / squares if squares else 0.0
        weights[made] = learned * self.synthetic_weight
        if self.class_weight == "balanced":
            weights = balanced(weights, labels)
        if not weights.any():
            raise ValueError(
                "Every row would get weight 0. Raise real_weight or synthetic_weight above 0."
            )
        self.sample_weight_ = weights
        if method.finished_by_classifier:
            channel = np.full(len(labels), np.nan)
            channel[made] = quality
            self.row_weights_ = RowWeights(weights, channel, self.temperature, self.clip)
        else:
            self.row_weights_ = RowWeights(weights)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.string = True
        tags.input_tags.two_d_array = True
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags
