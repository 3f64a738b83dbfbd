"""What the columns of a table hold: how a value is written for a model, read again, and judged."""

import json
import re
import string
import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import Any

import numpy as np
import pandas as pd

from sklw.exceptions import GenerationWarning
from sklw.over_sampling._prompts import one_line

__all__ = [
    "MISSING",
    "BadValueError",
    "Column",
    "TextColumn",
    "escape",
    "learn_columns",
    "quoted",
]

MISSING = "?"
_WORDS_FOR_MISSING = {"nan", "none", "null", "na", "<na>", "nat"}
# Whole numbers of this few values are codes more often than counts.
_FEW_VALUES = 10
# Strings of more values than this, in most rows another, are text and not categories.
_MOST_CATEGORIES = 50
# More digits than this are written with an exponent.
_MOST_DIGITS = 12
_SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$/])")


class BadValueError(ValueError):
    """A value that the column cannot hold; its message is the reason."""


def escape(text: str) -> str:
    """Escape a text for the regular expressions of any engine."""
    return _SPECIAL.sub(r"\\\1", text)


@dataclass(frozen=True)
class Column(ABC):
    """A column.

    Attributes
    ----------
    name : str
        Its name.
    missing : bool
        Whether it has missing values, and may so have them in generated rows.
    """

    name: str
    missing: bool

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

    def as_json(self, value: Any) -> Any:
        """Return what stands for a value in a JSON object."""
        return None if pd.isna(value) else self.write_value(value)

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
                if text.casefold() not in _WORDS_FOR_MISSING:
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
        if not self.lowest <= value <= self.highest:
            raise BadValueError("out_of_range")
        # Not by way of a float, which has no room for large whole numbers.
        return int(text) if re.fullmatch(r"[+-]?\d+", text) else value

    def value_schema(self) -> dict[str, Any]:
        kind = "number" if self.decimals or self.exponent else "integer"
        return {"type": kind, "minimum": self.lowest, "maximum": self.highest}

    def as_json(self, value: Any) -> Any:
        return None if pd.isna(value) else json.loads(self.write_value(value))

    def value_pattern(self, separators: str) -> str:
        sign = "-?" if self.lowest < 0 else ""
        if self.exponent:
            return rf"{sign}[0-9]\.[0-9]{{{self.decimals}}}e[+-][0-9]{{2,3}}"
        digits = len(str(int(max(abs(self.lowest), abs(self.highest)))))
        whole = rf"{sign}(0|[1-9][0-9]{{0,{digits - 1}}})"
        return whole if not self.decimals else rf"{whole}\.[0-9]{{{self.decimals}}}"


@dataclass(frozen=True)
class DateColumn(Column):
    """Dates, with the time of day where the real ones have one."""

    lowest: pd.Timestamp
    highest: pd.Timestamp
    has_time: bool
    plain_date: bool = False

    def write_value(self, value: Any) -> str:
        return pd.Timestamp(value).strftime("%Y-%m-%d %H:%M:%S" if self.has_time else "%Y-%m-%d")

    def read_value(self, text: str) -> Any:
        try:
            value = pd.Timestamp(text)
            if self.lowest.tzinfo is not None and value.tzinfo is None:
                value = value.tz_localize(self.lowest.tzinfo)
            inside = self.lowest <= value <= self.highest
        except (ValueError, TypeError):
            raise BadValueError("bad_value") from None
        if not inside:
            raise BadValueError("out_of_range")
        return value.date() if self.plain_date else value

    def value_pattern(self, separators: str) -> str:
        day = r"[0-9]{4}-[01][0-9]-[0-3][0-9]"
        return rf"{day} [0-2][0-9]:[0-5][0-9]:[0-5][0-9]" if self.has_time else day


@dataclass(frozen=True)
class DurationColumn(NumberColumn):
    """Time differences, in seconds."""

    def write_value(self, value: Any) -> str:
        return super().write_value(pd.Timedelta(value).total_seconds())

    def read_value(self, text: str) -> Any:
        if "day" in text or ":" in text:
            try:
                text = str(pd.Timedelta(text).total_seconds())
            except ValueError:
                raise BadValueError("bad_value") from None
        return pd.Timedelta(seconds=super().read_value(text))


