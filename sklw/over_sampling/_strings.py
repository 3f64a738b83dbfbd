"""What holds of strings wherever they stand."""

import re
from collections.abc import Iterable

__all__ = ["CONTROL", "check_encodable", "is_encodable", "one_line"]

# What no text has, but for white space; and the mark of a character that was not understood.
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufffd\ufffe\uffff]")


def one_line(text: str) -> str:
    """Fold all white space to single spaces."""
    return " ".join(text.split())


def is_encodable(text: str) -> bool:
    """Whether a text can be written anywhere: half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_encodable(texts: Iterable[str]) -> None:
    """Refuse what no model can be sent, before anything is."""
    for position, text in enumerate(texts):
        if not is_encodable(text):
            raise ValueError(
                f"Row {position} of X holds half of a character (a lone surrogate: {text[:60]!a}), "
                "which no model can be sent. Repair it: text.encode('utf-16', 'surrogatepass')"
                ".decode('utf-16', 'replace')."
            )
