"""From the parameters prompt and accept to objects that fit the rows and the generator."""

import warnings
from inspect import signature
from typing import Any

from sklearn.base import clone

from sklw._callers import caller_level
from sklw.exceptions import GenerationWarning
from sklw.generators import (
    Budget,
    FineTunedGenerator,
    OpenAIGenerator,
    RecordedGenerator,
    TransformersGenerator,
)
from sklw.over_sampling._problem import Problem
from sklw.over_sampling._prompting import BasePrompt
from sklw.over_sampling._rows import RowFormat
from sklw.over_sampling._table.acceptance import TableFilter
from sklw.over_sampling._table.prompts import TableRows
from sklw.over_sampling._table.rows import TableFormat
from sklw.over_sampling._text.acceptance import TextFilter
from sklw.over_sampling._text.attributes import Attributes
from sklw.over_sampling._text.prompts import (
    Contrast,
    Counterfactual,
    Examples,
    Paraphrase,
    Rewrite,
)
from sklw.over_sampling._text.rows import TextFormat

__all__ = [
    "PROMPTS",
    "RENAMED",
    "check_object",
    "chosen_filter",
    "chosen_prompt",
    "rows_for",
    "warn_of_unread",
]

PROMPTS: dict[str, type[BasePrompt]] = {
    "examples": Examples,
    "contrast": Contrast,
    "attributes": Attributes,
    "rewrite": Rewrite,
    "paraphrase": Paraphrase,
    "counterfactual": Counterfactual,
    "table_rows": TableRows,
}
# What may stand where a name or None is, the most usual first.
_OBJECTS: dict[str, list[type]] = {
    "generator": [
        TransformersGenerator, FineTunedGenerator, OpenAIGenerator, RecordedGenerator,
    ],
    "prompt": [*PROMPTS.values()],
    "accept": [TextFilter, TableFilter],
    "budget": [Budget],
}  # fmt: skip
_IN_PROMPT = "prompt=Examples({0}=...), another prompt, or for tables prompt=TableRows({0}=...)"
RENAMED = {
    **{
        name: _IN_PROMPT.format(name)
        for name in (
            "n_examples", "example_selection", "answers_per_prompt", "rows_per_request",
            "instructions",
        )
    },
    "prompt_strategy": 'prompt="contrast", or another name or object',
    "attributes": "prompt=Attributes(attributes=...)",
    "prompt_template": (
        "prompt=Examples(template=...), a Jinja2 template with fields such as {{ label }},"
    ),
    "row_format": "prompt=TableRows(row_format=...)",
    "category_codes": "prompt=TableRows(category_codes=...)",
    "near_duplicate_threshold": (
        "accept=TextFilter(near_duplicate_threshold=...), or for tables "
        "accept=TableFilter(reject_copies=...),"
    ),
    "length_tolerance": "accept=TextFilter(length_tolerance=...)",
    "verifier": "accept=TextFilter(verifier=...)",
    "range_margin": "accept=TableFilter(range_margin=...)",
}  # fmt: skip


def check_object(name: str, value: Any, parameter: str) -> None:
    """Raise ValueError if `value` has no parameters; name an object that has this one."""
    if not parameter or name not in _OBJECTS or not (value is None or isinstance(value, str)):
        return
    kinds = _OBJECTS[name]
    if name == "prompt" and value in PROMPTS:
        kinds = [PROMPTS[value], *kinds]
    outer = parameter.partition("__")[0]
    kind = next((each for each in kinds if outer in signature(each).parameters), kinds[0])
    needs_more = "..." if kind in (OpenAIGenerator, RecordedGenerator) else ""
    raise ValueError(
        f"{name}={value!r} is not an object with parameters: {name}__{parameter} cannot be set. "
        f"Give one first, such as {name}={kind.__name__}({needs_more})."
    )


def chosen_prompt(prompt: str | BasePrompt, kind: str) -> BasePrompt:
    """Return a checked prompt for rows of this kind, of which the run may make use."""
    default = TableRows if kind == "table" else Examples
    if isinstance(prompt, BasePrompt):
        chosen = clone(prompt)
    else:
        chosen = default() if prompt == "auto" else PROMPTS[prompt]()
    if isinstance(chosen, TableRows) != (kind == "table"):
        what = "rows of a table" if kind == "text" else "texts"
        raise ValueError(
            f"prompt={prompt!r} asks for {what}, and X holds "
            f"{'texts' if kind == 'text' else 'a table'}. Write prompt={default.__name__}(), or "
            "leave it out" + (", or derive your own from TableRows." * (kind == "table") or ".")
        )
    chosen.check()
    return chosen


def chosen_filter(accept: Any, kind: str) -> Any:
    """Return a checked TextFilter or TableFilter."""
    fitting = TableFilter if kind == "table" else TextFilter
    chosen = fitting() if isinstance(accept, str) else clone(accept)
    if not isinstance(chosen, fitting):
        hint = ""
        if getattr(chosen, "verifier", None) is not None:
            hint = " SyntheticWeighter says how much each row of a table is to be trusted."
        raise ValueError(
            f"accept={accept!r} judges {'texts' if kind == 'table' else 'rows of a table'}, and X "
            f"holds {'a table' if kind == 'table' else 'texts'}. Write accept="
            f"{fitting.__name__}(), or leave it out.{hint}"
        )
    chosen.check()
    return chosen


def rows_for(
    problem: Problem, prompt: BasePrompt, accept: Any, form: str, task: str | None
) -> RowFormat:
    """Return how rows of this problem are shown, read and judged."""
    if isinstance(prompt, TableRows):
        return TableFormat(problem, prompt, accept, form, task or "")
    return TextFormat(problem, prompt, accept, form, task or "")


def warn_of_unread(prompt: BasePrompt, rows: RowFormat) -> None:
    """Warn of a prompt that changes nothing, since the generator reads none."""
    of_table = isinstance(prompt, TableRows)  # whose formats matter in training, too
    usual = type(prompt) is Examples and not prompt.template
    if not rows.writer.reads_prompts and not of_table and not usual:
        warnings.warn(
            f"prompt={prompt!r} changes nothing here: this generator reads no prompts.",
            GenerationWarning,
            stacklevel=caller_level(),
        )
