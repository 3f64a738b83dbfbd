"""Weights learned in a whole BERT on a CUDA device."""

import numpy as np
import pytest
import torch

from sklw import SyntheticWeighter
from sklw.weighting import Hu, SunGen

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
TEXTS = ["a wonderful film", "I loved it so very much", "a terrible film", "I hated it"] * 24
LABELS = np.array(["pos", "pos", "neg", "neg"] * 24)


@pytest.mark.parametrize("method", [Hu("bert"), SunGen("bert")])
def test_wrong_labels_lose_weight(method):
    synthetic, wrong = np.arange(96) >= 32, np.arange(96) >= 80
    labels = np.where(wrong, np.where(LABELS == "pos", "neg", "pos"), LABELS)
    weighter = SyntheticWeighter(method, random_state=0)
    weights = weighter.fit(TEXTS, labels, synthetic=synthetic).sample_weight_
    assert np.isfinite(weights).all()
    assert weights[wrong].mean() < weights[synthetic & ~wrong].mean()
