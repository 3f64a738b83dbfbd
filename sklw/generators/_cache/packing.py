"""Answers as the text that the request cache keeps."""

import json
import re
from typing import Any

from sklw.generators._base import Completion
from sklw.generators._thinking import is_lasting

__all__ = ["pack", "read", "unpack"]

_TYPES = {
    "text": str,
    "prompt_tokens": int,
    "completion_tokens": int,
    "finish_reason": str,
    "metadata": dict,
}
# JSON would make one character of the two halves of a surrogate pair.
_BETWEEN_HALVES = re.compile("(?<=[\ud800-\udbff])(?=[\udc00-\udfff])")


def pack(completion: Completion) -> str | None:
    """Return an answer as text in ASCII; None if it should be asked for again."""
    if not isinstance(completion.text, str):
        raise TypeError(f"its text is {completion.text!r}")
    if not is_lasting(completion):
        return None
    pieces = _BETWEEN_HALVES.split(completion.text)
    return json.dumps(
        {
            "text": pieces if len(pieces) > 1 else completion.text,
            "prompt_tokens": int(completion.prompt_tokens),
            "completion_tokens": int(completion.completion_tokens),
            "finish_reason": completion.finish_reason,
            "metadata": dict(completion.metadata),
        }
    )


def read(content: Any) -> Completion:
    """Make an answer of what JSON reads."""
    if not isinstance(content, dict):
        raise TypeError("it is not an object")
    content = dict(content)
    pieces = content.get("text")
    if isinstance(pieces, list) and all(isinstance(piece, str) for piece in pieces):
        content["text"] = "".join(pieces)
    for name, value in content.items():
        # bool is an int to Python
        if name not in _TYPES or type(value) is not _TYPES[name]:
            raise TypeError(f"{name!r} is {value!r:.40}")
    if min(content.get("prompt_tokens", 0), content.get("completion_tokens", 0)) < 0:
        raise TypeError("a number of tokens is negative")
    if "text" not in content:
        raise TypeError("it has no text")
    return Completion(**content, cached=True)


def unpack(text: Any) -> Completion | None:
    """Read what the file holds; None, which counts as missing, if that cannot be read."""
    if not isinstance(text, str):
        return None
    try:
        completion = read(json.loads(text))
    except (TypeError, ValueError, RecursionError):
        return None
    return completion if is_lasting(completion) else None
