"""What is accepted as a new text, and the reason for each that is not."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer

from sklw._compat.scikit_learn import HasMethods, Interval, StrOptions
from sklw._copies import folded
from sklw._validation import is_encodable
from sklw.over_sampling._prompting import Settings
from sklw.over_sampling._rows import ParsedRow
from sklw.over_sampling._strings import CONTROL, composed, one_line
from sklw.over_sampling._text.talk import META_SIGNS

__all__ = ["RowFilter", "TextFilter"]

# A text of another class may be like it in all but a word; not in all but a full stop.
_SAME = 0.95


class TextFilter(Settings):
    """Accept texts that resemble real texts of their class and are not copies.

    Signs of a bad text, such as a label written into it, are ignored if real texts of the class
    show them too. Recorded texts are not judged by such signs or by their length. They are rejected
    if they are empty, have a lone surrogate (half a character), are copies, contain the text they
    were made from word for word (if it has more than 20 characters), or are assigned to another
    class by the verifier.

    Parameters
    ----------
    near_duplicate_threshold : float or None, default=0.8
        A text counts as a copy if the cosine similarity of its character 4-grams with those of a
        real text of its class, or of a text of its class accepted before, is at least this. Exact
        copies of any text are rejected, whatever their case, white space and Unicode form; with
        None, only these are.
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

    def __init__(
        self,
        texts: Sequence[str],
        labels: Sequence[Any],
        accept: TextFilter,
        demonstration: Sequence[str] = (),
    ) -> None:
        self.threshold = accept.near_duplicate_threshold
        self._demonstration = list(demonstration)
        self._texts = [one_line(composed(text)) for text in texts]
        self._folded = [folded(text) for text in texts]
        self._of_class: dict[Any, list[int]] = {}
        for position, label in enumerate(labels):
            self._of_class.setdefault(label, []).append(position)
        self._real = {text: at for at, text in reversed(list(enumerate(self._folded)))}
        # Where its vector is among those known of its class, if copies are looked for there.
        self._accepted: dict[str, int | None] = {}
        self._taken_back: set[tuple[Any, str]] = set()
        self._vectorizer = HashingVectorizer(
            analyzer="char_wb", ngram_range=(4, 4), alternate_sign=False, binary=True
        )
        self._dense = np.zeros(self._vectorizer.n_features)
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
        text = one_line(composed(row.text))
        return self._reason_by_itself(row, text, label, cut) or self._reason_by_likeness(
            text, label, shown
        )

    def forget(self, text: str, label: Any) -> None:
        """Let a row that was taken back be written for another class, and others like it."""
        bare = folded(text)
        position = self._accepted.pop(bare, None)
        if position is not None:
            self._known[label].drop(position)
        self._taken_back.add((label, bare))

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
        if any(self._is_odd(sign, text, label) for sign in META_SIGNS):
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
        bare = folded(text)
        if bare in self._accepted or (label, bare) in self._taken_back:
            return "duplicate"
        real_at = self._real.get(bare)
        if real_at is not None:
            return "copied_prompt" if real_at in shown else "copied_real"
        # A row that swallowed a whole prompt row is a copy with trimmings.
        if any(len(self._texts[at]) > 20 and self._folded[at] in bare for at in shown):
            return "copied_prompt"
        others = [self._texts[at] for at in shown if at not in self._positions[label]]
        others += self._demonstration
        if others and _words(text) in map(_words, others):
            return "copied_prompt"  # of another class or none, and so with the wrong label
        if self.threshold is None:
            self._accepted[bare] = None
            return ""
        vector = self._vectorizer.transform([text])
        if (
            others
            and _products(self._vectorizer.transform(others), vector, self._dense).max() >= _SAME
        ):
            return "copied_prompt"
        known = self._known[label]
        similarity, position = known.most_similar(vector, self._dense)
        if similarity < self.threshold:
            self._accepted[bare] = known.add(vector)
            return ""
        real = self._of_class[label]
        if position >= len(real):
            return "duplicate"
        return "copied_prompt" if real[position] in shown else "copied_real"


class _Known:
    """Vectors of the rows known so far, indexed by 4-gram: a search reads only those in common."""

    def __init__(self, vectors: sparse.csr_matrix) -> None:
        self._index = vectors.T.tocsr()
        self._recent = [vectors[:0]]

    def add(self, vector: sparse.csr_matrix) -> int:
        """Return the position of the new row."""
        position = self._index.shape[1] + sum(rows.shape[0] for rows in self._recent)
        self._recent.append(vector)
        if len(self._recent) > 16:
            self._recent = [sparse.vstack(self._recent, format="csr")]
        # Indexing costs as much as all that is known: worth it after about a thousand rows.
        if self._recent[0].shape[0] > 1000:
            self._index = sparse.hstack([self._index, self._recent[0].T.tocsr()], format="csr")
            self._recent = [self._recent[0][:0]]
        return position

    def drop(self, position: int) -> None:
        """Leave a row nothing in common with others; these keep their positions."""
        at = position - self._index.shape[1]
        if at < 0:
            self._index.data[self._index.indices == position] = 0
        else:
            recent = sparse.vstack(self._recent, format="csr")
            recent.data[recent.indptr[at] : recent.indptr[at + 1]] = 0
            self._recent = [recent]

    def most_similar(self, vector: sparse.csr_matrix, dense: np.ndarray) -> tuple[float, int]:
        """Return the highest similarity, and the position of the first row that has it."""
        indexed, n_indexed = (vector @ self._index).tocoo(), self._index.shape[1]
        recent = np.concatenate([_products(rows, vector, dense) for rows in self._recent])
        best, position = 0.0, 0
        if indexed.nnz and (best := float(indexed.data.max())):
            position = int(indexed.col[indexed.data == best].min())
        if len(recent) and recent.max() > best:
            best, position = float(recent.max()), n_indexed + int(recent.argmax())
        return best, position


def _products(rows: sparse.csr_matrix, vector: sparse.csr_matrix, dense: np.ndarray) -> np.ndarray:
    """Multiply rows with a vector, spread over `dense`, which is zeros before and after.

    Transposing it instead would take as long as there are 4-grams in all.
    """
    dense[vector.indices] = vector.data
    products = rows @ dense
    dense[vector.indices] = 0
    return products


def _words(text: str) -> str:
    """Leave the words only, with all their signs; the whole text if it has none, as of emoji."""
    kinds = ((char, unicodedata.category(char)[0]) for char in folded(text))
    words = "".join(char if kind in "LMN" else " " for char, kind in kinds)
    return " ".join(words.split()) or text


def _has_no_words(text: str) -> bool:
    return not re.search(r"\w", text)


def _has_few_words(text: str) -> bool:
    words = text.casefold().split()
    return len(words) >= 8 and len(set(words)) / len(words) < 0.4


def _has_long_number(text: str) -> bool:
    # Two capitals before it make it an IBAN.
    return bool(_LONG_NUMBER.search(re.sub(r"(?<=\d) (?=\d)", "", text)))


_LONG_NUMBER = re.compile(r"(?<!\d)(?<!\b[A-Z]{2})\d{20,}")
# A model that was caught in a loop.
_LOOPS: list[Callable[[str], Any]] = [
    _has_few_words,
    re.compile(r"(.)\1{14,}").search,
    re.compile(r"(.{2,20}?)\1{5,}").search,
    _has_long_number,
]
