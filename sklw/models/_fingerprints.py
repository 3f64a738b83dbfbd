"""Identify files by their content, each read once as long as nobody touches it."""

import contextlib
import hashlib
import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sklw._folder import cache_folder
from sklw._writing import write_whole

__all__ = ["content_digest"]

_MEMORY = "fingerprints.json"
_LARGE = 1 << 20  # smaller files are read again in each process
# A file may be written twice within one tick of its clock, so young files are not remembered.
_YOUNG = 2_000_000_000  # nanoseconds

_known: dict[str, list[Any]] = {}
_lock = threading.Lock()


def content_digest(files: Mapping[str, Path]) -> str:
    """Hash the names and contents of files; where they lie does not count."""
    lines = [f"{_file_digest(path)} {name}\n" for name, path in sorted(files.items())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:32]


def _file_digest(path: Path) -> str:
    path = Path(os.path.abspath(path))
    state, started = _state(path), time.time_ns()
    known = _known.get(str(path), [])
    if known[:-1] != state and state[0] >= _LARGE:
        known = _read_memory().get(str(path), [])
    if known[:-1] == state:
        return str(known[-1])
    with path.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    if _state(path) == state and started - max(state[1:3]) > _YOUNG:
        with _lock:
            _known[str(path)] = [*state, digest]
            if state[0] >= _LARGE:
                _write_memory(str(path))
    return digest


def _state(path: Path) -> list[int]:
    """Return what changes with a file; its time of change cannot be put back, as mtime can."""
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_dev]


def _read_memory() -> dict[str, list[Any]]:
    # Where it is damaged, the files are read again.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        found = json.loads((cache_folder() / _MEMORY).read_text(encoding="utf-8"))
        return {path: entry for path, entry in found.items() if isinstance(entry, list)}
    return {}


def _write_memory(path: str) -> None:
    entries = {old: entry for old, entry in _read_memory().items() if Path(old).exists()}
    text = json.dumps({**entries, path: _known[path]}, indent=0)
    with contextlib.suppress(OSError):
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / _MEMORY, text)
