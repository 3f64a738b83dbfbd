"""The order of the house: what a contributor may rely on in every module."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from numpydoc.validate import validate

import sklw

ROOT = Path(sklw.__file__).parent
MODULES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in ROOT.rglob("*.py")
}
PUBLIC = [name for name in sorted(MODULES) if "._" not in name and not name.endswith("__main__")]
NAMES = sorted(
    {
        f"{module}.{name}"
        for module in PUBLIC
        for name in getattr(importlib.import_module(module), "__all__", ())
    }
)
OBJECTS = {
    name: getattr(importlib.import_module(name.rpartition(".")[0]), name.rpartition(".")[2])
    for name in NAMES
}
CLASSES = sorted(
    {c for c in OBJECTS.values() if inspect.isclass(c) and not issubclass(c, Exception)}, key=str
)

# numpydoc's checks that hold everywhere; its others are about style alone.
CHECKS = {
    "GL08": "no docstring",
    "SS01": "no summary",
    "PR01": "a parameter is not documented",
    "PR02": "a documented parameter does not exist",
    "PR03": "parameters are documented in another order",
    "RT01": "no Returns section",
}

# Private names of a sibling package, and why there is no public one.
ALLOWED = {
    "sklw.classifiers._probe": "methods that learn weights train the head as BertClassifier does",
    "sklw.generators._budget": "the estimate foresees what the budget counts",
    "sklw.generators._thinking": "the sampler parses what is left without a model's thoughts",
    "sklw.over_sampling._cells": "the report puts rows in the order of the sampler",
}

# Tests that import private names, and why public ones do not do. All others go through the public
# interface, so that they hold whatever becomes of the inside.
PRIVATE_TESTS = {
    "generators/_cached.py": "full disks and dead owners cannot be staged from outside",
    "generators/test_endpoint_conformance.py": "answers drawn at random, by the hundred, and waits "
    "of hours cannot go over a socket",
    "generators/test_fine_tuned.py": "wrong gradients train another model, which may look as good",
    "generators/test_sampling.py": "whether draws follow a distribution is seen on known logits",
    "over_sampling/test_columns.py": "a value lost on its way could not be told from a model's",
    "over_sampling/test_json_answers.py": "the filters would judge what has been parsed",
    "over_sampling/test_parsing.py": "the filters would judge what has been parsed",
    "over_sampling/test_verification.py": "rows are taken back among more than a model would write",
    "test_copies.py": "threads change the filters of warnings within milliseconds of each other",
}
_PRIVATE = re.compile(r"\bsklw(?:\.\w+)*\._[a-z]|\bfrom sklw[\w.]* import .*\b_[a-z]")


def imports_of(module):
    """Return the modules of sklw that a module imports, lazily or for types as well."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in inner}
    return {name for name in found if name in MODULES} - {module, "sklw"}


def package_of(module):
    """Return the folder or file at the top of sklw that a module belongs to."""
    return ".".join(module.split(".")[:2])


def test_no_import_cycle():
    graph = {module: imports_of(module) for module in MODULES if module != "sklw"}
    for module, imported in graph.items():
        parents = {name.rpartition(".")[0] for name in imported}
        imported |= {p for p in parents if p in graph and package_of(module) != package_of(p)}
    TopologicalSorter(graph).prepare()  # raises with the cycle


def test_no_private_names_of_siblings():
    found = {
        imported
        for module in MODULES
        for imported in imports_of(module)
        if package_of(module) != package_of(imported)
        and any(part.startswith("_") for part in imported.split(".")[2:])
        and not package_of(imported).startswith("sklw._")
    }
    assert found <= set(ALLOWED)


def test_tests_use_public_names():
    tests = Path(__file__).parent
    found = {
        path.relative_to(tests).as_posix()
        for path in tests.rglob("*.py")
        if path != Path(__file__) and _PRIVATE.search(path.read_text(encoding="utf-8"))
    }
    assert found == set(PRIVATE_TESTS)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_file_is_long(module):
    n_lines = len(MODULES[module].read_text(encoding="utf-8").splitlines())
    assert n_lines <= 400


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        "import sklw",
        "from sklw import LLMOverSampler, Pipeline, SyntheticWeighter, TransformersGenerator",
        "from sklw.cli import main; main(['compare', '--help'])",
    ],
)
def test_neither_torch_nor_transformers_is_loaded(code):
    code += "\nimport sys\nassert not {'torch', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_constructors_are_short(cls):
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = {name for name, p in inspect.signature(cls).parameters.items() if p.kind in named}
    most = 15
    if issubclass(cls, importlib.import_module("skorch").NeuralNetClassifier):
        parameters -= of_skorch(cls)
        most = 20
    assert len(parameters) <= most


def of_skorch(cls):
    """Return the parameters that a net inherits from skorch."""
    bases = [base for base in cls.__mro__ if base.__module__.startswith("skorch.")]
    return {name for base in bases for name in inspect.signature(base).parameters}


@pytest.mark.parametrize("name", NAMES)
def test_public_names_are_documented(name):
    if not (inspect.isclass(OBJECTS[name]) or inspect.isfunction(OBJECTS[name])):
        pytest.skip("a constant or an instance")
    found = {code: text for code, text in validate(name)["errors"] if code in CHECKS}
    text = inspect.getdoc(OBJECTS[name])
    if inspect.isclass(OBJECTS[name]) and ("Parameters\n" not in text or "**kwargs" in text):
        found.pop("PR01", None)  # users do not make it, or its base class says what it takes
    assert not found


@pytest.mark.parametrize("name", sklw.__all__)
def test_names_of_the_top_level_have_an_example(name):
    assert ">>>" in inspect.getdoc(getattr(sklw, name))


def test_the_guide_lists_every_reason_why_a_row_is_rejected():
    reasons = importlib.import_module("sklw.over_sampling._shortfall").REASONS
    guide = (ROOT.parent / "docs" / "guide" / "filters.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", guide, re.MULTILINE))
    assert listed == reasons
