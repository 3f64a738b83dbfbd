"""Progress: a bar in a terminal or notebook, elsewhere a line a minute."""

import multiprocessing
import sys
import time
from types import TracebackType
from typing import Any, Self

from tqdm.auto import tqdm

__all__ = ["progress"]

_SECONDS = 60.0


def progress(total: int, description: str, unit: str, verbose: bool, initial: int = 0) -> Any:
    """Return a progress bar that leaves nothing behind, or an object that prints lines."""
    settings: dict[str, Any] = {"desc": description, "unit": unit, "initial": initial}
    if not verbose or _shows_bars():
        return tqdm(total=total, disable=not verbose, leave=False, **settings)
    return _Lines(total, **settings)


def _shows_bars() -> bool:
    if multiprocessing.parent_process() is not None:
        return False  # the workers of a search would draw over each other
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel") or (sys.stderr is not None and sys.stderr.isatty())


class _Lines:
    """With news, a line on standard error once a minute, and one at the end of so long a run.

    What takes less than a minute prints nothing, so that a search does not fill a log.
    """

    def __init__(self, total: int, desc: str, unit: str, initial: int) -> None:
        self.total, self.n, self._initial = total, initial, initial
        self._description, self._unit, self._postfix = desc, unit, ""
        self._start = self._last = time.monotonic()
        self._has_printed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None
    ) -> None:
        if self._has_printed:
            self._print()

    def update(self, n: int = 1) -> None:
        self.n += n
        self._print_in_time()

    def set_description(self, description: str) -> None:
        self._description = description
        self._print_in_time()

    def set_postfix(self, **values: Any) -> None:
        self._postfix = ", ".join(f"{name}={value}" for name, value in values.items())

    def _print_in_time(self) -> None:
        if time.monotonic() - self._last >= _SECONDS:
            self._print()

    def _print(self) -> None:
        self._last, self._has_printed = time.monotonic(), True
        line = tqdm.format_meter(
            self.n,
            self.total,
            self._last - self._start,
            ncols=0,  # no bar
            prefix=self._description,
            unit=self._unit,
            postfix=self._postfix or None,
            initial=self._initial,
        )
        if sys.stderr is not None:
            sys.stderr.write(f"{line}\n")  # at once: other processes write there as well
            sys.stderr.flush()
