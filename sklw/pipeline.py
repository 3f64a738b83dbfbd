"""A pipeline that carries row properties beside ``X`` and ``y``.

scikit-learn's and imbalanced-learn's pipelines hand only ``X`` and ``y`` from step to step, so a
weighter cannot learn which rows are synthetic and its weights cannot reach the classifier. The
:class:`Pipeline` here adds that channel; :class:`Weighted` is the way around it in stock pipelines.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import imblearn.pipeline
import numpy as np
from sklearn import get_config
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline as _SklearnPipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import check_memory, has_fit_parameter

from sklw._row_weights import BaseRowWeighter, RowWeights

__all__ = ["Pipeline", "Weighted", "make_pipeline"]


class Weighted:
    """Rows together with their weights, for classifiers in stock pipelines.

    In a stock scikit-learn or imbalanced-learn pipeline, ``SyntheticWeighter.fit_transform``
    returns this carrier. :class:`sklw.BertClassifier` unpacks it; anything else that tries to read
    it as data gets an error that names :class:`sklw.Pipeline`: weights are never lost in silence.

    Parameters
    ----------
    X : array-like of shape (n_samples,) or (n_samples, n_features)
        The rows.
    weights : RowWeights
        What the weighter found.

    Attributes
    ----------
    X : array-like
        The rows, as given.
    sample_weight : ndarray of shape (n_samples,)
        The weights.
    quality : ndarray of shape (n_samples,) or None
        P'(y|x) for the rows whose weight the classifier finishes itself (DIMP), else NaN.
    quality_temperature, quality_clip, quality_top_share : float or None
        How the classifier uses `quality`: see :meth:`sklw.BertClassifier.fit`.
    """

    def __init__(self, X: Any, weights: RowWeights) -> None:
        self.X = X
        self.sample_weight = weights.sample_weight
        self.quality = weights.quality
        self.quality_temperature = weights.quality_temperature
        self.quality_clip = weights.quality_clip
        self.quality_top_share = weights.quality_top_share

    def __len__(self) -> int:
        return len(self.sample_weight)

    def __repr__(self) -> str:
        return f"Weighted(n_samples={len(self)})"

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(
            "This step received sklw's weighted rows and cannot read them, so the weights would be "
            "lost. Build the pipeline with sklw.Pipeline or sklw.make_pipeline, which hand the "
            "weights to the final estimator, or put BertClassifier directly after the weighter."
        )

    # The ways in which estimators look at data, each closed.
    __iter__ = _refuse
    __getitem__ = _refuse
    __array__ = _refuse
    __dataframe__ = _refuse

    @property
    def shape(self) -> NoReturn:
        """Refused: see the class."""
        self._refuse()


@dataclass(frozen=True)
class _Rows:
    """What the pipeline knows of the rows at one point."""

    synthetic: np.ndarray
    parent_indices: list[np.ndarray] | None = None
    augmented: np.ndarray | None = None
    groups: np.ndarray | None = None

    def known_to(self, weighter: Any) -> dict[str, Any]:
        """Return what a weighter's fit takes of it."""
        known = {"synthetic": self.synthetic, "parent_indices": self.parent_indices}
        further = {"augmented": self.augmented, "groups": self.groups}
        return known | {
            name: value
            for name, value in further.items()
            if value is not None and has_fit_parameter(weighter, name)
        }

    def among(self, kept: np.ndarray) -> "_Rows":
        """Return what is known of some rows, but for their parents."""
        return _Rows(
            self.synthetic[kept],
            None,
            None if self.augmented is None else self.augmented[kept],
            None if self.groups is None else self.groups[kept],
        )

    @classmethod
    def all_real(cls, n_rows: int) -> "_Rows":
        return cls(np.zeros(n_rows, dtype=bool))


