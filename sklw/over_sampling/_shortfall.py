"""Saying loudly that fewer rows were generated than wanted."""

import warnings

from sklw.exceptions import GenerationWarning, NotEnoughGeneratedError
from sklw.over_sampling._filters import REASONS
from sklw.over_sampling._rounds import GenerationRun, Quota

__all__ = ["report_shortfall"]


def report_shortfall(run: GenerationRun, stopped_by: str, on_shortfall: str) -> None:
    """Warn or raise if a cell has fewer rows than it wants.

    Parameters
    ----------
    run : GenerationRun
        After it has run.
    stopped_by : str
        The bound of the budget that ended it, "" if none did.
    on_shortfall : {"warn", "error", "ignore"}
        What to do.
    """
    short = [quota for quota in run.quotas if quota.missing > 0]
    if not short or on_shortfall == "ignore":
        return
    lines = [
        f"class {quota.cell.key!r}: {len(quota.rows)} of {quota.cell.wanted} rows after "
        f"{quota.sent} requests; rejected: {_counted(run, quota)}"
        for quota in short
    ]
    message = (
        "Fewer rows were generated than wanted. "
        + (f"The budget's {stopped_by} is used up. " if stopped_by else "")
        + "; ".join(lines)
        + ". The candidates and the reason for each are in provenance_. Raise max_attempts, "
        "use a stronger model, say more in task, label_descriptions and instructions, loosen "
        "near_duplicate_threshold or length_tolerance, or ask for fewer rows with "
        "sampling_strategy."
    )
    if on_shortfall == "error":
        raise NotEnoughGeneratedError(message)
    warnings.warn(message, GenerationWarning, stacklevel=4)


def _counted(run: GenerationRun, quota: Quota) -> str:
    counts = run.rejections(quota.cell)
    if not counts:
        return "none"
    return ", ".join(f"{n} {reason} ({REASONS[reason]})" for reason, n in counts.most_common())
