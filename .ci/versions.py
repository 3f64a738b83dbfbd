"""Versions of the packages that sklw is tested with.

``python .ci/versions.py lowest`` prints the lowest version of each package that pyproject.toml
admits, as constraints for pip. ``python .ci/versions.py table`` writes docs/versions.md from what
the three runs installed: .ci/constraints.txt, .ci/newest.txt and .ci/lowest.txt.
"""

import re
import sys
import tomllib
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNS = {"lowest": "lowest.txt", "locked": "constraints.txt", "newest": "newest.txt"}
INTRODUCTION = """\
# Tested versions

sklw is tested on Python 3.11 with three sets of versions: the lowest that `pyproject.toml` allows
(`.ci/lowest`), those of the lock file (`.ci/run`), and the newest on the day of the last change to
this page (`.ci/newest`). Each run creates a fresh environment and runs the README's two commands.
`.ci/lock` rewrites the lock file.

The whole test suite last passed with the lowest and the newest versions on 2026-11-26.

With the lowest versions, `compile=True` of `TransformersGenerator` is not tested, because torch 2.7
does not compile these models.

The table lists the packages that sklw and its tests require directly. `.ci/lowest.txt`,
`.ci/constraints.txt` and `.ci/newest.txt` list every installed package.
"""


def lowest() -> dict[str, str]:
    """Return the lower bound of each package that sklw, its extras and its tests name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = chain(project["dependencies"], *project["optional-dependencies"].values())
    bounds = (re.match(r"([\w-]+)[^>]*>=([\d.]+)", line) for line in lines)
    return dict(sorted(bound.groups() for bound in bounds if bound))


def installed(run: str) -> dict[str, str]:
    """Return the versions that a run installed, by normalised name."""
    lines = (ROOT / ".ci" / RUNS[run]).read_text().splitlines()
    pairs = [line.split("==") for line in lines if "==" in line and not line.startswith("#")]
    return {name.lower().replace("_", "-"): version.split("+")[0] for name, version in pairs}


def table() -> str:
    """Return the page."""
    runs = {run: installed(run) for run in RUNS}
    rows = [["package", *runs], ["---"] * 4]
    rows += [[name, *(found.get(name.lower(), "") for found in runs.values())] for name in lowest()]
    return INTRODUCTION + "\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["lowest"]:
        print(*(f"{name}=={version}" for name, version in lowest().items()), sep="\n")
    elif sys.argv[1:] == ["table"]:
        (ROOT / "docs" / "versions.md").write_text(table())
    else:
        sys.exit(__doc__)
