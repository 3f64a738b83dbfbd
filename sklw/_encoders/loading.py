"""Text encoders of transformers: loading, keeping and pooling them."""

import copy
from collections import OrderedDict
from collections.abc import Sequence
from os import PathLike
from threading import Lock
from typing import Any

import torch
from tokenizers.normalizers import Lowercase
from tokenizers.normalizers import Sequence as NormalizerSequence
from transformers import AutoModel, AutoTokenizer

from sklw._compat.transformers import without_progress_bars
from sklw._encoders.batches import tokenizer_lock
from sklw._encoders.settings import SentenceSettings, read_settings
from sklw.models import locate_model

__all__ = ["load_encoder", "longest_input", "pool", "pooling_of", "shared_encoder"]

# Loaded encoders are kept, since a grid search asks for the same one again and again.
MAX_KEPT = 2
# The tokenizers of many models name a limit beyond any machine's integers.
_UNLIMITED = 2**31 - 1
_kept: OrderedDict[tuple[Any, ...], tuple[Any, Any]] = OrderedDict()
_lock = Lock()


def load_encoder(model: str | PathLike[str]) -> tuple[Any, Any]:
    """Load a copy of one's own of a tokenizer and an encoder, in float32, on the CPU."""
    tokenizer, encoder = shared_encoder(model, "cpu")
    with tokenizer_lock:
        return copy.deepcopy(tokenizer), copy.deepcopy(encoder)


def shared_encoder(model: str | PathLike[str], device: str) -> tuple[Any, Any]:
    """Return the tokenizer and encoder kept in this process; they must not be changed."""
    source = locate_model(model)
    settings = read_settings(source)
    key = (source.location, source.fingerprint, settings, device)
    with _lock:
        if key not in _kept:
            tokenizer, encoder = _load(source, settings)
            _kept[key] = tokenizer, encoder.to(device)
            while len(_kept) > MAX_KEPT:
                _kept.popitem(last=False)
        _kept.move_to_end(key)
        return _kept[key]


def _load(source: Any, settings: SentenceSettings) -> tuple[Any, Any]:
    arguments = {**source.load_arguments, "subfolder": settings.folder}
    try:
        with without_progress_bars():
            # Not dtype="auto": bfloat16 master weights would swallow the small steps of training.
            encoder = AutoModel.from_pretrained(source.location, dtype=torch.float32, **arguments)
            tokenizer = AutoTokenizer.from_pretrained(source.location, **arguments)
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # damaged files raise errors of many libraries
        raise source.not_found(error) from error
    if getattr(encoder.config, "is_encoder_decoder", False):
        raise source.not_found(ValueError("an encoder is needed, not an encoder-decoder"))
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    if settings.lower_case:
        own = tokenizer.backend_tokenizer.normalizer
        steps = [Lowercase()] if own is None else [Lowercase(), own]
        tokenizer.backend_tokenizer.normalizer = NormalizerSequence(steps)
    # The pooler's output is never used: neither compute nor train it.
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None
    return tokenizer, encoder.eval()


def longest_input(tokenizer: Any, encoder: Any, max_length: int | None = None) -> int:
    """Return the most tokens a text may have: what was asked for, or what the model can read."""
    positions = getattr(encoder.config, "max_position_embeddings", None) or 0
    embeddings = getattr(getattr(encoder, "embeddings", None), "position_embeddings", None)
    padding = getattr(embeddings, "padding_idx", None)
    if padding is not None:
        # RoBERTa counts positions from the one after that of the padding.
        positions -= padding + 1
    limits = [positions] if positions > 0 else []
    if max_length is None or not limits:
        limits.append(tokenizer.model_max_length)
    return int(min(*limits, max_length or _UNLIMITED, _UNLIMITED))


def pooling_of(model: str | PathLike[str], encoder: Any) -> tuple[str, ...]:
    """Return the pooling that a model was trained with.

    Without a word in its folder: the last token for a causal language model, else the mean.
    """
    named = read_settings(locate_model(model)).pooling
    if named is not None:
        return named
    architectures = getattr(encoder.config, "architectures", None) or [""]
    causal = architectures[0].endswith("ForCausalLM") and getattr(encoder.config, "is_causal", True)
    return ("lasttoken",) if causal else ("mean",)


def pool(
    hidden: torch.Tensor,
    attention_mask: torch.Tensor,
    pooling: str | Sequence[str],
    n_skipped: int = 0,
) -> torch.Tensor:
    """Reduce the hidden states of each text to one vector, in float32.

    The padding must come after the tokens. The first `n_skipped` tokens are left out; the vectors
    of several poolings are concatenated.
    """
    hidden = hidden.float()
    modes = (pooling,) if isinstance(pooling, str) else pooling
    parts = [_pooled(hidden, attention_mask, mode, n_skipped) for mode in modes]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


def _pooled(hidden: torch.Tensor, tokens: torch.Tensor, mode: str, skipped: int) -> torch.Tensor:
    if mode == "cls":
        return hidden[:, skipped]
    if mode == "lasttoken":
        return hidden[torch.arange(len(hidden), device=hidden.device), tokens.sum(1) - 1]
    positions = torch.arange(tokens.shape[1], device=tokens.device)
    mask = (tokens * (positions >= skipped)).unsqueeze(-1).float()
    if mode == "max":
        return hidden.masked_fill(mask == 0, -torch.inf).max(1).values
    if mode == "weightedmean":
        mask = mask * (positions + 1).unsqueeze(-1)
    total, count = (hidden * mask).sum(1), mask.sum(1)
    return total / (count.sqrt() if mode == "mean_sqrt_len_tokens" else count)
