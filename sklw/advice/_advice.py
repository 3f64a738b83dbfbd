"""What :func:`sklw.advise` found, in sentences and as frames."""

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["ALL_CLASSES", "Advice", "verdict_on"]

ALL_CLASSES = "all classes"
_CAVEAT = (
    "This is what real rows would bring. As many generated rows rarely bring more: take it as the "
    "most to expect."
)
_LIKELY, _UNLIKELY = 0.75, 0.15
_NAMES = {"balanced_accuracy": "Balanced accuracy", "f1_macro": "Macro-F1"}
_CONCLUSIONS = {
    "worth trying": "Generating is worth trying: {n_rows} would cost about {tokens} tokens.",
    "unclear": "Whether that pays is unclear: {n_rows} would cost about {tokens} tokens.",
    "hardly worth it": "Generating is hardly worth it.",
}


def verdict_on(gains: np.ndarray, worth: float) -> str:
    """Say whether a gain that is worth generating for is likely, from draws of the gain."""
    probability = (gains >= worth).mean()
    if probability >= _LIKELY:
        return "worth trying"
    return "hardly worth it" if probability <= _UNLIKELY else "unclear"


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
        `score`, `low` and `high` of what needs no new rows: ``"nothing"``, ``"class weights"`` and,
        where there is a curve, ``"tuned class weights"`` (for two classes a threshold).
    curves : DataFrame
        The `score` with tuned class weights at `n_rows` of a `label`: `measured`, or continued.
    scoring : str
        The score.
    confidence : float
        Level of the intervals.

    See Also
    --------
    sklw.advise : Makes it.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklw import advise
    >>> advice = advise(*make_classification(200, weights=[0.8], random_state=0), random_state=0)
    >>> advice.methods.index.tolist()
    ['nothing', 'class weights', 'tuned class weights']
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
        scores = [
            f"{row.score:.3f} [{row.low:.3f}, {row.high:.3f}] with {name}"
            for name, row in self.methods.iterrows()
        ]
        found = [
            f"{_NAMES[self.scoring]} of logistic regression, cross-validated, with "
            f"{100 * self.confidence:g}% intervals: {', '.join(scores)}.",
            *(_sentence(label, row) for label, row in self.frame.iterrows()),
        ]
        if self.frame["gain"].notna().any():
            found += [*self._better_than_weights(), _CAVEAT]
        return found

    def _better_than_weights(self) -> list[str]:
        scores = self.methods["score"]
        points = 100 * (scores.iloc[-1] - scores["class weights"])
        if points < 0.1:
            return []
        return [
            "These gains are over tuned class weights, which bring "
            f"{points:.1f} points over class weights without any new row: start with them."
        ]


def _sentence(label: Any, row: pd.Series) -> str:
    n_rows = f"{row.n_rows:,} row{'s' if row.n_rows > 1 else ''}"
    start = "All classes" if label == ALL_CLASSES else f"Class {label!r}"
    if row.verdict == "too few rows":
        return f"{start}, {n_rows}: too few to measure what more would bring."
    conclusion = _CONCLUSIONS[row.verdict].format(
        n_rows=n_rows, tokens=f"{float(f'{row.tokens:.2g}'):,.0f}"
    )
    return (
        f"{start}, {n_rows}: twice as many would bring about {100 * row.gain:+.1f} points "
        f"[{100 * row.low:.1f}, {100 * row.high:.1f}]. {conclusion}"
    )
