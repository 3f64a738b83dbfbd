"""The methods that are compared, and the classifiers that they are compared with.

A new method is one entry of `METHODS`.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from imblearn.over_sampling import ADASYN, SMOTE, SMOTENC, RandomOverSampler
from imblearn.pipeline import make_pipeline as make_sampling_pipeline
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    RepeatedStratifiedKFold,
    StratifiedShuffleSplit,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.class_weight import compute_sample_weight

from sklw._callers import caller_level
from sklw._words import WORD
from sklw.comparison._eda import EDAOverSampler
from sklw.comparison._settings import Settings
from sklw.comparison._tables import make_completer, make_encoder

__all__ = [
    "CLASSIFIERS",
    "METHODS",
    "TABLE_CLASSIFIERS",
    "Method",
    "Plan",
    "build",
    "check_names",
    "is_applicable",
    "warn_of_left_out",
]

CLASSIFIERS = ("embedding", "tfidf", "bert")
TABLE_CLASSIFIERS = ("logistic", "boosting")


@dataclass(frozen=True)
class Plan:
    """What a method is built for."""

    classifier: str
    settings: Settings
    smallest: int  # rows of the smallest class in the training set
    seed: int  # of the samplers, of the folds and of BERT

    @property
    def n_neighbors(self) -> int:
        """How many neighbors in its class each row has, at most five."""
        if self.smallest < 2:
            raise ValueError(
                "The method needs two training rows of each class, and the smallest has "
                f"{self.smallest}. Train on more with minority_sizes (--minority-sizes), or leave "
                "the method out."
            )
        return min(5, self.smallest - 1)


@dataclass(frozen=True)
class Method:
    """One method of dealing with imbalance."""

    build: Callable[[Plan], Any]
    description: str
    uses_llm: bool = False  # fitted on real and generated rows, with a weighter as its first step
    classifiers: tuple[str, ...] = CLASSIFIERS + TABLE_CLASSIFIERS
    binary_only: bool = False
    mixed_only: bool = False  # for tables of numbers and categories

    @property
    def needs(self) -> str:
        """What it cannot do without."""
        if self.binary_only:
            return "needs two classes"
        if self.mixed_only:
            return "needs a table of numbers and categories"
        return f"needs a classifier of {', '.join(self.classifiers)}"


def _embedder(plan: Plan) -> Any:
    from sklw.feature_extraction import TextEmbedder

    return TextEmbedder(plan.settings.encoder)


def _features(plan: Plan) -> list[Any]:
    if plan.classifier == "embedding":
        return [_embedder(plan)]
    if plan.classifier in TABLE_CLASSIFIERS:
        return [make_encoder()]
    if plan.classifier != "tfidf":
        return []
    # The default takes a Chinese sentence for a word, and Hindi apart; else it is the same.
    return [TfidfVectorizer(sublinear_tf=True, token_pattern=f"{WORD}{{2,}}")]


def _head(plan: Plan, class_weight: str | None = None) -> Any:
    if plan.classifier == "bert":
        from sklw.classifiers import BertClassifier

        parameters = {"random_state": plan.seed, **plan.settings.bert}
        return BertClassifier(**{**parameters, "class_weight": class_weight})
    if plan.classifier == "boosting":
        return HistGradientBoostingClassifier(class_weight=class_weight, random_state=plan.seed)
    if plan.classifier == "logistic":  # on scaled columns, so with the usual C
        return LogisticRegression(class_weight=class_weight, max_iter=1000)
    return LogisticRegression(C=plan.settings.C, class_weight=class_weight, max_iter=1000)


def _real(plan: Plan) -> Any:
    return make_pipeline(*_features(plan), _head(plan))


def _class_weight(plan: Plan) -> Any:
    return make_pipeline(*_features(plan), _head(plan, "balanced"))


class BalancedCalibratedClassifier(CalibratedClassifierCV):
    """CalibratedClassifierCV of classes that weigh the same, in training and in calibration."""

    def fit(self, X: Any, y: Any) -> "BalancedCalibratedClassifier":
        """Fit with balanced weights."""
        super().fit(X, y, sample_weight=compute_sample_weight("balanced", y))
        return self


def _calibrated(plan: Plan) -> Any:
    n_folds = min(5, plan.n_neighbors + 1)
    return make_pipeline(*_features(plan), BalancedCalibratedClassifier(_head(plan), cv=n_folds))


def _threshold(plan: Plan) -> Any:
    """Tune the threshold for balanced accuracy, which does not depend on the class prior.

    Logistic regression: 5 folds, three times over, so that few minority rows still give a stable
    curve. BERT: one split with 30 % held out, then a refit on everything: two fits in place of 16.
    """
    n_folds = min(5, plan.n_neighbors + 1)
    if plan.classifier == "bert":
        folds: Any = StratifiedShuffleSplit(1, test_size=0.3, random_state=plan.seed)
    else:
        folds = RepeatedStratifiedKFold(n_splits=n_folds, n_repeats=3, random_state=plan.seed)
    # Frozen embeddings cannot leak from fold to fold; the words of TF-IDF can.
    outside = _features(plan) if plan.classifier == "embedding" else []
    inside = [] if outside else _features(plan)
    tuned = TunedThresholdClassifierCV(
        make_pipeline(*inside, _head(plan)),
        scoring="balanced_accuracy",
        cv=folds,
        random_state=plan.seed,
    )
    return make_pipeline(*outside, tuned)


def _sampled(sampler: Any, plan: Plan) -> Any:
    sampler.set_params(sampling_strategy=plan.settings.sampling_strategy, random_state=plan.seed)
    steps = [*_features(plan), sampler]
    if isinstance(sampler, EDAOverSampler):  # it reads texts
        steps = steps[::-1]
    elif isinstance(sampler, SMOTENC):  # it reads categories as they are
        steps = [*make_completer(), sampler, *_features(plan)]
    elif plan.classifier == "bert":
        # The samplers take no 1-D array; BertClassifier reads a column of texts as well.
        steps = [FunctionTransformer(_as_column), sampler]
    return make_sampling_pipeline(*steps, _head(plan))


def _as_column(texts: Any) -> np.ndarray:
    return np.asarray(texts, dtype=object).reshape(-1, 1)


def _weighted(weighting: str, *, vote: bool = False) -> Callable[[Plan], Any]:
    def build_weighted(plan: Plan) -> Any:
        from sklw.ensemble import RealSyntheticVotingClassifier
        from sklw.pipeline import make_pipeline as make_weighting_pipeline
        from sklw.weighting import Auto, Imp, SyntheticWeighter

        own: dict[str, Any] = {}
        checkers: dict[str, Any] = {}
        if plan.classifier in CLASSIFIERS:
            checker = make_pipeline(
                _embedder(plan),
                LogisticRegression(C=plan.settings.C, max_iter=1000),
            )
            own = {"imp": Imp(checker), "auto": Auto(diversity_checker=checker)}
            checkers = {"checker": checker}
        weighter = SyntheticWeighter(
            own.get(weighting, weighting),
            **checkers,
            temperature=plan.settings.temperature,
            synthetic_weight=plan.settings.synthetic_weight,
            class_weight="balanced",
            random_state=plan.seed,
        )
        head = _head(plan)
        if vote:
            head = RealSyntheticVotingClassifier(head)
        return make_weighting_pipeline(weighter, *_features(plan), head)

    return build_weighted


METHODS: dict[str, Method] = {
    "real": Method(_real, "the real rows as they are"),
    "class_weight": Method(_class_weight, "balanced class weights"),
    "calibrated": Method(
        _calibrated, "balanced class weights, calibrated", classifiers=TABLE_CLASSIFIERS
    ),
    "threshold": Method(
        _threshold, "decision threshold tuned for balanced accuracy", binary_only=True
    ),
    "random": Method(lambda plan: _sampled(RandomOverSampler(), plan), "copies of minority rows"),
    "smote": Method(
        lambda plan: _sampled(SMOTE(k_neighbors=plan.n_neighbors), plan),
        "SMOTE on sentence embeddings, or on scaled and one-hot columns",
        classifiers=("embedding", *TABLE_CLASSIFIERS),
    ),
    "smotenc": Method(
        lambda plan: _sampled(SMOTENC("auto", k_neighbors=plan.n_neighbors), plan),
        "SMOTENC on tables of numbers and categories",
        classifiers=TABLE_CLASSIFIERS,
        mixed_only=True,
    ),
    "adasyn": Method(
        lambda plan: _sampled(ADASYN(n_neighbors=plan.n_neighbors), plan),
        "ADASYN, on the same features as SMOTE",
        classifiers=("embedding", *TABLE_CLASSIFIERS),
    ),
    "eda": Method(
        lambda plan: _sampled(EDAOverSampler(), plan),
        "minority texts with edited words",
        classifiers=CLASSIFIERS,
    ),
    "llm": Method(_weighted("uniform"), "rows from a language model", uses_llm=True),
    "llm_quality": Method(_weighted("quality"), "... weighted by quality", uses_llm=True),
    "llm_vote": Method(
        _weighted("quality", vote=True), "... in a vote with the real rows", uses_llm=True
    ),
    "llm_imp": Method(_weighted("imp"), "... weighted by IMP-Loss", uses_llm=True),
    "llm_auto": Method(
        _weighted("auto"), "... weighted as cross-validation chooses", uses_llm=True
    ),
    "llm_dimp": Method(
        _weighted("dimp"), "... weighted by DIMP-Loss", uses_llm=True, classifiers=("bert",)
    ),
}


def is_applicable(method: str, classifier: str, n_classes: int, *, mixed: bool) -> bool:
    """Whether a method can be combined with a classifier, a number of classes, and the columns."""
    entry = METHODS[method]
    return (
        classifier in entry.classifiers
        and (n_classes == 2 or not entry.binary_only)
        and (mixed or not entry.mixed_only)
    )


def warn_of_left_out(methods: Sequence[str], used: set[str]) -> None:
    """Warn of methods that were asked for and are not used."""
    if left_out := [f"{name} ({METHODS[name].needs})" for name in methods if name not in used]:
        warnings.warn(
            f"Methods that cannot be used here are left out: {', '.join(left_out)}.",
            UserWarning,
            stacklevel=caller_level(),
        )


def build(method: str, classifier: str, settings: Settings, *, smallest: int, seed: int) -> Any:
    """Build the estimator of a method.

    Parameters
    ----------
    method : str
        A key of `METHODS`.
    classifier : {"embedding", "tfidf", "bert", "logistic", "boosting"}
        Kind of classifier; the last two are for tables.
    settings : Settings
        What all methods share.
    smallest : int
        Rows of the smallest class in the training set.
    seed : int
        Seed.

    Returns
    -------
    estimator : classifier
        Unfitted; reads texts or a DataFrame. That of an LLM method expects real and generated
        rows, and which are which as the fit parameters ``syntheticweighter__synthetic`` and
        ``syntheticweighter__parent_indices``.

    Raises
    ------
    ValueError
        If a name is unknown.

    Examples
    --------
    >>> from sklw.comparison import Settings, build
    >>> list(build("eda", "tfidf", Settings(), smallest=20, seed=0).named_steps)
    ['edaoversampler', 'tfidfvectorizer', 'logisticregression']
    """
    check_names([method], METHODS, "method")
    check_names([classifier], CLASSIFIERS + TABLE_CLASSIFIERS, "classifier")
    return METHODS[method].build(Plan(classifier, settings, smallest, seed))


def check_names(names: Sequence[str], known: Any, what: str) -> None:
    """Raise an error that names the nearest known name if one is unknown."""
    if isinstance(names, str):
        raise TypeError(f"{what}s must be a list of names, got the string {names!r}.")
    for name in names:
        if name not in known:
            close = get_close_matches(str(name), list(known), n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"Unknown {what} {name!r}.{hint} Known are: {', '.join(known)}.")
