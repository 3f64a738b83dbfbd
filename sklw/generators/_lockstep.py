"""Decoding for any architecture: prompts of one length go together, with no padding at all."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from sklw.generators._constraints import allowed_only
from sklw.generators._sampling import SamplingSettings, sample_tokens
from sklw.generators._slots import CHUNK, FEWEST_ROWS, Slots
from sklw.generators._stopping import StopCheck

if TYPE_CHECKING:
    from sklw.generators._decoding import Task

__all__ = ["decode_in_lockstep", "fits_slots"]


@torch.inference_mode()
def fits_slots(model: Any) -> bool:
    """Tell whether slots yield what the model's own cache yields, by trying.

    Windows shorter than the text, recurrent states and masks built in other ways do not fit.
    """
    config = model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    window = getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True)
    if kinds != {"full_attention"} or (window and not getattr(config, "layer_types", None)):
        return False
    tokens = [(7 * i + 3) % config.vocab_size for i in range(CHUNK + 3)]
    expected = model(input_ids=torch.tensor([tokens], device=model.device)).logits[0, -2:].float()
    try:
        # The second row, shorter, is there to be in the way.
        slots = Slots(model, 2, 2 * CHUNK)
        slots.read_piece([0, 1], [tokens[:CHUNK], tokens[1 : CHUNK + 1]], 0)
        logits = [
            slots.step([tokens[CHUNK + i], tokens[0]], [CHUNK + i, 5 + i])[0] for i in range(3)
        ]
    except (TypeError, ValueError, RuntimeError, AttributeError, IndexError, KeyError):
        return False
    difference = torch.stack(logits[-2:]).float() - expected
    return bool(difference.norm() < 0.1 * expected.norm())


def decode_in_lockstep(
    model: Any,
    tasks: Sequence["Task"],
    settings: SamplingSettings,
    batch_size: int,
    check: StopCheck,
) -> Iterator[tuple["Task", str, str]]:
    """Answer the tasks, those with prompts of one length together.

    Slower than slots where the lengths differ, but it asks nothing of the model.
    """
    by_length: dict[int, list[Task]] = defaultdict(list)
    for task in tasks:
        by_length[len(task.prompt)].append(task)
    for same in by_length.values():
        for start in range(0, len(same), batch_size):
            yield from _answer(model, same[start : start + batch_size], settings, check)


def _answer(
    model: Any, batch: list["Task"], settings: SamplingSettings, check: StopCheck
) -> Iterator[tuple["Task", str, str]]:
    going = set(range(len(batch)))
    tokens = [task.prompt for task in batch]
    cache: dict[str, Any] = {}
    while going:
        logits, cache = _forward(model, tokens, cache)
        logits = allowed_only(logits, batch)
        states = [task.state for task in batch]
        steps = [len(batch[min(going)].tokens)] * len(batch)
        drawn = sample_tokens(logits, states, steps, settings).tolist()
        tokens = [[token] for token in drawn]
        for row in sorted(going):
            batch[row].take(drawn[row])
            ended = check(batch[row])
            if ended is not None:
                going.discard(row)
                yield batch[row], *ended


@torch.inference_mode()
def _forward(
    model: Any, tokens: list[list[int]], cache: dict[str, Any]
) -> tuple[torch.Tensor, dict[str, Any]]:
    # Rows are added for the reason given with FEWEST_ROWS.
    ids = torch.tensor([*tokens, *tokens[:1] * (FEWEST_ROWS - len(tokens))], device=model.device)
    output = model(input_ids=ids, use_cache=True, **cache)
    # Recurrent models give what they remember another name.
    names = ("past_key_values", "cache_params")
    cache = {name: output[name] for name in names if output.get(name) is not None}
    return output.logits[: len(tokens), -1], cache
