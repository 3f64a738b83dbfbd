"""What counts as a word, in scripts with spaces between words and in those without."""

import re
from collections.abc import Iterable

__all__ = ["UNSPACED", "WORD", "holds_prose"]

# Letters of scripts without spaces between words: Thai to Burmese, Khmer, kana, Chinese characters.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
# Accents and vowel signs are no letters to Python; of Indian scripts everything but the full stop.
_SIGNS = "\u0300-\u036f\u064b-\u065f\u0900-\u0963\u0966-\u0dff"
# A regular expression: one such letter, or any letter of a word, to be repeated.
WORD = rf"[{UNSPACED}]|(?:[^\W{UNSPACED}]|[{_SIGNS}])"
# As many words a text, on average, are more than the name of a category has.
_WORDS_OF_A_TEXT = 3
_RUN = re.compile(rf"[{UNSPACED}]{{1,2}}|[^\s{UNSPACED}]+")


def holds_prose(texts: Iterable[str]) -> bool:
    """Whether texts are of several words each; without spaces, a word has about two letters."""
    counts = [len(_RUN.findall(text)) for text in texts]
    return sum(counts) >= _WORDS_OF_A_TEXT * len(counts) > 0
