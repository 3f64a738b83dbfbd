"""The file under the request cache: answers, and claims on requests that are being answered."""

import contextlib
import os
import socket
import sqlite3
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from sklw.exceptions import GenerationWarning

__all__ = ["Store", "may_be_store"]

_T = TypeVar("_T")
_TABLES = (
    "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS claims (key TEXT PRIMARY KEY, owner TEXT NOT NULL, "
    "host TEXT NOT NULL, pid INTEGER NOT NULL, beat REAL NOT NULL)",
)
# Under another name, a file that is no database is not a damaged cache, but the user's own.
_SUFFIXES = (".sqlite", ".sqlite3", ".db")
_AT_ONCE = 500  # SQLite limits the parameters of a statement
_WRITE_SECONDS = 0.2
_BEAT_SECONDS = 10.0
_STALE_SECONDS = 60.0
_BUSY_SECONDS = 30.0


class Store:
    """One user's way to the file; opened for a run and closed after it.

    Failures never end a run: what cannot be read counts as missing, what cannot be written is
    not kept, and one warning says why. A damaged file is set aside and begun anew.

    Parameters
    ----------
    path : Path
        The SQLite file. Its rollback journal also works on network disks, a write-ahead log
        would not.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.owner = uuid.uuid4().hex
        self._host = socket.gethostname()
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._inode: int | None = None
        self.failure: str | None = None
        self._warned = False
        self._unwritten: list[tuple[str, str]] = []
        self._stop = threading.Event()
        self._working = False
        self._writer: threading.Thread | None = None

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *args: object) -> None:
        self._stop.set()
        if self._writer is not None:
            self._writer.join()
        self._write()
        self._execute("DELETE FROM claims WHERE owner = ?", (self.owner,), write=True)
        self._warn()
        if self._connection is not None:
            self._connection.close()

    def lookup(self, keys: Iterable[str]) -> dict[str, str]:
        """Return the answers that are there, by key."""
        found: dict[str, str] = {}
        for some in _portions(keys):
            marks = ",".join("?" * len(some))
            query = f"SELECT key, answer FROM answers WHERE key IN ({marks})"
            found.update(self._execute(query, some))
        return found

    def count(self) -> int:
        """Return the number of answers in the file, 0 if there is none."""
        if not self.path.exists():
            return 0
        rows = self._execute("SELECT count(*) FROM answers")
        return int(rows[0][0]) if rows else 0

    def rows(self) -> list[tuple[str, str]]:
        """Return all keys and answers, oldest first."""
        if not self.path.exists():
            return []
        rows = self._execute("SELECT key, answer FROM answers ORDER BY rowid")
        return [(str(key), str(answer)) for key, answer in rows]

    def insert(self, rows: Sequence[tuple[str, str]]) -> int:
        """Add the answers that are not there yet; returns how many."""
        before = self.count()
        self._run(
            lambda connection: connection.executemany(
                "INSERT OR IGNORE INTO answers VALUES (?, ?)", rows
            ),
            None,
            write=True,
        )
        self._warn()
        return self.count() - before

    def clear(self) -> int:
        """Delete all answers and give the space back; returns how many are gone."""
        self._warned = True  # the caller says what fails
        count = self.count()
        if count:
            self._execute("DELETE FROM answers", write=True)
            self._execute("VACUUM", write=True)
        return count - self.count()

    def evict(self, max_bytes: int) -> None:
        """Delete the oldest answers until the rest takes nine tenths of the bytes at most."""
        query = (
            "DELETE FROM answers WHERE rowid IN (SELECT rowid FROM (SELECT rowid, "
            "sum(length(key) + length(answer)) OVER (ORDER BY rowid DESC) AS total FROM answers) "
            "WHERE total > ?)"
        )
        total = self._execute("SELECT sum(length(key) + length(answer)) FROM answers")
        if total and (total[0][0] or 0) > max_bytes:
            self._execute(query, (0.9 * max_bytes,), write=True)

    def claim(self, keys: Iterable[str]) -> list[str]:
        """Take the requests nobody answers at present, so that nobody else sends them."""
        keys = list(keys)
        mine: list[str] = self._run(lambda connection: self._claim(connection, keys), keys, True)
        if mine and self._writer is None and self.failure is None:
            self._writer = threading.Thread(target=self._keep_writing, daemon=True)
            self._writer.start()
        return mine

    @contextlib.contextmanager
    def working(self) -> Any:
        """Keep the claims alive within the block; a run that pauses for long loses them."""
        self._working = True
        try:
            yield
        finally:
            self._working = False

    def add(self, key: str, answer: str) -> None:
        """Keep an answer: in the file within a fraction of a second."""
        with self._lock:
            self._unwritten.append((key, answer))
        self._warn()

    def _claim(self, connection: sqlite3.Connection, keys: Sequence[str]) -> list[str]:
        now = time.time()
        mine: list[str] = []
        connection.execute("BEGIN IMMEDIATE")
        taken = {
            key: (host, pid, beat)
            for key, host, pid, beat in connection.execute(
                "SELECT key, host, pid, beat FROM claims"
            )
        }
        query = "SELECT 1 FROM answers WHERE key = ?"
        for key in keys:
            if key in taken and not self._abandoned(*taken[key], now):
                continue
            if connection.execute(query, (key,)).fetchone() is None:
                mine.append(key)
        connection.executemany(
            "INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?, ?)",
            [(key, self.owner, self._host, os.getpid(), now) for key in mine],
        )
        connection.execute("COMMIT")
        return mine

    def _abandoned(self, host: str, pid: int, beat: float, now: float) -> bool:
        if abs(now - beat) > _STALE_SECONDS:
            return True
        return host == self._host and not _alive(pid)

    def _keep_writing(self) -> None:
        beat = time.monotonic()
        while not self._stop.wait(_WRITE_SECONDS):
            self._write()
            if self._working and time.monotonic() - beat > _BEAT_SECONDS:
                beat = time.monotonic()
                query = "UPDATE claims SET beat = ? WHERE owner = ?"
                self._execute(query, (time.time(), self.owner), write=True)

    def _write(self) -> None:
        with self._lock:
            rows, self._unwritten = self._unwritten, []
        if rows:
            self._run(lambda connection: self._insert(connection, rows), None, write=True)

    def _insert(self, connection: sqlite3.Connection, rows: list[tuple[str, str]]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?)", rows)
        connection.executemany("DELETE FROM claims WHERE key = ?", [(key,) for key, _ in rows])
        connection.execute("COMMIT")

    def _execute(
        self, query: str, parameters: Sequence[Any] = (), write: bool = False
    ) -> list[tuple[Any, ...]]:
        def action(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            return connection.execute(query, parameters).fetchall()

        return self._run(action, [], write)

    def _run(
        self, action: Callable[[sqlite3.Connection], _T], otherwise: _T, write: bool = False
    ) -> _T:
        """Do something with the file; give `otherwise` if that is not possible."""
        with self._lock:
            if write and self.failure is not None:
                return otherwise
            for _ in range(2):  # a second time on a fresh file if the first is damaged
                try:
                    return action(self._open())
                except (sqlite3.OperationalError, OSError) as error:
                    self.failure = str(error)
                    return otherwise
                except sqlite3.DatabaseError as error:
                    damage = str(error)
                    self._set_aside(damage)
                finally:
                    self._undo()
            self.failure = damage
            return otherwise

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.suffix not in _SUFFIXES and not may_be_store(self.path):
            raise OSError("the file is something else")
        # Locked by hand: the writing thread and the generating one share the connection.
        connection = sqlite3.connect(
            self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._connection = connection
        self._inode = self.path.stat().st_ino
        known = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not known:
            connection.execute("BEGIN IMMEDIATE")
            for table in _TABLES:
                connection.execute(table)
            connection.execute("COMMIT")
        return connection

    def _undo(self) -> None:
        # A failed or interrupted action must not leave its transaction open.
        if self._connection is not None and self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def _set_aside(self, error: str) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
        with contextlib.suppress(OSError):
            if self.path.stat().st_ino != self._inode:
                return  # somebody else has begun anew already
            aside = self.path.with_name(f"{self.path.name}.damaged-{int(time.time())}")
            self.path.rename(aside)
            warnings.warn(
                f"The request cache {str(self.path)!r} is damaged ({error}). It was renamed to "
                f"{aside.name!r} and a new one begun; answers kept in it will be asked for again.",
                GenerationWarning,
                stacklevel=2,
            )

    def _warn(self) -> None:
        if self.failure is None or self._warned:
            return
        self._warned = True
        warnings.warn(
            f"Answers are not being kept in the request cache {str(self.path)!r}: {self.failure}. "
            "Generation goes on, but the same requests would be sent again. Free some space, "
            "make the folder writable, or pass another path as cache.",
            GenerationWarning,
            stacklevel=2,
        )


def may_be_store(path: Path) -> bool:
    """Tell whether there is no such file, or an empty one, or a database."""
    if not path.is_file():
        return True
    with path.open("rb") as file:
        return file.read(16) in (b"", b"SQLite format 3\0")


def _alive(pid: int) -> bool:
    if os.name == "nt":
        return True  # signal 0 would interrupt the process there; its heartbeat tells
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _portions(keys: Iterable[str]) -> Iterable[list[str]]:
    iterator = iter(keys)
    while some := list(islice(iterator, _AT_ONCE)):
        yield some
