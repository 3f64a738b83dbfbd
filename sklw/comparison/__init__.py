"""Compare ways of dealing with imbalance on the same splits: what the CLI and benchmarks use."""

from sklw.comparison._eda import EDAOverSampler
from sklw.comparison._folder import read_generated, read_results
from sklw.comparison._methods import CLASSIFIERS, METHODS, TABLE_CLASSIFIERS, build
from sklw.comparison._metrics import METRICS, evaluate
from sklw.comparison._report import ComparisonReport
from sklw.comparison._runner import compare, estimate
from sklw.comparison._settings import Settings
from sklw.comparison._table import format_table, summarize

__all__ = [
    "CLASSIFIERS",
    "METHODS",
    "METRICS",
    "TABLE_CLASSIFIERS",
    "ComparisonReport",
    "EDAOverSampler",
    "Settings",
    "build",
    "compare",
    "estimate",
    "evaluate",
    "format_table",
    "read_generated",
    "read_results",
    "summarize",
]
