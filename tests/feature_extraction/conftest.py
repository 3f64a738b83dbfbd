import pytest

# Private: what a process remembers of texts must be forgotten between two tests.
from sklw.feature_extraction import _embedder


@pytest.fixture(autouse=True)
def embedder_module():
    """Forget all embeddings; returns the module that remembers them."""
    _embedder._memo.clear()
    return _embedder


@pytest.fixture
def forget():
    return _embedder._memo.clear
