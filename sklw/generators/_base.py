"""The protocol that every generator follows."""

from abc import ABCMeta, abstractmethod
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sklearn.base import BaseEstimator

from sklw._keys import as_plain

__all__ = ["BaseGenerator", "Completion", "Request", "check_all_answered"]

_WHOLE = frozenset({"stop", "recorded", "exhausted", "empty", "error"})


@dataclass(frozen=True)
class Request:
    """One question for a language model.

    Attributes
    ----------
    prompt : str or tuple of (role, content) pairs
        A text to continue (completion form) or a conversation (chat form).
    seed : int
        Seed of this request alone: its answer must not depend on the other requests.
    label : hashable or None
        Class the answer is meant for. Models see it only through the prompt; recorded
        generations are looked up by it.
    stop : tuple of str
        The answer ends before the first of these strings.
    max_new_tokens : int or None
        Maximum length of the answer; None leaves it to the generator.
    index : int
        Number of the request among those for its label, counted over all rounds of one fit.
        Recorded generations answer with the row of that number; models do not read it.
    group : hashable or None
        Group that the answer is meant for; read like `label`.
    pattern : str or None
        Regular expression that the answer must match; a generator that cannot enforce it may
        ignore it.
    schema : mapping or None
        JSON schema of the answer, likewise.
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
        Tokens read and written; 0 for recorded rows.
    finish_reason : str
        ``"stop"``, ``"length"`` (cut at `max_new_tokens`), ``"empty"`` (the server sent no text;
        the cache does not keep that), ``"error"`` (refused; `metadata` has the server's message as
        `error`, and `lasting` if the cache is to keep it), ``"thinking"`` (the answer ends before
        the model's thinking does), ``"recorded"``, ``"exhausted"`` (a source of recorded rows has
        no more for this label), or any other reason that a server gives.
    cached : bool
        Whether the answer was taken from the request cache.
    metadata : mapping
        What else a backend knows, such as a recorded row's number and parent.
    """

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    finish_reason: str = "stop"
    cached: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cut(self) -> bool:
        """Whether the text may be incomplete: any unknown finish reason counts as cut."""
        return self.finish_reason not in _WHOLE


def check_all_answered(generator: Any, waiting: Collection[int], n: int) -> None:
    """Raise an error if requests still wait for an answer when a generator has ended."""
    if waiting:
        raise RuntimeError(
            f"{type(generator).__name__} left {len(waiting)} of {n} requests unanswered (first: "
            f"{min(waiting)}); iter_generate must yield every index once."
        )


class BaseGenerator(BaseEstimator, metaclass=ABCMeta):
    """Base class of generators: a scikit-learn-style object with ``generate``.

    A subclass implements :meth:`iter_generate`. It overrides :attr:`prompt_form`, which may be a
    plain class attribute, if its model reads conversations; :attr:`model_name`, if its class does
    not name the model; and :meth:`cache_key`, if more than its class and parameters determines an
    answer.

    Examples
    --------
    >>> from sklw.generators import BaseGenerator, Completion, Request
    >>> class Parrot(BaseGenerator):
    ...     def iter_generate(self, requests):
    ...         for index, request in enumerate(requests):
    ...             yield index, Completion(request.prompt.upper())
    >>> Parrot().generate([Request("a prize", seed=0)])[0].text
    'A PRIZE'
    """

    @property
    def prompt_form(self) -> str:
        """``"completion"`` (a text to continue), ``"chat"`` (a conversation) or ``"none"``.

        With ``"none"`` prompts are not read at all.
        """
        return "completion"

    @property
    def model_name(self) -> str:
        """Name of the model for provenance; by default the name of the class."""
        return type(self).__name__

    def cache_key(self) -> dict[str, Any]:
        """Return everything that determines an answer besides the request, for the cache.

        Returns
        -------
        key : dict
            JSON-serialisable; by default the class and the parameters. What JSON cannot hold is
            hashed in full: arrays, frames, estimators with all they have learned, functions by
            their code.

        Raises
        ------
        ValueError
            If a parameter cannot be recognized in a later run, such as a lock.
        """
        cls = type(self)
        key: dict[str, Any] = {"backend": f"{cls.__module__}.{cls.__qualname__}"}
        for name, value in self.get_params(deep=False).items():
            try:
                key[name] = as_plain(value)
            except ValueError as error:
                raise ValueError(
                    f"The parameter {name!r}, a {type(value).__name__}, cannot be recognized in a "
                    f"later run ({error}), so the cache could answer with what another value has "
                    "given. Override cache_key to return what determines an answer, or use no "
                    "cache."
                ) from error
        return key

    @abstractmethod
    def iter_generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Yield ``(index of the request, completion)`` in any order, each as soon as it is known.

        Parameters
        ----------
        requests : sequence of Request
            The requests.

        Yields
        ------
        index : int
            Position of a request.
        completion : Completion
            Its answer.
        """

    def note_answers(self, completions: Collection[Completion]) -> None:
        """Learn of answers found in the cache, before the others are asked for.

        They are ignored by default.

        Parameters
        ----------
        completions : collection of Completion
            The answers.
        """

    def count_tokens(self, prompt: str | tuple[tuple[str, str], ...]) -> int:
        """Estimate how many tokens a prompt has; the default is four bytes per token.

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
            The requests.

        Returns
        -------
        completions : list of Completion
            One for each request, in the same order.
        """
        completions: list[Completion | None] = [None] * len(requests)
        for index, completion in self.iter_generate(requests):
            completions[index] = completion
        missing = [index for index, completion in enumerate(completions) if completion is None]
        check_all_answered(self, missing, len(requests))
        return [completion for completion in completions if completion is not None]
