"""A table of rows with their weights and the reasons for them."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sklw._html import in_frame, write_page
from sklw._parents import check_parents
from sklw._row_weights import effective_sample_size
from sklw._validation import check_texts, holds_texts, refuse_arrow
from sklw.inspection._fitted import fitted_labels
from sklw.inspection._weight_page import verdict_on, weight_page
from sklw.over_sampling._cells import sort_key

__all__ = ["WeightReport"]

_ADDED = [
    "label", "synthetic", "weight", "quality", "diversity", "likeliest_class",
    "likeliest_probability", "reason", "parents",
]  # fmt: skip
_CALLS = """\
weighter = {weighter}
weighter.fit(X, y, synthetic=sampler.synthetic_mask_, parent_indices=sampler.parent_indices_)
weighter.report(X, y, provenance=sampler.provenance_).to_html("weights.html")"""


class WeightReport:
    """What weight each row got, and why.

    Build it with :meth:`from_estimator` or :meth:`sklw.SyntheticWeighter.report`. Notebooks show it
    as a page.

    Attributes
    ----------
    frame : DataFrame
        A row for each row weighted, in its order: `text` (or the columns of the table), `label`,
        `synthetic`, `weight`, `quality`, `diversity`, `likeliest_class` and its
        `likeliest_probability` under the quality checker, `reason`, `parents` if they are known,
        and what the provenance says of it.
    summary : DataFrame
        A row for each class: number of real and of synthetic rows, their total weights, the
        effective sample size of the synthetic ones, how many real rows of the class they count
        as (both NaN if the classifier finishes the weights, as for DIMP-Loss), and the share the
        checker would label otherwise.
    verdict : str
        What the synthetic rows are worth, in a few sentences.

    Examples
    --------
    >>> import numpy as np
    >>> from sklw import SyntheticWeighter, WeightReport
    >>> X = np.array([[0.0], [0.2], [0.4], [2.0], [2.2], [2.4], [2.1], [0.1]])
    >>> y = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    >>> weighter = SyntheticWeighter().fit(X, y, synthetic=np.arange(8) >= 6)
    >>> report = WeightReport.from_estimator(weighter, X, y)
    >>> report.summary[["real", "synthetic"]].values.tolist()
    [[3, 0], [3, 2]]
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        summary: pd.DataFrame,
        title: str,
        columns: Sequence[str],
        weighter: str,
        finished: bool,
    ) -> None:
        self.frame = frame
        self.summary = summary
        self._title = title
        self._columns = columns  # of the rows themselves
        self._weighter = weighter
        self._finished = finished  # or does the classifier finish the weights

    @classmethod
    def from_estimator(
        cls, weighter: Any, X: Any, y: Any, *, provenance: Any = None, parent_indices: Any = None
    ) -> "WeightReport":
        """Report on a fitted weighter.

        Parameters
        ----------
        weighter : SyntheticWeighter
            Fitted.
        X, y, provenance, parent_indices
            As in :meth:`sklw.SyntheticWeighter.report`.

        Returns
        -------
        report : WeightReport
            The report.
        """
        return _build(weighter, X, y, provenance, parent_indices)

    def __repr__(self) -> str:
        made = int(self.frame["synthetic"].sum())
        return f"WeightReport({len(self.frame)} rows, {made} synthetic)"

    @property
    def verdict(self) -> str:
        """What the synthetic rows are worth, in a few sentences."""
        return "\n".join(verdict_on(self.frame, self.summary, self._finished))

    def to_html(
        self,
        path: Any = None,
        *,
        n_rows: int = 50,
        settings: Mapping[str, Any] | None = None,
        command: str | None = None,
    ) -> str:
        """Make a page of it.

        The page says first what the synthetic rows are worth, then shows their weights by class
        and the rows with their reasons, which can be filtered and sorted.

        Parameters
        ----------
        path : str or path-like, default=None
            File to write the page to.
        n_rows : int, default=50
            How many of the highest and of the lowest weighted rows to show.
        settings : mapping of str to object, default=None
            What else to show among the settings, such as the sampler and its ``usage_``.
        command : str, default=None
            The command that makes the page again; None shows the calls in Python.

        Returns
        -------
        page : str
            The page; it needs no other file.
        """
        page = weight_page(
            self.frame,
            self.summary,
            self._columns,
            finished=self._finished,
            title=self._title,
            n_rows=n_rows,
            settings={"weighter": self._weighter, **(settings or {})},
            command=_CALLS.format(weighter=self._weighter) if command is None else command,
        )
        if path is not None:
            write_page(path, page)
        return page

    def _repr_html_(self) -> str:
        return in_frame(self.to_html(n_rows=10))


