"""The command line: `python -m sklw demo`, `advise`, `augment`, `compare` and `cache`."""

from sklw.cli._main import main

__all__ = ["main"]
