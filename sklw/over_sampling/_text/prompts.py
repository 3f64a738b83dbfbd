"""Prompts for texts: which real texts are shown, and what is asked for."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from sklw.over_sampling._cells import Cell
from sklw.over_sampling._prompting import SHARED_CONSTRAINTS, BasePrompt, Source
from sklw.over_sampling._writer import Change, Prompt

__all__ = ["Contrast", "Counterfactual", "Examples", "Paraphrase", "Rewrite"]

_REWRITE = Change(
    "Each text is followed by another of the same category and kind, with different details.",
    "Another text",
    "Rewrite it as another realistic text of the same kind with the label {label}: change the "
    "names, numbers, places, occasion and wording.",
)
_DEMONSTRATION = (
    "Could you call me back this evening?",
    "Please give me a ring tonight if you can.",
)
_PARAPHRASE = Change(
    "Each text is followed by the same text in other words.",
    "In other words",
    "Say the same thing in other words and in a different order, so that its label is still "
    "{label}.",
    _DEMONSTRATION,
)
_COUNTERFACTUAL = Change(
    "Each text is followed by one of another category that is as similar to it as possible.",
    "Text",
    "Change as little of it as possible so that its label becomes {label}. The result should read "
    "like a real text with that label.",
)


class Examples(BasePrompt):
    """Show texts of the class and ask for another one.

    Parameters
    ----------
    n_examples : int, default=5
        Number of real texts of the class in a prompt; fewer if the class has fewer.
    example_selection : {"random", "nearest", "diverse"}, default="random"
        Whether each prompt shows texts drawn at random, a text with its nearest neighbors, or
        texts far from each other.
    answers_per_prompt : int, default=4
        Number of requests that share a prompt before other texts are drawn. Reading a prompt
        costs more than answering it, and a repeated prompt is read only once.
    rows_per_request : int, default=1
        Number of texts to ask for in one answer; chat models only.
    instructions : str, default=None
        Further instructions to the model, in your own words.
    template : str, default=None
        A Jinja2 template that replaces the built-in wording: the text that a completion model
        continues, or the message to a chat model. Its fields are ``{{ examples }}``,
        ``{{ label }}``, ``{{ description }}``, ``{{ task }}``, ``{{ instructions }}`` and
        ``{{ n_rows }}``.

    See Also
    --------
    BasePrompt : Base class for prompts of your own.

    Examples
    --------
    >>> from sklw import LLMOverSampler
    >>> from sklw.over_sampling import Examples
    >>> sampler = LLMOverSampler(prompt=Examples(3, instructions="Write in British English."))
    >>> sampler.set_params(prompt__n_examples=8).prompt.n_examples
    8
    """

    _parameter_constraints: ClassVar[dict] = SHARED_CONSTRAINTS

    def __init__(
        self,
        n_examples: int = 5,
        *,
        example_selection: str = "random",
        answers_per_prompt: int = 4,
        rows_per_request: int = 1,
        instructions: str | None = None,
        template: str | None = None,
    ) -> None:
        self.n_examples = n_examples
        self.example_selection = example_selection
        self.answers_per_prompt = answers_per_prompt
        self.rows_per_request = rows_per_request
        self.instructions = instructions
        self.template = template

    def compose(
        self, source: Source, cell: Cell, rng: np.random.Generator
    ) -> tuple[np.ndarray, Prompt]:
        """Compose one prompt, as :meth:`BasePrompt.compose` says."""
        shown = source.draw(cell, rng)
        return shown, source.write(shown, cell)


class Contrast(Examples):
    """Show texts of the class with the most similar texts of other classes between them.

    Parameters
    ----------
    n_examples : int, default=5
        Number of real texts of the class in a prompt. Each of the last half of them follows the
        text of another class that is most similar to it, by sentence embeddings.
    example_selection : {"random", "nearest", "diverse"}, default="random"
        As in :class:`Examples`.
    answers_per_prompt : int, default=4
        As in :class:`Examples`.
    rows_per_request : int, default=1
        As in :class:`Examples`.
    instructions : str, default=None
        As in :class:`Examples`.
    template : str, default=None
        As in :class:`Examples`.

    Examples
    --------
    >>> from sklw import LLMOverSampler
    >>> from sklw.over_sampling import Contrast
    >>> LLMOverSampler(prompt=Contrast(n_examples=4))
    LLMOverSampler(prompt=Contrast(n_examples=4))
    """

    def compose(
        self, source: Source, cell: Cell, rng: np.random.Generator
    ) -> tuple[np.ndarray, Prompt]:
        """Compose one prompt, as :meth:`BasePrompt.compose` says."""
        own = source.draw(cell, rng).tolist()
        others = source.others(cell)
        first_contrasted = len(own) - max(1, len(own) // 2)
        shown: list[int] = []
        for place, at in enumerate(own):
            if place >= first_contrasted:
                other = source.nearest(at, others, shown)
                shown += [] if other is None else [other]
            shown.append(at)
        return np.array(shown), source.write(shown, cell)


class Rewrite(BasePrompt):
    """Ask for a text of the class to be rewritten with other details [1]_.

    Parameters
    ----------
    n_examples : int, default=5
        Number of real texts in a prompt: the one to start from, and pairs of similar texts of
        the class as demonstrations; in chat form and with a `template`, one text of each pair.
    answers_per_prompt : int, default=4
        As in :class:`Examples`.
    rows_per_request : int, default=1
        As in :class:`Examples`.
    instructions : str, default=None
        As in :class:`Examples`.
    template : str, default=None
        As in :class:`Examples`, with the additional fields ``{{ source }}`` and
        ``{{ source_label }}``, the text to start from and its class.

    References
    ----------
    .. [1] V. Veselovsky et al., "Generating Faithful Synthetic Data with Large Language Models",
       arXiv:2305.15041.

    Examples
    --------
    >>> from sklw import LLMOverSampler
    >>> from sklw.over_sampling import Rewrite
    >>> LLMOverSampler(prompt=Rewrite(n_examples=3))
    LLMOverSampler(prompt=Rewrite(n_examples=3))
    """

    _parameter_constraints: ClassVar[dict] = SHARED_CONSTRAINTS
    template_fields = frozenset({"examples", "source", "source_label"})

    def __init__(
        self,
        n_examples: int = 5,
        *,
        answers_per_prompt: int = 4,
        rows_per_request: int = 1,
        instructions: str | None = None,
        template: str | None = None,
    ) -> None:
        self.n_examples = n_examples
        self.answers_per_prompt = answers_per_prompt
        self.rows_per_request = rows_per_request
        self.instructions = instructions
        self.template = template

    def compose(
        self, source: Source, cell: Cell, rng: np.random.Generator
    ) -> tuple[np.ndarray, Prompt]:
        """Compose one prompt, as :meth:`BasePrompt.compose` says."""
        n_pairs = _n_pairs(source)
        start, *drawn = cell.positions[rng.permutation(len(cell.positions))[: 1 + n_pairs]].tolist()
        pairs = _paired(source, drawn, cell.positions, start)
        return _shown(source, pairs, start), source.write_from(start, cell, _REWRITE, pairs)


class Counterfactual(Rewrite):
    """Ask for a text of another class to be changed so that it belongs to this one.

    Parameters
    ----------
    n_examples : int, default=5
        Number of real texts in a prompt: the one to start from, and pairs of similar texts of
        different classes as demonstrations; in chat form and with a `template`, the text of the
        class of each pair.
    answers_per_prompt : int, default=4
        As in :class:`Examples`.
    rows_per_request : int, default=1
        As in :class:`Examples`.
    instructions : str, default=None
        As in :class:`Examples`.
    template : str, default=None
        As in :class:`Rewrite`.

    Examples
    --------
    >>> from sklw import LLMOverSampler
    >>> from sklw.over_sampling import Counterfactual
    >>> LLMOverSampler(prompt=Counterfactual(n_examples=3))
    LLMOverSampler(prompt=Counterfactual(n_examples=3))
    """

    def compose(
        self, source: Source, cell: Cell, rng: np.random.Generator
    ) -> tuple[np.ndarray, Prompt]:
        """Compose one prompt, as :meth:`BasePrompt.compose` says."""
        others = source.others(cell)
        start = int(others[rng.integers(len(others))])
        drawn = cell.positions[rng.permutation(len(cell.positions))[: _n_pairs(source)]].tolist()
        pairs = [(other, at) for at, other in _paired(source, drawn, others, start)]
        return _shown(source, pairs, start), source.write_from(start, cell, _COUNTERFACTUAL, pairs)


class Paraphrase(BasePrompt):
    """Ask for a text of the class in other words.

    Parameters
    ----------
    answers_per_prompt : int, default=4
        As in :class:`Examples`.
    rows_per_request : int, default=1
        As in :class:`Examples`.
    instructions : str, default=None
        As in :class:`Examples`.
    template : str, default=None
        As in :class:`Rewrite`, without ``{{ examples }}``.

    Examples
    --------
    >>> from sklw import LLMOverSampler
    >>> from sklw.over_sampling import Paraphrase
    >>> LLMOverSampler(prompt=Paraphrase(answers_per_prompt=2))
    LLMOverSampler(prompt=Paraphrase(answers_per_prompt=2))
    """

    _parameter_constraints: ClassVar[dict] = SHARED_CONSTRAINTS
    template_fields = frozenset({"source", "source_label"})
    _demonstration = _DEMONSTRATION

    def __init__(
        self,
        *,
        answers_per_prompt: int = 4,
        rows_per_request: int = 1,
        instructions: str | None = None,
        template: str | None = None,
    ) -> None:
        self.answers_per_prompt = answers_per_prompt
        self.rows_per_request = rows_per_request
        self.instructions = instructions
        self.template = template

    def compose(
        self, source: Source, cell: Cell, rng: np.random.Generator
    ) -> tuple[np.ndarray, Prompt]:
        """Compose one prompt, as :meth:`BasePrompt.compose` says."""
        start = int(cell.positions[rng.integers(len(cell.positions))])
        return np.array([start]), source.write_from(start, cell, _PARAPHRASE)


def _paired(
    source: Source, drawn: Sequence[int], among: np.ndarray, start: int
) -> list[tuple[int, int]]:
    """Return each row with the one among others that is most similar to it, if there is one."""
    pairs = ((at, source.nearest(at, among, {start})) for at in drawn)
    return [(at, other) for at, other in pairs if other is not None]


def _n_pairs(source: Source) -> int:
    """Return how many pairs make up the examples beside the row to change."""
    return (source.n_examples - 1) // (2 if source.writer.shows_changes else 1)


def _shown(source: Source, pairs: Sequence[tuple[int, int]], start: int) -> np.ndarray:
    shown = [at for pair in pairs for at in (pair if source.writer.shows_changes else pair[1:])]
    # The row that is changed last, as the row that shapes the answer most.
    return np.array([*dict.fromkeys(shown), start])
