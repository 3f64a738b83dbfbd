"""What commands say at their end: how they were called, and what became of paid answers."""

import argparse
import os
import re
import shlex
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["all_kept", "cache_file", "shown_command", "without_false_comfort", "write_unkept"]

_HIDDEN = "***"
# As providers write them; narrow, since names of models and files are long and have digits, too.
_KEY_OF_PROVIDER = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:sk|gsk|csk|xai|pplx|nvapi)[-_]|hf_|AIza)(?=[\w-]*\d)[\w-]{16,}"
)
_SECRET_FIELD = re.compile(
    r"""(["'](?:api[-_]?key|authorization|password|secret|(?:access[-_]?)?token)["']\s*:\s*["'])"""
    r"""[^"']+""",
    re.IGNORECASE,
)
# Said by those who do not know what became of the cache.
_COMFORT = re.compile(
    r" What was answered is kept: running the same command again sends the rest only\."
    r"|(?<=run the command again): no answer is lost or asked for twice"
)


def shown_command(arguments: argparse.Namespace) -> str:
    """Return the command for a report, without what looks like a key: reports are passed on."""
    return shlex.join(["python", "-m", "sklw", *map(_without_keys, arguments.argv)])


def _without_keys(text: str) -> str:
    """Hide what looks like a key anywhere in a text."""
    return _KEY_OF_PROVIDER.sub(_HIDDEN, _SECRET_FIELD.sub(rf"\1{_HIDDEN}", text))


def cache_file(arguments: argparse.Namespace) -> Any:
    """Return the file that keeps the answers."""
    return _cache(arguments).path


def all_kept(arguments: argparse.Namespace) -> bool:
    """Say whether all answers are in that file, having tried again to write what is missing."""
    return not _cache(arguments).flush()


def write_unkept(arguments: argparse.Namespace) -> str:
    """Write answers that the cache could not take elsewhere, and say where; "" if there are none.

    With the end of the process they would be lost, and paid for again.
    """
    if not hasattr(arguments, "endpoint") or not (n := _cache(arguments).flush()):
        return ""
    path = cache_file(arguments)
    lost = f"{n} answers could not be written to {path}"
    try:
        descriptor, spare = tempfile.mkstemp(prefix="sklw-answers-", suffix=".jsonl")
    except OSError:
        return f"{lost} and are lost: the same requests would be sent again."
    os.close(descriptor)
    try:
        _cache(arguments).flush(spare)
    except OSError:
        Path(spare).unlink(missing_ok=True)
        return f"{lost}, nor to {spare}, and are lost: the same requests would be sent again."
    command = ["python", "-m", "sklw", "cache", "--path", str(path), "--import", spare]
    return (
        f"{lost} and are in {spare}. Make room, and add them with `{shlex.join(command)}` before "
        "you run the command again; otherwise the same requests would be sent again."
    )


def without_false_comfort(message: str) -> str:
    """Take back that all answers are kept."""
    return _COMFORT.sub("", message)


def _cache(arguments: argparse.Namespace) -> Any:
    from sklw.generators import RequestCache

    return RequestCache.resolve(arguments.cache or True)
