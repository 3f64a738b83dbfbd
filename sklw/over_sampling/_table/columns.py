"""Columns of a table: how a value is written for a model, read again, and judged."""

import json
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Context, Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from sklw._reading import WORDS_FOR_MISSING
from sklw.over_sampling._strings import one_line

__all__ = [
    "MISSING",
    "BadValueError",
    "CategoryColumn",
    "Column",
    "DateColumn",
    "DecimalColumn",
    "DurationColumn",
    "NumberColumn",
    "TextColumn",
    "escape",
    "number_in",
    "quoted",
]

MISSING = "?"
_YEAR_FIRST = re.compile(r"\d{4}([-/.])\d\d?\1\d\d?(?!\d)|\d{8}(?!\d)")
_NANO = 9  # decimals of a second that pandas keeps
_SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$/])")


class BadValueError(ValueError):
    """A value that the column cannot hold; its message is the reason."""


def escape(text: str) -> str:
    """Escape a text for the regular expressions of any engine."""
    return _SPECIAL.sub(r"\\\1", text)


@dataclass(frozen=True)
class Column(ABC):
    """A column: how its values are written for a model, and read."""

    name: str
    missing: bool  # whether it has missing values, and may so have them in generated rows

    @property
    def title(self) -> str:
        """Its name in one line."""
        return one_line(self.name)

    @abstractmethod
    def write_value(self, value: Any) -> str:
        """Write a value that is not missing."""

    @abstractmethod
    def read_value(self, text: str) -> Any:
        """Read what was written, or raise BadValueError."""

    @abstractmethod
    def value_pattern(self, separators: str) -> str:
        """Return a regular expression of all that can be written, free of the separators."""

    def value_schema(self) -> dict[str, Any]:
        """Return a JSON schema of a value that is not missing."""
        return {"type": "string"}

    def schema(self) -> dict[str, Any]:
        """Return a JSON schema of a value."""
        schema = self.value_schema()
        return {"anyOf": [schema, {"type": "null"}]} if self.missing else schema

    def exact(self) -> "Column":
        """Return a column that reads values as they are, for rows that no model has written."""
        return self

    def as_json(self, value: Any) -> str:
        """Write a value as JSON."""
        return "null" if pd.isna(value) else self.value_as_json(value)

    def value_as_json(self, value: Any) -> str:
        """Write a value that is not missing as JSON."""
        return json.dumps(self.write_value(value), ensure_ascii=False)

    def write(self, value: Any) -> str:
        """Write a value."""
        return MISSING if pd.isna(value) else self.write_value(value)

    def read(self, text: str) -> Any:
        """Read a value; raises BadValueError."""
        text = text.strip()
        missing = text in ("", MISSING)
        if not missing:
            try:
                return self.read_value(text)
            except BadValueError:
                if text.casefold() not in WORDS_FOR_MISSING:
                    raise
        if self.missing:
            return None
        raise BadValueError("missing_value")

    def pattern(self, separators: str) -> str:
        """Return a regular expression of all that can be written."""
        pattern = self.value_pattern(separators)
        return rf"(\?|{pattern})" if self.missing else f"({pattern})"


