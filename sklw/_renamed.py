"""Parameters that have another name or place by now: the error says which."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

__all__ = ["renamed_parameters"]

T = TypeVar("T", bound=type)


def renamed_parameters(names: Mapping[str, str]) -> Callable[[T], T]:
    """Make a class say what to write in place of an old parameter.

    ``names`` maps an old parameter to the call that replaces it, such as
    ``"prompt=Contrast(n_examples=...)"``.
    """

    def decorate(cls: T) -> T:
        for name in ("__init__", "set_params"):
            setattr(cls, name, _refusing(getattr(cls, name), names))
        return cls

    return decorate


def _refusing(method: Callable[..., Any], names: Mapping[str, str]) -> Callable[..., Any]:
    @wraps(method)
    def checked(self: Any, *args: Any, **params: Any) -> Any:
        for name in params:
            old = name.split("__")[0]
            if old in names and old not in self._get_param_names():  # a subclass may have it
                raise TypeError(
                    f"{type(self).__name__} has no parameter {old!r} any more. Write "
                    f"{names[old]} instead."
                )
        return method(self, *args, **params)

    return checked
