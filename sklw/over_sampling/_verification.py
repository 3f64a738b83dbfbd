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
        self._checker, self._random_state = checker, random_state
        self._texts, self._cells = texts, cells
        self._fitted: Any = None

    def verify(
        self, texts: Sequence[str], cells: Sequence[Cell], shown: Sequence[np.ndarray]
    ) -> list[bool | None]:
        """Say whether its class is the likeliest."""
        if self._fitted is None:
            self._fitted = self._fit()
        labels = np.array([cell.label for cell in cells])
        found = self._fitted.probabilities(np.array(texts, dtype=object), labels, shown)
        likeliest = self._fitted.classes_[np.nanargmax(found, axis=1)]
        return (likeliest == labels).tolist()

    def _fit(self) -> Any:
        from sklw._cross_fitting import CrossFittedChecker

        of_row = {at: cell.label for cell in self._cells for at in cell.positions.tolist()}
        labels = np.array([of_row[at] for at in range(len(self._texts))])
        checker = CrossFittedChecker(self._checker, random_state=self._random_state)
        return checker.fit(self._texts, labels)


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
    max_new_tokens : int
        Greatest length of an answer.
    """

    def __init__(
        self,
        writer: PromptWriter,
        ask: Callable[[Sequence[Request]], Iterable[tuple[int, Completion]]],
        texts: np.ndarray,
        cells: Sequence[Cell],
        names: dict[Any, ClassDescription],
        seed: int,
        max_new_tokens: int,
    ) -> None:
        self._max_new_tokens = max_new_tokens
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
        by_name = [(label, description.name) for label, description in names.items()]
        self._by_name = sorted(by_name, key=lambda item: -len(item[1]))

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
                max_new_tokens=self._max_new_tokens,
                pattern=f" ({names})\n" if completion else None,
            )
            for text in texts
        ]

    def verify(
        self, texts: Sequence[str], cells: Sequence[Cell], shown: Sequence[np.ndarray]
    ) -> list[bool | None]:
        """Say whether the model names its class; None where it names none, or several."""
        answers = dict(self._ask(self.requests(texts)))
        verdicts: list[bool | None] = []
        for at, cell in enumerate(cells):
            answer = answers.get(at)
            good = answer is not None and answer.finish_reason in ("stop", "recorded", "length")
            named = self._named(answer.text) if answer is not None and good else None
            verdicts.append(None if named is None else bool(named[0] == cell.label))
        return verdicts

    def _named(self, answer: str) -> tuple[Any] | None:
        bare = re.sub(r"^(?:label|category|class)\s*[:=]", "", answer.strip(), flags=re.I)
        bare = bare.strip(" \t\n.!\"'`*[]()").casefold()
        for label, name in self._by_name:
            if bare == name.casefold():
                return (label,)
        found = []
        for label, name in self._by_name:
            answer, count = re.subn(rf"(?<!\w){re.escape(name)}(?!\w)", " ", answer)
            found += [label] * bool(count)
        clear = len(found) == 1 and not re.search(r"\b(?:not|no|isn't|neither)\b", answer, re.I)
        return (found[0],) if clear else None
