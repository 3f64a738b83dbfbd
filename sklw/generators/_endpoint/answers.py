"""What a server answers, read from the forms in which servers send it."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sklw.generators._base import Completion, Request
from sklw.generators._endpoint.errors import Fault, parsed, plain_words, read_error
from sklw.generators._thinking import end_of_answer

__all__ = ["read_answer"]

# A server that ignores the limit must not fill the memory.
_CHARACTERS_PER_TOKEN = 8
_GOOD_ENDS = frozenset(
    {"stop", "eos", "eos_token", "end_turn", "endturn", "stop_sequence", "complete", "completed"}
)
_AT_LIMIT = frozenset(
    {"length", "max_tokens", "max_length", "model_length", "max_output_tokens", "max_new_tokens"}
)
_FILTERS = frozenset({
    "content_filter", "content_filtered", "safety", "sensitive", "recitation", "refusal", "spii",
    "prohibited_content", "blocklist", "guardrail_intervened",
})  # fmt: skip
_OWN_WORDS = frozenset({"recorded", "exhausted", "empty", "thinking", "error"})
_SAYING = frozenset({"error", "detail", "message", "errors"})  # what is wrong
_BESIDE = ("reasoning_content", "reasoning", "reasoning_details", "thinking")
_READ = ("prompt_tokens", "input_tokens", "promptTokenCount")
_WRITTEN = ("completion_tokens", "output_tokens", "candidatesTokenCount")
_ALL = ("total_tokens", "totalTokenCount")


@dataclass(frozen=True)
class _Choice:
    text: str
    beside: str  # what it thought, which is paid for
    reason: str
    refusal: str


def read_answer(
    headers: Mapping[str, str],
    content: bytes,
    request: Request,
    limit: int,
    count_tokens: Callable[[Any], int],
) -> list[Completion] | Fault:
    """Read the answers to a request, or what the server says is wrong."""
    content = _unstreamed(content)
    body = parsed(content)
    if isinstance(body, list) and body and isinstance(body[0], dict):
        body = body[0]  # Gemini wraps errors so
    if not isinstance(body, dict) or not isinstance(body.get("choices"), list):
        if isinstance(body, dict) and _SAYING & set(body):
            return read_error(200, headers, content, paid=True)
        return _unreadable(content)
    if body.get("error"):
        return read_error(200, headers, content, paid=True)
    choices = [choice for choice in body["choices"] if isinstance(choice, dict)]
    for choice in choices:
        if choice.get("error") or _word(choice.get("finish_reason")) == "error":
            broken = json.dumps({"error": choice.get("error") or "the server broke the answer off"})
            return read_error(200, headers, broken.encode(), paid=True)
    read = [_choice(choice) for choice in choices]
    return _completions(read, body.get("usage"), request, limit, count_tokens)


def _unreadable(content: bytes) -> Fault:
    words = plain_words(content[:10_000].decode(errors="replace"))[:1000]
    page = content.lstrip()[:1] == b"<"
    sentence = f"{'a web page' if page else 'an answer of another form'}: '{words}'"
    return Fault("route" if page else "unreadable", sentence, paid=True)


def _unstreamed(content: bytes) -> bytes:
    """Put together an answer that a server streams although it was not asked to."""
    text = content.lstrip()
    joined = _joined(text) if text.startswith((b"data:", b"event:", b":")) else None
    return text if joined is None else json.dumps(joined).encode()


def _joined(stream: bytes) -> Any:
    chunks = [parsed(line[5:].strip()) for line in stream.splitlines() if line.startswith(b"data:")]
    texts: dict[str, list[_Choice]] = {}
    ends: dict[str, Any] = {}
    joined: dict[str, Any] = {}
    for chunk in chunks:
        if not isinstance(chunk, dict):
            continue
        joined |= {name: chunk[name] for name in ("error", "usage") if chunk.get(name)}
        listed = chunk.get("choices")
        if not isinstance(listed, list) and any(map(chunk.get, _SAYING)):
            joined.setdefault("error", chunk)
        for choice in listed if isinstance(listed, list) else []:
            if not isinstance(choice, dict):
                continue
            at = str(choice.get("index", 0))
            texts.setdefault(at, []).append(_choice(choice))
            ends[at] = choice.get("finish_reason") or ends.get(at)
    if texts or not joined.get("error"):
        joined["choices"] = [
            {
                "message": {
                    "content": "".join(part.text for part in parts),
                    "reasoning": "".join(part.beside for part in parts),
                },
                "finish_reason": ends[at],
            }
            for at, parts in texts.items()
        ]
    return joined if chunks else None


def _choice(choice: dict[str, Any]) -> _Choice:
    message = choice.get("message") or choice.get("delta")
    message = message if isinstance(message, dict) else {}
    text = choice.get("text") if message.get("content") is None else message["content"]
    beside = [_all_text(message.get(name)) for name in _BESIDE]
    beside.append(_all_text(text)[len(_text(text)) :])  # parts that are thinking
    refusal = message.get("refusal")
    return _Choice(
        _text(text),
        max(beside, key=len),  # some say the same twice
        _word(choice.get("finish_reason")),
        refusal if isinstance(refusal, str) else "",
    )


def _text(content: Any) -> str:
    """Join the parts of a text and leave out those that are thinking."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict) and content.get("type", "text") in ("text", "output_text"):
        return _text(content.get("text"))
    return "".join(map(_text, content)) if isinstance(content, list) else ""


