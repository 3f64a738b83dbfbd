"""Any endpoint that speaks the OpenAI protocol, by the official client."""

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from numbers import Integral, Real
from typing import Any

from sklw._compat.scikit_learn import Interval, StrOptions
from sklw.exceptions import EndpointError
from sklw.generators._base import BaseGenerator, Completion, Request
from sklw.generators._endpoint.address import (
    check_address,
    check_variable,
    hidden,
    read_key,
    without_key,
    without_secrets,
)
from sklw.generators._endpoint.client import Asker, check_package, close_clients, new_clients
from sklw.generators._endpoint.errors import Fault
from sklw.generators._endpoint.failures import endpoint_error
from sklw.generators._endpoint.interrupts import Interrupts, say_waiting
from sklw.generators._endpoint.loop import Background
from sklw.generators._endpoint.parameters import as_sent
from sklw.generators._endpoint.refusals import Refusals

__all__ = ["OpenAIGenerator"]

_ALGORITHM = 1  # raised whenever the same request may be sent in another form


class OpenAIGenerator(BaseGenerator):
    """Answers from an OpenAI-compatible endpoint: vLLM, SGLang, Ollama, llama.cpp, a provider.

    Requests are sent concurrently. After a temporary failure (429, 5xx, a time-out or a broken
    connection) a request is sent again after a growing, jittered pause, and not before the server
    says. Parameters that the server does not support (seeds, several answers per request, JSON
    schemas, a temperature) are detected once and left out. If the endpoint fails permanently, or
    after Ctrl-C, nothing more is sent, but the answers under way are still awaited and kept; a
    second Ctrl-C does not wait. If the server does not count tokens, they are estimated. Needs the
    package openai: ``pip install "sklw[openai]"``.

    Parameters
    ----------
    model : str
        Name of the model at the endpoint.
    base_url : str or None, default=None
        Address of the endpoint, such as ``"http://localhost:8000/v1"``; None stands for the
        environment variable ``OPENAI_BASE_URL``, or for OpenAI itself. An address that contains a
        password or key is refused, and shown without it.
    api_key_env : str, default="OPENAI_API_KEY"
        *Name* of the environment variable that holds the key. The key itself is read when a
        request is sent and never stored. A server given by `base_url` may need none. A key
        passed here by mistake is refused, and not stored either.
    prompting : {"chat", "completion"}, default="chat"
        Form of the prompts: a conversation, or a text to continue.
    temperature : float, default=1.0
        Divides the logits.
    top_p : float or None, default=None
        Nucleus sampling; None leaves it to the server.
    max_new_tokens : int, default=256
        Maximum length of an answer in tokens; a request may ask for less.
    thinking_tokens : int, default=0
        Tokens for what a model thinks before its answer, in addition to the answer's length. The
        thinking itself is removed. Reasoning models need hundreds to thousands of tokens.
    samples_per_request : int, default=1
        Number of answers that one request asks for if several requests have the same prompt, which
        is then paid for only once.
    max_concurrency : int, default=16
        Maximum number of requests under way at the same time.
    timeout : float, default=60.0
        Seconds that one try may take, from looking up the address to the end of the answer, and
        the longest wait between two tries.
    max_retries : int, default=5
        Maximum number of further tries of a request.
    extra_body : dict or None, default=None
        Additional fields of each request, such as ``{"min_p": 0.05}``. They are shown and stored
        like other parameters, so they must not hold a key.

    Attributes
    ----------
    unsupported_ : set of str
        Parameters that the server turned out not to support.

    Examples
    --------
    >>> from sklw import LLMOverSampler, OpenAIGenerator
    >>> generator = OpenAIGenerator("my-model", base_url="http://localhost:8000/v1")
    >>> sampler = LLMOverSampler(generator=generator, cache=True)
    """

    _answered_as: dict[str, Any] | None = None  # the cache key when it last answered

    _parameter_constraints: dict[str, list[Any]] = {
        "model": [str],
        "base_url": [str, None],
        "api_key_env": [str],
        "prompting": [StrOptions({"chat", "completion"})],
        "temperature": [Interval(Real, 0, None, closed="left")],
        "top_p": [Interval(Real, 0, 1, closed="right"), None],
        "max_new_tokens": [Interval(Integral, 1, None, closed="left")],
        "thinking_tokens": [Interval(Integral, 0, None, closed="left")],
        "samples_per_request": [Interval(Integral, 1, None, closed="left")],
        "max_concurrency": [Interval(Integral, 1, None, closed="left")],
        "timeout": [Interval(Real, 0, None, closed="neither")],
        "max_retries": [Interval(Integral, 0, None, closed="left")],
        "extra_body": [dict, None],
    }

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key_env: str = "OPENAI_API_KEY",
        prompting: str = "chat",
        temperature: float = 1.0,
        top_p: float | None = None,
        max_new_tokens: int = 256,
        thinking_tokens: int = 0,
        samples_per_request: int = 1,
        max_concurrency: int = 16,
        timeout: float = 60.0,
        max_retries: int = 5,
        extra_body: dict[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.base_url = base_url
        self.api_key_env = api_key_env
        self.prompting = prompting
        self.temperature = temperature
        self.top_p = top_p
        self.max_new_tokens = max_new_tokens
        self.thinking_tokens = thinking_tokens
        self.samples_per_request = samples_per_request
        self.max_concurrency = max_concurrency
        self.timeout = timeout
        self.max_retries = max_retries
        self.extra_body = extra_body

    @property
    def base_url(self) -> str | None:  # numpydoc ignore=GL08
        return self._base_url

    @base_url.setter
    def base_url(self, url: str | None) -> None:
        # A secret in it is dropped here, so that no repr, pickle, log or cache can hold it.
        shown = without_secrets(url)
        self._base_url = url if shown == url else shown

    @property
    def api_key_env(self) -> str:  # numpydoc ignore=GL08
        return self._api_key_env

    @api_key_env.setter
    def api_key_env(self, name: str) -> None:
        shown = without_key(name)
        self._api_key_env = name if shown == name else shown

    @property
    def prompt_form(self) -> str:
        """``"chat"`` or ``"completion"``."""
        return self.prompting

    @property
    def model_name(self) -> str:
        """Name of the model."""
        return self.model

    def cache_key(self) -> dict[str, Any]:
        """Return everything that determines an answer besides the request; not the API key."""
        return {
            "backend": "openai",
            "algorithm": _ALGORITHM,
            "model": self.model,
            "base_url": _unslashed(without_secrets(self._address)),
            "prompt_form": self.prompting,
            "temperature": float(self.temperature),
            "top_p": None if self.top_p is None else float(self.top_p),
            "max_new_tokens": int(self.max_new_tokens),
            "extra_body": as_sent(self.extra_body or None),  # {} sends the same as None
            **({"thinking_tokens": int(self.thinking_tokens)} if self.thinking_tokens else {}),
        }

    @property
    def _address(self) -> str | None:
        return self.base_url or os.environ.get("OPENAI_BASE_URL") or None

    def iter_generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Yield ``(index of the request, completion)``, each as soon as it has arrived.

        Parameters
        ----------
        requests : sequence of Request
            The requests.

        Yields
        ------
        index : int
            Position of a request.
        completion : Completion
            Its answer. If the server refuses a request, by a content filter for example, it has
            no text and ``finish_reason="error"``.

        Raises
        ------
        EndpointError
            If the endpoint cannot be used, after all answers received have been yielded.
        ImportError
            If openai is not installed.
        """
        self._prepare()
        if not requests:
            return
        check_package()
        key = self._key()
        n_slots = int(self.max_concurrency)
        clients = new_clients(self._address, key, float(self.timeout), n_slots)
        failure: BaseException | None = None
        refusals = Refusals(requests, self._answered_as == self.cache_key())
        with (
            Background(partial(close_clients, clients)) as background,
            Interrupts(background.wake) as interrupts,
        ):
            asker = Asker(self, clients, background)
            waiting, running = iter(self._units(requests)), 0
            while True:
                if interrupts.count and failure is None:
                    failure = KeyboardInterrupt()
                    background.stop()
                    say_waiting(min(running, n_slots))  # the others have not been sent
                # The next ones are at hand, so that no slot waits for this thread.
                while failure is None and running < 2 * n_slots:
                    unit = next(waiting, None)
                    if unit is None:
                        break
                    refusals.await_first(unit)
                    background.start(self._answer(asker, requests, unit))
                    running += 1
                if not running or (interrupts.count > 1 and not background.ready()):
                    break
                ended = _taken(background, interrupts)
                if ended is None:
                    continue
                running -= 1
                answers, fault = ended.result()
                for answer in answers:
                    refusals.count(*answer)
                    self.note_answers([answer[1]])
                    try:
                        yield answer
                    except KeyboardInterrupt:
                        interrupts.note()
                if failure is None and (fault is not None or refusals.are_all):
                    failure = self._failure(fault, refusals)
                    background.stop()
        if failure is not None:
            raise failure

    def _prepare(self) -> None:
        """Check the parameters, and begin to note what the server does not support."""
        self._validate_params()
        if not hasattr(self, "unsupported_"):  # what was found out holds for further calls
            self.unsupported_: set[str] = set()
        check_variable(self.api_key_env)  # an estimate, which sends nothing, names a wrong one too
        if self._address is not None:
            check_address(self._address)

    def note_answers(self, completions: Collection[Completion]) -> None:
        """Remember whether the endpoint has answered: then it does not refuse everything.

        Parameters
        ----------
        completions : collection of Completion
            The answers.
        """
        if any(completion.finish_reason != "error" for completion in completions):
            self._answered_as = self.cache_key()

    def _key(self) -> str:
        """Return the key; raise if there is none and one is needed."""
        key = read_key(self.api_key_env)
        if self._address is None and not key:
            raise EndpointError(
                f"The environment variable {self.api_key_env} is not set. Put your key there, name "
                "another variable in api_key_env, or set base_url to a server that needs none."
            )
        return key

    def _units(self, requests: Sequence[Request]) -> Iterator[list[int]]:
        """Yield the indices of requests that can be sent as one."""
        alike: dict[Any, list[int]] = {}
        for index, request in enumerate(requests):
            key = (request.prompt, request.stop, request.max_new_tokens, request.pattern)
            alike.setdefault(key, []).append(index)
        size = self.samples_per_request
        for indices in alike.values():
            for start in range(0, len(indices), size):
                yield indices[start : start + size]

    async def _answer(
        self, asker: Asker, requests: Sequence[Request], unit: list[int]
    ) -> tuple[list[tuple[int, Completion]], Fault | None]:
        """Ask for the answers of a unit; for those that the server leaves out, again."""
        found: list[tuple[int, Completion]] = []
        while unit:
            answers, fault = await asker.ask(requests[unit[0]], len(unit))
            if not answers:
                return found, fault
            # Servers may give more than asked for, as extra_body={"n": 3} has them: it is paid for.
            surplus = sum(answer.completion_tokens for answer in answers[len(unit) :])
            written = answers[0].completion_tokens + surplus
            answers[0] = replace(answers[0], completion_tokens=written)
            found += list(zip(unit, answers, strict=False))
            if fault is not None:
                return found, fault
            unit = unit[len(answers) :]
        return found, None

    def _failure(self, fault: Fault | None, refusals: Refusals) -> EndpointError:
        if fault is not None:
            return endpoint_error(self, fault, self._address or "OpenAI")
        advice = "Change what it objects to: prompting, temperature, max_new_tokens or extra_body."
        if refusals.passing:
            advice = "Look at the server's log, and try again."
        return EndpointError(
            f"The endpoint refused all of {len(refusals.refused)} requests: {refusals.reason}. "
            + advice
        )

    def masked(self, text: str) -> str:
        """Return at most 300 characters of a server's message, with the API key hidden.

        Parameters
        ----------
        text : str
            The message; some servers send the key back.

        Returns
        -------
        words : str
            Its beginning.
        """
        key = (os.environ.get(self.api_key_env) or "").strip()
        return hidden(text, key)[:300]


def _unslashed(address: str | None) -> str | None:
    """Return one form of an address that clients read alike."""
    if not isinstance(address, str):
        return address
    path, mark, query = address.partition("?")
    return path.rstrip("/") + mark + query


def _taken(background: Background, interrupts: Interrupts) -> Any:
    """Wait for the next unit to end; None if something else has to be looked at."""
    try:
        return background.take()
    except KeyboardInterrupt:
        interrupts.note()
        return None
