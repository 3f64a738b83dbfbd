"""Files that are there whole or not at all, and that one process at a time writes."""

import io
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import get_ident

import filelock
import pandas as pd

__all__ = ["as_csv", "kept_alone", "put", "write_by", "write_whole"]


def as_csv(frame: pd.DataFrame, separator: str) -> str:
    r"""Return the lines of a CSV file, with quotes only where needed."""
    lines = _Lines()
    frame.to_csv(lines, index=False, sep=separator, lineterminator="\r\n")
    return lines.getvalue()


class _Lines(io.StringIO):
    r"""Rows that end in ``\n``.

    Before Python 3.13 the csv module quotes a carriage return only where rows end in one.
    """

    def write(self, row: str) -> int:
        return super().write(row.removesuffix("\r\n") + "\n")


@contextmanager
def kept_alone(path: Path, refusal: str) -> Iterator[None]:
    """Hold a lock file, or raise a ValueError that says `refusal` if another process has it."""
    try:
        lock = filelock.FileLock(path).acquire(timeout=0)
    except filelock.Timeout:
        raise ValueError(refusal) from None
    with lock:  # the system takes it back from a process that is killed
        try:
            yield
        finally:
            with suppress(OSError):  # on Windows it goes with the lock
                path.unlink()


def write_whole(path: Path, text: str) -> None:
    """Write the whole file or nothing."""

    def write(partial: Path) -> None:
        with partial.open("wb") as file:
            put(file, text)

    write_by(path, write)


def write_by(path: Path, write: Callable[[Path], object]) -> None:
    """Have a file written beside the path, and take its place when it is whole."""
    if path.exists() and not path.is_file():  # nothing must take the place of a device or a pipe
        write(path)
        return
    path = path.resolve()  # a link stays one; that of /dev/stdout may lead to no path
    # Not even two threads that know nothing of each other share a file.
    partial = path.with_name(f".{os.getpid()}-{get_ident()}.{path.name}.partial")
    try:
        write(partial)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def put(file: io.BufferedWriter, text: str) -> None:
    """Write to the disk, not only to the system's memory; lone surrogates as well."""
    file.write(text.encode("utf-8", "surrogatepass"))
    file.flush()
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        os.fsync(file.fileno())
