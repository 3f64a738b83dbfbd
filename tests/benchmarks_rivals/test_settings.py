"""The settings of the benchmarks are ones that sklw takes."""

import sys
from pathlib import Path

import pytest

from sklw import SyntheticWeighter

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import nakada_fair
import weighting

SETTINGS = {
    f"{module.__name__}, {name}": settings
    for module, known in ((nakada_fair, nakada_fair.WEIGHTERS), (weighting, weighting.METHODS))
    for name, settings in known.items()
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_weighter_takes_them(name):
    SyntheticWeighter(**SETTINGS[name])
