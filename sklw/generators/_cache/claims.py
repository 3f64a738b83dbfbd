"""Who is answering which request at present, so that nobody else sends it."""

import functools
import os
import socket
import sqlite3
import time
import uuid
from collections.abc import Iterable
from pathlib import Path

__all__ = ["Claims"]

_STALE_SECONDS = 60.0

# Owners in this process: of those that are not here any more, claims may have been left behind.
_open_owners: set[str] = set()


class Claims:
    """One user's claims, and a look at those of the others.

    A claim ends with its owner's process, which is looked for on the same machine. Elsewhere, and
    for a run that pauses, it ends when its heartbeat has not changed for a while by the clock of
    whoever waits: clocks that are set, or that differ, mean nothing.
    """

    def __init__(self) -> None:
        self.owner = f"{_started(os.getpid())}-{uuid.uuid4().hex}"
        self._seen: dict[tuple[str, float], float] = {}
        _open_owners.add(self.owner)

    def taken(self, connection: sqlite3.Connection) -> set[str]:
        """Return the keys that somebody is at work on."""
        query = "SELECT DISTINCT owner, host, pid, beat FROM claims"
        claims = connection.execute(query).fetchall()
        owners = {claim[0] for claim in claims if not self._abandoned(*claim)}
        # Nothing is worked out while rows are read: that would keep others from writing.
        rows = connection.execute("SELECT key, owner FROM claims").fetchall()
        return {key for key, owner in rows if owner in owners}

    def take(self, connection: sqlite3.Connection, keys: Iterable[str]) -> None:
        """Claim keys, within a transaction."""
        mine = (self.owner, _host(), os.getpid(), time.time())
        connection.executemany(
            "INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?, ?)", [(key, *mine) for key in keys]
        )

    def beat(self, connection: sqlite3.Connection) -> None:
        """Show that the owner is at work."""
        query = "UPDATE claims SET beat = ? WHERE owner = ?"
        connection.execute(query, (time.time(), self.owner))

    def release(self, connection: sqlite3.Connection) -> None:
        """Give up all claims."""
        connection.execute("DELETE FROM claims WHERE owner = ?", (self.owner,))

    def close(self) -> None:
        """Count claims that could not be deleted as abandoned."""
        _open_owners.discard(self.owner)

    def _abandoned(self, owner: str, host: str, pid: int, beat: float) -> bool:
        now = time.monotonic()
        if now - self._seen.setdefault((owner, beat), now) > _STALE_SECONDS:
            return True
        if host != _host():
            return False
        if pid == os.getpid() and owner not in _open_owners:
            return True
        return not _lives(pid, owner.partition("-")[0])


def _lives(pid: int, started: str) -> bool:
    """Whether the process is there, and not another one of the same number."""
    if os.name == "nt":
        return True  # signal 0 would interrupt the process there; its heartbeat tells
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError, TypeError):
        return False
    except OSError:
        pass
    return _started(pid) in ("", started)


def _started(pid: int) -> str:
    """Return when a process began, in the kernel's count; "" where that is not told."""
    try:
        # The name before it, in brackets, may hold anything.
        state, *fields = Path(f"/proc/{pid}/stat").read_text("latin-1").rpartition(")")[2].split()
        return "ended" if state in "ZX" else fields[18]  # nobody has asked how a zombie ended
    except (OSError, ValueError, IndexError):
        return ""


@functools.cache
def _host() -> str:
    """Return what must be equal for process numbers to mean the same."""
    parts = [socket.gethostname()]
    try:
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))  # containers have their own
    except OSError:
        pass
    return " ".join(parts)
