"""What is accepted as a new text, and the reason for each that is not."""

import re
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, ClassVar

from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer

from sklw._compat.scikit_learn import HasMethods, Interval, StrOptions
from sklw._validation import is_encodable
from sklw.over_sampling._prompting import Settings
from sklw.over_sampling._rows import ParsedRow
from sklw.over_sampling._strings import CONTROL, one_line

__all__ = ["RowFilter", "TextFilter", "is_meta"]

# Ways in which models talk about the task.
_META = [
    re.compile(rf"^\W*(?:{pattern})", re.IGNORECASE)
    for pattern in (
        r"(?:sure|certainly|of course|absolutely|okay)\b[^.]{0,40}[!,.:]\s*(?:here|this|i\b)",
        r"here(?:'s| is| are| goes)\b.{0,60}\b(?:text|message|example|sentence|review|tweet|post"
        r"|row|one|version|response|attempt|list)s?\b",
        r"(?:the following|this) (?:is|are)\b.{0,40}\b(?:example|text|message|sentence|label)s?\b",
        r"as an? (?:ai|artificial|large language|language)\b",
        r"(?:i am|i'm) (?:sorry|unable|not able)\b.{0,60}\b(?:assist|help with|generate|create"
        r"|write|provide|fulfil|comply|confusion)",
        r"i (?:can't|cannot|can not|won't) (?:assist|help with|generate|create|write|provide"
        r"|fulfil)",
        r"(?:text|message|label|example|sentiment|category)\s*\d*\s*:",
        r"(?:note|explanation|instructions?)\s*:",
        r"\{\s*\"[^\"]+\"\s*:.*\}\W*$",
    )
]
# And what they add at its end.
_META += [
    re.compile(rf"\b(?:{pattern})[^.!?]{{0,80}}\W*$", re.IGNORECASE)
    for pattern in (
        r"let me know if you(?:'d| would)? (?:like|need|want|prefer)\b.{0,30}\b(?:another|more"
        r" (?:text|message|example)s?|different|variations?|versions?|examples?|adjust\w*)\b",
        r"i hope this (?:text|message|example|version|response) (?:helps|meets|works|fits|is)\b",
        r"feel free to (?:adjust|adapt|modify|customi[sz]e|tweak) (?:it|the|this) (?:to|as|text"
        r"|message|example|details|wording)\b",
        r"would you like (?:me to|another|more) (?:write|generate|create|text|message|example)",
    )
]
# A text of another class may be like it in all but a word; not in all but a full stop.
_SAME = 0.95


class TextFilter(Settings):
    """Accept texts that resemble real texts of their class and are no copies.

    Signs of a bad text, such as a label written into it, are ignored if real texts of the class
    show them too. Recorded texts are judged by neither signs nor length. They are rejected if they
    are empty, have half of a character, are copies, contain the text they were made from (of more
    than 20 characters) word for word, or are assigned to another class by the verifier.

    Parameters
    ----------
    near_duplicate_threshold : float or None, default=0.8
        A text counts as a copy if the cosine similarity of its character 4-grams with those of a
        real text of its class, or of a text accepted before, is at least this. None rejects
        exact copies only.
    length_tolerance : float, default=2.0
        A text may be this many times longer than the longest real text of its class, or shorter
        than the shortest.
    verifier : {"embedding", "model"}, classifier or None, default=None
        If given, only texts that it assigns to the class they were written for are accepted:
        logistic regression with balanced classes on frozen sentence embeddings, the generator
        itself (one request for each text, at temperature 0; an answer that names no class counts
        against the text), or a classifier with ``predict_proba``. Classifiers are cross-fitted
        on the real texts, so that none judges a text whose prompt it has seen.

    See Also
    --------
    TableFilter : The same for rows of a table.

    Examples
    --------
    >>> from sklw import LLMOverSampler
    >>> from sklw.over_sampling import TextFilter
    >>> LLMOverSampler(accept=TextFilter(verifier="embedding"))
    LLMOverSampler(accept=TextFilter(verifier='embedding'))
    """

    _parameter_constraints: ClassVar[dict] = {
        "near_duplicate_threshold": [Interval(Real, 0, 1, closed="right"), None],
        "length_tolerance": [Interval(Real, 1, None, closed="left")],
        "verifier": [
            StrOptions({"embedding", "model"}),
            HasMethods(["fit", "predict_proba"]),
            None,
        ],
    }

    def __init__(
        self,
        near_duplicate_threshold: float | None = 0.8,
        *,
        length_tolerance: float = 2.0,
        verifier: Any = None,
    ) -> None:
        self.near_duplicate_threshold = near_duplicate_threshold
        self.length_tolerance = length_tolerance
        self.verifier = verifier


