"""From a sampler's parameters to the parts of a run."""

import re
import warnings
from collections.abc import Callable
from functools import partial
from math import ceil
from typing import Any

import numpy as np
from sklearn.base import clone

from sklw.exceptions import GenerationWarning
from sklw.generators import BaseGenerator, RecordedGenerator
from sklw.over_sampling._cells import Cell
from sklw.over_sampling._filters import is_encodable
from sklw.over_sampling._formats import RowFormat, TextRows
from sklw.over_sampling._prompts import PromptWriter, check_template
from sklw.over_sampling._room import n_bytes
from sklw.over_sampling._rounds import Quota
from sklw.over_sampling._strategies import FROM_ONE
from sklw.over_sampling._table_rows import TableRows
from sklw.over_sampling._verification import CheckerVerifier, ModelVerifier, Verifier

__all__ = ["prepare", "prepare_verifier"]


# Tokens that a model may use for more than the name of a class.
_BESIDE_THE_NAME = 16


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
        multiline=of_text and any(re.search(r"[\r\n]", text.strip()) for text in rows),
        template=sampler.prompt_template or "",
    )
    _check_prompting(sampler, writer, of_text)
    make = _text_rows if of_text else _table_rows
    row_format = make(sampler, rows, cells, writer)
    _check_rows(row_format, generator)
    # Those of augmentation alone last: asking for it must not change the rows for balance.
    wanted = sorted((cell for cell in cells if cell.wanted), key=lambda cell: not cell.oversample)
    if writer.reads_prompts and sampler.prompt_strategy not in FROM_ONE:
        _warn_of_few_rows(wanted, sampler.n_examples)
    return [_quota(sampler, cell, row_format) for cell in wanted], row_format


def prepare_verifier(
    sampler: Any,
    generator: BaseGenerator,
    rows: RowFormat,
    cells: list[Cell],
    seed: int,
    ask: Callable[..., Any],
) -> Verifier | None:
    """Return who has the last word on a row, if anybody.

    Parameters
    ----------
    sampler : LLMOverSampler
        Its parameters.
    generator : BaseGenerator
        Who will answer.
    rows : RowFormat
        The real rows.
    cells : list of Cell
        The plan.
    seed : int
        Of the run.
    ask : callable
        ``ask(generator, requests)`` yields ``(index, completion)``.
    """
    checker = sampler.verifier
    if checker is None:
        return None
    if not isinstance(rows, TextRows):
        raise ValueError(
            "verifier= reads texts and these rows are a table. Leave it out; SyntheticWeighter "
            "says how much each row of a table is to be trusted."
        )
    if isinstance(checker, str) and checker == "model":
        if not rows.writer.reads_prompts:
            raise ValueError(
                f'verifier="model" asks the generator for the class of a text, and '
                f'{type(generator).__name__} answers no questions. Use verifier="embedding".'
            )
        judge = clone(generator)
        if "temperature" in judge.get_params(deep=False):
            judge.set_params(temperature=0.0)
        names = {cell.label: sampler._describe(cell.label, None) for cell in cells}
        ask_judge = partial(ask, judge)
        longest = max(generator.count_tokens(name.name) for name in names.values())
        return ModelVerifier(
            rows.writer, ask_judge, rows.texts, cells, names, seed, longest + _BESIDE_THE_NAME
        )
    if isinstance(checker, str):
        from sklw._cross_fitting import default_checker

        checker = default_checker(checker, text=True, sparse=False, random_state=0)
        checker.set_params(logisticregression__class_weight="balanced")
    return CheckerVerifier(checker, rows.texts, cells, seed)


def _check_prompting(sampler: Any, writer: PromptWriter, of_text: bool) -> None:
    strategy = sampler.prompt_strategy
    of_one = strategy in FROM_ONE
    if writer.template:
        check_template(
            writer.template,
            of_one=of_one,
            attributes=strategy == "attributes",
            examples=strategy != "paraphrase",
        )
    changed = [
        f"{name}={value!r}"
        for name, value, default in (
            ("prompt_strategy", sampler.prompt_strategy, "examples"),
            ("prompt_template", sampler.prompt_template, None),
            ("attributes", sampler.attributes, None),
        )
        if value != default
    ]
    if sampler.attributes is not None and sampler.prompt_strategy != "attributes":
        raise ValueError(
            f'attributes= is read with prompt_strategy="attributes", not '
            f"{sampler.prompt_strategy!r}. Set one or leave out the other."
        )
    if changed and not of_text:
        raise ValueError(
            f"{', '.join(changed)}: prompts of table rows have one form. Leave it out."
        )
    if changed and not writer.reads_prompts:
        warnings.warn(
            f"{', '.join(changed)} changes nothing here: this generator reads no prompts.",
            GenerationWarning,
            stacklevel=4,
        )


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
        prompt_strategy=sampler.prompt_strategy,
        attributes=sampler.attributes,
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


def _quota(sampler: Any, cell: Cell, rows: RowFormat) -> Quota:
    longest = max(map(n_bytes, rows.texts[cell.positions]))
    tokens = ceil(longest / rows.bytes_per_token) + 8
    return Quota(cell, sampler.max_attempts, sampler.rows_per_request * tokens)


def _check_rows(row_format: RowFormat, generator: BaseGenerator) -> None:
    """Refuse what nobody could read or give, before anything is sent."""
    for position, text in enumerate(row_format.texts):
        if not is_encodable(text):
            raise ValueError(
                f"Row {position} of X holds half of a character (a lone surrogate: {text[:60]!a}), "
                "which no model can be sent. Repair it: text.encode('utf-16', 'surrogatepass')"
                ".decode('utf-16', 'replace')."
            )
    if isinstance(row_format, TableRows) and isinstance(generator, RecordedGenerator):
        generator.check_columns([column.name for column in row_format.columns])
