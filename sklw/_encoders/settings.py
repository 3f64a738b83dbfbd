"""How a model's folder says that sentence vectors are made: sentence-transformers' files."""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

from sklw.models import ModelSource

__all__ = ["POOLINGS", "SentenceSettings", "read_settings"]

# In the order in which sentence-transformers puts several side by side; the values are the keys of
# older folders.
POOLINGS = {
    "cls": "pooling_mode_cls_token",
    "max": "pooling_mode_max_tokens",
    "mean": "pooling_mode_mean_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens",
    "lasttoken": "pooling_mode_lasttoken",
}
_ENCODER_FILES = [
    f"sentence_{kind}_config.json"
    for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
]
# Settings of the encoder that do not change a vector, beside those that are read below.
_HARMLESS = {"max_seq_length", "do_lower_case", "module_output_name", "unpad_inputs"}
_HARMLESS |= {"query_length", "document_length", "model_args", "model_kwargs"}
_PLAIN = {
    "transformer_task": "feature-extraction",
    "modality_config": {"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
}


@dataclass(frozen=True)
class SentenceSettings:
    """What sentence-transformers does with the model; the defaults are for any other model."""

    pooling: tuple[str, ...] | None = None  # keys of POOLINGS; None: left to the architecture
    include_prompt: bool = True  # whether the tokens of the prompt are pooled, too
    normalize: bool = False
    max_length: int | None = None  # most tokens of a text; None: left to the tokenizer
    lower_case: bool = False  # whether texts are lower-cased before they are tokenized
    prompts: tuple[tuple[str, str], ...] = ()  # names and texts
    default_prompt: str | None = None  # name of the prompt used unless told otherwise
    folder: str = ""  # where in the model's folder the encoder is
    beyond: str = ""  # what sklw cannot compute


def read_settings(source: ModelSource) -> SentenceSettings:
    """Read the settings of a model; the defaults if it is not a sentence-transformers model."""
    # A folder may change at any time; the hub is asked once for each revision.
    return _read(source) if source.local else _read_hub(source, _revision(source))


@lru_cache
def _read_hub(source: ModelSource, revision: str | None) -> SentenceSettings:
    return _read(source)


def _revision(source: ModelSource) -> str | None:
    revision: str | None = source.load_arguments.get("revision")
    return revision


def _read(source: ModelSource) -> SentenceSettings:
    modules = _json(source, "modules.json")
    if modules is None:
        return SentenceSettings()
    kinds = [_kind(module["type"]) for module in modules]
    folders = dict(zip(kinds, (module["path"] for module in modules), strict=True))
    encoder: dict[str, Any] = {}
    pooling: dict[str, Any] = {}
    model = _json(source, "config_sentence_transformers.json") or {}
    if "Transformer" in folders:
        for name in _ENCODER_FILES:
            encoder = encoder or _json(source, name, folders["Transformer"]) or {}
    if "Pooling" in folders:
        pooling = _json(source, "config.json", folders["Pooling"]) or {}
    return SentenceSettings(
        pooling=_pooling(pooling),
        include_prompt=pooling.get("include_prompt", True),
        normalize="Normalize" in kinds,
        max_length=encoder.get("max_seq_length"),
        lower_case=bool(encoder.get("do_lower_case")),
        prompts=tuple((model.get("prompts") or {}).items()),
        default_prompt=model.get("default_prompt_name"),
        folder=folders.get("Transformer", ""),
        beyond=_beyond(source, kinds, folders, encoder, model),
    )


def _json(source: ModelSource, name: str, folder: str = "") -> Any:
    """Read a file of the model, None if it has no such file."""
    name = f"{folder}/{name}" if folder else name
    path = Path(source.location, name)
    if not source.local:
        try:
            path = Path(hf_hub_download(source.location, name, revision=_revision(source)))
        except LocalEntryNotFoundError as error:  # not kept here, and no way to look
            raise source.not_found(error) from error
        except EntryNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise source.not_found(error) from error
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{path} is not JSON ({error}), so sklw cannot tell how {source.name!r} computes its "
            "vectors. Download the model again."
        ) from error


def _kind(module: str) -> str:
    """Return the class of a module of sentence-transformers, and the whole name of any other."""
    return module.rpartition(".")[2] if module.startswith("sentence_transformers.") else module


def _pooling(config: dict[str, Any]) -> tuple[str, ...]:
    named = config.get("pooling_mode")
    if named is None:
        named = [name for name, key in POOLINGS.items() if config.get(key)] or "mean"
    return (named,) if isinstance(named, str) else tuple(named)


def _beyond(
    source: ModelSource,
    kinds: list[str],
    folders: dict[str, str],
    encoder: dict[str, Any],
    model: dict[str, Any],
) -> str:
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        return f"modules.json lists the modules {', '.join(kinds)}"
    other = [
        name
        for name, value in encoder.items()
        if name not in _HARMLESS and value and value != _PLAIN.get(name)
    ]
    if other:
        return f"the encoder's configuration sets {', '.join(other)}"
    if model.get("truncate_dim"):
        return "config_sentence_transformers.json sets truncate_dim"
    scaled = _json(source, "config.json", folders.get("Normalize", "")) if len(kinds) > 2 else {}
    if (scaled or {}).get("module_input_name", "sentence_embedding") != "sentence_embedding":
        return "its Normalize module scales tokens"
    return ""
