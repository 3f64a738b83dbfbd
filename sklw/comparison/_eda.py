"""Easy data augmentation: over-sampling of texts by small edits of their words."""

import warnings
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_target_type
from sklearn.utils import check_random_state

from sklw._callers import caller_level
from sklw._compat.scikit_learn import Interval
from sklw._validation import check_texts

__all__ = ["EDAOverSampler"]

# How often an edit that gave the text back unchanged is tried again.
_MAX_TRIES = 10


class EDAOverSampler(BaseOverSampler):
    """Over-sample texts by editing the words of real ones.

    Each new text is a random real text of the class after one of four edits, each applied to a
    share `alpha` of its words [1]_: words swapped, words deleted, words inserted, words replaced.

    The paper inserts and substitutes WordNet synonyms. No maintained package ships WordNet
    (nltk downloads it on first use), so here the new words are drawn from the words of the same
    class, in proportion to how often they occur.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        As in :class:`imblearn.over_sampling.RandomOverSampler`; ``"auto"`` brings every class to
        the size of the largest.
    alpha : float, default=0.1
        Share of a text's words that an edit touches (at least one word).
    random_state : int, RandomState or None, default=None
        Seed.

    Attributes
    ----------
    sampling_strategy_ : dict
        Number of rows added to each class.
    synthetic_mask_ : ndarray of bool of shape (n_samples_new,)
        Which of the returned rows are new.
    parent_indices_ : list of ndarray of int, one for each new row
        The position in `X` of the row it was made from.

    Raises
    ------
    TypeError
        If `X` holds anything but texts.

    Warns
    -----
    UserWarning
        If most texts of a class have a single word, as in languages without spaces.

    References
    ----------
    .. [1] J. Wei, K. Zou, "EDA: Easy Data Augmentation Techniques for Boosting Performance on Text
       Classification Tasks", EMNLP 2019.

    Examples
    --------
    >>> from sklw.comparison import EDAOverSampler
    >>> texts = ["see you at five", "call me later", "are you home", "win a big prize now"]
    >>> labels = ["ham", "ham", "ham", "spam"]
    >>> X, y = EDAOverSampler(random_state=0).fit_resample(texts, labels)
    >>> y
    ['ham', 'ham', 'ham', 'spam', 'spam', 'spam']
    """

    _parameter_constraints: dict = {
        **BaseOverSampler._parameter_constraints,
        "alpha": [Interval(Real, 0, 1, closed="right")],
        "random_state": ["random_state"],
    }

    def __init__(
        self, sampling_strategy: Any = "auto", *, alpha: float = 0.1, random_state: Any = None
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.alpha = alpha
        self.random_state = random_state

    def _check_X_y(  # noqa: N802  # imbalanced-learn's name
        self, X: Any, y: Any, accept_sparse: Any = None
    ) -> tuple[Any, Any, bool]:
        y, binarize_y = check_target_type(y, indicate_one_vs_all=True)
        texts = check_texts(X, estimator_name=type(self).__name__)
        if len(texts) != len(y):
            raise ValueError(
                f"Found {len(texts)} texts and {len(y)} labels; pass one label for each text."
            )
        self._two_dimensional = np.ndim(X) == 2
        return texts, y, binarize_y

    def _fit_resample(self, X: np.ndarray, y: np.ndarray, **params: Any) -> tuple[Any, Any]:
        random = check_random_state(self.random_state)
        new_texts: list[str] = []
        new_labels: list[np.ndarray] = []
        parents: list[np.ndarray] = []
        for label, n_rows in self.sampling_strategy_.items():
            rows = np.flatnonzero(y == label)
            if n_rows:
                _warn_of_single_words(label, X[rows])
            vocabulary = np.array([w for row in rows for w in X[row].split()] or [""], dtype=object)
            chosen = random.choice(rows, size=n_rows)
            new_texts += [self._edit(X[row], vocabulary, random) for row in chosen]
            new_labels.append(y[chosen])
            parents += [np.array([row]) for row in chosen]
        self.synthetic_mask_ = np.arange(len(X) + len(parents)) >= len(X)
        self.parent_indices_ = parents
        texts = np.concatenate([X, np.array(new_texts, dtype=object)])
        if self._two_dimensional:
            texts = texts.reshape(-1, 1)
        return texts, np.concatenate([y, *new_labels])

    def _edit(self, text: str, vocabulary: np.ndarray, random: np.random.RandomState) -> str:
        words = text.split()
        edited = words
        for _ in range(_MAX_TRIES):
            edit = _EDITS[random.randint(len(_EDITS))]
            edited = edit(words, max(1, round(self.alpha * len(words))), vocabulary, random)
            if edited != words:
                break
        return " ".join(edited)


def _warn_of_single_words(label: Any, texts: np.ndarray) -> None:
    single = sum(len(text.split()) < 2 for text in texts)
    if 2 * single > len(texts):
        warnings.warn(
            f"{single} of {len(texts)} texts of the class {label} have no spaces in them and "
            "count as one word each, so that new texts repeat real ones, or join them. Put spaces "
            "between their words first, as segmenters for Chinese, Japanese or Thai do.",
            UserWarning,
            stacklevel=caller_level(),
        )


def _swap(words: list[str], n: int, vocabulary: np.ndarray, random: Any) -> list[str]:
    edited = list(words)
    if len(edited) > 1:
        for _ in range(n):
            i, j = random.choice(len(edited), size=2, replace=False)
            edited[i], edited[j] = edited[j], edited[i]
    return edited


def _delete(words: list[str], n: int, vocabulary: np.ndarray, random: Any) -> list[str]:
    n = min(n, len(words) - 1)
    gone = set(random.choice(len(words), size=n, replace=False).tolist()) if n > 0 else set()
    return [word for i, word in enumerate(words) if i not in gone]


def _insert(words: list[str], n: int, vocabulary: np.ndarray, random: Any) -> list[str]:
    edited = list(words)
    for word in random.choice(vocabulary, size=n):
        edited.insert(random.randint(len(edited) + 1), word)
    return edited


def _replace(words: list[str], n: int, vocabulary: np.ndarray, random: Any) -> list[str]:
    edited = list(words)
    if edited:
        places = random.choice(len(edited), size=min(n, len(edited)), replace=False)
        for place, word in zip(places, random.choice(vocabulary, size=len(places)), strict=True):
            edited[place] = word
    return edited


_EDITS: list[Callable[[list[str], int, np.ndarray, Any], list[str]]] = [
    _swap,
    _delete,
    _insert,
    _replace,
]
