"""Values of table rows that were generated elsewhere: taken as they are, or refused."""

from collections.abc import Iterable, Mapping
from datetime import date
from math import inf
from typing import Any

from sklw._reading import TRUTH_VALUES
from sklw.over_sampling._table.columns import BadValueError, CategoryColumn, Column, TextColumn

__all__ = ["recorded_values"]


def recorded_values(
    record: Mapping[str, Any], columns: Iterable[Column], constants: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what each column holds in a recorded row, or raise BadValueError.

    `constants` hold one value in all real rows: a recorded row may lack them.
    """
    for name, known in constants.items():
        if name in record and _distance(known, record[name]) == inf:
            raise BadValueError("missing_value" if record[name] is None else "unknown_category")
    return {column.name: _value(column, record.get(column.name)) for column in columns}


def _value(column: Column, value: Any) -> Any:
    if value is None:
        if column.missing:
            return None
        raise BadValueError("missing_value")
    if isinstance(value, (dict, list)):
        raise BadValueError("bad_value")
    if isinstance(column, TextColumn):
        return str(value)
    if not isinstance(column, CategoryColumn):
        return column.read_value(str(value))
    # From a file, numbers and truth values come as texts: the most exact match counts.
    distances = {at: _distance(known, value) for at, known in enumerate(column.values)}
    nearest = min(distances, key=distances.__getitem__)
    if distances[nearest] == inf:
        raise BadValueError("unknown_category")
    return column.values[nearest]


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
