"""Compiled decoding, with a tiny model of random weights."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import transformers
from packaging.version import Version

sys.path.insert(0, str(Path(__file__).parent))
from _models import save_tiny

from sklw.exceptions import GenerationWarning
from sklw.generators import Request, TransformersGenerator

REQUESTS = [
    Request("one two three " * (1 + i % 7) + "four" * (i % 2), seed=i, max_new_tokens=2 + i % 5)
    for i in range(40)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny(tmp_path_factory.mktemp("llama"), num_hidden_layers=2)


@pytest.mark.slow
@pytest.mark.skipif(
    Version(torch.__version__) < Version("2.13"),
    reason="torch 2.7 cannot compile this model; versions between are untried",
)
@pytest.mark.usefixtures("compiler")
def test_compiled_texts_are_the_same_and_one_compilation_serves_all(folder):
    plain = TransformersGenerator(folder, dtype="float32", batch_size=24)
    expected = plain.generate(REQUESTS)
    compiled = TransformersGenerator(folder, dtype="float32", batch_size=24, compile=True)
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    assert compiled.generate(REQUESTS) == expected
    order = random.Random(0).sample(range(len(REQUESTS)), 9)
    assert compiled.generate([REQUESTS[i] for i in order]) == [expected[i] for i in order]
    counted = torch._dynamo.utils.counters
    assert counted["stats"]["unique_graphs"] == 1
    assert not counted["graph_break"]


def test_compiled_answers_are_kept_apart_in_the_cache(folder):
    plain, compiled = (TransformersGenerator(folder, compile=value) for value in (False, True))
    assert plain.cache_key() != compiled.cache_key()


@pytest.mark.slow
def test_without_a_compiler_the_error_says_so(folder):
    code = f"""
import torch._inductor.config as config
config.cpp.cxx = ("no-such-compiler",)
config.force_disable_caches = True
from sklw.generators import Request, TransformersGenerator
TransformersGenerator({folder!r}, compile=True).generate([Request("one", seed=0)])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "LlamaForCausalLM could not be compiled" in done.stderr
    assert "set compile=False" in done.stderr


def test_models_with_a_memory_of_their_own_are_not_compiled(tmp_path):
    generator = TransformersGenerator(
        save_tiny(tmp_path, transformers.MambaConfig),
        dtype="float32",
        compile=True,
        max_new_tokens=3,
    )
    with pytest.warns(GenerationWarning, match="compile=True has no effect"):
        answers = generator.generate(REQUESTS[:2])
    assert answers == generator.set_params(compile=False).generate(REQUESTS[:2])
