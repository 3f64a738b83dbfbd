import os
import shutil
import subprocess
from inspect import signature
from pathlib import Path

# Tests use embedded models alone; without this a missing file would wait for a network.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # workers share the cores; NumPy reads it once

import numpy as np
import pytest
import sklearn

WORDS = ["good", "great", "fine", "bad", "awful", "poor", "film", "book", "the", "a", "very", "x"]


def pytest_configure(config):
    config.option.loadscopereorder = False  # pytest-xdist keeps the order below


def pytest_collection_modifyitems(items):
    """Begin with the files that hold slow tests, so that no worker is left with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """Cache answers in a folder of this test, but convert embedded models once for all tests."""
    shared = Path(os.environ.get("SKLW_CACHE") or "~/.cache/sklw").expanduser()
    models = shared / "models"
    models.mkdir(parents=True, exist_ok=True)
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "models").symlink_to(models)
    monkeypatch.setenv("SKLW_CACHE", str(cache))


@pytest.fixture(params=[False, True], ids=["plain", "routing"])
def routing(request):
    """Run a test without and with scikit-learn's metadata routing."""
    with sklearn.config_context(enable_metadata_routing=request.param):
        yield request.param


@pytest.fixture
def fit_with(routing):
    """Return a function that fits a pipeline and hands metadata to one of its steps."""

    def fit(pipe, X, y, step, **metadata):
        if not routing:
            return pipe.fit(X, y, **{f"{step}__{name}": v for name, v in metadata.items()})
        for name, estimator in pipe.steps:
            method = "fit_resample" if hasattr(estimator, "fit_resample") else "fit"
            for key in metadata:
                if key in signature(getattr(estimator, method, object)).parameters:
                    getattr(estimator, f"set_{method}_request")(**{key: name == step})
        return pipe.fit(X, y, **metadata)

    return fit


@pytest.fixture(scope="session")
def compiler():
    """Skip where torch cannot compile."""
    if not any(map(shutil.which, ("g++", "clang++", "cl"))):
        pytest.skip("needs a C++ compiler")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Return the folder of a BERT small enough that a fit takes a fraction of a second."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    ids = {token: number for number, token in enumerate(vocabulary)}
    BertTokenizerFast(vocab=ids).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        BertModel(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def reviews():
    """Return 60 texts of unlike lengths and their labels."""
    rng = np.random.default_rng(0)
    labels = np.array(["down", "up"])[np.arange(60) % 2]
    own = {"up": ["good", "great", "fine"], "down": ["bad", "awful", "poor"]}
    texts = [
        " ".join([*rng.choice(["film", "book", "the", "a", "very"], rng.integers(1, 12)), *word])
        for word in ([rng.choice(own[label])] for label in labels)
    ]
    return texts, labels


@pytest.fixture(scope="session")
def settings(tiny):
    """Return parameters under which the tiny model learns, exactly and without dropout."""
    return {
        "model": tiny,
        "dropout": 0.0,
        "lr": 1e-2,
        "batch_size": 10,
        "precision": "float32",
        "device": "cpu",
        "random_state": 0,
    }


@pytest.fixture
def small_disk(tmp_path):
    """Return a file system of half a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a file system is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
