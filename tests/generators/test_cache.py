"""The request cache: one process, many, and all that can go wrong with a disk."""

import contextlib
import json
import multiprocessing
import os
import pickle
import signal
import sqlite3
import sys
import threading
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for the processes started below, too
from _cached import REQUESTS, Database, Saying, claims, count, upkeep
from _slow import SlowGenerator

from sklw import LLMOverSampler
from sklw.exceptions import GenerationWarning
from sklw.generators import (
    CacheStatistics,
    RecordedGenerator,
    Request,
    RequestCache,
    generate_cached,
    iter_cached,
)

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def cache(tmp_path):
    return RequestCache(tmp_path / "cache" / "requests.sqlite")


def work(path, generator, requests, results=None):
    got = count(generator, requests, RequestCache(path))
    if results is not None:
        results.put(got)


def test_a_second_run_sends_nothing(cache, slow):
    assert count(slow, REQUESTS, cache) == (12, 0)
    assert count(slow, REQUESTS, cache) == (0, 12)
    assert count(slow, [*REQUESTS, Request("new", seed=0)], cache) == (1, 12)
    assert len(slow.sent()) == len(cache) == 13


def test_answers_come_back_whole_and_marked(cache, slow):
    fresh = generate_cached(slow, REQUESTS, cache)
    kept = generate_cached(slow, REQUESTS, cache)
    assert not any(answer.cached for answer in fresh)
    assert kept == [replace(answer, cached=True) for answer in fresh]


def test_equal_requests_are_sent_once(cache, slow):
    assert count(slow, [*REQUESTS[:3], *REQUESTS[:3], REQUESTS[0]], cache) == (3, 4)


def test_what_determines_an_answer_is_in_the_key_and_nothing_else(cache, slow):
    def sent(request, generator):
        statistics = CacheStatistics()
        generate_cached(generator, [request], cache, statistics=statistics)
        return statistics.sent

    request = Request("p", seed=1)
    others = [
        replace(request, seed=2),
        replace(request, stop=("\n",)),
        replace(request, max_new_tokens=5),
        replace(request, pattern="a|b"),
        replace(request, schema={"type": "string"}),
        Request((("user", "p"),), seed=1),
        Request((("system", "p"),), seed=1),
    ]
    saying = Saying("abc")
    assert [sent(each, saying) for each in [request, *others]] == [1] * 8
    assert sent(replace(request, label="x", group="y", index=4), saying) == 0
    assert sent(request, slow) == 1


def test_recorded_rows_pass_by_the_cache(cache):
    recorded = RecordedGenerator([{"text": "a", "label": 1}])
    assert generate_cached(recorded, [Request("", seed=0, label=1)], cache)[0].text == "a"
    assert len(cache) == 0


def test_without_a_cache_everything_is_sent(slow):
    assert count(slow, REQUESTS[:2], None) == (2, 0)
    assert count(slow, REQUESTS[:2], None) == (2, 0)


def test_an_interrupted_run_loses_nothing(cache, tmp_path):
    failing = SlowGenerator(str(tmp_path / "log"), fail_at=5)
    with pytest.raises(ConnectionError):
        generate_cached(failing, REQUESTS, cache)
    answers = iter_cached(failing.set_params(fail_at=None), REQUESTS[5:], cache)
    next(answers)
    answers.close()
    assert len(cache) == 6
    assert count(failing, REQUESTS, cache) == (6, 6)


def test_progress_hears_of_each_answer(cache, slow):
    seen = []
    generate_cached(slow, REQUESTS, cache, progress=seen.append)
    assert len(seen) == 12


@pytest.mark.slow
def test_processes_send_each_request_once_between_them(cache, slow):
    slow.seconds = 0.05
    results = SPAWN.Queue()
    runs = [
        SPAWN.Process(target=work, args=(str(cache.path), slow, some, results))
        for some in (REQUESTS, REQUESTS[::-1], REQUESTS[4:])
    ]
    for run in runs:
        run.start()
    got = [results.get(timeout=300) for _ in runs]
    for run in runs:
        run.join()
    assert sorted(line.split(" ", 1)[1] for line in slow.sent()) == sorted(
        f"{r.prompt} {r.seed}" for r in REQUESTS
    )
    assert sum(sent for sent, _ in got) == 12
    assert sum(hits for _, hits in got) == 12 + 12 + 8 - 12


