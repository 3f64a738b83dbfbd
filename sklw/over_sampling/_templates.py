"""Prompts as Jinja2 templates: those of sklw, and those that users give."""

import re
from collections.abc import Set
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

__all__ = ["rendered", "user_template"]

# Fields of every template, with what they may hold.
_COMMON = {"label": "spam", "description": "ads", "task": "SMS", "instructions": "", "n_rows": 1}
_SAMPLE = {
    **_COMMON,
    "examples": "1. win now",
    "attributes": "topic: prizes; length: 3 words",
    "source": "see you",
    "source_label": "ham",
}


def rendered(name: str, **fields: Any) -> str:
    """Fill in one of the templates in the folder of that name."""
    return _own().get_template(f"{name}.j2").render(fields)


@cache
def _own() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # prompts are no HTML
        auto_reload=False,
    )


@cache
def user_template(text: str, further: frozenset[str]) -> jinja2.Template:
    """Compile a user's template, or raise ValueError if it cannot be filled in.

    `further` are the fields that the prompt knows beside those that all prompts do.
    """
    known = {*_COMMON, *further}
    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    _refuse_single_braces(text)
    try:
        template = environment.from_string(text)
        fields = find_undeclared_variables(environment.parse(text))
        _check_fields(fields, known, further)
        template.render({name: _SAMPLE[name] for name in known})
    except jinja2.TemplateError as error:
        raise ValueError(
            f"template cannot be read: {error}. It is a Jinja2 template, with fields such as "
            "{{ label }}."
        ) from error
    return template


def _refuse_single_braces(text: str) -> None:
    names = "|".join(_SAMPLE)
    found = re.search(rf"(?<![{{%#])\{{\s*({names})\s*(?:[!:][^{{}}]*)?\}}(?!\}})", text)
    if found:
        raise ValueError(
            f"template has the field {found[0]} in single braces. It is a Jinja2 template: write "
            f"{{{{ {found[1]} }}}}."
        )


def _check_fields(fields: Set[str], known: Set[str], further: Set[str]) -> None:
    if unknown := fields - known:
        raise ValueError(
            f"template has the field(s) {sorted(unknown)}, which this prompt cannot fill in. Its "
            f"fields can be {sorted(known)}."
        )
    if "attributes" in further and "attributes" not in fields:
        raise ValueError(
            "template has no field {{ attributes }}, which this prompt draws. Put it in, or "
            "choose another prompt."
        )
