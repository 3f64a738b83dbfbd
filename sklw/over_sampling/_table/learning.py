"""Finding out what the columns of a table hold."""

import re
import string
import uuid
import warnings
from collections.abc import Hashable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from math import ceil, floor, log10
from typing import Any

import numpy as np
import pandas as pd

from sklw._callers import caller_level
from sklw._words import holds_prose
from sklw.exceptions import GenerationWarning
from sklw.over_sampling._strings import one_line
from sklw.over_sampling._table.columns import (
    MISSING,
    CategoryColumn,
    Column,
    DateColumn,
    DecimalColumn,
    DurationColumn,
    NumberColumn,
    TextColumn,
    number_in,
)

__all__ = ["learn_columns", "warn_of_narrow_ranges"]

# Whole numbers of this few values are codes more often than counts.
_FEW_VALUES = 10
# Strings of more values than this, in most rows another, are text and not categories.
_MOST_CATEGORIES = 50
# More digits than this are written with an exponent.
_MOST_DIGITS = 12
# Values of more decimals than this are measured or computed, and not on a grid.
_MOST_PLACES = 6
# If more of the real rows than this have a value beyond all others, few rows are accepted.
_MOST_BEYOND = 0.5
_NUMBERS = ("floating", "integer", "mixed-integer-float", "decimal")


def learn_columns(
    frame: pd.DataFrame,
    *,
    range_margin: float = 0.01,
    codes: bool = False,
    group_column: str | None = None,
) -> tuple[list[Column], dict[str, Any]]:
    """Return the columns that differ between rows, and the value of each that does not.

    Raises ValueError if a number is infinite, or a column holds what cannot be written.
    """
    columns: list[Column] = []
    constants: dict[str, Any] = {}
    for name in frame.columns:
        series = frame[name]
        known = series.dropna()
        _refuse_infinite(name, known)
        n_distinct = _n_distinct(name, known) if len(known) else 0
        if known.empty or (len(known) == len(series) and n_distinct == 1):
            # A float of single precision stays one: others read alike and are not equal to it.
            first = known.array if known.dtype.kind == "f" else known.tolist()
            constants[name] = None if known.empty else first[0]
        else:
            number, of_groups = len(columns), name == group_column
            columns.append(
                _learn(name, series, known, n_distinct, range_margin, number, codes, of_groups)
            )
    if not columns:
        raise ValueError(
            "Every column of X holds one value only, so there is nothing to generate. Drop the "
            "constant columns, or use RandomOverSampler to repeat rows."
        )
    return columns, constants


def _n_distinct(name: str, known: pd.Series) -> int:
    try:
        n_distinct = int(known.nunique())
        nested = next((value for value in known if isinstance(value, (tuple, frozenset))), None)
    except (TypeError, NotImplementedError):  # the latter of pyarrow's lists
        nested = next(value for value in known if not isinstance(value, Hashable))
    if nested is not None:
        raise ValueError(
            f"The column {name!r} holds {type(nested).__name__} values, which cannot be "
            "written into a row. Turn them into numbers, strings or categories, or drop it."
        )
    _refuse_look_alikes(name, known)
    return n_distinct


def _learn(
    name: str,
    series: pd.Series,
    known: pd.Series,
    n_distinct: int,
    margin: float,
    number: int,
    codes: bool,
    of_groups: bool,
) -> Column:
    missing = len(known) < len(series)
    kind = pd.api.types.infer_dtype(known, skipna=True)
    if n_distinct == len(known) > _FEW_VALUES and _like_identifiers(known, kind):
        _warn_of_identifier(name)
    categorical = isinstance(series.dtype, pd.CategoricalDtype)
    if categorical and not of_groups and _are_prose(known.dtype):
        known, kind, categorical = known.astype(object), "string", False
    if categorical or kind == "boolean" or of_groups:
        return _category(name, missing, known, number, codes)
    if kind in _NUMBERS:
        return _numeric(name, missing, known, margin, number, codes, kind)
    only = type(known.iloc[0]) if series.dtype == object else None
    if kind in ("timedelta64", "timedelta"):
        spans = pd.to_timedelta(known).dt
        seconds = spans.total_seconds().to_numpy(dtype=float)
        column: Any = _numbers(DurationColumn, name, missing, seconds, margin)
        return replace(column, kind=only, unit=spans.unit)
    if kind in ("datetime64", "datetime", "date"):
        try:
            return _dates(name, missing, known, margin, only or _arrow_type(series.dtype))
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(
                f"The dates of the column {name!r} cannot be handled ({error}). Turn them into one "
                "time zone with pd.to_datetime(X[...], utc=True), or into strings."
            ) from None
    many = n_distinct > max(_MOST_CATEGORIES, len(known) / 2)
    if kind == "string" and (many or n_distinct == len(known) > 2 * _FEW_VALUES):
        return TextColumn.of(name, missing, known)
    return _category(name, missing, known, number, codes)