@dataclass(frozen=True)
class NumberColumn(Column):
    """Numbers, with as many decimals as the real ones have, or as tell them apart."""

    lowest: float
    highest: float
    decimals: int
    exponent: bool = False
    kind: type | None = None  # int or float; None for both
    places: int | None = None  # to round to: the most decimals of a real one, where they are few

    def exact(self) -> Column:
        return replace(self, places=None)

    def write_value(self, value: Any) -> str:
        if self.exponent:
            return f"{value:.{self.decimals}e}"
        if self.decimals == 0:
            return str(round(value))
        text = f"{value:.{self.decimals}f}"
        return text.removeprefix("-") if not float(text) else text

    def read_value(self, text: str) -> Any:
        try:
            value = float(text)
        except ValueError:
            raise BadValueError("bad_value") from None
        if not np.isfinite(value) or (
            self.decimals == 0 and not self.exponent and value != round(value)
        ):
            raise BadValueError("bad_value")
        # Not by way of a float, which has no room for large whole numbers.
        number = int(text) if re.fullmatch(r"[+-]?\d+", text) else value
        if not self.lowest <= number <= self.highest:
            raise BadValueError("out_of_range")
        number = self.kind(number) if self.kind in (int, float) else number
        few = self.places is not None and isinstance(number, float)
        return round(number, self.places) if few else number

    def value_schema(self) -> dict[str, Any]:
        kind = "number" if self.decimals or self.exponent else "integer"
        return {"type": kind, "minimum": self.lowest, "maximum": self.highest}

    def value_as_json(self, value: Any) -> str:
        return json.dumps(json.loads(self.write_value(value)))

    def value_pattern(self, separators: str) -> str:
        sign = "-?" if self.lowest < 0 else ""
        if self.exponent:
            return rf"{sign}[0-9]\.[0-9]{{{self.decimals}}}e[+-][0-9]{{2,3}}"
        digits = len(str(int(max(abs(self.lowest), abs(self.highest)))))
        whole = rf"{sign}(0|[1-9][0-9]{{0,{digits - 1}}})"
        return whole if not self.decimals else rf"{whole}\.[0-9]{{{self.decimals}}}"


@dataclass(frozen=True)
class DecimalColumn(NumberColumn):
    """Decimal numbers, with all the places of the real ones."""

    def read_value(self, text: str) -> Any:
        super().read_value(text)
        value = Decimal(text)
        exact = value.quantize(Decimal(1).scaleb(-self.decimals), context=Context(prec=999))
        if exact != value:
            raise BadValueError("bad_value")
        return exact

    def value_as_json(self, value: Any) -> str:
        return self.write_value(value)  # a float has fewer digits


@dataclass(frozen=True)
class DateColumn(Column):
    """Dates, with the time of day where the real ones have one."""

    lowest: pd.Timestamp
    highest: pd.Timestamp
    has_time: bool
    kind: type = pd.Timestamp
    unit: Any = None  # to cut to: the part of a second that real ones tell

    def exact(self) -> Column:
        return replace(self, unit=None)

    def write_value(self, value: Any) -> str:
        moment = pd.Timestamp(value).tz_localize(None)  # not by strftime, which writes 999
        return moment.isoformat(" ", "seconds") if self.has_time else str(moment.date())

    def read_value(self, text: str) -> Any:
        # pandas completes "10:30" and "today" by the clock, and guesses what 03/04/2024 is.
        if not _YEAR_FIRST.match(text):
            raise BadValueError("bad_value")
        try:
            value = pd.Timestamp(text)
            zone = self.lowest.tzinfo
            if zone is not None:
                # Of an hour that clocks show twice, it is the first.
                value = (
                    value.tz_localize(zone, ambiguous=True)
                    if value.tzinfo is None
                    else value.tz_convert(zone)
                )
            value = value if self.unit is None else value.as_unit(self.unit)
            inside = self.lowest <= value <= self.highest
        except (ValueError, TypeError):
            raise BadValueError("bad_value") from None
        if not self.has_time and value != value.normalize():
            raise BadValueError("bad_value")
        if not inside:
            raise BadValueError("out_of_range")
        if self.kind is date:
            return value.date()
        return value.to_pydatetime() if self.kind is datetime else value

    def value_pattern(self, separators: str) -> str:
        day = r"[0-9]{4}-[01][0-9]-[0-3][0-9]"
        return rf"{day} [0-2][0-9]:[0-5][0-9]:[0-5][0-9]" if self.has_time else day


