"""The file of answers, as users see it."""

import os
from numbers import Real
from pathlib import Path
from typing import Union

import numpy as np

from sklw._folder import cache_folder
from sklw.generators._cache.database import FILE_NAME
from sklw.generators._cache.store import write_held
from sklw.generators._cache.upkeep import (
    clear,
    count,
    export_answers,
    import_answers,
    write_answers,
)

__all__ = ["RequestCache"]


class RequestCache:
    """A file of answers, shared by any number of processes.

    Answers are found by everything that determines them: the generator's `cache_key` and the
    request's prompt, seed, stop strings and length. While one process generates, others that
    need the same answer wait for it; if it dies, one of them takes over. The cache stores
    prompts only as hashes, and answers in plain text.

    Parameters
    ----------
    path : str or path
        The file (SQLite), created on first use; for an existing folder, ``requests.sqlite`` in it.
    max_bytes : int or None, default=None
        After a run that leaves more than this, delete the oldest answers; None keeps all.

    Warns
    -----
    GenerationWarning
        If answers cannot be kept, or another program holds the file.

    Examples
    --------
    >>> import tempfile
    >>> from sklw.generators import RequestCache
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     len(RequestCache(folder))
    0
    """

    _told: set[str] | None = None  # what one fit has been warned of

    def __init__(self, path: str | os.PathLike[str], *, max_bytes: int | None = None) -> None:
        is_path = isinstance(path, str | os.PathLike)
        if not is_path or path == "":
            raise (ValueError if is_path else TypeError)(
                f"A request cache cannot be kept in {path!r}, which is not the path of a file. "
                "Pass one, as in cache='answers.sqlite', or cache=True for the default file."
            )
        number = isinstance(max_bytes, Real) and not isinstance(max_bytes, bool)
        if max_bytes is not None and not (number and max_bytes > 0):
            raise ValueError(
                f"max_bytes is {max_bytes!r}; it is a number of bytes above 0, or None."
            )
        path = Path(path).expanduser()
        self.path = path / FILE_NAME if path.is_dir() else path
        self.max_bytes = max_bytes

    def __repr__(self) -> str:
        return f"RequestCache({str(self.path)!r})"

    def __len__(self) -> int:
        """Return the number of answers kept."""
        return count(self.path)

    @classmethod
    def default(cls) -> "RequestCache":
        """Return the cache that ``cache=True`` stands for."""
        return cls(cache_folder() / FILE_NAME)

    def _of_one_fit(self) -> "RequestCache":
        """Return the same file for one fit, to warn once that it cannot be written."""
        once = RequestCache(self.path, max_bytes=self.max_bytes)
        once._told = set()
        return once

    def clear(self) -> int:
        """Delete all answers.

        Returns
        -------
        n_answers : int
            How many there were.

        Raises
        ------
        OSError
            If another process is writing to it, or it cannot be written.
        ValueError
            If the file is not a request cache.
        """
        return clear(self.path)

    def flush(self, spare: str | os.PathLike[str] | None = None) -> int:
        """Try again to write the answers that this process could not write so far.

        Parameters
        ----------
        spare : str or path, default=None
            A file for those that still cannot be written, as :meth:`export_jsonl` would write it.

        Returns
        -------
        n_answers : int
            How many still cannot be written.

        Raises
        ------
        OSError
            If `spare` cannot be written.
        """
        left = write_held(self.path)
        if left and spare is not None:
            write_answers(left.items(), Path(spare))
        return len(left)

    def export_jsonl(self, path: str | os.PathLike[str]) -> int:
        """Write all answers to a file, to share them with others who send the same requests.

        Parameters
        ----------
        path : str or path
            The file: one JSON object per line, with the request's hash as `key` and its `answer`.
            It is written completely or not at all, and only its owner may read it.

        Returns
        -------
        n_answers : int
            How many there are.

        Raises
        ------
        OSError
            If there is no cache, it stays locked or is damaged, or the file cannot be written.
        ValueError
            If the file is the cache itself, or would be overwritten by an empty cache.
        """
        return export_answers(self.path, Path(path))

    def import_jsonl(self, path: str | os.PathLike[str]) -> int:
        """Add the answers of an exported file; existing answers are kept.

        Parameters
        ----------
        path : str or path
            The file.

        Returns
        -------
        n_answers : int
            How many were new.

        Raises
        ------
        OSError
            If the cache cannot be written; nothing is added then.
        ValueError
            If a line is not what :meth:`export_jsonl` writes; nothing is added then.
        """
        return import_answers(self.path, Path(path))

    @classmethod
    def resolve(
        cls, cache: Union["RequestCache", str, os.PathLike[str], bool, None]
    ) -> "RequestCache | None":
        """Turn what users pass as ``cache=`` into a cache.

        Parameters
        ----------
        cache : RequestCache, path, bool or None
            True stands for ``$SKLW_CACHE/requests.sqlite``, by default in ``~/.cache/sklw``;
            None and False for no cache.

        Returns
        -------
        cache : RequestCache or None
            The cache.
        """
        if isinstance(cache, bool | np.bool_):
            return cls.default() if cache else None
        return cache if cache is None or isinstance(cache, RequestCache) else cls(cache)
