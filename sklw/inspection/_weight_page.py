"""What the page of weights says: the verdict, a histogram for each class, and the rows."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from sklw._html import Example, examples_of, render, significant
from sklw._row_weights import effective_sample_size

__all__ = ["verdict_on", "weight_page"]

_FAINT = 0.1  # of the mean weight of synthetic rows: below it a row hardly counts
_N_BINS = 24
_HEIGHT = 36


def weight_page(
    frame: pd.DataFrame,
    summary: pd.DataFrame,
    columns: Sequence[str],
    *,
    finished: bool,
    title: str,
    n_rows: int,
    settings: Mapping[str, Any],
    command: str,
) -> str:
    """Make the page; `columns` are those of the rows themselves."""
    headline, *sentences = verdict_on(frame, summary, finished)
    made = frame[frame["synthetic"]]
    top = float(made["weight"].max()) if len(made) else 0.0
    examples, examples_title = _examples(made, columns, n_rows)
    return render(
        "weights",
        title=title,
        headline=headline,
        sentences=sentences,
        classes=[_histogram(made, label, row, top) for label, row in summary.iterrows()]
        if top > 0 and finished
        else [],
        top=top,
        numbers=_numbers(summary),
        examples=examples,
        examples_title=examples_title,
        content_title="Text" if list(columns) == ["text"] else "Row",
        settings=settings,
        command=command,
    )


def verdict_on(frame: pd.DataFrame, summary: pd.DataFrame, finished: bool) -> list[str]:
    """Say in sentences what the synthetic rows are worth, if their weights are finished."""
    return [_headline(frame, summary), *_sentences(frame, finished)]


def _headline(frame: pd.DataFrame, summary: pd.DataFrame) -> str:
    n_made = int(frame["synthetic"].sum())
    if not n_made:
        return "All rows are real: there is nothing to weight."
    equivalent = summary["real_rows_equivalent"]
    if equivalent.isna().any():  # a class without real rows to compare with
        return _count(n_made, "synthetic row")
    worth = f"{_count(n_made, 'synthetic row')} {_verb(n_made, 'counts', 'count')} as much as"
    n_faint = len(_faint(frame[frame["synthetic"]]))
    but = f", and {n_faint:,} of them {_verb(n_faint, 'carries', 'carry')} nearly nothing"
    return f"{worth} {_about(equivalent.sum())} real ones{but if n_faint else ''}."


def _sentences(frame: pd.DataFrame, finished: bool) -> list[str]:
    made, weights = frame[frame["synthetic"]], frame["weight"]
    if not len(made):
        return []
    own = made["weight"]
    share = own.sum() / weights.sum() if weights.sum() else 0.0
    n_real = _count(len(frame) - len(made), "real row")
    start = f"There {_verb(len(frame) - len(made))} {n_real} and "
    start += _count(len(made), "synthetic row")
    if not finished:
        return [
            f"{start}. The classifier finishes the weights of synthetic rows at each step of its "
            "training, from their quality: what they are worth is not known before."
        ]
    sentences = [
        f"{start}, which {_verb(len(made), 'has', 'have')} {_percent(share)} of the total weight."
    ]
    if own.max() == own.min():
        return (
            [*sentences, "All synthetic rows have the same weight."] if len(made) > 1 else sentences
        )
    sentences.append(
        f"Their weights differ: {_count(len(made), 'row')} with these weights are worth about "
        f"{effective_sample_size(own.to_numpy()):,.0f} of equal weight."
    )
    return [*sentences, _about_faint(made)]


def _faint(made: pd.DataFrame) -> pd.DataFrame:
    return made[made["weight"] < _FAINT * made["weight"].mean()]


def _about_faint(made: pd.DataFrame) -> str:
    faint = _faint(made)
    bound = "less than a tenth of the mean weight of a synthetic row"
    if not len(faint):
        return f"None of them carries nearly nothing ({bound})."
    n, share = len(faint), len(faint) / len(made)
    sentence = (
        f"{n:,} of them ({_percent(share)}) {_verb(n, 'carries', 'carry')} nearly nothing ({bound})"
    )
    if "likeliest_class" not in faint:
        return f"{sentence}."
    other = int((faint["likeliest_class"] != faint["label"]).sum())
    if other == n:
        return f"{sentence}: to the checker {_verb(n, 'it looks', 'they look')} like another class."
    if not other:
        looks = _verb(n, "it looks like its", "they look like their")
        return f"{sentence}, although to the checker {looks} own class."
    return (
        f"{sentence}: to the checker {other:,} {_verb(other, 'looks', 'look')} like another class; "
        "for the others see the reasons below."
    )


def _about(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else significant(value, 2)


def _percent(share: float) -> str:
    """Return whole percents, of which neither 0 nor 100 stands for anything else."""
    if 0 < share < 0.005:
        return "less than 1%"
    return "more than 99%" if 0.995 <= share < 1 else f"{share:.0%}"


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _verb(n: int, one: str = "is", many: str = "are") -> str:
    return one if n == 1 else many


def _histogram(made: pd.DataFrame, label: Any, row: pd.Series, top: float) -> dict[str, Any]:
    counts, edges = np.histogram(made.loc[made["label"] == label, "weight"], _N_BINS, (0.0, top))
    width = 100 / _N_BINS
    bars = [
        {
            "x": round(place * width, 2),
            "width": round(width * 0.9, 2),
            "height": max(1.0, round(_HEIGHT * count / counts.max(), 1)),
            "title": f"{_count(int(count), 'row')} with a weight from {significant(low, 2)} to "
            f"{significant(high, 2)}",
        }
        for place, (count, low, high) in enumerate(zip(counts, edges, edges[1:], strict=False))
        if count
    ]
    sentence = f"{row['real']:,.0f} real, {row['synthetic']:,.0f} synthetic"
    if row["synthetic"] and not np.isnan(row["real_rows_equivalent"]):
        sentence += f" that count as {_about(row['real_rows_equivalent'])} real ones"
    if row["synthetic"] and "labelled_otherwise" in row:
        sentence += f"; {_percent(row['labelled_otherwise'])} look like another class"
    return {"name": str(label), "bars": bars, "sentence": sentence}


def _numbers(summary: pd.DataFrame) -> Markup:
    table = summary.rename(columns=lambda name: name.replace("_", " ")).reset_index()
    return Markup(
        table.to_html(
            index=False,
            border=0,
            classes="numbers",
            float_format=partial(significant, digits=3),
            na_rep="",
        )
    )


def _examples(made: pd.DataFrame, columns: Sequence[str], n_rows: int) -> tuple[list[Example], str]:
    ordered = made.sort_values("weight", ascending=False, kind="stable").drop(columns="synthetic")
    if len(ordered) <= 2 * n_rows:
        shown, title = ordered, "The synthetic rows, highest weights first"
    else:
        shown = pd.concat([ordered.head(n_rows), ordered.tail(n_rows)])
        title = f"The {n_rows} highest and the {n_rows} lowest of {len(made):,} weights"
    rows = shown[list(columns)]
    contents: Any = rows["text"] if list(columns) == ["text"] else rows.to_dict("records")
    return examples_of(shown.drop(columns=list(columns)), contents, weight="weight"), title
