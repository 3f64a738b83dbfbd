"""Limits on the cost of generation, and what it has cost."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from numbers import Integral, Real
from typing import Any

from sklearn.base import BaseEstimator

from sklw._compat.scikit_learn import Interval
from sklw._html import small_table
from sklw.generators._base import BaseGenerator, Completion, Request
from sklw.generators._cache.answering import iter_cached, known_answers
from sklw.generators._cache.request_cache import RequestCache

__all__ = ["Budget", "Usage", "asked_length", "iter_within", "longest_answer", "planned"]

_AT_ONCE = 64


class Budget(BaseEstimator):
    """Limits on what a fit may spend on requests; answers from the cache cost nothing.

    A request is sent only if its prompt and the longest possible answer still fit, so that no limit
    is exceeded. (Prompts for endpoints are estimated, see ``count_tokens``, and so are answers if a
    server does not count tokens.) The exception is an answer that cannot be read, since it breaks
    off for example, or that takes longer than the generator's `timeout`, since many servers finish
    and bill it all the same. The former is requested again at most twice, the latter at most
    `max_retries` times. Each try counts, with the tokens of the answer that follows; if none
    follows, only the prompts count. Everything generated before a limit is reached is kept and
    used.

    Parameters
    ----------
    max_requests : int or None, default=None
        Maximum number of requests sent.
    max_tokens : int or None, default=None
        Maximum number of tokens read and written.
    max_cost : float or None, default=None
        Maximum cost, in the currency of the prices.
    prompt_price, completion_price : float, default=0.0
        Price of a million tokens read, and of a million written.

    Examples
    --------
    >>> from sklw.generators import Budget
    >>> Budget(max_cost=2.0, prompt_price=0.15, completion_price=0.6).cost(1_000_000, 500_000)
    0.45
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "max_requests": [Interval(Integral, 0, None, closed="left"), None],
        "max_tokens": [Interval(Integral, 0, None, closed="left"), None],
        "max_cost": [Interval(Real, 0, None, closed="left"), None],
        "prompt_price": [Interval(Real, 0, None, closed="left")],
        "completion_price": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        max_requests: int | None = None,
        max_tokens: int | None = None,
        max_cost: float | None = None,
        prompt_price: float = 0.0,
        completion_price: float = 0.0,
    ) -> None:
        self.max_requests = max_requests
        self.max_tokens = max_tokens
        self.max_cost = max_cost
        self.prompt_price = prompt_price
        self.completion_price = completion_price

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Return the cost of tokens.

        Parameters
        ----------
        prompt_tokens, completion_tokens : int
            Tokens read and written.

        Returns
        -------
        cost : float
            In the currency of the prices.
        """
        return (
            prompt_tokens * float(self.prompt_price)
            + completion_tokens * float(self.completion_price)
        ) / 1_000_000

    def check(self) -> None:
        """Raise ValueError if a parameter is invalid, or a cost is limited without prices."""
        self._validate_params()
        if self.max_cost is not None and not (self.prompt_price or self.completion_price):
            raise ValueError(
                "Budget(max_cost=...) needs prompt_price and completion_price, per million tokens: "
                "without prices everything is free."
            )

    def spent(self, usage: "Usage") -> str:
        """Return the name of a limit that the usage exceeds, "" if there is none."""
        tokens = usage.prompt_tokens + usage.completion_tokens
        pairs = (
            ("max_requests", self.max_requests, usage.requests),
            ("max_tokens", self.max_tokens, tokens),
            ("max_cost", self.max_cost, self.cost(usage.prompt_tokens, usage.completion_tokens)),
        )
        return next((name for name, bound, now in pairs if bound is not None and now > bound), "")

    def _html_repr(self) -> str:
        """Return what notebooks show, in place of scikit-learn's diagram."""
        prices = {"prompt_price", "completion_price"}
        bounds = {
            name: value
            for name, value in self.get_params().items()
            if value is not None and (value or name not in prices)
        }
        return small_table("Budget", bounds or {"bounds": "none"})