@dataclass(frozen=True)
class CategoryColumn(Column):
    """One of the values that the real rows have."""

    values: tuple[Any, ...]
    texts: tuple[str, ...]

    def read(self, text: str) -> Any:
        """Read a value; a category may be called None or ?."""
        text = text.strip()
        return self.read_value(text) if text in self.texts else super().read(text)

    def write_value(self, value: Any) -> str:
        return self.texts[self.values.index(value)]

    def read_value(self, text: str) -> Any:
        if text in self.texts:
            return self.values[self.texts.index(text)]
        for value in self.values:  # "1.0" for 1, or a name where the model was shown a code
            if str(value) == text or _same_number(value, text):
                return value
        raise BadValueError("unknown_category")

    def value_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.texts)}

    def value_pattern(self, separators: str) -> str:
        return "|".join(quoted(escape(text), text, separators) for text in self.texts)


@dataclass(frozen=True)
class TextColumn(Column):
    """Free text, in one line."""

    longest: int

    def write_value(self, value: Any) -> str:
        return one_line(value)

    def read_value(self, text: str) -> str:
        if len(text) > 2 * self.longest:
            raise BadValueError("too_long")
        return text

    def value_pattern(self, separators: str) -> str:
        plain = rf"[^{escape(separators)}\n\"]{{1,{2 * self.longest}}}"
        if separators != ",":
            return plain
        return plain + rf"|\"([^\"\n]|\"\"){{1,{2 * self.longest}}}\""


def quoted(escaped: str, text: str, separators: str) -> str:
    """Put an escaped text in quotes where CSV does."""
    if separators == "," and any(character in text for character in ',"'):
        return '"' + escaped.replace('"', '""') + '"'
    return escaped


def _same_number(value: Any, text: str) -> bool:
    try:
        return float(value) == float(text)
    except (TypeError, ValueError):
        return False


def learn_columns(
    frame: pd.DataFrame,
    *,
    range_margin: float = 0.1,
    codes: bool = False,
    group_column: str | None = None,
) -> tuple[list[Column], dict[str, Any]]:
    """Find out what the columns hold.

    Parameters
    ----------
    frame : DataFrame
        The real rows; its column names are strings.
    range_margin : float
        Share of a column's range by which a generated number may lie outside it.
    codes : bool
        Whether categories are written as short codes.
    group_column : str or None
        A column whose values are categories, whatever they look like.

    Returns
    -------
    columns : list of Column
        Those that differ between rows.
    constants : dict of str to object
        The others, which no model need be asked for.

    Raises
    ------
    ValueError
        If a number is infinite, or a column holds what cannot be written.
    """
    columns: list[Column] = []
    constants: dict[str, Any] = {}
    for name in frame.columns:
        series = frame[name]
        known = series.dropna()
        _refuse_infinite(name, known)
        if known.empty or (len(known) == len(series) and _n_distinct(name, known) == 1):
            constants[name] = None if known.empty else known.iloc[0]
        else:
            number, of_groups = len(columns), name == group_column
            columns.append(_learn(name, series, known, range_margin, number, codes, of_groups))
    if not columns:
        raise ValueError(
            "Every column of X holds one value only, so there is nothing to generate. Drop the "
            "constant columns, or use RandomOverSampler to repeat rows."
        )
    return columns, constants


def _n_distinct(name: str, known: pd.Series) -> int:
    try:
        return int(known.nunique())
    except TypeError:
        raise ValueError(
            f"The column {name!r} holds {type(known.iloc[0]).__name__} values, which cannot be "
            "written into a row. Turn them into numbers, strings or categories, or drop it."
        ) from None


def _learn(
    name: str,
    series: pd.Series,
    known: pd.Series,
    margin: float,
    number: int,
    codes: bool,
    of_groups: bool,
) -> Column:
    missing, n_distinct = len(known) < len(series), _n_distinct(name, known)
    kind = pd.api.types.infer_dtype(known, skipna=True)
    if isinstance(series.dtype, pd.CategoricalDtype) or kind == "boolean" or of_groups:
        return _category(name, missing, known, number, codes)
    if kind in ("floating", "integer", "mixed-integer-float", "decimal"):
        values = known.to_numpy(dtype=float)
        whole = bool((values == np.round(values)).all())
        if whole and n_distinct <= _FEW_VALUES and len(known) > 2 * n_distinct:
            return _category(name, missing, known, number, codes)
        return _numbers(NumberColumn, name, missing, values, margin, series.dtype)
    if kind in ("timedelta64", "timedelta"):
        seconds = pd.to_timedelta(known).dt.total_seconds().to_numpy(dtype=float)
        return _numbers(DurationColumn, name, missing, seconds, margin)
    if kind in ("datetime64", "datetime", "date"):
        try:
            return _dates(name, missing, known, margin, plain_date=kind == "date")
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(
                f"The dates of the column {name!r} cannot be handled ({error}). Turn them into one "
                "time zone with pd.to_datetime(X[...], utc=True), or into strings."
            ) from None
    if kind == "string" and n_distinct > max(_MOST_CATEGORIES, len(known) / 2):
        return _text(name, missing, known)
    if kind == "string" and n_distinct == len(known) > 2 * _FEW_VALUES:
        return _text(name, missing, known)
    return _category(name, missing, known, number, codes)


