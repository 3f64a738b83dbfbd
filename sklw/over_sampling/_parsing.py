"""From a model's answer to rows: takes off what models write around a text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sklw.over_sampling._prompts import one_line

__all__ = ["AnswerParser", "ParsedRow", "list_items", "up_to_last_sentence"]

_NUMBERING = re.compile(r"^\s*(?:\(?\d{1,3}[.):](?=\s)|[-*•](?=\s))\s*")
_FIELD = re.compile(r"^\s*(?:text|message|example|output|answer|row)\s*(?:\d{1,3}\s*)?:\s*", re.I)
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)]*(?=\s|$)|[。！？][”’」』）]*")
_QUOTES = {'"': '"', "“": "”", "'": "'", "‘": "’", "«": "»", "`": "`"}


@dataclass(frozen=True)
class ParsedRow:
    """A row as parsed.

    Attributes
    ----------
    text : str
        The row without numbering, quotes and tags.
    tag : hashable or None
        Class that the model named in the text, if it did.
    fields : dict of str to object or None
        Of a table row, what each column holds.
    fault : str
        Why it could not be read, if so.
    """

    text: str
    tag: Any = None
    fields: dict[str, Any] | None = None
    fault: str = ""


def up_to_last_sentence(text: str) -> str:
    """Return a text that was cut off without its last, incomplete sentence; "" if it has one only.

    A model that rambles on rarely spoils what it wrote first.
    """
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    return text[: ends[-1]].strip() if ends else ""


class AnswerParser:
    """Splits answers into rows and cleans them.

    Parameters
    ----------
    names : dict of label to str
        How the classes are called in prompts, to know them when they are written into a text.
    multiline : bool
        Whether rows may have line breaks.
    n_rows : int
        How many rows an answer may hold.
    """

    def __init__(self, names: dict[Any, str], *, multiline: bool = False, n_rows: int = 1) -> None:
        self.multiline = multiline
        self.n_rows = n_rows
        # Longest first, so that "not spam" is not read as "spam".
        ordered = sorted(names.items(), key=lambda item: -len(item[1]))
        self._tags = [(label, *_tag_patterns(name)) for label, name in ordered if name.strip()]

    def parse(self, answer: str) -> list[ParsedRow]:
        """Return the rows of one answer, at most `n_rows`; one empty row if it holds none."""
        rows = [row for row in map(self._clean, self._split(answer)) if row.text or row.tag]
        return rows[: self.n_rows] or [ParsedRow("")]

    def _split(self, answer: str) -> Iterable[str]:
        if self.n_rows == 1:
            if self.multiline:
                return [answer]
            # A model that goes on after its row has begun something else.
            return [next((line for line in answer.splitlines() if line.strip()), "")]
        lines = answer.splitlines()
        if any(_NUMBERING.match(line) for line in lines):
            return _numbered_items(lines)
        if self.multiline:
            return [answer]
        return [line for line in lines if line.strip()]

    def _clean(self, text: str) -> ParsedRow:
        tag = None
        previous = None
        while text != previous:  # wrappings come nested: 1. "spam: ..."
            previous = text
            text = _FIELD.sub("", _NUMBERING.sub("", text.strip())).strip()
            closing = _QUOTES.get(text[:1])
            inner = text[1:-1]
            if closing and len(text) > 1 and text.endswith(closing) and closing not in inner:
                text = inner.strip()
            for label, leading, trailing in self._tags:
                stripped = trailing.sub("", leading.sub("", text))
                if stripped != text:
                    tag = label if tag is None else tag
                    text = stripped.strip()
                    break
        return ParsedRow(text if self.multiline else one_line(text), tag)


def _numbered_items(lines: list[str]) -> list[str]:
    items: list[str] = []
    for line in lines:
        if _NUMBERING.match(line):
            items.append(line)
        elif items and line.strip():
            items[-1] += "\n" + line
    return items


def list_items(text: str) -> list[str]:
    """Return the items of a numbered or bulleted list, or the lines of a text that has none."""
    lines = [line for line in text.splitlines() if line.strip()]
    items = _numbered_items(lines) if any(map(_NUMBERING.match, lines)) else lines
    return [_NUMBERING.sub("", item).strip() for item in items]


def _tag_patterns(name: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Patterns of a label before a row ("spam:", "[spam]") and after it ("(spam)", "#spam")."""
    word = re.escape(name.strip())
    label = rf"(?:(?:label|category|class)\s*[:=]\s*)?{word}"
    leading = re.compile(rf"^\s*(?:[\[(<]\s*{label}\s*[\])>]\s*:?|{label}\s*:)\s*", re.I)
    trailing = re.compile(
        rf"\s*(?:[\[(<]\s*{label}\s*[.!]?\s*[\])>]|#{re.escape(name.strip().replace(' ', ''))}"
        rf"|(?:label|category|class)\s*[:=]\s*{word})\s*\.?\s*$",
        re.I,
    )
    return leading, trailing
