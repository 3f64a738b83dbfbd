"""How long a server asks to wait, wherever it says so, and how long to wait."""

import contextlib
import math
import random
import re
import time
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

__all__ = ["asked_wait", "next_wait"]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(
    r"(\d+(?:\.\d+)?)\s*(ms|milliseconds?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?"
    r"|h(?:ours?)?|d(?:ays?)?)(?![a-z])",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")
# "Please try again in 1m2.5s", "retry after 20 seconds", "retryDelay": "37s", "retry_after": 12
_IN_TEXT = re.compile(
    r"(?:try again|retry|wait|available(?=\s+(?:again|in|after)\b)"
    r"|retry_?delay|retry_after(?:_seconds)?|estimated_time)"
    r"(?:\s+(?:again|in|after|for|at least|about)\b)*[\"']?\s*[:=]?\s*[\"']?"
    rf"((?:{_DURATION.pattern}(?:\s*and)?\s*)+|\d+(?:\.\d+)?(?=[\s,\"'}}]|$))",
    re.IGNORECASE,
)
_LONGEST_PAUSE = 8.0
_LONGEST_TEXT = 20_000
_CHANCE = random.Random()  # no one else's


def asked_wait(headers: Mapping[str, str], body: str) -> float | None:
    """Return how many seconds a server asks to wait, None if it does not say."""
    body = " ".join(body[:_LONGEST_TEXT].split())
    found = (
        _seconds(headers.get("retry-after-ms", ""), unit=0.001),
        _seconds(headers.get("x-ms-retry-after-ms", ""), unit=0.001),
        _retry_after(headers),
        _reset(headers),
        _in_text(body),
    )
    return next((seconds for seconds in found if seconds is not None), None)


def next_wait(asked: float | None, attempt: int, left: int, timeout: float) -> float | None:
    """Return how long to wait before the next try, None if it is of no use."""
    if asked is not None and asked > timeout * left:
        return None
    growing = min(0.5 * 2 ** (attempt - 1), _LONGEST_PAUSE) * _CHANCE.uniform(0.75, 1.0)
    # What is asked for may be next to nothing, for as long as the server is busy.
    return min(max(growing, (asked or 0.0) * _CHANCE.uniform(1.0, 1.1)), timeout)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Read seconds or a date; a date counts from the server's own clock."""
    value = headers.get("retry-after", "")
    seconds = _seconds(value)
    if seconds is not None:
        return seconds
    moment = _moment(value)
    now = _moment(headers.get("date", "")) or time.time()
    return None if moment is None else max(0.0, moment - now)


def _moment(value: str) -> float | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            return read(value).timestamp()
    return None


def _reset(headers: Mapping[str, str]) -> float | None:
    """Read when the limits that are used up begin anew: seconds, a duration or a moment."""
    waits = [
        _retry_after({"retry-after": value, "date": headers.get("date", "")})
        for name, value in headers.items()
        if "reset" in name and headers.get(name.replace("reset", "remaining")) == "0"
    ]
    return max((wait for wait in waits if wait is not None), default=None)


def _seconds(value: str, unit: float = 1.0) -> float | None:
    value = value[:100]
    if clock := _CLOCK.fullmatch(value.strip()):
        return sum(float(part) * 60**place for place, part in enumerate(clock.groups()[::-1]))
    if re.fullmatch(r"\s*\d+\s*(?:,\s*\d+\s*)+", value):  # sent twice, and joined
        value = value.partition(",")[0]
    value = re.sub(r"^PT(?=\d)|\band\b", " ", value)  # "PT30S", "1 minute and 20 seconds"
    parts = _DURATION.findall(value)
    if parts and not _DURATION.sub("", value).strip():
        return sum(float(number) * _factor(name) for number, name in parts)
    try:
        number = float(value)
    except ValueError:
        return None
    if not math.isfinite(number) or number < 0:
        return None
    if number > 1e9:  # a moment, in seconds or thousandths
        number = max(0.0, number / (1000 if number > 1e11 else 1) - time.time())
    return number * unit


def _factor(name: str) -> float:
    name = name.lower()
    return _UNITS["ms" if name.startswith(("ms", "milli")) else name[0]]


def _in_text(body: str) -> float | None:
    if found := re.search(r"retry_?after_?ms[\"']?\s*:\s*[\"']?(\d+)", body, re.IGNORECASE):
        return int(found.group(1)) / 1000
    if found := _IN_TEXT.search(body):
        return _seconds(found.group(1).strip())
    found = re.search(r"x-ratelimit-reset[\"']?\s*:\s*[\"']?(\d{10,13})", body, re.IGNORECASE)
    return _seconds(found.group(1)) if found else None