@dataclass(frozen=True)
class DurationColumn(NumberColumn):
    """Time differences, in seconds."""

    kind: type | None = pd.Timedelta
    unit: Any = "ns"  # of the real ones: an array of objects may hold no others

    def write_value(self, value: Any) -> str:
        return super().write_value(pd.Timedelta(value).total_seconds())

    def read_value(self, text: str) -> Any:
        try:
            # Not by way of a float, which would be the next duration but one.
            if "day" in text or ":" in text or text.startswith("P"):  # the last of ISO 8601
                seconds = Decimal(pd.Timedelta(text).value).scaleb(-_NANO)
            else:
                seconds = Decimal(text)
            super().read_value(str(seconds))
            seconds = round(seconds, _NANO if self.places is None else self.places)
            span = pd.Timedelta(int(seconds.scaleb(_NANO)), "ns").as_unit(self.unit)
        except BadValueError:
            raise
        except (ValueError, ArithmeticError):
            raise BadValueError("bad_value") from None
        return span.to_pytimedelta() if self.kind is timedelta else span


@dataclass(frozen=True)
class CategoryColumn(Column):
    """One of the values that the real rows have."""

    values: tuple[Any, ...]
    texts: tuple[str, ...]

    def read(self, text: str) -> Any:
        """Read a value; a category may be called None or ?, or begin with a space."""
        # A category of that name is written as a code: this is a missing value.
        if text in self._by_name and not (self.missing and text == MISSING):
            return self._by_name[text]
        text = text.strip()
        return self.read_value(text) if text in self.texts else super().read(text)

    def write_value(self, value: Any) -> str:
        return self._text_of[value]

    @cached_property
    def _text_of(self) -> dict[Any, str]:
        return dict(zip(self.values, self.texts, strict=True))

    @cached_property
    def _by_text(self) -> dict[str, Any]:
        return dict(zip(self.texts, self.values, strict=True))

    @cached_property
    def _by_name(self) -> dict[str, Any]:
        return {str(value): value for value in reversed(self.values)}

    @cached_property
    def _by_number(self) -> dict[float | None, Any]:
        return {number_in(value): value for value in reversed(self.values)}

    def read_value(self, text: str) -> Any:
        # A name where the model was shown a code, or "1.0" for 1.
        for known in (self._by_text, self._by_name):
            if text in known:
                return known[text]
        number = number_in(text)
        if number is not None and number in self._by_number:
            return self._by_number[number]
        alike = [
            value
            for value, known in zip(self.values, self.texts, strict=True)
            if text.casefold() in (str(value).casefold(), known.casefold())
        ]
        if len(alike) == 1:  # "true" for True
            return alike[0]
        raise BadValueError("unknown_category")

    def value_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.texts)}

    def value_pattern(self, separators: str) -> str:
        return "|".join(quoted(text, separators) for text in self.texts)


@dataclass(frozen=True)
class TextColumn(Column):
    """Free text, in one line."""

    longest: int
    usual: frozenset[str] = frozenset()  # real texts that would say elsewhere that one is missing

    @classmethod
    def of(cls, name: str, missing: bool, texts: pd.Series) -> "TextColumn":
        """Learn what the real texts are like."""
        usual = WORDS_FOR_MISSING & {one_line(text).casefold() for text in texts}
        return cls(name, missing, max(map(len, texts)), usual)

    def read(self, text: str) -> Any:
        """Read a value; what real rows hold as a text is one."""
        text = text.strip()
        if text.casefold() in self.usual and not (self.missing and text == MISSING):
            return text
        return super().read(text)

    def write_value(self, value: Any) -> str:
        return one_line(value)

    def read_value(self, text: str) -> str:
        if text.casefold() in WORDS_FOR_MISSING:
            raise BadValueError("missing_value")
        if len(text) > 2 * self.longest:
            raise BadValueError("too_long")
        return text

    def value_pattern(self, separators: str) -> str:
        least = 0 if "" in self.usual else 1
        barred = escape(separators) + '"' * (separators == ",")
        plain = rf"[^{barred}\n]{{{least},{2 * self.longest}}}"
        if separators != ",":
            return plain
        return plain + rf"|\"([^\"\n]|\"\"){{1,{2 * self.longest}}}\""


def quoted(text: str, separators: str) -> str:
    """Escape a text, and put it in quotes where CSV does."""
    escaped = escape(text)
    if separators == "," and any(character in text for character in ',"'):
        return '"' + escaped.replace('"', '""') + '"'
    return escaped


def number_in(value: Any) -> float | None:
    """Return what a value is or reads as, if that is a number."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None
