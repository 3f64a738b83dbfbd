"""Hold answers to a pattern while they are written, where llguidance is installed."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from sklw._callers import caller_level
from sklw._compat.llguidance import UnreadableTokenizerError, fill_mask, read_tokenizer
from sklw.exceptions import GenerationWarning
from sklw.generators._decoding.loading import LoadedModel
from sklw.generators._decoding.tasks import Task

__all__ = ["allowed_only", "matcher_for"]


def matcher_for(loaded: LoadedModel, pattern: str | None) -> Any:
    """Return an llguidance matcher that follows an answer through the pattern, or None.

    None without a pattern, without llguidance and for a tokenizer that it cannot read: answers are
    then free, and whoever asked checks them.
    """
    if pattern is None:
        return None
    reader = _reader(loaded)
    if reader is None:
        return None
    from llguidance import LLMatcher

    memo = loaded.memo.setdefault("matchers", {})
    if pattern not in memo:
        matcher = LLMatcher(reader, LLMatcher.grammar_from_regex(pattern))
        if matcher.is_error():
            raise ValueError(f"The pattern {pattern!r} cannot be used: {matcher.get_error()}.")
        memo[pattern] = matcher
    return memo[pattern].deep_copy()


def _reader(loaded: LoadedModel) -> Any:
    """Return llguidance's view of the tokenizer, None (with one warning) if there is none."""
    if "reader" not in loaded.memo:
        try:
            loaded.memo["reader"] = read_tokenizer(
                loaded.tokenizer, loaded.model.config.get_text_config().vocab_size, loaded.stop_ids
            )
        except ImportError:
            _warn(
                loaded,
                "The package llguidance is not installed",
                'Run `pip install "sklw[tables]"`.',
            )
        except UnreadableTokenizerError as error:
            _warn(
                loaded,
                f"llguidance cannot read the tokenizer of this model ({error})",
                "A model with a byte-level tokenizer can be held to it.",
            )
    return loaded.memo.get("reader")


def _warn(loaded: LoadedModel, cause: str, remedy: str) -> None:
    if not loaded.memo.get("warned"):
        loaded.memo["warned"] = True
        warnings.warn(
            f"{cause}, so answers are not held to the pattern of the rows, and small models "
            f"mostly miss it. {remedy}",
            GenerationWarning,
            stacklevel=caller_level(),
        )


def allowed_only(logits: torch.Tensor, tasks: Sequence[Task]) -> torch.Tensor:
    """Return the logits, at minus infinity for tokens that a task's pattern has no place for."""
    if all(task.matcher is None for task in tasks):
        return logits
    size = logits.shape[1]
    masks = np.full((len(tasks), -(-size // 32)), -1, dtype=np.int32)
    for row, task in enumerate(tasks):
        if task.matcher is not None:
            fill_mask(task.matcher, masks[row])
    bits = np.unpackbits(masks.view(np.uint8), axis=1, count=size, bitorder="little")
    blocked = torch.from_numpy(bits == 0).to(logits.device)
    return logits.masked_fill(blocked, -torch.inf)
