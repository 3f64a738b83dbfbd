"""Generators: one class a backend behind one small protocol, and the request cache."""

from sklw.generators._base import BaseGenerator, Completion, Request
from sklw.generators._budget import Budget, Usage, iter_within
from sklw.generators._cache.answering import CacheStatistics, generate_cached, iter_cached
from sklw.generators._cache.request_cache import RequestCache
from sklw.generators._fine_tuned import FineTunedGenerator
from sklw.generators._openai import OpenAIGenerator
from sklw.generators._recorded import RecordedGenerator
from sklw.generators._transformers import TransformersGenerator
from sklw.generators._tuning import FullTuning, LoRA

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
