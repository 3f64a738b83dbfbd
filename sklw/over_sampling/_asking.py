"""How requests reach a generator: through the cache, within the budget, with a progress bar."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sklw._cached import cached_property
from sklw._progress import progress
from sklw.generators import (
    BaseGenerator,
    Budget,
    Completion,
    Request,
    RequestCache,
    Usage,
    iter_within,
)
from sklw.generators._thinking import without_thinking

__all__ = ["Asker"]


@dataclass(frozen=True)
class Asker:
    """Asks a generator; `cache`, `budget` and `verbose` are as in LLMOverSampler."""

    generator: BaseGenerator
    cache: Any = None
    budget: Budget | None = None
    usage: Usage = field(default_factory=Usage)  # counts what is sent
    uncached: Usage = field(default_factory=Usage)  # the same if nothing had been in the cache
    marks: Any = ()  # marks of thinking that real rows hold themselves
    verbose: bool = False

    @cached_property
    def _kept(self) -> RequestCache | None:
        cache = RequestCache.resolve(self.cache)
        return None if cache is None else cache._of_one_fit()

    def __call__(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Yield ``(index of the request, completion)`` until all are answered or none may be."""
        with progress(len(requests), "LLMOverSampler", "request", self.verbose) as bar:
            for index, completion in iter_within(
                self.generator, requests, self._kept, self.budget, self.usage
            ):
                bar.update()
                self.uncached.count(replace(completion, cached=False), self.budget or Budget())
                yield index, without_thinking(completion, self.marks)