def test_threads_send_each_request_once_between_them(cache, slow):
    slow.seconds = 0.02
    got = []
    threads = [
        threading.Thread(target=lambda: got.append(count(slow, REQUESTS, cache))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sent for sent, _ in got) == 12


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_after_a_kill_only_the_rest_is_sent(cache, slow):
    slow.seconds = 0.3
    run = SPAWN.Process(target=work, args=(str(cache.path), slow, REQUESTS))
    run.start()
    while len(slow.sent()) < 5:
        time.sleep(0.05)
    os.kill(run.pid, signal.SIGKILL)
    run.join()
    before = len(slow.sent())
    slow.seconds = 0
    sent, hits = count(slow, REQUESTS, cache)
    # The claims of the dead are taken over; at most the last moment's answers are lost.
    assert sent + hits == 12
    assert hits >= before - 2
    assert len(slow.sent()) == before + sent


def test_who_waits_takes_over_from_a_run_that_pauses(cache, slow, monkeypatch):
    monkeypatch.setattr(claims, "_STALE_SECONDS", 0.5)
    paused = iter_cached(slow, REQUESTS, cache)
    next(paused)
    # The claims belong to this living process, but nothing keeps them fresh.
    assert count(slow, REQUESTS, cache) == (11, 1)
    paused.close()


@pytest.fixture
def interruptible():
    # A test run in the background is started with the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_waiting_can_be_interrupted(cache, slow):
    paused = iter_cached(slow, REQUESTS, cache)
    next(paused)
    timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        generate_cached(slow, REQUESTS, cache)
    paused.close()
    assert count(slow, REQUESTS, cache) == (11, 1)


def test_a_full_disk_does_not_stop_a_run(cache, slow, monkeypatch):
    generate_cached(slow, REQUESTS[:2], cache)
    whole = Database._open

    def small(self):
        connection = whole(self)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    monkeypatch.setattr(Database, "_open", small)
    many = [*REQUESTS, *(Request("long " * 3000, seed=i) for i in range(9))]
    with pytest.warns(GenerationWarning, match="not being kept.*full.*Free some space") as caught:
        assert count(slow, many, cache)[0] == 19
    assert len(caught) == 1
    monkeypatch.undo()
    assert count(slow, many, cache) == (0, 21)  # what was held in memory is on disk now
    assert len(cache) == 21


def test_a_file_that_may_only_be_read_is_read(cache, slow, monkeypatch):
    generate_cached(slow, REQUESTS[:2], cache)
    whole = Database._open

    def read_only(self):
        connection = whole(self)
        connection.execute("PRAGMA query_only = ON")
        return connection

    monkeypatch.setattr(Database, "_open", read_only)
    with pytest.warns(GenerationWarning, match="not being kept.*readonly"):
        assert count(slow, REQUESTS, cache) == (10, 2)


def test_a_folder_that_cannot_be_made_is_said_once(tmp_path, slow):
    (tmp_path / "file").write_text("in the way")
    with pytest.warns(GenerationWarning, match="not being kept") as caught:
        assert count(slow, REQUESTS, RequestCache(tmp_path / "file" / "requests.sqlite")) == (12, 0)
    assert len(caught) == 1


def test_a_damaged_file_is_set_aside_and_begun_anew(cache, slow):
    cache.path.parent.mkdir()
    cache.path.write_bytes(b"this is no database" * 100)
    with pytest.warns(GenerationWarning, match="damaged.*renamed"):
        assert count(slow, REQUESTS, cache) == (12, 0)
    [aside] = cache.path.parent.glob("*.damaged-*")
    assert aside.read_bytes().startswith(b"this is no database")
    assert count(slow, REQUESTS, cache) == (0, 12)


def test_damage_in_the_middle_of_a_file(cache, slow):
    generate_cached(slow, [Request("long " * 500, seed=i) for i in range(20)], cache)
    content = bytearray(cache.path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    cache.path.write_bytes(content)
    with pytest.warns(GenerationWarning, match="damaged"):
        assert count(slow, REQUESTS, cache) == (12, 0)
    assert count(slow, REQUESTS, cache) == (0, 12)


def test_a_file_of_ones_own_is_left_alone(tmp_path, slow):
    file = tmp_path / "texts.csv"
    file.write_text("text,label\nhello,spam\n")
    with pytest.raises(ValueError, match="is not a request cache: it is not a database"):
        count(slow, REQUESTS, RequestCache(file))
    assert slow.sent() == []
    assert file.read_text().startswith("text,label")
    assert [path.name for path in tmp_path.glob("texts*")] == ["texts.csv"]


def test_the_database_of_another_program_is_left_alone(tmp_path, slow):
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(ValueError, match="the database of another program"):
        count(slow, REQUESTS[:1], RequestCache(path))
    assert slow.sent() == []
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]


def test_what_users_pass_as_cache(tmp_path, monkeypatch, cache):
    monkeypatch.setenv("SKLW_CACHE", str(tmp_path))
    assert RequestCache.resolve(None) is RequestCache.resolve(False) is None
    assert RequestCache.resolve(cache) is cache
    assert RequestCache.resolve(True).path == tmp_path / "requests.sqlite"
    assert RequestCache.resolve(str(tmp_path)).path == tmp_path / "requests.sqlite"
    assert RequestCache.resolve(tmp_path / "a.db").path == tmp_path / "a.db"
    assert RequestCache.resolve(np.True_).path == tmp_path / "requests.sqlite"
    assert RequestCache.resolve(np.False_) is None
    assert pickle.loads(pickle.dumps(cache)).path == cache.path


@pytest.mark.parametrize("wrong", [0, 1, 5.5, "", b"answers.sqlite", ["a"], np.array(["", ""])])
def test_what_is_no_path_of_a_cache_is_refused(wrong, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for use in (RequestCache, RequestCache.resolve):
        with pytest.raises((TypeError, ValueError), match=r"cache cannot be kept in .*cache=True"):
            use(wrong)
    sampler = LLMOverSampler(SlowGenerator(str(tmp_path / "log")), cache=wrong)
    for method in (sampler.fit, sampler.fit_resample, sampler.estimate):
        with pytest.raises((TypeError, ValueError), match="cache cannot be kept in"):
            method(["one", "two", "three"], [0, 0, 1])
    assert not list(tmp_path.iterdir())


def test_prompts_are_not_in_the_file(cache, slow):
    generate_cached(slow, [Request("a secret prompt", seed=0)], cache)
    assert b"a secret prompt" not in cache.path.read_bytes()


def test_a_clean_run_warns_of_nothing_and_leaves_no_claims(cache, slow):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        generate_cached(slow, REQUESTS, cache)
    with sqlite3.connect(cache.path) as connection:
        assert connection.execute("SELECT count(*) FROM claims").fetchone() == (0,)
        [(answer,)] = connection.execute("SELECT answer FROM answers LIMIT 1").fetchall()
    assert json.loads(answer)["completion_tokens"] == 4


def test_answers_travel_as_a_file(cache, slow, tmp_path):
    count(slow, REQUESTS, cache)
    file = tmp_path / "answers.jsonl"
    assert cache.export_jsonl(file) == 12
    other = RequestCache(tmp_path / "other.sqlite")
    assert other.import_jsonl(file) == 12
    assert other.import_jsonl(file) == 0
    sent = len(slow.sent())
    assert count(slow, REQUESTS, other) == (0, 12)
    assert len(slow.sent()) == sent
    file.write_text(file.read_text() + '{"key": 1}\n')
    third = RequestCache(tmp_path / "third.sqlite")
    with pytest.raises(ValueError, match="Line 13"):
        third.import_jsonl(file)
    assert len(third) == 0


def test_a_cleared_cache_is_empty(cache, slow):
    assert cache.clear() == 0
    count(slow, REQUESTS, cache)
    assert cache.clear() == 12
    assert len(cache) == 0
    assert count(slow, REQUESTS, cache) == (12, 0)


def test_a_cache_in_use_says_that_it_is_not_cleared(cache, slow, monkeypatch):
    count(slow, REQUESTS, cache)
    monkeypatch.setattr(upkeep, "_PATIENCE_SECONDS", 0.1)
    other = sqlite3.connect(cache.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(OSError, match=r"cannot be cleared: .*locked.*Wait until nobody uses it"):
        cache.clear()
    other.execute("ROLLBACK")
    other.close()
    assert len(cache) == 12


@pytest.mark.parametrize("size", [0, -1, True, "1GB"])
def test_a_bound_that_bounds_nothing_is_refused(cache, size):
    with pytest.raises(ValueError, match="max_bytes is"):
        RequestCache(cache.path, max_bytes=size)


def test_the_oldest_answers_make_room(cache, slow):
    count(slow, REQUESTS, cache)
    size = cache.path.stat().st_size
    kept = len(max(cache_rows(cache), key=len)) * 6
    bounded = RequestCache(cache.path, max_bytes=kept)
    count(slow, [Request("new", seed=0)], bounded)
    assert 3 <= len(bounded) <= 6
    assert count(slow, [Request("new", seed=0), REQUESTS[-1]], bounded) == (0, 2)
    assert count(slow, REQUESTS[:1], bounded) == (1, 0)
    assert cache.path.stat().st_size <= size


def cache_rows(cache):
    with contextlib.closing(sqlite3.connect(cache.path)) as connection:
        return [key + answer for key, answer in connection.execute("SELECT * FROM answers")]