def _build(weighter: Any, X: Any, y: Any, provenance: Any, parent_indices: Any) -> WeightReport:
    labels = fitted_labels(weighter, X, y, "report")
    rows, is_text = _as_frame(X), holds_texts(X)
    # What the report adds keeps its name; a column of the table that is called so gets another.
    of_provenance = [] if provenance is None or is_text else list(pd.DataFrame(provenance).columns)
    rows = rows.rename(columns={name: f"{name} (column)" for name in [*_ADDED, *of_provenance]})
    columns = list(rows.columns)
    frame = rows.assign(
        label=labels,
        synthetic=weighter.synthetic_mask_,
        weight=weighter.sample_weight_,
        quality=weighter.quality_,
        diversity=weighter.diversity_,
    )
    if hasattr(weighter, "quality_probabilities_"):
        probabilities = np.nan_to_num(weighter.quality_probabilities_)
        frame["likeliest_class"] = weighter.classes_[probabilities.argmax(axis=1)]
        frame["likeliest_probability"] = probabilities.max(axis=1)
    method = type(weighter.method_).__name__
    frame["reason"] = [_reason(row, method) for row in frame.to_dict("records")]
    parent_indices = check_parents(parent_indices, weighter.synthetic_mask_)
    if parent_indices is not None:
        shown = rows[columns[0]] if len(columns) == 1 else pd.Series(rows.index)
        frame["parents"] = [
            "; ".join(str(shown.iloc[parent]) for parent in parents) for parents in parent_indices
        ]
    if provenance is not None:
        frame = _with_provenance(frame, provenance, is_text)
    given = weighter.method if isinstance(weighter.method, str) else repr(weighter.method)
    chosen = f": {weighter.best_params_['method']}" if weighter.best_params_ else ""
    title = f"Weights by {given}{chosen}"
    finished, summary = weighter.row_weights_.finish is None, _summary(frame)
    if not finished:
        summary[["effective_sample_size", "real_rows_equivalent"]] = np.nan
    return WeightReport(frame, summary, title, columns, repr(weighter), finished)


def _as_frame(X: Any) -> pd.DataFrame:
    if holds_texts(X):
        return pd.DataFrame({"text": check_texts(X, estimator_name="report")}, dtype=object)
    if isinstance(X, pd.DataFrame):
        return X.reset_index(drop=True)
    refuse_arrow(X, "report")
    table = X.toarray() if hasattr(X, "toarray") else np.asarray(X)
    unnamed = [f"x{column}" for column in range(table.shape[1])]
    return pd.DataFrame(table, columns=list(getattr(X, "columns", unnamed)))  # polars has names


def _reason(row: Mapping[Hashable, Any], method: str) -> str:
    if not row["synthetic"]:
        return "real"
    quality = row["quality"]
    if np.isnan(quality):
        if not np.isnan(row["diversity"]):
            return f"Q {row['diversity']:.2f}"
        return "all count alike" if method == "Uniform" else f"found by {method}"
    if row["likeliest_class"] != row["label"]:
        reason = (
            f"looks like {row['likeliest_class']!s} ({row['likeliest_probability']:.2f}) rather "
            f"than {row['label']!s} ({quality:.2f})"
        )
    else:
        reason = f"looks like its label ({quality:.2f})"
    if not np.isnan(row["diversity"]):
        common = "like" if row["diversity"] > quality else "unlike"
        reason += f"; {common} the other synthetic rows (Q {row['diversity']:.2f})"
    return reason


