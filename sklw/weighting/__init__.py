"""Learned weights for synthetic rows."""

from sklw.weighting._weighter import SyntheticWeighter
from sklw.weighting.methods import (
    Auto,
    BaseMethod,
    Confident,
    Dimp,
    Hu,
    Imp,
    Mix,
    Quality,
    SunGen,
    Uniform,
)

__all__ = [
    "Auto",
    "BaseMethod",
    "Confident",
    "Dimp",
    "Hu",
    "Imp",
    "Mix",
    "Quality",
    "SunGen",
    "SyntheticWeighter",
    "Uniform",
]
