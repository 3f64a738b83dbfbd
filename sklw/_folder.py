"""Where this package keeps what it would otherwise have to make again."""

import os
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder() -> Path:
    """Return ``$SKLW_CACHE``, by default ``~/.cache/sklw``; it need not exist."""
    return Path(os.environ.get("SKLW_CACHE") or "~/.cache/sklw").expanduser()
