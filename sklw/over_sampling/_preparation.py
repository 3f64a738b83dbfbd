"""From a sampler's parameters to the parts of a run."""

import warnings
from math import ceil
from typing import Any

import numpy as np

from sklw.exceptions import GenerationWarning
from sklw.generators import BaseGenerator
from sklw.over_sampling._cells import Cell
from sklw.over_sampling._formats import RowFormat, TextRows
from sklw.over_sampling._prompts import PromptWriter
from sklw.over_sampling._rounds import Quota
from sklw.over_sampling._table_rows import TableRows

__all__ = ["prepare"]


def prepare(
    sampler: Any, generator: BaseGenerator, rows: Any, cells: list[Cell]
) -> tuple[list[Quota], RowFormat]:
    """Return what each cell wants, and how rows are shown, read and judged.

    Parameters
    ----------
    sampler : LLMOverSampler
        Its parameters.
    generator : BaseGenerator
        Who will answer.
    rows : ndarray of str or DataFrame
        The real rows.
    cells : list of Cell
        The plan.
    """
    of_text = isinstance(rows, np.ndarray)
    form = generator.prompt_form
    writer = PromptWriter(
        form,
        task=sampler.task or "",
        instructions=sampler.instructions or "",
        # A completion model goes on with one row; only an instruction can ask for more.
        n_rows=sampler.rows_per_request if form == "chat" else 1,
        multiline=of_text and any("\n" in text.strip() for text in rows),
    )
    make = _text_rows if of_text else _table_rows
    row_format = make(sampler, rows, cells, writer)
    # Those of augmentation alone last: asking for it must not change the rows for balance.
    wanted = sorted((cell for cell in cells if cell.wanted), key=lambda cell: not cell.oversample)
    if form not in ("none", "fine_tuned"):
        _warn_of_few_rows(wanted, sampler.n_examples)
    return [_quota(sampler, generator, cell, row_format) for cell in wanted], row_format


def _text_rows(
    sampler: Any, texts: np.ndarray, cells: list[Cell], writer: PromptWriter
) -> RowFormat:
    names = sampler.label_names or {}
    return TextRows(
        texts,
        cells,
        writer,
        {cell.label: str(names.get(cell.label, cell.label)) for cell in cells},
        example_selection=sampler.example_selection,
        n_examples=sampler.n_examples,
        near_duplicate_threshold=sampler.near_duplicate_threshold,
        length_tolerance=sampler.length_tolerance,
    )


def _table_rows(sampler: Any, frame: Any, cells: list[Cell], writer: PromptWriter) -> RowFormat:
    return TableRows(
        frame,
        cells,
        writer,
        row_format=sampler.row_format,
        category_codes=sampler.category_codes,
        range_margin=sampler.range_margin,
        group_column=sampler._group_name,
        example_selection=sampler.example_selection,
        n_examples=sampler.n_examples,
        keep_repeats=sampler.near_duplicate_threshold is None,
    )


def _warn_of_few_rows(cells: list[Cell], n_examples: int) -> None:
    for cell in cells:
        if len(cell.positions) < n_examples:
            warnings.warn(
                f"The class {cell.key!r} has {len(cell.positions)} row(s) and a prompt wants "
                f"{n_examples}: every prompt shows the same rows, so what comes may be "
                "alike. Collect more rows, or lower n_examples.",
                GenerationWarning,
                stacklevel=4,
            )


def _quota(sampler: Any, generator: BaseGenerator, cell: Cell, rows: RowFormat) -> Quota:
    longest = max(rows.texts[cell.positions], key=_n_bytes)
    tokens = ceil(_n_bytes(longest) / rows.bytes_per_token) + 8
    limit = getattr(generator, "max_new_tokens", None)
    if rows.only_whole and limit and generator.count_tokens(longest) > limit:
        raise ValueError(
            f"The longest row of the class {cell.key!r} takes {generator.count_tokens(longest)} "
            f"tokens, more than an answer of max_new_tokens={limit}. Raise max_new_tokens of the "
            "generator, or leave columns out."
        )
    return Quota(cell, sampler.max_attempts, sampler.rows_per_request * tokens)


def _n_bytes(text: str) -> int:
    # Most tokenizers know bytes: no character takes more tokens than it has of them.
    return len(text.encode())
