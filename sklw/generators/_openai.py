"""Any endpoint that speaks the OpenAI protocol, by the official client."""

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from importlib import import_module
from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import Interval, StrOptions

from sklw.exceptions import EndpointError
from sklw.generators._base import BaseGenerator, Completion, Request

__all__ = ["OpenAIGenerator"]

_ALGORITHM = 1  # raised whenever the same request may be sent in another form
# Parameters that not every server knows. All but n are hints; stop strings are cut here as well.
_OPTIONAL = ("seed", "response_format", "n", "stop", "top_p")
_DAMAGED_TRIES = 3
_MOST_REFUSED = 8  # in a row from the start: then it is not about single prompts
# A server that ignores max_tokens must not fill the memory.
_CHARACTERS_PER_TOKEN = 8


class OpenAIGenerator(BaseGenerator):
    """Answers from an OpenAI-compatible endpoint: vLLM, SGLang, Ollama, llama.cpp, a provider.

    Requests go out concurrently; failures that may pass (429, 5xx, time-outs, broken connections)
    are tried again with growing, jittered pauses, or when the server says (Retry-After). What
    the server does not know (seeds, several answers a request, JSON schemas) is found out once and
    left out. If the endpoint fails for good, what is on its way is still waited for and kept before
    the error is raised. Needs the package openai: ``pip install "sklw[openai]"``.

    Parameters
    ----------
    model : str
        Name of the model at the endpoint.
    base_url : str or None, default=None
        Where it is, such as ``"http://localhost:8000/v1"``; None takes the ``OPENAI_BASE_URL`` of
        the environment, or OpenAI itself.
    api_key_env : str, default="OPENAI_API_KEY"
        *Name* of the environment variable that holds the key. The key itself is read when a
        request is sent and kept nowhere. A server given by `base_url` may need none.
    prompting : {"chat", "completion"}, default="chat"
        The form of prompt: a conversation, or a text to go on with.
    temperature : float, default=1.0
        Divides the logits.
    top_p : float or None, default=None
        Nucleus sampling; None leaves it to the server.
    max_new_tokens : int, default=256
        Greatest length of an answer, where a request does not say.
    samples_per_request : int, default=1
        Answers asked for at once where several requests show the same prompt: the prompt is paid
        for once.
    max_concurrency : int, default=16
        Requests under way at a time.
    timeout : float, default=60.0
        Seconds that one try may take until its answer begins, and again until it ends.
    max_retries : int, default=5
        Further tries of a request.
    extra_body : dict or None, default=None
        Further fields of each request, such as ``{"min_p": 0.05}``.

    Attributes
    ----------
    unsupported_ : set of str
        What the server turned out not to know.

    Examples
    --------
    >>> from sklw import LLMOverSampler, OpenAIGenerator
    >>> generator = OpenAIGenerator("my-model", base_url="http://localhost:8000/v1")
    >>> sampler = LLMOverSampler(generator=generator, cache=True)
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "model": [str],
        "base_url": [str, None],
        "api_key_env": [str],
        "prompting": [StrOptions({"chat", "completion"})],
        "temperature": [Interval(Real, 0, None, closed="left")],
        "top_p": [Interval(Real, 0, 1, closed="right"), None],
        "max_new_tokens": [Interval(Integral, 1, None, closed="left")],
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
        self.samples_per_request = samples_per_request
        self.max_concurrency = max_concurrency
        self.timeout = timeout
        self.max_retries = max_retries
        self.extra_body = extra_body

    @property
    def prompt_form(self) -> str:
        """``"chat"`` or ``"completion"``."""
        return self.prompting

    @property
    def model_name(self) -> str:
        """Name of the model."""
        return self.model

    def cache_key(self) -> dict[str, Any]:
        """All that determines an answer beside the request; the key is no part of it."""
        return {
            "backend": "openai",
            "algorithm": _ALGORITHM,
            "model": self.model,
            "base_url": self.base_url or os.environ.get("OPENAI_BASE_URL"),
            "prompt_form": self.prompting,
            "temperature": float(self.temperature),
            "top_p": None if self.top_p is None else float(self.top_p),
            "max_new_tokens": int(self.max_new_tokens),
            "extra_body": self.extra_body,
        }

    def iter_generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Yield ``(index of the request, completion)``, each as soon as it is there.

        Parameters
        ----------
        requests : sequence of Request
            What to ask.

        Yields
        ------
        index : int
            Number of the request.
        completion : Completion
            Its answer. One that the server refuses (a content filter, say) has no text, and
            ``finish_reason="error"``.

        Raises
        ------
        EndpointError
            If the endpoint cannot be used, after all that was answered has been yielded.
        ImportError
            If openai is not installed.
        """
        self._validate_params()
        if not hasattr(self, "unsupported_"):  # what was found out holds for further calls
            self.unsupported_: set[str] = set()
        if not requests:
            return
        with self._client() as client, ThreadPoolExecutor(self.max_concurrency) as pool:
            waiting = iter(self._units(requests))
            running: set[Future[list[tuple[int, Completion]]]] = set()
            failure: BaseException | None = None
            n_refused = n_answered = 0
            while True:
                while failure is None and len(running) < self.max_concurrency:
                    unit = next(waiting, None)
                    if unit is None:
                        break
                    running.add(pool.submit(self._answer, client, requests, unit))
                if not running:
                    break
                try:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                except KeyboardInterrupt as interrupt:
                    if failure is not None:  # a second time: what is on its way is given up
                        client.close()
                        raise
                    failure = interrupt
                    continue
                for future in done:
                    error = future.exception()
                    if error is None:
                        answers = future.result()
                        n_refused += sum(a.finish_reason == "error" for _, a in answers)
                        n_answered += len(answers)
                        for answer in answers:
                            try:
                                yield answer
                            except KeyboardInterrupt as interrupt:
                                failure = failure or interrupt
                    failure = failure or error
                if n_refused == n_answered >= _MOST_REFUSED and failure is None:
                    reason = answers[0][1].metadata["error"]
                    failure = EndpointError(
                        f"The endpoint refused all of {n_refused} requests: {reason}. Change what "
                        "it objects to: prompting, temperature, max_new_tokens or extra_body."
                    )
        if failure is not None:
            raise failure

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

    def _answer(
        self, client: Any, requests: Sequence[Request], unit: list[int]
    ) -> list[tuple[int, Completion]]:
        """Ask for the answers of a unit; for those that the server leaves out, again."""
        found: list[tuple[int, Completion]] = []
        while unit:
            many = 1 if "n" in self.unsupported_ else len(unit)
            answers = self._ask(client, requests[unit[0]], many)
            found += list(zip(unit, answers, strict=False))
            unit = unit[len(answers) :]
        return found

    def _ask(self, client: Any, request: Request, n: int) -> list[Completion]:
        import openai

        damaged = 0
        while True:
            arguments = self._arguments(request, n)
            try:
                if self.prompting == "chat":
                    response = client.chat.completions.create(**arguments)
                else:
                    response = client.completions.create(**arguments)
                return self._read(response, request)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                unknown = self._unknown(error, arguments)
                if unknown is None:
                    note = {"error": self._safe(error)}
                    return [Completion("", finish_reason="error", metadata=note)] * n
                self.unsupported_.add(unknown)
                n = 1 if unknown == "n" else n
                continue
            except (openai.APIResponseValidationError, _DamagedAnswerError, ValueError) as error:
                damaged += 1
                if damaged < _DAMAGED_TRIES:
                    time.sleep(0.2 * damaged)
                    continue
                failure = self._unusable(error)
            except openai.OpenAIError as error:
                failure = self._unusable(error)
            # Outside of the except block: the error's request holds the key.
            raise failure

    def _arguments(self, request: Request, n: int) -> dict[str, Any]:
        limit = min(request.max_new_tokens or self.max_new_tokens, self.max_new_tokens)
        arguments: dict[str, Any] = {
            "model": self.model,
            "temperature": self.temperature,
            "seed": request.seed % 2**31,
            "extra_body": self.extra_body,
        }
        newer = "max_tokens" in self.unsupported_ and self.prompting == "chat"
        arguments["max_completion_tokens" if newer else "max_tokens"] = limit
        if isinstance(request.prompt, str) and self.prompting == "completion":
            arguments["prompt"] = request.prompt
        else:
            turns = request.prompt
            turns = (("user", turns),) if isinstance(turns, str) else turns
            arguments["messages"] = [{"role": role, "content": text} for role, text in turns]
        if self.top_p is not None:
            arguments["top_p"] = self.top_p
        if request.stop:
            arguments["stop"] = list(request.stop)
        if n > 1:
            arguments["n"] = n
        if request.schema is not None and self.prompting == "chat":
            arguments["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "row", "schema": dict(request.schema), "strict": True},
            }
        for name in tuple(self.unsupported_):  # other threads add to it
            arguments.pop(name, None)
        return arguments

    def _unknown(self, error: Any, arguments: dict[str, Any]) -> str | None:
        """Return the parameter that a server which refuses a request does not know."""
        message = str(error)
        if getattr(error, "param", None) in _OPTIONAL and error.param in arguments:
            return str(error.param)
        if "max_completion_tokens" in message and "max_tokens" in arguments:
            return "max_tokens"
        optional = _OPTIONAL if self.temperature else (*_OPTIONAL, "temperature")
        named = [name for name in optional if name in arguments and _names(message, name)]
        if not named and "response_format" in arguments and "schema" in message:
            return "response_format"
        return named[0] if named else None

    def _read(self, response: Any, request: Request) -> list[Completion]:
        choices = getattr(response, "choices", None)
        if not isinstance(choices, list):
            raise _DamagedAnswerError(f"an answer of another form: {str(response)[:80]!r}")
        usage = getattr(response, "usage", None)
        prompt_tokens = getattr(usage, "prompt_tokens", None) or 0
        completion_tokens = getattr(usage, "completion_tokens", None) or 0
        limit = (request.max_new_tokens or self.max_new_tokens) * _CHARACTERS_PER_TOKEN
        if not choices:
            return [Completion("", prompt_tokens, completion_tokens, "empty")]
        found: list[Completion] = []
        for place, choice in enumerate(choices):
            # What the request cost is counted once, what was written evenly.
            read = prompt_tokens if place == 0 else 0
            share = completion_tokens // len(choices)
            share += completion_tokens % len(choices) if place == 0 else 0
            if self.prompting == "chat":
                text = getattr(getattr(choice, "message", None), "content", None)
            else:
                text = getattr(choice, "text", None)
            if not isinstance(text, str):
                found.append(Completion("", read, share, "empty"))
                continue
            reason = getattr(choice, "finish_reason", None) or "stop"
            ends = [at for at in map(text.find, request.stop) if at >= 0]
            if ends:
                text, reason = text[: min(ends)], "stop"
            if len(text) > limit:
                text, reason = text[:limit], "length"
            found.append(Completion(text, read, share, reason))
        return found

    def _client(self) -> Any:
        try:
            import openai
        except ImportError as error:
            raise ImportError(
                'OpenAIGenerator needs the package openai. Run `pip install "sklw[openai]"`.'
            ) from error
        key = (os.environ.get(self.api_key_env) or "").strip()
        if not key.isascii() or not key.isprintable():
            raise EndpointError(
                f"The environment variable {self.api_key_env} holds characters that no key has. "
                "Copy the key again."
            )
        local = self.base_url or os.environ.get("OPENAI_BASE_URL")
        if not key and not local:
            raise EndpointError(
                f"The environment variable {self.api_key_env} is not set. Put your key there, name "
                "another variable in api_key_env, or set base_url to a server that needs none."
            )
        bounds: dict[str, list[Callable[..., Any]]] = {
            "response": [partial(_bound_reading, seconds=self.timeout)]
        }
        return openai.OpenAI(
            api_key=key or "none",
            base_url=self.base_url,
            timeout=self.timeout,
            max_retries=self.max_retries,
            http_client=openai.DefaultHttpxClient(event_hooks=bounds, timeout=self.timeout),
        )

    def _unusable(self, error: Exception) -> EndpointError:
        """Say what failed and what to do."""
        import openai

        where = _without_user(self.base_url or os.environ.get("OPENAI_BASE_URL") or "OpenAI")
        tries = f"after {self.max_retries + 1} tries"
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            what = f"{where} refused the key in the environment variable {self.api_key_env}"
            advice = "Check the key and what it may be used for"
        elif isinstance(error, openai.NotFoundError):
            what = f"{where} has no model {self.model!r}, or is no such endpoint"
            advice = "Check model and base_url, which mostly ends in /v1"
        elif isinstance(error, openai.APITimeoutError):
            what = f"{where} gave no answer within {self.timeout:g} seconds {tries}"
            advice = "Raise timeout, or lower max_concurrency"
        elif isinstance(error, openai.APIConnectionError):
            what = f"{where} cannot be reached {tries}"
            advice = "Check that the server runs and that base_url is right"
        elif isinstance(error, openai.RateLimitError):
            what = f"{where} still gets too many requests {tries}, or the quota is used up"
            advice = "Lower max_concurrency, raise max_retries, or look at your plan"
        elif isinstance(error, openai.InternalServerError):
            what = f"{where} failed {tries}"
            advice = "Look at the server's log, and try again"
        else:
            what = f"{where} sent what cannot be read"
            advice = "Check that base_url is an OpenAI-compatible endpoint"
        return EndpointError(
            f"{what}: {self._safe(error)}. {advice}. What was answered is kept, and with cache= a "
            "second run sends the rest only."
        )

    def _safe(self, error: Exception) -> str:
        """Return the first words of an error, without the key, which some servers send back."""
        text = _without_user(" ".join(str(error).split()))
        key = (os.environ.get(self.api_key_env) or "").strip()
        return (text.replace(key, "***") if key else text)[:300]


def _bound_reading(response: Any, *, seconds: float) -> None:
    """Let an answer that drips in end in a time-out; the client bounds each wait only."""
    read, deadline = response.iter_raw, time.monotonic() + seconds
    # httpx or, for newer clients, httpx2.
    httpx = import_module(type(response).__module__.partition(".")[0])

    def iter_raw(*args: Any, **kwargs: Any) -> Iterator[bytes]:
        for chunk in read(*args, **kwargs):
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout("the answer did not end in time")
            yield chunk

    response.iter_raw = iter_raw


def _without_user(url: str) -> str:
    """Drop the user's name and password from an address."""
    return re.sub(r"(?<=//)[^/@]*@", "", url)


class _DamagedAnswerError(Exception):
    """An answer that is no completion."""


def _names(message: str, parameter: str) -> bool:
    """Whether a message is about a parameter: its name stands in quotes."""
    return any(f"{mark}{parameter}{mark}" in message for mark in ("'", '"', "`"))
