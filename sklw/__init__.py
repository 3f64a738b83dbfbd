"""LLM oversampling and learned sample weights for scikit-learn."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklw._row_weights import RowWeights, Weighted
    from sklw.advice import Advice, advise
    from sklw.classifiers import BertClassifier
    from sklw.feature_extraction import TextEmbedder
    from sklw.generators import (
        FineTunedGenerator,
        OpenAIGenerator,
        RecordedGenerator,
        TransformersGenerator,
    )
    from sklw.inspection import WeightDisplay, WeightReport
    from sklw.over_sampling import LLMOverSampler
    from sklw.pipeline import Pipeline, make_pipeline
    from sklw.weighting import SyntheticWeighter

__version__ = "0.1.0.dev0"

# Loaded on first use, so that `import sklw` stays fast and loads no torch.
_HOMES = {
    "Advice": "sklw.advice",
    "BertClassifier": "sklw.classifiers",
    "FineTunedGenerator": "sklw.generators",
    "LLMOverSampler": "sklw.over_sampling",
    "OpenAIGenerator": "sklw.generators",
    "Pipeline": "sklw.pipeline",
    "RecordedGenerator": "sklw.generators",
    "RowWeights": "sklw._row_weights",
    "SyntheticWeighter": "sklw.weighting",
    "TextEmbedder": "sklw.feature_extraction",
    "TransformersGenerator": "sklw.generators",
    "WeightDisplay": "sklw.inspection",
    "WeightReport": "sklw.inspection",
    "Weighted": "sklw._row_weights",
    "advise": "sklw.advice",
    "make_pipeline": "sklw.pipeline",
}

__all__ = [
    "Advice",
    "BertClassifier",
    "FineTunedGenerator",
    "LLMOverSampler",
    "OpenAIGenerator",
    "Pipeline",
    "RecordedGenerator",
    "RowWeights",
    "SyntheticWeighter",
    "TextEmbedder",
    "TransformersGenerator",
    "WeightDisplay",
    "WeightReport",
    "Weighted",
    "advise",
    "make_pipeline",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'sklw' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
