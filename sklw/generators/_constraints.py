"""Hold answers to a pattern while they are written, where llguidance is installed."""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sklw.exceptions import GenerationWarning
from sklw.generators._loading import LoadedModel

if TYPE_CHECKING:
    from sklw.generators._decoding import Task

__all__ = ["allowed_only", "matcher_for"]


def matcher_for(loaded: LoadedModel, pattern: str | None) -> Any:
    """Return what follows an answer through the pattern, or None if nothing does.

    Parameters
    ----------
    loaded : LoadedModel
        Whose tokens are read.
    pattern : str or None
        Regular expression.

    Returns
    -------
    matcher : llguidance.LLMatcher or None
        None without a pattern, without llguidance, or for a tokenizer that it cannot read: then
        answers are as free as ever, and checked by whoever asked.
    """
    if pattern is None:
        return None
    try:
        from llguidance import LLMatcher, LLTokenizer
    except ImportError:
        _warn_once(loaded)
        return None
    memo = loaded.memo.setdefault("matchers", {})
    if "tokenizer" not in memo:
        backend = getattr(loaded.tokenizer, "backend_tokenizer", None)
        ends = sorted(loaded.stop_ids)
        size = loaded.model.config.get_text_config().vocab_size
        memo["tokenizer"] = backend and LLTokenizer(backend.to_str(), n_vocab=size, eos_token=ends)
    if not memo["tokenizer"]:
        return None
    if pattern not in memo:
        matcher = LLMatcher(memo["tokenizer"], LLMatcher.grammar_from_regex(pattern))
        if matcher.is_error():
            raise ValueError(f"The pattern {pattern!r} cannot be used: {matcher.get_error()}.")
        memo[pattern] = matcher
    return memo[pattern].deep_copy()


def _warn_once(loaded: LoadedModel) -> None:
    if not loaded.memo.get("warned"):
        loaded.memo["warned"] = True
        warnings.warn(
            "The package llguidance is not installed, so answers are not held to the pattern of "
            'the rows, and small models mostly miss it. Run `pip install "sklw[tables]"`.',
            GenerationWarning,
            stacklevel=2,
        )


def allowed_only(logits: torch.Tensor, tasks: Sequence["Task"]) -> torch.Tensor:
    """Return the logits, at minus infinity for tokens that a task's pattern has no place for."""
    if all(task.matcher is None for task in tasks):
        return logits
    size = logits.shape[1]
    masks = np.full((len(tasks), -(-size // 32)), -1, dtype=np.int32)
    for row, task in enumerate(tasks):
        if task.matcher is not None:
            task.matcher.unsafe_compute_mask_ptr(masks[row].ctypes.data, masks[row].nbytes)
    bits = np.unpackbits(masks.view(np.uint8), axis=1, count=size, bitorder="little")
    blocked = torch.from_numpy(bits == 0).to(logits.device)
    return logits.masked_fill(blocked, -torch.inf)
