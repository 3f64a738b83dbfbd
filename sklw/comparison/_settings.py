"""What all methods of a comparison share."""

import contextlib
import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from numbers import Real
from typing import Any

import joblib

from sklw._keys import as_plain
from sklw.exceptions import ModelNotFoundError
from sklw.models import EMBEDDED_ENCODER, locate_model

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """What all methods of a comparison share.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        How many rows the over-samplers without a language model add; ``"auto"`` balances the
        classes.
    llm_ratio : float, default=0.2
        The language model fills each class up to this share of the largest one; weights do the
        rest of the balancing.
    generator : generator, default=None
        Source of the LLM's rows; None takes the embedded language model.
    task : str, default=None
        What the texts are, for the prompt.
    label_names, label_descriptions : mapping of label to str, default=None
        What the labels are called and mean, for the prompt.
    sampler : mapping, default={}
        Further parameters of :class:`sklw.LLMOverSampler`.
    cache : path, default=None
        Where answers of the language model are kept, so that none is paid for twice.
    temperature, synthetic_weight : float or None, default=None
        As in :class:`sklw.SyntheticWeighter`; None takes the default of each method. The classes
        are balanced after that, so LLM rows short of full balance are no handicap. ``llm_auto``
        chooses its own.
    encoder : str, default="all-MiniLM-L6-v2"
        Model of the frozen sentence embeddings, in classifiers and in weighters.
    C : float, default=10.0
        Inverse regularisation of the logistic regressions on embeddings, which have length 1 and
        are too small for the usual 1.0; that on TF-IDF takes the same.
    bert : mapping, default={}
        Parameters of :class:`sklw.BertClassifier`.

    Examples
    --------
    >>> from sklw.comparison import Settings
    >>> Settings(sampling_strategy=0.5, bert={"max_epochs": 3}).sampling_strategy
    0.5
    """

    sampling_strategy: Any = "auto"
    llm_ratio: float = 0.2
    generator: Any = None
    task: str | None = None
    label_names: Mapping[Any, str] | None = None
    label_descriptions: Mapping[Any, str] | None = None
    sampler: Mapping[str, Any] = field(default_factory=dict)
    cache: Any = None
    temperature: float | None = None
    synthetic_weight: float | None = None
    encoder: str = EMBEDDED_ENCODER
    C: float = 10.0
    bert: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ratio = self.llm_ratio
        if not isinstance(ratio, Real) or not 0 < ratio <= 1:
            raise ValueError(
                f"llm_ratio must be a share of the largest class, above 0 and up to 1, got {ratio}."
            )

    def describe(self) -> dict[str, Any]:
        """All that can change a result, as plain JSON values (objects by their hash)."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "cache"}
        models = [self.encoder, self.bert.get("model", EMBEDDED_ENCODER)]
        return {name: _plain(value) for name, value in values.items()} | {
            "weights": [_fingerprint(model) for model in models]
        }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if hasattr(value, "get_params"):
        # A generator's time-outs and retries change no answer, and may have to be changed.
        return f"{type(value).__name__} {_hashed(_answers(value) or value.get_params())}"
    if inspect.isfunction(value):
        return f"{value.__module__}.{value.__qualname__} {_hashed(value)}"
    try:
        return json.loads(json.dumps(value))
    except TypeError:
        return _hashed(value)


def _hashed(value: Any) -> str:
    try:
        return str(joblib.hash(json.dumps(as_plain(value))))
    except ValueError as error:
        raise ValueError(
            f"The settings hold an object that cannot be recognized in a later run ({error}), so "
            "results could not be resumed. Define its class in a module, or leave output=None."
        ) from None


def _answers(generator: Any) -> Any:
    """Return what determines answers beside the parameters, such as the rows of a file."""
    # What is wrong with it is said by the trial that uses it.
    with contextlib.suppress(AttributeError, ImportError, OSError, ValueError):
        return generator.cache_key()
    return None


def _fingerprint(model: Any) -> str:
    with contextlib.suppress(ModelNotFoundError):
        return locate_model(model).fingerprint
    return ""
