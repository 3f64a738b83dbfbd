"""What counts as a word, in scripts with spaces between words and in those without."""

__all__ = ["UNSPACED", "WORD"]

# Letters of scripts without spaces between words: Thai to Burmese, Khmer, kana, Chinese characters.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
# Accents and vowel signs are no letters to Python; of Indian scripts everything but the full stop.
_SIGNS = "\u0300-\u036f\u064b-\u065f\u0900-\u0963\u0966-\u0dff"
# A regular expression: one such letter, or any letter of a word, to be repeated.
WORD = rf"[{UNSPACED}]|(?:[^\W{UNSPACED}]|[{_SIGNS}])"
