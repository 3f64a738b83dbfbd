"""From a model's answer to rows: takes off what models write around a text."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sklw.over_sampling._rows import ParsedRow
from sklw.over_sampling._strings import one_line

__all__ = ["AnswerParser", "list_items", "up_to_last_sentence"]

_LIST_MARK = re.compile(r"^\s*(?:\(?(?P<number>\d{1,3})[.):](?=\s)|[-*•](?=\s))\s*")
_SENTENCE_END = re.compile(r"[.!?…؟۔।][\"'”’)]*(?=\s|$)|[。！？][”’」』）]*")
_LINE_END = re.compile(r"\r\n|\r|\n")
# White space within a text that folding would change.
_ODD_SPACE = re.compile(r"[^\S ]|  ")
_QUOTES = {'"': '"', "“": "”", "'": "'", "‘": "’", "«": "»", "`": "`"}
_FIELDS = ("text", "message", "example", "output", "answer", "row")
# In chat, models announce a row on a line of its own, or put it between fences.
_FENCE = re.compile(r"^`{3,}[\w-]*$", re.MULTILINE)
_ANNOUNCEMENT = re.compile(
    r"^\W*(?:(?:sure|certainly|of course|absolutely|okay|ok|here|the following|below)\b.*"
    rf"|(?:{'|'.join(_FIELDS)})\s*\d*\s*):\W*$",
    re.IGNORECASE,
)
# Wrappings come nested (1. "spam: ..."), but not deeper than this.
_MOST_NESTED = 20


@dataclass(frozen=True)
class _Wrapping:
    """Something that models write around a text."""

    pattern: re.Pattern[str]
    # What real rows must not look like for it to be taken off.
    habit: re.Pattern[str]
    text: str = ""  # what is left of it
    tag: Any = None


def _wrapping(pattern: str, *, habit: str = "", text: str = "", tag: Any = None) -> _Wrapping:
    compiled = re.compile(pattern, re.IGNORECASE)
    return _Wrapping(compiled, re.compile(habit) if habit else compiled, text, tag)


_WRAPPINGS = [
    _wrapping("^\ufeff+"),
    # Tokens that end an answer, where a server writes them out.
    _wrapping(
        r"(?:<\|(?:im_end|eot_id|eom_id|end|endoftext|end_of_text)\|>|<end_of_turn>|</s>|<eos>"
        r"|<｜end▁of▁sentence｜>)$"
    ),
    *(_wrapping(rf"^\(?\d{{1,3}}{mark}(?=\s)") for mark in (r"\.", r"\)", ":")),
    *(_wrapping(rf"^{re.escape(mark)}(?=\s)") for mark in "-*•"),
    *(_wrapping(rf"^{field}\s*(?:\d{{1,3}}\s*)?:") for field in _FIELDS),
    # Emphasis of Markdown, and no swear word with its vowels masked.
    _wrapping(r"(?<![\w*])\*\*(?=\S)([^*]+)(?<=\S)\*\*(?![\w*])", habit=r"\*\*", text=r"\1"),
    _wrapping(r"^\*(?=\S)([^*]+)(?<=\S)\*$", habit=r"^\*", text=r"\1"),
    *(
        _wrapping(rf"^<{field}>(.*)</{field}>$", habit=rf"^<{field}>", text=r"\1")
        for field in _FIELDS
    ),
    *(
        _wrapping(f"^{opening}([^{closing}]*){closing}$", habit=f"^{opening}", text=r"\1")
        for opening, closing in _QUOTES.items()
    ),
]


def up_to_last_sentence(text: str) -> str:
    """Return a text that was cut off without its last, incomplete sentence; "" if it has one only.

    A model that rambles on rarely spoils what it wrote first.
    """
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    return text[: ends[-1]].strip() if ends else ""


class AnswerParser:
    """Splits answers into rows and cleans them.

    Nothing is taken off that a real row of the class begins or ends with. `names` are those of
    the classes in prompts, to know them when they are written into a text.
    """

    def __init__(
        self,
        names: dict[Any, str],
        *,
        multiline: bool = False,
        n_rows: int = 1,
        real: Mapping[Any, Sequence[str]] | None = None,
    ) -> None:
        self.multiline = multiline
        self.n_rows = n_rows
        self._real = real or {}
        self._habits: dict[tuple[Any, re.Pattern[str]], bool] = {}
        # Longest first, so that "not spam" is not read as "spam".
        ordered = sorted(names.items(), key=lambda item: -len(item[1]))
        self._tags = [
            tag for label, name in ordered if name.strip() for tag in _tags(label, name.strip())
        ]

    def parse(self, answer: str, label: Any = None) -> list[ParsedRow]:
        """Return the rows of an answer, at most `n_rows`; one empty row if it holds none."""
        texts = self._split(answer, label)
        rows = [self._clean(text, label, at + 1 < len(texts)) for at, text in enumerate(texts)]
        rows = [row for row in rows if row.text or row.tag is not None]
        return rows[: self.n_rows] or [ParsedRow("")]

    def lines(self, answer: str, label: Any) -> list[tuple[str, ParsedRow]]:
        """Return the lines that may be rows, each as it is and cleaned; for rows of one line."""
        lines = [line for line in answer.splitlines(keepends=True) if line.strip()]
        for sign in (_FENCE, _ANNOUNCEMENT):
            lines = self._without(sign, lines, label)
        if self.n_rows > 1 and len(lines) > 1 and self._is_habit(_LIST_MARK, label):
            items = _items(lines, in_order=True)
            lines = items if len(items) == len(lines) else lines
        return [(line, self._clean(line, label, line[-1] in "\r\n")) for line in lines]

    def _split(self, answer: str, label: Any) -> list[str]:
        """Return the parts that may be rows; only the last can have been cut."""
        if self.n_rows == 1 and self.multiline:
            return [self._unfenced(answer, label)]
        lines = _LINE_END.split(answer)
        if not self.multiline:
            lines = self._without(_FENCE, lines, label)
        if self.n_rows > 1:
            if found := _json_strings(self._unfenced(answer, label)):
                return found
            # Where rows begin like items of a list, only its numbers in their order tell.
            items = _items(lines, in_order=self._is_habit(_LIST_MARK, label))
            if items or self.multiline:
                return items or [answer]
        return self._without(_ANNOUNCEMENT, lines, label)

    def _unfenced(self, answer: str, label: Any) -> str:
        """Return what stands between the fences of a whole answer."""
        lines = answer.strip().splitlines(keepends=True)
        ends = (lines[0].strip(), lines[-1].strip()) if len(lines) > 2 else ("", "")
        fenced = all(map(_FENCE.search, ends)) and not self._is_habit(_FENCE, label)
        return "".join(lines[1:-1]) if fenced else answer

    def _without(self, sign: re.Pattern[str], lines: list[str], label: Any) -> list[str]:
        """Leave out lines with a sign, unless nothing else is there."""
        kept = [line for line in lines if not sign.search(line.strip())]
        return lines if self._is_habit(sign, label) or not any(map(str.strip, kept)) else kept

    def _clean(self, text: str, label: Any, ended: bool) -> ParsedRow:
        tag = None
        text = text.strip()
        for _ in range(_MOST_NESTED):
            previous = text
            for wrapping in (*_WRAPPINGS, *self._tags):
                stripped = wrapping.pattern.sub(wrapping.text, text, count=1)
                if stripped == text or self._is_habit(wrapping.habit, label):
                    continue
                text = stripped.strip()
                if wrapping.tag is not None:
                    tag = wrapping.tag[0] if tag is None else tag
                    break
            if text == previous:
                break
        return ParsedRow(self._folded(text, label), tag, ended=ended)

    def _folded(self, text: str, label: Any) -> str:
        if self.multiline:
            return text
        if self._is_habit(_ODD_SPACE, label):
            return re.sub(r"\s*[\r\n]+\s*", " ", text)
        return one_line(text)

    def _is_habit(self, pattern: re.Pattern[str], label: Any) -> bool:
        """Whether real rows of the class look like that."""
        key = (label, pattern)
        if key not in self._habits:
            real = self._real.get(label, ())
            self._habits[key] = any(pattern.search(text.strip()) for text in real)
        return self._habits[key]


def _items(lines: Sequence[str], *, in_order: bool = False) -> list[str]:
    """Return the items of a list without their marks, [] if there is none."""
    items: list[list[str]] = []
    for line in lines:
        mark = _LIST_MARK.match(line)
        if mark and (not in_order or mark["number"] == str(len(items) + 1)):
            items.append([line[mark.end() :]])
        elif items:
            items[-1].append(line)
    return ["\n".join(item).strip() for item in items]


def _json_strings(answer: str) -> list[str]:
    """Return the strings of a JSON list of strings, [] for anything else."""
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return []
    return found if isinstance(found, list) and all(isinstance(s, str) for s in found) else []


def list_items(text: str) -> list[str]:
    """Return the items of a numbered or bulleted list, or the lines of a text that has none."""
    lines = [line for line in text.splitlines() if line.strip()]
    return _items(lines) or [line.strip() for line in lines]


def _tags(label: Any, name: str) -> list[_Wrapping]:
    """Return the forms of a label before a row ("spam:", "[spam]") or after ("(spam)", "#spam")."""
    word, field, tag = re.escape(name), r"(?:label|category|class)\s*[:=]\s*", (label,)
    # A number is more often a time (1:30), a place (#1) or a footnote than a label.
    number = not re.search(r"[^\W\d_]", name)
    follows = r"(?=\s|$)" if number else r"(?=\s|$|[^\W\d_]|[\"“'‘«])"
    trailing = field if number else f"(?:{field})?"
    tags = [
        _wrapping(rf"^[\[(<]\s*(?:{field})?{word}\s*[\])>]\s*:?", tag=tag),
        _wrapping(rf"^(?:{field})?{word}\s*:{follows}", tag=tag),
        _wrapping(rf"[\[(<]\s*{trailing}{word}\s*[.!]?\s*[\])>]\s*\.?$", tag=tag),
        _wrapping(rf"(?<!\w){field}{word}\s*\.?$", tag=tag),
    ]
    if not number:
        hashtag = rf"#{re.escape(name.replace(' ', ''))}\s*\.?$"
        tags.append(_wrapping(hashtag, habit=r"#\w+\s*\.?$", tag=tag))
    return tags
