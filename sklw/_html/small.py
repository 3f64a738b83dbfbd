"""How notebooks show small objects."""

from collections.abc import Mapping
from html import escape
from typing import Any

__all__ = ["significant", "small_table"]


def small_table(title: str, fields: Mapping[str, Any]) -> str:
    """Return a table of names and values."""
    rows = "".join(
        f'<tr><th style="text-align: left">{escape(name)}</th>'
        f'<td style="text-align: left">{escape(_plain(value))}</td></tr>'
        for name, value in fields.items()
    )
    return (
        f'<table><caption style="text-align: left"><b>{escape(title)}</b></caption>'
        f"<tbody>{rows}</tbody></table>"
    )


def _plain(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else significant(value, 6)


def significant(value: float, digits: int) -> str:
    """Write a number with so many digits; of a large one all those before the point."""
    large = 10**digits - 0.5 <= abs(value) < 1e15
    return f"{value:,.0f}" if large else f"{value:,.{digits}g}"
