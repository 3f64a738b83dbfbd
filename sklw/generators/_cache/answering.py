"""Answer requests from the cache, and send each of the others once."""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sklw.exceptions import EndpointError
from sklw.generators._base import BaseGenerator, Completion, Request, check_all_answered
from sklw.generators._cache.request_cache import RequestCache
from sklw.generators._cache.store import Store
from sklw.generators._cache.upkeep import evict

__all__ = ["CacheStatistics", "generate_cached", "iter_cached", "known_answers"]

_SCHEMA = 1
_POLL_SECONDS = 0.2


@dataclass
class CacheStatistics:
    """How the requests of a call were answered.

    Attributes
    ----------
    hits : int
        Requests answered from the cache, by another process meanwhile, or by an equal request.
    sent : int
        Requests answered by the generator.
    """

    hits: int = 0
    sent: int = 0


def known_answers(
    generator: BaseGenerator, requests: Sequence[Request], cache: RequestCache | None
) -> dict[int, Completion]:
    """Return the answers that the cache holds, by the index of their request."""
    if cache is None or generator.prompt_form == "none":
        return {}
    generator_key = generator.cache_key()
    keys = [_key(generator_key, request) for request in requests]
    with Store(cache.path, cache._told) as store:
        found = _lookup(generator, store, dict.fromkeys(keys))
    return {index: found[key] for index, key in enumerate(keys) if key in found}


def _lookup(generator: BaseGenerator, store: Store, keys: Iterable[str]) -> dict[str, Completion]:
    found = store.lookup(keys)
    generator.note_answers(found.values())
    return found


def _key(generator_key: dict[str, Any], request: Request) -> str:
    content = {
        "schema": _SCHEMA,
        "generator": generator_key,
        "prompt": request.prompt,
        "seed": int(request.seed),
        "stop": list(request.stop),
        "max_new_tokens": None if request.max_new_tokens is None else int(request.max_new_tokens),
    }
    if request.pattern is not None:  # absent, so that answers kept before there were patterns fit
        content["pattern"] = request.pattern
    if request.schema is not None:
        content["schema_of_answer"] = dict(request.schema)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def iter_cached(
    generator: BaseGenerator,
    requests: Sequence[Request],
    cache: RequestCache | None,
    *,
    statistics: CacheStatistics | None = None,
) -> Iterator[tuple[int, Completion]]:
    """Answer requests from the cache and send the missing ones, each distinct one once.

    Parameters
    ----------
    generator : BaseGenerator
        The generator, which answers what the cache does not hold. One that reads no prompts
        (`prompt_form` ``"none"``) is always asked.
    requests : sequence of Request
        The requests.
    cache : RequestCache or None
        Where answers are kept; None sends every request.
    statistics : CacheStatistics or None, default=None
        Counts how the requests were answered.

    Yields
    ------
    index : int
        Position of a request.
    completion : Completion
        Its answer, with `cached` set if the generator was not asked for it. It is on disk
        with the next commit, usually within a tenth of a second.
    """
    statistics = CacheStatistics() if statistics is None else statistics
    if not requests:
        return
    if cache is None or generator.prompt_form == "none":
        waiting = set(range(len(requests)))
        for index, completion in generator.iter_generate(requests):
            _check(generator, index, completion, waiting)
            statistics.sent += 1
            yield index, completion
        check_all_answered(generator, waiting, len(requests))
        return
    generator_key = generator.cache_key()
    places: dict[str, list[int]] = {}
    for index, request in enumerate(requests):
        places.setdefault(_key(generator_key, request), []).append(index)
    with Store(cache.path, cache._told) as store:
        while places:
            found = _lookup(generator, store, places)
            for key, completion in found.items():
                for index in places.pop(key):
                    statistics.hits += 1
                    yield index, completion
            mine = store.claim(places) if places else []
            if mine:
                with contextlib.closing(_send(generator, requests, store, places, mine)) as sent:
                    for key, completion in sent:
                        first, *others = places.pop(key)
                        statistics.sent += 1
                        yield first, completion
                        for index in others:
                            statistics.hits += 1
                            yield index, replace(completion, cached=True)
            elif places:
                time.sleep(_POLL_SECONDS)  # somebody else is generating the rest
    if cache.max_bytes is not None:
        evict(cache.path, cache.max_bytes)


def _send(
    generator: BaseGenerator,
    requests: Sequence[Request],
    store: Store,
    places: dict[str, list[int]],
    keys: list[str],
) -> Generator[tuple[str, Completion], None, None]:
    """Generate what was claimed and keep each answer as it comes."""
    answers: Any = generator.iter_generate([requests[places[key][0]] for key in keys])
    waiting, process = set(range(len(keys))), os.getpid()
    item: tuple[int, Completion] | None = None
    try:
        while True:
            with store.working():
                item = next(answers, None)
            if item is None:
                break
            index, completion = item
            _check(generator, index, completion, waiting)
            store.add(keys[index], completion)
            yield keys[index], completion
    except (GeneratorExit, KeyboardInterrupt):
        if os.getpid() == process:  # a forked one has nothing on its way
            # What is on its way is paid for, so it is waited for and kept.
            left = (KeyboardInterrupt, StopIteration, AttributeError, EndpointError)
            with contextlib.suppress(*left), store.working():
                if item is not None:
                    store.add(keys[item[0]], item[1])
                item = answers.throw(KeyboardInterrupt())
                while item is not None:
                    store.add(keys[item[0]], item[1])
                    item = next(answers, None)
        raise
    check_all_answered(generator, waiting, len(keys))


def _check(generator: BaseGenerator, index: int, answer: Any, waiting: set[int]) -> None:
    """Raise an error unless an answer is one, and to a request that still waits for its own."""
    name = type(generator).__name__
    if not isinstance(answer, Completion):
        raise TypeError(
            f"{name}.iter_generate yielded {answer!r:.60} as an answer, a {type(answer).__name__}. "
            "Yield the index of the request and a Completion: `yield index, Completion(text)`."
        )
    if index not in waiting:
        raise RuntimeError(
            f"{name}.iter_generate yielded the index {index!r}, which belongs to no request that "
            "waits for an answer; it must yield every index once, from 0 on."
        )
    waiting.remove(index)


def generate_cached(
    generator: BaseGenerator,
    requests: Sequence[Request],
    cache: RequestCache | None,
    *,
    progress: Callable[[Completion], object] | None = None,
    statistics: CacheStatistics | None = None,
) -> list[Completion]:
    """Answer requests from the cache and send the missing ones, each distinct one once.

    Parameters
    ----------
    generator : BaseGenerator
        The generator, which answers what the cache does not hold.
    requests : sequence of Request
        The requests.
    cache : RequestCache or None
        Where answers are kept; None sends every request.
    progress : callable or None, default=None
        Called with each completion as it comes.
    statistics : CacheStatistics or None, default=None
        Counts how the requests were answered.

    Returns
    -------
    completions : list of Completion
        One for each request, in the same order.

    Examples
    --------
    >>> from sklw.generators import RecordedGenerator, Request, generate_cached
    >>> generator = RecordedGenerator([{"text": "win a prize", "label": "spam"}])
    >>> generate_cached(generator, [Request("", seed=0, label="spam")], None)[0].text
    'win a prize'
    """
    completions: list[Completion | None] = [None] * len(requests)
    for index, completion in iter_cached(generator, requests, cache, statistics=statistics):
        completions[index] = completion
        if progress is not None:
            progress(completion)
    return [completion for completion in completions if completion is not None]
