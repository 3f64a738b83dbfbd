"""The pipeline: imbalanced-learn's, extended to pass row properties beside ``X`` and ``y``."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from itertools import takewhile
from typing import Any

import imblearn.pipeline
from sklearn import get_config
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import Bunch
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_memory

import sklw
from sklw._fit_arguments import accepts, weight_arguments
from sklw._row_weights import BaseRowWeighter, RowWeights
from sklw._rows.following import n_rows, refuse_untraceable
from sklw._rows.rows import Rows
from sklw.generators import BaseGenerator
from sklw.models import locate_model
from sklw.pipeline._arrival import check_accepts
from sklw.pipeline._order import (
    check_before_generation,
    check_form,
    check_input,
    check_order,
    check_sampler_input,
    check_settings,
)
from sklw.pipeline._ready import check_ready

__all__ = ["Pipeline", "make_pipeline"]

_FITS = ("fit", "fit_transform", "fit_predict", "fit_resample", "transform")


class Pipeline(imblearn.pipeline.Pipeline):
    """imbalanced-learn's Pipeline that also keeps track of synthetic rows and passes weights.

    A drop-in replacement for :class:`imblearn.pipeline.Pipeline`, with the same parameters,
    attributes and behaviour. If one of its steps is a weighter such as
    :class:`sklw.SyntheticWeighter`, the pipeline tells it which rows the samplers before it added,
    and passes the weights it finds to the ``fit`` of the final estimator: as ``row_weights`` (a
    :class:`sklw.RowWeights`) if it takes that, else as ``sample_weight``. Values that you pass for
    each row, such as ``sample_weight`` or ``groups``, stay with their rows through the samplers, or
    are refused if that is impossible.

    Parameters
    ----------
    steps : list of (str, estimator)
        Transformers, samplers and at most one weighter, and a final estimator.
    transform_input : list of str, default=None
        As in imbalanced-learn.
    memory : str or joblib.Memory, default=None
        Cache for the fitted steps before the final one, samplers and weighters included.
    verbose : bool, default=False
        Print the time each step took.

    Raises
    ------
    TypeError
        If the final estimator takes no weights, or the order of the steps would lose them.

    Warns
    -----
    UserWarning
        If a weighter is to balance cells of class and group, and a sampler does not say the groups
        of its rows.

    See Also
    --------
    make_pipeline : Build a pipeline without naming the steps.

    Examples
    --------
    >>> from imblearn.over_sampling import SMOTE
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklw import SyntheticWeighter, make_pipeline
    >>> X, y = make_classification(weights=[0.9], random_state=0)
    >>> pipe = make_pipeline(SMOTE(random_state=0), SyntheticWeighter(), LogisticRegression())
    >>> pipe.fit(X, y).predict(X[:2]).shape
    (2,)
    """

    steps: list[tuple[str, Any]]

    def _check_method_params(self, method: str, props: Any, **kwargs: Any) -> Any:
        routed = super()._check_method_params(method, props, **kwargs)
        # A copy that can be added to: scikit-learn's may be made anew at each access.
        own = Bunch()
        for name, step in self.steps:
            if not _passes(step):
                own[name] = Bunch(**{fit: dict(routed[name].get(fit) or {}) for fit in _FITS})
                # Without metadata routing imbalanced-learn forgets what is meant for samplers.
                own[name]["fit_resample"] |= own[name]["fit"]
        return own

    def _fit(
        self, X: Any, y: Any = None, routed_params: Any = None, raw_params: Any = None
    ) -> tuple[Any, Any]:
        self.steps = list(self.steps)
        rows, must_follow = self._checked(X, y, routed_params)
        given = X
        weights: RowWeights | None = None
        memory = check_memory(self.memory)
        for position, (name, step) in enumerate(self.steps[:-1]):
            if _passes(step):
                with self._timed(position):
                    continue
            params = self._get_metadata_for_step(
                step_idx=position, step_params=routed_params[name], all_params=raw_params
            )
            # With a cache the instance given by the user stays as it is, as in scikit-learn.
            cached = getattr(memory, "location", self) is not None
            fresh, known = (clone(step), _sources(step)) if cached else (step, [])
            with self._timed(position):
                if isinstance(step, BaseRowWeighter):
                    check_form(step, given, X, [step for _, step in self.steps[:position]])
                    arguments = rows.for_weighter(step, params["fit_transform"] | params["fit"])
                    fitted = memory.cache(_fit_weighter)(fresh, X, y, arguments, known)
                    weights = fitted.row_weights_
                elif hasattr(step, "fit_resample"):
                    before = (_copied(X), _copied(y))  # the sampler may shuffle in place
                    arguments = rows.aligned(params["fit_resample"], name)
                    self._check_sampling(position, X, y, given, arguments)
                    X, y, fitted = memory.cache(_fit_sampler)(fresh, X, y, arguments, known)
                    if must_follow:
                        rows = rows.after(fitted, before, (X, y))
                else:
                    arguments = {fit: rows.aligned(params[fit], name) for fit in _FITS}
                    X, fitted = memory.cache(_fit_transformer)(fresh, X, y, arguments, known)
                    _check_row_count(fitted, X, len(rows) if must_follow else None)
            self.steps[position] = (name, fitted)
        self._hand_over(routed_params, rows, weights)
        return X, y

    @available_if(lambda self: hasattr(self._final_estimator, "score"))
    def score(self, X: Any, y: Any = None, sample_weight: Any = None, **params: Any) -> float:
        """Score the final estimator on transformed rows.

        Parameters
        ----------
        X : array-like
            Rows.
        y : array-like, default=None
            Their labels.
        sample_weight : array-like, default=None
            How much each row counts in the score.
        **params : dict
            Metadata that steps request, with metadata routing enabled.

        Returns
        -------
        score : float
            What the final estimator's ``score`` returns.
        """
        if sample_weight is not None or not get_config()["enable_metadata_routing"]:
            return super().score(X, y, sample_weight, **params)
        # The pipelines of other packages route None too, which voting and searches may refuse.
        routed = process_routing(self, "score", **params)
        for _, name, step in self._iter(with_final=False):
            X = step.transform(X, **routed[name].transform)
        return self.steps[-1][1].score(X, y, **routed[self.steps[-1][0]].score)

    def _checked(self, X: Any, y: Any, routed_params: Any) -> tuple[Rows, bool]:
        """Fail now if a fit cannot work; return the rows, and whether to follow them."""
        check_order(self.steps)
        self._validate_steps()
        check_input(self.steps, X, y)
        check_settings(self.steps)
        apart = tuple(self.transform_input or ())
        rows = Rows.given(X, apart, sampled=_has_place_for_a_sampler(self.steps))
        return rows, self._must_follow(routed_params, rows)

    def _check_sampling(self, at: int, X: Any, y: Any, given: Any, arguments: Any) -> None:
        """Fail now if a sampler, or what comes after it, cannot use X, which was `given` before."""
        sampler, before = self.steps[at][1], [step for _, step in self.steps[:at]]
        check_sampler_input(sampler, X, given, before)
        check_ready(sampler, self.steps[at + 1 :], X, y, arguments)

    def _must_follow(self, routed_params: Any, rows: Rows) -> bool:
        """Say whether anything depends on which row is which; fail now if that cannot be told."""
        weighters = [step for _, step in self.steps if isinstance(step, BaseRowWeighter)]
        final_name, final = self.steps[-1]
        per_row, samplers = False, list[Any]()
        for name, step in self.steps:
            for method in ("fit", "fit_transform", "fit_resample") if not _passes(step) else ():
                given = rows.per_row(routed_params[name][method])
                per_row = per_row or bool(given and samplers)
                if weighters and step is final:
                    given.discard("sample_weight")  # is multiplied with what the weighter finds
                check_before_generation(samplers, step, name, given)
            if hasattr(step, "fit_resample"):
                samplers.append(step)
        if weighters or per_row:
            for sampler in samplers:
                refuse_untraceable(sampler)
        if weighters and not isinstance(final, BaseRowWeighter):
            check_accepts(final, weighters[0])
            given = routed_params[final_name]["fit"]
            _check_given_to_final(final, given)
            if given.get("sample_weight") is not None:
                RowWeights(rows.factors(given["sample_weight"]), rows.synthetic)  # checks them
        return bool(weighters) or per_row

    def _hand_over(self, routed_params: Any, rows: Rows, weights: RowWeights | None) -> None:
        """Add what the final estimator is to get to its fit parameters, in place."""
        name, final = self.steps[-1]
        if _passes(final):
            return
        for method in ("fit", "fit_transform", "fit_predict", "fit_resample"):
            given = routed_params[name][method]
            if isinstance(final, BaseRowWeighter):
                routed_params[name][method] = rows.for_weighter(final, given)
                continue
            if weights is None:
                routed_params[name][method] = rows.aligned(given, name)
                continue
            users = given.pop("sample_weight", None)
            found = weights if users is None else weights.times(rows.factors(users))
            own = weight_arguments(final, found)
            routed_params[name][method] = rows.aligned(given, name) | own

    @contextmanager
    def _timed(self, position: int) -> Iterator[None]:
        start = time.perf_counter()
        yield
        message = self._log_message(position)
        if message is not None:
            print(f"[Pipeline] {message}, total={time.perf_counter() - start:.1f}s")


def make_pipeline(
    *steps: Any, memory: Any = None, transform_input: Any = None, verbose: bool = False
) -> Pipeline:
    """Build a :class:`Pipeline` from steps, naming each by its lower-cased class.

    Parameters
    ----------
    *steps : estimators
        Transformers, samplers, at most one weighter, and a final estimator.
    memory : str or joblib.Memory, default=None
        Cache for the fitted steps.
    transform_input : list of str, default=None
        As in imbalanced-learn.
    verbose : bool, default=False
        Print the time each step took.

    Returns
    -------
    pipeline : Pipeline
        The pipeline.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklw import SyntheticWeighter, make_pipeline
    >>> list(make_pipeline(SyntheticWeighter(), LogisticRegression()).named_steps)
    ['syntheticweighter', 'logisticregression']
    """
    named = imblearn.pipeline.make_pipeline(*steps).steps
    return Pipeline(named, memory=memory, transform_input=transform_input, verbose=verbose)


def _passes(step: Any) -> bool:
    return step is None or (isinstance(step, str) and step == "passthrough")


def _has_place_for_a_sampler(steps: list[tuple[str, Any]]) -> bool:
    before = takewhile(lambda step: not isinstance(step, BaseRowWeighter), (s for _, s in steps))
    return any(_passes(step) or hasattr(step, "fit_resample") for step in before)


# Packages whose classes take the name or folder of a model; to import them takes seconds.
_READ_MODELS = ("sklw.classifiers", "sklw.feature_extraction")


def _sources(step: Any) -> list[Any]:
    """Return what a fit depends on beside its arguments: files by their content."""
    from sklw.generators import FineTunedGenerator, TransformersGenerator

    found: list[Any] = [sklw.__version__]
    for part in _parts(step):
        if isinstance(part, FineTunedGenerator):  # its own key is that of a trained model
            found.append(TransformersGenerator.cache_key(part))
        elif isinstance(part, BaseGenerator):
            found.append(part.cache_key())
        elif hasattr(part, "model") and any(
            base.__module__.startswith(_READ_MODELS) for base in type(part).__mro__
        ):
            found.append(locate_model(part.model).fingerprint)
    return found


def _parts(step: Any) -> list[Any]:
    """Return an estimator and those it is made of."""
    if isinstance(step, FrozenEstimator):  # does not show the parameters of the other
        return _parts(step.estimator)
    inner = step.get_params().values() if hasattr(step, "get_params") else ()
    frozen = [part for part in inner if isinstance(part, FrozenEstimator)]
    return [step, *inner, *(part for one in frozen for part in _parts(one))]


def _copied(rows: Any) -> Any:
    return rows.copy() if hasattr(rows, "copy") else copy(rows)


# The last argument of these is for the cache of `memory` alone.
def _fit_transformer(step: Any, X: Any, y: Any, params: Any, known: Any) -> tuple[Any, Any]:
    if hasattr(step, "fit_transform"):
        return step.fit_transform(X, y, **params["fit_transform"]), step
    fitted = step.fit(X, y, **params["fit"])
    return fitted.transform(X, **params["transform"]), fitted


def _fit_sampler(
    step: Any, X: Any, y: Any, arguments: dict[str, Any], known: Any
) -> tuple[Any, Any, Any]:
    return *step.fit_resample(X, y, **arguments), step


def _fit_weighter(step: Any, X: Any, y: Any, arguments: dict[str, Any], known: Any) -> Any:
    return step.fit(X, y, **arguments)


def _check_row_count(step: Any, X: Any, expected: int | None) -> None:
    if expected is not None and n_rows(X) != expected:
        raise ValueError(
            f"{type(step).__name__} made {n_rows(X)} rows of {expected}, so that the labels no "
            "longer match the rows. A transformer has to return a row for each row; a step "
            "that adds or drops rows has to be a sampler, such as imblearn.FunctionSampler."
        )


def _check_given_to_final(final: Any, given: dict[str, Any]) -> None:
    for name in given:
        if name.startswith("quality") and accepts(final, "row_weights"):
            raise TypeError(
                f"{name} is no longer an argument of fit. The weighter hands a sklw.RowWeights to "
                "the classifier as row_weights, which holds it."
            )
        if name == "row_weights" and given[name] is not None:
            raise TypeError(
                "row_weights was given, and the weighter finds them too. Leave one of them out."
            )
