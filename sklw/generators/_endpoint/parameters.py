"""The fields of a request, and which of them a server turns out not to know."""

import json
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from sklw.generators._base import Request
from sklw.generators._endpoint.errors import Fault

__all__ = ["as_sent", "build_arguments", "unknown_parameter"]

# Hints alone: fewer answers a request are asked for again, stop strings are cut here as well.
_HINTS = ("seed", "response_format", "n", "stop")
_OPTIONAL = (*_HINTS, "top_p", "temperature")
_UNKNOWN = re.compile(
    r"unknown|unrecogni[sz]ed|unsupported|not (?:yet )?(?:be )?(?:supported?|implemented|enabled"
    r"|permitted|available)|n[o']t support|unexpected|cannot find|extra |extra_forbidden"
    r"|unavailable|additional propert|invalid (?:parameter|argument|field)|disabled|deprecated"
    r"|not (?:be )?(?:set|allowed|accepted)\b|cannot both be|only (?:the default|1) ",
    re.IGNORECASE,
)
# What follows is the parameter; other names in such sentences are those that are known.
_NAMED = re.compile(
    r"(?:unknown|unrecogni[sz]ed|unsupported|unexpected|invalid)\s+(?:request\s+|keyword\s+)?"
    r"(?:name|field|parameter|argument|property|key|value)(?:\(?s\)?)?(?:\s+supplied)?\s*:?\s*"
    r"[\"'`]?(\w+)",
    re.IGNORECASE,
)
_OTHER_WORDS = {
    "response_format": r"response_format|json_schema|\bschema\b|grammar|guided|structured output"
    r"|json mode|response_?schema",
    "n": r"\bn\b[\"'`]?\s*(?:=|>|!=|must|is\b|should|:)|one (?:completion )?(?:choice|candidate)"
    r"|multiple (?:candidates|choices|completions)|candidate_?count",
    "seed": r"\bseed\b[\"'`]?\s*(?:must|should|:|=)",
    "stop": r"\bstop\b[\"'`]?\s*(?:must|is not|:)|stop[_ ]sequences?",
}


def build_arguments(
    generator: Any, request: Request, limit: int, n: int, unsupported: Iterable[str]
) -> dict[str, Any]:
    """Return the fields of a request, without those that the server does not know."""
    chat, unsupported = generator.prompting == "chat", set(unsupported)
    arguments: dict[str, Any] = {
        "model": generator.model,
        "temperature": float(generator.temperature),
        "seed": int(request.seed) % 2**31,
    }
    newer = chat and "max_tokens" in unsupported
    arguments["max_completion_tokens" if newer else "max_tokens"] = limit
    if isinstance(request.prompt, str) and not chat:
        arguments["prompt"] = request.prompt
    else:
        turns = request.prompt
        turns = (("user", turns),) if isinstance(turns, str) else turns
        arguments["messages"] = [{"role": role, "content": text} for role, text in turns]
    if generator.top_p is not None:
        arguments["top_p"] = float(generator.top_p)
    if request.stop:
        arguments["stop"] = list(request.stop)
    if n > 1:
        arguments["n"] = n
    if request.schema is not None and chat:
        arguments["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "row", "schema": dict(request.schema), "strict": True},
        }
    known = {name: value for name, value in arguments.items() if name not in unsupported}
    return known | as_sent(generator.extra_body or {})


def as_sent(extra_body: dict[str, Any] | None) -> Any:
    """Return additional fields as a server reads them, NumPy's numbers as Python's."""
    try:
        return json.loads(json.dumps(extra_body, default=_unwrapped, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(
            f"extra_body={extra_body!r:.200} cannot be sent as JSON ({error}). Pass a dict of "
            "strings, finite numbers, lists and dicts."
        ) from None


def _unwrapped(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"it holds a {type(value).__name__}")


def unknown_parameter(fault: Fault, arguments: dict[str, Any]) -> str | None:
    """Return the field that a server objects to, if it can be left out."""
    if fault.kind not in ("refused", "passing"):
        return None
    said = re.split(r"expected one of|supported parameters", fault.sentence)[0]
    unknown = bool(_UNKNOWN.search(said))
    replaceable = "max_tokens" in arguments and "messages" in arguments
    if replaceable and unknown and re.search(r"\bmax_(?:completion_)?tokens\b", said):
        return "max_tokens"
    optional = [name for name in _OPTIONAL if name in arguments]
    named = [re.split(r"\W", name)[0] for name in (*fault.names, *_NAMED.findall(said))]
    found = [name for name in named if name in optional] or [
        name for name in optional if _is_about(said, name, unknown)
    ]
    return next((name for name in found if _can_go(name, unknown, arguments)), None)


def _is_about(said: str, name: str, unknown: bool) -> bool:
    if any(f"{mark}{name}{mark}" in said for mark in ("'", '"', "`")):
        return True
    if name in _OTHER_WORDS and re.search(_OTHER_WORDS[name], said, re.IGNORECASE):
        return True
    return unknown and name != "n" and bool(re.search(rf"\b{name}\b", said))


def _can_go(name: str, unknown: bool, arguments: dict[str, Any]) -> bool:
    """Say whether it changes no answer, or the server does not have it at all."""
    greedy = name == "temperature" and not arguments["temperature"]
    return name in _HINTS or unknown or greedy
