"""The contract of prompts: what is asked of a language model, and from what it is made."""

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

__all__ = ["SHARED_CONSTRAINTS", "BasePrompt", "Settings", "Source", "make_source"]

SHARED_CONSTRAINTS: dict[str, list[Any]] = {
    "n_examples": [Interval(Integral, 1, None, closed="left")],
    "example_selection": [StrOptions({"random", "nearest", "diverse"})],
    "answers_per_prompt": [Interval(Integral, 1, None, closed="left")],
    "rows_per_request": [Interval(Integral, 1, None, closed="left")],
    "instructions": [str, None],
    "template": [str, None],
}


class Settings(BaseEstimator):
    """Parameters in an object of their own, checked when the sampler is fitted."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}

    def check(self) -> None:
        """Raise ValueError or TypeError for a parameter that cannot be."""
        self._validate_params()


class Source:
    """What a prompt is made from: the real rows, which are alike, and how they are written.

    :meth:`BasePrompt.compose` is given one. Rows are named by their positions in `X`.

    Attributes
    ----------
    texts : ndarray of str of shape (n_samples,)
        The real rows, as a model is shown them.
    cells : list of Cell
        The classes, or the class x group cells. Each has a ``label``, a ``group`` (or None), the
        ``positions`` of its rows, and a ``description`` with the ``name`` of the class and what
        it is in ``full``.
    writer : PromptWriter
        Writes the prompts; its ``form`` is ``"completion"`` or ``"chat"``.
    n_examples : int
        How many rows of a cell :meth:`draw` returns.
    """

    def __init__(
        self,
        texts: np.ndarray,
        cells: Sequence[Cell],
        writer: PromptWriter,
        vectors: Callable[[np.ndarray], np.ndarray],
        *,
        n_examples: int,
        example_selection: str,
    ) -> None:
        self.texts = texts
        self.cells = cells
        self.writer = writer
        self.n_examples = n_examples
        self._vectors_of, self._selection = vectors, example_selection
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
        """Return the position of the row most like another; None if none is left."""
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
            What the new row is to belong to.
        attributes : mapping of str to str, default=None
            What the new row is to be like.
        of_shown : sequence of mapping, default=None
            What is known of the rows shown in the same way.
        """
        examples = [self.example(int(at)) for at in shown]
        return self.writer.write(examples, cell.description, attributes, of_shown)

    def write_from(
        self, start: int, cell: Cell, change: Change, pairs: Sequence[tuple[int, int]] = ()
    ) -> Prompt:
        """Write a prompt that asks for a row of a cell made from another one, as pairs show."""
        shown = [(self.example(before), self.example(after)) for before, after in pairs]
        return self.writer.write_from(self.example(start), cell.description, change, shown)

    def example(self, at: int) -> Example:
        """Return a row and what its class is called."""
        return Example(str(self.texts[at]), self._cell_of[at].description)


class BasePrompt(Settings):
    r"""Base class of prompts: derive from it to ask a language model in your own way.

    A subclass implements :meth:`compose`. The sampler calls it on a clone made for the run, so
    it may keep what it likes on ``self``. What the sampler reads of it are the six attributes
    below, which a subclass may make parameters of its own.

    Attributes
    ----------
    n_examples : int, default=5
        Rows that :meth:`Source.draw` returns.
    example_selection : {"random", "nearest", "diverse"}, default="random"
        How it draws them.
    answers_per_prompt : int, default=4
        Requests that are sent the same prompt before another one is composed.
    rows_per_request : int, default=1
        Rows that an answer is to hold, as items of a list; chat form only.
    instructions : str, default=None
        Further wishes in the user's words, which ``source.write`` adds.
    template : str, default=None
        The user's words in place of those of ``source.write``.

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

    def check(self) -> None:
        """Raise ValueError or TypeError for a parameter that cannot be, or a template."""
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
            The real rows, and how to draw and write them.
        cell : Cell
            What the new row is to belong to.
        rng : numpy.random.Generator
            The only source of randomness, so that results can be repeated.

        Returns
        -------
        shown : sequence of int
            Positions of the real rows in the prompt: they become ``parent_indices_``, so that a
            row is never judged by a classifier that has seen them.
        prompt : str or tuple of (role, content) pairs
            The prompt; a string is sent to a chat model as the user's message.
        """

    def start(self, source: Source) -> None:
        """Prepare for a run; called once, before anything is sent."""

    def questions(self, source: Source, seed: int) -> list[Request]:
        """Return what is to be asked before the first row is."""
        return []

    def learn(self, answers: Sequence[Completion | None]) -> None:
        """Take the answers to these questions, None where a budget left none."""


def make_source(
    prompt: BasePrompt,
    texts: np.ndarray,
    cells: Sequence[Cell],
    vectors: Callable[[np.ndarray], np.ndarray],
    form: str,
    task: str,
    **of_rows: Any,
) -> Source:
    """Return what a prompt is made from.

    ``vectors(positions)`` returns a vector for each of these rows, the nearer the more alike;
    `of_rows` is what else the writer is to know of them.
    """
    writer = PromptWriter(
        form,
        task=task,
        instructions=prompt.instructions or "",
        # A completion model goes on with one row; only an instruction can ask for more.
        n_rows=prompt.rows_per_request if form == "chat" else 1,
        template=prompt.template or "",
        template_fields=prompt.template_fields,
        **of_rows,
    )
    return Source(
        texts,
        cells,
        writer,
        vectors,
        n_examples=prompt.n_examples,
        example_selection=prompt.example_selection,
    )
