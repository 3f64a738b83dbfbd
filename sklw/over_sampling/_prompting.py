"""The contract of prompts: what a language model is asked, and what prompts are made from."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator

from sklw._compat.scikit_learn import Interval, StrOptions
from sklw.generators import Completion, Request
from sklw.over_sampling._cells import Cell
from sklw.over_sampling._selection import select_rows
from sklw.over_sampling._templates import user_template
from sklw.over_sampling._writer import Change, Example, Prompt, PromptWriter

__all__ = ["SHARED_CONSTRAINTS", "BasePrompt", "Settings", "Source", "make_writer"]

SHARED_CONSTRAINTS: dict[str, list[Any]] = {
    "n_examples": [Interval(Integral, 1, None, closed="left")],
    "example_selection": [StrOptions({"random", "nearest", "diverse"})],
    "answers_per_prompt": [Interval(Integral, 1, None, closed="left")],
    "rows_per_request": [Interval(Integral, 1, None, closed="left")],
    "instructions": [str, None],
    "template": [str, None],
}


class Settings(BaseEstimator):
    """An object that groups parameters of the sampler; they are checked when it is fitted."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}

    def check(self) -> None:
        """Raise ValueError or TypeError if a parameter is invalid."""
        self._validate_params()


class Source:
    """What prompts are made from: the real rows, how similar they are, and how they are written.

    :meth:`BasePrompt.compose` receives one. Rows are identified by their positions in `X`.

    Attributes
    ----------
    texts : ndarray of str of shape (n_samples,)
        The real rows, as a model is shown them.
    cells : list of Cell
        The classes, or the class x group cells. Each has a ``label``, a ``group`` (or None), the
        ``positions`` of its rows, and a ``description``, whose ``name`` is that of the class and
        whose ``full`` adds what the user has said about it.
    writer : PromptWriter
        Writes the prompts; its ``form`` is ``"completion"`` or ``"chat"``.
    n_examples : int
        Number of rows of a cell that :meth:`draw` returns.
    """

    def __init__(
        self,
        prompt: "BasePrompt",
        texts: np.ndarray,
        cells: Sequence[Cell],
        writer: PromptWriter,
        vectors: Callable[[np.ndarray], np.ndarray],
    ) -> None:
        self.texts = texts
        self.cells = cells
        self.writer = writer
        self.n_examples = prompt.n_examples
        # ``vectors(positions)`` returns a vector for each, closer for more similar rows.
        self._vectors_of, self._selection = vectors, prompt.example_selection
        self._cell_of = {at: cell for cell in cells for at in cell.positions.tolist()}
        self._vectors_of_cell: dict[Any, np.ndarray] = {}
        self._vectors: np.ndarray | None = None

    def draw(self, cell: Cell, rng: np.random.Generator) -> np.ndarray:
        """Draw the positions of `n_examples` rows of a cell."""
        if self._selection != "random" and cell.key not in self._vectors_of_cell:
            self._vectors_of_cell[cell.key] = self._vectors_of(cell.positions)
        vectors = self._vectors_of_cell.get(cell.key)
        n_rows = len(cell.positions)
        return cell.positions[select_rows(self._selection, n_rows, self.n_examples, vectors, rng)]

    def others(self, cell: Cell) -> np.ndarray:
        """Return the positions of the rows of other classes."""
        return np.sort(
            np.concatenate([each.positions for each in self.cells if each.label != cell.label])
        )

    def nearest(self, at: int, among: np.ndarray, without: Collection[int] = ()) -> int | None:
        """Return the position of the row most similar to another, or None if there is none."""
        allowed = np.array([other for other in among.tolist() if other not in {at, *without}])
        if not len(allowed):
            return None
        if self._vectors is None:
            self._vectors = self._vectors_of(np.arange(len(self.texts)))
        distances = np.linalg.norm(self._vectors[allowed] - self._vectors[at], axis=1)
        return int(allowed[np.argmin(distances)])

    def write(
        self,
        shown: Sequence[int] | np.ndarray,
        cell: Cell,
        attributes: Mapping[str, str] | None = None,
        of_shown: Sequence[Mapping[str, str]] | None = None,
    ) -> Prompt:
        """Write a prompt that shows rows and asks for another one of a cell.

        Parameters
        ----------
        shown : sequence of int
            The positions of the rows.
        cell : Cell
            The class (or cell) of the new row.
        attributes : mapping of str to str, default=None
            What the new row should be like.
        of_shown : sequence of mapping, default=None
            The same for each of the rows shown.
        """
        examples = [self.example(int(at)) for at in shown]
        return self.writer.write(examples, cell.description, attributes, of_shown)

    def write_from(
        self, start: int, cell: Cell, change: Change, pairs: Sequence[tuple[int, int]] = ()
    ) -> Prompt:
        """Write a prompt that asks to turn one row into a row of a cell, as pairs demonstrate."""
        shown = [(self.example(before), self.example(after)) for before, after in pairs]
        return self.writer.write_from(self.example(start), cell.description, change, shown)

    def example(self, at: int) -> Example:
        """Return a row with the description of its class."""
        return Example(str(self.texts[at]), self._cell_of[at].description)


