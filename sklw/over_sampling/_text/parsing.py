"""From a model's answer to rows: takes off what models write around a text."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sklw.over_sampling._rows import ParsedRow
from sklw.over_sampling._strings import one_line
from sklw.over_sampling._text.splitting import (
    BEFORE,
    BEFORE_LINES,
    BETWEEN_LINES,
    END_TOKEN,
    FENCE,
    LIST_MARK,
    UNSEEN,
    after_fence,
    blocks,
    items,
    json_texts,
    without_escapes,
    without_remarks,
)
from sklw.over_sampling._text.talk import FIELDS, MADE, SEVERAL

__all__ = ["AnswerParser", "up_to_last_sentence"]

_SENTENCE_END = re.compile(r"[.!?…؟۔।][\"'”’)]*(?=\s|$)|[。！？][”’」』）]*")
# Full stops that end no sentence: after the number of a list's item, and of abbreviations.
_NO_END = re.compile(
    r"(?:^\s*\(?\d{1,3}|\b(?:[Mm]rs?|Ms|[Dd]r|Prof|St|Sgt|Capt|[Aa]pprox|ca|vs|e\.g|i\.e|z\. ?B|bzw"
    r"|Nr|Mme|Mlle|Sra?|Dra))$",
    re.MULTILINE,
)
_LINE_END = re.compile(r"\r\n|\r|\n")
# White space within a text that folding would change.
_ODD_SPACE = re.compile(r"[^\S ]|  ")
_UNSEEN = re.compile(UNSEEN)
_JSON_LIST = re.compile(r'^\[\s*["{]')
_QUOTES = {
    '"': '"', "“": "”", "„": "“”", "”": "”", "'": "'", "‘": "’", "‚": "‘", "«": "»", "»": "«",
    "‹": "›", "›": "‹", "`": "`", "「": "」", "『": "』",
}  # fmt: skip
# What leads in a class, in the languages that answers come in.
_LABEL = (
    r"(?:label|category|class|kategorie|cat[ée]gorie|categor[ií]a|etiqueta|категория|метка"
    r"|类别|類別|分类|分類|标签|標籤|カテゴリー?|ラベル|카테고리|라벨|الفئة|التصنيف|श्रेणी|लेबल)"
    r"\s*[:：=]\s*"
)
# Wrappings come nested (1. "spam: ..."), but not deeper than this.
_MOST_NESTED = 20


@dataclass(frozen=True)
class _Wrapping:
    """Something that models write around a text."""

    pattern: re.Pattern[str]
    # What real rows must not look like for it to be taken off.
    habit: re.Pattern[str]
    text: str | Callable[[re.Match[str]], str] = ""  # what is left of it
    tag: Any = None


def _wrapping(
    pattern: str,
    *,
    habit: str = "",
    text: str | Callable[[re.Match[str]], str] = "",
    tag: Any = None,
) -> _Wrapping:
    compiled = re.compile(pattern, re.IGNORECASE)
    return _Wrapping(compiled, re.compile(habit) if habit else compiled, text, tag)


_WRAPPINGS = [
    _wrapping(f"^{UNSEEN}+|(?<!{UNSEEN}){UNSEEN}+$", habit=UNSEEN),
    _wrapping("(?:</s>|<eos>)$"),
    # Of a list within a text, the first mark stays like the others.
    *(
        _wrapping(
            rf"^(?!\(?1[.)]\s.*\s\(?2[.)]\s){mark}(?=\s)(?![\s\S]*\n[^\S\n]*{mark}\s)",
            habit=rf"^{mark}(?=\s)",
        )
        for mark in (r"\(?\d{1,3}\.", r"\(?\d{1,3}\)", r"\(?\d{1,3}:", "-", r"\*", "•", ">")
    ),
    _wrapping(r"^\d{1,3}[、．](?!\d)(?![\s\S]*\n[^\S\n]*\d{1,3}[、．])", habit=r"^\d{1,3}[、．]"),
    *(_wrapping(rf"^(?:{MADE})?{field}\s*(?:\d{{1,3}}\s*)?[:：]") for field in FIELDS),
    _wrapping(r"^(?:in other words|rewritten|here (?:you go|it is))\s*:"),
    # Emphasis of Markdown, and no swear word with its vowels masked.
    _wrapping(r"(?<![\w*])\*\*(?=\S)([^*]+)(?<=\S)\*\*(?![\w*])", habit=r"\*\*", text=r"\1"),
    _wrapping(r"^\*(?=\S)([^*]+)(?<=\S)\*$", habit=r"^\*", text=r"\1"),
    _wrapping(r"^_(?=\S)([^_]+)(?<=\S)_$", habit=r"^_", text=r"\1"),
    _wrapping(r"^<([a-z_]+)>((?:(?!</?\1>)[\s\S])*)</\1>$", habit=r"^<[a-zA-Z_]+>", text=r"\2"),
    _wrapping(r'^"(?:[^"\\]|\\.)*+",?$', habit='^"', text=without_escapes),
    # An apostrophe is no closing quote. Never given back ("*+"), for it is read in two ways.
    *(
        _wrapping(
            rf"^{opening}((?:[^{closing}]|(?<=\w)['’](?=\w))*+)[{closing}],?$",
            habit=f"^{opening}",
            text=r"\1",
        )
        for opening, closing in _QUOTES.items()
    ),
]

# May stand for letters left out.
_APOSTROPHES = "'‘’"
_NO_ELISION = r"(?!(?:[dmnst]|tis|twas|cause|cuz|coz|em|til|bout|re|ve|ll)\b|\d\ds?\b)"
# Marks whose other half a model did not come to write, or wrote on another line.
_OPENED = [
    *(
        _wrapping(
            rf"^{opening}(?=\S){_NO_ELISION if opening in _APOSTROPHES else ''}"
            rf"(?![\s\S]*(?!(?<=\w)['’]\w)[{closing}])",
            habit=f"^{opening}",
        )
        for opening, closing in _QUOTES.items()
    ),
    _wrapping(r"^\*\*(?=\w)(?![\s\S]*\*\*)", habit=r"\*\*"),
]
# Where an answer was cut off, these are half of something, too.
_CUT_OPEN = [
    *_OPENED,
    _wrapping(r"^\*(?=\w)(?![\s\S]*\*)", habit=r"^\*"),
    _wrapping(r"^_(?=[^\W_])(?![\s\S]*_)", habit="^_"),
    _wrapping(r"^<([a-z_]+)>(?![\s\S]*</\1>)", habit="^<[a-zA-Z_]+>"),
]


def up_to_last_sentence(text: str) -> str:
    """Return a text that was cut off without its last, incomplete sentence; "" if it has one only.

    A model that rambles on rarely spoils what it wrote first.
    """
    ends = [
        match.end()
        for match in _SENTENCE_END.finditer(text)
        if not _NO_END.search(text, max(0, match.start() - 12), match.start())
    ]
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
        descriptions: Mapping[Any, str] | None = None,
    ) -> None:
        self.multiline = multiline
        self.n_rows = n_rows
        self._real = {
            of_class: {form for text in texts for form in (text.strip(), _bare(text))}
            for of_class, texts in (real or {}).items()
        }
        self._habits: dict[tuple[Any, re.Pattern[str]], bool] = {}
        # Longest first, so that "not spam" is not read as "spam".
        ordered = sorted(names.items(), key=lambda item: -len(item[1]))
        words = [
            (label, name.strip(), _as_shown(name.strip(), (descriptions or {}).get(label, "")))
            for label, name in ordered
            if name.strip()
        ]
        self._tags = [tag for label, name, word in words for tag in _tags(label, name, word)]
        # A line that is a number is more often a row or the mark of one.
        self._alone = [
            (label, re.compile(rf"^[^\w\n]*{word}[^\w\n]*$", re.IGNORECASE | re.MULTILINE))
            for label, name, word in words
            if re.search(r"[^\W\d_]", name)
        ]

    def parse(self, answer: str, label: Any = None) -> list[ParsedRow]:
        """Return the rows of an answer, at most `n_rows`; one empty row if it holds none."""
        if not self._is_habit(END_TOKEN, label):
            answer = next(filter(str.strip, END_TOKEN.split(answer)), "")
        tag, lines, several = self._without_head(_LINE_END.split(answer), label)
        texts = self._split(lines, label, several)
        # Of lines that are left out, one may close what the first opens.
        left_out = len(texts) > self.n_rows == 1 and not self.multiline
        opened = _OPENED if left_out else ()
        rows = [
            self._clean(text, label, at + 1 < len(texts), opened) for at, text in enumerate(texts)
        ]
        return _tagged([ParsedRow("", tag), *rows])[: self.n_rows]

    def whole(self, row: ParsedRow, label: Any) -> ParsedRow:
        """Return a row that was cut off up to its last sentence, without half of a wrapping."""
        text = up_to_last_sentence(row.text)
        cleaned = self._clean(text, label, row.ended, _CUT_OPEN)
        return replace(row, text=cleaned.text, tag=cleaned.tag if row.tag is None else row.tag)

    def lines(self, answer: str, label: Any) -> list[tuple[str, ParsedRow]]:
        """Return the lines that may be rows, each as it is and cleaned; for rows of one line."""
        lines = [line for line in answer.splitlines(keepends=True) if line.strip()]
        kept = [line for line in lines if not self._shows(BETWEEN_LINES, line.strip(), label)]
        lines = kept or lines
        if self.n_rows > 1 and len(lines) > 1 and self._is_habit(LIST_MARK, label):
            listed = items(lines, in_order=True)
            lines = listed if len(listed) == len(lines) else lines
        return [(line, self._clean(line, label, line[-1] in "\r\n")) for line in lines]

    def _without_head(self, lines: list[str], label: Any) -> tuple[Any, list[str], bool]:
        """Return the class named in lines before the first row, the lines without them, and more.

        A model may announce several rows where it was asked for one: whether several follow.
        """
        tag, signs = None, BEFORE if self.multiline else BEFORE_LINES
        several = self.n_rows > 1
        while True:
            lines = lines[next((at for at, line in enumerate(lines) if line.strip()), 0) :]
            if not any(map(str.strip, lines[1:])):
                return tag, lines, several
            line = lines[0].strip()
            named = self._named(line, label)
            # By these the rows are found.
            marked = FENCE.search(line) or (several and LIST_MARK.match(line))
            if marked or (named is None and not self._shows(signs, line, label)):
                return tag, lines, several
            several = several or (self.multiline and bool(SEVERAL.search(line)))
            tag = named[0] if named is not None and tag is None else tag
            lines = lines[1:]

    def _named(self, line: str, label: Any) -> tuple[Any] | None:
        """Return the class that a line names, if it says nothing else."""
        for of_class, alone in self._alone:
            if alone.search(line) and not self._is_habit(alone, label):
                return (of_class,)
        row = self._clean(line, label, True)
        return None if row.text or row.tag is None else (row.tag,)

    def _shows(self, signs: Iterable[re.Pattern[str]], line: str, label: Any) -> bool:
        """Whether a line has a sign that no real row of the class shows."""
        return any(sign.search(line) and not self._is_habit(sign, label) for sign in signs)

    def _split(self, lines: list[str], label: Any, several: bool) -> list[str]:
        """Return the parts that may be rows; only the last can have been cut."""

        def is_habit(sign: re.Pattern[str]) -> bool:
            return self._is_habit(sign, label)

        lines = after_fence(lines, is_habit)
        if not is_habit(_JSON_LIST) and (told := json_texts("\n".join(lines))):
            return [
                part
                for text, named in told
                for part in (f"[{named}]", text)
                if part is text or self._named(part, label)
            ]
        found = self._items(lines, label) if several else []
        if self.multiline:
            listed = [after_fence(item.split("\n"), is_habit) for item in found]
            parts = listed or (blocks(lines, is_habit) if several else [lines])
            return ["\n".join(without_remarks(part, is_habit)) for part in parts]
        if found:
            return found
        kept = [line for line in lines if not self._shows(BETWEEN_LINES, line.strip(), label)]
        return kept if any(map(str.strip, kept)) else lines

    def _items(self, lines: list[str], label: Any) -> list[str]:
        marks = [LIST_MARK.match(line) for line in lines]
        at = next((at for at, mark in enumerate(marks) if mark), len(lines))
        # A text of several lines may have a list in it: one of texts is seldom led in by more.
        led_in = sum(map(bool, map(str.strip, lines[:at])))
        numbered = any(mark and any(mark.groups()) for mark in marks[at : at + 1])
        if self.multiline and led_in > numbered:
            return []
        # Where rows begin like items of a list, only its numbers in their order tell.
        in_order = self.multiline or self._is_habit(LIST_MARK, label)
        return items(lines, in_order=in_order, one_line=not self.multiline)

    def _clean(
        self, text: str, label: Any, ended: bool, opened: Sequence[_Wrapping] = ()
    ) -> ParsedRow:
        tag = None
        text = text.strip()
        # Where real rows have such marks, they stay, and hide nothing that follows them.
        first = text[: -len(_bare(text))] if self._is_habit(_UNSEEN, label) else ""
        text = text.removeprefix(first)
        for _ in range(_MOST_NESTED):
            previous = text
            for wrapping in (*_WRAPPINGS, *self._tags, *opened):
                stripped = wrapping.pattern.sub(wrapping.text, text, count=1)
                if stripped == text or self._is_habit(wrapping.habit, label):
                    continue
                text = stripped.strip()
                if wrapping.tag is not None:
                    tag = wrapping.tag[0] if tag is None else tag
                    break
            if text == previous:
                break
        return ParsedRow(self._folded(first * bool(text) + text, label), tag, ended=ended)

    def _folded(self, text: str, label: Any) -> str:
        if self.multiline:
            return text
        if self._is_habit(_ODD_SPACE, label):
            return re.sub(r"(?<!\s)[^\S\r\n]*[\r\n]\s*", " ", text)
        return one_line(text)

    def _is_habit(self, pattern: re.Pattern[str], label: Any) -> bool:
        """Whether real rows of the class look like that."""
        key = (label, pattern)
        if key not in self._habits:
            self._habits[key] = any(map(pattern.search, self._real.get(label, ())))
        return self._habits[key]


def _tagged(rows: Sequence[ParsedRow]) -> list[ParsedRow]:
    """Give classes that are named on lines of their own to the rows they stand beside."""
    rows = [row for row in rows if row.text or row.tag is not None]
    # A class stands above its row, unless the answer begins with a row and ends with a class.
    below = bool(rows and rows[0].text and not rows[-1].text)
    found: list[ParsedRow] = []
    waiting = None
    for row in rows:
        if row.text:
            found.append(replace(row, tag=waiting if row.tag is None else row.tag))
            waiting = None
        elif not below:
            waiting = row.tag if waiting is None else waiting
        elif found[-1].tag is None:
            found[-1] = replace(found[-1], tag=row.tag)
    return found or [ParsedRow("", waiting)]


def _bare(text: str) -> str:
    """Return a text without white space around it and marks of no width before it."""
    return re.sub(rf"^(?:{UNSEEN}|\s)+", "", text).rstrip()


def _as_shown(name: str, description: str) -> str:
    """Return a pattern for a class as prompts show it, with its description or without."""
    described = rf"(?:\s*[(（]{_in_any_form(description.strip())}[)）])?"
    return _in_any_form(name) + described * bool(description.strip())


def _in_any_form(text: str) -> str:
    """Return a pattern for a text with accents as a part of letters or after them."""
    forms = dict.fromkeys(unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    return rf"(?:{'|'.join(map(re.escape, forms))})"


def _tags(label: Any, name: str, word: str) -> list[_Wrapping]:
    """Return the forms of a label before a row ("spam:", "[spam]") or after ("(spam)", "#spam")."""
    tag, opening, closing = (label,), r"[*_]{0,2}[\[(<【（［]\s*", r"[\])>】）］][*_]{0,2}"
    # A number is more often a time (1:30), a place (#1) or a footnote than a label.
    number = not re.search(r"[^\W\d_]", name)
    follows = r"(?=\s|$)" if number else r"(?=\s|$|[^\W\d_]|[\"“'‘«„»「『])"
    colon = rf"[:：]{follows}" if number else rf"(?::{follows}|：)"
    counted = "" if number else r"(?:#?\d{1,3}\s*)?"
    trailing = _LABEL if number else f"(?:{_LABEL})?"
    tags = [
        _wrapping(rf"^{opening}(?:{_LABEL})?{word}\s*{closing}\s*[:：]?", tag=tag),
        _wrapping(rf"^(?:{_LABEL})?{word}\s*{counted}{colon}", tag=tag),
        _wrapping(rf"{opening}{trailing}{word}\s*(?:[.!。！]\s*)?{closing}\s*[.。]?$", tag=tag),
        _wrapping(rf"(?:\s[-–—*•]\s+)?(?<!\w){_LABEL}{word}\s*[.。]?$", tag=tag),
    ]
    if not number:
        hashtag = rf"#{_in_any_form(name.replace(' ', ''))}\s*\.?$"
        tags.append(_wrapping(rf"\s[|→]\s*{word}$", habit=r"[|→]", tag=tag))
        tags.append(_wrapping(hashtag, habit=r"#\w+\s*\.?$", tag=tag))
    return tags
