"""Rows of one kind: how they are shown to a model, read from its answers, judged and appended."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklw.generators import BaseGenerator, Completion, Request
from sklw.over_sampling._asking import Asker
from sklw.over_sampling._cells import Cell
from sklw.over_sampling._prompting import BasePrompt, Source
from sklw.over_sampling._writer import Prompt, PromptWriter

__all__ = ["ParsedRow", "RowFormat", "Verdict", "Verifier"]


@dataclass(frozen=True)
class ParsedRow:
    """A row as it was read from an answer."""

    text: str  # without numbering, quotes and tags
    tag: Any = None  # the class that the model named in it, if it did
    fields: dict[str, Any] | None = None  # of a table row, what each column holds
    fault: str = ""  # why it could not be read
    recorded: bool = False  # generated elsewhere, and taken as it is
    ended: bool = False  # whole even if the answer was cut: the answer goes on after it


@dataclass(frozen=True)
class Verdict:
    """A row as it is to be kept, and why it is not, or ""."""

    row: ParsedRow
    reason: str = ""


class Verifier(ABC):
    """Judges texts that have passed the filter."""

    portion: int | None = None  # texts asked for at most before they are verified, on a budget

    @abstractmethod
    def verify(
        self, texts: Sequence[str], cells: Sequence[Cell], shown: Sequence[np.ndarray]
    ) -> list[bool | None]:
        """Say of each text whether it belongs to its class; None where there is no verdict.

        `shown` are the positions of the real rows in the prompt of each.
        """

    def requests(self, texts: Sequence[str]) -> list[Request]:
        """Return what would be asked of a language model for these texts."""
        return []


class RowFormat(ABC):
    """Rows of one kind, and the prompt that asks for them."""

    only_whole: bool  # whether a row that is cut off is worth nothing
    length_tolerance: float = 1.0  # how many times shorter than the shortest real row one may be

    def __init__(self, prompt: BasePrompt, source: Source) -> None:
        self.prompt = prompt
        self.source = source
        self.texts = source.texts

    @abstractmethod
    def most_tokens(self, text: str) -> int:
        """Return how many tokens a row may take in any model; it bounds the length of answers."""

    @property
    def writer(self) -> PromptWriter:
        """How prompts are written."""
        return self.source.writer

    def compose(self, cell: Cell, rng: np.random.Generator) -> tuple[np.ndarray, Prompt]:
        """Return the positions of the real rows that a prompt shows, and the prompt."""
        composed = self.prompt.compose(self.source, cell, rng)
        try:
            shown, prompt = composed
            positions = np.array(shown, dtype=int)
            known = positions.ndim == 1 and np.isin(positions, np.arange(len(self.texts))).all()
        except (TypeError, ValueError):
            known = False
        if not known or not isinstance(prompt, (str, tuple)):
            raise TypeError(
                f"{type(self.prompt).__name__}.compose returned {composed!r:.200}. Return the "
                "positions in X of the real rows that the prompt shows, and the prompt: a str or "
                "(role, content) pairs."
            )
        if isinstance(prompt, str) and self.writer.form == "chat":
            prompt = (("user", prompt),)
        return positions, prompt

    def questions(self, seed: int) -> list[Request]:
        """Return what the prompt asks before the first row."""
        return self.prompt.questions(self.source, seed) if self.writer.reads_prompts else []

    def learn(self, answers: Sequence[Completion | None]) -> None:
        """Hand the prompt the answers."""
        self.prompt.learn(self.source, answers)

    def check(self, generator: BaseGenerator) -> None:  # noqa: B027
        """Raise ValueError for what a generator cannot give."""

    def pattern(self, cell: Cell) -> str | None:
        """Return a regular expression that an answer must match, if there is one."""
        return None

    def schema(self) -> dict[str, Any] | None:
        """Return a JSON schema of an answer, if there is one."""
        return None

    def verifier(self, ask: Asker, seed: int) -> Verifier | None:
        """Return who has the last word on a row, if anybody."""
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
    def judge(self, row: ParsedRow, cell: Cell, shown: Sequence[int], cut: bool) -> Verdict:
        """Say whether a row is kept, and how."""

    def forget(self, row: ParsedRow, cell: Cell) -> None:  # noqa: B027
        """Take back that a row was found good."""

    @abstractmethod
    def append(self, X: Any, rows: Sequence[ParsedRow]) -> Any:
        """Return `X` with the rows after its own, in the same type."""

    @abstractmethod
    def check_appendable(self, X: Any) -> None:
        """Raise TypeError if rows such as a model writes would not come out of `append`."""
