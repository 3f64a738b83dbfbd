"""A request while it is being answered."""

from dataclasses import dataclass, field
from typing import Any

from sklw.generators._decoding.slots import CHUNK

__all__ = ["Task"]


@dataclass
class Task:
    """A request while it is being answered: what it asks, and what has been drawn so far."""

    index: int
    prompt: list[int]  # at least one token
    state: int  # what `seed_state` makes of the request's seed
    limit: int  # maximum number of new tokens
    stop: tuple[str, ...]
    tokens: list[int] = field(default_factory=list)
    matcher: Any = None  # follows the answer through the pattern that it must match

    def take(self, token: int) -> None:
        """Append a token."""
        self.tokens.append(token)
        if self.matcher is not None:
            self.matcher.consume_token(token)

    def restart(self) -> None:
        """Forget what has been drawn."""
        self.tokens.clear()
        if self.matcher is not None:
            self.matcher.reset()

    @property
    def room(self) -> int:
        """Positions needed at most: the last token drawn is not read any more."""
        pieces = -(-(len(self.prompt) - 1) // CHUNK) * CHUNK
        return max(len(self.prompt) + self.limit, pieces)
