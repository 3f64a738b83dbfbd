"""Methods by name."""

from difflib import get_close_matches
from typing import Any

from sklearn.base import clone

from sklw.weighting.methods._base import BaseMethod
from sklw.weighting.methods._confident import Confident
from sklw.weighting.methods._hu import Hu
from sklw.weighting.methods._kuo import Dimp, Imp
from sklw.weighting.methods._quality import Quality, Uniform
from sklw.weighting.methods._search import Auto, Mix
from sklw.weighting.methods._sungen import SunGen

__all__ = ["METHODS", "RENAMED", "as_method"]

METHODS: dict[str, type[BaseMethod]] = {
    "uniform": Uniform,
    "quality": Quality,
    "imp": Imp,
    "dimp": Dimp,
    "confident": Confident,
    "hu": Hu,
    "sungen": SunGen,
    "mix": Mix,
    "auto": Auto,
}
# Names of methods that are in benchmarks/rivals/ by now.
_MOVED = {
    "rho": "Rho",
    "domain": "Domain",
    "diversity": "Diversity",
    "ren": "Ren",
    "meta-weight-net": "MetaWeightNet",
}
# Parameters of the weighter that methods have by now.
RENAMED = {
    "quality_checker": "checker=...",
    "diversity_checker": "method=Imp(diversity_checker=...)",
    "diversity_fit": "method=OutOfFoldImp(), which is in benchmarks/rivals/ of the repository,",
    "clip": "method=Imp(clip=...) or method=Dimp(clip=...)",
    "clip_quantile": "method=Clipped(Imp(), quantile=...), which is in benchmarks/rivals/ of "
    "the repository,",
    "top_share": "method=Rho(top_share=...), which is in benchmarks/rivals/ of the repository,",
    "bilevel_model": "method=Hu(model=...) or method=SunGen(model=...)",
    "scoring": "method=Auto(scoring=...) or method=Mix(scoring=...)",
}


def as_method(method: Any) -> BaseMethod:
    """Return a new method, validated: what a name stands for, or a clone of an object."""
    if isinstance(method, BaseMethod):
        own = clone(method)
        own.validate()
        return own
    names = ", ".join(f'"{name}"' for name in METHODS)
    if isinstance(method, type) and issubclass(method, BaseMethod):
        raise TypeError(
            f"method is the class {method.__name__}. Pass an object: {method.__name__}()."
        )
    if not isinstance(method, str):
        raise TypeError(
            f"method must be one of {names} or an object such as Imp(clip=5), got {method!r}. "
            "For a method of your own, write a subclass of sklw.weighting.BaseMethod."
        )
    if method in METHODS:
        return METHODS[method]()
    if method in _MOVED:
        raise ValueError(
            f'method="{method}" is no longer part of sklw: it did not help in the benchmarks. Copy '
            f"{_MOVED[method]} from benchmarks/rivals/ of the repository and pass "
            f"method={_MOVED[method]}()."
        )
    close = get_close_matches(method, METHODS, n=1)
    hint = f' Did you mean "{close[0]}"?' if close else ""
    raise ValueError(f'method must be one of {names} or an object, got "{method}".{hint}')
