"""Rows that were generated elsewhere, returned by label."""

import difflib
import hashlib
import json
import os
import unicodedata
import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import pandas as pd

from sklw._callers import caller_level
from sklw._compat.scikit_learn import Interval
from sklw._reading import TRUTH_VALUES
from sklw._validation import ENCODED_RECORDS
from sklw.exceptions import GenerationWarning
from sklw.generators._base import BaseGenerator, Completion, Request
from sklw.generators._records import framed, left_out, read_records

__all__ = ["RecordedGenerator"]


class RecordedGenerator(BaseGenerator):
    """Rows that were generated elsewhere, as a generator.

    Rows are taken as they are: nothing is cleaned, and texts may have any length. Empty texts,
    copies (of real rows, and of each other), texts that the verifier or their parent rules out and
    rows that do not fit the table's columns are rejected, with the reason in ``provenance_``.

    Of what sklw wrote itself, the accepted texts of a ``provenance_`` (or of a comparison) and the
    synthetic rows of an augmented file are used; a warning counts the others.

    Request number `index` of a label is answered with the row of that number among the label's
    rows, so there is no state between calls: the rounds of one fit never repeat a row, two fits
    get the same rows, and clones and pickles behave alike.

    Parameters
    ----------
    records : DataFrame, list of dict, str or path
        The rows, or a file of them: ``.csv``, ``.tsv`` or ``.jsonl`` (one JSON object a line),
        also compressed (``.gz``).
    text_column : str or None, default="text"
        Column of the generated text. None for rows of a table: all columns belong to the table,
        except those of label and parent.
    label_column : str, default="label"
        Column of the class. A request's label selects the rows whose label is equal, or else
        those whose label is written alike (``1`` and ``"1"``) or is the same number or truth value
        (``"1"`` and ``1.0``, ``True`` and ``"true"``; not ``"01"``).
    parent_column : str or None, default=None
        Column with the real text that a generated text was made from, if known.
    group_column : str or None, default=None
        Column of the group; a request for a group selects the rows of that label and group.
    shuffle : bool, default=False
        Whether to return the rows of each label in an order drawn with `random_state`, in place
        of that of the records.
    random_state : int, default=0
        Seed of that order.

    Warns
    -----
    GenerationWarning
        If rows are skipped: those without a text or a label, and of what sklw wrote itself those
        that it rejected and real ones.

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
        """Return everything that determines an answer besides the request."""
        frame = self._frame()
        texts, parents = self._texts(frame), self._parents(frame)
        out = left_out(frame, tables=self.text_column is None)
        rows = [
            (repr(key), texts(row), parents[row])
            for row, key in enumerate(self._keys(frame))
            if not out[row]
        ]
        return {
            "backend": "recorded",
            "rows": hashlib.sha256(json.dumps(rows, default=str).encode()).hexdigest(),
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
            Position of a request.
        completion : Completion
            With `metadata` ``{"row": i}``, the number of the row in the records,
            ``"parent"`` if there is a `parent_column` and ``"table"`` if there is no
            `text_column`; ``"exhausted"`` and no text if the label has no row of that number.
        """
        self._validate_params()
        frame = self._frame()
        # A row without a text or a label is passed over, but counted.
        usable = self._usable(frame)
        rows: dict[Hashable, list[int]] = {}
        for row, key in enumerate(self._keys(frame)):
            if usable[row]:
                rows.setdefault(key, []).append(row)
        if self.shuffle:
            order = pd.Series(range(len(frame))).sample(frac=1, random_state=self.random_state)
            rank = dict(zip(order, range(len(frame)), strict=True))
            for found in rows.values():
                found.sort(key=rank.__getitem__)
        texts, parents = self._texts(frame), self._parents(frame)
        for number, request in enumerate(requests):
            key = request.label if self.group_column is None else (request.label, request.group)
            found = self._rows_of(rows, key)
            if request.index >= len(found):
                yield number, Completion("", finish_reason="exhausted")
                continue
            row = found[request.index]
            metadata: dict[str, Any] = {"row": row}
            if self.text_column is None:
                metadata["table"] = True
            elif self.parent_column is not None:
                metadata["parent"] = parents[row]
            yield number, Completion(texts(row), finish_reason="recorded", metadata=metadata)

    def check_columns(self, names: Sequence[str]) -> None:
        """Raise ValueError if the records do not fit a table; LLMOverSampler calls this.

        Parameters
        ----------
        names : sequence of str
            The columns that rows must have.
        """
        self._validate_params()
        frame = self._frame()
        known = [str(name) for name in frame.columns]
        lacking = [name for name in names if name not in known]
        if self.text_column in names:
            raise ValueError(
                f"X is a table with a column {self.text_column!r}, and text_column="
                f"{self.text_column!r} makes the records texts, not rows of a table. Set "
                "RecordedGenerator(..., text_column=None)."
            )
        if self.text_column is None and lacking:
            raise ValueError(
                f"The records have no column {' and no column '.join(map(repr, lacking))}, "
                f"which X has.{_similar(lacking[0], known)} Their columns are: "
                f"{', '.join(map(repr, known))}. Rename or add columns, or drop those of X."
            )

    def _usable(self, frame: pd.DataFrame) -> list[bool]:
        """Say which rows are to be used and have all that is needed, and warn of the others."""
        out = left_out(frame, tables=self.text_column is None)
        for why in filter(None, dict.fromkeys(out)):
            self._warn_of(out.count(why), frame, f"they {why}.")
        needed = frame[self._needed()].notna()
        whole = needed.all(axis=1).tolist()
        lacking = [row for row, why in enumerate(out) if not why and not whole[row]]
        if lacking:
            first = lacking[0]
            column = next(name for name in needed.columns if not needed[name].iloc[first])
            self._warn_of(
                len(lacking),
                frame,
                f"a value is missing (the first: row {first}, counted from 0, has no {column!r}). "
                "Fill it in, or drop those rows.",
            )
        return [filled and not why for filled, why in zip(whole, out, strict=True)]

    def _warn_of(self, number: int, frame: pd.DataFrame, why: str) -> None:
        warnings.warn(
            f"{number} of {len(frame)} recorded rows are skipped, because {why}",
            GenerationWarning,
            stacklevel=caller_level(),
        )

    def _parents(self, frame: pd.DataFrame) -> list[str | None]:
        if self.parent_column is None:
            return [None] * len(frame)
        values = frame[self.parent_column].tolist()
        return [None if pd.isna(value) else str(value) for value in values]

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
                    name: None if pd.api.types.is_scalar(value) and pd.isna(value) else value
                    for name, value in zip(names, values, strict=True)
                },
                default=str,
            )

        return as_json

    def _rows_of(self, rows: Mapping[Hashable, list[int]], key: Hashable) -> list[int]:
        if key in rows:
            return rows[key]
        for alike in (_written_alike, _mean_alike):
            same = [known for known in rows if alike(known, key)]
            if len(same) > 1:
                raise ValueError(
                    f"The label {key!r} may stand for {' or '.join(map(repr, same))} of the "
                    f"records. Write the labels in column {self.label_column!r} as those of y."
                )
            if same:
                return rows[same[0]]
        known = ", ".join(sorted(map(repr, rows))[:20])
        asked, *labels = [one[0] if isinstance(one, tuple) else one for one in [key, *rows]]
        of_numbers = any(isinstance(label, int) for label in labels)
        where = repr(self.label_column)
        if self.group_column is not None:
            where += f" and {self.group_column!r}"
        near = next((known for known in rows if _nearly_alike(known, key)), None)
        add = (
            "Add" if near is None else f"If {near!r} is the same, write it as {key!r}. Or else add"
        )
        raise ValueError(
            f"The records hold no row of the label {key!r}. The labels in column {where} are: "
            f"{known}. {add} rows of that label, leave it out of sampling_strategy and augment (as "
            "dicts), or set label_column to the right column."
            + (ENCODED_RECORDS if type(asked) is int and not of_numbers else "")
        )

    def _needed(self) -> list[str]:
        return [self.label_column, *filter(None, [self.text_column, self.group_column])]

    def _frame(self) -> pd.DataFrame:
        """Read the records and check that they can be used."""
        if isinstance(self.records, pd.DataFrame):
            frame = self.records
        elif isinstance(self.records, str | os.PathLike):
            frame = read_records(Path(self.records).expanduser())
        else:
            frame = framed(self.records, "Record")
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
                or_none = ", or to None if they are rows of a table" * (parameter == "text_column")
                raise ValueError(
                    f"The records have no column {column!r}.{_similar(column, names)} Their "
                    f"columns are: {', '.join(map(repr, names))}. Set {parameter} to one of "
                    f"them{or_none}."
                )
        known = list(frame.columns)
        used = known if self.text_column is None else filter(None, columns.values())
        twice = next((column for column in used if known.count(column) > 1), None)
        if twice is not None:
            raise ValueError(
                f"The records have several columns {twice!r}, and one has to be chosen. Rename or "
                "drop the others."
            )
        _refuse_nested(frame[list(filter(None, columns.values()))])
        if not frame[self._needed()].notna().all(axis=1).any():
            raise ValueError(
                "No row of the records has a value in each of the columns "
                f"{' and '.join(map(repr, self._needed()))}. Fill these columns in or name others."
            )
        return frame


