"""Methods that choose another one by cross-validation on the real rows."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.class_weight import compute_sample_weight

from sklw._compat.scikit_learn import StrOptions
from sklw._cross_fitting import CHECKER
from sklw.weighting._evidence import Evidence
from sklw.weighting._normalization import Scaling
from sklw.weighting._process import warn
from sklw.weighting.methods._base import BaseMethod
from sklw.weighting.methods._judging import Candidate, judge
from sklw.weighting.methods._kuo import Imp
from sklw.weighting.methods._quality import Quality, Uniform

__all__ = ["Auto", "BaseSearch", "Mix"]

# Factors of all synthetic rows.
_SHARES = (0.1, 0.3, 1.0)
_CLEARLY = 1.5  # standard errors
_SCORING = [StrOptions({"balanced_accuracy", "log_loss"})]


class BaseSearch(BaseMethod):
    """Base class of methods that choose another one: what :class:`Mix` and :class:`Auto` share."""

    _parameter_constraints: dict = {"scoring": _SCORING}

    # Name, temperature and factor, which only a clearly better candidate replaces.
    favourite: tuple[str, float, float] | None = None

    def __init__(self, scoring: str = "balanced_accuracy") -> None:
        self.scoring = scoring

    def embeds(self, checker: Any) -> bool:
        """Return True: the candidates are compared on embeddings."""
        return True

    @abstractmethod
    def options(self) -> list[tuple[BaseMethod, float]]:
        """Return the methods to choose from, each with a temperature."""

    def raw_weights(self, evidence: Evidence) -> np.ndarray:
        """Raise an error: the method chosen has weights."""
        raise NotImplementedError(f"{type(self).__name__} chooses another method: see choose.")

    def choose(
        self, evidence: Evidence, scaling: Scaling
    ) -> tuple[BaseMethod, Scaling, pd.DataFrame]:
        """Return the best method, the scaling with its temperature and factor, and all scores."""
        if not evidence.synthetic.any():
            return Uniform(), scaling, pd.DataFrame()
        if not evidence.parents_known:
            warn(
                f'method="{type(self).__name__.lower()}" judges on real rows, and which of them '
                "the synthetic rows were generated from is not known: rows that repeat what they "
                'are judged on look better than they are. Pass parent_indices to fit, or use "'
                'quality".'
            )
        candidates = [
            Candidate(method, temperature, share)
            for method, temperature in self.options()
            for share in _SHARES
        ]
        if not evidence.synthetic.all() and scaling.real_weight > 0:
            candidates.insert(0, Candidate(Uniform(), 1.0, 0.0))
        losses, hits, judged = judge(evidence, scaling, candidates)
        results = self.compare(
            [candidate.key for candidate in candidates],
            losses,
            hits,
            evidence.real_labels[judged],
            groups=None if evidence.real_groups is None else evidence.real_groups[judged],
            class_weight=scaling.class_weight,
        )
        best = candidates[int(np.argmax(results["chosen"]))]
        return best.method, best.scaling(scaling), results

    def compare(
        self,
        candidates: Sequence[tuple[str, float, float]],
        losses: np.ndarray,
        hits: np.ndarray,
        labels: np.ndarray,
        *,
        groups: np.ndarray | None = None,
        class_weight: str | None = None,
    ) -> pd.DataFrame:
        """Choose from candidates whose log-loss and hits on real rows are known.

        Parameters
        ----------
        candidates : sequence of (str, float, float)
            Name, temperature and factor of each.
        losses, hits : ndarray of shape (n_candidates, n_rows)
            Log-loss of each candidate on each row, and whether it was right.
        labels : ndarray of shape (n_rows,)
            Labels of the rows.
        groups : ndarray of shape (n_rows,), default=None
            Their groups.
        class_weight : "balanced" or None, default=None
            Whether classes, or class x group cells, count alike in the log-loss.

        Returns
        -------
        results : DataFrame
            `auto_results_` of :class:`SyntheticWeighter`.
        """
        table = pd.DataFrame(
            list(candidates), columns=["method", "temperature", "synthetic_weight"]
        )
        balanced = compute_sample_weight("balanced", labels)
        keys = [labels] if groups is None else [labels, groups]
        cells = pd.Series(labels).groupby(keys, sort=False).ngroup().to_numpy()
        # Whoever trains with balanced classes (or cells) wants them balanced in judging, too.
        importance = compute_sample_weight(class_weight, cells)
        table["balanced_accuracy"] = np.average(hits, axis=1, weights=balanced)
        table["log_loss"] = np.average(losses, axis=1, weights=importance)
        by_row = -losses * importance if self.scoring == "log_loss" else hits * balanced
        best = base = int(by_row.mean(axis=1).argmax())
        if self.favourite is not None:
            base = list(candidates).index(self.favourite)
        differences = by_row - by_row[base]
        table["difference"] = differences.mean(axis=1)
        table["difference_se"] = differences.std(axis=1) / np.sqrt(len(labels))
        if table["difference"][best] <= _CLEARLY * table["difference_se"][best]:
            best = base
        table["chosen"] = np.arange(len(table)) == best
        return table


class Mix(BaseSearch):
    """The same weight for every synthetic row, and a factor chosen on the real rows [1]_.

    Factors of 0, 0.1, 0.3 and 1 are compared as :class:`Auto` compares its candidates, and the best
    is taken.

    Parameters
    ----------
    scoring : {"balanced_accuracy", "log_loss"}, default="balanced_accuracy"
        What is compared; see :class:`Auto`.

    References
    ----------
    .. [1] A. Jain et al., "Scaling laws for learning with real and surrogate data",
       NeurIPS 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sklw.weighting import Mix, SyntheticWeighter
    >>> X = np.arange(40.0)[:, None] % 20
    >>> y = (X[:, 0] >= 10).astype(int)
    >>> none = [np.array([], dtype=int)] * 40
    >>> weighter = SyntheticWeighter(Mix(), random_state=0)
    >>> list(weighter.fit(X, y, np.arange(40) >= 20, none).best_params_)
    ['method', 'temperature', 'synthetic_weight']
    """

    def options(self) -> list[tuple[BaseMethod, float]]:
        """Return plain cross-entropy alone."""
        return [(Uniform(), 1.0)]


class Auto(BaseSearch):
    """Uniform, quality or IMP, at the temperature and factor that do best on the real rows.

    Quality at temperature 0.5 and a factor of 0.3 is taken unless another candidate is better by
    1.5 standard errors, since a few hundred real rows cannot tell good candidates apart: the best
    of many noisy scores is mostly lucky. Candidates are judged by logistic regression on frozen
    embeddings (for tables, on scaled columns) in twice repeated cross-validation on the real rows;
    training without synthetic rows is one of them, if there are real rows to train on.

    Parameters
    ----------
    scoring : {"balanced_accuracy", "log_loss"}, default="balanced_accuracy"
        What is compared. The log-loss, with balanced classes if `class_weight` of the weighter
        says so, prefers fewer synthetic rows: for calibrated probabilities.
    diversity_checker : {"embedding", "bert"} or classifier, default="embedding"
        As in :class:`Imp`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklw.weighting import Auto, SyntheticWeighter
    >>> X = np.arange(40.0)[:, None] % 20
    >>> y = (X[:, 0] >= 10).astype(int)
    >>> none = [np.array([], dtype=int)] * 40
    >>> weighter = SyntheticWeighter(Auto(scoring="log_loss"), random_state=0)
    >>> weighter.fit(X, y, np.arange(40) >= 20, none).auto_results_.shape
    (13, 8)
    """

    _parameter_constraints: dict = {"scoring": _SCORING, "diversity_checker": CHECKER}
    favourite = ("quality", 0.5, 0.3)

    def __init__(
        self, scoring: str = "balanced_accuracy", diversity_checker: Any = "embedding"
    ) -> None:
        super().__init__(scoring)
        self.diversity_checker = diversity_checker

    def options(self) -> list[tuple[BaseMethod, float]]:
        """Return uniform, quality plain and squared, and IMP."""
        imp = Imp(diversity_checker=self.diversity_checker)
        return [(Uniform(), 1.0), (Quality(), 1.0), (Quality(), 0.5), (imp, 1.0)]
