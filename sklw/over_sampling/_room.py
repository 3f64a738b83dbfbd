"""Whether a row fits into an answer, and a prompt into the model: known before anything is sent."""

import warnings
from collections.abc import Sequence
from math import ceil

from sklw._callers import caller_level
from sklw.exceptions import GenerationWarning
from sklw.over_sampling._cells import Cell
from sklw.over_sampling._rows import RowFormat
from sklw.over_sampling._run import GenerationRun, Quota
from sklw.over_sampling._writer import Prompt

__all__ = ["PROMPTS_LOOKED_AT", "check_room", "make_quotas"]

# Prompts of one class differ little in length: this many tell the mean, and mostly the longest.
PROMPTS_LOOKED_AT = 64
# Any model reads this many bytes, so that it need not be loaded to ask how many it reads.
_FITS_ANYWHERE = 4096
# An answer that may be this much longer than the longest real row is not cut short.
_SPARE = 1.2


def check_room(run: GenerationRun) -> None:
    """Raise ValueError if no answer can be accepted for its length, warn if most would be cut."""
    for quota in run.quotas:
        needed = _needed(run, quota)
        if getattr(run.generator, "max_new_tokens", None):
            _check_answers(run, quota, needed)
        if run.rows.writer.reads_prompts and hasattr(run.generator, "context_length"):
            _check_prompts(run, quota, needed)


def make_quotas(
    cells: Sequence[Cell], rows: RowFormat, max_attempts: int, recorded: bool
) -> list[Quota]:
    """Return what each cell wants that wants any, in requests that its longest row bounds."""
    # Those of augmentation alone last: asking for it must not change the rows for balance.
    wanted = sorted((cell for cell in cells if cell.wanted), key=lambda cell: not cell.oversample)
    quotas = []
    for cell in wanted:
        _warn_of_few_rows(cell, rows)
        tokens = max(map(rows.most_tokens, rows.texts[cell.positions])) + 8
        longest = int(rows.prompt.rows_per_request) * tokens
        quotas.append(Quota(cell, int(max_attempts), longest, recorded))
    return quotas


def _warn_of_few_rows(cell: Cell, rows: RowFormat) -> None:
    n_examples = rows.prompt.n_examples
    from_one = "source" in rows.prompt.template_fields
    if rows.writer.reads_prompts and not from_one and len(cell.positions) < n_examples:
        warnings.warn(
            f"The class {cell.key!r} has {len(cell.positions)} row(s) and a prompt wants "
            f"{n_examples}: every prompt shows the same rows, so the answers may be "
            "very similar. Collect more rows, or lower n_examples of prompt.",
            GenerationWarning,
            stacklevel=caller_level(),
        )


def _n_bytes(text: str) -> int:
    """Return how many bytes a text has: most tokenizers make no more tokens of it."""
    return len(text.encode())


def _needed(run: GenerationRun, quota: Quota) -> str:
    """Return a text that an answer must have room for."""
    by_length = sorted(run.rows.texts[quota.cell.positions], key=_n_bytes)
    if run.rows.only_whole:
        return str(by_length[-1])
    shortest = str(by_length[0])
    return shortest[: ceil(len(shortest) / run.rows.length_tolerance)]


def _check_answers(run: GenerationRun, quota: Quota, needed: str) -> None:
    key, generator, rows = quota.cell.key, run.generator, run.rows
    limit = generator.max_new_tokens
    by_length = sorted(rows.texts[quota.cell.positions], key=_n_bytes)
    if _takes_more(run, needed, limit):
        enough = ceil(_SPARE * generator.count_tokens(by_length[-1]))
        if rows.only_whole:
            raise ValueError(
                f"The longest row of the class {key!r} takes {generator.count_tokens(needed)} "
                f"tokens, more than an answer of max_new_tokens={limit}. Raise max_new_tokens of "
                f"the generator to {enough}, or leave columns out."
            )
        raise ValueError(
            f"The shortest row of the class {key!r} has {len(by_length[0])} characters, about "
            f"{generator.count_tokens(by_length[0])} tokens, and an answer is cut at "
            f"max_new_tokens={limit}: no text that long could be generated, and shorter ones are "
            f"rejected. Set max_new_tokens={enough} on the generator "
            f"({type(generator).__name__}), or shorten the texts, for example to "
            f"{_characters(run, by_length[0], limit)} characters."
        )
    n_rows = rows.writer.n_rows
    typical = by_length[len(by_length) // 2]
    if _takes_more(run, typical, limit // n_rows):
        each = generator.count_tokens(typical)
        of_several = f"{n_rows} rows of " if n_rows > 1 else ""
        warnings.warn(
            f"Most answers for the class {key!r} will be cut short: {of_several}about {each} "
            f"tokens are typical of its rows, and an answer ends at max_new_tokens={limit}. Set "
            f"max_new_tokens={ceil(_SPARE * n_rows * each)} on the generator, or shorten the rows"
            f"{', or lower rows_per_request' * (n_rows > 1)}.",
            GenerationWarning,
            stacklevel=caller_level(),
        )


def _check_prompts(run: GenerationRun, quota: Quota, needed: str) -> None:
    numbers = range(
        0, min(quota.cell.wanted, PROMPTS_LOOKED_AT), run.rows.prompt.answers_per_prompt
    )
    prompts = [run.request(quota, number)[1].prompt for number in numbers]
    longest = max(prompts, key=_prompt_bytes)
    if _prompt_bytes(longest) <= _FITS_ANYWHERE:
        return
    context = run.generator.context_length
    tokens, answer = run.generator.count_tokens(longest), run.generator.count_tokens(needed)
    if context is not None and tokens + answer > context:
        fewer = int(run.rows.prompt.n_examples * max(context - answer, 0) / tokens)
        now = run.rows.prompt.n_examples
        show = f"Set n_examples={fewer} (now {now}) in prompt, shorten" if fewer else "Shorten"
        raise ValueError(
            f"A prompt for the class {quota.cell.key!r} takes {tokens} tokens, and "
            f"{run.generator.model_name!r} reads {context} with the answer, which takes at least "
            f"{answer}. {show} the rows, or use a model with a longer context."
        )


def _takes_more(run: GenerationRun, text: str, limit: int) -> bool:
    # Counting may load a model, which short texts are not worth.
    if run.rows.most_tokens(text) <= limit:
        return False
    return run.generator.count_tokens(text) > limit


def _characters(run: GenerationRun, text: str, limit: int) -> int:
    """Return how many characters, rounded to hundreds if many, an answer can hold."""
    most = int(limit * len(text) / run.generator.count_tokens(text) / _SPARE)
    return most // 100 * 100 or max(most, 1)


def _prompt_bytes(prompt: Prompt) -> int:
    return sum(map(_n_bytes, [prompt] if isinstance(prompt, str) else [text for _, text in prompt]))
