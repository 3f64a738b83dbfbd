"""Warnings and BLAS threads while candidates are judged, perhaps in several threads."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Event, Lock, Thread

from threadpoolctl import threadpool_limits

from sklw._callers import caller_level

__all__ = ["one_blas_thread", "unwarned", "warn"]

_silent = ContextVar("silent", default=False)
_lock = Lock()
_n_inside = 0
_release: Callable[[], None]


def warn(message: str) -> None:
    """Warn the caller of sklw, unless this thread is within :func:`unwarned`."""
    if _silent.get():
        return
    warnings.warn(message, UserWarning, stacklevel=caller_level())


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
    global _n_inside, _release
    with _lock:
        if not _n_inside:
            _release = _hold()
        _n_inside += 1
    try:
        # Where BLAS runs on OpenMP, each thread has a limit of its own.
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        with _lock:
            _n_inside -= 1
            if not _n_inside:
                _release()


def _hold() -> Callable[[], None]:
    """Set the limit, and return what lifts it.

    In a thread of its own: threadpoolctl lets no other thread than the one that has set a limit
    change it, and those that come here leave in any order.
    """
    is_set, leave = Event(), Event()

    def hold() -> None:
        try:
            with threadpool_limits(1, user_api="blas"):
                is_set.set()
                leave.wait()
        finally:
            is_set.set()

    def release() -> None:
        leave.set()
        holder.join()

    holder = Thread(target=hold, daemon=True)
    holder.start()
    is_set.wait()
    return release