def _refuse_infinite(name: str, known: pd.Series) -> None:
    numbers = known
    if known.dtype == object:
        numbers = pd.Series([value for value in known if isinstance(value, float)], dtype=float)
    if pd.api.types.is_float_dtype(numbers) and np.isinf(numbers.to_numpy(dtype=float)).any():
        raise ValueError(
            f"The column {name!r} holds infinity. A model cannot write it, nor can most "
            "classifiers read it: replace it by NaN (X.replace([np.inf, -np.inf], np.nan)), or by "
            "the largest number that makes sense."
        )


def _category(
    name: str, missing: bool, known: pd.Series, number: int, codes: bool
) -> CategoryColumn:
    # By frequency the order would depend on the fold; sorting needs values of one kind.
    values = tuple(
        sorted(known.unique().tolist(), key=lambda value: (str(type(value)), str(value)))
    )
    texts = tuple(
        str(int(value)) if isinstance(value, float) and value.is_integer() else one_line(str(value))
        for value in values
    )
    taken = len(set(texts)) < len(texts) or "" in texts or (missing and MISSING in texts)
    if codes or taken:
        letters = string.ascii_uppercase
        letter = letters[number % 26] + (letters[number // 26 % 26] if number > 25 else "")
        texts = tuple(f"{letter}{place}" for place in range(len(values)))
    return CategoryColumn(name, missing, values, texts)


def _numbers(
    kind: type[NumberColumn],
    name: str,
    missing: bool,
    values: np.ndarray,
    margin: float,
    dtype: Any = None,
) -> NumberColumn:
    lowest, highest = float(values.min()), float(values.max())
    room = margin * (highest - lowest)
    # What is never negative in reality is not to become so.
    low = max(lowest - room, 0.0) if lowest >= 0 else lowest - room
    high = min(highest + room, 0.0) if highest <= 0 else highest + room
    if (values == np.round(values)).all():
        low, high = floor(low), floor(high)
        held = getattr(dtype, "numpy_dtype", dtype)  # nullable dtypes name the plain one
        if isinstance(held, np.dtype) and held.kind in "iu":
            low, high = max(low, int(np.iinfo(held).min)), min(high, int(np.iinfo(held).max))
        return kind(name, missing, low, high, 0)
    # A hundredth of the spread tells enough; fewer decimals where the data have fewer.
    spread = float(np.subtract(*np.quantile(values, [0.75, 0.25]))) or highest - lowest or 1.0
    needed = max(2 - floor(log10(spread)), 1)
    near = 1e-6 * spread
    exact = (k for k in range(1, needed) if np.abs(values - values.round(k)).max() <= near)
    decimals = next(exact, needed)
    largest = max(abs(low), abs(high))
    if decimals + floor(log10(max(largest, 1.0))) + 1 > _MOST_DIGITS:
        digits = max(3, floor(log10(largest / spread)) + 2)
        return kind(name, missing, low, high, digits, exponent=True)
    return kind(name, missing, low, high, decimals)


def _dates(
    name: str, missing: bool, known: pd.Series, margin: float, *, plain_date: bool
) -> DateColumn:
    dates = pd.to_datetime(known)
    room = margin * (dates.max() - dates.min())
    has_time = not bool((dates == dates.dt.normalize()).all())
    return DateColumn(name, missing, dates.min() - room, dates.max() + room, has_time, plain_date)


def _text(name: str, missing: bool, known: pd.Series) -> TextColumn:
    texts: Sequence[str] = known.tolist()
    if len(set(texts)) == len(texts) and not any(re.search(r"\s", text) for text in texts):
        warnings.warn(
            f"The column {name!r} has another value in every row and looks like an identifier. "
            "A model can only make values up for it. Drop the column before over-sampling.",
            GenerationWarning,
            stacklevel=2,
        )
    return TextColumn(name, missing, max(map(len, texts)))