def _all_text(node: Any) -> str:
    if isinstance(node, str):
        return node
    if isinstance(node, dict):
        node = [node[name] for name in ("thinking", "text", "summary", "content") if name in node]
    return "".join(map(_all_text, node)) if isinstance(node, list) else ""


def _word(reason: Any) -> str:
    word = str(reason).strip().lower()[:40] if isinstance(reason, str | int) else ""
    return re.sub(r"^finish_?reason[._]", "", word.replace("-", "_"))


def _completions(
    choices: Sequence[_Choice],
    usage: Any,
    request: Request,
    limit: int,
    count_tokens: Callable[[Any], int],
) -> list[Completion]:
    prompt_tokens, written = _counted(usage, count_tokens(request.prompt))
    note: dict[str, Any] = {} if prompt_tokens and written is not None else {"tokens": "estimated"}
    prompt_tokens = prompt_tokens or count_tokens(request.prompt)
    if written is None:
        written = sum(
            limit if choice.reason in _AT_LIMIT else count_tokens(choice.text + choice.beside)
            for choice in choices
        )
    if not choices:
        return [Completion("", prompt_tokens, written, "empty", metadata=note)]
    found = []
    for place, choice in enumerate(choices):
        text, reason, refused = _judged(choice, request, limit * _CHARACTERS_PER_TOKEN)
        # What the request cost is counted once, what was written evenly.
        share = written // len(choices) + (written % len(choices) if place == 0 else 0)
        metadata = note | ({"error": refused, "lasting": True} if refused else {})
        metadata |= {"beside": True} if place else {}
        read = prompt_tokens if place == 0 else 0
        found.append(Completion(text, read, share, reason, metadata=metadata))
    return found


def _judged(choice: _Choice, request: Request, longest: int) -> tuple[str, str, str]:
    """Return text, reason of its end, and why it was refused."""
    text, reason = choice.text, choice.reason
    if not text.strip() and (choice.refusal or reason in _FILTERS):
        return "", "error", choice.refusal or f"finish_reason is {reason!r}"
    # The thinking stays: whether real rows hold marks like its own is not known here.
    if (end := end_of_answer(text, request.stop)) is not None:
        text, reason = text[:end], "stop"
    if len(text) > longest:
        return text[:longest], "length", ""
    if reason in _GOOD_ENDS or not reason:
        # A text that begins with a stop string is the model's answer, no text is maybe a fault of
        # the server, which is not to be cached.
        known = "stop" if reason else "none"
        return text, known if choice.text.strip() else "empty", ""
    if reason in _AT_LIMIT:
        return text, "length", ""
    return text, f"cut: {reason}" if reason in _OWN_WORDS else reason, ""


def _counted(usage: Any, estimated: int) -> tuple[int, int | None]:
    """Return the tokens read and written, 0 and None if the server does not say."""
    usage = usage if isinstance(usage, dict) else {}
    read, written, total = (
        next((n for name in names if (n := _number(usage.get(name)))), 0)
        for names in (_READ, _WRITTEN, _ALL)
    )
    # Some leave thinking out of what was written, but not out of the total.
    if read or not written:
        written = max(written, total - (read or estimated))
    return read, written or None


def _number(value: Any) -> int:
    try:
        return max(0, int(float(value)))
    except (TypeError, ValueError, OverflowError):
        return 0
