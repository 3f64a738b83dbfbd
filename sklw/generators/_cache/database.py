"""The SQLite file of the request cache: opened, recognised, waited for and mended."""

import contextlib
import os
import sqlite3
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from sklw._callers import caller_level
from sklw.exceptions import GenerationWarning

__all__ = ["FILE_NAME", "SIDECARS", "Database", "LockedError", "is_damage"]

FILE_NAME = "requests.sqlite"
_T = TypeVar("_T")
_APPLICATION = int.from_bytes(b"sklw", "big")
_VERSION = 1
_TABLES = (
    "CREATE TABLE answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL)",
    "CREATE TABLE claims (key TEXT PRIMARY KEY, owner TEXT NOT NULL, "
    "host TEXT NOT NULL, pid INTEGER NOT NULL, beat REAL NOT NULL)",
)
SIDECARS = ("-journal", "-wal", "-shm")
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_ATTEMPT_SECONDS = 0.5  # Ctrl-C waits for one attempt
_SILENT_SECONDS = 2.0

# Closing a file drops the locks that this process has on it by other connections (POSIX), so
# nobody may connect while a new file is being made.
_making = threading.Lock()
_databases: "weakref.WeakSet[Database]" = weakref.WeakSet()
_paused: list[Any] = []
_inherited: list[sqlite3.Connection] = []


class LockedError(TimeoutError):
    """Another program has kept the file locked for longer than was to be waited."""


