import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from sklw import LLMOverSampler, RecordedGenerator
from sklw.exceptions import GenerationWarning
from sklw.generators import Budget, Completion
from sklw.over_sampling import Examples, TableRows, TextFilter

sys.path.insert(0, str(Path(__file__).parent))
from _scripted import Scripted
from _shuffler import Shuffler

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 3))
Y = np.repeat(["many", "few"], [250, 50])
PRICES = {"prompt_price": 1.0, "completion_price": 2.0}


class Metered(Shuffler):
    """Counts what it is asked; every answer costs 10 tokens to read and to write."""

    max_new_tokens = 12
    asked: list[int] = []

    def count_tokens(self, prompt):
        return 10

    def iter_generate(self, requests):
        for item in super().iter_generate(requests):
            self.asked.append(1)
            yield item


def sampler(**kwargs):
    Metered.asked.clear()
    return LLMOverSampler(generator=Metered(), random_state=0, verbose=False, **kwargs)


@pytest.mark.parametrize("type_", [np.float16, np.float32, np.uint8])
def test_prices_of_numpy_are_like_others(type_):
    budget = Budget(prompt_price=type_(1), completion_price=type_(2))
    assert budget.cost(20_000_001, 20_000_001) == 60.000003


@pytest.mark.parametrize(
    ("bounds", "sent"),
    [
        ({"max_requests": 30}, 30),
        ({"max_requests": 0}, 0),
        ({"max_requests": 100}, 100),
        # A last request may cost 22, whatever the others did cost.
        ({"max_tokens": 999}, 49),
        ({"max_cost": 0.003, **PRICES}, 99),
    ],
)
def test_generation_ends_before_a_bound_is_passed_and_keeps_what_there_is(bounds, sent):
    found = sampler(budget=Budget(**bounds))
    bound = next(iter(bounds))
    with pytest.warns(
        GenerationWarning, match=rf"budget's {bound} is used up.*Raise {bound} of budget"
    ) as caught:
        X_new, _ = found.fit_resample(X, Y)
    assert "max_attempts" not in str(caught[-1].message)
    assert len(Metered.asked) == found.usage_.requests == sent
    assert found.usage_.prompt_tokens == found.usage_.completion_tokens == 10 * sent
    assert len(X_new) == 300 + found.provenance_["accepted"].sum() > 300 - (sent == 0)
    assert found.usage_.stopped_by == bound


def test_a_budget_that_suffices_changes_nothing(tmp_path):
    free = sampler()
    X_free, _ = free.fit_resample(X, Y)
    found = sampler(
        budget=Budget(max_requests=5000, max_cost=1.0, **PRICES), cache=tmp_path / "cache.sqlite"
    )
    X_new, _ = found.fit_resample(X, Y)
    np.testing.assert_array_equal(X_new, X_free)
    n = len(Metered.asked)
    assert found.usage_.cost == pytest.approx(n * 30 / 1e6)
    assert (found.usage_.requests, found.usage_.cached, found.usage_.stopped_by) == (n, 0, "")

    # From the cache it costs nothing, so that a budget for no request at all will do.
    again = clone(found).set_params(budget__max_requests=0, budget__max_cost=None)
    X_again, _ = again.fit_resample(X, Y)
    np.testing.assert_array_equal(X_again, X_free)
    assert (again.usage_.requests, again.usage_.cached) == (0, n)


def test_an_estimate_sends_nothing_and_brackets_what_comes():
    found = sampler(budget=Budget(**PRICES))
    estimate = found.estimate(X, Y)
    assert not Metered.asked
    found.fit_resample(X, Y)
    sent = found.usage_.requests
    low, high = (estimate.loc[name] for name in ("expected", "at most"))
    assert low["requests"] == 200 <= sent <= high["requests"] == 200 * 8
    assert low["prompt_tokens"] == 2000
    assert low["cost"] == pytest.approx((2000 + 2 * low["completion_tokens"]) / 1e6)
    assert high["completion_tokens"] == 1600 * 12


