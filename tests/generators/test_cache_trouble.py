"""The request cache in passing trouble: locks, full disks, dead owners, clocks, forks."""

import contextlib
import gc
import multiprocessing
import os
import pickle
import sqlite3
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from _cached import REQUESTS, claims, count, store

from sklw import LLMOverSampler
from sklw.exceptions import GenerationWarning
from sklw.generators import (
    BaseGenerator,
    Budget,
    Completion,
    Request,
    RequestCache,
    Usage,
    generate_cached,
    iter_cached,
    iter_within,
)
from sklw.over_sampling import Examples


class Stammering(BaseGenerator):
    """Says everything three times, so that a fit takes several rounds."""

    def iter_generate(self, requests):
        for number, request in enumerate(requests):
            yield number, Completion(f"smoke at number {'abcdefghi'[request.index // 3 % 9] * 5}")


SPAWN = multiprocessing.get_context("spawn")
posix = pytest.mark.skipif(os.name == "nt", reason="POSIX processes")


@contextlib.contextmanager
def locked(path, seconds, kind):
    """Hold a lock, from now on, for some seconds."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute(f"BEGIN {kind}")

    def end():
        connection.execute("ROLLBACK")
        connection.close()

    timer = threading.Timer(seconds, end)
    timer.start()
    yield
    timer.join()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["EXCLUSIVE", "IMMEDIATE"])
def test_a_lock_before_the_run_is_waited_for(cache, slow, kind):
    count(slow, REQUESTS[:5], cache)
    with (
        locked(cache.path, 4, kind),
        pytest.warns(GenerationWarning, match="is locked by another program; waiting") as caught,
    ):
        assert count(slow, REQUESTS, cache) == (7, 5)
    assert len(caught) == 1
    assert count(slow, REQUESTS, cache) == (0, 12)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["EXCLUSIVE", "IMMEDIATE"])
@pytest.mark.parametrize("seconds", [0.5, 3])
def test_a_lock_during_the_run_loses_nothing(cache, slow, kind, seconds):
    slow.seconds = 0.1
    answers = iter_cached(slow, REQUESTS, cache)
    next(answers)
    time.sleep(0.3)
    with locked(cache.path, seconds, kind), warnings.catch_warnings():
        warnings.simplefilter("ignore", GenerationWarning)
        assert len(list(answers)) == 11
    assert count(slow, REQUESTS, cache) == (0, 12)


@pytest.mark.slow
def test_a_lock_that_stays_ends_the_run_before_anything_is_sent(cache, slow, monkeypatch):
    count(slow, REQUESTS[:5], cache)
    monkeypatch.setattr(store, "_PATIENCE_SECONDS", 0.3)
    for kind in ("EXCLUSIVE", "IMMEDIATE"):
        with (
            locked(cache.path, 1.5, kind),
            pytest.raises(OSError, match=r"cannot be used: .*locked it.*Nothing is sent"),
        ):
            count(slow, REQUESTS, cache)
    assert len(slow.sent()) == 5


@pytest.mark.slow
def test_a_lock_that_outlasts_the_run_is_outlasted_in_memory(cache, slow, monkeypatch):
    monkeypatch.setattr(store, "_PATIENCE_SECONDS", 0.3)
    answers = iter_cached(slow, REQUESTS, cache)
    next(answers)
    with locked(cache.path, 3, "EXCLUSIVE"), pytest.warns(GenerationWarning, match="not being"):
        assert len(list(answers)) == 11
    monkeypatch.undo()
    assert count(slow, REQUESTS, cache) == (0, 12)
    assert len(cache) == 12


def fill(folder):
    path = folder / "filling"
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 1024)
    return path


def test_a_disk_full_for_a_while_loses_nothing(small_disk, slow):
    cache = RequestCache(small_disk / "answers.sqlite")
    slow.seconds = 0.1
    answers = iter_cached(slow, REQUESTS, cache)
    next(answers)
    filling = fill(small_disk)
    threading.Timer(0.7, filling.unlink).start()
    assert len(list(answers)) == 11
    assert count(slow, REQUESTS, cache) == (0, 12)
    assert len(cache) == 12


def test_a_disk_full_from_the_start_ends_no_run_and_blocks_no_later_one(small_disk, slow):
    filling = fill(small_disk)
    cache = RequestCache(small_disk / "answers.sqlite")
    start = time.monotonic()
    for _ in range(2):  # the second run has what the first one holds
        with pytest.warns(GenerationWarning, match=r"not being kept.*Free some space") as caught:
            sent, hits = count(slow, REQUESTS, cache)
        assert len(caught) == 1
        assert sent + hits == 12
    assert sent == 0
    filling.unlink()
    assert count(slow, REQUESTS, cache) == (0, 12)
    assert len(cache) == 12
    assert time.monotonic() - start < 15


@pytest.mark.slow
@pytest.mark.parametrize("budget", [None, Budget(max_requests=99)])
def test_a_fit_of_several_rounds_says_once_that_nothing_is_kept(tmp_path, budget):
    (tmp_path / "file").touch()
    sampler = LLMOverSampler(
        Stammering(), cache=RequestCache(tmp_path / "file" / "cache.sqlite"), budget=budget,
        prompt=Examples(1), sampling_strategy={1: 8}, verbose=False,
    )  # fmt: skip
    for _ in range(2):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            sampler.fit_resample([f"the pipe in flat {i}" for i in range(9)], [0] * 6 + [1] * 3)
        assert sampler.provenance_["round"].nunique() > 1
        assert sum("not being kept" in str(warning.message) for warning in caught) == 1


def test_a_disk_full_at_the_end_leaves_no_claims_to_wait_for(small_disk, slow):
    cache = RequestCache(small_disk / "answers.sqlite")
    answers = iter_cached(slow, REQUESTS, cache)
    next(answers)
    fill(small_disk)
    with pytest.warns(GenerationWarning, match="not being kept"):
        assert len(list(answers)) == 11
    store._held.clear()
    start = time.monotonic()
    with pytest.warns(GenerationWarning, match="not being kept"):
        assert count(slow, REQUESTS, cache)[0] >= 10
    assert time.monotonic() - start < 10


@posix
@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_file_or_folder_that_may_only_be_read_is_read(cache, slow, what):
    count(slow, REQUESTS[:2], cache)
    for path in (cache.path.parent, *cache.path.parents[1:-2]):
        path.chmod(path.stat().st_mode | 0o055)
    cache.path.chmod(0o444)
    cache.path.parent.chmod(0o555 if what == "folder" else 0o777)
    Path(slow.log).chmod(0o666)

    def run():
        if os.getuid() == 0:
            os.setuid(65534)
        with pytest.warns(GenerationWarning, match="not being kept"):
            got = count(slow, REQUESTS, cache)
        os._exit(0 if got == (10, 2) else 1)

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join(60)
    cache.path.parent.chmod(0o755)
    assert process.exitcode == 0


def work(path, generator, requests):
    generate_cached(generator, requests, RequestCache(path))


@pytest.mark.slow
@posix
def test_the_claims_of_the_killed_are_taken_over_at_once(cache, slow):
    slow.seconds = 0.2
    runs = [SPAWN.Process(target=work, args=(cache.path, slow, REQUESTS)) for _ in range(2)]
    for run in runs:
        run.start()
    while len(slow.sent()) < 3:
        time.sleep(0.02)
    owner = int(slow.sent()[0].split()[0])
    next(run for run in runs if run.pid == owner).kill()
    start = time.monotonic()
    for run in runs:
        run.join()
    assert time.monotonic() - start < 15
    assert sorted(run.exitcode for run in runs) == [-9, 0]
    assert count(slow, REQUESTS, cache) == (0, 12)


def claim(path, **changes):
    """Leave the claims of somebody else behind; returns nothing but their keys."""
    values = {"owner": "0-other", "host": claims._host(), "pid": os.getpid()}
    values |= {"beat": time.time(), **changes}
    marks = ", ".join(f"{name} = :{name}" for name in values)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"UPDATE claims SET {marks}", values)


@pytest.fixture
def claimed(cache, slow):
    """Return a cache with claims on all requests, of a run that goes on."""
    answers = iter_cached(slow, REQUESTS, cache)
    next(answers)
    time.sleep(0.3)
    yield cache
    answers.close()


@posix
@pytest.mark.parametrize("changes", [
    {"pid": 2**22 + 5}, {"pid": -2**40}, {"owner": "1-of an earlier process of this number"},
    {"pid": os.getppid(), "owner": "1-likewise"}, {"owner": "not closed properly"},
], ids=str)  # fmt: skip
def test_claims_of_processes_that_are_gone_are_not_waited_for(claimed, slow, changes):
    claim(claimed.path, **changes)
    start = time.monotonic()
    assert count(slow, REQUESTS, claimed) == (11, 1)
    assert time.monotonic() - start < 5


@pytest.mark.slow
@pytest.mark.parametrize("offset", [-1e6, -3600, 0, 3600, 1e6])
@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_a_clock_that_is_set_takes_no_claims_away(claimed, slow, offset, where, monkeypatch):
    """Who is alive keeps its claims whatever its clock says; who is silent loses them."""
    monkeypatch.setattr(claims, "_STALE_SECONDS", 1.0)
    changes = {"pid": os.getppid(), "owner": f"{claims._started(os.getppid())}-parent"}
    changes |= {"host": "elsewhere"} if where == "elsewhere" else {}
    stop = threading.Event()

    def beat():
        number = 0
        while not stop.wait(0.2):
            number += 1
            claim(claimed.path, **changes, beat=time.time() + offset + number)

    claim(claimed.path, **changes, beat=time.time() + offset)
    beating = threading.Thread(target=beat)
    beating.start()
    got = []
    waiting = threading.Thread(target=lambda: got.append(count(slow, REQUESTS, claimed)))
    waiting.start()
    time.sleep(2.5)
    assert len(slow.sent()) == 1  # nothing was sent twice
    stop.set()
    beating.join()
    waiting.join()
    assert got == [(11, 1)]


def test_two_caches_on_one_file_share_it(cache, slow, tmp_path):
    slow.seconds = 0.02
    link = tmp_path / "link.sqlite"
    cache.path.parent.mkdir()
    link.symlink_to(cache.path)
    caches = [cache, RequestCache(link), pickle.loads(pickle.dumps(cache))]
    got = []
    threads = [
        threading.Thread(target=lambda c=c: got.append(count(slow, REQUESTS, c))) for c in caches
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sent for sent, _ in got) == len(slow.sent()) == 12


@pytest.mark.slow
@posix
def test_a_process_forked_from_a_run_takes_nothing_with_it(cache, slow):
    slow.seconds = 0.05
    answers = iter_cached(slow, REQUESTS, cache)
    next(answers)
    context = multiprocessing.get_context("fork")
    results = context.Queue()

    def child():
        nonlocal answers
        del answers
        gc.collect()
        results.put(count(slow, [Request("of the child", seed=0)], cache))

    process = context.Process(target=child)
    process.start()
    assert results.get(timeout=60) == (1, 0)
    process.join()
    with contextlib.closing(sqlite3.connect(cache.path)) as connection:
        assert connection.execute("SELECT count(*) FROM claims").fetchone()[0] >= 10
    assert len(list(answers)) == 11
    assert count(slow, REQUESTS, cache) == (0, 12)


def test_pruning_by_another_run_takes_nothing_from_this_one(cache, slow):
    slow.seconds = 0.03
    answers = iter_cached(slow, REQUESTS, cache)
    next(answers)
    for number in range(5):
        count(slow, [Request(f"other {number}", seed=0)], RequestCache(cache.path, max_bytes=300))
    assert len(list(answers)) == 11
    assert sum("prompt" in line for line in slow.sent()) == 12


def test_a_write_ahead_log_left_by_a_crash_is_read(cache, slow):
    count(slow, REQUESTS[:6], cache)
    script = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('PRAGMA journal_mode = WAL');"
        "c.execute('INSERT INTO answers SELECT key || key, answer FROM answers');"
        "os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", script, str(cache.path)], check=False)
    assert Path(f"{cache.path}-wal").stat().st_size
    assert count(slow, REQUESTS, cache) == (6, 6)
    assert len(cache) == 18


def test_what_is_pruned_after_it_was_found_is_not_sent_beside_the_budget(cache, slow, monkeypatch):
    generate_cached(slow, REQUESTS[:8], cache)
    lookup = store.Store.lookup

    def and_prune(store, keys):
        found = lookup(store, keys)
        cache.clear()  # somebody else does
        return found

    monkeypatch.setattr(store.Store, "lookup", and_prune)
    usage = Usage()
    answers = dict(iter_within(slow, REQUESTS, cache, Budget(max_requests=2), usage))
    assert sorted(answers) == list(range(10))
    assert all(answers[at].cached == (at < 8) for at in answers)
    assert (usage.requests, usage.cached, usage.stopped_by) == (2, 8, "max_requests")
    assert len(slow.sent()) == 10
