from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from sklw import BertClassifier
from sklw.classifiers._dropout import ByteDropout, replace_dropout


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_share_scale_and_gradient(p, dtype):
    torch.manual_seed(0)
    x = torch.ones(101, 997, dtype=dtype, requires_grad=True)
    out = ByteDropout(p)(x)
    assert out.dtype == dtype
    share = (out == 0).float().mean().item()
    assert share == pytest.approx(p, abs=0.01)
    assert out.float().mean().item() == pytest.approx(1, abs=0.02)
    out.sum().backward()
    assert torch.equal(x.grad, out.detach())
    # No row or column is favoured, whatever the byte's place in its word.
    for dim in (0, 1):
        assert ((out == 0).float().mean(dim) - p).abs().max() < 0.25
    by_byte = (out.detach().flatten()[: 101 * 997 // 8 * 8].view(-1, 8) == 0).float().mean(0)
    assert (by_byte - p).abs().max() < 0.02


def test_no_dropout_outside_of_training_and_at_zero():
    x = torch.randn(10, 10)
    assert torch.equal(ByteDropout(0.5).eval()(x), x)
    assert torch.equal(ByteDropout(0.0)(x), x)
    assert torch.equal(ByteDropout(1.0)(x), torch.zeros(10, 10))


def test_replaces_all_and_sets_the_probability():
    net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.3), nn.Sequential(nn.Dropout(0.1)))
    replace_dropout(net)
    assert [m.p for m in net.modules() if isinstance(m, ByteDropout)] == [0.3, 0.1]
    net = nn.Sequential(nn.Dropout(0.3), nn.Sequential(nn.Dropout(0.1)))
    replace_dropout(net, 0.2)
    assert [m.p for m in net.modules() if type(m) is ByteDropout] == [0.2, 0.2]


def test_fits_in_threads_are_those_alone(settings, reviews):
    """Dropout draws from the one generator of torch, which is left as it was."""
    X, y = reviews

    def fit(seed):
        model = BertClassifier(**{**settings, "dropout": 0.3, "random_state": seed}, max_epochs=2)
        return model.fit(X, y).predict_proba(X)

    before = torch.get_rng_state()
    alone = [fit(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for found, expected in zip(pool.map(fit, range(4)), alone, strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-6)
    assert torch.equal(torch.get_rng_state(), before)
