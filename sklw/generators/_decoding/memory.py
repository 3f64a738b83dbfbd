"""How many answers at once the memory of a device holds."""

from typing import Any

import torch

__all__ = ["fitting_batch_size"]

_MOST = {"cpu": 64, "cuda": 256}
# Of the free memory; the rest is for what a forward pass needs besides.
_SHARE = 0.5
# Copies of the logits that drawing a token holds, in float32.
_COPIES = 6


# Not accelerate's find_executable_batch_size: it learns from failures, but on a CPU the system
# kills a process that takes too much memory. On a GPU it would start all answers again, where
# TransformersGenerator halves the batch and keeps what has been written.
def fitting_batch_size(model: Any, room: int) -> int:
    """Return how many texts of `room` tokens, prompts included, can be written at once."""
    most = _MOST.get(model.device.type, 64)
    free = free_bytes(model.device)
    config = model.config.get_text_config()
    heads = getattr(config, "num_attention_heads", None)
    if free is None or not heads:
        return most
    size = getattr(config, "head_dim", None) or config.hidden_size // heads
    heads = getattr(config, "num_key_value_heads", None) or heads
    cache = 2 * config.num_hidden_layers * heads * size * room * model.dtype.itemsize
    return max(1, min(most, int(_SHARE * free / (cache + 4 * _COPIES * config.vocab_size))))


def free_bytes(device: torch.device) -> int | None:
    """Return the free memory of a device, None if nobody knows."""
    if device.type == "cuda":
        held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0] + held)
    if device.type != "cpu":
        return None
    try:
        import psutil
    except ImportError:
        return None
    return int(psutil.virtual_memory().available)
