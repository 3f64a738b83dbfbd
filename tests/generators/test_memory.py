import numpy as np
import pytest
import torch

from sklw import TransformersGenerator
from sklw.generators import Request
from sklw.generators import _decoding as decoding_module
from sklw.generators import _memory as memory_module
from sklw.generators._decoding.memory import fitting_batch_size, free_bytes


@pytest.fixture(scope="module")
def model():
    return TransformersGenerator()._load().model


def test_a_batch_fits_into_half_of_the_free_memory(model, monkeypatch):
    pytest.importorskip("psutil")
    assert free_bytes(torch.device("cpu")) > 2**20
    for room in (100, 1000):
        sizes = []
        for free in np.geomspace(2**21, 2**40, 9):
            monkeypatch.setattr(memory_module, "free_bytes", lambda device, free=free: free)
            sizes.append(fitting_batch_size(model, room))
            cache = 2 * 30 * 3 * 64 * 2 * room  # layers, heads, size of a head, bytes
            assert sizes[-1] == 1 or sizes[-1] * cache < free / 2
        assert sizes == sorted(sizes)
        assert (sizes[0], sizes[-1]) == (1, 64)


def test_memory_that_nobody_knows_bounds_nothing(model, monkeypatch):
    monkeypatch.setattr(memory_module, "free_bytes", lambda device: None)
    assert fitting_batch_size(model, 10**9) == 64


def test_the_memory_decides_how_many_are_written_at_once(monkeypatch):
    requests = [Request("One", seed=i, max_new_tokens=2) for i in range(5)]
    written = TransformersGenerator().generate(requests)
    sizes = []
    slots = decoding_module.Slots

    def counted(model, size, capacity):
        sizes.append(size)
        return slots(model, size, capacity)

    monkeypatch.setattr(decoding_module, "Slots", counted)
    monkeypatch.setattr(memory_module, "free_bytes", lambda device: 10_000_000)
    assert TransformersGenerator().generate(requests) == written
    assert set(sizes) == {4}
