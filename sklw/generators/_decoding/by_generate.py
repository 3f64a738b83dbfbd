"""Decoding for any architecture, by transformers' own ``generate``."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from sklw.generators._decoding.architectures import generate
from sklw.generators._decoding.constraints import allowed_only
from sklw.generators._decoding.sampling import SamplingSettings, sample_tokens
from sklw.generators._decoding.slots import FEWEST_ROWS
from sklw.generators._decoding.stopping import StopCheck
from sklw.generators._decoding.tasks import Task

__all__ = ["decode_by_generate"]


def decode_by_generate(
    model: Any,
    tasks: Sequence[Task],
    settings: SamplingSettings,
    batch_size: int,
    check: StopCheck,
    alone: bool = False,
) -> Iterator[tuple[Task, str, str]]:
    """Answer the tasks, those with prompts of one length together, with no padding at all.

    Slower than slots, but what a layer remembers is left to transformers: it asks nothing of the
    model. Where a batch would change what it says, answers are written one by one.
    """
    by_length: dict[int, list[Task]] = defaultdict(list)
    for task in tasks:
        by_length[len(task.prompt)].append(task)
    batch_size, least = (1, 1) if alone else (batch_size, FEWEST_ROWS)
    for same in by_length.values():
        for start in range(0, len(same), batch_size):
            drawing = _Drawing(same[start : start + batch_size], settings, check)
            yield from drawing.run(model, least)


class _Drawing:
    """Draws the tokens of a batch; ``generate`` calls it as logits processor and as criterion."""

    def __init__(self, batch: Sequence[Task], settings: SamplingSettings, check: StopCheck) -> None:
        self._batch = batch
        self._settings = settings
        self._check = check
        self._ended: dict[int, tuple[str, str]] = {}

    def run(self, model: Any, least: int) -> Iterator[tuple[Task, str, str]]:
        # Rows are added for the reason given with FEWEST_ROWS.
        extra = max(least - len(self._batch), 0)
        prompts = [task.prompt for task in self._batch]
        generate(
            model,
            [*prompts, *prompts[:1] * extra],
            max(task.limit for task in self._batch),
            logits_processor=[self._draw],
            stopping_criteria=[self._stop],
        )
        for row, task in enumerate(self._batch):
            yield task, *self._ended[row]

    def _draw(self, ids: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        """Return logits that leave one token to choose in each row."""
        count = len(self._batch)
        step = ids.shape[1] - len(self._batch[0].prompt)
        drawn = sample_tokens(
            allowed_only(logits[:count], self._batch),
            [task.state for task in self._batch],
            [step] * count,
            self._settings,
        )
        for row, token in enumerate(drawn.tolist()):
            if row not in self._ended:
                self._batch[row].take(token)
                ended = self._check(self._batch[row])
                if ended is not None:
                    self._ended[row] = ended
        drawn = torch.cat([drawn, drawn[:1].expand(len(logits) - count)])
        return torch.full_like(logits, -torch.inf).scatter_(1, drawn[:, None], 0.0)

    def _stop(self, ids: torch.Tensor, scores: Any, **kwargs: Any) -> torch.Tensor:
        done = len(self._ended) == len(self._batch)
        return torch.full((len(ids),), done, dtype=torch.bool, device=ids.device)
