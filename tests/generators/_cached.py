"""What the tests of the request cache share."""

import contextlib
import sqlite3

from sklw.generators import BaseGenerator, CacheStatistics, Completion, Request, generate_cached

# Private: full disks, dead owners and waits of a minute cannot be staged from outside.
from sklw.generators._cache import claims, store, upkeep
from sklw.generators._cache.database import Database

__all__ = ["REQUESTS", "Database", "Saying", "claims", "count", "sql", "store", "upkeep"]

REQUESTS = [Request(f"prompt {i}", seed=i) for i in range(12)]


class Saying(BaseGenerator):
    """Answer with what it is told to say."""

    def __init__(self, texts=(), reason="stop"):
        self.texts = texts
        self.reason = reason

    prompt_form = "completion"
    model_name = "saying"

    def cache_key(self):
        return {"backend": "saying"}

    def iter_generate(self, requests):
        for number, request in enumerate(requests):
            yield number, Completion(self.texts[request.seed], 1, 2, self.reason)


def count(generator, requests, cache):
    """Return how many requests were sent, and how many found; each answer has to be right."""
    statistics = CacheStatistics()
    answers = generate_cached(generator, requests, cache, statistics=statistics)
    assert [answer.text for answer in answers] == [r.prompt.upper() for r in requests]
    return statistics.sent, statistics.hits


def sql(path, query, *parameters):
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(query, parameters).fetchall()
