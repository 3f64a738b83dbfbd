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
from sklw.over_sampling._text.acceptance import CONTROL, is_encodable
from sklw.over_sampling._text.parsing import list_items
from sklw.over_sampling._writer import Example, Prompt, PromptWriter, Task, one_line

__all__ = ["FROM_ONE", "PROMPT_STRATEGIES", "PromptStrategy", "Texts", "make_strategy"]

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
        self._cells: dict[Any, list[Cell]] = {}
        for cell in source.cells:
            self._cells.setdefault(cell.label, []).append(cell)
        self._matched, self._proposed = (
            [name for name, values in wanted.items() if isinstance(values, str) and values == how]
            for how in ("match", "propose")
        )
        # What can be drawn, and the real texts that the model had before it when it proposed it.
        self._values: dict[str, dict[Any, list[tuple[str, np.ndarray]]]] = {
            name: _by_label(name, values, self._cells)
            for name, values in wanted.items()
            if name not in (*self._matched, *self._proposed)
        }
        self._asked: list[tuple[str, Any, np.ndarray]] = []

    def compose(self, cell: Cell, rng: np.random.Generator) -> tuple[np.ndarray, Prompt]:
        """Return the positions of the real texts in a prompt, and the prompt."""
        texts = self.source.texts
        shown = self.source.examples_of(cell, rng)
        attributes, behind = {}, []
        for name, values in self._values.items():
            if known := values.get(cell.label):
                attributes[name], rows = known[rng.integers(len(known))]
                behind.append(rows)
        like = texts[cell.positions[rng.integers(len(cell.positions))]]
        attributes |= dict.fromkeys(self._matched, _length(like))
        known_of = [dict.fromkeys(self._matched, _length(texts[at])) for at in shown]
        prompt = self.writer.write(
            texts[shown].tolist(), cell.description, attributes=attributes, of_examples=known_of
        )
        before = [at for at in np.unique(np.concatenate([*behind, []])) if at not in shown]
        return np.array([*before, *shown], dtype=int), prompt

    def preliminary(self, seed: int) -> list[Request]:
        """Ask for values of the attributes that the model is to propose."""
        requests = []
        for number, name in enumerate(self._proposed):
            for place, (label, cells) in enumerate(self._cells.items()):
                if not any(cell.wanted for cell in cells):
                    continue
                for attempt in range(_N_ASKED):
                    rng = np.random.default_rng([seed, number, place, attempt, 2])
                    cell = cells[attempt % len(cells)]
                    shown = self.source.examples_of(cell, rng)
                    self._asked.append((name, label, shown))
                    prompt = self.writer.write_list(
                        self.source.texts[shown].tolist(), cell.description, name, _N_PROPOSED
                    )
                    requests.append(
                        Request(
                            prompt,
                            int(rng.integers(2**63)),
                            label,
                            stop=("\n\n",) if self.writer.form == "completion" else (),
                            max_new_tokens=150,
                        )
                    )
        return requests

    def learn(self, answers: Sequence[Completion | None]) -> None:
        """Take the values that the model has proposed."""
        real = {one_line(text).casefold() for text in self.source.texts}
        found: dict[tuple[str, Any], dict[str, tuple[str, np.ndarray]]] = {}
        for (name, label, shown), answer in zip(self._asked, answers, strict=True):
            values = found.setdefault((name, label), {})
            for value in [] if answer is None else _proposals(answer):
                if value.casefold() not in real:
                    values.setdefault(value.casefold(), (value, shown))
        for (name, label), values in found.items():
            self._values.setdefault(name, {})[label] = list(values.values())
            if len(values) < 2 and None not in answers:
                warnings.warn(
                    f"The model proposed {len(values)} {name}(s) for the class {label!r}, so its "
                    "texts are hardly told apart by it. Give some: "
                    f"attributes={{{name!r}: [...]}}, or use a stronger model.",
                    GenerationWarning,
                    stacklevel=4,
                )


def _by_label(
    name: Any, values: Any, labels: Mapping[Any, Any]
) -> dict[Any, list[tuple[str, np.ndarray]]]:
    if isinstance(values, Mapping):
        check_known(f"attributes[{name!r}]", values, labels)
        by_label = dict(values)
    else:
        by_label = dict.fromkeys(labels, values)
    for given in by_label.values():
        if not isinstance(name, str) or isinstance(given, str) or not np.ndim(given) == 1:
            raise ValueError(
                f"attributes[{name!r}] is {values!r}. Map a name to a list of values, to such "
                'lists by label, to "propose" or to "match".'
            )
        if not len(given):
            raise ValueError(
                f"attributes[{name!r}] is empty. Give values to draw from, or leave it out."
            )
    nobody = np.empty(0, dtype=int)
    return {label: [(str(value), nobody) for value in given] for label, given in by_label.items()}


def _length(text: str) -> str:
    n_words = len(text.split())
    # Not all languages put spaces between words.
    return f"{n_words} words" if len(text) < 20 * n_words else f"{len(text)} characters"


def _proposals(answer: Completion) -> list[str]:
    # In completion form the number of the first is in the prompt.
    numbered = re.search(r"^\s*1[.)]", answer.text, re.MULTILINE)
    text = answer.text if numbered else f"1. {answer.text.strip()}"
    items = list_items(text)
    if answer.cut:
        items = items[:-1]  # cut off
    # Models like to explain: "**Prizes**: texts about ...".
    heads = [re.split(r": | [-–] ", one_line(item))[0] for item in items]
    values = [re.sub(r"[*_`\"]", "", head).strip(" .:;,-") for head in heads]
    # They go into prompts, so that they must be text.
    return [
        value
        for value in values
        if 2 <= len(value) <= _LONGEST_VALUE and is_encodable(value) and not CONTROL.search(value)
    ]


PROMPT_STRATEGIES: dict[str, type[PromptStrategy]] = {
    "examples": Examples,
    "contrast": Contrast,
    "attributes": Attributes,
    "rewrite": Rewrite,
    "paraphrase": Paraphrase,
    "counterfactual": Counterfactual,
}


# Those that make a text out of another one.
FROM_ONE = ("rewrite", "paraphrase", "counterfactual")


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
