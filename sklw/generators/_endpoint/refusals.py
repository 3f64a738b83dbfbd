"""Whether an endpoint refuses single requests or everything."""

from collections.abc import Sequence
from typing import Any

from sklw.generators._base import Completion, Request

__all__ = ["Refusals"]

_MOST_REFUSED = 8  # prompts and answers: then it is not about single ones


class Refusals:
    """Tells whether an endpoint refuses everything."""

    def __init__(self, requests: Sequence[Request], has_answered: bool) -> None:
        self.refused: set[int] = set()
        self.reason = ""
        self.passing = False  # whether the same was asked again, in vain
        self._requests = requests
        self._has_answered = has_answered
        self._most = min(_MOST_REFUSED, len({request.prompt for request in requests}))
        self._prompts: set[Any] = set()
        self._first: set[int] = set()

    def await_first(self, unit: Sequence[int]) -> None:
        # By the order of sending: refusals are quick, and overtake answers.
        prompt = self._requests[unit[0]].prompt
        is_new = prompt not in self._prompts and len(self._prompts) < self._most
        if is_new or len(self._first) < _MOST_REFUSED:
            self._prompts.add(prompt)
            self._first.update(unit)

    def count(self, index: int, completion: Completion) -> None:
        if completion.finish_reason == "error":
            self.refused.add(index)
            self.reason = completion.metadata.get("error", "")
            self.passing = "paid" in completion.metadata
        else:
            self._has_answered = True

    @property
    def are_all(self) -> bool:
        enough = len(self._prompts) == self._most and len(self.refused) >= _MOST_REFUSED
        return enough and self._first <= self.refused and not self._has_answered
