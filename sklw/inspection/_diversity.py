"""How varied generated texts are, and how far they go beyond the real ones."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, column_or_1d

from sklw._copies import copy_groups
from sklw._cross_fitting import CrossFittedChecker
from sklw._parents import ancestors, check_parents
from sklw._validation import check_labels, check_texts
from sklw._words import UNSPACED, WORD

__all__ = ["diversity_report"]

_WORD = re.compile(rf"{WORD}+|[^\w\s]")
_PARTED = re.compile(rf"[{UNSPACED}]|[^\s{UNSPACED}]+")
# Texts that distinct n-grams are counted over, and how often they are drawn.
_MOST = 500
_N_DRAWS = 5


def diversity_report(
    X: Any, y: Any, synthetic: Any, parents: Sequence[Any] | None = None, *, random_state: Any = 0
) -> pd.DataFrame:
    """Compare the synthetic texts of each class with its real ones.

    Parameters
    ----------
    X : array-like of str of shape (n_samples,)
        Real and synthetic texts.
    y : array-like of shape (n_samples,)
        Their labels.
    synthetic : array-like of bool of shape (n_samples,)
        Which are synthetic: ``synthetic_mask_`` of the sampler.
    parents : sequence of int arrays, default=None
        For each synthetic text the rows of `X` it was written from: ``parent_indices_`` of the
        sampler. `label_agreement` then judges it by classifiers that did not see them.
    random_state : int, RandomState or None, default=0
        Draws the texts that distinct n-grams are counted over.

    Returns
    -------
    report : DataFrame
        A row for each class and source (``"real"``, ``"synthetic"``), with the columns

        - `texts`: how many there are;
        - `words`: mean number of words; in scripts without spaces each character counts as one;
        - `distinct_1`, `distinct_2`, `distinct_3`: share of different n-grams [1]_ among all
          n-grams of equally many texts of both sources (the share falls with their number);
        - `spread`: mean cosine distance of two texts' sentence embeddings, 0 if all say the same;
        - `distance_to_real`: median cosine distance to the nearest (other) real text of the class;
        - `label_agreement`: share of texts whose class is the one predicted by a cross-fitted
          logistic regression on the embeddings of the real texts, NaN for the only real text of a
          class, which every classifier that knows the class has seen;
        - `copies`: share equal to an (earlier) real text, except for case, white space and
          Unicode form.

        NaN where there are too few texts to tell.

    References
    ----------
    .. [1] J. Li et al., "A Diversity-Promoting Objective Function for Neural Conversation Models",
       NAACL 2016.

    Examples
    --------
    >>> from sklw.inspection import diversity_report
    >>> X = ["win a prize", "free ringtones", "see you at eight", "ok", "win a prize now"]
    >>> y = ["spam", "spam", "ham", "ham", "spam"]
    >>> report = diversity_report(X, y, [False, False, False, False, True])
    >>> report.loc[("spam", "synthetic"), ["texts", "words", "copies"]].tolist()
    [1.0, 4.0, 0.0]
    """
    from sklw.feature_extraction import TextEmbedder

    texts, labels, made, parents = _check(X, y, synthetic, parents)
    vectors = np.asarray(TextEmbedder().fit_transform(texts), dtype=float)
    agrees = _agreement(texts, vectors, labels, made, parents)
    words = [_WORD.findall(text.casefold()) for text in texts]
    rng = check_random_state(random_state)
    rows = {}
    for label in np.unique(labels):
        sources = {"real": ~made & (labels == label), "synthetic": made & (labels == label)}
        counts = [int(of.sum()) for of in sources.values() if of.any()]
        copies = _copies(texts, sources["real"], sources["synthetic"])
        for source, of in sources.items():
            at = np.flatnonzero(of)
            if not len(at):
                continue
            n_drawn = min(*counts, _MOST) if len(counts) > 1 else min(len(at), _MOST)
            drawn = [rng.permutation(at)[:n_drawn] for _ in range(_N_DRAWS)]
            rows[(label, source)] = {
                "texts": len(at),
                "words": np.mean([len(_PARTED.findall(texts[i])) for i in at]),
                **{
                    f"distinct_{n}": np.mean([_distinct([words[i] for i in d], n) for d in drawn])
                    for n in (1, 2, 3)
                },
                "spread": _spread(vectors[at]),
                "distance_to_real": _distance(vectors, at, np.flatnonzero(sources["real"])),
                "label_agreement": np.mean(agrees[at]),
                "copies": np.mean(copies[at]),
            }
    frame = pd.DataFrame.from_dict(rows, orient="index")
    frame.index = pd.MultiIndex.from_tuples(list(rows), names=["class", "source"])
    return frame


def _check(
    X: Any, y: Any, synthetic: Any, parents: Sequence[Any] | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[np.ndarray] | None]:
    texts = check_texts(X, estimator_name="diversity_report")
    labels = check_labels(y, estimator_name="diversity_report")
    made = column_or_1d(np.asarray(synthetic))
    check_consistent_length(texts, labels, made)
    if made.dtype != bool:
        raise TypeError(
            f"synthetic holds {made.dtype} and not booleans. Pass the sampler's synthetic_mask_."
        )
    if made.all():
        raise ValueError("All texts are synthetic; pass the real ones too, to compare them with.")
    if parents is not None and len(parents) != made.sum():
        raise ValueError(
            f"parents has {len(parents)} entries for {int(made.sum())} synthetic texts. Pass the "
            "sampler's parent_indices_."
        )
    return texts, labels, made, check_parents(parents, made)


def _distinct(texts: Sequence[Sequence[str]], n: int) -> float:
    grams = [tuple(text[i : i + n]) for text in texts for i in range(len(text) - n + 1)]
    return len(set(grams)) / len(grams) if grams else np.nan


def _spread(vectors: np.ndarray) -> float:
    n = len(vectors)
    if n < 2:
        return np.nan
    # The sum of all dot products, less those of the texts with themselves.
    return float(1 - (np.square(vectors.sum(axis=0)).sum() - n) / (n * (n - 1)))


def _distance(vectors: np.ndarray, at: np.ndarray, real: np.ndarray) -> float:
    n_nearest = 1 + int(np.isin(at, real).any())  # a real text is its own nearest one
    if len(real) < n_nearest:
        return np.nan
    nearest = NearestNeighbors(n_neighbors=n_nearest, metric="cosine").fit(vectors[real])
    return float(np.median(nearest.kneighbors(vectors[at])[0][:, -1]))


def _agreement(
    texts: np.ndarray,
    vectors: np.ndarray,
    labels: np.ndarray,
    made: np.ndarray,
    parents: list[np.ndarray] | None,
) -> np.ndarray:
    """Whether classifiers that saw neither a text nor its ancestors predict its class."""
    real = np.flatnonzero(~made)
    if len(np.unique(labels[real])) < 2:
        return np.full(len(labels), np.nan)
    checker = LogisticRegression(C=10.0, max_iter=1000, class_weight="balanced")
    fitted = CrossFittedChecker(checker, random_state=0).fit(
        vectors[real], labels[real], copy_groups(texts[real])
    )
    place_of = np.full(len(labels), -1)
    place_of[real] = range(len(real))
    named = [np.empty(0, dtype=int)] * len(labels) if parents is None else parents
    seen = [place_of[ancestors([i], named, made)] for i in range(len(labels))]
    found = fitted.probabilities(vectors, labels, [places[places >= 0] for places in seen])
    agrees = np.asarray(fitted.classes_[np.nanargmax(found, axis=1)] == labels, dtype=float)
    only = pd.Series(labels[real]).groupby(labels[real]).transform("size").to_numpy() == 1
    agrees[real[only]] = np.nan
    return agrees


def _copies(texts: np.ndarray, real: np.ndarray, made: np.ndarray) -> np.ndarray:
    groups, copies = copy_groups(texts), np.zeros(len(texts))
    copies[real] = pd.Series(groups[real]).duplicated()
    copies[made] = np.isin(groups[made], groups[real])
    return copies
