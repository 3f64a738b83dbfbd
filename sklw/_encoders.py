"""Text encoders of transformers: loading, keeping and pooling them."""

import copy
from collections import OrderedDict
from os import PathLike
from threading import Lock
from typing import Any

import torch
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging

from sklw.models import locate_model

__all__ = ["load_encoder", "longest_input", "pool", "shared_encoder"]

# Loaded encoders are kept, since a grid search asks for the same one again and again.
MAX_KEPT = 2
_kept: OrderedDict[tuple[str, str], tuple[Any, Any]] = OrderedDict()
_lock = Lock()


def load_encoder(model: str | PathLike[str]) -> tuple[Any, Any]:
    """Load a tokenizer and an encoder of one's own, in float32, on the CPU, without a pooler.

    Parameters
    ----------
    model : str or path-like
        What :func:`sklw.models.locate_model` takes.

    Returns
    -------
    tokenizer : PreTrainedTokenizerBase
        The tokenizer.
    encoder : torch.nn.Module
        The encoder.

    Raises
    ------
    ModelNotFoundError
        If there is no such model or it cannot be loaded as a text encoder.
    """
    tokenizer, encoder = shared_encoder(model, "cpu")
    return copy.deepcopy(tokenizer), copy.deepcopy(encoder)


def shared_encoder(model: str | PathLike[str], device: str) -> tuple[Any, Any]:
    """Return the tokenizer and encoder kept in this process, to be read but not changed.

    Parameters
    ----------
    model : str or path-like
        What :func:`sklw.models.locate_model` takes.
    device : str
        Where the encoder is to be.

    Returns
    -------
    tokenizer : PreTrainedTokenizerBase
        The tokenizer.
    encoder : torch.nn.Module
        The encoder, in evaluation mode.

    Raises
    ------
    ModelNotFoundError
        If there is no such model or it cannot be loaded as a text encoder.
    """
    source = locate_model(model)
    key = (f"{source.location}|{source.fingerprint}", device)
    with _lock:
        if key not in _kept:
            tokenizer, encoder = _load(source)
            _kept[key] = tokenizer, encoder.to(device)
            while len(_kept) > MAX_KEPT:
                _kept.popitem(last=False)
        _kept.move_to_end(key)
        return _kept[key]


def _load(source: Any) -> tuple[Any, Any]:
    progress_bar = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        # Not dtype="auto": bfloat16 master weights would swallow the small steps of training.
        encoder = AutoModel.from_pretrained(
            source.location, dtype=torch.float32, **source.load_arguments
        )
        tokenizer = AutoTokenizer.from_pretrained(source.location, **source.load_arguments)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise source.not_found(error) from error
    finally:
        if progress_bar:
            logging.enable_progress_bar()
    if getattr(encoder.config, "is_encoder_decoder", False):
        raise source.not_found(ValueError("an encoder is needed, not an encoder-decoder"))
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    # The pooler's output is never used: neither compute nor train it.
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None
    return tokenizer, encoder.eval()


def longest_input(tokenizer: Any, config: Any, max_length: int) -> int:
    """Return the most tokens a text may have: what was asked for, or what the model can read.

    Parameters
    ----------
    tokenizer, config : object
        The tokenizer, and the configuration of the encoder.
    max_length : int
        What was asked for.

    Returns
    -------
    max_length : int
        The least of the limits.
    """
    positions = getattr(config, "max_position_embeddings", None) or max_length
    return int(min(max_length, positions, tokenizer.model_max_length))


def pool(hidden: torch.Tensor, attention_mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """Reduce the hidden states of each text to one vector, in float32.

    Parameters
    ----------
    hidden : Tensor of shape (rows, width, dim)
        Last hidden states.
    attention_mask : Tensor of shape (rows, width)
        1 for tokens, 0 for padding.
    pooling : {"mean", "cls"}
        The mean over the tokens, or the first token.

    Returns
    -------
    vectors : Tensor of float32, shape (rows, dim)
        One vector a text.
    """
    if pooling == "cls":
        return hidden[:, 0].float()
    mask = attention_mask.unsqueeze(-1).float()
    return (hidden.float() * mask).sum(1) / mask.sum(1)
