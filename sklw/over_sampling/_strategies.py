"""Prompt strategies: which real texts a prompt shows, and what is asked for."""

import re
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from sklw.exceptions import GenerationWarning
from sklw.generators import Completion, Request
from sklw.over_sampling._cells import Cell, check_known
from sklw.over_sampling._parsing import list_items
from sklw.over_sampling._prompts import Example, Prompt, PromptWriter, Task, one_line

__all__ = ["PROMPT_STRATEGIES", "PromptStrategy", "Texts", "make_strategy"]

_REWRITE = Task(
    "Each text is followed by another of the same category and the same kind, with other details.",
    "Another text",
    "Rewrite it as another real text of the same kind with the label {label}: change names, "
    "numbers, places, the occasion and the wording.",
)
_PARAPHRASE = Task(
    "Each text is followed by the same text in other words.",
    "In other words",
    "Say the same in other words and another order, so that the label stays {label}.",
    ("Could you call me back this evening?", "Please give me a ring tonight if you can."),
)
_COUNTERFACTUAL = Task(
    "Each text is followed by one of another category that is as like it as can be.",
    "Text",
    "Change as little of it as you can so that its label becomes {label}. It is to read like a "
    "real text with that label.",
)
# The model proposes this many values at a time, and is asked this often for each class.
_N_PROPOSED = 10
_N_ASKED = 3
_LONGEST_VALUE = 60


class Texts:
    """The real texts, and which are near each other.

    Parameters
    ----------
    texts : ndarray of str
        All of them.
    cells : list of Cell
        Which are whose.
    examples_of : callable
        ``examples_of(cell, rng)`` draws positions of some texts of a cell.
    n_examples : int
        How many a prompt shows.
    """

    def __init__(
        self,
        texts: np.ndarray,
        cells: Sequence[Cell],
        examples_of: Callable[[Cell, np.random.Generator], np.ndarray],
        n_examples: int,
    ) -> None:
        self.texts = texts
        self.cells = cells
        self.examples_of = examples_of
        self.n_examples = n_examples
        self._cell_of = {at: cell for cell in cells for at in cell.positions.tolist()}
        self._vectors: np.ndarray | None = None

    def example(self, at: int) -> Example:
        """Return a text and what its class is called."""
        return str(self.texts[at]), self._cell_of[at].description

    def others(self, cell: Cell) -> np.ndarray:
        """Return the positions of the texts of other classes."""
        return np.sort(
            np.concatenate([each.positions for each in self.cells if each.label != cell.label])
        )

    def nearest(self, at: int, among: np.ndarray, without: set[int]) -> int | None:
        """Return the position of the text most like one, by sentence embeddings."""
        allowed = np.array([other for other in among.tolist() if other not in without | {at}])
        if not len(allowed):
            return None
        if self._vectors is None:
            from sklw.feature_extraction import TextEmbedder

            self._vectors = np.asarray(TextEmbedder().fit_transform(self.texts.tolist()))
        return int(allowed[np.argmax(self._vectors[allowed] @ self._vectors[at])])


class PromptStrategy(ABC):
    """A way of asking for a text of a class.

    Parameters
    ----------
    source : Texts
        The real texts.
    writer : PromptWriter
        How prompts are written.
    attributes : mapping or None
        As in LLMOverSampler.
    """

    def __init__(self, source: Texts, writer: PromptWriter, attributes: Any = None) -> None:
        self.source = source
        self.writer = writer

    @abstractmethod
    def compose(self, cell: Cell, rng: np.random.Generator) -> tuple[np.ndarray, Prompt]:
        """Return the positions of the real texts in a prompt, and the prompt."""

    def preliminary(self, seed: int) -> list[Request]:
        """Return what is to be asked before the first text."""
        return []

    def learn(self, answers: Sequence[Completion | None]) -> None:  # noqa: B027
        """Take the answers to these requests."""


class Examples(PromptStrategy):
    """Some texts of the class, and another one is asked for."""

    def compose(self, cell: Cell, rng: np.random.Generator) -> tuple[np.ndarray, Prompt]:
        """Return the positions of the real texts in a prompt, and the prompt."""
        shown = self.source.examples_of(cell, rng)
        return shown, self.writer.write(self.source.texts[shown].tolist(), cell.description)


