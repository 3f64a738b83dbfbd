"""BertClassifier and TextEmbedder on a CUDA device."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch

from sklw import BertClassifier, RowWeights, TextEmbedder
from sklw.weighting import Dimp

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
TEXTS = ["a wonderful film", "I loved it so very much", "a terrible film", "I hated it"] * 16
LABELS = ["pos", "pos", "neg", "neg"] * 16


@pytest.fixture(scope="module")
def fitted():
    return BertClassifier(random_state=0).fit(TEXTS, LABELS)


def test_auto_takes_the_gpu_and_learns(fitted):
    assert fitted.device == "cuda"
    assert fitted.get_params()["device"] == "auto"
    assert next(fitted.module_.parameters()).is_cuda
    assert fitted.score(TEXTS, LABELS) == 1.0


def test_global_random_state_untouched():
    before = torch.cuda.get_rng_state()
    BertClassifier(random_state=0, max_epochs=1).fit(TEXTS, LABELS)
    assert torch.equal(torch.cuda.get_rng_state(), before)


def test_compiled_learns_as_well(fitted):
    compiled = BertClassifier(random_state=0, compile=True).fit(TEXTS, LABELS)
    assert np.array_equal(compiled.predict(TEXTS), fitted.predict(TEXTS))


def test_weights_and_quality_reach_the_gpu():
    weights = np.where(np.array(LABELS) == "pos", 2.0, 0.5)
    clf = BertClassifier(random_state=0, early_stopping=2)
    found = RowWeights(weights, np.arange(64) >= 32, np.full(64, 0.9), Dimp().finisher(1.0))
    clf.fit(TEXTS, LABELS, row_weights=found)
    assert np.isfinite(clf.history[:, "train_loss"]).all()


def test_close_to_the_cpu(fitted):
    cpu = BertClassifier(random_state=0, device="cpu", precision="float32").fit(TEXTS, LABELS)
    assert np.array_equal(cpu.predict(TEXTS), fitted.predict(TEXTS))


def test_pickled_on_the_gpu_predicts_on_the_cpu(fitted, tmp_path):
    path = tmp_path / "clf.pkl"
    path.write_bytes(pickle.dumps(fitted))
    script = (
        "import pickle, sys, warnings; warnings.simplefilter('ignore');"
        "clf = pickle.load(open(sys.argv[1], 'rb'));"
        "assert clf.device == 'cpu', clf.device;"
        "print(*clf.predict(['a wonderful film', 'a terrible film']))"
    )
    found = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == ["pos", "neg"]


def test_embeddings_agree_with_the_cpu():
    gpu = TextEmbedder(device="cuda").transform(TEXTS[:4])
    cpu = TextEmbedder(device="cpu", precision="float32").transform(TEXTS[:4])
    assert ((gpu * cpu).sum(axis=1) > 0.995).all()
