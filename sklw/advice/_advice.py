"""What :func:`sklw.advise` found, in sentences and as frames."""

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["ALL_CLASSES", "Advice", "verdict_on"]

ALL_CLASSES = "all classes"
_LIKELY = 0.75
_NAMES = {"balanced_accuracy": "Balanced accuracy", "f1_macro": "Macro-F1"}
_CONCLUSIONS = {
    "worth trying": "Generating is worth trying",
    "unclear": "Whether generating would pay cannot be told from so few rows",
    "hardly worth it": "Generating is hardly worth it",
}


def verdict_on(gains: np.ndarray, worth: float) -> str:
    """Say whether a gain that is worth generating for is likely, from draws of the gain."""
    probability = (gains >= worth).mean()
    if probability >= _LIKELY:
        return "worth trying"
    return "hardly worth it" if probability <= 1 - _LIKELY else "unclear"


@dataclass(frozen=True)
class Advice:
    """What more rows of each class could bring.

    Printed, it reads as sentences; a notebook shows these and the frame.

    Attributes
    ----------
    frame : DataFrame
        A row for each class smaller than the largest, the rarest first, or one for all classes
        where they are equally large: `n_rows`, the `gain` of the score if these were twice as many
        (0.01 is one point) with its interval from `low` to `high`, the `verdict` (``"worth
        trying"``, ``"hardly worth it"``, ``"unclear"`` or ``"too few rows"``), and the `tokens`
        that a language model would read and write for that many new rows.
    methods : DataFrame
        `score`, `low` and `high` of what needs no new rows: ``"nothing"``, ``"class weights"`` and
        for two classes ``"tuned threshold"``.
    curves : DataFrame
        The `score` with class weights at `n_rows` of a `label`: `measured`, or else continued.
    scoring : str
        The score.
    confidence : float
        Level of the intervals.

    See Also
    --------
    sklw.advise : Makes it.
    """

    frame: pd.DataFrame
    methods: pd.DataFrame
    curves: pd.DataFrame
    scoring: str
    confidence: float

    def __str__(self) -> str:
        return "\n".join(self._sentences())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in self._sentences())
        return sentences + self.frame.to_html(float_format="{:.3f}".format)

    def _sentences(self) -> list[str]:
        known = self.methods.iterrows()
        scores = [f"{s.score:.3f} [{s.low:.3f}, {s.high:.3f}] with {name}" for name, s in known]
        return [
            f"{_NAMES[self.scoring]} of logistic regression, cross-validated, with "
            f"{self.confidence:.0%} intervals: {', '.join(scores)}.",
            *(_sentence(label, row) for label, row in self.frame.iterrows()),
            *self._caveats(),
        ]

    def _caveats(self) -> list[str]:
        found = []
        score = self.methods["score"]
        if score.idxmax() != "class weights":
            better = 100 * (score.max() - score["class weights"])
            found.append(
                f"The gains are over class weights; {score.idxmax()} alone gives {better:.1f} "
                "points more than these, without a new row."
            )
        if self.frame["gain"].notna().any():
            found.append(
                "These are gains by real rows. As many generated rows rarely bring more, so take "
                "them as the most to expect."
            )
        return found


def _sentence(label: Any, row: pd.Series) -> str:
    n_rows = f"{row.n_rows:,} row{'s' if row.n_rows > 1 else ''}"
    start = f"{label!r}, {n_rows}:" if label is not ALL_CLASSES else f"All classes, {n_rows}:"
    if row.verdict == "too few rows":
        return f"{start} too few to measure what more would bring."
    return (
        f"{start} twice as many would bring about {100 * row.gain:+.1f} points "
        f"[{100 * row.low:.1f}, {100 * row.high:.1f}]. {_CONCLUSIONS[row.verdict]}: "
        f"{n_rows} would cost about {row.tokens:,.0f} tokens."
    )
