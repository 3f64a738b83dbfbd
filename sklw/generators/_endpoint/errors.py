"""What a server says is wrong, read from whatever form it says it in."""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sklw.generators._endpoint.limits import asked_wait

__all__ = ["Fault", "parsed", "plain_words", "read_error"]

# Where sentences are found, in this order; all else in an error is for machines.
_SAYING = (
    "message", "Message", "msg", "error", "errors", "detail", "details", "error_description",
    "error_message", "description", "title", "fieldViolations", "metadata", "raw", "innererror",
)  # fmt: skip
_NAMING = ("param", "field", "property")
_CODING = ("code", "type", "status", "error_type", "reason")
_DEEPEST = 8
_MOST_SENTENCES = 6
_LONGEST_SENTENCE = 5_000
_LONGEST_ERROR = 1_000_000

_CREDIT = re.compile(
    r"insufficient[_ ](?:quota|balance|credit|funds)|credit balance|(?:requires|out of) (?:more )?"
    r"credits|billing[_ ](?:hard[_ ]limit|not active)|payment required",
    re.IGNORECASE,
)
_KEY = re.compile(
    r"(?:invalid|incorrect|wrong|missing|expired|no) (?:x-)?api[ _-]?key|api[ _-]?key (?:is |was )?"
    r"(?:not valid|invalid|missing|expired|not found)|api_key_invalid|authentication fail",
    re.IGNORECASE,
)
_MODERATION = re.compile(r"moderat|flagged|content|safety|policy", re.IGNORECASE)
# About what the request says, so that the same request is refused again. Narrow, since such a
# refusal is kept for good: "safety", "flagged" or "moderation" alone may be about a parameter or
# the account.
_FILTER_CODES = frozenset({
    "content_filter", "content_policy_violation", "responsibleaipolicyviolation",
    "moderation_blocked", "data_inspection_failed", "datainspectionfailed",
})  # fmt: skip
_FILTERED = re.compile(
    r"content management policy|content (?:filtering )?policy|your (?:input|prompt) was flagged",
    re.IGNORECASE,
)
_PROMPT_NAMES = frozenset({"prompt", "messages", "input"})
_TOO_LARGE = re.compile(
    r"too large for|request too large|too long|context[ _](?:size|length|window)",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"(?:models?|deployment)\b.{0,100}?(?:not exist|not[ _]found|no longer|retired|decommissioned)"
    r"|(?:invalid|unknown|no such|not a valid) (?:model|deployment)|model_not_(?:found|exist)"
    r"|deploymentnotfound|no models? (?:is |are )?loaded",
    re.IGNORECASE,
)
_NO_ROUTE = re.compile(r"unexpected endpoint|cannot post|invalid url|no route", re.IGNORECASE)
_PASSING_CODE = re.compile(
    r"rate_?limit|overload|unavailable|timeout|server_error|internal|resource_exhausted",
    re.IGNORECASE,
)

# Beside 5xx; 0 is an error in a good answer, 498 a lack of capacity, 499 a connection broken behind
# the server.
_PASSING = (0, 408, 409, 424, 425, 498, 499)


@dataclass(frozen=True)
class Fault:
    """Why there is no answer."""

    # "refused" (this prompt), "passing", "busy" (too many requests), "slow", "unreachable",
    # "unreadable", "key", "credit", "model", "route" or "certificate"
    kind: str
    sentence: str  # in the server's own words
    status: int = 0
    names: tuple[str, ...] = ()
    wait: float | None = None
    paid: bool = False
    filtered: bool = False  # refused for what the request says


@dataclass
class _Reading:
    sentences: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)

    def read(self, node: Any, depth: int = 0) -> None:
        """Collect what a part of an error says."""
        if depth > _DEEPEST or len(self.sentences) >= _MOST_SENTENCES:
            return
        if isinstance(node, str):
            self._read_text(node, depth)
        elif isinstance(node, list):
            for part in node:
                self.read(part, depth + 1)
        elif isinstance(node, dict):
            self._read_object(node, depth)

    def _read_text(self, text: str, depth: int) -> None:
        if text.lstrip()[:1] in ("{", "[") and (inner := parsed(text)) is not None:
            self.read(inner, depth + 1)
            return
        words = plain_words(text)
        if words and not any(words in said for said in self.sentences):
            self.sentences.append(words)

    def _read_object(self, node: dict[str, Any], depth: int) -> None:
        place = node.get("loc")
        if isinstance(place, list) and place:  # of FastAPI
            names = [str(part) for part in place if part != "body"]
            self.names += names[:1]
            if isinstance(node.get("msg"), str):
                node = {**node, "msg": f"{'.'.join(names)}: {node['msg']}"}
        self.names += [node[key] for key in _NAMING if isinstance(node.get(key), str)]
        self.codes += [str(node[key]) for key in _CODING if isinstance(node.get(key), str | int)]
        for key in _SAYING:
            if key in node:
                self.read(node[key], depth + 1)


def parsed(text: str | bytes) -> Any:
    """Return what a JSON text says; None if it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def plain_words(text: str) -> str:
    """Return the beginning of a text in one line, without the tags of a web page."""
    text = text[:_LONGEST_SENTENCE]
    if re.search(r"<(?:!doctype|html|body|head)\b", text[:2000], re.IGNORECASE):
        text = re.sub(r"(?is)<(script|style)\b.*?</\1>|<!--.*?-->", " ", text)
        text = html.unescape(re.sub(r"<[^>]*>", " ", text))
    return " ".join(text.split())


def read_error(
    status: int, headers: Mapping[str, str], content: bytes, *, paid: bool = False
) -> Fault:
    """Read the error in an answer."""
    text = content[:_LONGEST_ERROR].decode(errors="replace")
    reading = _Reading()
    reading.read(text)
    sentence = "; ".join(reading.sentences) or plain_words(text)
    if 200 <= status < 300:
        status = _status_within(reading.codes)
    said = f"{sentence} {' '.join(reading.codes)}"
    kind = _kind(status, said, sentence)
    wait = asked_wait(headers, text)
    filtered = kind == "refused" and _is_filtered(sentence, reading)
    return Fault(kind, sentence, status, tuple(reading.names), wait, paid, filtered)


def _is_filtered(sentence: str, reading: _Reading) -> bool:
    coded = any(code.casefold() in _FILTER_CODES for code in reading.codes)
    return (coded or bool(_FILTERED.search(sentence))) and _PROMPT_NAMES.issuperset(reading.names)


def _status_within(codes: list[str]) -> int:
    """Return the status that an error in a good answer stands for, 0 if it does not say."""
    numbers = [int(code) for code in codes if re.fullmatch(r"[45]\d\d", code)]
    if numbers:
        return numbers[0]
    joined = " ".join(codes)
    if "rate_limit" in joined:
        return 429
    return 400 if "invalid" in joined and not _PASSING_CODE.search(joined) else 0


def _kind(status: int, said: str, sentence: str) -> str:
    if status == 402 or _CREDIT.search(said):
        return "credit"
    if status == 403 and _MODERATION.search(sentence):
        return "refused"
    if status == 403 and _NO_MODEL.search(said):
        return "model"
    if status in (401, 403) or _KEY.search(said):
        return "key"
    if status == 413 or (status != 404 and _TOO_LARGE.search(said)):
        return "refused"
    if status == 410 or (status < 500 and _NO_MODEL.search(said)):
        return "model"
    if status in (404, 405) or 300 <= status < 400 or _NO_ROUTE.search(said):
        return "route"
    if status == 429:
        return "busy"
    return "passing" if status in _PASSING or status >= 500 else "refused"
