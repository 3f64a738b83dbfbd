"""Load causal language models and keep the last ones, so that clones need not load again."""

import contextlib
import io
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from sklw.generators._attention import use_row_attention
from sklw.models import ModelSource, locate_model

__all__ = ["LoadedModel", "load_model", "resolve_device", "resolve_dtype"]

_KEPT = 2
_loaded: "OrderedDict[tuple[Any, ...], LoadedModel]" = OrderedDict()
_lock = threading.RLock()


@dataclass
class LoadedModel:
    """A model, its tokenizer and what decoding needs to know of them.

    Attributes
    ----------
    model, tokenizer : objects
        As transformers loads them.
    stop_ids : frozenset of int
        Every special token ends an answer: end of text, end of turn, start of another turn.
    context : int or None
        Number of tokens the model can read, None if it does not say.
    memo : dict
        What decoding works out once for this model.
    """

    model: Any
    tokenizer: Any
    stop_ids: frozenset[int]
    context: int | None
    memo: dict[Any, Any] = field(default_factory=dict)

    @property
    def device(self) -> torch.device:
        """Where the model's weights lie."""
        return torch.device(self.model.device)


def resolve_device(device: str) -> torch.device:
    """Turn ``"auto"`` into CUDA where there is one, and into the CPU otherwise."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(device)


def resolve_dtype(dtype: str, device: torch.device) -> torch.dtype:
    """Turn ``"auto"`` into bfloat16 where the hardware multiplies in it, else into float32."""
    if dtype != "auto":
        return {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}[
            dtype
        ]
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "cpu":
        # mkldnn's own answer is wider: it also counts CPUs that only emulate bfloat16.
        supported = [
            getattr(torch.cpu, name, None)
            for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        ]
        fast = any(check is not None and check() for check in supported)
    else:
        fast = False
    return torch.bfloat16 if fast else torch.float32


def load_model(
    name: str | os.PathLike[str], dtype: torch.dtype, device: torch.device
) -> LoadedModel:
    """Load a model, or take it from the last few loaded in this process."""
    source = locate_model(name)
    key = (source.location, source.gguf_file, source.fingerprint, dtype, str(device))
    with _lock:
        if key not in _loaded:
            _loaded[key] = _load(source, dtype, device)
        _loaded.move_to_end(key)
        while len(_loaded) > _KEPT:
            _loaded.popitem(last=False)
        return _loaded[key]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence transformers' progress bars while a model loads."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        # The bar of the GGUF conversion does not ask: it is sent nowhere.
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _load(source: ModelSource, dtype: torch.dtype, device: torch.device) -> LoadedModel:
    arguments = source.load_arguments
    with _quiet():
        try:
            tokenizer = AutoTokenizer.from_pretrained(source.location, **arguments)
            if source.gguf_file is not None:
                from transformers import GgufConfig

                arguments["quantization_config"] = GgufConfig(dequantize=True)
            model = AutoModelForCausalLM.from_pretrained(source.location, dtype=dtype, **arguments)
        except (OSError, ValueError, ImportError) as error:
            raise source.not_found(error) from error
    model = model.to(device).eval().requires_grad_(False)
    use_row_attention(model)
    return LoadedModel(model, tokenizer, _stop_ids(model, tokenizer), _context(model))


def _stop_ids(model: Any, tokenizer: Any) -> frozenset[int]:
    ids = set(tokenizer.all_special_ids)
    ids.update(id_ for id_, token in tokenizer.added_tokens_decoder.items() if token.special)
    ends = model.generation_config.eos_token_id
    ids.update(ends if isinstance(ends, list | tuple) else [] if ends is None else [ends])
    return frozenset(ids)


def _context(model: Any) -> int | None:
    text_config = model.config.get_text_config()
    return getattr(text_config, "max_position_embeddings", None)
