"""What the rows would cost, with no model loaded."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sklw.generators import BaseGenerator, Completion, Request
from sklw.over_sampling import LLMOverSampler

__all__ = ["tokens_for"]


class _Counter(BaseGenerator):
    """Counts tokens, and writes nothing."""

    prompt_form = "chat"

    def iter_generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        raise RuntimeError("An estimate sends no request.")


def tokens_for(X: Any, y: Any, wanted: Mapping[Any, int], generator: Any = None) -> int:
    """Estimate the tokens read and written to bring classes to the wanted numbers of rows."""
    sampler = LLMOverSampler(
        generator=_Counter() if generator is None else generator,
        sampling_strategy=dict(wanted),
        random_state=0,
        verbose=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about rows that nobody generates
        expected: Any = sampler.estimate(X, y).loc["expected"]
    return int(expected["prompt_tokens"] + expected["completion_tokens"])
