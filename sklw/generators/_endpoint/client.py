"""One request at a time, by the official client: the only place that knows the package openai."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from importlib import import_module
from itertools import cycle
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sklw.generators._base import Completion, Request
from sklw.generators._budget import asked_length, longest_answer
from sklw.generators._endpoint.answers import read_answer
from sklw.generators._endpoint.errors import Fault, read_error
from sklw.generators._endpoint.limits import next_wait
from sklw.generators._endpoint.loop import Background
from sklw.generators._endpoint.parameters import build_arguments, unknown_parameter

__all__ = ["Asker", "check_package", "close_clients", "new_clients"]

_PAID_TRIES = 3
_SLOTS_PER_CLIENT, _MOST_CLIENTS = 16, 16
_MOST_BYTES = 64 * 2**20
# Of the task that is sending: set once a try has been sent whole, and may be paid for.
_SENT: ContextVar[list[bool]] = ContextVar("sent")


def check_package() -> None:
    """Raise ImportError if the client is not installed."""
    try:
        import_module("openai")
    except ImportError as error:
        raise ImportError(
            'OpenAIGenerator needs the package openai. Run `pip install "sklw[openai]"`.'
        ) from error


def new_clients(address: str | None, key: str, timeout: float, n_slots: int) -> list[Any]:
    """Return clients that try once, for a number of requests at a time.

    For each request a client looks at all of its connections, so one client is not for many.
    """
    import openai

    query = urlsplit(address or "").query
    return [
        openai.AsyncOpenAI(
            api_key=key or "none",
            base_url=address and address.partition("?")[0],
            default_query=dict(parse_qsl(query)),
            timeout=timeout,
            max_retries=0,
            http_client=openai.DefaultAsyncHttpxClient(
                event_hooks={"request": [_note_sending], "response": [_watch_body]}, timeout=timeout
            ),
        )
        for _ in range(min(_MOST_CLIENTS, -(-n_slots // _SLOTS_PER_CLIENT)))
    ]


async def close_clients(clients: Sequence[Any]) -> None:
    """Close the connections of clients."""
    await asyncio.gather(*(client.close() for client in clients), return_exceptions=True)


class Asker:
    """Gets the answers to requests, however many tries it takes."""

    def __init__(self, generator: Any, clients: Sequence[Any], background: Background) -> None:
        self.answered = False
        self._generator = generator
        self._background = background
        self._path = "/chat/completions" if generator.prompting == "chat" else "/completions"
        # Its parsing takes longer than all the rest, and expects what not every server sends.
        self._unparsed = import_module(_http_package()).Response
        # A moment of the loop's clock is too large for NumPy's short floats.
        self._timeout = float(generator.timeout)
        self._slots = asyncio.Semaphore(generator.max_concurrency)
        self._free = [client for client, _ in zip(cycle(clients), range(generator.max_concurrency))]

    async def ask(self, request: Request, n: int) -> tuple[list[Completion], Fault | None]:
        """Return `n` answers, and why it failed for good; neither if stopped before.

        With a failure there are answers, refusals, only if tries were paid for.
        """
        async with self._slots:
            client = self._free.pop()
            try:
                return await self._ask(client, request, n)
            finally:
                self._free.append(client)

    async def _ask(
        self, client: Any, request: Request, n: int
    ) -> tuple[list[Completion], Fault | None]:
        unsupported = self._generator.unsupported_
        tries = paid = unread = 0
        found: list[Completion] | Fault = []
        while not self._background.stopping.is_set():
            many = 1 if "n" in unsupported else n
            asked = asked_length(self._generator, request.max_new_tokens)
            arguments = build_arguments(self._generator, request, asked, many, unsupported)
            limit = longest_answer(self._generator, request.max_new_tokens)
            found = await self._try(client, arguments, request, limit)
            if not isinstance(found, Fault):
                self.answered = True
                return _after(paid + 1, found), None
            name = unknown_parameter(found, arguments)
            if name is not None:
                unsupported.add(name)
                continue
            if found.kind == "refused":
                return _after(paid + 1, self._refused(found, n, request, paid)), None
            tries += 1
            paid += found.paid
            few = found.paid and found.kind != "slow"  # what it sends is paid for in full
            unread += few
            left = _PAID_TRIES - unread if few else int(self._generator.max_retries) + 1 - tries
            wait = self._wait(found, tries, left)
            if wait is None:
                # If it is broken for this prompt alone, the endpoint works.
                fault = None if found.paid and found.kind == "passing" else found
                return self._unread(found, n, request, paid), fault
            await self._background.pause(wait)
        return self._unread(found, n, request, paid) if isinstance(found, Fault) else [], None

    def _unread(self, fault: Fault, n: int, request: Request, paid: int) -> list[Completion]:
        """Return refusals that count what was paid for without an answer."""
        return _after(paid, self._refused(fault, n, request, paid)) if paid else []

    def _wait(self, fault: Fault, tries: int, left: int) -> float | None:
        """Return how long to wait before the next try; None for no further try."""
        passing = fault.kind in ("passing", "busy", "slow", "unreadable")
        passing |= fault.kind == "unreachable" and (self.answered or fault.names == ())
        if not passing or left <= 0:
            return None
        return next_wait(fault.wait, tries, left, self._timeout)

    def _refused(self, fault: Fault, n: int, request: Request, paid: int) -> list[Completion]:
        note: dict[str, Any] = {"error": self._generator.masked(fault.sentence)}
        note |= {"lasting": True} if fault.filtered else {}
        note |= {"paid": paid} if paid else {}  # not the refusal itself
        read = self._generator.count_tokens(request.prompt) if paid else 0
        first = Completion("", read, finish_reason="error", metadata=note)
        beside = replace(first, prompt_tokens=0, metadata=note | {"beside": True})
        return [first, *[beside] * (n - 1)]

    async def _try(
        self, client: Any, arguments: dict[str, Any], request: Request, limit: int
    ) -> list[Completion] | Fault:
        import openai

        sent: list[bool] = []
        _SENT.set(sent)
        try:
            # Whatever the server does: it may drip headers, or answer 100 again and again.
            async with asyncio.timeout(self._timeout):
                response = await client.post(self._path, body=arguments, cast_to=self._unparsed)
        except openai.APIStatusError as error:
            failed = error.response
            return read_error(failed.status_code, _headers(failed), failed.content)
        except (TimeoutError, openai.APITimeoutError):
            said = f"no answer within {self._timeout:g} seconds"
            return Fault("slow", said, paid=bool(sent))  # servers may go on, and bill it
        except (TypeError, ValueError) as error:  # of the request: nothing has been sent
            return Fault("unsendable", str(error))
        except Exception as error:  # what else a connection may come to
            return _connection_fault(error)
        found = read_answer(
            _headers(response), response.content, request, limit, self._generator.count_tokens
        )
        return found if isinstance(found, Fault) else [self._masked(each) for each in found]

    def _masked(self, answer: Completion) -> Completion:
        """Hide the key in what a server says of a refusal: some send it back."""
        if "error" not in answer.metadata:
            return answer
        said = self._generator.masked(answer.metadata["error"])
        return replace(answer, metadata={**answer.metadata, "error": said})


def _after(tries: int, answers: list[Completion]) -> list[Completion]:
    """Note how many tries were paid for."""
    if tries == 1:
        return answers
    return [replace(each, metadata={**each.metadata, "tries": tries}) for each in answers]


def _http_package() -> str:
    """Return the name of the package that sends for the client: httpx, or httpx2 of late."""
    import openai

    kinds = openai.DefaultAsyncHttpxClient.__mro__
    return next(name for kind in kinds if (name := kind.__module__.split(".")[0]) != "openai")


def _headers(response: Any) -> Mapping[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _connection_fault(error: BaseException) -> Fault:
    """Say why there is no connection; the names say what is not going to change."""
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and len(causes) < 10:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    said = next((text for cause in causes[1:] if (text := str(cause))), str(error))
    said = said or type(error).__name__
    everything = " ".join(map(str, causes))
    if any(isinstance(cause, _UnreadableError) for cause in causes):
        return Fault("unreadable", said, paid=True)
    if "CERTIFICATE_VERIFY_FAILED" in everything:
        return Fault("certificate", said)
    lasting = re.search(
        r"refused|name or service|nodename|name resolution|getaddrinfo|wrong.version.number"
        r"|all connection attempts failed|no route to host",
        everything,
        re.IGNORECASE,
    )
    return Fault("unreachable", said, names=("address",) if lasting else ())


class _UnreadableError(Exception):
    """An answer that does not end, breaks off or cannot be decoded."""


async def _note_sending(request: Any) -> None:
    """Have it noted when a request has been sent whole."""
    sent = _SENT.get()

    async def trace(name: str, info: Any) -> None:
        if name.endswith("send_request_body.complete"):
            sent.append(True)

    request.extensions = {**request.extensions, "trace": trace}


async def _watch_body(response: Any) -> None:
    """Tell an answer that is broken, and paid for, from a failure to connect.

    One without an end has to fail before it fills the memory.
    """
    read = response.aiter_bytes

    async def aiter_bytes(*args: Any, **kwargs: Any) -> Any:
        size = 0
        try:
            async for chunk in read(*args, **kwargs):
                size += len(chunk)
                if size > _MOST_BYTES:
                    raise _UnreadableError(f"the answer is longer than {_MOST_BYTES >> 20} MiB")
                yield chunk
        except Exception as error:
            if not response.is_success or "Timeout" in type(error).__name__:
                raise
            raise _UnreadableError(str(error) or type(error).__name__) from error

    response.aiter_bytes = aiter_bytes
