"""SyntheticWeighter: how much each synthetic row should count."""

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import OneToOneFeatureMixin, TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted, validate_data

from sklw._compat.scikit_learn import (
    HasMethods,
    Interval,
    StrOptions,
    check_feature_names,
    fit_context,
)
from sklw._row_weights import BaseRowWeighter, RowWeights
from sklw._validation import check_groups, holds_texts
from sklw.weighting._evidence import EvidenceFinder
from sklw.weighting._inputs import (
    Reference,
    check_augmented,
    check_mask,
    check_parents,
    check_rows,
    reference_for,
    resolved_prior,
    rows_seen,
)
from sklw.weighting._methods import METHODS
from sklw.weighting._mixed import MixedRows
from sklw.weighting._scaling import (
    balanced,
    clipped,
    effective_sample_size,
    normalized,
    product,
    tempered,
    warn_of_collapse,
)
from sklw.weighting._search import SEARCHED, choose

if TYPE_CHECKING:
    from sklw.inspection import WeightReport

__all__ = ["SyntheticWeighter"]

_CHECKER = [StrOptions({"embedding", "bert"}), HasMethods(["fit", "predict_proba"])]


# `transform` returns the very object that it gets, so scikit-learn is not to wrap it.
class SyntheticWeighter(
    OneToOneFeatureMixin,
    TransformerMixin,
    BaseRowWeighter,
    auto_wrap_output_keys=None,  # type: ignore[call-arg]
):
    """Give each synthetic row a weight learned from a small set of real rows.

    A *quality checker* P' is fitted on real rows, and for ``"imp"`` a *diversity checker* Q on the
    rows the weights are for. A synthetic row (x, y) then counts

    =====================  ======================================================================
    ``"uniform"``          1: plain cross-entropy
    ``"quality"``          P'(y|x): rows that look like their label count more [1]_; squared by
                           default, see `temperature`
    ``"imp"``              P'(y|x) / Q(y|x): IMP-Loss [1]_, frozen before training
    ``"dimp"``             P'(y|x) / p(y|x): DIMP-Loss [1]_, p being the classifier at each step
    ``"diversity"``        1 / Q(y|x): rows unlike the others of their label count more
    ``"rho"``              1 for the `top_share` of each batch with the largest P'(y|x) / p(y|x), 0
                           for the rest: RHO-Loss [2]_
    ``"domain"``           p_real(x|y) / p_synthetic(x|y), from classifiers that tell real from
                           synthetic: classical importance weighting
    ``"confident"``        0 where confident learning [3]_ finds the label wrong, given P', else 1;
                           needs cleanlab
    ``"ren"``              how much training on the row lowers the loss of the real rows, at least
                           0, at each step [4]_
    ``"hu"``               a free number a row that follows the same slope [5]_
    ``"meta-weight-net"``  a small network of the row's loss, trained by the same slope [6]_
    ``"sungen"``           a free number a row that lowers a noise-robust loss of the synthetic
                           rows; needs no real ones [7]_
    ``"mix"``              1, the share of the synthetic rows chosen as for ``"auto"`` [8]_
    ``"auto"``             uniform, quality or imp, at the temperature and share that do best in
                           cross-validation on the real rows; a share of 0 is among the choices
    =====================  ======================================================================

    Real rows count `real_weight`. P' never judges a row by a model that was fitted on it, nor,
    where folds allow, on a row it was generated from (its prompt rows). For focal loss see
    ``BertClassifier(loss="focal")``.

    What they cost, beside the embeddings: the checkers of ``"quality"``, ``"imp"``, ``"dimp"``,
    ``"domain"`` and ``"confident"`` seconds; ``"ren"``, ``"hu"``, ``"meta-weight-net"`` and
    ``"sungen"`` some twenty passes over the features in a linear head, or with
    ``bilevel_model="bert"`` about three times what training the classifier costs.

    Use it in :class:`sklw.Pipeline` after a sampler. In a stock pipeline give `reference` and put
    :class:`sklw.BertClassifier` directly after it.

    Parameters
    ----------
    method : str, default="quality"
        The formula, from the table above. ``"dimp"`` and ``"rho"`` need
        :class:`sklw.BertClassifier`. ``"mix"`` and ``"auto"`` choose `temperature` and
        `synthetic_weight` themselves, with logistic regression on frozen embeddings (on scaled
        columns, for tables). ``"auto"`` takes quality at temperature 0.5 and share 0.3 unless
        another candidate is better by 1.5 standard errors.
    reference : tuple (X, y), default=None
        Real rows that P' is fitted on; None takes the real rows that reach the weighter.
    quality_checker, diversity_checker : {"embedding", "bert"} or classifier, default="embedding"
        What P' and Q are: logistic regression on frozen sentence embeddings (for tables, on
        scaled, one-hot encoded or embedded columns), a fine-tuned :class:`sklw.BertClassifier`, or
        any classifier with ``predict_proba``. ``"domain"`` fits the first on real against
        synthetic rows.
    diversity_fit : {"in_sample", "out_of_fold"}, default="in_sample"
        Whether Q judges rows that it was fitted on, as in [1]_, or cross-fitted. Out of fold, Q is
        low where a label is wrong, so that dividing by it rewards wrong labels.
    class_prior : {"auto", "reference", "training"}, default="auto"
        Class prior under which P' speaks: that of the real rows it was fitted on, or that of all
        the rows to be trained on. ``"auto"`` means ``"training"`` where some class has real rows
        alone, because oversampling has moved the prior on purpose, and ``"reference"`` otherwise.
    temperature : float or None, default=None
        Weights are raised to the power ``1 / temperature``: above 1 they move towards uniform,
        below 1 the best rows carry more. None stands for 0.5 for ``"quality"``, which did best in
        the benchmarks, and for 1 otherwise: the formulas of the papers.
    clip : float or None, default=10.0
        Upper bound of the ratio before tempering; None for no bound.
    clip_quantile : float or None, default=None
        Upper bound of the weights before tempering, as a quantile of them: 0.95 cuts the largest
        twentieth. Not for ``"dimp"`` and ``"rho"``, which have no weights before training.
    calibrate : bool, default=False
        Scale the temperature of P' and Q so that their probabilities are calibrated on rows they
        were not fitted on (:class:`sklearn.calibration.CalibratedClassifierCV`).
    top_share : float, default=0.1
        Share of the synthetic rows of a batch that ``"rho"`` trains on.
    bilevel_model : {"head", "bert"} or BertClassifier, default="head"
        What is trained while ``"ren"``, ``"hu"``, ``"meta-weight-net"`` and ``"sungen"`` learn the
        weights: a linear head on frozen embeddings (on scaled columns, for tables), or all of a
        BERT. The weights come out as fixed numbers, so any final estimator can use them.
    normalize : {"all", "class", "prior"} or None, default="all"
        Scale the weights to mean 1 over the synthetic rows; within each class of them; or to mean
        1 with the classes in the proportions of the real rows, which undoes a shift of the class
        prior. None leaves them raw. Not applied to what the classifier finishes.
    real_weight, synthetic_weight : float, default=1.0
        Factors for all real and all synthetic rows, after normalisation. Where the sum of the
        weights would exceed what a float can hold, all are divided by the largest.
    augmentation_weight : float, default=1.0
        A further factor for synthetic rows beyond balance (`augment` of
        :class:`sklw.LLMOverSampler`); Nakada et al. take 0.5.
    class_weight : "balanced" or None, default=None
        Scale the weights so that each class has the same total, real and synthetic rows together:
        for oversampling short of full balance, with any final estimator. Each class x group cell,
        where a sampler was given groups.
    scoring : {"balanced_accuracy", "log_loss"}, default="balanced_accuracy"
        What ``"mix"`` and ``"auto"`` choose by. The log-loss, with balanced classes if
        `class_weight` says so, prefers fewer synthetic rows: for calibrated probabilities.
    cv : int, default=5
        Number of folds that checkers are cross-fitted with.
    n_jobs : int, default=None
        Number of folds fitted at a time.
    verbose : bool, default=False
        Whether to show the progress of learning weights.
    random_state : int, RandomState or None, default=None
        Seed of the folds, and of checkers and models that take one.

    Attributes
    ----------
    sample_weight_ : ndarray of shape (n_samples,)
        The weights.
    quality_ : ndarray of shape (n_samples,)
        P'(y|x), cross-fitted; NaN where no checker was needed.
    quality_probabilities_ : ndarray of shape (n_samples, n_classes)
        P'(c|x) for every class, in the order of ``classes_``; only where P' was needed.
    diversity_ : ndarray of shape (n_samples,)
        Q(y|x) of the synthetic rows; NaN elsewhere and where not needed.
    synthetic_mask_ : ndarray of bool of shape (n_samples,)
        Which rows are synthetic.
    effective_sample_size_ : float
        ``sum(w)**2 / sum(w**2)`` over the synthetic rows; for ``"dimp"``, of the quality alone.
    class_prior_ : {"reference", "training"}
        What `class_prior` came to.
    n_features_in_ : int
        Number of columns; 1 for texts.
    feature_names_in_ : ndarray of str of shape (n_features_in_,)
        Names of the columns, if they have any.
    row_weights_ : RowWeights
        What the pipeline hands to the classifier.
    best_params_ : dict
        What ``"mix"`` or ``"auto"`` chose; empty for the others.
    auto_results_ : DataFrame
        Their candidates: `method`, `temperature`, `synthetic_weight`, `balanced_accuracy`,
        `log_loss`, how much better the score is than that of the favourite (``"auto"``) or the
        best (``"mix"``) as `difference` with its standard error `difference_se`, and which one was
        `chosen`. The first is training without synthetic rows, if there are real ones to train
        on. Empty for other methods.

    Raises
    ------
    ValueError
        If it cannot know which rows are synthetic, or a synthetic row's class has no real row.
    ImportError
        If ``"confident"`` is asked for and cleanlab is not installed.

    Warns
    -----
    UserWarning
        If a few rows carry nearly all of the weight, if the checker says the same of every row, if
        a class is judged by one or two real rows, or if synthetic rows repeat the reference.

    References
    ----------
    .. [1] H.-K. Kuo et al., "Not All LLM-Generated Data Are Equal: Rethinking Data Weighting in
       Text Classification", ICLR 2025.
    .. [2] S. Mindermann et al., "Prioritized Training on Points that are Learnable, Worth
       Learning, and Not Yet Learnt", ICML 2022.
    .. [3] C. Northcutt et al., "Confident Learning: Estimating Uncertainty in Dataset Labels",
       JAIR 2021.
    .. [4] M. Ren et al., "Learning to Reweight Examples for Robust Deep Learning", ICML 2018.
    .. [5] Z. Hu et al., "Learning Data Manipulation for Augmentation and Weighting", NeurIPS 2019.
    .. [6] J. Shu et al., "Meta-Weight-Net: Learning an Explicit Mapping For Sample Weighting",
       NeurIPS 2019.
    .. [7] J. Gao et al., "Self-Guided Noise-Free Data Generation for Efficient Zero-Shot
       Learning", ICLR 2023.
    .. [8] A. Jain et al., "Scaling laws for learning with real and surrogate data",
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
        "temperature": [Interval(Real, 0, None, closed="neither"), None],
        "clip": [Interval(Real, 0, None, closed="neither"), None],
        "clip_quantile": [Interval(Real, 0, 1, closed="neither"), None],
        "calibrate": ["boolean"],
        "top_share": [Interval(Real, 0, 1, closed="right")],
        "bilevel_model": [StrOptions({"head", "bert"}), HasMethods(["fit", "predict_proba"])],
        "normalize": [StrOptions({"all", "class", "prior"}), None],
        "real_weight": [Interval(Real, 0, None, closed="left")],
        "synthetic_weight": [Interval(Real, 0, None, closed="left")],
        "augmentation_weight": [Interval(Real, 0, None, closed="left")],
        "class_weight": [StrOptions({"balanced"}), None],
        "scoring": [StrOptions({"balanced_accuracy", "log_loss"})],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
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
        temperature: float | None = None,
        clip: float | None = 10.0,
        clip_quantile: float | None = None,
        calibrate: bool = False,
        top_share: float = 0.1,
        bilevel_model: Any = "head",
        normalize: str | None = "all",
        real_weight: float = 1.0,
        synthetic_weight: float = 1.0,
        augmentation_weight: float = 1.0,
        class_weight: str | None = None,
        scoring: str = "balanced_accuracy",
        cv: int = 5,
        n_jobs: int | None = None,
        verbose: bool | int = False,
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
        self.clip_quantile = clip_quantile
        self.calibrate = calibrate
        self.top_share = top_share
        self.bilevel_model = bilevel_model
        self.normalize = normalize
        self.real_weight = real_weight
        self.synthetic_weight = synthetic_weight
        self.augmentation_weight = augmentation_weight
        self.class_weight = class_weight
        self.scoring = scoring
        self.cv = cv
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    # What the pipeline passes on its own is not asked for unless the user says so.
    __metadata_request__fit = {"augmented": False, "groups": False}

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        synthetic: Any = None,
        parent_indices: Any = None,
        augmented: Any = None,
        groups: Any = None,
    ) -> "SyntheticWeighter":
        """Find the weights.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,), or table of shape (n_samples, n_features)
            Real and synthetic rows. A table may hold numbers, categories, dates and texts.
        y : array-like of shape (n_samples,)
            Their labels.
        synthetic : array-like of bool of shape (n_samples,), default=None
            Which rows are synthetic. :class:`sklw.Pipeline` passes it. Without it, the rows that
            are not in `reference` count as synthetic.
        parent_indices : sequence of int arrays, default=None
            For each row, or for each synthetic row, the rows of `X` it was generated from,
            counted from 0.
        augmented : array-like of bool of shape (n_samples,), default=None
            Which synthetic rows were added beyond balance, to be multiplied by
            `augmentation_weight`.
        groups : array-like of shape (n_samples,), default=None
            Group of each row, for ``class_weight="balanced"``; none may be missing.

        Returns
        -------
        self : SyntheticWeighter
            The fitted weighter.
        """
        rows, labels = check_rows(X, y)
        self._reads_texts = holds_texts(X)
        self.n_features_in_ = 1 if rows.ndim == 1 else rows.shape[1]
        if rows.ndim > 1:
            check_feature_names(self, X, reset=True)
        learns = self.method in SEARCHED or bool(METHODS[self.method].needs)
        reference = reference_for(self.reference, rows, labels, synthetic, required=learns)
        if synthetic is None:
            self.synthetic_mask_ = ~reference.holds()
        else:
            self.synthetic_mask_ = check_mask(synthetic, len(labels))
        parents = check_parents(parent_indices, self.synthetic_mask_)
        if groups is not None:
            groups = check_groups(groups, len(labels))
        extra = {"augmented": check_augmented(augmented, self.synthetic_mask_), "groups": groups}
        for name in ("classes_", "quality_probabilities_"):  # of another method's fit
            self.__dict__.pop(name, None)
        self.best_params_: dict[str, Any] = {}
        self.auto_results_ = pd.DataFrame()
        if self.method in SEARCHED:
            return self._fit_best(rows, labels, parents, reference, extra)
        self.class_prior_ = resolved_prior(
            self.class_prior, labels, self.synthetic_mask_, reference.labels
        )
        seen = rows_seen(reference.positions, parents)
        finder = EvidenceFinder(self, rows, labels, reference, seen)
        self._evidence = finder.find(METHODS[self.method].needs)
        self.quality_, self.diversity_ = finder.quality, finder.diversity
        if finder.probabilities.size:
            self.classes_, self.quality_probabilities_ = finder.classes, finder.probabilities
        self._set_weights(labels, reference.labels, **extra)
        warn_of_collapse(self.effective_sample_size_, int(self.synthetic_mask_.sum()))
        return self

    def _fit_best(
        self, rows: Any, labels: np.ndarray, parents: Any, reference: Reference, extra: Any
    ) -> "SyntheticWeighter":
        best, results = choose(
            self, rows, labels, self.synthetic_mask_, parents, reference, **extra
        )
        chosen = clone(self).set_params(**best)
        chosen.fit(rows, labels, self.synthetic_mask_, parents, **extra)
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
        if self._reads_texts:
            return X
        if MixedRows.of(X) is not None:
            check_feature_names(self, X, reset=False)
        else:
            validate_data(self, X, reset=False, accept_sparse="csr", ensure_all_finite="allow-nan")
        return X

    def set_output(self, *, transform: Any = None) -> "SyntheticWeighter":
        """Do nothing: ``transform`` returns the object that it gets, whatever is configured.

        Parameters
        ----------
        transform : object, default=None
            Ignored.

        Returns
        -------
        self : SyntheticWeighter
            The weighter.
        """
        return self

    def fit_transform(
        self,
        X: Any,
        y: Any = None,
        synthetic: Any = None,
        parent_indices: Any = None,
        augmented: Any = None,
        groups: Any = None,
    ) -> Any:
        """Find the weights and return them with the rows: for stock pipelines.

        Parameters
        ----------
        X, y, synthetic, parent_indices, augmented, groups
            As in :meth:`fit`.

        Returns
        -------
        weighted : Weighted
            Rows and weights, which :class:`sklw.BertClassifier` takes as `X`.
        """
        from sklw.pipeline import Weighted

        self.fit(X, y, synthetic, parent_indices, augmented, groups)
        return Weighted(X, self.row_weights_)

    def report(
        self, X: Any, y: Any, *, provenance: Any = None, parent_indices: Any = None
    ) -> "WeightReport":
        """Show which rows got which weight, and why.

        Parameters
        ----------
        X, y : array-like of shape (n_samples, ...)
            What the weighter was fitted on: what the sampler's ``fit_resample`` returned.
        provenance : DataFrame, default=None
            The sampler's ``provenance_``; adds to each synthetic row where it comes from.
        parent_indices : sequence of int arrays, default=None
            As in :meth:`fit`; adds the rows that each was generated from.

        Returns
        -------
        report : WeightReport
            ``report.frame`` has a row for each row; ``report.to_html(path)`` writes a page with
            the highest and the lowest weights.
        """
        from sklw.inspection import WeightReport

        return WeightReport.from_estimator(
            self, X, y, provenance=provenance, parent_indices=parent_indices
        )

    def emitted_arguments(self) -> tuple[str, ...]:
        """Names of the fit arguments without which the final estimator would lose weights."""
        if self.method in METHODS and METHODS[self.method].finished_by_classifier:
            return ("row_weights",)
        return ("sample_weight",)

    def _set_weights(
        self,
        labels: np.ndarray,
        reference_labels: np.ndarray,
        augmented: Any = None,
        groups: Any = None,
    ) -> None:
        method, made = METHODS[self.method], np.flatnonzero(self.synthetic_mask_)
        temperature = method.temperature if self.temperature is None else self.temperature
        raw = np.ones(len(made))
        if method.formula is not None and len(made):
            raw = clipped(method.formula(self._evidence), self.clip, self.clip_quantile)
        if self.normalize is None:
            learned, left = raw, temperature
            judged = tempered(raw, temperature)
        else:
            classes = (labels[made], reference_labels)
            judged = learned = normalized(raw, temperature, self.normalize, *classes)
            left = 1.0
        if method.finished_by_classifier:
            judged = self.quality_[made]
        self.effective_sample_size_ = effective_sample_size(judged)
        factors, scale, beyond = np.ones((3, len(labels)))
        factors[made] = learned
        scale[:] = np.where(self.synthetic_mask_, self.synthetic_weight, self.real_weight)
        if augmented is not None:
            beyond[augmented] = self.augmentation_weight
        weights = product((scale, 1.0), (factors, left), (beyond, 1.0))
        if self.class_weight == "balanced":
            weights = balanced(weights, labels, groups)
        if not weights.any():
            raise ValueError(
                "Every row would get weight 0. Raise real_weight or synthetic_weight above 0."
            )
        self.sample_weight_ = weights
        finish: dict[str, Any] = {}
        if method.finished_by_classifier:
            finish = {
                "quality": self.quality_,
                "quality_temperature": temperature,
                "quality_clip": self.clip,
                "quality_top_share": self.top_share if self.method == "rho" else None,
            }
        self.row_weights_ = RowWeights(weights, self.synthetic_mask_, **finish)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.string = True
        tags.input_tags.two_d_array = True
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags
