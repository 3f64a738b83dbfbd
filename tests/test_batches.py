import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sklw._encoders.batches import length_bucketed_batches, pad_batch, sorted_batches
from sklw._hardware import autocast, choose_device, choose_precision, seeded

LENGTHS = st.lists(st.integers(1, 128), min_size=1, max_size=400)


@settings(deadline=None, max_examples=50)
@given(lengths=LENGTHS, size=st.integers(1, 40), seed=st.integers(0, 9))
def test_every_row_comes_once_in_batches_of_the_size(lengths, size, seed):
    lengths = np.array(lengths)
    for batches in (
        length_bucketed_batches(lengths, size, np.random.default_rng(seed)),
        sorted_batches(lengths, size),
    ):
        assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
        sizes = sorted(map(len, batches))
        assert all(found == size for found in sizes[1:])
        assert len(batches) == -(-len(lengths) // size)


def test_buckets_save_padding_and_differ_from_epoch_to_epoch():
    lengths = np.random.default_rng(0).integers(1, 128, 2000)
    rng = np.random.default_rng(0)
    first, second = (length_bucketed_batches(lengths, 32, rng) for _ in range(2))
    padded = sum(len(batch) * lengths[batch].max() for batch in first)
    assert padded < 1.1 * lengths.sum()
    assert {frozenset(batch) for batch in first}.isdisjoint(map(frozenset, second))
    widths = [lengths[batch].max() for batch in first]
    assert widths != sorted(widths)
    again = length_bucketed_batches(lengths, 32, np.random.default_rng(0))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_sorted_batches_begin_with_the_longest():
    assert [b.tolist() for b in sorted_batches(np.array([1, 5, 3, 5]), 2)] == [[1, 3], [2, 0]]


@pytest.mark.parametrize(("multiple", "width"), [(1, 3), (8, 8)])
def test_padding(multiple, width):
    batch = pad_batch([np.array([5, 6, 7]), np.array([9])], pad_id=4, multiple=multiple)
    assert batch["input_ids"].shape == (2, width)
    assert batch["input_ids"][0, :3].tolist() == [5, 6, 7]
    assert batch["input_ids"][1].tolist() == [9] + [4] * (width - 1)
    assert batch["attention_mask"].sum(dim=1).tolist() == [3, 1]


def test_precision_and_device():
    assert choose_device("cpu") == "cpu"
    assert choose_device("auto") in {"cpu", "cuda", "mps"}
    assert choose_precision("bfloat16", "cpu") == torch.bfloat16
    assert choose_precision("auto", "cpu") in {torch.bfloat16, torch.float32}
    a = torch.ones(2, 2)
    for precision, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        with autocast(precision, "cpu"):
            assert (a @ a).dtype == dtype


def test_seeded_restores_the_state():
    before = torch.get_rng_state()
    with seeded(3, "cpu"):
        first = torch.rand(2)
    with seeded(3, "cpu"):
        assert torch.equal(torch.rand(2), first)
    with pytest.raises(RuntimeError), seeded(3, "cpu"):
        torch.rand(2) @ torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)


def test_seeded_threads_do_not_meet():
    def draw(seed):
        with seeded(seed, "cpu"):
            first = torch.rand(3)
            time.sleep(0.01)
            with seeded(seed + 100, "cpu"):
                inner = torch.rand(3)
            return torch.cat([first, inner, torch.rand(3)])

    before = torch.get_rng_state()
    expected = [draw(seed) for seed in range(16)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(draw, range(16)))
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert torch.equal(torch.get_rng_state(), before)
