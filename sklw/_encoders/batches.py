"""From texts to batches of token ids: tokenised once, grouped by length, padded to the batch."""

from collections.abc import Iterable, Sequence
from threading import RLock
from typing import Any

import numpy as np
import torch

__all__ = ["length_bucketed_batches", "pad_batch", "sorted_batches", "tokenize", "tokenizer_lock"]

# Tokenizers keep the length they truncate to, so two threads with one of them would mix theirs up.
tokenizer_lock = RLock()

# Texts are sorted by length within chunks of this many batches: long enough that a batch is
# nearly even in length, short enough that batches differ from epoch to epoch.
BATCHES_PER_CHUNK = 50


def tokenize(tokenizer: Any, texts: Iterable[str], max_length: int) -> list[np.ndarray]:
    """Turn texts into token ids, truncated but not padded.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerBase
        A tokenizer of transformers.
    texts : iterable of str
        The texts.
    max_length : int
        Most tokens a text may have, special tokens included.

    Returns
    -------
    token_ids : list of ndarray of int64
        The ids of each text.
    """
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
    lengths: np.ndarray, batch_size: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Draw one epoch of random batches whose texts are of like length.

    Rows are shuffled, sorted by length within large chunks, cut into batches, and the batches
    are shuffled. Every row comes once; all batches but one are full.

    Parameters
    ----------
    lengths : ndarray of int, shape (n,)
        Number of tokens of each row.
    batch_size : int
        Rows in a batch.
    rng : numpy.random.Generator
        Source of the order.

    Returns
    -------
    batches : list of ndarray of int
        The row numbers of each batch.

    Examples
    --------
    >>> import numpy as np
    >>> from sklw._encoders.batches import length_bucketed_batches
    >>> batches = length_bucketed_batches(np.array([3, 9, 3, 9]), 2, np.random.default_rng(0))
    >>> sorted(sorted(batch.tolist()) for batch in batches)
    [[0, 2], [1, 3]]
    """
    order = rng.permutation(len(lengths))
    chunk = batch_size * BATCHES_PER_CHUNK
    pieces = [order[start : start + chunk] for start in range(0, len(order), chunk)]
    order = np.concatenate([piece[np.argsort(lengths[piece], kind="stable")] for piece in pieces])
    batches = _cut(order, batch_size)
    return [batches[index] for index in rng.permutation(len(batches))]


def sorted_batches(lengths: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Cut the rows, sorted by length, into batches for prediction.

    The longest come first, so that a lack of memory shows at once.

    Parameters
    ----------
    lengths : ndarray of int, shape (n,)
        Number of tokens of each row.
    batch_size : int
        Rows in a batch.

    Returns
    -------
    batches : list of ndarray of int
        The row numbers of each batch.
    """
    return _cut(np.argsort(-lengths, kind="stable"), batch_size)


def pad_batch(
    token_ids: Sequence[np.ndarray], pad_id: int, multiple: int = 1
) -> dict[str, torch.Tensor]:
    """Pad rows of token ids to the longest among them.

    Parameters
    ----------
    token_ids : sequence of ndarray of int64
        The ids of each row.
    pad_id : int
        Id of the padding token.
    multiple : int, default=1
        The width is rounded up to a multiple of this.

    Returns
    -------
    inputs : dict
        ``input_ids`` and ``attention_mask``, each an int64 tensor of shape (rows, width).
    """
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