@dataclass
class Usage:
    """What has been sent and paid for.

    Attributes
    ----------
    requests : int
        Requests sent. One that asks for several answers (see `samples_per_request`) counts once.
        One that is sent again counts again only if the try before may have been paid for: its
        answer could not be read, or took too long.
    cached : int
        Requests answered from the cache.
    prompt_tokens, completion_tokens : int
        Tokens read and written.
    cost : float
        Cost at the prices of the budget, 0 without one.
    stopped_by : str
        The limit that ended generation, "" if none did.
    """

    requests: int = 0
    cached: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    stopped_by: str = ""

    def with_requests(self, n: int, prompt_tokens: int, completion_tokens: int) -> "Usage":
        """Return the usage after some more requests."""
        return Usage(
            self.requests + n,
            self.cached,
            self.prompt_tokens + prompt_tokens,
            self.completion_tokens + completion_tokens,
        )

    def count(self, completion: Completion, budget: Budget) -> None:
        """Add an answer."""
        if completion.cached:
            self.cached += 1
            return
        tries = completion.metadata.get("tries", 1)
        paid = completion.metadata.get("paid", tries)  # the others cost about as much
        self.requests += 0 if completion.metadata.get("beside", False) else tries
        self.prompt_tokens += paid * completion.prompt_tokens
        self.completion_tokens += paid * completion.completion_tokens
        self.cost = budget.cost(self.prompt_tokens, self.completion_tokens)

    def _repr_html_(self) -> str:
        return small_table("Usage", asdict(self))


def iter_within(
    generator: BaseGenerator,
    requests: Sequence[Request],
    cache: RequestCache | None,
    budget: Budget | None,
    usage: Usage,
) -> Iterator[tuple[int, Completion]]:
    """Answer requests as far as the budget allows, and record what they cost.

    Parameters
    ----------
    generator : BaseGenerator
        The generator.
    requests : sequence of Request
        The requests.
    cache : RequestCache or None
        Where answers are kept.
    budget : Budget or None
        The limits; None for none.
    usage : Usage
        What has been sent is added to it; `stopped_by` is set if not all requests were sent.

    Yields
    ------
    index : int
        Position of a request.
    completion : Completion
        Its answer.
    """
    prices = budget or Budget()
    portions: Iterable[Sequence[int]] = [range(len(requests))]
    if budget is not None:
        # Read at once: what is looked up again may be gone, and would be sent beside the budget.
        known = known_answers(generator, requests, cache)
        for index, completion in known.items():
            usage.count(completion, prices)
            yield index, completion
        unknown = [index for index in range(len(requests)) if index not in known]
        portions = _affordable(generator, requests, unknown, budget, usage)
    for portion in portions:
        asked = [requests[at] for at in portion]
        for index, completion in iter_cached(generator, asked, cache):
            usage.count(completion, prices)
            yield portion[index], completion


def asked_length(generator: BaseGenerator, max_new_tokens: int | None) -> int:
    """Return how many tokens an answer is to have at most, thinking included."""
    bounds = (max_new_tokens, getattr(generator, "max_new_tokens", None))
    answer = min((int(bound) for bound in bounds if bound is not None), default=0)
    return answer + int(getattr(generator, "thinking_tokens", 0))


def longest_answer(generator: BaseGenerator, max_new_tokens: int | None) -> int:
    """Return the same, or what a user's own fields of a request admit if that is more."""
    own = [_own_field(generator, name) for name in ("max_tokens", "max_completion_tokens")]
    return max(asked_length(generator, max_new_tokens), *own)


def planned(usage: Usage, generator: BaseGenerator, request: Request) -> Usage:
    """Return the usage after one more request, with the longest possible answer."""
    tokens = generator.count_tokens(request.prompt)
    longest = longest_answer(generator, request.max_new_tokens)
    return usage.with_requests(1, tokens, longest * max(1, _own_field(generator, "n")))


def _own_field(generator: BaseGenerator, name: str) -> int:
    """Return a number among the fields that an endpoint is sent as they are, 0 without it."""
    own = getattr(generator, "extra_body", None)
    value = own.get(name) if isinstance(own, dict) else None
    return int(value) if isinstance(value, Integral) else 0


def _affordable(
    generator: BaseGenerator,
    requests: Sequence[Request],
    wanted: Sequence[int],
    budget: Budget,
    usage: Usage,
) -> Iterator[list[int]]:
    """Yield portions that fit the budget whatever their answers cost."""
    most = max(_AT_ONCE, 4 * int(getattr(generator, "max_concurrency", 1)))
    while wanted:
        portion: list[int] = []
        total, bound = usage, ""
        for at in wanted[:most]:
            total = planned(total, generator, requests[at])
            if bound := budget.spent(total):
                break
            portion.append(at)
        if not portion:
            usage.stopped_by = bound
            return
        yield portion
        wanted = wanted[len(portion) :]
