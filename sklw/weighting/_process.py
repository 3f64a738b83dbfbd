"""What is changed for the whole process while candidates are judged, by several threads perhaps."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

from threadpoolctl import threadpool_limits

__all__ = ["one_blas_thread", "unwarned", "warn"]

_silent = ContextVar("silent", default=False)
_lock = Lock()
_limits: list[threadpool_limits] = []
_n_inside = 0


def warn(message: str, stacklevel: int) -> None:
    """Warn, unless this thread is within :func:`unwarned`."""
    if not _silent.get():
        warnings.warn(message, UserWarning, stacklevel=stacklevel + 1)


@contextmanager
def unwarned() -> Iterator[None]:
    """Keep :func:`warn` silent, in this thread alone; ``catch_warnings`` is for all threads."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let BLAS compute in one thread until the last of the threads in here has left."""
    global _n_inside
    with _lock:
        if not _n_inside:
            _limits.append(threadpool_limits(1, user_api="blas"))
        _n_inside += 1
    try:
        yield
    finally:
        with _lock:
            _n_inside -= 1
            if not _n_inside:
                _limits.pop().restore_original_limits()
