"""What is accepted as a new row of a table."""

from numbers import Real
from typing import ClassVar

from sklw._compat.scikit_learn import Interval
from sklw.over_sampling._prompting import Settings

__all__ = ["TableFilter"]


class TableFilter(Settings):
    """Accept rows whose values fit their columns and which are no copies.

    Parameters
    ----------
    range_margin : float, default=0.01
        Share of a column's range by which a generated number or date may exceed it; the default
        is about the precision in which a model sees numbers. Columns without negative values stay
        so. Raise it for many columns and few real rows: then most rows, real ones too, have a
        value beyond those seen so far.
    reject_copies : bool, default=True
        Whether to reject rows that repeat a real row or a row accepted before. None is rejected
        for that if more than 5 % of the real rows are repeats themselves.

    See Also
    --------
    TextFilter : The same for texts.

    Examples
    --------
    >>> from sklw import LLMOverSampler
    >>> from sklw.over_sampling import TableFilter
    >>> LLMOverSampler(accept=TableFilter(range_margin=0.1))
    LLMOverSampler(accept=TableFilter(range_margin=0.1))
    """

    _parameter_constraints: ClassVar[dict] = {
        "range_margin": [Interval(Real, 0, None, closed="left")],
        "reject_copies": ["boolean"],
    }

    def __init__(self, range_margin: float = 0.01, *, reject_copies: bool = True) -> None:
        self.range_margin = range_margin
        self.reject_copies = reject_copies
