"""Verification: whether a generated text belongs to the class it was written for."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from sklw.generators import Completion, Request
from sklw.over_sampling._cells import Cell
from sklw.over_sampling._prompts import ClassDescription, PromptWriter

__all__ = ["CheckerVerifier", "ModelVerifier", "Verifier"]

# Real texts of each class that the model is shown beside the one to judge.
_N_SHOWN = 3
_LONGEST_NAME = 24


class Verifier(ABC):
    """Judges texts that have passed the filter."""

    @abstractmethod
    def verify(
        self, texts: Sequence[str], cells: Sequence[Cell], shown: Sequence[np.ndarray]
    ) -> list[bool | None]:
        """Say of each text whether it belongs to its class; None where a budget left no answer.

        Parameters
        ----------
        texts : sequence of str
            The texts.
        cells : sequence of Cell
            What each was written for.
        shown : sequence of int arrays
            The real rows in the prompt of each.
        """

    def requests(self, texts: Sequence[str]) -> list[Request]:
        """Return what would be asked of a language model for these texts."""
        return []


class CheckerVerifier(Verifier):
    """A classifier fitted on the real texts, crosswise: never one that saw most of the prompt.

    Parameters
    ----------
    checker : estimator
        Classifier with ``predict_proba``.
    texts : ndarray of str
        The real texts.
    cells : list of Cell
        Which are whose.
    random_state : int
        Seed of the folds.
    """

    def __init__(
        self, checker: Any, texts: np.ndarray, cells: Sequence[Cell], random_state: int
    ) -> None:
        from sklw.weighting._checkers import CrossFittedChecker

        self._code_of = {label: at for at, label in enumerate({c.label: 0 for c in cells})}
        codes = np.empty(len(texts), dtype=int)
        for cell in cells:
            codes[cell.positions] = self._code_of[cell.label]
        self._checker = CrossFittedChecker(checker, random_state=random_state)
        self._checker.fit(texts, codes)

    def verify(
        self, texts: Sequence[str], cells: Sequence[Cell], shown: Sequence[np.ndarray]
    ) -> list[bool | None]:
        """Say whether its class is the likeliest."""
        codes = np.array([self._code_of[cell.label] for cell in cells])
        found = self._checker.probabilities(np.array(texts, dtype=object), codes, shown)
        likeliest = self._checker.classes_[np.nanargmax(found, axis=1)]
        return (likeliest == codes).tolist()


class ModelVerifier(Verifier):
    """A language model that is shown a few real texts of each class and names the class.

    Parameters
    ----------
    writer : PromptWriter
        How prompts are written.
    ask : callable
        ``ask(requests)`` yields ``(index, completion)``.
    texts : ndarray of str
        The real texts.
    cells : list of Cell
        Which are whose.
    names : dict of label to ClassDescription
        What classes are called.
    seed : int
        Seed of the texts that are shown.
    """

    def __init__(
        self,
        writer: PromptWriter,
        ask: Callable[[Sequence[Request]], Iterable[tuple[int, Completion]]],
        texts: np.ndarray,
        cells: Sequence[Cell],
        names: dict[Any, ClassDescription],
        seed: int,
    ) -> None:
        self._writer, self._ask, self._names = writer, ask, names
        rng = np.random.default_rng([seed, 3])
        of_class: dict[Any, list[int]] = {}
        for cell in cells:
            of_class.setdefault(cell.label, []).extend(cell.positions.tolist())
        shown = [
            (str(texts[at]), names[label])
            for label, positions in of_class.items()
            for at in rng.permutation(positions)[:_N_SHOWN]
        ]
        self._examples = [shown[at] for at in rng.permutation(len(shown))]
        # Longest first, so that "not spam" is not read as "spam".
        self._by_name = sorted(names.items(), key=lambda item: -len(item[1].name))

    def requests(self, texts: Sequence[str]) -> list[Request]:
        """Ask for the class of each."""
        labels = list(self._names.values())
        completion = self._writer.form == "completion"
        names = "|".join(re.escape(label.name) for label in labels)
        return [
            Request(
                self._writer.write_question(text, self._examples, labels),
                seed=0,
                stop=("\n",) if completion else (),
                max_new_tokens=_LONGEST_NAME,
                pattern=f" ({names})\n" if completion else None,
            )
            for text in texts
        ]

    def verify(
        self, texts: Sequence[str], cells: Sequence[Cell], shown: Sequence[np.ndarray]
    ) -> list[bool | None]:
        """Say whether the model names its class, and names it first."""
        answers = dict(self._ask(self.requests(texts)))
        return [
            self._named(answers[at].text) == cell.label if at in answers else None
            for at, cell in enumerate(cells)
        ]

    def _named(self, answer: str) -> Any:
        places = [
            (match.start(), at)
            for at, (_, description) in enumerate(self._by_name)
            if (match := re.search(rf"(?<!\w){re.escape(description.name)}(?!\w)", answer, re.I))
        ]
        return self._by_name[min(places)[1]][0] if places else None
