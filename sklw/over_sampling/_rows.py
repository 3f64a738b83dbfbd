"""How rows of one kind are shown to a model, read from its answers, judged and put together."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sklw._validation import check_texts
from sklw.generators import Completion, Request
from sklw.over_sampling._cells import Cell
from sklw.over_sampling._containers import append_texts, rehearsed
from sklw.over_sampling._selection import ExampleSelector
from sklw.over_sampling._text.acceptance import RowFilter
from sklw.over_sampling._text.parsing import AnswerParser, ParsedRow, up_to_last_sentence
from sklw.over_sampling._text.prompts import Texts, make_strategy
from sklw.over_sampling._writer import Prompt, PromptWriter

__all__ = ["RowFormat", "TextRows"]

# Digits and rare words take a token for every two or three bytes.
_BYTES_PER_TOKEN = 2.5


class RowFormat(ABC):
    """Rows of one kind.

    Attributes
    ----------
    texts : ndarray of str of shape (n_samples,)
        The real rows as a model is shown them.
    writer : PromptWriter
        How prompts are written.
    bytes_per_token : float
        As a rule; to bound the length of an answer.
    only_whole : bool
        Whether a row that is cut off is worth nothing.
    length_tolerance : float
        How many times shorter than the shortest real row one may be.
    n_examples : int
        How many rows of a cell a prompt shows.
    """

    texts: np.ndarray
    writer: PromptWriter
    bytes_per_token: float = _BYTES_PER_TOKEN
    only_whole: bool = False
    length_tolerance: float = 1.0

    def __init__(self, example_selection: str, n_examples: int) -> None:
        self.n_examples = n_examples
        self._selection = example_selection
        self._selectors: dict[Any, ExampleSelector] = {}

    def examples_of(self, cell: Cell, rng: np.random.Generator) -> np.ndarray:
        """Return the positions of some rows of the cell."""
        if cell.key not in self._selectors:
            self._selectors[cell.key] = ExampleSelector(
                self._selection, len(cell.positions), self.n_examples, lambda: self.vectors(cell)
            )
        return cell.positions[self._selectors[cell.key].select(rng)]

    @abstractmethod
    def vectors(self, cell: Cell) -> np.ndarray:
        """Return a vector for each row of the cell, the nearer the more alike."""

    @abstractmethod
    def compose(self, cell: Cell, rng: np.random.Generator) -> tuple[np.ndarray, Prompt]:
        """Return the positions of the real rows that a prompt shows, and the prompt."""

    def preliminary(self, seed: int) -> list[Request]:
        """Return what is to be asked before the first row."""
        return []

    def learn(self, answers: Sequence[Completion | None]) -> None:  # noqa: B027
        """Take the answers to these requests, None where a budget left none."""

    def pattern(self, cell: Cell) -> str | None:
        """Return a regular expression that an answer must match, if there is one."""
        return None

    def schema(self) -> dict[str, Any] | None:
        """Return a JSON schema of an answer, if there is one."""
        return None

    @abstractmethod
    def training_pairs(
        self, rng: np.random.Generator, permute_columns: bool
    ) -> list[tuple[str, str]]:
        """Return prompt and answer of every real row, for a model that learns them."""

    @abstractmethod
    def parse(self, answer: str, cell: Cell | None = None) -> list[ParsedRow]:
        """Return the rows of an answer that was asked for a cell, at least one."""

    @abstractmethod
    def take(self, recorded: Completion, cell: Cell) -> ParsedRow:
        """Return a row that was generated elsewhere, as it is."""

    @abstractmethod
    def judge(
        self, row: ParsedRow, cell: Cell, shown: Sequence[int], cut: bool
    ) -> tuple[ParsedRow, str]:
        """Return the row as it is to be kept, and why it is not kept, or ""."""

    def forget(self, row: ParsedRow) -> None:  # noqa: B027
        """Take back that a row was found good."""

    @abstractmethod
    def append(self, X: Any, rows: Sequence[ParsedRow]) -> Any:
        """Return `X` with the rows after its own, in the same type."""

    @abstractmethod
    def check_appendable(self, X: Any) -> None:
        """Raise TypeError if rows such as a model writes would not come out of `append`."""


class TextRows(RowFormat):
    """Texts.

    Parameters
    ----------
    texts : ndarray of str
        The real rows.
    cells : list of Cell
        What is wanted, and which rows are whose.
    writer : PromptWriter
        How prompts are written.
    names : dict of label to str
        What the classes are called.
    example_selection : {"random", "nearest", "diverse"}
        Which rows a prompt shows.
    n_examples : int
        How many.
    near_duplicate_threshold, length_tolerance, prompt_strategy, attributes
        As in LLMOverSampler.
    """

    def __init__(
        self,
        texts: np.ndarray,
        cells: list[Cell],
        writer: PromptWriter,
        names: dict[Any, str],
        *,
        example_selection: str,
        n_examples: int,
        near_duplicate_threshold: float | None,
        length_tolerance: float,
        prompt_strategy: str = "examples",
        attributes: Any = None,
    ) -> None:
        super().__init__(example_selection, n_examples)
        source = Texts(texts, cells, self.examples_of, n_examples)
        self._strategy = make_strategy(prompt_strategy, source, writer, attributes)
        self.texts = texts
        self.writer = writer
        self.length_tolerance = length_tolerance
        self._cells = cells
        labels: list[Any] = [None] * len(texts)
        for cell in cells:
            for at in cell.positions.tolist():
                labels[at] = cell.label
        real: dict[Any, list[str]] = {}
        for text, label in zip(texts.tolist(), labels, strict=True):
            real.setdefault(label, []).append(text)
        self._parser = AnswerParser(
            names, multiline=writer.multiline, n_rows=writer.n_rows, real=real
        )
        self._filter = RowFilter(
            texts.tolist(),
            labels,
            near_duplicate_threshold=near_duplicate_threshold,
            length_tolerance=length_tolerance,
        )

    def vectors(self, cell: Cell) -> np.ndarray:
        """Embed the texts."""
        from sklw.feature_extraction import TextEmbedder

        return np.asarray(TextEmbedder().fit_transform(self.texts[cell.positions].tolist()))

    def compose(self, cell: Cell, rng: np.random.Generator) -> tuple[np.ndarray, Prompt]:
        """Return the positions of the real texts that a prompt shows, and the prompt."""
        return self._strategy.compose(cell, rng)

    def preliminary(self, seed: int) -> list[Request]:
        """Return what the strategy asks before the first text."""
        return self._strategy.preliminary(seed) if self.writer.reads_prompts else []

    def learn(self, answers: Sequence[Completion | None]) -> None:
        """Hand the strategy the answers."""
        self._strategy.learn(answers)

    def training_pairs(
        self, rng: np.random.Generator, permute_columns: bool
    ) -> list[tuple[str, str]]:
        """Return each text after its class."""
        return [
            self.writer.training_pair(self.texts[at], cell.description)
            for cell in self._cells
            for at in cell.positions.tolist()
        ]

    def parse(self, answer: str, cell: Cell | None = None) -> list[ParsedRow]:
        """Take off what models write around a text."""
        return self._parser.parse(answer, None if cell is None else cell.label)

    def take(self, recorded: Completion, cell: Cell) -> ParsedRow:
        """Take the text, white space and all."""
        return ParsedRow(recorded.text, recorded=True)

    def judge(
        self, row: ParsedRow, cell: Cell, shown: Sequence[int], cut: bool
    ) -> tuple[ParsedRow, str]:
        """Judge by what the text says and how much it is like others."""
        if cut:
            row = replace(row, text=up_to_last_sentence(row.text))
        return row, self._filter.judge(row, cell.label, shown, cut and not row.text)

    def forget(self, row: ParsedRow) -> None:
        """Let the text be written for another class."""
        self._filter.forget(row.text)

    def append(self, X: Any, rows: Sequence[ParsedRow]) -> Any:
        """Append to a list, array, Series or one-column frame."""
        return append_texts(X, [row.text for row in rows])

    def check_appendable(self, X: Any) -> None:
        """Append a text longer than all others, and look whether it is there."""
        text = "new " + max(self.texts, key=len)
        joined = rehearsed("X", X, lambda: append_texts(X, [text]))
        if check_texts(joined, estimator_name="LLMOverSampler").tolist() != [*self.texts, text]:
            raise TypeError(
                f"New texts do not fit into X, a {type(X).__name__}: {text!r} would be changed. "
                "Nothing has been sent. Pass a list, or a Series of str."
            )
