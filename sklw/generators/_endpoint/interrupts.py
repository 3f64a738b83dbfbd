"""Ctrl-C while answers are on their way."""

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from tqdm.auto import tqdm

__all__ = ["Interrupts", "say_waiting"]


class Interrupts:
    """Counts Ctrl-C instead of letting it break in between an answer and its being kept.

    As in ``asyncio.run``: only in the main thread, and only if nobody else handles the signal.
    The third one is not held back.
    """

    def __init__(self, notice: Callable[[], None]) -> None:
        self.count = 0
        self._notice = notice
        self._installed = False

    def __enter__(self) -> "Interrupts":
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._handle)
            self._installed = True
        return self

    def __exit__(self, *args: Any) -> None:
        if self._installed and signal.getsignal(signal.SIGINT) == self._handle:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def note(self) -> None:
        """Count one that came in another way."""
        self.count += 1
        self._notice()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.count >= 2:
            raise KeyboardInterrupt
        self.note()


def say_waiting(n: int) -> None:
    """Tell who pressed Ctrl-C why nothing seems to happen."""
    if n and sys.stderr is not None:
        requests = f"{n} requests" if n > 1 else "1 request"
        tqdm.write(  # above a bar
            f"Waiting for {requests} under way; press Ctrl-C again to stop at once.",
            file=sys.stderr,
        )