def _are_prose(dtype: Any) -> bool:
    """Whether the categories are texts of several words, which no one chooses from a list."""
    texts = dtype.categories
    if dtype.ordered or pd.api.types.infer_dtype(texts) != "string":
        return False
    return holds_prose(texts)


def _numeric(
    name: str, missing: bool, known: pd.Series, margin: float, number: int, codes: bool, kind: str
) -> Column:
    values = known.to_numpy(dtype=float)
    whole = bool((values == np.round(values)).all())
    if whole and known.nunique() <= _FEW_VALUES and len(known) > 2 * known.nunique():
        return _category(name, missing, known, number, codes)
    if kind == "decimal":
        return _decimals(name, missing, known, values, margin)
    column = _numbers(NumberColumn, name, missing, values, margin, known.dtype)
    if kind == "integer":  # as floats, large ones may lie outside of themselves
        low, high = min(column.lowest, int(known.min())), max(column.highest, int(known.max()))
        return replace(column, kind=int, lowest=low, highest=high)
    return replace(column, kind={"floating": float}.get(kind))


def _like_identifiers(known: pd.Series, kind: str) -> bool:
    """Whether values that are all different number the rows or name them."""
    if kind in _NUMBERS:
        values = known.to_numpy(dtype=float)
        # Numbers drawn from so few are hardly ever all different; gaps are left by a split.
        return bool((values == np.round(values)).all() and np.ptp(values) < 2 * len(values))
    if not isinstance(known.iloc[0], (str, bytes, uuid.UUID)):
        return False
    return not any(re.search(r"\s", str(value)) for value in known)


def _warn_of_identifier(name: str) -> None:
    warnings.warn(
        f"The column {name!r} has a different value in every row and looks like an identifier. "
        "A model can only make values up for it. Drop the column before over-sampling.",
        GenerationWarning,
        stacklevel=caller_level(),
    )


def warn_of_narrow_ranges(values: Sequence[np.ndarray], margin: float) -> None:
    """Warn if most real rows have a value beyond all others, which says how new rows will fare."""
    beyond = np.zeros(len(values[0]) if values else 1, dtype=bool)
    for column in values:
        order = np.argsort(column)[: np.count_nonzero(~np.isnan(column))]  # missing ones come last
        if len(order) < 3:
            continue
        first, second, last_but_one, last = column[order[[0, 1, -2, -1]]]
        beyond[order[0]] |= first < second - margin * (last - second)
        beyond[order[-1]] |= last > last_but_one + margin * (last_but_one - first)
    if beyond.mean() > _MOST_BEYOND:
        warnings.warn(
            f"Of the real rows, {beyond.mean():.0%} have a value beyond those of all others in "
            "some column. New rows are as likely to have one, and are then rejected as "
            "out_of_range. Raise range_margin of accept, or leave columns out.",
            GenerationWarning,
            stacklevel=caller_level(),
        )


def _refuse_look_alikes(name: str, known: pd.Series) -> None:
    """Refuse 1 beside "1" or True, of which nobody could say which a generated row means."""
    held = known.dtype.categories if isinstance(known.dtype, pd.CategoricalDtype) else known
    if held.dtype != object or pd.api.types.infer_dtype(held) in (*_NUMBERS, "string"):
        return
    by_look: dict[Any, Any] = {}
    for value in {(type(value), value): value for value in held.tolist()}.values():
        for look in (value, str(value), number_in(value)):
            other = value if look is None else by_look.setdefault(look, value)
            if type(other) is not type(value):
                raise ValueError(
                    f"The column {name!r} holds both {other!r} and {value!r}, which read alike. "
                    "Convert its values to one type, for example with X[...].astype(str)."
                )


