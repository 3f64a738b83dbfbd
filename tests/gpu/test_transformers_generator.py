"""TransformersGenerator on a GPU."""

import pytest
import torch

from sklw.generators import Request, TransformersGenerator

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

REQUESTS = [
    Request("Message: the tap drips\n" * (1 + i % 5) + "Message:", seed=i, stop=("\n",))
    for i in range(24)
]


def test_the_same_call_gives_the_same_texts():
    generator = TransformersGenerator(device="cuda", max_new_tokens=16)
    first = generator.generate(REQUESTS)
    assert first == generator.generate(REQUESTS)
    assert any(answer.text for answer in first)


def test_float32_texts_do_not_depend_on_the_batch():
    generator = TransformersGenerator(device="cuda", dtype="float32", max_new_tokens=12)
    together = generator.generate(REQUESTS)
    few = generator.set_params(batch_size=16).generate(REQUESTS)
    # Rounding may move a draw now and then; nearly all texts are the same.
    assert sum(a.text == b.text for a, b in zip(together, few, strict=True)) >= 21


def test_compiled_texts_are_nearly_all_the_same():
    generator = TransformersGenerator(device="cuda", dtype="float32", max_new_tokens=12)
    expected = generator.generate(REQUESTS)
    compiled = generator.set_params(compile=True, batch_size=32).generate(REQUESTS)
    assert sum(a.text == b.text for a, b in zip(compiled, expected, strict=True)) >= 21


def test_a_batch_too_large_for_the_memory_is_halved():
    generator = TransformersGenerator(device="cuda", max_new_tokens=4, batch_size=16)
    expected = generator.generate(REQUESTS[:16])
    whole = torch.cuda.mem_get_info()[1]
    used = torch.cuda.memory_reserved()
    torch.cuda.empty_cache()
    # Room for the model and a few rows only.
    torch.cuda.set_per_process_memory_fraction(min(1.0, used / whole), 0)
    try:
        texts = generator.set_params(batch_size=4096).generate(REQUESTS[:16] * 64)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, 0)
    assert len(texts) == 1024
    assert sum(a.text == b.text for a, b in zip(texts, expected, strict=False)) >= 12
