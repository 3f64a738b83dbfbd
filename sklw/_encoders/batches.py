"""From texts to batches of token ids: tokenised once, grouped by length, padded to the batch."""

from collections.abc import Iterable, Sequence
from threading import RLock
from typing import Any

import numpy as np
import torch

__all__ = [
    "length_bucketed_batches",
    "pad_batch",
    "sorted_batches",
    "tokenize",
    "tokenizer_lock",
    "tokens_at_once",
]

# Tokenizers keep the length they truncate to, so two threads with one of them would mix theirs up.
tokenizer_lock = RLock()

# Long enough that a batch is nearly even in length, short enough that batches differ from epoch to
# epoch.
BATCHES_PER_CHUNK = 50
# Larger tensors leave the cache and are slow to allocate; half and twice as many are as fast.
_TOKENS_PER_THREAD = 1024


def tokenize(tokenizer: Any, texts: Iterable[str], max_length: int) -> list[np.ndarray]:
    """Turn texts into token ids, truncated (special tokens included) but not padded."""
    with tokenizer_lock:
        encoded = tokenizer(
            list(texts),
            truncation=True,
            max_length=max_length,
            padding=False,
            return_attention_mask=False,
            return_token_type_ids=False,
        )
    return [np.asarray(ids, dtype=np.int64) for ids in encoded["input_ids"]]


def length_bucketed_batches(
    lengths: np.ndarray,
    batch_size: int,
    rng: np.random.Generator,
    batches_per_chunk: int = BATCHES_PER_CHUNK,
) -> list[np.ndarray]:
    """Draw one epoch of random batches of row numbers whose texts are of similar length.

    Rows are shuffled, sorted by length within large chunks, cut into batches, and the batches are
    shuffled. Every row comes once; all batches but one are full.
    """
    pieces = _cut(rng.permutation(len(lengths)), batch_size * batches_per_chunk)
    order = np.concatenate([piece[np.argsort(lengths[piece], kind="stable")] for piece in pieces])
    batches = _cut(order, batch_size)
    return [batches[index] for index in rng.permutation(len(batches))]


def tokens_at_once(device: str | torch.device) -> int | None:
    """Return how many tokens a batch should have at most in prediction; None for no limit."""
    on_cpu = torch.device(device).type == "cpu"
    return _TOKENS_PER_THREAD * torch.get_num_threads() if on_cpu else None


def sorted_batches(
    lengths: np.ndarray, batch_size: int, max_tokens: int | None = None
) -> list[np.ndarray]:
    """Cut the row numbers into batches for prediction.

    The longest texts come first, so that a lack of memory shows at once. A batch has one text at
    least, and otherwise at most `max_tokens` tokens, padding included.
    """
    order = np.argsort(-lengths, kind="stable")
    if max_tokens is None:
        return _cut(order, batch_size)
    batches, start = [], 0
    while start < len(order):
        fitting = max_tokens // max(int(lengths[order[start]]), 1)
        batches.append(order[start : start + max(1, min(batch_size, fitting))])
        start += len(batches[-1])
    return batches


def pad_batch(
    token_ids: Sequence[np.ndarray], pad_id: int, multiple: int = 1
) -> dict[str, torch.Tensor]:
    """Pad rows of token ids to the longest among them, rounded up to a multiple of `multiple`."""
    lengths = np.fromiter(map(len, token_ids), dtype=np.int64, count=len(token_ids))
    width = -(-int(lengths.max()) // multiple) * multiple
    mask = np.arange(width) < lengths[:, None]
    ids = np.full(mask.shape, pad_id, dtype=np.int64)
    ids[mask] = np.concatenate(token_ids)
    return {
        "input_ids": torch.from_numpy(ids),
        "attention_mask": torch.from_numpy(mask.astype(np.int64)),
    }


def _cut(order: np.ndarray, size: int) -> list[np.ndarray]:
    return [order[start : start + size] for start in range(0, len(order), size)]
