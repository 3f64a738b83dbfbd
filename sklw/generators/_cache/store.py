"""Answers and claims in the file under the request cache, for the length of a run."""

import contextlib
import os
import sqlite3
import threading
import time
import warnings
import weakref
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from sklw._callers import caller_level
from sklw.exceptions import GenerationWarning
from sklw.generators._base import Completion
from sklw.generators._cache.claims import Claims
from sklw.generators._cache.database import Database, LockedError
from sklw.generators._cache.packing import pack, unpack

__all__ = ["Store", "read_answers", "write_held"]

_AT_ONCE = 400  # older SQLite admits 999 parameters a statement, two for each row
_BEAT_SECONDS = 10.0
# At full speed, commits back to back would take a tenth of the time that answers need to come.
_REST_SECONDS = 0.05
_RETRY_SECONDS = 0.2
_PATIENCE_SECONDS = 60.0  # with a lock
_LAST_SECONDS = 1.0  # with anything else, at the end of a run
_HURRY_SECONDS = 2.0  # with everything, after an interruption
_SILENT_SECONDS = 2.0

# Answers that could not be written: the next run of this process has them, and writes them.
_held: dict[Path, dict[str, str]] = {}
_stores: "weakref.WeakSet[Store]" = weakref.WeakSet()


class Store:
    """One user's way to the file; opened for a run and closed after it.

    Failures of the disk never end a run. What cannot be read counts as missing; what cannot be
    written is held in memory and tried again, and one warning says why. A file that is locked is
    waited for, since what it holds is not missing.
    """

    def __init__(self, path: Path, told: set[str] | None = None) -> None:
        self._database = Database(path)
        self._told = set() if told is None else told
        self._begin()
        _stores.add(self)

    def _begin(self) -> None:
        """Start afresh, also in a process that was forked meanwhile."""
        self._claims = Claims()
        self._changing = threading.Lock()
        self._unwritten: dict[str, str] = {}
        self._arrived, self._stop = threading.Event(), threading.Event()
        self._writer: threading.Thread | None = None
        self._working = self._claimed = self._used = False
        self._beaten = time.monotonic()
        self._failure: str | None = None
        self._failed_at = 0.0

    def __enter__(self) -> "Store":
        if held := _held.pop(self._database.path, None):
            self._unwritten.update(held)
            self._write_in_background()
        return self

    def __exit__(self, kind: type[BaseException] | None, *args: object) -> None:
        hurry = (kind is not None and not issubclass(kind, Exception)) or kind is LockedError
        self._end(_HURRY_SECONDS if hurry else _PATIENCE_SECONDS)

    def _end(self, patience: float) -> None:
        self._stop.set()
        self._arrived.set()
        try:
            if self._writer is not None:
                self._writer.join()
            self._finish(patience)
        finally:
            with contextlib.suppress(Exception):  # once more, if Ctrl-C ended the waiting
                self._write()
            if self._unwritten:
                _held.setdefault(self._database.path, {}).update(self._unwritten)
            self._claims.close()
            self._database.close()
            self._say(self._unwritten)

    def lookup(self, keys: Iterable[str]) -> dict[str, Completion]:
        """Return the answers that are there and can be read, by key."""
        keys = list(keys)
        with self._changing:
            texts = {key: self._unwritten[key] for key in keys if key in self._unwritten}
        try:
            found = self._database.run(
                lambda connection: read_answers(connection, keys),
                patience=_PATIENCE_SECONDS,
                mend=True,
            )
        except LockedError as error:
            raise self._locked(error) from None
        except (sqlite3.Error, OSError, ValueError) as error:
            self._fail(error)
            found = {}
        self._used = True
        self._say()
        held = ((key, unpack(text)) for key, text in texts.items())
        return found | {key: answer for key, answer in held if answer is not None}

    def claim(self, keys: Iterable[str]) -> list[str]:
        """Take the requests nobody answers at present, so that nobody else sends them."""
        keys = list(keys)
        try:
            mine = self._database.run(
                lambda connection: self._claim(connection, keys),
                patience=_PATIENCE_SECONDS,
                mend=True,
            )
            self._claimed |= bool(mine)
        except LockedError as error:
            raise self._locked(error) from None
        except (sqlite3.Error, OSError, ValueError) as error:
            self._fail(error)
            mine = keys
        self._used = True
        self._say()
        if mine:
            self._write_in_background()
        return mine

    def add(self, key: str, completion: Completion) -> None:
        """Keep an answer: it is in the file with the next commit, within some hundredths."""
        try:
            text = pack(completion)
        except (TypeError, ValueError) as error:  # a fault of the generator
            self._failure = f"an answer cannot be written as JSON ({error})"
            self._say(True)
            return
        if text is not None:
            with self._changing:
                self._unwritten[key] = text
            self._write_in_background()
        self._say(self._failure and time.monotonic() - self._failed_at > _SILENT_SECONDS)

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Keep the claims alive within the block; a run that pauses for long loses them."""
        self._working = True
        try:
            yield
        finally:
            self._working = False

    def _claim(self, connection: sqlite3.Connection, keys: Sequence[str]) -> list[str]:
        taken = self._claims.taken(connection)
        keys = [key for key in keys if key not in taken]
        if not keys:  # whoever waits must not be in the way of whoever writes
            return []
        connection.execute("BEGIN IMMEDIATE")
        not_mine = self._claims.taken(connection) | read_answers(connection, keys).keys()
        mine = [key for key in keys if key not in not_mine]
        self._claims.take(connection, mine)
        connection.execute("COMMIT")
        return mine

    def _write_in_background(self) -> None:
        self._arrived.set()
        if self._writer is None and not self._stop.is_set():
            self._writer = threading.Thread(target=self._keep_writing, daemon=True)
            self._writer.start()

    def _keep_writing(self) -> None:
        """Commit what has come since the last commit, over and over."""
        while not self._stop.is_set():
            self._arrived.wait(_BEAT_SECONDS / 10)
            self._arrived.clear()
            try:
                self._write()
                self._beat()
                self._stop.wait(_REST_SECONDS)
            except Exception as error:  # whatever it is, it may pass
                self._note(error)
                self._stop.wait(_RETRY_SECONDS)
                self._arrived.set()
            else:
                self._failure = None

    def _write(self) -> None:
        with self._changing:
            rows = dict(self._unwritten)
        if not rows:
            return
        self._database.run(lambda connection: _insert(connection, rows), mend=True)
        with self._changing:
            for key in rows:
                self._unwritten.pop(key, None)

    def _beat(self) -> None:
        if self._working and time.monotonic() - self._beaten > _BEAT_SECONDS:
            self._database.run(self._claims.beat)
            self._beaten = time.monotonic()

    def _finish(self, patience: float) -> None:
        """Write what is left and give up the claims, however long that takes within bounds."""
        start = time.monotonic()
        while True:
            try:
                self._write()
                if self._claimed:
                    self._database.run(self._claims.release)
                return
            except Exception as error:
                self._note(error)
                limit = patience if isinstance(error, LockedError) else _LAST_SECONDS
            if time.monotonic() - start > min(limit, patience):
                break
            self._say(time.monotonic() - start > _SILENT_SECONDS)
            time.sleep(_RETRY_SECONDS)
        with contextlib.suppress(Exception):  # a deletion may fit where answers do not
            self._database.run(self._claims.release)

    def _locked(self, error: LockedError) -> LockedError:
        return LockedError(
            f"The request cache {str(self._database.path)!r} cannot be used: {error}. Nothing is "
            "sent, since answers that are kept there would be paid for again. Wait for that "
            "program or end it; if there is none, the disk knows no locks: keep the cache on "
            "another one."
        )

    def _fail(self, error: Exception) -> None:
        """Go on without the file, unless it is the wrong one and nothing has been sent yet."""
        if isinstance(error, ValueError) and not self._used:
            raise error
        self._note(error)
        self._say(True)

    def _note(self, error: Exception) -> None:
        if self._failure is None:
            self._failed_at = time.monotonic()
        self._failure = str(error)

    def _say(self, failing: object = False) -> None:
        """Warn, in the thread of the user: filters of warnings hold for one thread alone."""
        while self._database.notices:
            warnings.warn(
                self._database.notices.pop(), GenerationWarning, stacklevel=caller_level()
            )
        if not failing or "failing" in self._told:
            return
        self._told.add("failing")
        warnings.warn(
            f"Answers are not being kept in the request cache {str(self._database.path)!r}: "
            f"{self._failure or 'the run was interrupted'}. Generation goes on; what comes is held "
            "in memory and written as soon as that is possible, but if it never is, the same "
            "requests would be sent again. Free some space, make the folder writable, or pass "
            "another path as cache.",
            GenerationWarning,
            stacklevel=caller_level(),
        )


def write_held(path: Path) -> dict[str, str]:
    """Try again to write what could not be written; returns what is left, by key."""
    path = Path(os.path.realpath(path))
    if path in _held:
        store = Store(path, {"failing"})  # of which there was a warning
        store._unwritten.update(_held.pop(path))
        store._end(_HURRY_SECONDS)  # the run has been patient already
    return dict(_held.get(path, {}))


def read_answers(connection: sqlite3.Connection, keys: Iterable[str]) -> dict[str, Completion]:
    """Return the answers that can be read; a row in any other state counts as missing."""
    found: dict[str, Completion] = {}
    for some in _portions(keys):
        query = f"SELECT key, answer FROM answers WHERE key IN ({_marks(some)})"
        for key, text in connection.execute(query, some).fetchall():
            answer = unpack(text)
            if answer is not None:
                found[key] = answer
    return found


def _insert(connection: sqlite3.Connection, rows: dict[str, str]) -> None:
    # Few statements: between two of them the threads that wait for answers would be in the way.
    connection.execute("BEGIN IMMEDIATE")
    for keys in _portions(rows):
        values = [value for key in keys for value in (key, rows[key])]
        places = ",".join(["(?,?)"] * len(keys))
        connection.execute(f"INSERT OR REPLACE INTO answers VALUES {places}", values)
        connection.execute(f"DELETE FROM claims WHERE key IN ({_marks(keys)})", keys)
    connection.execute("COMMIT")


def _portions(keys: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(keys)
    while some := list(islice(iterator, _AT_ONCE)):
        yield some


def _marks(keys: Sequence[str]) -> str:
    return ",".join("?" * len(keys))


def _begin_all() -> None:
    for store in list(_stores):
        store._begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_all)