def _refuse_nested(frame: pd.DataFrame) -> None:
    """Refuse lists and the like where texts and labels belong."""
    for name in frame.columns:
        for row, value in enumerate(frame[name].tolist()):
            if not isinstance(value, Hashable):
                raise ValueError(
                    f"Row {row} of the records, counted from 0, has a {type(value).__name__} in "
                    f"column {name!r}: {str(value)[:60]}. Put a single value there."
                )


def _similar(name: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, names, 1)
    return f" Did you mean {close[0]!r}?" if close else ""


def _written_alike(known: Hashable, asked: Hashable) -> bool:
    """Whether two keys read the same, accents in whichever Unicode form."""
    if isinstance(known, tuple) and isinstance(asked, tuple):
        return all(map(_written_alike, known, asked))
    one, other = (unicodedata.normalize("NFC", str(key)) for key in (known, asked))
    return one == other


def _nearly_alike(known: Hashable, asked: Hashable) -> bool:
    """Whether two keys differ in case, white space around them or the form of a number only."""
    if isinstance(known, tuple) and isinstance(asked, tuple):
        return all(map(_nearly_alike, known, asked))
    one, other = (str(key).strip().casefold() for key in (known, asked))
    try:
        return one == other or float(one) == float(other)
    except ValueError:
        return False


def _mean_alike(known: Hashable, asked: Hashable) -> bool:
    """Whether two keys are the same number or truth value, one of them as a text."""
    if isinstance(known, tuple) and isinstance(asked, tuple):
        return all(map(_mean_alike, known, asked))
    folded = {str(known).casefold(), str(asked).casefold()}
    if folded & TRUTH_VALUES:
        return len(folded) == 1
    if isinstance(known, str) and isinstance(asked, str):
        return known == asked  # "01" is not "1"
    try:
        number, same = float(known), float(known) == float(asked)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return False
    # Nor is it the number 1: "01" and "1.10" may be classes beside "1" and "1.1".
    plain = {str(number), f"{number:.0f}"}
    return same and all(key in plain for key in (known, asked) if isinstance(key, str))
