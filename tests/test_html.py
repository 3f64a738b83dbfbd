"""What notebooks show of small objects."""

import re

import pytest

from sklw import RowWeights
from sklw.generators import Budget, Usage


def cells(shown):
    """Return the names and values of a table."""
    return dict(re.findall(r"<th[^>]*>([^<]*)</th><td[^>]*>([^<]*)</td>", shown))


def test_a_budget():
    budget = Budget(max_requests=0, max_cost=2.5, prompt_price=0.15)
    shown = {"max_requests": "0", "max_cost": "2.5", "prompt_price": "0.15"}
    assert cells(budget._repr_html_()) == shown
    assert cells(budget._repr_mimebundle_()["text/html"]) == shown
    assert cells(Budget()._repr_html_()) == {"bounds": "none"}


def test_a_usage():
    usage = Usage(requests=1200, completion_tokens=34_567, cost=0.25, stopped_by="max_cost")
    shown = cells(usage._repr_html_())
    assert shown["requests"] == "1,200"
    assert shown["completion_tokens"] == "34,567"
    assert shown["cost"] == "0.25"
    assert shown["stopped_by"] == "max_cost"


@pytest.mark.parametrize(
    ("weights", "synthetic", "shown"),
    [
        (
            [1, 1, 0.5, 0.25],
            [False, False, True, True],
            {
                "real rows": "2",
                "weight of real rows": "2 in all, from 1 to 1",
                "synthetic rows": "2",
                "weight of synthetic rows": "0.75 in all, from 0.25 to 0.5",
            },
        ),
        (
            [2.0],
            [False],
            {
                "real rows": "1",
                "weight of real rows": "2 in all, from 2 to 2",
                "synthetic rows": "0",
            },
        ),
        (
            [12_345.6, 1e5, 0.000012345],
            [False, False, True],
            {
                "real rows": "2",
                "weight of real rows": "112,346 in all, from 12,346 to 100,000",
                "synthetic rows": "1",
                "weight of synthetic rows": "1.234e-05 in all, from 1.23e-05 to 1.23e-05",
            },
        ),
        ([], [], {"real rows": "0", "synthetic rows": "0"}),
    ],
)
def test_row_weights(weights, synthetic, shown):
    assert cells(RowWeights(weights, synthetic=synthetic)._repr_html_()) == shown


@pytest.mark.parametrize(
    ("cost", "shown"),
    [(1_234_567.8, "1,234,568"), (999_999.7, "1,000,000"), (1e-7, "1e-07"), (0.1 + 0.2, "0.3")],
)
def test_large_costs_are_written_out(cost, shown):
    assert cells(Usage(cost=cost)._repr_html_())["cost"] == shown


def test_values_are_escaped():
    shown = Usage(stopped_by="<script>alert(1)</script>")._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
