"""Weighting methods, and what is needed to write another one."""

from sklw.weighting._evidence import Evidence
from sklw.weighting.methods._base import BaseMethod
from sklw.weighting.methods._bilevel import BaseBilevel
from sklw.weighting.methods._confident import Confident
from sklw.weighting.methods._hu import Hu
from sklw.weighting.methods._kuo import Dimp, Imp
from sklw.weighting.methods._quality import Quality, Uniform
from sklw.weighting.methods._rule import Rule, mean_one, unit
from sklw.weighting.methods._search import Auto, Mix
from sklw.weighting.methods._sungen import SunGen

__all__ = [
    "Auto",
    "BaseBilevel",
    "BaseMethod",
    "Confident",
    "Dimp",
    "Evidence",
    "Hu",
    "Imp",
    "Mix",
    "Quality",
    "Rule",
    "SunGen",
    "Uniform",
    "mean_one",
    "unit",
]
