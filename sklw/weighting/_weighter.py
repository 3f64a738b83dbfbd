"""SyntheticWeighter: how much each synthetic row should count."""

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted, validate_data

from sklw._compat.scikit_learn import Interval, StrOptions, check_feature_names, fit_context
from sklw._cross_fitting import CHECKER
from sklw._mixed import MixedRows, inferred
from sklw._renamed import renamed_parameters
from sklw._row_weights import BaseRowWeighter, RowWeights, effective_sample_size
from sklw._validation import holds_texts
from sklw.weighting._evidence import Evidence
from sklw.weighting._gathering import check_form, check_ready, gathered
from sklw.weighting._inputs import check_raw_weights, check_rows, settings_of
from sklw.weighting._normalization import Scaling, not_all_zero, warn_of_collapse
from sklw.weighting.methods._base import BaseMethod
from sklw.weighting.methods._names import RENAMED, as_method
from sklw.weighting.methods._search import BaseSearch

if TYPE_CHECKING:
    from sklw.inspection import WeightReport

__all__ = ["SyntheticWeighter"]

_NOT_NEGATIVE = [Interval(Real, 0, None, closed="left")]


@renamed_parameters(RENAMED)
# `transform` returns the object it is given, so scikit-learn must not wrap it.
class SyntheticWeighter(BaseRowWeighter, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Give each synthetic row a weight learned from a small set of real rows.

    A *checker* P' is fitted on real rows, and for ``"imp"`` a *diversity checker* Q on the rows
    that are weighted. The weight of a synthetic row (x, y) is

    ===============  ===================  ==================================================
    Name             Class                Weight
    ===============  ===================  ==================================================
    ``"uniform"``    :class:`Uniform`     1: plain cross-entropy
    ``"quality"``    :class:`Quality`     P'(y|x), squared by default [1]_
    ``"imp"``        :class:`Imp`         P'(y|x) / Q(y|x), frozen: IMP-Loss [1]_
    ``"dimp"``       :class:`Dimp`        P'(y|x) / p(y|x), p the classifier: DIMP-Loss [1]_
    ``"confident"``  :class:`Confident`   0 where confident learning finds the label wrong
    ``"hu"``         :class:`Hu`          learned: what lowers the loss of the real rows
    ``"sungen"``     :class:`SunGen`      learned: what lowers a noise-robust loss
    ``"mix"``        :class:`Mix`         1, their factor chosen on the real rows
    ``"auto"``       :class:`Auto`        uniform, quality or imp, chosen on the real rows
    ===============  ===================  ==================================================

    P' never judges a row by a model that was fitted on it, nor, where folds allow, on a row that
    it descends from (prompt rows, and theirs). For focal loss see ``BertClassifier(loss="focal")``.

    Use it in :class:`sklw.Pipeline` after a sampler. In a stock pipeline give `reference` and put
    :class:`sklw.BertClassifier` directly after it.

    Parameters
    ----------
    method : str or BaseMethod, default="quality"
        A name from the table, or an object such as ``Imp(clip=5)``. ``"dimp"`` needs a
        :class:`sklw.BertClassifier`; ``"mix"`` and ``"auto"`` choose temperature and factor.
    checker : {"embedding", "bert"} or classifier, default="embedding"
        What P' is: logistic regression on frozen sentence embeddings (for tables, on scaled,
        one-hot encoded or embedded columns), a fine-tuned :class:`sklw.BertClassifier`, or any
        classifier with ``predict_proba``.
    reference : tuple (X, y), default=None
        Real rows that P' is fitted on, in the form of those that reach the weighter: behind a
        transformer, transformed by it. None takes the real rows among those. Named columns of a
        table may come in any order.
    class_prior : {"auto", "reference", "training"}, default="auto"
        Class prior of P': that of the real rows it was fitted on, or that of all the rows to be
        trained on. ``"auto"`` means ``"training"`` if some class has only real rows, because
        oversampling has then moved the prior on purpose, and ``"reference"`` otherwise. The former
        suits classes that are more common in use than among the real rows, the latter others.
    temperature : float or None, default=None
        Weights are raised to the power ``1 / temperature``: above 1 they move towards uniform,
        below 1 the best rows count more. None stands for 0.5 with ``"quality"``, which did best in
        the benchmarks, and for 1 with the others, as in the papers.
    calibrate : bool, default=False
        Scale the temperature of P' and Q so that their probabilities are calibrated on rows they
        were not fitted on (:class:`sklearn.calibration.CalibratedClassifierCV`).
    normalize : {"floor", "all", "class", "prior"} or None, default="floor"
        Scale the weights of synthetic rows to mean 1. ``"floor"`` does so over all rows, after
        raising classes with a mean below half of that to half, and those with fewer than 30 real
        rows, which the checker hardly knows, to the mean of the others. ``"all"`` scales over all
        rows without that, ``"class"`` within each class, and ``"prior"`` gives the classes the
        shares that they have among the real rows. Zeros stay zeros. None leaves the weights raw.
    real_weight : float, default=1.0
        Factor for all real rows.
    synthetic_weight : float or None, default=None
        Factor for all synthetic rows, after normalization. None stands for
        ``min(1, q / q_real) ** 2``, q being the mean P'(y|x) of these rows and q_real that of real
        rows of the same classes, so that rows of a generator that often misses the label count
        less. None stands for 1 with methods other than ``"quality"`` and ``"imp"``, without
        normalization, and if no real rows are trained on or no class has two different ones.
    augmentation_weight : float, default=1.0
        A further factor for synthetic rows beyond balance (`augment` of
        :class:`sklw.LLMOverSampler`); Nakada et al. use 0.5.
    class_weight : "balanced" or None, default=None
        Scale the weights so that each class has the same total, real and synthetic rows together,
        or each class x group cell if a sampler was given groups. Use it if there are too few
        synthetic rows to balance the classes, or if they count less than fully
        (``synthetic_weight_`` below 1).
    cv : int, default=5
        Number of folds that checkers are cross-fitted with.
    n_jobs : int, default=None
        How many are fitted at a time.
    verbose : bool, default=False
        Whether to show progress.
    random_state : int, RandomState or None, default=None
        Seed of the folds, and of checkers and models given by name.

    Attributes
    ----------
    sample_weight_ : ndarray of shape (n_samples,)
        The weights, divided by the largest if their sum would exceed what a float can hold.
    method_ : BaseMethod
        The method used: that of ``"mix"`` or ``"auto"`` is the one that was chosen.
    quality_ : ndarray of shape (n_samples,)
        P'(y|x), cross-fitted; NaN if no checker was needed.
    quality_probabilities_ : ndarray of shape (n_samples, n_classes)
        P'(c|x) for every class, in the order of ``classes_``; only if P' was needed.
    classes_ : ndarray of shape (n_classes,)
        The classes of the real rows; only if P' was needed.
    diversity_ : ndarray of shape (n_samples,)
        Q(y|x) of the synthetic rows; NaN elsewhere and if not needed.
    synthetic_mask_ : ndarray of bool of shape (n_samples,)
        Which rows are synthetic.
    effective_sample_size_ : float
        ``sum(w)**2 / sum(w**2)`` over the synthetic rows; for ``"dimp"``, of the quality alone.
    class_prior_ : {"reference", "training"}
        The `class_prior` used.
    n_features_in_ : int
        Number of columns; 1 for texts.
    feature_names_in_ : ndarray of str of shape (`n_features_in_`,)
        Names of the columns, if they have any.
    synthetic_weight_ : float
        The `synthetic_weight` used.
    row_weights_ : RowWeights
        What the pipeline hands to the classifier.
    best_params_ : dict
        `method`, `temperature` and `synthetic_weight` that ``"mix"`` or ``"auto"`` chose, or empty.
    auto_results_ : DataFrame
        Their candidates: `method`, `temperature`, `synthetic_weight`, `balanced_accuracy`,
        `log_loss`, the `difference` to the score of the favourite (``"auto"``) or the best
        (``"mix"``) with its standard error `difference_se`, and which one was `chosen`. The first
        is training without synthetic rows, if there are real ones. Empty if nothing is chosen.

    Raises
    ------
    ValueError
        If it is not known which rows are synthetic, or a synthetic row's class has no real row.

    Warns
    -----
    UserWarning
        If a few rows carry nearly all of the weight, or none of a class has any, if the checker
        gives the same verdict on every row, if a class is judged by one or two real rows, if
        synthetic rows repeat the reference, if `calibrate` has no effect, or if ``"auto"`` or
        ``"mix"`` cannot set rows apart from those that they were generated from.

    See Also
    --------
    BaseMethod : To write a method of your own.

    References
    ----------
    .. [1] H.-K. Kuo et al., "Not All LLM-Generated Data Are Equal: Rethinking Data Weighting in
       Text Classification", ICLR 2025.

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
        "method": "no_validation",  # as_method says more about wrong ones
        "checker": CHECKER,
        "reference": [tuple, list, None],
        "class_prior": [StrOptions({"auto", "reference", "training"})],
        "temperature": [Interval(Real, 0, None, closed="neither"), None],
        "calibrate": ["boolean"],
        "normalize": [StrOptions({"floor", "all", "class", "prior"}), None],
        "real_weight": _NOT_NEGATIVE,
        "synthetic_weight": [*_NOT_NEGATIVE, None],
        "augmentation_weight": _NOT_NEGATIVE,
        "class_weight": [StrOptions({"balanced"}), None],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        method: str | BaseMethod = "quality",
        *,
        checker: Any = "embedding",
        reference: tuple[Any, Any] | None = None,
        class_prior: str = "auto",
        temperature: float | None = None,
        calibrate: bool = False,
        normalize: str | None = "floor",
        real_weight: float = 1.0,
        synthetic_weight: float | None = None,
        augmentation_weight: float = 1.0,
        class_weight: str | None = None,
        cv: int = 5,
        n_jobs: int | None = None,
        verbose: bool | int = False,
        random_state: Any = None,
    ) -> None:
        self.method = method
        self.checker = checker
        self.reference = reference
        self.class_prior = class_prior
        self.temperature = temperature
        self.calibrate = calibrate
        self.normalize = normalize
        self.real_weight = real_weight
        self.synthetic_weight = synthetic_weight
        self.augmentation_weight = augmentation_weight
        self.class_weight = class_weight
        self.cv = cv
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    # What the pipeline passes on its own is not asked for unless the user says so.
    __metadata_request__fit = {"augmented": False, "groups": False}
    _check_form = staticmethod(check_form)

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
            Which rows are synthetic. Without it, those that are not in `reference`, or have
            another label there, count as synthetic. :class:`sklw.Pipeline` passes it after an
            over-sampler: what that added is synthetic, and what it was given is real, whether or
            not it is in the reference.
        parent_indices : sequence of int arrays, default=None
            For each row, or each synthetic one, the rows of `X` it was generated from, from 0.
        augmented : array-like of bool of shape (n_samples,), default=None
            Which synthetic rows were added beyond balance, for `augmentation_weight`.
        groups : array-like of shape (n_samples,), default=None
            Group of each row, for `class_weight`; none may be missing.

        Returns
        -------
        self : SyntheticWeighter
            The fitted weighter.
        """
        method = as_method(self.method)
        rows, labels = check_rows(X, y)
        self._reads_texts = holds_texts(X)
        self.n_features_in_ = 1 if rows.ndim == 1 else rows.shape[1]
        check_feature_names(self, X, reset=True)
        evidence = gathered(
            self, method, X, rows, labels, synthetic=synthetic, parent_indices=parent_indices,
            augmented=augmented, groups=groups,
        )  # fmt: skip
        self.method_, scaling = self._chosen(method, evidence)
        judged = self._set_weights(self.method_, scaling, evidence)
        if isinstance(method, BaseSearch):  # it sets the temperature itself
            advice = f'Pass method="quality" with a temperature above {scaling.temperature:g}'
        else:
            advice = f"Raise temperature, which is {scaling.temperature:g}"
            advice += ", or lower clip of the method" if hasattr(self.method_, "clip") else ""
        warn_of_collapse(judged, labels[self.synthetic_mask_], advice)
        return self

    def _check_ready(self, *given: Any) -> None:
        """Check `reference` against X, y and the labels of rows to come, and find the checker."""
        if given:
            check_ready(self, *given)

    def _chosen(self, method: BaseMethod, evidence: Evidence) -> tuple[BaseMethod, Scaling]:
        """Return the method and scaling to use: those that a search finds, or the given ones."""
        scaling = settings_of(self, Scaling)
        self.auto_results_ = pd.DataFrame()
        if searches := isinstance(method, BaseSearch):
            method, scaling, self.auto_results_ = method.choose(evidence, scaling)
        scaling = scaling.with_defaults_of(method, evidence)
        self.synthetic_weight_ = scaling.synthetic_weight
        chosen = type(method).__name__.lower(), scaling.temperature, scaling.synthetic_weight
        keys = ("method", "temperature", "synthetic_weight")
        self.best_params_ = dict(zip(keys, chosen, strict=True)) if searches else {}
        return method, scaling

    def _set_weights(self, method: BaseMethod, scaling: Scaling, evidence: Evidence) -> np.ndarray:
        """Set what is fitted; returns what the method thinks of the synthetic rows."""
        made = evidence.synthetic
        raw = np.ones(len(made))
        if made.any():
            raw = check_raw_weights(method.raw_weights(evidence), made, type(method).__name__)
        finish = method.finisher(scaling.temperature)
        quality = None if finish is None else evidence.quality
        self.sample_weight_ = not_all_zero(scaling.weights(raw, evidence))
        self.row_weights_ = RowWeights(self.sample_weight_, made, quality, finish)
        self.synthetic_mask_ = made
        self.class_prior_ = evidence.class_prior
        unread = np.full(len(made), np.nan)
        self.quality_ = evidence.read("quality", unread)
        self.diversity_ = evidence.read("diversity", unread)
        for name in ("classes_", "quality_probabilities_"):  # of another method's fit
            self.__dict__.pop(name, None)
        if (probabilities := evidence.read("quality_probabilities")) is not None:
            self.classes_, self.quality_probabilities_ = evidence.classes, probabilities
        judged = scaling.shares(raw, evidence) if quality is None else quality[made]
        counted = self.sample_weight_[made] if quality is None else judged
        self.effective_sample_size_ = effective_sample_size(counted)
        return judged

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
            validate_data(
                self, inferred(X), reset=False, accept_sparse="csr", ensure_all_finite="allow-nan"
            )
        return X

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
            ``report.frame`` has a row for each row; ``report.to_html(path)`` writes a page.
        """
        from sklw.inspection import WeightReport

        return WeightReport.from_estimator(
            self, X, y, provenance=provenance, parent_indices=parent_indices
        )

    def emitted_arguments(self) -> tuple[str, ...]:
        """Names of the fit arguments without which the final estimator would lose weights."""
        unfinished = as_method(self.method).finisher(1.0) is not None
        return ("row_weights",) if unfinished else ("sample_weight",)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.string = True
        tags.input_tags.two_d_array = True
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags
