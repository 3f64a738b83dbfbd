"""HTML pages of reports, and small tables for notebooks."""

from sklw._html.pages import Example, examples_of, in_frame, render, write_page
from sklw._html.small import significant, small_table

__all__ = [
    "Example",
    "examples_of",
    "in_frame",
    "render",
    "significant",
    "small_table",
    "write_page",
]
