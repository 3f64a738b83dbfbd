"""How many answers are written at once: what memory holds, and less when it runs out."""

import gc
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from _models import Watched, save_tiny

from sklw import TransformersGenerator
from sklw.generators import Request

REQUESTS = [Request("one two", seed=seed, max_new_tokens=3) for seed in range(40)]


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    folder = save_tiny(tmp_path_factory.mktemp("memory"))
    found = TransformersGenerator(folder, dtype="float32", device="cpu")
    found.generate(REQUESTS[:1])
    return found


def test_a_batch_fits_into_half_of_the_free_memory(generator, monkeypatch):
    psutil = pytest.importorskip("psutil")
    written = generator.generate(REQUESTS)
    most = []
    for free in (1, 200_000, 600_000, 2**40):
        memory = SimpleNamespace(available=free)
        monkeypatch.setattr(psutil, "virtual_memory", lambda memory=memory: memory)
        with monkeypatch.context() as patch:
            watched = Watched(patch)
            assert generator.generate(REQUESTS) == written
        most.append(max(watched.rows))
        logits = 4 * 400 * max(watched.rows)
        assert most[-1] == 16 or logits < free / 2  # fewer are filled up to 16
    assert most == sorted(most)
    assert (most[0], most[-1]) == (16, 40)
    assert 16 < most[2] < 40


def test_memory_that_nobody_knows_bounds_nothing(generator, monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    watched = Watched(monkeypatch)
    generator.generate(REQUESTS)
    assert max(watched.rows) == 40


def test_the_batch_is_halved_when_memory_runs_out(generator, monkeypatch):
    written = generator.generate(REQUESTS)
    watched = Watched(monkeypatch, most=20)
    assert generator.generate(REQUESTS) == written
    assert watched.rows[0] == 40
    assert max(watched.rows[1:]) == 20


def test_buffers_are_freed_without_waiting_for_the_collector(generator, monkeypatch):
    watched = Watched(monkeypatch)
    gc.collect()
    gc.disable()
    try:
        generator.generate(REQUESTS[:2])
        alive = [cache for cache in watched.caches if cache() is not None]
    finally:
        gc.enable()
    assert watched.caches
    assert not alive
