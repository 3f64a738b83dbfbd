from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from sklw import BertClassifier


def network(model, **parameters):
    return BertClassifier(model, classes=[0, 1], device="cpu", **parameters).initialize().module_


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_share_scale_and_gradient(p, dtype, tiny):
    torch.manual_seed(0)
    x = torch.ones(101, 997, dtype=dtype, requires_grad=True)
    out = network(tiny, dropout=p).train().dropout(x)
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


def test_no_dropout_outside_of_training_and_at_zero(tiny):
    x = torch.randn(10, 10)
    assert torch.equal(network(tiny, dropout=0.5).eval().dropout(x), x)
    assert torch.equal(network(tiny, dropout=0.0).train().dropout(x), x)


def test_it_is_everywhere_and_of_the_probability_asked_for(tiny):
    for asked, expected in [(None, {0.1}), (0.2, {0.2})]:
        layers = [m for m in network(tiny, dropout=asked).modules() if isinstance(m, nn.Dropout)]
        assert len(layers) > 3
        assert {layer.p for layer in layers} == expected
        assert len({type(layer) for layer in layers}) == 1


@pytest.mark.slow
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
