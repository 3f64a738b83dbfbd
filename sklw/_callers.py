"""Whose line a warning is about."""

import sys

__all__ = ["caller_level"]

# Packages whose code is not the user's.
_INNER = ("sklw", "sklearn", "imblearn", "joblib")


def caller_level() -> int:
    """Return the `stacklevel` at which a warning of this function's caller names the user's line.

    Python 3.12 has skip_file_prefixes for that.
    """
    frame, level = sys._getframe(1), 1
    # Code that exec runs may have no name.
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in _INNER:
        frame, level = frame.f_back, level + 1
    return level
