"""Class-contrastive decoding: the logits under a class's prompt less those under another's.

After CorrSynth (Kowshik et al., EMNLP 2024, arXiv:2411.08553), with each text's own beginning under
both prompts, as in contrastive decoding (Li et al., ACL 2023), from which the rule comes that only
tokens likely under the class's own prompt are drawn.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from sklw import FineTunedGenerator, TransformersGenerator
from sklw.generators import Completion, Request
from sklw.generators._decoding.lockstep import _admit, _Prefixes
from sklw.generators._decoding.sampling import SamplingSettings, sample_tokens
from sklw.generators._decoding.slots import Slots
from sklw.generators._decoding.stopping import StopCheck
from sklw.over_sampling import Contrast, Examples

__all__ = ["ContrastiveFineTuned", "ContrastiveGenerator", "OtherClassToo", "OtherLabelToo"]

_BETWEEN = "\n\x1e\n"
_SLOTS = 64


def _other(source: Any, cell: Any, rng: np.random.Generator) -> Any:
    others = [each for each in source.cells if each.label != cell.label]
    return others[rng.integers(len(others))]


class OtherClassToo(Examples):
    """The prompt of another class, drawn at random, before that of the class."""

    def compose(self, source: Any, cell: Any, rng: np.random.Generator) -> tuple[Any, str]:
        """Compose both prompts."""
        other = _other(source, cell, rng)
        shown, own = super().compose(source, cell, rng)
        against = super().compose(source, other, rng)
        return np.concatenate([against[0], shown]), f"{against[1]}{_BETWEEN}{own}"


class OtherLabelToo(Contrast):
    """Texts of both classes, once with the other class's label at the end and once with its own."""

    def compose(self, source: Any, cell: Any, rng: np.random.Generator) -> tuple[Any, str]:
        """Compose both prompts."""
        other = _other(source, cell, rng)
        shown, own = super().compose(source, cell, rng)
        return shown, f"{source.write(shown, other)}{_BETWEEN}{own}"


class ContrastiveGenerator(TransformersGenerator):
    """Draws from ``own + strength * (own - other)``, where `own` is within `plausible` of its top.

    Parameters
    ----------
    strength : float, default=0.25
        How much the other class's prompt counts against a token; 0 is plain sampling.
    plausible : float, default=0.05
        Least probability under the class's own prompt, as a fraction of the likeliest token's.
    """

    def __init__(self, strength: float = 0.25, plausible: float = 0.05) -> None:
        super().__init__()
        self.strength = strength
        self.plausible = plausible

    def cache_key(self) -> dict[str, Any]:
        """Return everything that determines an answer besides the request."""
        return {**super().cache_key(), "contrast": [self.strength, self.plausible]}

    def iter_generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Answer the requests."""
        against, own = zip(*(request.prompt.split(_BETWEEN) for request in requests), strict=True)
        yield from _contrasted(self, requests, own, against)


class ContrastiveFineTuned(FineTunedGenerator):
    """The same for a model that has learned the rows: its prompts are the names of the classes."""

    def __init__(self, strength: float = 0.25, plausible: float = 0.05) -> None:
        super().__init__(verbose=False)
        self.strength = strength
        self.plausible = plausible

    def fit(self, pairs: Any) -> "ContrastiveFineTuned":
        """Train, and remember how the classes are called."""
        self.names_ = sorted({name for name, _ in pairs(np.random.default_rng(0), False)})
        return super().fit(pairs)

    def cache_key(self) -> dict[str, Any]:
        """Return everything that determines an answer besides the request."""
        return {**super().cache_key(), "contrast": [self.strength, self.plausible]}

    def iter_generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Answer the requests."""
        own = [request.prompt for request in requests]
        against = []
        for request in requests:
            others = [name for name in self.names_ if name != request.prompt]
            against.append(others[request.seed % len(others)])
        yield from _contrasted(self, requests, own, against)


def _contrasted(
    generator: Any, requests: Sequence[Request], own: Sequence[str], against: Sequence[str]
) -> Iterator[tuple[int, Completion]]:
    loaded = generator._load()
    check = StopCheck(loaded)
    pairs = [
        [generator._task(loaded, index, replace(request, prompt=prompt)) for prompt in prompts]
        for index, (request, *prompts) in enumerate(zip(requests, own, against, strict=True))
    ]
    waiting = sorted(pairs, key=lambda pair: max(task.room for task in pair))
    slots = Slots(loaded.model, _SLOTS, max(task.room for task in waiting[-1]))
    prefixes = _Prefixes([task for pair in reversed(waiting) for task in pair])
    active: list[Any] = []  # a text under its own prompt, then under the other, and so on
    while waiting or active:
        if waiting and len(active) <= _SLOTS * 3 // 4:
            first = (len(active) - _SLOTS) // 2
            new = [task for pair in waiting[first:] for task in pair]
            del waiting[first:]
            _admit(slots, len(active), new, prefixes)
            active += new
        _step(generator, slots, active)
        for place in reversed(range(0, len(active), 2)):
            ended = check(task := active[place])
            if ended is None:
                continue
            last = active[-2:]
            del active[-2:]
            if place < len(active):
                slots.move(len(active), place)
                slots.move(len(active) + 1, place + 1)
                active[place : place + 2] = last
            tokens = len(task.prompt) + len(pairs[task.index][1].prompt), 2 * len(task.tokens)
            yield task.index, Completion(ended[0], *tokens, ended[1])


def _step(generator: Any, slots: Slots, active: Sequence[Any]) -> None:
    last = [task.tokens[-1] if task.tokens else task.prompt[-1] for task in active]
    lengths = [len(task.prompt) + len(task.tokens) - 1 for task in active]
    logits = slots.step(last, lengths).float().log_softmax(-1)
    own, against = logits[::2], logits[1::2]
    unlikely = own < own.amax(-1, keepdim=True) + np.log(generator.plausible)
    mixed = (own + generator.strength * (own - against)).masked_fill(unlikely, -torch.inf)
    settings = SamplingSettings(generator.temperature, generator.top_p)
    states = [task.state for task in active[::2]]
    drawn = sample_tokens(mixed, states, [len(t.tokens) for t in active[::2]], settings)
    for task, token in zip(active, drawn.repeat_interleave(2).tolist(), strict=True):
        task.take(token)