class RowFilter:
    """Judges texts one after the other, remembering what it let through."""

    def __init__(self, texts: Sequence[str], labels: Sequence[Any], accept: TextFilter) -> None:
        self.threshold = accept.near_duplicate_threshold
        self._texts = [one_line(text) for text in texts]
        self._of_class: dict[Any, list[int]] = {}
        for position, label in enumerate(labels):
            self._of_class.setdefault(label, []).append(position)
        self._real = {text.casefold(): at for at, text in reversed(list(enumerate(self._texts)))}
        self._accepted: set[str] = set()
        self._vectorizer = HashingVectorizer(
            analyzer="char_wb", ngram_range=(4, 4), alternate_sign=False, binary=True
        )
        self._known: dict[Any, _Known] = {}
        self._bounds: dict[Any, tuple[float, float]] = {}
        self._positions = {label: set(rows) for label, rows in self._of_class.items()}
        self._usual: dict[tuple[Any, Any], bool] = {}
        self._tolerance = accept.length_tolerance

    def judge(self, row: ParsedRow, label: Any, shown: Sequence[int], cut: bool) -> str:
        """Return the reason to reject the row, or "" and remember it.

        `shown` are the positions of the real rows in its prompt.
        """
        if label not in self._bounds:
            self._learn_class(label)
        text = one_line(row.text)
        reason = self._reason_by_itself(row, text, label, cut) or self._reason_by_likeness(
            text, label, shown
        )
        if not reason:
            self._accepted.add(text.casefold())
        return reason

    def forget(self, text: str) -> None:
        """Let a row be written for another class that was taken back."""
        self._accepted.discard(one_line(text).casefold())

    def _learn_class(self, label: Any) -> None:
        rows = [self._texts[position] for position in self._of_class[label]]
        lengths = [len(row) for row in rows]
        self._bounds[label] = (
            min(lengths) / self._tolerance,
            max(lengths) * self._tolerance,
        )
        if self.threshold is not None:
            self._known[label] = _Known(self._vectorizer.transform(rows))

    def _reason_by_itself(self, row: ParsedRow, text: str, label: Any, cut: bool) -> str:
        shortest, longest = self._bounds[label]
        if cut:
            return "truncated"
        if not is_encodable(text):
            return "bad_characters"
        if row.recorded:
            return "" if text else "empty"
        if not text or self._is_odd(_has_no_words, text, label):
            return "empty"
        if self._is_odd(CONTROL.search, row.text, label):
            return "bad_characters"
        if row.tag is not None and row.tag != label:
            return "other_label"
        if any(self._is_odd(meta.search, text, label) for meta in _META):
            return "meta_text"
        if len(text) < shortest:
            return "too_short"
        if len(text) > longest:
            return "too_long"
        loops = any(self._is_odd(is_loop, text, label) for is_loop in _LOOPS)
        return "degenerate" if loops else ""

    def _is_odd(self, sign: Callable[[str], Any], text: str, label: Any) -> bool:
        """Whether a text shows a sign that no real row of the class shows."""
        if not sign(text):
            return False
        if (label, sign) not in self._usual:
            real = (self._texts[position] for position in self._of_class[label])
            self._usual[label, sign] = any(map(sign, real))
        return not self._usual[label, sign]

    def _reason_by_likeness(self, text: str, label: Any, shown: Sequence[int]) -> str:
        folded = text.casefold()
        if folded in self._accepted:
            return "duplicate"
        real_at = self._real.get(folded)
        if real_at is not None:
            return "copied_prompt" if real_at in shown else "copied_real"
        # A row that swallowed a whole prompt row is a copy with trimmings.
        if any(len(self._texts[at]) > 20 and self._texts[at].casefold() in folded for at in shown):
            return "copied_prompt"
        others = [self._texts[at] for at in shown if at not in self._positions[label]]
        if _bare(text) in map(_bare, others):
            return "copied_prompt"  # of another class, and so with the wrong label
        if self.threshold is None:
            return ""
        vector = self._vectorizer.transform([text])
        if others and (self._vectorizer.transform(others) @ vector.T).max() >= _SAME:
            return "copied_prompt"
        known = self._known[label]
        similarity, position = known.most_similar(vector)
        if similarity < self.threshold:
            known.add(vector)
            return ""
        real = self._of_class[label]
        if position >= len(real):
            return "duplicate"
        return "copied_prompt" if real[position] in shown else "copied_real"


class _Known:
    """Vectors of the rows known so far, indexed by 4-gram: a search reads only those in common."""

    def __init__(self, vectors: sparse.csr_matrix) -> None:
        self._index = vectors.T.tocsr()
        self._recent = vectors[:0]
        self._pending: list[sparse.csr_matrix] = []

    def add(self, vector: sparse.csr_matrix) -> None:
        self._pending.append(vector)
        if len(self._pending) < 64:
            return
        self._recent = sparse.vstack([self._recent, *self._pending], format="csr")
        self._pending = []
        # Indexing costs as much as all that is known: worth it after about a thousand rows.
        if self._recent.shape[0] > 1000:
            self._index = sparse.hstack([self._index, self._recent.T.tocsr()], format="csr")
            self._recent = self._recent[:0]

    def most_similar(self, vector: sparse.csr_matrix) -> tuple[float, int]:
        """Return the highest similarity, and the position of the first row that has it."""
        best, position, before = 0.0, 0, 0
        recent = sparse.vstack([self._recent, *self._pending], format="csr")
        for by_gram in (self._index, recent.T):
            found = (vector @ by_gram).tocoo()
            if found.nnz and (highest := float(found.data.max())) > best:
                best, position = highest, before + int(found.col[found.data == highest].min())
            before += by_gram.shape[1]
        return best, position


def is_meta(text: str) -> bool:
    """Whether a text talks about the task."""
    return any(meta.search(text) for meta in _META)


def _bare(text: str) -> str:
    """Leave the words only."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def _has_no_words(text: str) -> bool:
    return not re.search(r"\w", text)


def _has_few_words(text: str) -> bool:
    words = text.casefold().split()
    return len(words) >= 8 and len(set(words)) / len(words) < 0.4


def _has_long_number(text: str) -> bool:
    return bool(re.search(r"\d{20,}", text.replace(" ", "")))


# A model that was caught in a loop.
_LOOPS: list[Callable[[str], Any]] = [
    _has_few_words,
    re.compile(r"(.)\1{14,}").search,
    re.compile(r"(.{2,20}?)\1{5,}").search,
    _has_long_number,
]
