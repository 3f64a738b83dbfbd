import gc
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from _slow import SlowGenerator

from sklw.datasets import load_maintenance_requests
from sklw.generators import Request, RequestCache, TransformersGenerator


@pytest.fixture(scope="session")
def requests():
    """Twelve few-shot prompts of differing lengths; some begin alike, two are the same."""
    texts = list(load_maintenance_requests().data)
    head = "Short messages, one a line, that tenants wrote to their landlord about the house:\n"
    found = []
    for i in range(11):
        shots = texts[3 * (i // 2) : 3 * (i // 2) + 1 + i % 4]
        prompt = (head if i % 3 else "") + "".join(f"Message: {t}\n" for t in shots) + "Message:"
        found.append(Request(prompt, seed=i, stop=("\n",), max_new_tokens=4 + i % 9))
    return [*found, Request(found[3].prompt, seed=99, stop=("\n",), max_new_tokens=9)]


@pytest.fixture(scope="session")
def generator():
    yield TransformersGenerator()
    gc.collect()


@pytest.fixture
def cache(tmp_path):
    return RequestCache(tmp_path / "cache" / "answers.sqlite")


@pytest.fixture
def slow(tmp_path):
    return SlowGenerator(str(tmp_path / "log"))
