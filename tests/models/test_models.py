"""Where models come from, and what identifies them."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from sklw.exceptions import ModelNotFoundError
from sklw.feature_extraction import TextEmbedder
from sklw.generators import Request, TransformersGenerator
from sklw.models import EMBEDDED_LANGUAGE_MODEL, locate_model


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SKLW_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def later(monkeypatch):
    """Let the clock go on, since files that were written just now are read every time."""
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 10**10)


@pytest.fixture
def folder(tiny, tmp_path):
    return shutil.copytree(tiny, tmp_path / "model")


def fingerprint(folder):
    return locate_model(folder).fingerprint


def flip(path, place=-1):
    """Change one byte, and put size and time of modification back."""
    stat, content = path.stat(), bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)


def other_weights(folder, seed=1):
    config = transformers.BertConfig.from_pretrained(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        transformers.BertModel(config).save_pretrained(folder)


def test_checkpoints_of_one_architecture_differ(folder, tiny):
    assert fingerprint(folder) == fingerprint(tiny)  # the place does not count
    other_weights(folder)
    sizes = [Path(place, "model.safetensors").stat().st_size for place in (folder, tiny)]
    assert sizes[0] == sizes[1]
    assert fingerprint(folder) != fingerprint(tiny)


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("size", [1000, 2_000_000])
def test_an_edit_that_keeps_size_and_time_shows(folder, size):
    weights = folder / "part.bin"
    weights.write_bytes(b"\x80" * size)
    before = fingerprint(folder)
    assert fingerprint(folder) == before
    flip(weights)
    assert fingerprint(folder) != before
    flip(weights)
    assert fingerprint(folder) == before


@pytest.mark.parametrize(
    "name", ["tokenizer.json", "config.json", "chat_template.jinja", "1_Pooling/config.json"]
)
def test_every_file_that_is_read_counts(folder, name):
    before = fingerprint(folder)
    (folder / name).parent.mkdir(exist_ok=True)
    with (folder / name).open("a") as file:
        file.write(" ")
    assert fingerprint(folder) != before


@pytest.mark.parametrize("name", ["README.md", ".gitattributes", "checkpoint-5/model.safetensors"])
def test_files_that_are_not_read_do_not_count(folder, name):
    before = fingerprint(folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("other")
    assert fingerprint(folder) == before


READ = """
import hashlib, sys
from pathlib import Path
from sklw.models import locate_model
read = hashlib.file_digest
hashlib.file_digest = lambda file, *a: print(Path(file.name).name) or read(file, *a)
for _ in range(2):
    locate_model(sys.argv[1]).fingerprint