class Pipeline(imblearn.pipeline.Pipeline):
    """imbalanced-learn's Pipeline that also carries which rows are synthetic, and their weights.

    A drop-in for :class:`imblearn.pipeline.Pipeline`: the same parameters, attributes and
    behaviour. If one of its steps is a weighter such as :class:`sklw.SyntheticWeighter`, the
    pipeline tells it which rows the samplers before it added, and hands the weights it finds to the
    ``fit`` of the final estimator as ``sample_weight`` (and ``quality``, for DIMP-Loss).

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
        If the final estimator takes no weights, or a step stands where it would lose them.

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

    def _fit(
        self, X: Any, y: Any = None, routed_params: Any = None, raw_params: Any = None
    ) -> tuple[Any, Any]:
        if not any(isinstance(step, BaseRowWeighter) for _, step in self.steps):
            return super()._fit(X, y, routed_params, raw_params)
        self.steps = list(self.steps)
        self._validate_steps()
        self._check_weights_will_arrive()
        memory = check_memory(self.memory)
        rows = _Rows.all_real(_n_rows(X))
        weights: RowWeights | None = None
        for position, (name, step) in enumerate(self.steps[:-1]):
            if step is None or step == "passthrough":
                continue
            params = self._get_metadata_for_step(
                step_idx=position, step_params=routed_params[name], all_params=raw_params
            )
            # With a cache the instance given by the user stays as it is, as in scikit-learn.
            fresh = step if getattr(memory, "location", self) is None else clone(step)
            with self._timed(position):
                if isinstance(step, BaseRowWeighter):
                    fitted = memory.cache(_fit_weighter)(fresh, X, y, rows, params)
                    weights = fitted.row_weights_
                elif hasattr(step, "fit_resample"):
                    n_before = _n_rows(X)
                    X, y, fitted = memory.cache(_fit_sampler)(fresh, X, y, params)
                    rows = _rows_after(fitted, rows, n_before, _n_rows(X))
                else:
                    X, fitted = memory.cache(_fit_transformer)(fresh, X, y, params)
            self.steps[position] = (name, fitted)
        self._hand_over(routed_params[self.steps[-1][0]], rows, weights)
        return X, y

    def _hand_over(self, params: Any, rows: _Rows, weights: RowWeights | None) -> None:
        """Add what the final estimator is to get to its fit parameters, in place."""
        final = self.steps[-1][1]
        extra: dict[str, Any] = {}
        if isinstance(final, BaseRowWeighter):
            extra = rows.known_to(final)
        elif weights is not None:
            extra = weights.fit_arguments()
            _check_accepts(final, extra)
        for method in ("fit", "fit_transform", "fit_predict"):
            # None means none given, not none wanted.
            given = {k: v for k, v in (params.get(method) or {}).items() if v is not None}
            merged = {**extra, **given}
            if weights is not None and "sample_weight" in given:
                merged["sample_weight"] = _combined(
                    np.asarray(given["sample_weight"], dtype=float), extra["sample_weight"], rows
                )
            params[method] = merged

    def _check_weights_will_arrive(self) -> None:
        """Fail before any money is spent if the weights cannot reach the final estimator."""
        active = [step for _, step in self.steps if step is not None and step != "passthrough"]
        at = [i for i, step in enumerate(active) if isinstance(step, BaseRowWeighter)]
        if len(at) > 1:
            raise TypeError(
                f"This pipeline has {len(at)} weighters and takes at most one. Keep the one whose "
                "weights the final estimator is to use."
            )
        late = [step for step in active[at[0] + 1 :] if hasattr(step, "fit_resample")]
        if late:
            raise TypeError(
                f"{type(late[0]).__name__} adds or drops rows after the weighter, which would "
                "leave rows without a weight. Put every sampler before the weighter."
            )
        final = self.steps[-1][1]
        if not isinstance(final, BaseRowWeighter):
            _check_accepts(final, active[at[0]].emitted_arguments())

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


def _n_rows(X: Any) -> int:
    return int(X.shape[0]) if hasattr(X, "shape") else len(X)


def _fit_transformer(step: Any, X: Any, y: Any, params: Any) -> tuple[Any, Any]:
    if hasattr(step, "fit_transform"):
        return step.fit_transform(X, y, **(params.get("fit_transform") or {})), step
    fitted = step.fit(X, y, **(params.get("fit") or {}))
    return fitted.transform(X, **(params.get("transform") or {})), fitted


def _fit_sampler(step: Any, X: Any, y: Any, params: Any) -> tuple[Any, Any, Any]:
    X_resampled, y_resampled = step.fit_resample(X, y, **(params.get("fit_resample") or {}))
    return X_resampled, y_resampled, step


def _fit_weighter(step: Any, X: Any, y: Any, rows: _Rows, params: Any) -> Any:
    return step.fit(X, y, **{**rows.known_to(step), **(params.get("fit") or {})})


def _rows_after(sampler: Any, rows: _Rows, n_before: int, n_after: int) -> _Rows:
    """Follow the rows through a sampler: ours says what it added, others are read."""
    if hasattr(sampler, "synthetic_mask_"):
        added = np.asarray(sampler.synthetic_mask_, dtype=bool)[n_before:]
        new_parents = list(getattr(sampler, "parent_indices_", []))
        after = _appended(rows, added, new_parents)
        beyond = getattr(sampler, "augmentation_mask_", None)
        if beyond is not None:
            before = np.zeros(n_before, dtype=bool) if rows.augmented is None else rows.augmented
            beyond = np.concatenate([before, np.asarray(beyond, dtype=bool)[n_before:]])
        return replace(after, augmented=beyond, groups=getattr(sampler, "groups_", None))
    kept = getattr(sampler, "sample_indices_", None)
    if kept is not None:
        # Rows picked, and for RandomOverSampler picked again: a copy's parent is its original.
        kept = np.asarray(kept)
        repeated = np.zeros(len(kept), dtype=bool)
        if getattr(sampler, "_sampling_type", "") == "over-sampling":
            repeated[n_before:] = True
        old = rows.parent_indices or [np.array([], dtype=int)] * n_before
        position = {int(row): new for new, row in reversed(list(enumerate(kept)))}
        parents = [
            np.array([position[int(row)]])
            if again
            else np.array([position[p] for p in old[row].tolist() if p in position], dtype=int)
            for row, again in zip(kept, repeated, strict=True)
        ]
        followed = rows.among(kept)
        return replace(followed, synthetic=followed.synthetic | repeated, parent_indices=parents)
    if getattr(sampler, "_sampling_type", "") == "over-sampling" and n_after >= n_before:
        if hasattr(sampler, "smote"):  # SMOTEENN, SMOTETomek: over-sampling, then cleaning
            _refuse_sampler(sampler)
        return _appended(rows, np.ones(n_after - n_before, dtype=bool), [])
    if n_after == n_before:
        return rows
    return _refuse_sampler(sampler)


def _appended(rows: _Rows, added: np.ndarray, parents: list[np.ndarray]) -> _Rows:
    synthetic = np.concatenate([rows.synthetic, added])
    augmented = rows.augmented
    if augmented is not None:
        augmented = np.concatenate([augmented, np.zeros(len(added), dtype=bool)])
    old = rows.parent_indices
    if old is None and not parents:
        return _Rows(synthetic, None, augmented)
    none = np.array([], dtype=int)
    old = old if old is not None else [none] * len(rows.synthetic)
    parents = parents if parents else [none] * len(added)
    return _Rows(synthetic, [*old, *parents], augmented)


def _refuse_sampler(sampler: Any) -> NoReturn:
    raise TypeError(
        f"{type(sampler).__name__} does not say which of its rows are synthetic, so the weighter "
        "after it cannot know. Use an over-sampler that keeps the original rows first (SMOTE, "
        "ADASYN, LLMOverSampler), followed by a cleaning sampler as a step of its own if wanted, "
        "or a sampler with `sample_indices_` or `synthetic_mask_`."
    )


def _accepts(estimator: Any, argument: str) -> bool:
    """Whether ``estimator.fit`` takes the argument and does not merely swallow it."""
    if has_fit_parameter(estimator, argument):
        return True
    if get_config()["enable_metadata_routing"] and hasattr(estimator, "get_metadata_routing"):
        return argument in get_routing_for_object(estimator).consumes("fit", [argument])
    if isinstance(estimator, (GridSearchCV, RandomizedSearchCV)):  # hands its fit parameters on
        return _accepts(estimator.estimator, argument)
    return False


def _check_accepts(final: Any, arguments: Any) -> None:
    refused = [argument for argument in arguments if not _accepts(final, argument)]
    if not refused:
        return
    name = "passthrough" if final is None or isinstance(final, str) else type(final).__name__
    if refused == ["sample_weight"] or "sample_weight" in refused:
        advice = (
            "use a final estimator whose fit takes sample_weight (LogisticRegression, "
            "RandomForestClassifier, BertClassifier, ...), or leave the weighter out"
        )
        if isinstance(final, _SklearnPipeline):
            advice = "put the steps of the inner pipeline directly into the outer one"
    else:
        advice = (
            "this method is finished by the classifier during training: use BertClassifier, or "
            'a method that gives fixed weights ("quality", "imp", "auto", ...)'
        )
    raise TypeError(
        f"{name} cannot take {', '.join(refused)} in fit, so the weights of the weighter would be "
        f"lost. Either {advice}."
    )


def _combined(given: np.ndarray, found: np.ndarray, rows: _Rows) -> np.ndarray:
    """Multiply the user's weights of the real rows into the weighter's."""
    if len(given) == len(found):
        return given * found
    real = ~rows.synthetic
    if len(given) == int(real.sum()):
        result = found.copy()
        result[real] *= given
        return result
    raise ValueError(
        f"sample_weight has {len(given)} entries, but the final estimator is fitted on "
        f"{len(found)} rows, {int(real.sum())} of them real. Give one weight for each real row."
    )
