"""Generators: one class a backend behind one small protocol, and the request cache."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sklw.generators._base import BaseGenerator, Completion, Request

if TYPE_CHECKING:
    from sklw.generators._budget import Budget, Usage, iter_within
    from sklw.generators._cache.answering import CacheStatistics, generate_cached, iter_cached
    from sklw.generators._cache.request_cache import RequestCache
    from sklw.generators._fine_tuned import FineTunedGenerator
    from sklw.generators._openai import OpenAIGenerator
    from sklw.generators._recorded import RecordedGenerator
    from sklw.generators._transformers import TransformersGenerator
    from sklw.generators._tuning import FullTuning, LoRA

_HOMES = {
    "Budget": "sklw.generators._budget",
    "CacheStatistics": "sklw.generators._cache.answering",
    "FineTunedGenerator": "sklw.generators._fine_tuned",
    "FullTuning": "sklw.generators._tuning",
    "LoRA": "sklw.generators._tuning",
    "OpenAIGenerator": "sklw.generators._openai",
    "RecordedGenerator": "sklw.generators._recorded",
    "RequestCache": "sklw.generators._cache.request_cache",
    "TransformersGenerator": "sklw.generators._transformers",
    "Usage": "sklw.generators._budget",
    "generate_cached": "sklw.generators._cache.answering",
    "iter_cached": "sklw.generators._cache.answering",
    "iter_within": "sklw.generators._budget",
}

__all__ = [
    "BaseGenerator",
    "Budget",
    "CacheStatistics",
    "Completion",
    "FineTunedGenerator",
    "FullTuning",
    "LoRA",
    "OpenAIGenerator",
    "RecordedGenerator",
    "Request",
    "RequestCache",
    "TransformersGenerator",
    "Usage",
    "generate_cached",
    "iter_cached",
    "iter_within",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'sklw.generators' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
