"""Values of table rows that were generated elsewhere: taken as they are, or refused."""

from collections.abc import Iterable, Mapping
from datetime import date
from math import inf
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

from sklw._reading import TRUTH_VALUES, WORDS_FOR_MISSING
from sklw.over_sampling._table.columns import BadValueError, CategoryColumn, Column, TextColumn

__all__ = ["recorded_values", "refuse_numbers_for_texts"]


def recorded_values(
    record: Mapping[str, Any], columns: Iterable[Column], constants: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what each column holds in a recorded row, or raise BadValueError.

    `constants` hold one value in all real rows: a recorded row may lack them.
    """
    for name, known in constants.items():
        value = record.get(name, known)
        both_missing = known is None and _says_missing(value)
        if not both_missing and _distance(known, value) == inf:
            raise BadValueError("missing_value" if value is None else "unknown_category")
    return {column.name: _value(column, record.get(column.name)) for column in columns}


def refuse_numbers_for_texts(records: Any, columns: Iterable[Column]) -> None:
    """Raise ValueError if a frame has numbers where the real rows have texts, such as ZIP codes."""
    if not isinstance(records, pd.DataFrame):
        return
    by_name = {str(name): records.iloc[:, at] for at, name in enumerate(records.columns)}
    for column in columns:
        known = by_name[column.name].dropna()
        if isinstance(column, TextColumn) and len(known) and is_numeric_dtype(known.dtype):
            raise ValueError(
                f"The column {column.name!r} of the records holds numbers such as {known.iloc[0]}, "
                f"and that of X holds strings. Read the records as they are written, with "
                "pd.read_csv(..., dtype=str), or pass their path."
            )


def _value(column: Column, value: Any) -> Any:
    if value is None:
        return _missing(column)
    if isinstance(value, (dict, list)):
        raise BadValueError("bad_value")
    if isinstance(column, TextColumn):
        if not isinstance(value, str):  # who knows how it was written
            raise BadValueError("bad_value")
        is_word = _says_missing(value) and value.strip().casefold() not in column.usual
        return None if is_word and column.missing else value
    if not isinstance(column, CategoryColumn):
        return column.read(str(value))
    # From a file, numbers and truth values come as texts: the most exact match counts.
    candidates = ((_distance(known, value), at, known) for at, known in enumerate(column.values))
    distance, _, nearest = min(candidates)
    if distance < inf:
        return nearest
    if _says_missing(value):
        return _missing(column)
    raise BadValueError("unknown_category")


def _missing(column: Column) -> None:
    if not column.missing:
        raise BadValueError("missing_value")


def _says_missing(value: Any) -> bool:
    return str(value).strip().casefold() in WORDS_FOR_MISSING


def _distance(known: Any, value: Any) -> float:
    """Return 0 for equal values, more for those that read alike, infinity for others."""
    if known is None or value is None:
        return 0 if known is value else inf
    if known == value and isinstance(known, bool) == isinstance(value, bool):
        return 0
    if str(known) == str(value):
        return 1
    if isinstance(known, bool) or str(known).casefold() in TRUTH_VALUES:
        return 2 if str(known).casefold() == str(value).casefold() else inf
    try:
        if isinstance(known, date):  # files have no time of day where it is 0 in all rows
            return 2 if known == type(known).fromisoformat(str(value)) else inf
        return 2 if float(known) == float(value) else inf
    except (TypeError, ValueError, OverflowError):
        return inf
