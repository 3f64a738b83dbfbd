"""Files that are there whole or not at all."""

import io
import os
from collections.abc import Callable
from pathlib import Path

__all__ = ["put", "write_by", "write_whole"]


def write_whole(path: Path, text: str) -> None:
    """Write the whole file or nothing."""

    def write(partial: Path) -> None:
        with partial.open("wb") as file:
            put(file, text)

    write_by(path, write)


def write_by(path: Path, write: Callable[[Path], object]) -> None:
    """Have a file written beside the path, and take its place when it is whole."""
    partial = path.with_name(path.name + ".partial")
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
    os.fsync(file.fileno())
