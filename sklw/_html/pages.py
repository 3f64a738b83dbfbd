"""Pages that need no other file: one template around all of them, its style and its script."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from platform import python_version
from typing import Any

import jinja2
import numpy as np
import pandas as pd
import sklearn
from markupsafe import Markup

import sklw
from sklw._html.small import significant
from sklw._writing import write_whole

__all__ = ["Example", "examples_of", "in_frame", "render", "write_page"]

_FOLDER = Path(__file__).parent / "templates"
_SHORT = 400  # characters of a text that are shown before it is unfolded


@dataclass(frozen=True)
class Example:
    """A row of a report: what is shown of it, and what is folded away."""

    content: str | dict[str, Any]  # a text, or the cells of a table's row
    label: str
    weight: float
    reason: str
    more: Mapping[str, Any]

    @property
    def text(self) -> str:
        """Its text, if it is one."""
        return self.content if isinstance(self.content, str) else ""

    @property
    def cells(self) -> dict[str, Any]:
        """Its cells, if it is a row of a table."""
        return {} if isinstance(self.content, str) else self.content


def examples_of(
    frame: pd.DataFrame, contents: Iterable[str | dict[str, Any]], *, weight: str
) -> list[Example]:
    """Make examples of contents and a frame with the columns `label`, `reason` and the weight.

    The other columns of the frame are folded away.
    """
    shown = {"label", "reason", weight}
    return [
        Example(
            content=content,
            label=str(row["label"]),
            weight=float(row[weight]),
            reason=str(row["reason"]),
            more={str(c): row[c] for c in row if c not in shown and not _is_empty(row[c])},
        )
        for content, row in zip(contents, frame.to_dict("records"), strict=True)
    ]


def _is_empty(value: Any) -> bool:
    return bool(pd.api.types.is_scalar(value) and (pd.isna(value) or value == ""))


def render(template: str, **fields: Any) -> str:
    """Fill in one of the templates in the folder of that name."""
    script = _read("script.js")
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template(f"{template}.html.j2")
        .render(
            **fields,
            style=Markup(_read("style.css")),
            script=Markup(script),
            # The browser runs no other script, whatever a text holds, and loads nothing.
            policy=f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'",
            versions={
                "sklw": sklw.__version__,
                "scikit-learn": sklearn.__version__,
                "Python": python_version(),
            },
        )
    )


def write_page(path: Any, page: str) -> None:
    """Write a page whole or not at all; half of a character becomes a question mark."""
    write_whole(Path(path), page.encode("utf-8", "replace").decode())


def in_frame(page: str) -> str:
    """Return a page for a notebook, whose own style it leaves alone."""
    return (
        f'<iframe srcdoc="{escape(page)}" title="sklw report" loading="lazy" '
        'style="width: 100%; height: 40em; border: 1px solid #8888"></iframe>'
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
        auto_reload=False,
    )
    environment.filters |= {"shown": _shown, "significant": significant}
    environment.globals["short"] = _SHORT
    return environment


@cache
def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _shown(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return significant(float(value), 6)
    return str(value)
