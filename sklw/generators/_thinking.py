"""Thinking that models write around an answer: taken out, whatever marks it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sklw.generators._base import Completion

__all__ = [
    "end_of_answer", "is_lasting", "reject_unopened", "thinking_marks", "without_thinking",
]  # fmt: skip

# How thinking begins and ends: in a tag of one of these names, whatever stands before or after
# the name (<seed:think>, <|thinking|>), in any case ...
_TAG = (
    r"(?i:</?\|?/?(?:[\w:]{0,40}[:_])?(?:think(?:ing)?|thoughts?|reasoning|reflect(?:ion)?"
    r"|scratch_?pad)(?:[:_]\w{0,60})?\s*\|?>)"
)
# ... or in marks of a family of models.
_PAIRS = (
    ("[THINK]", "[/THINK]"),  # Magistral
    ("[BEGIN_THOUGHT]", "[END_THOUGHT]"),
    ("<|channel>thought", "<channel|>"),  # Gemma 4
    ("<unused94>", "<unused95>"),  # MedGemma
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A
    ("<|begin_of_thought|>", "<|end_of_thought|>"),  # OpenThinker
    ("<|begin_of_thinking|>", "<|end_of_thinking|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),  # Apertus
    ("◁think▷", "◁/think▷"),  # Kimi
    ("Here is my thought process:", "Here is my response:"),  # Granite
)
_CLOSES = {opening.lower(): closing.lower() for opening, closing in _PAIRS}
_MARK = re.compile(
    "|".join(
        f"(?i:{re.escape(mark)})"
        if mark.startswith("<")
        else rf"(?m:^{re.escape(mark)})"  # words may stand within a text, too
        if mark[0].isalpha()
        else re.escape(mark)
        for pair in _PAIRS
        for mark in pair
    )
    + f"|{_TAG}"
)
# gpt-oss: messages in channels, and what is left of them where special tokens are skipped.
_CHANNEL = re.compile(r"<\|(?:channel|message)\|>")
_FINAL = re.compile(r"<\|channel\|>\s*final\b(?:[^<]|<\|constrain\|>)*<\|message\|>")
_MESSAGE_END = re.compile(r"<\|(?:end|return|start|call)\|>")
_PLAIN_START = re.compile(r"\A\s*(?:assistant)?(?:analysis|commentary)(?=[A-Z\"']|[^\S\n]*\n)")
_PLAIN_FINAL = re.compile(r"assistant(?:final|<\|channel\|>final)")
_PLAIN_END = re.compile(r"assistant(?:analysis|commentary|final)")
# Gemma 4 where special tokens are skipped.
_PLAIN_THOUGHT = re.compile(r"\Athought[^\S\n]*\n")
_WRAPPED = re.compile(
    r"\A\s*(?:<(?P<tag>answer|response|output)>(?P<text>.*?)(?:</(?P=tag)>.*)?"
    r"|<\|(?:START_RESPONSE|begin_of_solution)\|>(?P<other>.*?)(?:<\|(?:END|end)_.*)?)\Z",
    re.DOTALL | re.IGNORECASE,
)
# Where a chat template opens the thinking, a cut answer bears no mark at all.
_ABOUT_USER = re.compile(
    r"\A(?:[^\w\n]*+\w++){0,8}?[^\w\n]*+\bthe user (?:wants|asks|asked|is asking|needs|has asked"
    r"|provided|gave|requests|requested|would like)\b",
    re.IGNORECASE,
)
_MARKS_BESIDE = (_CHANNEL, _PLAIN_START, _PLAIN_FINAL, _PLAIN_THOUGHT, _ABOUT_USER)

Spans = list[tuple[int, int]]


def thinking_marks(texts: Iterable[str]) -> frozenset[str]:
    """Return the marks of thinking that real rows hold themselves: in them they are text."""
    found: set[str] = set()
    for text in texts:
        found.update(map(_folded, _MARK.findall(text)))
        found.update(form.pattern for form in _MARKS_BESIDE if form.search(text))
    return frozenset(found)


def end_of_answer(text: str, stop: Iterable[str]) -> int | None:
    """Return where the first stop string after the thinking stands, None if there is none."""
    spans, closed, _ = _answer_in(text, frozenset())
    answer = _joined(text, spans)
    places = [place for place in map(answer.find, stop) if place >= 0] if closed else []
    return _part(spans, min(places), len(answer))[0][0] if places else None


def _strip(text: str, own: frozenset[str]) -> tuple[str, bool, bool]:
    """Return answer, whether it is closed, and whether the thinking had begun before the text."""
    spans, closed, unopened = _answer_in(text, own)
    return _joined(text, spans), closed, unopened


def _answer_in(text: str, own: frozenset[str]) -> tuple[Spans, bool, bool]:
    """Return the same as :func:`_strip`, the answer by where its parts stand in the text."""
    if not {_CHANNEL.pattern, _PLAIN_FINAL.pattern} & own:
        channels = _final_channel(text, own)
        if channels is not None:
            return *channels, False
    kept: Spans = []
    place, inside, unopened = 0, "", False
    thought = _PLAIN_THOUGHT.match(text)
    if thought and _PLAIN_THOUGHT.pattern not in own:
        place, inside = thought.end(), "<channel|>"
    for match in _MARK.finditer(text):
        mark = _folded(match.group())
        if mark in own:
            continue
        if inside:
            if mark == inside:
                place, inside = match.end(), ""
        elif closing := _closing(mark):
            kept.append((place, match.start()))
            place, inside = match.end(), closing
        else:  # closed without having been opened: all before it was thinking
            unopened = unopened or bool(text[: match.start()].strip())
            kept, place = [], match.end()
    if inside:
        return _trimmed(text, kept), False, unopened
    if not place:
        return [(0, len(text))], True, False
    return _unwrapped(text, [*kept, (place, len(text))]), True, unopened


def _folded(mark: str) -> str:
    return re.sub(r"(?<=<)\|/", "/|", re.sub(r"\s+(?=\|?>)", "", mark.lower()))


def _closing(mark: str) -> str:
    """Return the mark that ends what a mark begins, "" if it begins nothing."""
    if mark in _CLOSES or mark in _CLOSES.values():
        return _CLOSES.get(mark, "")
    return "" if mark.startswith("</") else f"</{mark[1:]}"


def _final_channel(text: str, own: frozenset[str]) -> tuple[Spans, bool] | None:
    """Return the final channel; None where there are no channels."""
    for final, end in ((_FINAL, _MESSAGE_END), (_PLAIN_FINAL, _PLAIN_END)):
        if found := final.search(text):
            last = end.search(text, found.end())
            return _trimmed(text, [(found.end(), last.start() if last else len(text))]), True
    begun = _PLAIN_START.search(text) and _PLAIN_START.pattern not in own
    return ([], False) if begun or _CHANNEL.search(text) else None


def _joined(text: str, spans: Spans) -> str:
    return "".join(text[start:end] for start, end in spans)


def _part(spans: Spans, start: int, end: int) -> Spans:
    """Return where the characters from one number to another of a joined text stand."""
    found = []
    for first, last in spans:
        size = last - first
        if start < size and end > 0:
            found.append((first + max(start, 0), first + min(end, size)))
        start, end = start - size, end - size
    return found


def _trimmed(text: str, spans: Spans) -> Spans:
    joined = _joined(text, spans)
    return _part(spans, len(joined) - len(joined.lstrip()), len(joined.rstrip()))


def _unwrapped(text: str, spans: Spans) -> Spans:
    wrapped = _WRAPPED.match(_joined(text, spans))
    if wrapped is not None:
        spans = _part(spans, *wrapped.span("other" if wrapped["text"] is None else "text"))
    return _trimmed(text, spans)


def without_thinking(completion: Completion, own: frozenset[str] = frozenset()) -> Completion:
    """Return a model's answer without its thinking."""
    if completion.finish_reason in ("recorded", "exhausted", "error"):
        return completion
    if not isinstance(completion.text, str):
        return completion  # the parser judges it
    answer, closed, unopened = _strip(completion.text, own)
    if closed and _ABOUT_USER.pattern not in own and _ABOUT_USER.match(answer):
        closed = False
    if not closed:
        return replace(completion, text="", finish_reason="thinking")
    if answer == completion.text:
        return completion
    note = {"thinking": "unopened" if unopened else "marked"}
    return replace(completion, text=answer, metadata={**completion.metadata, **note})


def reject_unopened(answers: Sequence[Completion | None]) -> list[Completion | None]:
    """Reject cut answers without a mark where other answers begin in the middle of thinking."""
    notes = [None if answer is None else answer.metadata.get("thinking") for answer in answers]
    if "unopened" not in notes:
        return list(answers)
    return [
        replace(answer, text="", finish_reason="thinking")
        if answer is not None and answer.cut and note is None
        else answer
        for answer, note in zip(answers, notes, strict=True)
    ]


def is_lasting(completion: Completion) -> bool:
    """Say whether the cache keeps an answer.

    A refusal is kept if it would be repeated, a cut answer if text follows the thinking in it. No
    text at all may be a fault of the server, such as a wrong parser of thinking, that is mended
    before the next run.
    """
    if completion.finish_reason == "empty":
        return False
    if completion.finish_reason == "error":
        return bool(completion.metadata.get("lasting"))
    answer, closed, _ = _strip(completion.text, frozenset())
    return not completion.cut or (closed and bool(answer.strip()))
