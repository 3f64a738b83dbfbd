"""Checks of texts and labels shared by every estimator that reads them."""

import warnings
from collections.abc import Iterable
from enum import Enum
from numbers import Real
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from sklw._callers import caller_level
from sklw._copies import folded

__all__ = [
    "ENCODED_LABELS",
    "ENCODED_RECORDS",
    "check_encodable",
    "check_groups",
    "check_labels",
    "check_mask",
    "check_one_label_each",
    "check_texts",
    "hint_at_numbered_classes",
    "holds_texts",
    "is_encodable",
    "refuse_arrow",
    "refuse_masked",
    "warn_of_alike_labels",
]

_ENCODED = (
    " If these are not your labels, a meta-estimator has encoded them, as cross_val_predict, "
    "VotingClassifier, StackingClassifier and OneVsRestClassifier do. Encode y with LabelEncoder "
    "first{}. OneVsRestClassifier merges classes, so put the sampler before it: "
    "make_pipeline(sampler, OneVsRestClassifier(...))."
)
ENCODED_LABELS = _ENCODED.format(
    " and name the classes by number: label_names=dict(enumerate(encoder.classes_))"
)
ENCODED_RECORDS = _ENCODED.format(
    ', and the labels of the records with it: records["label"] = '
    'encoder.transform(records["label"])'
)


def check_texts(X: Any, *, estimator_name: str, encodable: bool = False) -> np.ndarray:
    """Check that `X` is a collection or a column of texts, and return it as a 1-D array.

    `encodable` says that models are to read them.
    """
    texts = _to_column(X, estimator_name)
    if not len(texts):
        raise ValueError(
            f"{estimator_name} got 0 texts (Found array with 0 sample(s)) while a minimum of 1 "
            "is required."
        )
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            _raise_not_text(position, text, estimator_name)
    if encodable:
        check_encodable(texts)
    return texts


