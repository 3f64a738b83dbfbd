"""What models write before, between and after the texts of an answer."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from sklw.over_sampling._text.talk import ANNOUNCEMENT, COURTESY, FIELDS, NOUNS, PARTING, REMARK

__all__ = [
    "BEFORE", "BEFORE_LINES", "BETWEEN_LINES", "END_TOKEN", "FENCE", "LIST_MARK", "UNSEEN",
    "after_fence", "blocks", "items", "json_texts", "list_items", "without_escapes",
    "without_remarks",
]  # fmt: skip

# Marks of no width: of the order of bytes, where lines may break, which way words run.
UNSEEN = "[\ufeff\u200b\u2060\u200e\u200f\u061c]"
# Says whether real rows of the class show a sign: then it is text.
IsHabit = Callable[[re.Pattern[str]], bool]

FENCE = re.compile(r"^`{3,}[\w-]*$", re.MULTILINE)
_RULE = re.compile(r"^(?:(?:- ?){3,10}|(?:\* ?){3,10}|_{3,10})$", re.MULTILINE)
# A text of one line is not followed by others, in whatever language it is announced.
_COLON = re.compile(r"[:：][*_]*$", re.MULTILINE)
# Lines that are no part of a text, though more lines follow: before texts of several lines ...
BEFORE = (
    _RULE,
    COURTESY,
    ANNOUNCEMENT,
    re.compile(r"^#{1,6}\s+\S", re.MULTILINE),
    re.compile(r"^<\|(?:im_start|start_header_id)\|>.*$", re.MULTILINE),
)
# ... between texts of one line, and before these.
BETWEEN_LINES = (*BEFORE, FENCE, re.compile(r"^</?[a-z_]+>$", re.IGNORECASE | re.MULTILINE))
BEFORE_LINES = (*BETWEEN_LINES, _COLON)
# Tokens that end an answer, where a server writes them out.
END_TOKEN = re.compile(
    r"<\|(?:im_end|eot_id|eom_id|end|endoftext|end_of_text)\|>|<end_of_turn>"
    r"|<｜end▁of▁sentence｜>"
)
_JSON = json.JSONDecoder(strict=False)
# A list, or an object that holds one; its end, what follows it, or an element that was cut off.
_JSON_BEGIN = re.compile(r'\s*(?:\{\s*"\w+"\s*:\s*)?\[\s*(?=["{])')
_JSON_COMMA = re.compile(r"\s*,?\s*")
_JSON_REST = re.compile(r'(?:\]\s*\}?\s*(?:$|\n)|"(?:[^"\\]|\\.)*+\\?$|\{|$)', re.DOTALL)
_CLASS_KEYS = ("label", "category", "class")
LIST_MARK = re.compile(
    rf"^(?:\s|{UNSEEN})*"
    r"(?:\(?(?P<number>\d{1,3})(?:[.):](?=\s|$)|[、．]|\.(?=[^\W\d_]))"
    rf"|\*\*(?:(?:{NOUNS})\s*)?\#?(?P<bold>\d{{1,3}})[.):]?\*\*:?"
    rf"|\#{{1,6}}\s+(?:(?:{NOUNS})\s*)?\#?(?P<heading>\d{{1,3}})(?:[.):](?=\s|$)|\s*$)"
    rf"|(?:{NOUNS})\s+\#?(?P<named>\d{{1,3}})\s*:"
    r"|[-–+*•](?=\s))\s*",
    re.IGNORECASE,
)


def after_fence(lines: Sequence[str], is_habit: IsHabit) -> list[str]:
    """Return what stands between the fences of an answer that begins with one."""
    if is_habit(FENCE):
        return list(lines)
    fences = [at for at, line in enumerate(lines) if FENCE.search(line.strip())]
    begins = len(fences) in (1, 2) and not "".join(lines[: fences[0]]).strip()
    # The second is missing where an answer was cut off.
    inside = list(lines[fences[0] + 1 : [*fences, None][1]]) if begins else []
    return inside if begins and (fences[1:] or "".join(inside).strip()) else list(lines)


def without_remarks(lines: Sequence[str], is_habit: IsHabit) -> list[str]:
    """Return the lines of one text, without rules around it and comments at its end."""
    kept, ruled = list(lines), not is_habit(_RULE)
    while True:
        kept = _bounded(kept, ruled)
        at = next((at for at in range(len(kept) - 1, 0, -1) if not kept[at - 1].strip()), 0)
        before = next((line.strip() for line in reversed(kept[:at]) if line.strip()), "")
        signs = (REMARK, PARTING) if ruled and _RULE.search(before) else (REMARK,)
        if not at or not any(sign.search(kept[at]) and not is_habit(sign) for sign in signs):
            return kept
        kept = kept[:at]


def _bounded(lines: list[str], ruled: bool) -> list[str]:
    """Leave out empty lines and rules at the beginning and the end."""
    says = [bool(line.strip()) and not (ruled and _RULE.search(line.strip())) for line in lines]
    if not any(says):
        return lines
    return lines[says.index(True) : len(says) - says[::-1].index(True)]


def blocks(lines: Sequence[str], is_habit: IsHabit) -> list[list[str]]:
    """Return the parts between rules, those without words left out."""
    found: list[list[str]] = [[]]
    ruled = not is_habit(_RULE)
    last = max((at for at, line in enumerate(lines) if line.strip()), default=0)
    for at, line in enumerate(lines):
        # Right below a line and above others, it underlines a title.
        apart = not (at and lines[at - 1].strip()) or at == last
        if ruled and apart and _RULE.search(line.strip()):
            found.append([])
        else:
            found[-1].append(line)
    return [block for block in found if "".join(block).strip()] or [list(lines)]


def items(lines: Sequence[str], *, in_order: bool = False, one_line: bool = False) -> list[str]:
    """Return the items of a list without their marks, [] if there is none.

    Lists within an item are part of it. With `in_order`, numbers that do not go on are, too. With
    `one_line`, a paragraph of its own is no part of the item before, nor is what follows it.
    """
    found: list[list[str]] = []
    first: re.Match[str] | None = None
    after_blank = outside = False
    for line in lines:
        mark = LIST_MARK.match(line)
        if mark and (first is None or _goes_on(first, mark, len(found), in_order)):
            first, outside = first or mark, False
            found.append([line[mark.end() :]])
        elif found:
            apart = after_blank and line[:1].strip() and "".join(found[-1]).strip()
            outside |= one_line and bool(apart)
            if not outside:
                found[-1].append(line)
        after_blank = not line.strip()
    return ["\n".join(item).strip() for item in found]


def _goes_on(first: re.Match[str], mark: re.Match[str], n_before: int, in_order: bool) -> bool:
    """Say whether a mark is one more of the list that another one began."""
    if _indent(mark) > _indent(first) + 1:
        return False
    start, number = (
        next((int(n) for n in each.groups() if n is not None), None) for each in (first, mark)
    )
    if start is not None and number is not None and number == start + n_before:
        return True
    kinds = [re.sub(r"\d+", "", each.group()).strip().casefold() for each in (first, mark)]
    return kinds[0] == kinds[1] and (start is None or not in_order)


def _indent(mark: re.Match[str]) -> int:
    return len(mark.group()) - len(mark.group().lstrip())


def json_texts(answer: str) -> list[tuple[str, str]]:
    """Return texts and classes, if named, of a JSON list of strings or objects; else [].

    Models write a comma after the last text, and answers are cut off.
    """
    begin = _JSON_BEGIN.match(answer)
    if not begin:
        return []
    found, at = [], begin.end()
    while True:
        try:
            value, at = _JSON.raw_decode(answer, at)
        except (ValueError, RecursionError):
            break
        found.append(_text_of(value))
        at = _JSON_COMMA.match(answer, at).end()  # type: ignore[union-attr]
    rest = answer[at:]
    if not all(text for text, _ in found) or not _JSON_REST.match(rest):
        return []
    if rest[:1] == '"':  # cut off
        found.append((_unescaped(rest[1:]), ""))
    elif found and rest[:1] == "{":
        found.append(("", ""))  # nothing tells its text
    return found


def _text_of(value: Any) -> tuple[str, str]:
    """Return the text of an element and the class that it names, "" for each that it lacks."""
    if isinstance(value, str):
        return value, ""
    pairs = value.items() if isinstance(value, dict) else ()
    strings = {key.casefold(): each for key, each in pairs if isinstance(each, str)}
    named = next((strings.pop(key) for key in _CLASS_KEYS if key in strings), "")
    fields = [each for key, each in strings.items() if len(strings) == 1 or key in FIELDS]
    return (fields[0] if len(fields) == 1 else ""), named


def without_escapes(quoted: re.Match[str]) -> str:
    """Return what a JSON string with quotation marks in it says; any other as it is."""
    text = quoted.group()
    if '\\"' not in text:
        return text
    return _unescaped(text.rstrip(",")[1:-1])


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:
        return text


def list_items(text: str) -> list[str]:
    """Return the items of a list in any form, or the lines of a text that has none."""
    lines = text.strip().splitlines()
    found = [item for item, _ in json_texts(text)] or items(lines, one_line=True)
    return found or [line.strip() for line in lines if line.strip()]