class Database:
    """One user's connection to the file, which threads may share.

    A file is touched only if it is new or known to be a request cache: by its application id, by
    the tables that older versions made, or, where it is too damaged to tell, by its name. Its
    rollback journal also works on network disks; a write-ahead log would not.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))  # nothing must take the place of a link
        self.notices: list[str] = []  # what the user is to be told
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        _databases.add(self)

    def run(
        self,
        action: Callable[[sqlite3.Connection], _T],
        *,
        patience: float = 0.0,
        mend: bool = False,
    ) -> _T:
        """Do something with the file, completely or not at all.

        `action` may be called several times. A locked file is waited for during `patience` seconds;
        a damaged one is set aside if `mend` is true, and a new one begun.
        """
        start, told, mended, damage = time.monotonic(), False, 0, ""
        while True:
            try:
                if damage:
                    self._set_aside(damage)
                    damage = ""
                return self._attempt(action)
            except sqlite3.DatabaseError as error:
                if is_damage(error) and mend and mended < 2:
                    mended, damage = mended + 1, str(error)
                    continue
                if _code(error) not in _LOCKED:
                    raise
            waited = time.monotonic() - start
            if waited >= patience:
                raise LockedError(f"another program has locked it, for {waited:.0f} seconds now")
            if waited > _SILENT_SECONDS and not told:
                told = True
                warnings.warn(
                    f"The request cache {str(self.path)!r} is locked by another program; waiting "
                    f"for it, {patience:.0f} seconds at most.",
                    GenerationWarning,
                    stacklevel=caller_level(),
                )
            time.sleep(0.02)

    def close(self) -> None:
        """Close the connection; the next `run` opens another."""
        with self._lock:
            if self._connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.close()
            self._connection = None

    def forget(self) -> None:
        """Leave the connection to the parent, in a process that was forked."""
        self._lock = threading.RLock()
        if self._connection is not None:
            _inherited.append(self._connection)  # to close it would undo what the parent does
        self._connection = None

    def _attempt(self, action: Callable[[sqlite3.Connection], _T]) -> _T:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._open()
                return action(self._connection)
            except BaseException as error:
                if self._connection is not None and self._connection.in_transaction:
                    with contextlib.suppress(sqlite3.Error):
                        self._connection.execute("ROLLBACK")
                if _code(error) not in _LOCKED:
                    self.close()  # the file may have been replaced
                raise

    def _open(self) -> sqlite3.Connection:
        with contextlib.suppress(FileNotFoundError):
            if self.path.stat().st_size == 1:  # which SQLite takes for an empty file
                raise self._something_else("a file of one byte")
        connection = _connect(self.path)
        application = 0
        try:
            [application] = connection.execute("PRAGMA application_id").fetchone()
            self._prepare(connection, application)
        except BaseException as error:
            connection.close()
            named = self.path.name == FILE_NAME
            if is_damage(error) and application != _APPLICATION and not named:
                raise self._something_else("not a database, or a damaged one") from None
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection, application: int) -> None:
        """Check that the file is a request cache; make one of an empty file or an older one."""
        [version] = connection.execute("PRAGMA user_version").fetchone()
        query = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"
        tables = {sql for (sql,) in connection.execute(query)}
        if application == _APPLICATION and version > _VERSION:
            raise ValueError(
                f"The request cache {str(self.path)!r} was made by a newer version of sklw. "
                "Update sklw, or pass another path as cache."
            )
        if application == _APPLICATION and tables >= set(_TABLES):
            return
        if application != _APPLICATION and (
            application or (tables != set(_TABLES) and (tables or version))
        ):
            raise self._something_else("the database of another program")
        try:
            connection.execute("BEGIN IMMEDIATE")
            for table in _TABLES:
                connection.execute(table.replace("TABLE", "TABLE IF NOT EXISTS"))
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")
            connection.execute("COMMIT")
        except sqlite3.OperationalError:
            if not tables:
                raise
            # An older file that may not be written at present can be read as it is.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        with contextlib.suppress(OSError):
            self.path.chmod(0o600)  # older versions left that to the umask

    def _something_else(self, what: str) -> ValueError:
        return ValueError(
            f"{str(self.path)!r} is not a request cache: it is {what}. It was left as it is. Pass "
            "another path."
        )

    def _set_aside(self, error: str) -> None:
        """Rename the damaged file, unless somebody else has done so already."""
        self.close()
        with _alone(self.path.with_name(f"{self.path.name}.lock")):
            if not _is_damaged(self.path):
                return
            number = int(time.time())
            while (aside := self.path.with_name(f"{self.path.name}.damaged-{number}")).exists():
                number += 1
            # The journal first: beside a new file it would be played back into that.
            for suffix in (*SIDECARS, ""):
                with contextlib.suppress(FileNotFoundError):
                    os.rename(f"{self.path}{suffix}", f"{aside}{suffix}")
        self.notices.append(
            f"The request cache {str(self.path)!r} is damaged ({error}). It was renamed to "
            f"{aside.name!r} and a new one begun; answers kept in it will be asked for again."
        )


def _connect(path: Path) -> sqlite3.Connection:
    """Open a file, made readable by its owner only if it is new."""
    with _making:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        if path.is_dir():
            raise ValueError(f"{str(path)!r} is a folder, not a request cache. Pass another path.")
        # Locked by hand: the writing thread and the generating one share the connection.
        connection = sqlite3.connect(
            path, timeout=_ATTEMPT_SECONDS, isolation_level=None, check_same_thread=False
        )
    connection.text_factory = _text
    return connection


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Be the only process within the block; the lock of one that dies is free at once."""
    with contextlib.closing(_connect(path)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        yield


def _is_damaged(path: Path) -> bool:
    with contextlib.closing(_connect(path)) as connection:
        try:
            return bool(connection.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",))
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            return True


def is_damage(error: BaseException) -> bool:
    """Whether an error says that the file is no whole database."""
    return _code(error) in _DAMAGED


def _code(error: BaseException) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _text(content: bytes) -> str | None:
    """Decode a text of the file; None if it is none."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _pause_all() -> None:
    """Wait until no lock is held: SQLite in a forked process would take it for its own."""
    locks: list[Any] = [database._lock for database in sorted(_databases, key=id)]
    for lock in [*locks, _making]:  # of several that fork, the last lock admits one at a time
        lock.acquire()
    _paused.extend(locks)


def _resume_all() -> None:
    while _paused:
        _paused.pop().release()
    _making.release()


def _forget_all() -> None:
    global _making
    _making = threading.Lock()
    _paused.clear()
    for database in list(_databases):
        database.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_pause_all, after_in_parent=_resume_all, after_in_child=_forget_all)
