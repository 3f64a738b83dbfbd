"""Rows generated elsewhere, given out by label."""

import difflib
import json
import os
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.utils._param_validation import Interval

from sklw._validation import ENCODED_LABELS
from sklw.generators._base import BaseGenerator, Completion, Request

__all__ = ["RecordedGenerator"]

_READERS: dict[str, dict[str, Any]] = {
    ".csv": {},
    ".tsv": {"sep": "\t"},
    ".jsonl": {"lines": True},
}


class RecordedGenerator(BaseGenerator):
    """Rows that were generated elsewhere, as a generator.

    Request number `index` of a label is answered with the row of that number among the label's
    rows, so nothing is remembered between calls: the rounds of one fit never repeat a row, two
    fits get the same rows, and clones and pickles behave alike.

    Parameters
    ----------
    records : DataFrame, list of dict, str or path
        The rows, or a file of them: ``.csv``, ``.tsv`` or ``.jsonl`` (one JSON object a line),
        also compressed (``.gz``).
    text_column : str or None, default="text"
        Column of the generated text. None for rows of a table: every column is one of theirs,
        but for those of label and parent.
    label_column : str, default="label"
        Column of the class. A request's label finds the rows whose label equals it, or else
        those whose label reads the same: ``1`` finds ``"1"``.
    parent_column : str or None, default=None
        Column with the real text that a generated text was made from, if known.
    group_column : str or None, default=None
        Column of the group; a request for a group finds the rows of that label and group.
    shuffle : bool, default=False
        Whether to give the rows of each label out in an order drawn with `random_state`, not
        in that of the file.
    random_state : int, default=0
        Seed of that order.

    Examples
    --------
    >>> from sklw.generators import RecordedGenerator, Request
    >>> rows = [{"text": "win a prize", "label": "spam"}, {"text": "see you", "label": "ham"}]
    >>> generator = RecordedGenerator(rows)
    >>> [c.text for c in generator.generate([Request("", seed=0, label="ham")])]
    ['see you']
    >>> generator.generate([Request("", seed=0, label="ham", index=1)])[0].finish_reason
    'exhausted'
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "records": [pd.DataFrame, list, str, os.PathLike],
        "text_column": [str, None],
        "label_column": [str],
        "parent_column": [str, None],
        "group_column": [str, None],
        "shuffle": ["boolean"],
        "random_state": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        records: pd.DataFrame | Sequence[Mapping[str, Any]] | str | os.PathLike[str],
        *,
        text_column: str | None = "text",
        label_column: str = "label",
        parent_column: str | None = None,
        group_column: str | None = None,
        shuffle: bool = False,
        random_state: int = 0,
    ) -> None:
        self.records = records
        self.text_column = text_column
        self.label_column = label_column
        self.parent_column = parent_column
        self.group_column = group_column
        self.shuffle = shuffle
        self.random_state = random_state

    @property
    def prompt_form(self) -> str:
        """``"none"``: prompts are not read."""
        return "none"

    @property
    def model_name(self) -> str:
        """``"recorded"``, with the file's name if the rows come from a file."""
        if isinstance(self.records, str | os.PathLike):
            return f"recorded:{Path(self.records).name}"
        return "recorded"

    def cache_key(self) -> dict[str, Any]:
        """All that determines an answer beside the request."""
        frame = self._frame()
        return {
            "backend": "recorded",
            "rows": str(pd.util.hash_pandas_object(frame.astype(str), index=False).sum()),
            "shuffle": bool(self.shuffle),
            "random_state": int(self.random_state),
        }

    def iter_generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Yield ``(index of the request, completion)`` in order.

        Parameters
        ----------
        requests : sequence of Request
            Only their `label` and `index` are read.

        Yields
        ------
        index : int
            Number of the request.
        completion : Completion
            With `metadata` ``{"row": i}``, the number of the row in the records, and
            ``"parent"`` if there is a `parent_column`; ``"exhausted"`` and no text if the label
            has no row of that number.
        """
        self._validate_params()
        frame = self._frame()
        # A row without a text or a label is passed over, but counted.
        usable = frame[self._needed()].notna().all(axis=1).tolist()
        rows: dict[Hashable, list[int]] = {}
        for row, key in enumerate(self._keys(frame)):
            if usable[row]:
                rows.setdefault(key, []).append(row)
        if self.shuffle:
            order = pd.Series(range(len(frame))).sample(frac=1, random_state=self.random_state)
            rank = dict(zip(order, range(len(frame)), strict=True))
            for found in rows.values():
                found.sort(key=rank.__getitem__)
        texts = self._texts(frame)
        parents = None if self.parent_column is None else frame[self.parent_column].tolist()
        for number, request in enumerate(requests):
            key = request.label if self.group_column is None else (request.label, request.group)
            found = self._rows_of(rows, key)
            if request.index >= len(found):
                yield number, Completion("", finish_reason="exhausted")
                continue
            row = found[request.index]
            metadata: dict[str, Any] = {"row": row}
            if parents is not None and self.text_column is not None:
                metadata["parent"] = None if pd.isna(parents[row]) else parents[row]
            yield number, Completion(texts(row), finish_reason="recorded", metadata=metadata)

    def _keys(self, frame: pd.DataFrame) -> list[Hashable]:
        labels: list[Hashable] = frame[self.label_column].tolist()
        if self.group_column is None:
            return labels
        return list(zip(labels, frame[self.group_column].tolist(), strict=True))

    def _texts(self, frame: pd.DataFrame) -> Callable[[int], str]:
        if self.text_column is not None:
            texts = frame[self.text_column].tolist()
            return lambda row: str(texts[row])
        features = frame.drop(columns=[self.label_column, *filter(None, [self.parent_column])])
        names = [str(name) for name in features.columns]
        columns = [features.iloc[:, at].tolist() for at in range(len(names))]

        def as_json(row: int) -> str:
            values = (column[row] for column in columns)
            return json.dumps(
                {
                    name: None if pd.isna(value) else value
                    for name, value in zip(names, values, strict=True)
                },
                default=str,
            )

        return as_json

    def _rows_of(self, rows: Mapping[Hashable, list[int]], key: Hashable) -> list[int]:
        if key in rows:
            return rows[key]
        same = [found for known, found in rows.items() if _read_alike(known, key)]
        if same:
            return same[0]
        known = ", ".join(sorted(map(repr, rows))[:20])
        asked, *labels = [one[0] if isinstance(one, tuple) else one for one in [key, *rows]]
        of_numbers = any(isinstance(label, int) for label in labels)
        where = repr(self.label_column)
        if self.group_column is not None:
            where += f" and {self.group_column!r}"
        raise ValueError(
            f"The records hold no row of the label {key!r}. The labels in column "
            f"{where} are: {known}. Add rows of that label, leave it out of "
            "sampling_strategy, or set label_column to the right column."
            + (ENCODED_LABELS if type(asked) is int and not of_numbers else "")
        )

    def _needed(self) -> list[str]:
        return [self.label_column, *filter(None, [self.text_column, self.group_column])]

    def _frame(self) -> pd.DataFrame:
        """Read the records and check that they can be used."""
        if isinstance(self.records, pd.DataFrame):
            frame = self.records
        elif isinstance(self.records, str | os.PathLike):
            frame = _read(Path(self.records).expanduser())
        else:
            frame = pd.DataFrame.from_records([dict(record) for record in self.records])
        if frame.empty:
            raise ValueError(
                f"The records of {self.model_name!r} are empty. Pass at least one row with the "
                f"columns {' and '.join(map(repr, self._needed()))}."
            )
        columns = {
            "text_column": self.text_column,
            "label_column": self.label_column,
            "parent_column": self.parent_column,
            "group_column": self.group_column,
        }
        for parameter, column in columns.items():
            if column is not None and column not in frame.columns:
                names = [str(name) for name in frame.columns]
                close = difflib.get_close_matches(column, names, 1)
                hint = f" Did you mean {close[0]!r}?" if close else ""
                raise ValueError(
                    f"The records have no column {column!r}.{hint} Their columns are: "
                    f"{', '.join(map(repr, names))}. Set {parameter} to one of them."
                )
        if not frame[self._needed()].notna().all(axis=1).any():
            raise ValueError(
                "No row of the records has a value in each of the columns "
                f"{' and '.join(map(repr, self._needed()))}. Fill these columns in or name others."
            )
        return frame


def _read_alike(known: Hashable, asked: Hashable) -> bool:
    """Whether two keys are equal, or look it."""
    if isinstance(known, tuple) and isinstance(asked, tuple):
        return all(map(_read_alike, known, asked))
    return known == asked or str(known) == str(asked)


def _read(path: Path) -> pd.DataFrame:
    kind = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if kind.lower() not in _READERS:
        raise ValueError(
            f"The records in {str(path)!r} have an unknown format. Use a .csv, .tsv or .jsonl "
            "file (also with .gz), or read the file yourself and pass the DataFrame."
        )
    options = _READERS[kind.lower()]
    try:
        if kind.lower() == ".jsonl":
            return pd.read_json(path, dtype=False, **options)
        # Texts such as "None" or "nan" are texts; only an empty field is missing.
        return pd.read_csv(path, keep_default_na=False, na_values=[""], **options)
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
    except (OSError, ValueError) as error:
        raise ValueError(
            f"The records in {str(path)!r} could not be read: {error}. Check that the file "
            f"exists and is a readable {kind} file, or read it yourself and pass the DataFrame."
        ) from error