def is_encodable(text: str) -> bool:
    """Whether a text can be written anywhere: half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_encodable(texts: Iterable[str]) -> None:
    """Refuse what no model can read, before any is asked."""
    for position, text in enumerate(texts):
        if not is_encodable(text):
            raise ValueError(
                f"Row {position} of X holds half of a character (a lone surrogate: {text[:60]!a}), "
                "which no model can read. Repair it: text.encode('utf-16', 'surrogatepass')"
                ".decode('utf-16', 'replace')."
            )


def _to_column(X: Any, name: str) -> np.ndarray:
    """Return `X` as a 1-D array of object, whatever its elements are."""
    if isinstance(X, str):
        raise TypeError(
            f"{name} expects a collection of texts, got a single string. Pass a list: [text]."
        )
    if sparse.issparse(X):
        raise TypeError(
            f"{name} expects texts, got a sparse matrix. Pass the raw texts: this step stands "
            "before any vectorizer."
        )
    refuse_masked(X, name)
    if isinstance(X, (list, tuple)):
        # np.array would turn rows of equal length into a 2-D array.
        return np.fromiter((_plain(item) for item in X), dtype=object, count=len(X))
    if not isinstance(X, (np.ndarray, pd.Series, pd.DataFrame, pd.Index)) and not hasattr(
        X, "__array__"
    ):
        raise TypeError(
            f"{name} expects a list, ndarray or Series of str, got {type(X).__name__}. "
            "Pass a list of str."
        )
    array = np.asarray(X, dtype=object)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(
            f"{name} expects one text column, got an array of shape {array.shape}. Select the "
            'column, for example X["text"], or use a ColumnTransformer.'
        )
    return np.fromiter((_plain(item) for item in array), dtype=object, count=len(array))


def _plain(item: Any) -> Any:
    """Unwrap a row of one cell; make np.str_ a plain str, the type that tokenizers look for."""
    if isinstance(item, (list, tuple)) and len(item) == 1:
        item = item[0]
    return str(item) if isinstance(item, np.str_) else item


def refuse_masked(values: Any, name: str) -> None:
    """Refuse an array whose mask nobody would look at."""
    if np.ma.isMaskedArray(values):
        raise TypeError(
            f"{name} got a masked array, whose mask would be ignored. Pass values.filled(np.nan) "
            "for a table, and drop masked texts and labels."
        )


def refuse_arrow(table: Any, name: str) -> None:
    """Refuse a table of Arrow, which keeps its columns and their names in a way of its own."""
    if nw.dependencies.is_pyarrow_table(table):
        raise TypeError(f"{name} got a table of Arrow. Pass table.to_pandas().")


def _raise_not_text(position: int, value: Any, name: str) -> None:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        raise ValueError(
            f"{name} got a missing value ({value!r}) at position {position}. Drop the row, or "
            'fill it with X.fillna("").'
        )
    advice = (
        "Decode each of them, for example [text.decode() for text in X]."
        if isinstance(value, bytes)
        else "Convert with X.astype(str) if the values are meant as text; for a table of numbers "
        "use an estimator that reads numbers."
    )
    raise TypeError(
        f"{name} expects texts, got {type(value).__name__} at position {position}. {advice}"
    )


def holds_texts(X: Any) -> bool:
    """Whether `X` looks like texts, not like a table: judged by its first value."""
    if isinstance(X, str) or sparse.issparse(X) or np.ma.isMaskedArray(X):
        return False
    if isinstance(X, pd.Series):
        return not pd.api.types.is_numeric_dtype(X.dtype)
    if isinstance(X, np.ndarray) and X.dtype.kind not in "OUT":
        return False
    if isinstance(X, (list, tuple)):
        first = X[0] if X else None
        if isinstance(first, (list, tuple, np.ndarray)) and len(first) == 1:
            first = first[0]
        return isinstance(first, str)
    shape: Any = getattr(X, "shape", ())
    if not hasattr(X, "__array__") or (len(shape) == 2 and shape[1] != 1):
        return False
    values = np.asarray(X, dtype=object).ravel()
    known = values[~pd.isna(values)]
    return not len(known) or isinstance(known[0], str)


def check_labels(y: Any, *, estimator_name: str, warn: bool = False) -> np.ndarray:
    """Check that `y` holds one class for each row, all of one type, and return it as a 1-D array.

    Numbers beside strings are refused and booleans stay booleans. `warn` warns of the shape (n, 1).
    """
    if y is None:
        raise ValueError(
            f"{estimator_name} requires y to be passed, but the target y is None: it has to know "
            "the class of each row."
        )
    if sparse.issparse(y):
        raise TypeError(f"{estimator_name} got a sparse y. Pass y.toarray().")
    refuse_masked(y, estimator_name)
    given: Any = np.asarray(y)
    if isinstance(y, (list, tuple)):
        # np.asarray turns numbers beside strings into strings.
        plain = [_plain(label) for label in y]
        _refuse_renamed(plain)
        if not any(map(np.ndim, plain)):
            given = np.fromiter(plain, dtype=object, count=len(plain))
    if given.dtype.kind == "T":
        given = given.astype(object)
    values = column_or_1d(given, warn=warn)
    spelled = _spelled_nan(values)
    missing = np.flatnonzero(pd.isna(values) | spelled)
    if len(missing):
        raise ValueError(
            f"y has a missing label at position {missing[0]}, {len(missing)} in all. Drop these "
            "rows or label them."
            + ' If "nan" is the name of a class, pass y.tolist().'
            * bool(spelled.any())
        )
    if values.dtype.kind in "OS":
        plain = [label.item() if isinstance(label, np.generic) else label for label in values]
        _refuse_mixed(plain)
        of_array = not isinstance(y, (list, tuple)) and isinstance(next(iter(plain), None), str)
        values = np.fromiter(plain, object, len(plain)) if of_array else np.array(plain)
    check_classification_targets(values)
    return values


def check_one_label_each(labels: Any, n_rows: int) -> None:
    """Raise ValueError unless there is a label for each row."""
    if len(labels) != n_rows:
        raise ValueError(
            f"X has {n_rows} rows and y has {len(labels)}: found input variables with inconsistent "
            "numbers of samples. Pass one label for each row."
        )


def _refuse_renamed(labels: Iterable[Any]) -> None:
    """Refuse members of ``class Kind(str, Enum)``, which NumPy cuts and may merge."""
    for label in labels:
        if isinstance(label, Enum) and isinstance(label, str) and str(label) != label.value:
            raise TypeError(
                f"y holds {label!r}, which NumPy and scikit-learn would take for part of the text "
                f"{str(label)!r}. Pass [label.value for label in y]."
            )


def _spelled_nan(values: np.ndarray) -> np.ndarray:
    """Where numpy has made the string "nan" of a missing value."""
    return values == "nan" if values.dtype.kind == "U" else np.zeros(len(values), dtype=bool)


def _refuse_mixed(labels: list[Any]) -> None:
    kinds = (bool, str, bytes, int, float)  # a bool is an int too
    examples = {next((k for k in kinds if isinstance(x, k)), type(x)): x for x in reversed(labels)}
    if bytes in examples:
        raise TypeError(
            f"y holds bytes, such as {examples[bytes]!r}. Decode them: label.decode() for each."
        )
    if odd := next((label for kind, label in examples.items() if kind not in kinds), None):
        advice = "label.name" if isinstance(odd, Enum) else "str(label)"
        raise TypeError(
            f"y holds labels of the type {type(odd).__name__}, such as {odd!r}. Labels are "
            f"strings, numbers or booleans: pass [{advice} for label in y]."
        )
    if len(examples) > 1:
        shown = " and ".join(sorted(map(repr, examples.values())))
        raise TypeError(
            f"y must hold labels of one type, got {shown}. Convert them to one, for example with "
            "[str(label) for label in y]."
        )


def hint_at_numbered_classes(labels: Iterable[Any]) -> str:
    """Return what to do where labels may be numbers that a meta-estimator gave, else ""."""
    found = set(labels)
    numbers = all(isinstance(x, (Real, np.number)) and not isinstance(x, bool) for x in found)
    # OutputCodeClassifier makes -1 and 1, and ClassifierChain floats.
    if not numbers or found not in ({-1, 1}, set(range(len(found)))):
        return ""
    shown = "-1 and 1" if -1 in found else f"0 to {len(found) - 1}"
    return f" The labels that arrived are the numbers {shown}.{ENCODED_LABELS}"


def check_groups(groups: Any, n_rows: int) -> np.ndarray:
    """Check that there is one group for each row, and return plain Python values."""
    if np.ndim(groups) > 1:
        groups = np.asarray(groups)
        if groups.shape[1:] != (1,):
            raise ValueError(
                f"groups has the shape {groups.shape}. Pass one column, for example of pairs made "
                "into strings."
            )
        groups = groups[:, 0]
    series = pd.Series(list(groups), dtype=object)
    if len(series) != n_rows:
        raise ValueError(f"groups has {len(series)} entries for {n_rows} rows. Pass one for each.")
    if series.isna().any():
        raise ValueError(
            f"groups has {int(series.isna().sum())} missing values. Fill them in, for example with "
            '"unknown", or leave those rows out.'
        )
    plain = [group.item() if isinstance(group, np.generic) else group for group in series]
    return np.fromiter(plain, dtype=object, count=n_rows)


def check_mask(values: Any, n_rows: int, name: str = "synthetic") -> np.ndarray:
    """Check that there is one True or False, or 1 or 0, for each row."""
    mask = column_or_1d(values)
    if len(mask) != n_rows or pd.isna(mask).any() or not np.isin(mask, (0, 1)).all():
        raise ValueError(
            f"{name} must hold one True or False for each of the {n_rows} rows, got "
            f"{len(mask)} values of type {mask.dtype}."
        )
    return mask.astype(bool)


def warn_of_alike_labels(labels: Iterable[Any]) -> None:
    """Warn of labels that differ in case, white space or Unicode form only."""
    alike: dict[str, list[str]] = {}
    for label in sorted({label for label in labels if isinstance(label, str)}):
        alike.setdefault(folded(label), []).append(str(label))
    pairs = [" and ".join(map(repr, names)) for names in alike.values() if len(names) > 1]
    if pairs:
        warnings.warn(
            f"The labels {'; '.join(pairs)} differ in case, white space or Unicode form only, and "
            "count as classes of their own. Merge them if they mean the same.",
            UserWarning,
            stacklevel=caller_level(),
        )