class BasePrompt(Settings):
    r"""Base class of prompts; derive from it to prompt a language model in your own way.

    A subclass implements :meth:`compose`. The sampler calls it on a clone made for the run, so
    it may store anything on ``self``. The sampler also reads the six attributes below; a
    subclass may turn any of them into parameters.

    Attributes
    ----------
    n_examples : int, default=5
        Number of rows that ``source.draw`` returns.
    example_selection : {"random", "nearest", "diverse"}, default="random"
        How it draws them.
    answers_per_prompt : int, default=4
        Number of requests that share a prompt before another one is composed.
    rows_per_request : int, default=1
        Number of rows to ask for in one answer, as a numbered list; chat form only.
    instructions : str, default=None
        Further instructions in the user's words, which ``source.write`` adds.
    template : str, default=None
        A Jinja2 template that replaces the wording of ``source.write``.

    See Also
    --------
    Examples, Contrast, Attributes, Rewrite, Paraphrase, Counterfactual : Prompts for texts.
    TableRows : The prompt for tables; derive from it for a table.

    Examples
    --------
    >>> from sklw import LLMOverSampler, RecordedGenerator
    >>> from sklw.over_sampling import BasePrompt
    >>> class Reply(BasePrompt):
    ...     def __init__(self, tone="friendly"):
    ...         self.tone = tone
    ...
    ...     def compose(self, source, cell, rng):
    ...         at = rng.choice(cell.positions)
    ...         return [at], f"{source.texts[at]}\nA {self.tone} reply:"
    >>> LLMOverSampler(prompt=Reply("curt")).get_params()["prompt__tone"]
    'curt'
    """

    n_examples: int = 5
    example_selection: str = "random"
    answers_per_prompt: int = 4
    rows_per_request: int = 1
    instructions: str | None = None
    template: str | None = None
    # What a template can show beside the class, the task and the instructions.
    template_fields: ClassVar[frozenset[str]] = frozenset({"examples"})
    # Texts in its prompts that are no real rows: a copy of one is no new text.
    _demonstration: ClassVar[tuple[str, ...]] = ()

    def check(self) -> None:
        """Raise ValueError or TypeError if a parameter or the template is invalid."""
        super().check()
        if self.template:
            user_template(self.template, self.template_fields)

    @abstractmethod
    def compose(
        self, source: Source, cell: Cell, rng: np.random.Generator
    ) -> tuple[Sequence[int] | np.ndarray, Prompt]:
        """Compose one prompt.

        Parameters
        ----------
        source : Source
            The real rows, with methods that draw and write them.
        cell : Cell
            The class (or class x group cell) of the new row.
        rng : numpy.random.Generator
            The only source of randomness to use, so that results are reproducible.

        Returns
        -------
        shown : sequence of int
            Positions of the real rows in the prompt. They become ``parent_indices_``, so that
            no classifier that has seen them judges the new row.
        prompt : str or tuple of (role, content) pairs
            The prompt. A chat model receives a string as the user's message.
        """

    def start(self, source: Source) -> None:
        """Prepare a run; called once, before anything is sent."""

    def questions(self, source: Source, seed: int) -> list[Request]:
        """Return requests to send before the first row is asked for."""
        return []

    def learn(self, source: Source, answers: Sequence[Completion | None]) -> None:
        """Take the answers to these requests; None where the budget was used up."""


def make_writer(prompt: BasePrompt, form: str, task: str, **of_rows: Any) -> PromptWriter:
    """Return what words a prompt; `of_rows` are further attributes of the writer."""
    return PromptWriter(
        form,
        task=task,
        instructions=prompt.instructions or "",
        # A completion model continues with one row; only an instruction can ask for more.
        n_rows=int(prompt.rows_per_request) if form == "chat" else 1,
        template=prompt.template or "",
        template_fields=prompt.template_fields,
        **of_rows,
    )
