"""Over-sampling with a language model."""

from sklw.over_sampling._prompting import BasePrompt
from sklw.over_sampling._sampler import LLMOverSampler
from sklw.over_sampling._table.acceptance import TableFilter
from sklw.over_sampling._table.prompts import TableRows
from sklw.over_sampling._text.acceptance import TextFilter
from sklw.over_sampling._text.attributes import Attributes
from sklw.over_sampling._text.prompts import (
    Contrast,
    Counterfactual,
    Examples,
    Paraphrase,
    Rewrite,
)

__all__ = [
    "Attributes",
    "BasePrompt",
    "Contrast",
    "Counterfactual",
    "Examples",
    "LLMOverSampler",
    "Paraphrase",
    "Rewrite",
    "TableFilter",
    "TableRows",
    "TextFilter",
]
