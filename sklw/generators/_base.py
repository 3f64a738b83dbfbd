"""The protocol that every generator follows."""

from abc import ABCMeta, abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sklearn.base import BaseEstimator

__all__ = ["BaseGenerator", "Completion", "Request"]

_WHOLE = frozenset({"stop", "recorded", "exhausted", "empty", "error"})


@dataclass(frozen=True)
class Request:
    """One question to a language model.

    Attributes
    ----------
    prompt : str or tuple of (role, content) pairs
        A text to be continued (completion form) or a conversation (chat form).
    seed : int
        Seed of this request alone: its answer must not depend on the requests beside it.
    label : hashable or None
        Class the answer is meant for. Models see it only through the prompt; recorded
        generations are looked up by it.
    stop : tuple of str
        The answer ends before the first of these strings.
    max_new_tokens : int or None
        Upper bound of the answer's length; None leaves it to the generator.
    index : int
        Running number of the request among those for its label, counted over all rounds of one
        fit. Recorded generations answer with the row of that number; models do not read it.
    """

    prompt: str | tuple[tuple[str, str], ...]
    seed: int
    label: Hashable | None = None
    stop: tuple[str, ...] = ()
    max_new_tokens: int | None = None
    index: int = 0
    group: Hashable | None = None
    pattern: str | None = None
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Completion:
    """The answer to one request.

    Attributes
    ----------
    text : str
        The answer, without prompt and without stop string.
    prompt_tokens, completion_tokens : int
        What the answer cost; 0 for recorded rows.
    finish_reason : str
        ``"stop"``, ``"length"`` (cut at `max_new_tokens`), ``"empty"`` (nothing was said),
        ``"error"`` (refused; `metadata` has the server's words), ``"thinking"`` (it ends before
        the model's thinking does), ``"recorded"``, ``"exhausted"`` (a source of recorded rows
        has no more for this label), or what else a server calls the end of an answer.
    cached : bool
        Whether it was taken from the request cache.
    metadata : mapping
        What a backend knows beside the text (a recorded row's number and parent).
    """

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    finish_reason: str = "stop"
    cached: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cut(self) -> bool:
        """Whether the text may be incomplete: all but the known good ends count as cut."""
        return self.finish_reason not in _WHOLE


class BaseGenerator(BaseEstimator, metaclass=ABCMeta):
    """Base class of generators: a scikit-learn-style object with ``generate``.

    A backend implements :meth:`iter_generate`, :meth:`cache_key` and :attr:`prompt_form`.
    """

    @property
    @abstractmethod
    def prompt_form(self) -> str:
        """``"completion"``, ``"chat"``, or ``"none"`` (prompts are not read at all)."""

    @property
    @abstractmethod
    def model_name(self) -> str:
        """Name of the model for provenance."""

    @abstractmethod
    def cache_key(self) -> dict[str, Any]:
        """All that determines an answer beside the request, as JSON-serialisable values."""

    @abstractmethod
    def iter_generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Yield ``(index of the request, completion)`` in any order, each as soon as known."""

    def count_tokens(self, prompt: str | tuple[tuple[str, str], ...]) -> int:
        """Estimate how many tokens a prompt has: one for four bytes, if nobody knows better.

        Parameters
        ----------
        prompt : str or tuple of (role, content) pairs
            As in a request.

        Returns
        -------
        n_tokens : int
            The estimate.
        """
        texts = [prompt] if isinstance(prompt, str) else [content for _, content in prompt]
        return sum(-(-len(text.encode(errors="replace")) // 4) for text in texts)

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """Answer the requests.

        Parameters
        ----------
        requests : sequence of Request
            What to ask.

        Returns
        -------
        completions : list of Completion
            One for each request, in their order.
        """
        completions: list[Completion | None] = [None] * len(requests)
        for index, completion in self.iter_generate(requests):
            completions[index] = completion
        missing = [index for index, completion in enumerate(completions) if completion is None]
        if missing:
            raise RuntimeError(
                f"{type(self).__name__} left {len(missing)} of {len(requests)} requests "
                f"unanswered (first: {missing[0]}); iter_generate must yield every index once."
            )
        return [completion for completion in completions if completion is not None]
