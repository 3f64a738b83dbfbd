"""Over-sampling with a language model."""

from sklw.over_sampling._sampler import LLMOverSampler

__all__ = ["LLMOverSampler"]
