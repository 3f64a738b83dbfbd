"""Two processes on the CPU: what several GPUs would do."""

import os
import pickle
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import clone

from sklw import BertClassifier
from sklw.classifiers import AcceleratedBertClassifier
from sklw.datasets import load_maintenance_requests

pytest.importorskip("accelerate", reason="accelerate is not installed")

SETTINGS = {"device": "cpu", "precision": "float32", "dropout": 0.0, "random_state": 0}

SCRIPT = """
import pickle, sys
import numpy as np
import torch
from accelerate import PartialState
from sklw.classifiers import AcceleratedBertClassifier
from sklw.datasets import load_maintenance_requests

corpus = load_maintenance_requests()
X, y = corpus.data[:64], corpus.target[:64]
settings, folder = pickle.loads(bytes.fromhex(sys.argv[1])), sys.argv[2]
weights = np.linspace(0.5, 1.5, 64)
step = AcceleratedBertClassifier(
    max_epochs=1, batch_size=32, optimizer=torch.optim.SGD, lr=0.1, max_grad_norm=None,
    lr_schedule="constant", warmup=0.0, **settings).fit(X, y, sample_weight=weights)
free = AcceleratedBertClassifier(
    max_epochs=1, batch_size=16, early_stopping=True, **{**settings, "random_state": None}
).fit(X, y)
found = {"step": step.predict_proba(X), "steps": step.history[0, "train_batch_count"],
         "free": free.predict_proba(X), "pickle": pickle.dumps(step)}
with open(f"{folder}/{PartialState().process_index}", "wb") as file:
    pickle.dump(found, file)
"""


@pytest.mark.slow
def test_two_processes_train_the_network_that_one_would_train(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2",
        str(script), pickle.dumps(SETTINGS).hex(), str(tmp_path),
    ]  # fmt: skip
    threads = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    run = subprocess.run(command, env={**os.environ, **threads}, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    first, second = (pickle.loads((tmp_path / str(i)).read_bytes()) for i in (0, 1))
    for name in ("step", "free"):
        np.testing.assert_array_equal(first[name], second[name])

    # A step of both, 32 rows each, is a step of one with all 64.
    import torch

    corpus = load_maintenance_requests()
    X, y = corpus.data[:64], corpus.target[:64]
    alone = BertClassifier(
        max_epochs=1, batch_size=64, optimizer=torch.optim.SGD, lr=0.1, max_grad_norm=None,
        lr_schedule="constant", warmup=0.0, **SETTINGS,
    )  # fmt: skip
    alone.fit(X, y, sample_weight=np.linspace(0.5, 1.5, 64))
    assert first["steps"] == 1
    np.testing.assert_allclose(first["step"], alone.predict_proba(X), atol=2e-5)
    untrained = clone(alone).set_params(lr=1e-9).fit(X, y, sample_weight=np.linspace(0.5, 1.5, 64))
    assert np.abs(untrained.predict_proba(X) - first["step"]).max() > 1e-3
    kept = pickle.loads(first["pickle"])
    np.testing.assert_array_equal(kept.predict_proba(X), first["step"])


def test_in_a_single_process_it_is_a_bert_classifier(tiny):
    corpus = load_maintenance_requests()
    X, y = corpus.data[:40], corpus.target[:40]
    settings = {**SETTINGS, "model": tiny, "max_epochs": 1}
    accelerated = clone(AcceleratedBertClassifier(**settings)).fit(X, y)
    expected = BertClassifier(**settings).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(accelerated.predict_proba(X), expected)
    assert accelerated.get_params().keys() == BertClassifier().get_params().keys()


@pytest.mark.parametrize(("n_batches", "n"), [(6, 2), (7, 2), (1, 4), (5, 3)])
def test_shares_are_equally_long_and_miss_nothing(n_batches, n, tiny, monkeypatch):
    texts = [f"good {'film ' * i}" for i in range(2 * n_batches)]
    classifier = AcceleratedBertClassifier(
        tiny, batch_size=2, classes=[0, 1], random_state=0, device="cpu"
    ).initialize()
    rows = classifier.get_dataset(texts, np.arange(2 * n_batches) % 2)
    shares = []
    for place in range(n):
        state = SimpleNamespace(num_processes=n, process_index=place)
        monkeypatch.setattr("accelerate.Accelerator", lambda state=state, **kwargs: state)
        share = classifier.get_iterator(rows, training=True)
        found = [inputs["input_ids"].tolist() for inputs, _ in share]
        assert len(found) == len(share)
        shares.append(found)
    assert len({len(share) for share in shares}) == 1
    batches = [str(batch) for share in shares for batch in share]
    assert len(set(batches)) == n_batches
    assert len(batches) < n_batches + n


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "accelerate", None)
    monkeypatch.setitem(sys.modules, "accelerate.utils", None)
    with pytest.raises(ImportError, match="pip install accelerate"):
        AcceleratedBertClassifier(device="cpu").fit(["a", "b"], [0, 1])
