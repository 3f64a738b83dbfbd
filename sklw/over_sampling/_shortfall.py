"""Why rows are rejected, and saying loudly that fewer were generated than wanted."""

import warnings
from collections import Counter

from sklw._callers import caller_level
from sklw.exceptions import GenerationWarning, NotEnoughGeneratedError
from sklw.over_sampling._run import GenerationRun, Quota
from sklw.over_sampling._table.rows import TableFormat

__all__ = ["REASONS", "report_shortfall"]

REASONS = {
    "empty": "nothing was left after parsing",
    "truncated": "cut off, as the column finish_reason says, within its first sentence",
    "too_short": "shorter than the real rows of the class",
    "too_long": "longer than the real rows of the class",
    "meta_text": "a refusal or talk about the task instead of a row",
    "other_label": "the model labelled its row with another class",
    "bad_characters": "control characters, or half of a character",
    "degenerate": "the same words or characters over and over",
    "copied_prompt": "a copy, or nearly, of a row shown in the prompt",
    "copied_real": "a copy, or nearly, of another real row",
    "duplicate": "a copy, or nearly, of a row generated before",
    "unparsable": "not a row of the table's columns",
    "bad_value": "no number, or no date with its year first, where one belongs",
    "missing_value": "a missing value in a column that has none",
    "unknown_category": "a category that the real rows do not have",
    "out_of_range": "a number or date beyond the range of the real ones",
    "other_group": "a row of another group",
    "wrong_class": "the verifier takes it for another class",
    "unverified": "no verdict: interrupted, out of budget, or an answer that names no class",
    "parent_elsewhere": "generated from a row that is not in this training set",
    "refused": "the endpoint refused the request: its words are in the column message",
    "thinking": "cut before the model's thinking ended: raise thinking_tokens, or turn it off",
    "exhausted": "the recorded rows of the class are used up",
    "surplus": "left over, since the quota was full",
}
_OF_TABLES = {  # where only exact copies are rejected
    "copied_prompt": "a copy of a row shown in the prompt",
    "copied_real": "a copy of another real row",
    "duplicate": "a copy of a row generated before",
}
_FOR_THE_MODEL = (
    "use a stronger model or say more in task, label_descriptions and the instructions of prompt"
)
_LONGER = "train longer (epochs of the generator's training)"
_TO_TRAIN = f"{_LONGER} or describe the classes in label_descriptions"
_TO_VARY = (
    "raise the temperature or loosen near_duplicate_threshold of accept (exact copies stay "
    "rejected)"
)
_TO_VARY_TABLES = "raise the temperature or keep copies with TableFilter(reject_copies=False)"
_MORE_ROWS = "record more rows"
_AS_REAL_ROWS = "write the values of recorded rows as the real rows have them"
_TO_THINK = 1000  # tokens, to begin with
_ADVICE = {
    "thinking": "",  # said with a number, too
    "truncated": "",  # said with a number
    "surplus": "",
    "too_short": "loosen length_tolerance of accept",
    "too_long": "loosen length_tolerance of accept",
    "copied_prompt": _TO_VARY,
    "copied_real": _TO_VARY,
    "duplicate": _TO_VARY,
    "out_of_range": "raise range_margin of accept",
    "wrong_class": "use another verifier or none",
    "unverified": "use another verifier or a larger budget",
    "parent_elsewhere": _MORE_ROWS,
    "exhausted": _MORE_ROWS,
    "refused": "see what the endpoint objects to",
}


def report_shortfall(run: GenerationRun, stopped_by: str, on_shortfall: str) -> None:
    """Warn or raise if a cell has fewer rows than it wants, maybe since the budget ended it."""
    short = [quota for quota in run.quotas if quota.missing > 0]
    if not short or on_shortfall == "ignore":
        return
    lines = [
        f"class {quota.cell.key!r}: {len(quota.accepted)} of {quota.cell.wanted} rows after "
        f"{quota.sent} requests; rejected: {_counted(run, quota)}"
        for quota in short
    ]
    message = (
        "Fewer rows were generated than wanted. "
        + (f"The budget's {stopped_by} is used up. " if stopped_by else "")
        + "; ".join(lines)
        + ". The candidates and the reason for each are in provenance_. "
        + ", ".join(_advice(run, short, stopped_by))
        + ", or ask for fewer rows with sampling_strategy."
    )
    if on_shortfall == "error":
        raise NotEnoughGeneratedError(message)
    warnings.warn(message, GenerationWarning, stacklevel=caller_level())


def _advice(run: GenerationRun, short: list[Quota], stopped_by: str) -> list[str]:
    """Return what would help against the reasons there are, the most frequent first."""
    reasons = sum((run.rejections(quota.cell) for quota in short), Counter())
    advice = dict.fromkeys(
        _ADVICE.get(reason, _FOR_THE_MODEL) for reason, _ in reasons.most_common()
    )
    other = _other_advice(run)
    advice = dict.fromkeys(other.get(each, each) for each in advice)
    now = getattr(run.generator, "max_new_tokens", None)
    cut = sum(run.cut(quota.cell) for quota in short)
    if cut and all(q.max_new_tokens and q.max_new_tokens < (now or 0) for q in short):
        # Their own rows bound them, whatever the generator admits.
        shorter = "ask for shorter rows in the instructions of prompt"
        shorter = _LONGER if run.rows.writer.form == "fine_tuned" else shorter
        why = f"since {cut} answers were longer than any real row of the class"
        advice = {f"{shorter}, {why}": None} | advice
    elif cut:
        longest = max((t for q in short for t in run.rows.texts[q.cell.positions]), key=len)
        enough = run.rows.writer.n_rows * run.generator.count_tokens(longest)
        advice = {
            f"set max_new_tokens of the generator (now {now}) to {max(2 * (now or 0), enough)} or "
            f"more, since {cut} answers were cut short": None
        } | advice
    if thinking := reasons["thinking"]:
        now = getattr(run.generator, "thinking_tokens", None)
        more = "" if now is None else f"set thinking_tokens of the generator (now {now}) to "
        more += "" if now is None else f"{max(2 * now, _TO_THINK)} or more, or "
        advice = {
            f"{more}turn the model's thinking off, since {thinking} answers ended before it did or "
            "were cut before they began": None
        } | advice
    if any(q.accepted and q.sent >= q.max_requests and not q.exhausted for q in short):
        advice["raise max_attempts"] = None
    if stopped_by:
        advice = {f"raise {stopped_by} of budget": None} | advice
    found = [text for text in advice if text] or ["raise max_attempts"]
    return [found[0][0].upper() + found[0][1:], *found[1:]]


def _other_advice(run: GenerationRun) -> dict[str, str]:
    """Return what to say in place of advice for models that read prompts, and for texts."""
    form = run.rows.writer.form
    if form == "none":  # no model is asked
        mend = _AS_REAL_ROWS if isinstance(run.rows, TableFormat) else _MORE_ROWS
        return {_TO_VARY: _MORE_ROWS, _FOR_THE_MODEL: mend}
    other = {_FOR_THE_MODEL: _TO_TRAIN} if form == "fine_tuned" else {}
    return other | ({_TO_VARY: _TO_VARY_TABLES} if isinstance(run.rows, TableFormat) else {})


def _counted(run: GenerationRun, quota: Quota) -> str:
    counts = run.rejections(quota.cell)
    if not counts:
        return "none"
    meaning = REASONS | (_OF_TABLES if isinstance(run.rows, TableFormat) else {})
    return ", ".join(f"{n} {reason} ({meaning[reason]})" for reason, n in counts.most_common())
