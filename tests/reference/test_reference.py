import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from cases import CASES, FOLDER

EVERY_CASE = [(name, case) for name, (_, cases) in CASES.items() for case in cases]


def marks(name, case):
    """Return the marks of a case: a BERT or a choice among methods takes seconds."""
    return [pytest.mark.slow] if name == "probabilities" or "auto" in case else []


@pytest.fixture(scope="module")
def answers():
    return {name: json.loads((FOLDER / f"{name}.json").read_text("utf-8")) for name in CASES}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("name", "case"),
    [pytest.param(n, c, id=" ".join(c), marks=marks(n, c)) for n, c in EVERY_CASE],
)
def test_answers_are_those_on_record(answers, name, case):
    function, _ = CASES[name]
    expected = answers[name][" ".join(case)]
    if name == "probabilities":
        # Sums of float32 depend on the processor.
        assert function(*case) == pytest.approx(expected, abs=0.02)
    elif name == "weights":
        found = function(*case)
        assert found.keys() == expected.keys()
        for key, values in expected.items():
            if case[1] in ("hu", "sungen"):
                # Steps of gradient descent let differences of rounding grow.
                assert np.corrcoef(found[key], values)[0, 1] > 0.95
            else:
                assert found[key] == pytest.approx(values, rel=2e-2, abs=1e-3)
    else:
        assert function(*case) == expected
