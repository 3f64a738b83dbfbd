"""Load causal language models and keep the last ones, so that clones need not load again."""

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from sklw._compat.transformers import dequantized, without_progress_bars
from sklw._folder import cache_folder
from sklw.generators._decoding.architectures import Way, find_way
from sklw.models import ModelSource, locate_model

__all__ = ["LoadedModel", "load_model"]

_KEPT = 2
_GREATEST_CONVERTED = 500_000_000  # bytes
# Special tokens by which models mark the parts of one answer.
_PARTS = re.compile(
    "channel|message|think|thought|reason|respon|answer|solution|inner|analysis|final|constrain",
    re.IGNORECASE,
)
_NAMED = ("bos", "eos", "pad", "unk", "sep", "cls", "mask")
_loaded: "OrderedDict[tuple[Any, ...], LoadedModel]" = OrderedDict()
_lock = threading.RLock()


@dataclass
class LoadedModel:
    """A model, its tokenizer and what decoding needs to know about them."""

    model: Any
    tokenizer: Any
    stop_ids: frozenset[int]  # the ends that the model declares, and the tokenizer's own tokens
    # The other special tokens. They end an answer, as the start of another turn, unless the model
    # marks the parts of its answers with such tokens.
    other_ids: frozenset[int]
    has_parts: bool
    context: int | None  # number of tokens the model can read, if it says so
    way: Way
    memo: dict[Any, Any] = field(default_factory=dict)  # what decoding works out only once

    @property
    def device(self) -> torch.device:
        """Where the model's weights lie."""
        return torch.device(self.model.device)

    def read(self, text: str) -> list[int]:
        """Return the tokens of a text to go on with, so without an end that some tokenizers add."""
        tokens: list[int] = self.tokenizer(text, verbose=False)["input_ids"]
        own = self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        for start in range(len(tokens) - len(own) + 1):
            if tokens[start : start + len(own)] == own:
                return tokens[: max(start + len(own), 1)]
        return tokens


def load_model(name: str | os.PathLike[str], dtype: torch.dtype, device: str) -> LoadedModel:
    """Load a model, or take it from the last few loaded in this process."""
    source = locate_model(name)
    key = (source.location, source.gguf_file, source.fingerprint, dtype, device)
    with _lock:
        if key not in _loaded:
            _loaded[key] = _load(source, dtype, device)
        _loaded.move_to_end(key)
        while len(_loaded) > _KEPT:
            _loaded.popitem(last=False)
        return _loaded[key]


def _load(source: ModelSource, dtype: torch.dtype, device: str) -> LoadedModel:
    try:
        with without_progress_bars():
            tokenizer, model = _read_fast(source, dtype)
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # each reader has errors of its own for a damaged file
        raise source.not_found(error) from error
    model = model.to(device).eval().requires_grad_(False)
    ends = _declared_ends(model)
    # Penalties, forced tokens and the like of the model's folder: sampling is set elsewhere.
    model.generation_config = GenerationConfig(eos_token_id=ends)
    stop_ids, other_ids = _special_ids(ends, tokenizer)
    has_parts = any(_PARTS.search(tokenizer.convert_ids_to_tokens(id_)) for id_ in other_ids)
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    way = find_way(model)
    return LoadedModel(model, tokenizer, stop_ids, other_ids, has_parts, context, way)


def _read_fast(source: ModelSource, dtype: torch.dtype) -> tuple[Any, Any]:
    """Read the converted weights if there are any, else the source, and convert it."""
    converted = _converted(source, dtype)
    if converted is None:
        return _read(source, dtype)
    if converted.is_dir():
        try:
            return _read(ModelSource(source.name, str(converted)), dtype)
        except (MemoryError, torch.OutOfMemoryError):
            raise
        except Exception:  # damaged in whatever way: the source is there
            shutil.rmtree(converted, ignore_errors=True)
    tokenizer, model = _read(source, dtype)
    _keep(tokenizer, model, converted)
    return tokenizer, model


def _read(source: ModelSource, dtype: torch.dtype) -> tuple[Any, Any]:
    arguments = source.load_arguments
    tokenizer = AutoTokenizer.from_pretrained(source.location, **arguments)
    if source.gguf_file is not None:
        arguments |= dequantized()
    model, report = AutoModelForCausalLM.from_pretrained(
        source.location, dtype=dtype, output_loading_info=True, **arguments
    )
    missing = sorted(report["missing_keys"])
    if missing:
        raise ValueError(
            f"its weights lack {len(missing)} that {type(model).__name__} needs, {missing[0]} for "
            "one, which would be random"
        )
    return tokenizer, model


def _converted(source: ModelSource, dtype: torch.dtype) -> Path | None:
    """Return the folder for a small GGUF model's weights in transformers' own format.

    transformers takes some 15 seconds to convert even the smallest GGUF file, and 2 to load
    the result.
    """
    if source.gguf_file is None:
        return None
    file = Path(source.location) / source.gguf_file
    if file.stat().st_size > _GREATEST_CONVERTED:
        return None
    # By content, not by path: the environments of a machine share one conversion.
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()[:16]
    kind = str(dtype).removeprefix("torch.")
    folder = f"{file.stem}-{digest}-{kind}-transformers-{transformers.__version__}"
    return cache_folder() / "models" / folder


def _keep(tokenizer: Any, model: Any, folder: Path) -> None:
    # Renamed when whole, so that no other process reads half a model. Where it cannot be
    # written, it is converted again next time.
    with contextlib.suppress(OSError, SafetensorError):  # the latter for a full disk
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as unfinished:
            whole = Path(unfinished) / "model"
            tokenizer.save_pretrained(whole)
            model.save_pretrained(whole)
            whole.rename(folder)


def _declared_ends(model: Any) -> list[int]:
    ends = model.generation_config.eos_token_id
    return list(ends) if isinstance(ends, list | tuple) else [] if ends is None else [ends]


def _special_ids(ends: list[int], tokenizer: Any) -> tuple[frozenset[int], frozenset[int]]:
    """Return the special tokens that end an answer anyway, and the others."""
    ids = (getattr(tokenizer, f"{name}_token_id", None) for name in _NAMED)
    named = {id_ for id_ in ids if id_ is not None}
    special = set(tokenizer.all_special_ids)
    special.update(id_ for id_, token in tokenizer.added_tokens_decoder.items() if token.special)
    stop_ids = frozenset(ends) | named
    return stop_ids, frozenset(special - stop_ids)
