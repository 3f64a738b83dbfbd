"""What holds of strings wherever they stand."""

import re
import unicodedata

__all__ = ["CONTROL", "composed", "one_line"]

# What no text has, but for white space; and the mark of a character that was not understood.
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufffd\ufffe\uffff]")


def one_line(text: str) -> str:
    """Fold all white space to single spaces."""
    return " ".join(text.split())


def composed(text: str) -> str:
    """Write accents and the like as part of their letters; both forms look alike."""
    return unicodedata.normalize("NFC", text)
