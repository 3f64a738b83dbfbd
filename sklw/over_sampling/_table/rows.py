"""Rows of a table: read from a model's answers, and checked against the columns."""

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from sklearn.preprocessing import StandardScaler

from sklw._mixed import vectors_of
from sklw._validation import is_encodable
from sklw.generators import BaseGenerator, Completion, RecordedGenerator
from sklw.over_sampling._cells import Cell
from sklw.over_sampling._containers import append_table, as_table, rehearsed
from sklw.over_sampling._problem import Problem
from sklw.over_sampling._prompting import Source, make_writer
from sklw.over_sampling._rows import ParsedRow, RowFormat, Verdict
from sklw.over_sampling._strings import CONTROL
from sklw.over_sampling._table.acceptance import TableFilter
from sklw.over_sampling._table.columns import (
    BadValueError,
    Column,
    DateColumn,
    NumberColumn,
    TextColumn,
    escape,
)
from sklw.over_sampling._table.learning import learn_columns, warn_of_narrow_ranges
from sklw.over_sampling._table.prompts import TableRows
from sklw.over_sampling._table.recorded import recorded_values, refuse_numbers_for_texts
from sklw.over_sampling._table.row_text import RowText
from sklw.over_sampling._text.parsing import AnswerParser
from sklw.over_sampling._text.talk import is_meta

__all__ = ["TableFormat"]

# Where more of the real rows than this repeat another, repeats are no sign of copying.
_NATURAL_REPEATS = 0.05
# As many real rows show before anything is sent whether rows can be appended.
_REHEARSED = 5


