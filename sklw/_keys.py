"""Objects of any kind as plain values, by which a later run recognizes them."""

import copy
import functools
import inspect
import json
import pickle
from typing import Any

import joblib
import numpy as np

__all__ = ["as_plain"]

_PLAIN = (str, int, float, type(None))  # bool is an int
_PICKLING = ("__reduce_ex__", "__reduce__", "__getstate__")


def as_plain(value: Any) -> Any:
    """Return what tells a value from all others: itself if JSON holds it, or a hash.

    Raises ValueError with the reason why it could not be recognized.
    """
    try:
        return json.loads(json.dumps(_told_apart(value)))
    except (pickle.PicklingError, AttributeError, RuntimeError, TypeError, ValueError) as error:
        reason = error.args[0] if error.args else type(error).__name__
        raise ValueError(f"{reason!s:.200}") from error


def _told_apart(value: Any) -> Any:
    cls = type(value)
    if isinstance(value, np.generic) and isinstance(value.item(), _PLAIN):
        return value.item()
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, list | tuple):
        return [_told_apart(part) for part in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _told_apart(part) for key, part in value.items()}
    if isinstance(value, set | frozenset | dict):  # their order may depend on the process
        parts = value.items() if isinstance(value, dict) else value
        return [_name(cls), sorted(json.dumps(_told_apart(part)) for part in parts)]
    if isinstance(value, type):
        return ["type", _name(value)]
    if inspect.ismodule(value):
        return ["module", value.__name__]
    if inspect.isfunction(value):
        around = inspect.getclosurevars(value).nonlocals
        return _told_apart([value.__code__, value.__defaults__, value.__kwdefaults__, around])
    if isinstance(value, functools.partial):
        return ["partial", *map(_told_apart, (value.func, value.args, value.keywords))]
    if inspect.iscode(value):
        return _told_apart([value.co_code.hex(), value.co_names, value.co_consts])
    if hasattr(value, "cache_key"):
        return value.cache_key()
    if hasattr(value, "get_params"):
        return [_name(cls), _told_apart(vars(value))]
    if hasattr(value, "__dict__") and all(getattr(cls, n) is getattr(object, n) for n in _PICKLING):
        return [_name(cls), _told_apart(value.__getstate__())]
    return [_name(cls), _hashed(value)]


def _hashed(value: Any) -> str:
    # Of copies, as a generator is cloned: they lie in memory alike, however the original does.
    first, second = (joblib.hash(copy.deepcopy(value)) for _ in range(2))
    if first != second:
        raise ValueError(f"copies of a {type(value).__name__} have different hashes")
    return str(first)


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
