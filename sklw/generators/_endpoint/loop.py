"""Coroutines under way on an event loop in a thread of its own."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Coroutine
from queue import SimpleQueue
from typing import Any

__all__ = ["Background"]

_SECONDS_TO_CLOSE = 1.0


class Background:
    """Runs coroutines; whoever started them takes their results in the order in which they end.

    In a thread of its own, so that it works where a loop runs already, as in a notebook.
    """

    def __init__(self, close: Callable[[], Awaitable[Any]]) -> None:
        self._close_last = close
        self.stopping = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="sklw-endpoint", daemon=True)
        self._ended: SimpleQueue[asyncio.Task[Any] | None] = SimpleQueue()
        self._tasks: set[asyncio.Task[Any]] = set()

    def __enter__(self) -> "Background":
        self._thread.start()
        return self

    def __exit__(self, *args: Any) -> None:
        self._loop.call_soon_threadsafe(self._loop.create_task, self._close())
        # Not for long: a look-up of a name cannot be broken off, and its thread ends by itself.
        self._thread.join(_SECONDS_TO_CLOSE)

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Start a coroutine."""
        self._loop.call_soon_threadsafe(self._spawn, work)

    def take(self) -> "asyncio.Task[Any] | None":
        """Wait for the next coroutine to end; None if :meth:`wake` was called."""
        return self._ended.get()

    def ready(self) -> bool:
        """Say whether :meth:`take` need not wait."""
        return not self._ended.empty()

    def wake(self) -> None:
        """Let :meth:`take` return. May be called in a signal handler."""
        self._ended.put(None)

    def stop(self) -> None:
        """Let what is under way end, and nothing begin."""
        self._loop.call_soon_threadsafe(self.stopping.set)

    async def pause(self, seconds: float) -> bool:
        """Wait; return False, at once, if :meth:`stop` is called."""
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except TimeoutError:
            return True
        return False

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._end)

    def _end(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        self._ended.put(task)

    async def _close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self._close_last(), _SECONDS_TO_CLOSE)
        self._loop.stop()