class TableFormat(RowFormat):
    """Rows of a table."""

    only_whole = True

    def __init__(
        self, problem: Problem, prompt: TableRows, accept: TableFilter, form: str, task: str
    ) -> None:
        frame = problem.rows
        self.columns, self.constants = learn_columns(
            frame,
            range_margin=float(accept.range_margin),
            codes=prompt.category_codes,
            group_column=problem.group_column,
        )
        self._exact_columns = [column.exact() for column in self.columns]
        names = [column.name for column in self.columns]
        self._records: list[dict[Any, Any]] = frame[names].to_dict("records")
        self.row_text = RowText(self.columns, prompt.row_format, self._records)
        texts = np.array([self.row_text.write(record) for record in self._records], object)
        writer = make_writer(prompt, form, task, noun="row", header=self.row_text.header)
        super().__init__(prompt, Source(prompt, texts, problem.cells, writer, self._vectors))
        self._frame = frame
        self._group_column = (
            None if problem.group_column in self.constants else problem.group_column
        )
        self._reject_copies = accept.reject_copies
        self._range_margin = float(accept.range_margin)
        self._places: dict[bool, dict[Any, int] | None] = {}
        self._accepted: set[Any] = set()
        self._has_controls = any(map(_has_controls, self._records))
        self._holds_texts = any(isinstance(column, TextColumn) for column in self.columns)
        self._parser = self._make_parser(problem)

    def _make_parser(self, problem: Problem) -> AnswerParser:
        names = {label: told.name for label, told in problem.descriptions.items()}
        names |= {cell.key: cell.description.name for cell in problem.cells}
        real = {cell.key: self.texts[cell.positions].tolist() for cell in problem.cells}
        return AnswerParser(names, n_rows=self.writer.n_rows, real=real)

    def _real(self, recorded: bool) -> dict[Any, int] | None:
        """Return where each real row is, or None if repeats are to be kept."""
        if recorded not in self._places:
            # Models see rounded numbers, recorded rows have them in full.
            rows: list[Any] = self._exact(self._records) if recorded else self.texts.tolist()
            kept = not self._reject_copies or 1 - len(set(rows)) / len(rows) > _NATURAL_REPEATS
            places = {row: at for at, row in reversed(list(enumerate(rows)))}
            self._places[recorded] = None if kept else places
        return self._places[recorded]

    def _exact(self, records: Sequence[dict[Any, Any]]) -> list[tuple[Any, ...]]:
        """Return the values of rows, as precise as the columns can hold them."""
        found = []
        for column in self.columns:
            dtype = self._frame[column.name].dtype
            dtype = getattr(dtype, "numpy_dtype", dtype)  # nullable dtypes name the plain one
            narrow = isinstance(dtype, np.dtype) and dtype.kind == "f"
            values = [record[column.name] for record in records]
            values = [None if pd.isna(value) else value for value in values]
            found.append([v if v is None or not narrow else dtype.type(v) for v in values])
        return list(zip(*found, strict=True))

    def _vectors(self, positions: np.ndarray) -> np.ndarray:
        """Scale numbers and dates, and give each category a place; texts count if alone."""
        told = [column.name for column in self.columns if not isinstance(column, TextColumn)]
        if not told:
            from sklw.feature_extraction import TextEmbedder

            return np.asarray(TextEmbedder().fit_transform(self.texts[positions].tolist()))
        part = self._frame.iloc[positions]
        vectors = np.hstack([vectors_of(part[name]) for name in told])
        if not vectors.shape[1]:  # all are missing
            return np.zeros((len(part), 1))
        return np.nan_to_num(StandardScaler().fit_transform(vectors))

    def most_tokens(self, text: str) -> int:
        """Return one for each byte: digits are tokens of their own."""
        return len(text.encode())

    def check(self, generator: BaseGenerator) -> None:
        """Refuse rows that could not be read, and recorded ones that lack a column."""
        if isinstance(generator, RecordedGenerator):
            if generator.parent_column is not None:
                raise ValueError(
                    f"parent_column={generator.parent_column!r} names the real text that a text "
                    "was made from, and these are rows of a table, whose parents cannot be found. "
                    "Leave out the rows that were made from test rows yourself, and set "
                    "parent_column=None."
                )
            generator.check_columns([column.name for column in self.columns])
            refuse_numbers_for_texts(generator.records, self.columns)
        elif all(self._read([text]).fault for text in self.texts):
            raise ValueError(
                f'No row of X can be read again as row_format="{self.row_text.form}" writes it, '
                f"such as {self.texts[0]!r}, so no answer like it would be accepted. Nothing has "
                'been sent. Set prompt=TableRows(row_format="json"), or rename columns and replace '
                "texts that have a part of a row in them."
            )
        else:
            ordered = [c.name for c in self.columns if isinstance(c, (NumberColumn, DateColumn))]
            values = [vectors_of(self._frame[name])[:, 0] for name in ordered]
            warn_of_narrow_ranges(values, self._range_margin)

    def pattern(self, cell: Cell) -> str | None:
        """Return a regular expression of a row of the cell, with what ends it."""
        if not self.writer.stop or self.row_text.form == "json":
            return None
        fixed = None
        if self._group_column is not None:
            column = next(c for c in self.columns if c.name == self._group_column)
            fixed = {column.name: column.write(cell.group)}
        return f" {self.row_text.pattern(fixed)}{escape(self.writer.stop[0])}"

    def schema(self) -> dict[str, Any] | None:
        """Return a JSON schema of an answer."""
        one = self.writer.n_rows == 1
        return self.row_text.schema() if self.row_text.form == "json" and one else None

    def training_pairs(
        self, rng: np.random.Generator, permute_columns: bool
    ) -> list[tuple[str, str]]:
        """Return each row after its class, sentences with their columns permuted if wanted."""
        permute = permute_columns and self.row_text.form == "sentences"
        pairs = []
        for at, record in enumerate(self._records):
            order = rng.permutation(len(self.columns)).tolist() if permute else None
            text = self.row_text.write(record, order)
            pairs.append(self.writer.training_pair(text, self.source.example(at).label))
        return pairs

    def parse(self, answer: str, cell: Cell | None = None) -> list[ParsedRow]:
        """Read the rows of an answer."""
        if not answer.strip():
            return [ParsedRow("")]
        if self.row_text.form == "json":
            objects = self.row_text.objects(answer)
            found = [replace(self._read([text]), ended=True) for text in objects]
            found = found or [self._read([answer])]
        else:
            lines = self._parser.lines(answer, None if cell is None else cell.key)
            found = [self._read_line(line, cleaned) for line, cleaned in lines]
        # Models write a word before the row, fences around it, the header above it.
        rows = [row for row in found if not row.fault]
        rows = rows or [row for row in found if row.fault != "unparsable"] or found
        return rows[: self.writer.n_rows]

    def take(self, recorded: Completion, cell: Cell) -> ParsedRow:
        """Take the values of a recorded row, or read it where it is a line of text."""
        if not recorded.metadata.get("table"):
            return self.parse(recorded.text, cell)[0]
        try:
            values = recorded_values(json.loads(recorded.text), self._exact_columns, self.constants)
            return ParsedRow(self.row_text.write(values), fields=values, recorded=True)
        except BadValueError as error:
            return ParsedRow(recorded.text, fault=str(error), recorded=True)

    def _read_line(self, line: str, cleaned: ParsedRow) -> ParsedRow:
        """Read a line without what is written around it, or else as it is."""
        text = cleaned.text
        row = replace(self._read([text, text.removesuffix(".")]), tag=cleaned.tag)
        whole = self._read([line.strip()]) if row.fault else row
        return replace(row if whole.fault else whole, ended=_has_ended(line))

    def _read(self, texts: Sequence[str]) -> ParsedRow:
        """Read the first of the texts that is a row."""
        faults = []
        for text in dict.fromkeys(texts):
            try:
                values = self._values(text)
                return ParsedRow(self.row_text.write(values), fields=values)
            except BadValueError as error:
                faults.append(str(error))
            except (ValueError, TypeError, OverflowError, csv.Error, RecursionError):
                faults.append("unparsable")
        return ParsedRow(texts[0].strip()[:1000], fault=faults[0])

    def _values(self, text: str) -> dict[str, Any]:
        texts = self.row_text.read(text)
        # Columns of texts hold anything: the header, or a remark with as many commas.
        if self.row_text.is_header(texts) and text not in self.texts:
            raise BadValueError("unparsable")
        if self._holds_texts and text[:1] != "{" and is_meta(text) and not self._is_meta_usual:
            raise BadValueError("meta_text")
        return {column.name: column.read(texts[column.name]) for column in self.columns}

    @cached_property
    def _is_meta_usual(self) -> bool:
        return any(map(is_meta, self.texts))

    def judge(self, row: ParsedRow, cell: Cell, shown: Sequence[int], cut: bool) -> Verdict:
        """Judge by the columns, and whether it repeats a row."""
        if cut:
            return Verdict(row, "truncated")
        if row.fields is None:
            return Verdict(row, row.fault or "empty")
        if row.tag not in (None, cell.label, cell.key):
            same = row.tag in [
                other.key for other in self.source.cells if other.label == cell.label
            ]
            return Verdict(row, "other_group" if same else "other_label")
        if not is_encodable(row.text) or (
            not row.recorded and not self._has_controls and _has_controls(row.fields)
        ):
            return Verdict(row, "bad_characters")
        if self._group_column is not None and row.fields[self._group_column] != cell.group:
            return Verdict(row, "other_group")
        places = self._real(row.recorded)
        if places is not None:
            copied = self._exact([row.fields])[0] if row.recorded else row.text
            real = places.get(copied)
            if real is not None:
                return Verdict(row, "copied_prompt" if real in shown else "copied_real")
            if copied in self._accepted:
                return Verdict(row, "duplicate")
            self._accepted.add(copied)
        return Verdict(row)

    def append(self, X: Any, rows: Sequence[ParsedRow]) -> Any:
        """Append to a frame, array or list of lists."""
        values = [{**self.constants, **(row.fields or {})} for row in rows]
        new: dict[Any, pd.Series] = {}
        for name, real in self._frame.items():
            mark = real[real.isna()].iloc[0] if real.isna().any() else None
            cells = [mark if row[str(name)] is None else row[str(name)] for row in values]
            # Not by pandas' guess, which makes floats of whole numbers beside None.
            new[name] = pd.Series(cells, dtype=object)
        return append_table(X, pd.DataFrame(new, columns=self._frame.columns))

    def check_appendable(self, X: Any) -> None:
        """Append some real rows as if a model had written them, and look whether they are there."""
        found = [self.parse(text)[0] for text in self.texts[:_REHEARSED]]
        rows = [
            replace(row, fields={c.name: _unlike(c, row.fields[c.name]) for c in self.columns})
            for row in found
            if row.fields is not None
        ]
        joined = as_table(rehearsed("X", X, lambda: self.append(X, rows)))
        new = joined.iloc[len(joined) - len(rows) :]
        for column in self.columns:
            name = column.name
            written = [column.write(value) for value in new[name].tolist()]
            wanted = [column.write(row.fields[name]) for row in rows if row.fields]
            if written != wanted or not _alike(joined[name].dtype, self._frame[name].dtype):
                raise TypeError(
                    f"New values do not fit into the column {name!r} of dtype "
                    f"{self._frame[name].dtype}: {wanted} would become {written}. Nothing has been "
                    "sent. Convert the column to numbers, strings or categories, or drop it."
                )


def _unlike(column: Column, value: Any) -> Any:
    """Make a text a new one."""
    return f"new {value}" if isinstance(column, TextColumn) and value is not None else value


def _alike(dtype: Any, other: Any) -> bool:
    """Whether dtypes are the same but for categories that new texts have added."""
    categorical = pd.CategoricalDtype
    return dtype == other or (isinstance(dtype, categorical) and isinstance(other, categorical))


def _has_ended(line: str) -> bool:
    """Whether a line of a cut answer is whole: another follows, or its object is closed."""
    return line[-1] in "\r\n" or (line.lstrip()[0] == "{" and line.rstrip()[-1] == "}")


def _has_controls(values: dict[Any, Any]) -> bool:
    return any(isinstance(value, str) and CONTROL.search(value) for value in values.values())