"""


@pytest.mark.slow
def test_a_file_is_read_once(folder):
    (folder / "large.bin").write_bytes(b"\x80" * 2_000_000)
    time.sleep(2.1)
    command = [sys.executable, "-c", READ, str(folder)]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(2)]
    first, second = (sorted(run.stdout.split()) for run in runs)
    assert first == sorted(path.name for path in folder.iterdir() if path.is_file())
    assert second == [name for name in first if name != "large.bin"]


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("content", ["{", "[]", '{"a": 1}'])
def test_a_damaged_memory_of_files_is_written_anew(folder, content, tmp_path):
    (folder / "large.bin").write_bytes(b"\x80" * 2_000_000)
    memory = tmp_path / "cache" / "fingerprints.json"
    memory.parent.mkdir()
    memory.write_text(content)
    before = fingerprint(folder)
    assert str(folder / "large.bin") in json.loads(memory.read_text())
    assert fingerprint(folder) == before


def test_vectors_of_other_weights_are_not_served(folder):
    texts = ["good film", "bad book"]
    first = TextEmbedder(model=str(folder)).fit_transform(texts)
    other_weights(folder)  # in place, within one process
    second = TextEmbedder(model=str(folder)).fit_transform(texts)
    assert not np.allclose(first, second, atol=1e-3)


@pytest.mark.slow
def test_a_gguf_file_is_known_by_content_and_with_its_settings(tmp_path):
    source = locate_model(EMBEDDED_LANGUAGE_MODEL)
    copy = tmp_path / "other name.gguf"
    shutil.copy(Path(source.location, source.gguf_file), copy)
    assert fingerprint(copy) == source.fingerprint
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": 0}')
    assert fingerprint(copy) != source.fingerprint
    (tmp_path / "generation_config.json").unlink()
    flip(copy)
    assert fingerprint(copy) != source.fingerprint


def test_an_adapter_counts_with_its_base(folder, tmp_path):
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    settings = {"base_model_name_or_path": str(folder)}
    (adapter / "adapter_config.json").write_text(json.dumps(settings))
    before = fingerprint(adapter)
    other_weights(folder)
    assert fingerprint(adapter) != before
    (adapter / "adapter_config.json").write_text("{}")
    with pytest.raises(ModelNotFoundError, match="base_model_name_or_path"):
        _ = fingerprint(adapter)


def hub(folder, home, commit):
    """Lay a model into the hub cache, as a revision of main."""
    repository = home / "models--some--model"
    shutil.copytree(folder, repository / "snapshots" / commit, dirs_exist_ok=True)
    (repository / "refs").mkdir(exist_ok=True)
    (repository / "refs" / "main").write_text(commit)


def test_a_hub_id_counts_with_its_revision(folder, tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    hub(folder, tmp_path / "hub", "a" * 40)
    source = locate_model("some/model")
    assert source.fingerprint == "some/model@" + "a" * 40
    assert source.load_arguments["revision"] == "a" * 40
    hub(folder, tmp_path / "hub", "b" * 40)
    assert source.fingerprint == "some/model@" + "b" * 40


def test_a_hub_id_that_cannot_be_had_is_named():
    with pytest.raises(
        ModelNotFoundError, match="'some/absent' is neither a local path nor available"
    ):
        _ = locate_model("some/absent").fingerprint


def test_code_of_a_model_is_never_run(folder, tmp_path):
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.C", "AutoModel": "own.M"}}
    config["auto_map"]["AutoModelForCausalLM"] = "own.M"
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    for use in (
        lambda: TextEmbedder(model=str(folder)).fit_transform(["good"]),
        lambda: TransformersGenerator(str(folder)).generate([Request("good", 0)]),
    ):
        with pytest.raises(ModelNotFoundError, match="Python code of its own, which is never run"):
            use()
    assert not (tmp_path / "ran").exists()


def ask(model):
    TransformersGenerator(str(model), dtype="float32").generate([Request("good", 0)])


DAMAGE = {
    "cut": ("model.safetensors", lambda content: content[:-100], "has .* bytes and should have"),
    "cut in the header": ("model.safetensors", lambda content: content[:50], "is truncated"),
    "empty": ("model.safetensors", lambda content: b"", "is empty"),
    "pointer": (
        "model.safetensors",
        lambda content: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        "is only a pointer of Git LFS",
    ),
    "web page": ("config.json", lambda content: b"<!DOCTYPE html><p>Sign in", "is a web page"),
    "half a file": ("tokenizer.json", lambda content: content[:200], "cannot be read"),
}


@pytest.mark.parametrize(("name", "change", "said"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_named(folder, name, change, said):
    path = folder / name
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ModelNotFoundError, match=f"{name}' {said}.*Download or copy"):
        ask(folder)


@pytest.mark.parametrize(
    ("content", "said"), [(b"half a model", "is not a GGUF file"), (b"GGUF\x03\0\0\0", "bad.gguf")]
)
def test_a_damaged_gguf_file_is_named(tmp_path, content, said):
    (tmp_path / "bad.gguf").write_bytes(content)
    with pytest.raises(ModelNotFoundError, match=said):
        ask(tmp_path / "bad.gguf")


def test_a_missing_part_of_the_weights_is_named(folder):
    (folder / "model.safetensors").unlink()
    index = {"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelNotFoundError, match=r"'model-00001-of-00002\.safetensors'.* missing"):
        ask(folder)
