"""Properties that are computed once."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

__all__ = ["cached_property"]

T = TypeVar("T")


class cached_property(Generic[T]):  # noqa: N801
    """functools.cached_property as it is from Python 3.12 on.

    Before, one lock is held for all instances, so that fits in threads of a dask worker, whose
    parts wait for a free thread, wait for each other without end.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> T:
        if instance is None:
            return self  # type: ignore[return-value]
        value = vars(instance)[self._name] = self._compute(instance)
        return value
