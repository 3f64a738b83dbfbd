"""What is done with a request cache as a whole: counted, cleared, bounded, exported, imported."""

import contextlib
import json
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, TypeVar

from sklw.generators._cache.database import SIDECARS, Database, is_damage
from sklw.generators._cache.packing import read, unpack
from sklw.generators._cache.store import read_answers

__all__ = ["clear", "count", "evict", "export_answers", "import_answers", "write_answers"]

_T = TypeVar("_T")
_PATIENCE_SECONDS = 20.0


def count(path: Path) -> int:
    """Return the number of answers in the file, 0 if there is none."""
    if not path.exists():
        return 0
    query = "SELECT count(*) FROM answers"
    return int(_do(path, "read", lambda connection: connection.execute(query).fetchone()[0]))


def clear(path: Path) -> int:
    """Delete all answers and give the space back; returns how many are gone."""
    deleted = 0

    def action(connection: sqlite3.Connection) -> None:
        nonlocal deleted
        deleted += connection.execute("DELETE FROM answers").rowcount
        connection.execute("VACUUM")

    if path.exists():
        _do(path, "cleared", action)
    return deleted


def evict(path: Path, max_bytes: int) -> None:
    """Delete the oldest answers until the rest takes nine tenths of the bytes at most."""
    size = "length(key) + length(answer)"
    query = (
        "DELETE FROM answers WHERE rowid IN (SELECT rowid FROM (SELECT rowid, "
        f"sum({size}) OVER (ORDER BY rowid DESC) AS total FROM answers) WHERE total > ?)"
    )

    def action(connection: sqlite3.Connection) -> None:
        [total] = connection.execute(f"SELECT sum({size}) FROM answers").fetchone()
        if total is not None and total > max_bytes:
            connection.execute(query, (0.9 * max_bytes,))

    with contextlib.suppress(OSError):  # the next run tries again
        _do(path, "bounded", action)


def export_answers(path: Path, target: Path) -> int:
    """Write all answers to a file, whole or not at all; returns how many there are."""
    target = Path(os.path.realpath(target))
    if not path.exists():
        raise FileNotFoundError(f"There is no request cache {str(path)!r} to export.")
    own = [os.path.realpath(path) + suffix for suffix in ("", ".lock", *SIDECARS)]
    if str(target) in own or (target.exists() and target.samefile(path)):
        raise ValueError(f"{str(target)!r} belongs to the request cache itself. Pass another file.")
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"There is no folder {str(target.parent)!r} to export to. Make it, or pass a file "
            "elsewhere."
        )
    if target.exists() and not target.is_file():
        raise ValueError(f"{str(target)!r} is not a regular file. Pass the path of a file.")
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(f"{str(target)!r} may not be written. Pass another file.")
    if target.exists() and target.stat().st_size and not count(path):
        raise ValueError(
            f"The request cache {str(path)!r} holds no answers, and {str(target)!r} is left as it "
            "is. Delete that file, or pass another one."
        )

    def action(connection: sqlite3.Connection) -> int:
        rows = connection.execute("SELECT key, answer FROM answers ORDER BY rowid")
        return write_answers(rows, target)

    return _do(path, f"exported, and {str(target)!r} is left as it was", action)


def write_answers(rows: Iterable[tuple[str, str]], target: Path) -> int:
    """Write keys and answers to a file, whole or not at all; returns how many there are."""
    written = 0
    with _replacing(target) as file:
        for key, text in rows:
            if key is not None and unpack(text) is not None:
                file.write(json.dumps({"key": key, "answer": json.loads(text)}) + "\n")
                written += 1
    return written


def import_answers(path: Path, source: Path) -> int:
    """Add all answers of an exported file or none; returns how many were new."""
    rows: dict[str, str] = {}
    with source.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                content = json.loads(line)
                key, answer = content["key"], content["answer"]
                if not (isinstance(key, str) and key and key.isascii()):
                    raise TypeError(f"the key is {key!r:.40}")
                read(answer)
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise ValueError(
                    f"Line {number} of {str(source)!r} is not an exported answer ({error}). Pass a "
                    "file that RequestCache.export_jsonl or `python -m sklw cache --export` "
                    "wrote."
                ) from None
            rows.setdefault(key, json.dumps(answer))

    def action(connection: sqlite3.Connection) -> int:
        connection.execute("BEGIN IMMEDIATE")
        known = read_answers(connection, rows)
        new = [row for row in rows.items() if row[0] not in known]
        connection.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?)", new)
        connection.execute("COMMIT")
        return len(new)

    return _do(path, "added to", action)


def _do(path: Path, what: str, action: Callable[[sqlite3.Connection], _T]) -> _T:
    """Do something with the file; say in one sentence what failed."""
    with contextlib.closing(Database(path)) as database:
        try:
            return database.run(action, patience=_PATIENCE_SECONDS)
        except (sqlite3.Error, OSError) as error:
            advice = "Wait until nobody uses it, free some space, or make it writable"
            if is_damage(error):
                advice = "It is damaged: the next fit that uses it sets it aside and begins anew"
            raise OSError(
                f"The request cache {str(path)!r} cannot be {what}: {error}. {advice}."
            ) from None


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[IO[str]]:
    """Write a file beside and put it in place when it is whole, for its owner's eyes only."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".sklw-export-")
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise
