"""Attention of a few new tokens a row, faster on CPUs than the fused kernel, and exact."""

from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface

from sklw._compat.transformers import attention_kind

__all__ = ["use_fused_attention", "use_row_attention"]

_NAME = "sklw_rows"
_LONGEST = 64
_LONGEST_TRAINED = 128  # beyond it the scores, kept for the gradient, take much memory
_FUSED = AttentionInterface()["sdpa"]
_HARMLESS = {"position_ids", "cache_position"}  # tensors that models pass and attention ignores


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Attend with two batched products; long texts at once go to the fused kernel.

    For few queries the fused kernel takes three times as long on a CPU, in training seven times,
    and in float32 it rounds a row according to the thread that serves it.
    """
    rows, heads, length, size = query.shape
    trained = query.requires_grad
    special = kwargs.get("softcap") is not None or bool(kwargs.get("dropout"))
    special |= any(
        isinstance(value, torch.Tensor) and name not in _HARMLESS for name, value in kwargs.items()
    )
    groups, width = key.shape[1:3]
    causal = getattr(module, "is_causal", False)
    if attention_mask is None and trained and causal and length == width:
        attention_mask = torch.ones(length, width, dtype=torch.bool).tril()
    longest = _LONGEST_TRAINED if trained else _LONGEST
    if special or length > longest or (length > 1 and attention_mask is None):
        return _FUSED(module, query, key, value, attention_mask, scaling=scaling, **kwargs)
    # All queries that share keys and values go into one product.
    query = query.reshape(rows * groups, -1, size)
    n_queries = query.shape[1]
    if n_queries == 1:  # a matrix of one row takes a slow path
        query = query.expand(-1, 2, -1)
    scores = torch.bmm(query, key.flatten(0, 1).transpose(1, 2))[:, :n_queries]
    scores = scores * (size**-0.5 if scaling is None else scaling)
    if attention_mask is not None:
        scores = scores.view(rows, heads, length, width)
        if attention_mask.dtype == torch.bool:
            scores = scores.masked_fill(~attention_mask, torch.finfo(scores.dtype).min)
        else:
            scores = scores + attention_mask
        scores = scores.view(rows * groups, n_queries, width)
    weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(value.dtype)
    if n_queries == 1:
        weights = weights.expand(-1, 2, -1)
    output = torch.bmm(weights, value.flatten(0, 1))[:, :n_queries]
    return output.reshape(rows, heads, length, -1).transpose(1, 2).contiguous(), None


def use_row_attention(model: Any) -> bool:
    """Let a model on the CPU use this attention in place of the fused kernel, if it has that."""
    if model.device.type != "cpu" or attention_kind(model) != "sdpa":
        return False
    AttentionInterface.register(_NAME, _attend)
    AttentionMaskInterface.register(_NAME, AttentionMaskInterface()["sdpa"])
    model.set_attn_implementation(_NAME)
    return True


def use_fused_attention(model: Any) -> None:
    """Undo :func:`use_row_attention`."""
    model.set_attn_implementation("sdpa")
