"""The examples in the documentation run, those for developers are short, and no name is missing."""

import re
from importlib import import_module
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
DEVELOPING = sorted((DOCS / "developing").glob("*.md"))
WITH_EXAMPLES = [page for page in DEVELOPING if "```python" in page.read_text(encoding="utf-8")]


def examples(page):
    """Return the blocks of Python code in a page."""
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)


SLOW = [pytest.param(DOCS / name, marks=pytest.mark.slow) for name in ("faq.md", "tutorial.md")]


@pytest.mark.parametrize("page", [*WITH_EXAMPLES, *SLOW], ids=lambda page: page.stem)
def test_examples_run(page, own_cache, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile("\n".join(examples(page)), page.name, "exec"), {"__name__": page.stem})


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.stem)
def test_extensions_are_short(page):
    lines = [line for line in examples(page)[0].splitlines() if line.strip()]
    assert len(lines) < 25


PACKAGES = [
    "sklw", "sklw.advice", "sklw.classifiers", "sklw.comparison", "sklw.datasets",
    "sklw.exceptions", "sklw.feature_extraction", "sklw.generators", "sklw.inspection",
    "sklw.metrics", "sklw.models", "sklw.over_sampling", "sklw.scaling", "sklw.weighting",
]  # fmt: skip


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_in_the_reference(package):
    page = (DOCS / "api" / "index.md").read_text(encoding="utf-8")
    names = import_module(package).__all__
    assert [name for name in names if not re.search(rf"\b{name}\b", page)] == []