def _with_provenance(frame: pd.DataFrame, provenance: Any, is_text: bool) -> pd.DataFrame:
    known = pd.DataFrame(provenance)
    if not {"text", "label"} <= set(known.columns):
        raise ValueError(
            "provenance must be a frame with the columns text and label, such as the sampler's "
            f"provenance_, got the columns {list(known.columns)}."
        )
    if "accepted" in known:
        accepted = known["accepted"].astype(bool)
        known = known[accepted].drop(columns=["accepted", "reason"], errors="ignore")
    known = known.drop(columns="parents", errors="ignore")
    taken = set(frame.columns) - {"text", "label"}
    known = known.rename(columns={name: f"{name} (provenance)" for name in taken})
    # Types with a missing value: numbers of prompts stay whole where real rows have none.
    whole = dict.fromkeys(known.select_dtypes("integer"), "Int64")
    known = known.astype(whole | dict.fromkeys(known.select_dtypes("bool"), "boolean"))
    if not is_text:
        return _with_provenance_of_table(frame, known)
    known = known.drop_duplicates(["text", "label"])
    merged = frame.merge(known, on=["text", "label"], how="left")
    new = [column for column in known.columns if column not in ("text", "label")]
    # A real row that was generated again is still real.
    merged.loc[~merged["synthetic"], new] = None
    return merged


def _with_provenance_of_table(frame: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Join by place: the text of a table's row is not in the table."""
    if {"group", "purpose"} <= set(known.columns):
        known = known.iloc[_order_of_rows(known)]
    made = np.flatnonzero(frame["synthetic"])
    if known["label"].tolist() != frame["label"].iloc[made].tolist():
        raise ValueError(
            f"provenance tells of {len(known)} accepted rows, which are not the {len(made)} "
            "synthetic rows of X. Pass the provenance_ of the sampler that made X, and what its "
            "fit_resample returned, unchanged."
        )
    known = known.drop(columns=["text", "label"]).set_axis(frame.index[made])
    return frame.join(known)


def _order_of_rows(accepted: pd.DataFrame) -> list[int]:
    """Return the sampler's order: rows for balance by cell, then those beyond it.

    Cells without rows for balance come last there.
    """
    grouped = accepted["group"].notna().any()
    cells = [
        (label, group) if grouped else label
        for label, group in zip(accepted["label"], accepted["group"], strict=True)
    ]
    beyond = (accepted["purpose"] == "augment").tolist()
    balanced = {cell for cell, is_beyond in zip(cells, beyond, strict=True) if not is_beyond}
    keys = [(beyond[at], cell not in balanced, sort_key(cell)) for at, cell in enumerate(cells)]
    return sorted(range(len(cells)), key=keys.__getitem__)


def _summary(frame: pd.DataFrame) -> pd.DataFrame:
    rows = {}
    for label, part in frame.groupby("label"):
        made = part[part["synthetic"]]
        of_real = part["weight"][~part["synthetic"]].mean()
        rows[label] = {
            "real": int((~part["synthetic"]).sum()),
            "synthetic": len(made),
            "real_weight": part["weight"].sum() - made["weight"].sum(),
            "synthetic_weight": made["weight"].sum(),
            "effective_sample_size": effective_sample_size(made["weight"].to_numpy()),
            "real_rows_equivalent": made["weight"].sum() / of_real if of_real else np.nan,
        }
        if "likeliest_class" in part and len(made):
            rows[label]["labelled_otherwise"] = (made["likeliest_class"] != label).mean()
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("label")
