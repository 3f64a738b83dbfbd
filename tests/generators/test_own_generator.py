"""A generator written outside of the package, as docs/developing.md shows it."""

import functools
import json
import os
import random
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.frozen import FrozenEstimator

from sklw import LLMOverSampler
from sklw.generators import (
    BaseGenerator,
    CacheStatistics,
    Completion,
    RecordedGenerator,
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


def key(value):
    """Return the key of a generator with a parameter, as the cache reads it."""
    return json.dumps(Shuffler(value).cache_key(), sort_keys=True)


def changed(values, at, value):
    values = values.copy()
    values[at] = value
    return values


def vectorizer(*texts):
    return FrozenEstimator(CountVectorizer().fit(texts))


class Named:
    """A plain object."""

    def __init__(self, names):
        self.names = names


def adding(number):
    return lambda text: f"{text} {number}"


def in_part(function):
    """Return a partial of a function that pickle would know by its name alone."""
    function.__module__, function.__qualname__ = __name__, "in_part"
    return functools.partial(function, end="!")


NUMBERS = np.arange(5000)
FRAME = pd.DataFrame({"a": range(100), "b": 0.5})
DIFFERENT = {
    "long arrays": (NUMBERS, changed(NUMBERS, 2500, -1)),
    "long arrays of texts": (NUMBERS.astype(object), changed(NUMBERS.astype(object), 2500, "")),
    "nearly equal numbers": (np.array([0.123456789]), np.array([0.123456788])),
    "arrays of a list": ([NUMBERS], [changed(NUMBERS, 2500, -1)]),
    "frames": (FRAME, FRAME.replace({"a": {50: -1}})),
    "columns": (FRAME["a"], FRAME["a"].replace(50, -1)),
    "numbers and their texts": ({1: "a"}, {"1": "a"}),
    "tuples": ({("a", 1): "a"}, {("a", 2): "a"}),
    "sets": ({"a", "b"}, {"a", "c"}),
    "objects": (Named("a"), Named("b")),
    "settings of an estimator": (CountVectorizer(), CountVectorizer(lowercase=False)),
    "what an estimator has learned": (vectorizer("a b", "bb cc"), vectorizer("a b", "bb dd")),
    "code": (lambda text: text[1:], lambda text: text[2:]),
    "what is around a function": (adding(1), adding(2)),
    "modules around a function": (adding(json), adding(os)),
    "code of a partial": (
        in_part(lambda text, end: text + end),
        in_part(lambda text, end: end + text),
    ),
    "classes": ({1: Shuffler}, {1: Named}),
    "rows of a generator": tuple(
        RecordedGenerator([{"text": text, "label": 1}]) for text in ("a", "b")
    ),
}


@pytest.mark.parametrize("pair", DIFFERENT.values(), ids=DIFFERENT)
def test_a_parameter_of_any_kind_has_a_key_of_its_own(pair):
    first, second = pair
    assert key(first) == json.dumps(clone(Shuffler(first)).cache_key(), sort_keys=True)
    assert key(first) != key(second)


def test_answers_with_another_parameter_are_not_reused(tmp_path):
    words = np.array([f"cat{i}" for i in range(3000)], dtype=object)

    class Speller(Shuffler):
        def iter_generate(self, requests):
            for index, _ in enumerate(requests):
                yield index, Completion(self.n_words[1500])

    said = [
        generate_cached(Speller(each), REQUESTS[:1], RequestCache(tmp_path))[0].text
        for each in (words, changed(words, 1500, "dog"), words)
    ]
    assert said == ["cat1500", "dog", "cat1500"]


def test_the_keys_of_plain_parameters_are_those_of_earlier_versions():
    class_ = f"{Shuffler.__module__}.Shuffler"
    for value in (4, 0.7, "a", None, True, [1, "a"], {"a": {"b": [None]}}):
        assert Shuffler(value).cache_key() == {"backend": class_, "n_words": value}
    assert key((1, 2)) == key([1, 2])
    assert key(np.int64(4)) == key(4)


@pytest.mark.slow
def test_another_process_finds_the_same_key():
    code = """
import json, numpy as np, pandas as pd, re
from pathlib import Path
from sklearn.feature_extraction.text import CountVectorizer
from sklw.generators import BaseGenerator
class Own(BaseGenerator):
    def __init__(self, parts=()): self.parts = parts
    def iter_generate(self, requests): ...
class Plain:
    def __init__(self): self.words = frozenset("abcdef")
parts = [{"a", "b", None, 1}, frozenset("abcdef"), {1: 2, "a": 3, None: 4}, Plain(), Plain,
         CountVectorizer(stop_words=frozenset("abcdef"), tokenizer=str.split), re.compile("a"),
         lambda text: text in {"a", "b", "c"}, pd.DataFrame({"a": list("abc"), "b": range(3)}),
         np.arange(20)[::2], Path("a")]
print(json.dumps(Own(parts).cache_key()))
"""
    found = [
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in "12"
    ]  # fmt: skip
    assert found[0] == found[1] != ""


ITSELF: list = []
ITSELF.append(ITSELF)


@pytest.mark.parametrize(
    "value",
    [threading.Lock(), random.SystemRandom(), (i for i in [1]), [Named(threading.Lock())], ITSELF],
)
def test_a_parameter_that_cannot_be_recognized_is_refused_with_a_cache(value, tmp_path):
    generator = Shuffler(value)
    with pytest.raises(ValueError, match=r"'n_words'.*cannot be recognized.*Override cache_key"):
        generate_cached(generator, REQUESTS, RequestCache(tmp_path))


def test_an_answer_that_is_missing_is_named():
    class Lazy(Shuffler):
        def iter_generate(self, requests):
            yield 1, Completion("only this")

    with pytest.raises(RuntimeError, match=r"left 2 of 3 requests unanswered \(first: 0\)"):
        Lazy().generate(REQUESTS)


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize(
    ("answers", "error", "message"),
    [
        ([(0, Completion("dry wind"))], RuntimeError, r"left 1 of 2 requests .*\(first: 1\)"),
        ([(0, Completion("dry wind"))] * 3, RuntimeError, "yielded the index 0, which .* once"),
        ([(-1, Completion("dry wind"))], RuntimeError, "yielded the index -1"),
        ([(0, "dry wind")], TypeError, "'dry wind' as an answer, a str. Yield .* Completion"),
    ],
)
def test_answers_that_do_not_belong_to_the_requests_are_named(
    answers, error, message, cached, tmp_path
):
    class Odd(Shuffler):
        def iter_generate(self, requests):
            yield from answers

    sampler = LLMOverSampler(Odd(), cache=tmp_path if cached else None, random_state=0)
    with pytest.raises(error, match=message):
        sampler.fit_resample(TEXTS, LABELS)