class Contrast(PromptStrategy):
    """The same, with the most similar texts of other classes between them."""

    def compose(self, cell: Cell, rng: np.random.Generator) -> tuple[np.ndarray, Prompt]:
        """Return the positions of the real texts in a prompt, and the prompt."""
        own = self.source.examples_of(cell, rng).tolist()
        others = self.source.others(cell)
        first_contrasted = len(own) - max(1, len(own) // 2)
        shown: list[int] = []
        for place, at in enumerate(own):
            if place >= first_contrasted:
                other = self.source.nearest(at, others, set(shown))
                shown += [] if other is None else [other]
            shown.append(at)
        examples = [self.source.example(at) for at in shown]
        prompt = self.writer.write(
            [text for text, _ in examples], cell.description, [of for _, of in examples]
        )
        return np.array(shown), prompt


class Rewrite(PromptStrategy):
    """One text of the class is to be written anew, with other details."""

    def compose(self, cell: Cell, rng: np.random.Generator) -> tuple[np.ndarray, Prompt]:
        """Return the positions of the real texts in a prompt, and the prompt."""
        n_pairs = (self.source.n_examples - 1) // 2
        start, *drawn = cell.positions[rng.permutation(len(cell.positions))[: 1 + n_pairs]].tolist()
        pairs = []
        for at in drawn:
            other = self.source.nearest(at, cell.positions, {start})
            pairs += [] if other is None else [(at, other)]
        return _from_one(self, start, cell, _REWRITE, pairs)


class Paraphrase(PromptStrategy):
    """One text of the class is to be said in other words."""

    def compose(self, cell: Cell, rng: np.random.Generator) -> tuple[np.ndarray, Prompt]:
        """Return the positions of the real texts in a prompt, and the prompt."""
        start = int(cell.positions[rng.integers(len(cell.positions))])
        return _from_one(self, start, cell, _PARAPHRASE, [])


class Counterfactual(PromptStrategy):
    """A text of another class is to be changed until it is one of this class."""

    def compose(self, cell: Cell, rng: np.random.Generator) -> tuple[np.ndarray, Prompt]:
        """Return the positions of the real texts in a prompt, and the prompt."""
        others = self.source.others(cell)
        start = int(others[rng.integers(len(others))])
        n_pairs = (self.source.n_examples - 1) // 2
        drawn = cell.positions[rng.permutation(len(cell.positions))[:n_pairs]].tolist()
        pairs = []
        for at in drawn:
            other = self.source.nearest(at, others, {start})
            pairs += [] if other is None else [(other, at)]
        return _from_one(self, start, cell, _COUNTERFACTUAL, pairs)


def _from_one(
    strategy: PromptStrategy, start: int, cell: Cell, task: Task, pairs: list[tuple[int, int]]
) -> tuple[np.ndarray, Prompt]:
    example = strategy.source.example
    prompt = strategy.writer.write_from(
        example(start), cell.description, task, [(example(a), example(b)) for a, b in pairs]
    )
    # The row that is changed last, as the row that shapes the answer most.
    shown = dict.fromkeys([at for pair in pairs for at in pair])
    return np.array([*shown, start]), prompt


class Attributes(PromptStrategy):
    """Texts of the class, and another one is asked for that has certain attributes."""

    def __init__(self, source: Texts, writer: PromptWriter, attributes: Any = None) -> None:
        super().__init__(source, writer)
        wanted = {"topic": "propose", "length": "match"} if attributes is None else attributes
        labels = dict.fromkeys(cell.label for cell in source.cells)
        self._matched = [name for name, values in wanted.items() if values == "match"]
        self._proposed = [name for name, values in wanted.items() if values == "propose"]
        self._values = {
            name: _by_label(name, values, labels)
            for name, values in wanted.items()
            if not isinstance(values, str)
        }
        self._asked: list[tuple[str, Any]] = []

    def compose(self, cell: Cell, rng: np.random.Generator) -> tuple[np.ndarray, Prompt]:
        """Return the positions of the real texts in a prompt, and the prompt."""
        texts = self.source.texts
        shown = self.source.examples_of(cell, rng)
        attributes = {
            name: values[cell.label][rng.integers(len(values[cell.label]))]
            for name, values in self._values.items()
            if values.get(cell.label)
        }
        like = texts[cell.positions[rng.integers(len(cell.positions))]]
        attributes |= dict.fromkeys(self._matched, _length(like))
        known = [dict.fromkeys(self._matched, _length(texts[at])) for at in shown]
        rows = texts[shown].tolist()
        prompt = self.writer.write(rows, cell.description, attributes=attributes, of_examples=known)
        return shown, prompt

    def preliminary(self, seed: int) -> list[Request]:
        """Ask for values of the attributes that the model is to propose."""
        wanted = [cell for cell in self.source.cells if cell.wanted]
        cells = list({cell.label: cell for cell in wanted}.values())
        requests = []
        for number, name in enumerate(self._proposed):
            for place, cell in enumerate(cells):
                for attempt in range(_N_ASKED):
                    rng = np.random.default_rng([seed, number, place, attempt, 2])
                    shown = self.source.texts[self.source.examples_of(cell, rng)].tolist()
                    self._asked.append((name, cell.label))
                    prompt = self.writer.write_list(shown, cell.description, name, _N_PROPOSED)
                    requests.append(
                        Request(
                            prompt,
                            int(rng.integers(2**63)),
                            cell.label,
                            stop=("\n\n",) if self.writer.form == "completion" else (),
                            max_new_tokens=150,
                        )
                    )
        return requests

    def learn(self, answers: Sequence[Completion | None]) -> None:
        """Take the values that the model has proposed."""
        found: dict[tuple[str, Any], dict[str, str]] = {key: {} for key in self._asked}
        for key, answer in zip(self._asked, answers, strict=True):
            for value in [] if answer is None else _proposals(answer):
                found[key].setdefault(value.casefold(), value)
        for (name, label), values in found.items():
            self._values.setdefault(name, {})[label] = list(values.values())
            if len(values) < 2:
                warnings.warn(
                    f"The model proposed {len(values)} {name}(s) for the class {label!r}, so its "
                    "texts are hardly told apart by it. Give some: "
                    f"attributes={{{name!r}: [...]}}, or use a stronger model.",
                    GenerationWarning,
                    stacklevel=4,
                )


def _by_label(name: str, values: Any, labels: Mapping[Any, Any]) -> dict[Any, list[str]]:
    if isinstance(values, Mapping):
        check_known(f"attributes[{name!r}]", values, labels)
    else:
        values = dict.fromkeys(labels, values)
    values = {label: [str(value) for value in given] for label, given in values.items()}
    if not all(values.values()):
        raise ValueError(
            f"attributes[{name!r}] is empty. Give values to draw from, or leave it out."
        )
    return values


def _length(text: str) -> str:
    return f"{len(text.split())} words"


def _proposals(answer: Completion) -> list[str]:
    # In completion form the number of the first is in the prompt.
    numbered = re.search(r"^\s*1[.)]", answer.text, re.MULTILINE)
    text = answer.text if numbered else f"1. {answer.text.strip()}"
    items = list_items(text)
    if answer.finish_reason == "length":
        items.pop()  # cut off
    # Models like to explain: "**Prizes**: texts about ...".
    heads = [re.split(r": | [-–] ", one_line(item))[0] for item in items]
    values = [re.sub(r"[*_`\"]", "", head).strip(" .:;,-") for head in heads]
    return [value for value in values if 2 <= len(value) <= _LONGEST_VALUE]


PROMPT_STRATEGIES: dict[str, type[PromptStrategy]] = {
    "examples": Examples,
    "contrast": Contrast,
    "attributes": Attributes,
    "rewrite": Rewrite,
    "paraphrase": Paraphrase,
    "counterfactual": Counterfactual,
}


def make_strategy(
    name: str, source: Texts, writer: PromptWriter, attributes: Any
) -> PromptStrategy:
    """Return the strategy of a name.

    Parameters
    ----------
    name : str
        One of ``PROMPT_STRATEGIES``.
    source : Texts
        The real texts.
    writer : PromptWriter
        How prompts are written.
    attributes : mapping or None
        What ``"attributes"`` draws from.
    """
    return PROMPT_STRATEGIES[name](source, writer, attributes)
