"""Over-sampling with a language model."""

from sklw.over_sampling._llm import LLMOverSampler

__all__ = ["LLMOverSampler"]