def test_no_prompt_is_longer_than_the_estimate_says():
    class Reading(Scripted):
        def iter_generate(self, requests):
            for number, request in enumerate(requests):
                yield number, Completion("", self.count_tokens(request.prompt), 3)

    rare = [f"It drips {i}. " + "And drips. " * i**3 for i in range(6)]
    texts, labels = [f"Fire in flat {i}" for i in range(12)] + rare, ["a"] * 12 + ["b"] * 6
    found = LLMOverSampler(
        Reading([]), prompt=Examples(1), max_attempts=5, on_shortfall="ignore", random_state=0
    )
    most = found.estimate(texts, labels).loc["at most"]
    found.fit_resample(texts, labels)
    assert found.usage_.requests == most["requests"] == 30
    assert found.usage_.prompt_tokens <= most["prompt_tokens"] <= 30 * (len(rare[5]) // 4 + 50)
    verified = found.set_params(accept=TextFilter(verifier="model")).estimate(texts, labels)
    questions = verified.loc["at most", "prompt_tokens"] - most["prompt_tokens"]
    assert questions > 30 * len(rare[5]) // 4


def test_an_estimate_knows_that_a_prompt_may_be_sent_for_several_answers(monkeypatch):
    tokens = []
    for at_once in (1, 8):
        monkeypatch.setattr(Metered, "samples_per_request", at_once, raising=False)
        estimate = sampler(prompt=TableRows(answers_per_prompt=4)).estimate(X, Y)
        tokens.append(estimate.loc["expected", "prompt_tokens"])
    assert tokens[1] == tokens[0] / 4


@pytest.mark.slow
def test_the_tokens_of_a_local_model_are_counted():
    from sklw import TransformersGenerator

    generator = TransformersGenerator(max_new_tokens=20)
    assert generator.count_tokens("one two three") == 3
    texts = ["the tap drips", "the sink leaks", "gas smell in hall", "fire"]
    estimate = LLMOverSampler(
        generator=generator, sampling_strategy={"b": 4}, prompt=Examples(n_examples=1)
    ).estimate(texts, ["a", "a", "b", "b"])
    assert estimate.loc["expected", "requests"] == 2
    assert 10 < estimate.loc["expected", "prompt_tokens"] < 100


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        (Budget(max_cost=1.0), "needs prompt_price"),
        (Budget(max_requests=-1), "max_requests"),
        (Budget(max_requests="5"), "max_requests"),
    ],
)
def test_a_budget_that_bounds_nothing_is_refused(budget, message):
    for method in ("fit_resample", "estimate"):
        with pytest.raises(ValueError, match=message):
            getattr(sampler(budget=budget), method)(X, Y)
    assert not Metered.asked


def test_rows_paid_for_before_they_are_wanted_are_not_thrown_away():
    class Talkative(Metered):
        def iter_generate(self, requests):
            for number, request in enumerate(requests):
                self.asked.append(1)
                rng = np.random.default_rng(request.seed)
                yield (
                    number,
                    Completion(
                        "\n".join(",".join(map(str, r)) for r in rng.random((10, 3)).round(2))
                    ),
                )

    Metered.asked.clear()
    found = LLMOverSampler(
        generator=Talkative("chat"), prompt=TableRows(rows_per_request=10), random_state=0,
        verbose=False,
        sampling_strategy={"few": 51}, augment={"few": 9},
    )  # fmt: skip
    _, y_new = found.fit_resample(X, Y)
    assert len(y_new) == 310
    assert len(Metered.asked) == 1


def test_rows_held_back_are_on_record_when_the_run_is_interrupted():
    class Interrupted(Metered):
        def iter_generate(self, requests):
            for number, request in enumerate(requests):
                if request.label == "more":
                    raise KeyboardInterrupt
                rows = np.random.default_rng(request.seed).random((10, 3)).round(2)
                yield number, Completion("\n".join(",".join(map(str, row)) for row in rows))

    found = LLMOverSampler(
        generator=Interrupted("chat"), prompt=TableRows(2, rows_per_request=10), random_state=0,
        verbose=False,
        sampling_strategy={"few": 51, "more": 51}, augment={"few": 9},
    )  # fmt: skip
    y = np.repeat(["many", "few", "more"], [200, 50, 50])
    with pytest.raises(KeyboardInterrupt):
        found.fit_resample(X, y)
    assert found.provenance_["purpose"].tolist() == ["oversample"] + ["augment"] * 9
    assert found.provenance_["accepted"].all()


@pytest.mark.parametrize("text_column", ["text", None])
def test_recorded_rows_are_free(text_column):
    rows = [
        {"text": f"tap {n} drips in flat {n * 7}", "rent": n, "label": "few"} for n in range(99)
    ]
    X = [row["text"] for row in rows[:40]]
    if text_column is None:
        X = [[row["text"], row["rent"]] for row in rows[:40]]
        X = pd.DataFrame(X, columns=["text", "rent"])
    found = LLMOverSampler(
        RecordedGenerator(rows, text_column=text_column), budget=Budget(**PRICES),
        random_state=0, on_shortfall="ignore", verbose=False,
    )  # fmt: skip
    y = ["many"] * 30 + ["few"] * 10
    estimate = found.estimate(X, y)
    found.fit_resample(X, y)
    assert estimate.loc["expected", "requests"] == 20
    of_tokens = ["prompt_tokens", "completion_tokens", "cost"]
    assert not estimate[of_tokens].to_numpy().any()
    assert not any(getattr(found.usage_, name) for name in of_tokens)


def test_an_estimate_changes_nothing_that_comes_after():
    def rows(estimate):
        made = sampler().set_params(random_state=np.random.RandomState(0))
        if estimate:
            made.estimate(X, Y)
            assert not [name for name in vars(made) if name.endswith("_")]
        return made.fit_resample(X, Y)[0].tolist()

    assert rows(True) == rows(False)