def _refuse_infinite(name: str, known: pd.Series) -> None:
    numbers = known
    if known.dtype == object:
        held = [value for value in known if isinstance(value, (float, Decimal))]
        numbers = pd.Series(held, dtype=float)
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
    taken = len(set(texts)) < len(texts) or (missing and MISSING in texts)
    if codes or taken:
        letters = string.ascii_uppercase
        letter = letters[number % 26] + (letters[number // 26 % 26] if number > 25 else "")
        names = {str(value) for value in values}
        while any(f"{letter}{place}" in names for place in range(len(values))):
            letter += "X"  # a code that is another category's name would be read as that
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
    held = getattr(dtype, "numpy_dtype", dtype)  # nullable dtypes name the plain one
    narrow = isinstance(held, np.dtype) and held.kind == "f"
    precision = np.finfo(held if narrow else float)
    most = float(precision.max)
    low, high = max(low, -most), min(high, most)
    if (values == np.round(values)).all():
        low, high = ceil(low), floor(high)
        if isinstance(held, np.dtype) and held.kind in "iu":
            low, high = max(low, int(np.iinfo(held).min)), min(high, int(np.iinfo(held).max))
        return kind(name, missing, low, high, 0)
    # A hundredth of the spread tells enough; fewer decimals where the data have fewer.
    spread = float(np.subtract(*np.quantile(values, [0.75, 0.25]))) or highest - lowest or 1.0
    needed = max(2 - floor(log10(spread)), 1)
    near = 1e-6 * spread
    with np.errstate(all="ignore"):  # rounding to hundreds of decimals is beyond a float
        exact = (k for k in range(1, needed) if np.abs(values - values.round(k)).max() <= near)
        decimals = next(exact, needed)
    largest = max(abs(low), abs(high))
    exponent = decimals + floor(log10(max(largest, 1.0))) + 1 > _MOST_DIGITS
    if exponent:
        # A ratio could be beyond a float, which has no more than 17 digits.
        decimals = min(max(3, floor(log10(largest) - log10(spread)) + 2), 17)
    column = kind(name, missing, low, high, decimals, exponent)
    column = replace(column, places=_places(values, float(precision.eps)))
    # The ends as a model sees them may lie outside of themselves.
    ends = [float(NumberColumn.write_value(column, end)) for end in (lowest, highest)]
    return replace(column, lowest=max(min(low, *ends), -most), highest=min(max(high, *ends), most))


def _places(values: np.ndarray, eps: float) -> int | None:
    """Return how many decimals the values have at most; None if they have many."""
    near = 2 * eps * np.abs(values)
    with np.errstate(all="ignore"):  # of the largest floats
        few = (
            k for k in range(1, _MOST_PLACES + 1) if (abs(values - values.round(k)) <= near).all()
        )
        return next(few, None)


def _decimals(
    name: str, missing: bool, known: pd.Series, values: np.ndarray, margin: float
) -> DecimalColumn:
    places = max(0, *(-value.as_tuple().exponent for value in known))
    digits = len(str(int(max(abs(known)))))
    most = float(10**digits) - 10.0**-places  # a dtype may have room for no more digits
    plain = _numbers(NumberColumn, name, missing, values, margin)
    return DecimalColumn(name, missing, max(plain.lowest, -most), min(plain.highest, most), places)


def _dates(name: str, missing: bool, known: pd.Series, margin: float, kind: type) -> DateColumn:
    dates = pd.to_datetime(known)
    room = margin * (dates.max() - dates.min())
    has_time = not bool((dates == dates.dt.normalize()).all())
    # The first as a model sees it, without parts of a second, may lie before itself.
    lowest = min(dates.min() - room, dates.min().floor("s", ambiguous=True))
    unit = next(u for u in ("s", "ms", "us", "ns") if (dates == dates.dt.as_unit(u)).all())
    return DateColumn(name, missing, lowest, dates.max() + room, has_time, kind, unit)


def _arrow_type(dtype: Any) -> type:
    return date if getattr(dtype, "type", None) is date else pd.Timestamp
