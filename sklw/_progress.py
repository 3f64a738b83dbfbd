"""Progress: a bar in a terminal, a line a minute where output goes to a file."""

import sys
import time
from types import TracebackType
from typing import Any, Self

from tqdm.auto import tqdm

__all__ = ["progress"]

_SECONDS = 60.0


def progress(total: int, description: str, unit: str, verbose: bool, initial: int = 0) -> Any:
    """Return a progress bar: of tqdm in a terminal, else an object that prints lines."""
    settings: dict[str, Any] = {"desc": description, "unit": unit, "initial": initial}
    if not verbose or (sys.stderr is not None and sys.stderr.isatty()):
        return tqdm(total=total, disable=not verbose, **settings)
    return _Lines(total, **settings)


class _Lines:
    """A line on standard error at the start, at the end and, with news, once a minute."""

    def __init__(self, total: int, desc: str, unit: str, initial: int) -> None:
        self.total, self.n, self._initial = total, initial, initial
        self._description, self._unit, self._postfix = desc, unit, ""
        self._start = self._last = time.monotonic()

    def __enter__(self) -> Self:
        self._print()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None
    ) -> None:
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
        self._last = time.monotonic()
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
            print(line, file=sys.stderr, flush=True)
