"""The files of a model's folder: which count, and what is wrong with one."""

import json
import zipfile
from pathlib import Path

__all__ = ["model_files", "what_is_wrong"]

_NOT_READ = {".md", ".onnx", ".h5", ".msgpack", ".ot"}
_FOLDERS_NOT_READ = ("checkpoint-", "onnx", "openvino", "coreml", "runs")


def model_files(folder: Path, gguf_file: str | None = None) -> dict[str, Path]:
    """Return the files that loading a model may read, by their names within its folder.

    Subfolders count, since sentence-transformers keeps settings there. Beside a GGUF file, only
    settings are read.
    """
    if gguf_file is not None:
        beside = [*folder.glob("*.json"), *folder.glob("*.jinja")]
        # Not by its name: a copy is the same model.
        return {"model.gguf": folder / gguf_file, **{path.name: path for path in beside}}
    found = [*folder.glob("*"), *folder.glob("*/*")]
    return {
        path.relative_to(folder).as_posix(): path
        for path in found
        if path.is_file() and _is_read(path.relative_to(folder))
    }


def _is_read(path: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    unread = len(path.parts) > 1 and path.parts[0].startswith(_FOLDERS_NOT_READ)
    return not hidden and not unread and path.suffix.lower() not in _NOT_READ


def what_is_wrong(folder: Path, gguf_file: str | None = None) -> str | None:
    """Name the first damaged file of a model's folder and what is wrong, None if none shows."""
    for path in model_files(folder, gguf_file).values():
        try:
            fault = _fault(path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            fault = f"cannot be read ({type(error).__name__}: {error})"
        if fault is not None:
            return f"the file {str(path)!r} {fault}"
    return None


def _fault(path: Path) -> str | None:
    """Return what is wrong with a file, as far as its size and structure tell."""
    size = path.stat().st_size
    with path.open("rb") as opened:
        head = opened.read(64)
    if size == 0 and path.suffix in _CHECKS:
        return "is empty"
    if head.startswith(b"version https://git-lfs"):
        return "is only a pointer of Git LFS: run `git lfs pull` in its folder"
    if head.lstrip().lower().startswith((b"<!doctype", b"<html")):
        return "is a web page, saved in place of the file"
    check = _CHECKS.get(path.suffix)
    return None if check is None else check(path)


def _json_fault(path: Path) -> str | None:
    content = json.loads(path.read_text(encoding="utf-8"))
    if path.name.endswith(".index.json"):
        for shard in sorted(set(content["weight_map"].values())):
            if not (path.parent / shard).is_file():
                return f"names the file {shard!r}, which is missing"
    return None


def _safetensors_fault(path: Path) -> str | None:
    size = path.stat().st_size
    with path.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if length > size - 8:
            return f"is truncated or not a safetensors file: it has {size:,} bytes"
        header = json.loads(opened.read(length))
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    whole = 8 + length + max(ends, default=0)
    return None if whole == size else f"has {size:,} bytes and should have {whole:,}"


def _bin_fault(path: Path) -> str | None:
    with path.open("rb") as opened:
        magic = opened.read(2)
    if magic == b"PK" and not zipfile.is_zipfile(path):
        return "is truncated"
    return None if magic[:1] in (b"P", b"\x80") else "is not a torch file"


def _gguf_fault(path: Path) -> str | None:
    with path.open("rb") as opened:
        return None if opened.read(4) == b"GGUF" else "is not a GGUF file"


_CHECKS = {
    ".json": _json_fault,
    ".safetensors": _safetensors_fault,
    ".bin": _bin_fault,
    ".gguf": _gguf_fault,
}
