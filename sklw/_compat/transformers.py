"""What is private in transformers, or differs between its versions."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import RLock
from typing import Any

import transformers
from transformers import DynamicCache, DynamicLayer, modeling_gguf_pytorch_utils
from transformers.utils import logging

__all__ = [
    "attention_kind",
    "cache_argument",
    "dequantized",
    "keeps_keys_and_values",
    "returned_cache",
    "without_progress_bars",
]

_CACHE_NAMES = ("cache", "past_key_values")  # the second one until about 5.20
_bars = RLock()


def attention_kind(model: Any) -> str | None:
    """Return the name of the attention function that a model uses."""
    return getattr(model.config, "_attn_implementation", None)


def cache_argument(module: Any) -> str:
    """Return the name under which a module takes a cache of keys and values."""
    parameters = inspect.signature(module.forward).parameters
    for name in _CACHE_NAMES:
        if name in parameters:
            return name
    raise TypeError(f"{type(module).__name__} takes no cache of keys and values")


def returned_cache(output: Any) -> Any:
    """Return the cache that a forward pass gives back, None if there is none."""
    return next((output[name] for name in _CACHE_NAMES if name in output), None)


def dequantized() -> dict[str, Any]:
    """Return what makes ``from_pretrained`` turn a GGUF file into ordinary weights."""
    if hasattr(transformers, "GgufConfig"):
        return {"quantization_config": transformers.GgufConfig(dequantize=True)}
    return {}  # earlier versions do nothing else


@contextmanager
def without_progress_bars() -> Iterator[None]:
    """Load without progress bars; that of the GGUF conversion does not heed the switch."""
    gguf: Any = modeling_gguf_pytorch_utils
    with _bars:
        shown, bar = logging.is_progress_bar_enabled(), gguf.tqdm
        logging.disable_progress_bar()
        gguf.tqdm = partial(bar, disable=True)
        try:
            yield
        finally:
            gguf.tqdm = bar
            if shown:
                logging.enable_progress_bar()


def keeps_keys_and_values(config: Any) -> bool:
    """Tell whether each layer's cache is the keys and values of all tokens, and nothing else."""
    try:
        layers = DynamicCache(config=config).layers
    except (KeyError, TypeError, ValueError, AttributeError):  # a kind that DynamicCache lacks
        return False
    # Without layers the configuration says nothing, which is left to a trial.
    return all(type(layer) is DynamicLayer for layer in layers)
