"""A generator written outside of the package, as docs/developing.md shows it."""

import random

import pytest
from sklearn.base import clone

from sklw import LLMOverSampler
from sklw.generators import (
    BaseGenerator,
    CacheStatistics,
    Completion,
    Request,
    RequestCache,
    generate_cached,
)

TEXTS = [
    "rain all day",
    "clouds and wind",
    "more rain",
    "a grey morning",
    "sun at last",
    "dry heat",
]
LABELS = ["wet"] * 4 + ["dry"] * 2


class Shuffler(BaseGenerator):
    """Answer with words of the prompt, in another order."""

    prompt_form = "chat"

    def __init__(self, n_words=4):
        self.n_words = n_words

    def iter_generate(self, requests):
        for index, request in enumerate(requests):
            words = " ".join(content for _, content in request.prompt).split()
            drawn = random.Random(request.seed).sample(words, self.n_words)
            yield index, Completion(" ".join(drawn))


REQUESTS = [Request((("user", "one two three four five"),), seed=seed) for seed in range(3)]


def test_it_serves_an_over_sampler():
    sampler = LLMOverSampler(
        generator=Shuffler(), on_shortfall="ignore", random_state=0, verbose=False
    )
    X, y = sampler.fit_resample(TEXTS, LABELS)
    assert X[:6] == TEXTS
    assert set(y[6:]) <= {"dry"}
    assert set(sampler.provenance_["model"]) == {"Shuffler"}
    assert set(sampler.provenance_["backend"]) == {"Shuffler"}
    assert clone(sampler).set_params(generator__n_words=2).generator.n_words == 2


def test_its_parameters_and_class_are_its_cache_key(tmp_path):
    class Other(Shuffler):
        pass

    sent = []
    for generator in (Shuffler(), Shuffler(), Shuffler(n_words=3), Other()):
        statistics = CacheStatistics()
        generate_cached(generator, REQUESTS, RequestCache(tmp_path), statistics=statistics)
        sent.append(statistics.sent)
    assert sent == [3, 0, 3, 3]


def test_a_parameter_of_any_kind_does_not_break_the_cache(tmp_path):
    generator = Shuffler(n_words=4).set_params(n_words={1: Shuffler})
    assert generator.cache_key()["n_words"]


def test_an_answer_that_is_missing_is_named():
    class Lazy(Shuffler):
        def iter_generate(self, requests):
            yield 1, Completion("only this")

    with pytest.raises(RuntimeError, match=r"left 2 of 3 requests unanswered \(first: 0\)"):
        Lazy().generate(REQUESTS)
