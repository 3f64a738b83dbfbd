"""Draw the next token of each row: one random stream a request, exact top-p without a sort."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

__all__ = ["SamplingSettings", "sample_tokens", "seed_state"]

_BLOCK = 256  # a draw searches the sums of blocks first, then one block
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_TRIES = 1 << 20  # room for the tries of one step in a request's counter


@dataclass(frozen=True)
class SamplingSettings:
    """How a token is drawn: the parameters of these names of TransformersGenerator."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int | None = None
    min_p: float | None = None


def _mix(x: np.ndarray) -> np.ndarray:
    # The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): a counter-based generator.
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def seed_state(seed: int) -> int:
    """Turn any non-negative seed into 64 well-mixed bits."""
    return int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])


def _uniforms(states: np.ndarray, counters: np.ndarray) -> np.ndarray:
    """Return the number that belongs to each (state, counter), uniform in [0, 1)."""
    with np.errstate(over="ignore"):
        bits = _mix(_mix(counters.astype(np.uint64) * _GOLDEN) ^ states)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _sums(probabilities: torch.Tensor) -> torch.Tensor:
    return probabilities.unflatten(-1, (-1, _BLOCK)).sum(-1).sum(-1)


def _draw(probabilities: torch.Tensor, uniforms: torch.Tensor) -> torch.Tensor:
    """Invert the distribution function of each row of unnormalised probabilities."""
    rows = torch.arange(len(probabilities), device=probabilities.device)
    blocks = probabilities.unflatten(-1, (-1, _BLOCK))
    ends = blocks.sum(-1).cumsum(-1, dtype=torch.float64)
    target = uniforms * ends[:, -1]
    # Rounding may put a target on the very end: the clamp and the argmax below keep it in range.
    block = torch.searchsorted(ends, target[:, None], right=True)[:, 0]
    block = block.clamp(max=ends.shape[1] - 1)
    start = torch.where(block > 0, ends[rows, (block - 1).clamp(min=0)], 0.0)
    inside = blocks[rows, block]
    within = inside.cumsum(-1, dtype=torch.float64)
    place = torch.searchsorted(within, (target - start)[:, None], right=True)[:, 0]
    place = place.clamp(max=_BLOCK - 1)
    empty = inside[rows, place] == 0
    if empty.any():
        place = torch.where(empty, inside.argmax(-1), place)
    return block * _BLOCK + place


def _prepare(logits: torch.Tensor, settings: SamplingSettings) -> tuple[torch.Tensor, torch.Tensor]:
    """Return probabilities after temperature, top-k and min-p, and the mass top-p refers to.

    The order is that of transformers: top-p sees what top-k left, min-p what both left.
    """
    probabilities = torch.softmax(logits.float() / settings.temperature, dim=-1)
    gap = -probabilities.shape[1] % _BLOCK
    if gap:
        probabilities = torch.nn.functional.pad(probabilities, (0, gap))
    if settings.top_k is not None and settings.top_k < logits.shape[1]:
        least = probabilities.topk(settings.top_k, dim=-1).values[:, -1:]
        probabilities = probabilities.where(probabilities >= least, 0.0)
    mass = _sums(probabilities)
    if settings.min_p is not None:
        least = probabilities.amax(-1, keepdim=True) * settings.min_p
        probabilities = probabilities.where(probabilities >= least, 0.0)
    return probabilities, mass


@torch.inference_mode()
def sample_tokens(
    logits: torch.Tensor,
    states: Sequence[int] | np.ndarray,
    steps: Sequence[int] | np.ndarray,
    settings: SamplingSettings,
) -> torch.Tensor:
    """Draw one token for each row.

    Top-p needs no sort. A token is drawn from the whole distribution and kept if the mass of
    the strictly more likely tokens is below `top_p`, that is, if it lies in the nucleus. If not,
    neither it nor any less likely token does: these are struck out and the row is drawn again.
    Whatever is kept has its probability renormalised over the nucleus. Equally likely
    tokens are kept or dropped together.
    """
    if settings.temperature == 0:
        return logits.argmax(-1)
    if logits.device.type == "mps":
        logits = logits.float().cpu()  # it has no float64, and the sums below need it
    probabilities, total = _prepare(logits, settings)
    states = np.asarray(states, dtype=np.uint64)
    counters = np.asarray(steps, dtype=np.uint64) * np.uint64(_TRIES)
    tokens = torch.empty(len(probabilities), dtype=torch.int64, device=probabilities.device)
    waiting = torch.arange(len(probabilities), device=probabilities.device)
    left = waiting.cpu().numpy()
    while True:
        uniforms = torch.from_numpy(_uniforms(states[left], counters[left]))
        drawn = _draw(probabilities, uniforms.to(probabilities.device))
        tokens[waiting] = drawn
        if settings.top_p >= 1:
            return tokens
        chosen = probabilities.gather(1, drawn[:, None])
        # A token of more mass than lies outside the nucleus is inside: no need to look further.
        unsure = chosen[:, 0] <= (1 - settings.top_p) * total
        waiting, total, probabilities = waiting[unsure], total[unsure], probabilities[unsure]
        above = torch.empty_like(probabilities)
        above = torch.gt(probabilities, chosen[unsure], out=above).mul_(probabilities)
        outside = _sums(above) >= settings.top_p * total
        if not outside.any():
            return tokens
        waiting, total, probabilities = waiting[outside], total[outside], above[outside]
        left = waiting.cpu().numpy()
        counters[left] += np.uint64(1)
