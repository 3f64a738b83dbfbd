"""A row of a table as a line: written for a model, and read again."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sklw.over_sampling._table.columns import (
    MISSING,
    BadValueError,
    CategoryColumn,
    Column,
    TextColumn,
    escape,
    quoted,
)

__all__ = ["RowText"]

# Places of an answer at which a JSON object may begin but does not, or has other names.
_MOST_TRIED = 20


class RowText:
    """Rows as lines: ``39,Private,...``, ``age is 39, workclass is Private, ...`` or JSON.

    `records` are the real rows: where values begin with the name of their column, it is theirs.
    """

    def __init__(
        self, columns: list[Column], form: str, records: Sequence[Mapping[Any, Any]] = ()
    ) -> None:
        self.columns = columns
        self.form = form
        self._keeps_name = [_begins_with_name(column, records) for column in columns]
        by_length = sorted(columns, key=lambda column: -len(column.title))
        names = "|".join(re.escape(column.title) for column in by_length)
        self._names = re.compile(rf"(?:^|, )({names}) is ")

    @property
    def header(self) -> str:
        """The columns' names, where rows don't have them."""
        return _csv_line([column.title for column in self.columns]) if self.form == "csv" else ""

    def write(self, values: dict[Any, Any], order: Sequence[int] | None = None) -> str:
        """Write a row; sentences in any order."""
        columns = self.columns if order is None else [self.columns[at] for at in order]
        if self.form == "json":
            pairs = (
                f"{json.dumps(c.name, ensure_ascii=False)}: {c.as_json(values[c.name])}"
                for c in columns
            )
            return "{" + ", ".join(pairs) + "}"
        texts = [column.write(values[column.name]) for column in columns]
        if self.form == "csv":
            return _csv_line(texts)
        return ", ".join(
            f"{column.title} is {text}" for column, text in zip(columns, texts, strict=True)
        )

    def read(self, line: str) -> dict[str, str]:
        """Return the text of each column; raises BadValueError."""
        line = line.strip()
        if self.form == "json" or (line.startswith("{") and line.endswith("}")):
            return self._read_json(line)
        if self.form == "csv":
            parts = next(csv.reader([line], skipinitialspace=True), [])
            if len(parts) != len(self.columns):
                raise BadValueError("unparsable")
            parts = self._without_names(parts)
            return {column.name: text for column, text in zip(self.columns, parts, strict=True)}
        if not self._names.match(line):  # a sentence begins with a capital letter
            titles = [column.title for column in self.columns]
            title = next((t for t in titles if line[: len(t)].casefold() == t.casefold()), "")
            line = title + line[len(title) :]
        line += " " * line.endswith(" is")  # nothing follows an empty text
        found = list(self._names.finditer(line))
        if len(found) != len(self.columns):
            raise BadValueError("unparsable")
        ends = [match.start() for match in found[1:]] + [len(line)]
        texts = {match[1]: line[match.end() : end] for match, end in zip(found, ends, strict=True)}
        if len(texts) != len(found):
            raise BadValueError("unparsable")
        return {column.name: texts[column.title] for column in self.columns}

    def _without_names(self, parts: list[str]) -> list[str]:
        """Take off the names of columns where each value has its own: ``age: 39, ...``."""
        columns = zip(self.columns, parts, strict=True)
        values = [_after_name(column, part) for column, part in columns]
        found = [value for value in values if value is not None]
        if len(parts) == 1 or len(found) < len(parts):
            return parts
        named = zip(parts, found, self._keeps_name, strict=True)
        return [part if keeps else value for part, value, keeps in named]

    def is_header(self, texts: dict[str, str]) -> bool:
        """Whether the texts are the names of their columns."""
        return all(texts[c.name].strip().casefold() == c.title.casefold() for c in self.columns)

    def objects(self, answer: str) -> Iterator[str]:
        """Yield the JSON objects that have the columns, also those of a list or an object."""
        decoder, at, tried = json.JSONDecoder(strict=False), answer.find("{"), 0
        while at >= 0 and tried < _MOST_TRIED:
            end = at + 1
            try:
                values, closed = decoder.raw_decode(answer, at)
                found = all(column.name in values for column in self.columns)
            except (ValueError, RecursionError):
                found = False
            if found:
                end = closed
                yield answer[at:end]
            else:
                tried += 1
            at = answer.find("{", end)

    def _read_json(self, line: str) -> dict[str, str]:
        try:
            # Of a long decimal number, a float would keep the first digits.
            values = json.loads(line, strict=False, parse_float=str)
        except ValueError:
            raise BadValueError("unparsable") from None
        if not isinstance(values, dict) or not all(c.name in values for c in self.columns):
            raise BadValueError("unparsable")
        texts = [values[column.name] for column in self.columns if isinstance(column, TextColumn)]
        if any(isinstance(text, (dict, list)) for text in texts):
            raise BadValueError("bad_value")
        known = {name: str(value) for name, value in values.items() if value is not None}
        # Beside a text that is empty, a missing one has a mark of its own.
        return {c.name: known.get(c.name, MISSING if c.missing else "") for c in self.columns}

    def schema(self) -> dict[str, Any]:
        """Return a JSON schema of a row."""
        return {
            "type": "object",
            "properties": {column.name: column.schema() for column in self.columns},
            "required": [column.name for column in self.columns],
            "additionalProperties": False,
        }

    def pattern(self, fixed: dict[str, str] | None = None) -> str:
        """Return a regular expression of a line; `fixed` columns have one text."""
        parts = []
        for column in self.columns:
            text = (fixed or {}).get(column.name)
            separators = "," if self.form == "csv" else ""
            part = column.pattern(separators)
            if text is not None:
                part = f"({quoted(text, separators)})"
            if self.form == "sentences":
                part = f"{escape(column.title)} is {part}"
            parts.append(part)
        return (", " if self.form == "sentences" else ",").join(parts)


def _csv_line(texts: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(texts)
    return buffer.getvalue()


def _after_name(column: Column, text: str) -> str | None:
    """Return what follows the column's name, as in ``age: 39``; None if it does not come first."""
    form = rf"\s*{re.escape(column.title)}\s*(?:[:=]|is\s)(.*)"
    match = re.fullmatch(form, text, re.IGNORECASE | re.DOTALL)
    return match and match[1]


def _begins_with_name(column: Column, records: Sequence[Mapping[Any, Any]]) -> bool:
    texts: Sequence[Any] = column.texts if isinstance(column, CategoryColumn) else []
    if isinstance(column, TextColumn):
        texts = [record[column.name] for record in records]
    return any(isinstance(text, str) and _after_name(column, text) is not None for text in texts)
