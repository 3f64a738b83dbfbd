"""The command line: `python -m sklw demo`, `compare` and `cache`."""

from sklw.cli._main import main

__all__ = ["main"]
