"""What killed processes cost: answers that the request cache has lost, and files it has damaged.

Processes write to one cache as fast as they can and are killed (SIGKILL) at random moments, alone,
among others, while somebody else locks the file, and while the disk is full every now and then::

    python benchmarks/crash_cache.py --kills 60

An answer is *paid twice* if it had been received and must be asked for again. That cannot be helped
for those of the last moment; it is a fault if one was received more than a commit before. Needs
Linux, and for the full disk the right to mount one.
"""

import argparse
import contextlib
import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sklw.generators import BaseGenerator, Completion, Request, RequestCache, iter_cached
from sklw.generators._cache.answering import known_answers
from sklw.generators._cache.store import Store

FORK = multiprocessing.get_context("fork") if hasattr(os, "fork") else None
COMMIT = "commit"


class Writing(BaseGenerator):
    """Answer at once, and note each answer outside of the cache."""

    prompt_form = "completion"
    model_name = "writing"

    def __init__(self, log: str = "") -> None:
        self.log = log

    def cache_key(self) -> dict[str, Any]:
        return {"backend": "writing"}

    def iter_generate(self, requests: Any) -> Iterator[tuple[int, Completion]]:
        with open(self.log, "a", buffering=1) as file:
            for number, request in enumerate(requests):
                file.write(f"{time.monotonic_ns()} {request.prompt}\n")
                yield number, Completion(f"{request.prompt} " * 9)
                time.sleep(0.0005)


@dataclass
class Result:
    """What came of a scenario."""

    kills: int = 0
    received: int = 0
    paid_twice: int = 0
    paid_twice_old: int = 0
    damaged: int = 0


def work(path: Path, log: str, prompts: list[str]) -> None:
    """Answer prompts through the cache, until killed."""
    write = Store._write

    def noted(store: Store) -> None:
        waiting = len(store._unwritten)
        write(store)
        if waiting:
            with open(log, "a") as file:
                file.write(f"{COMMIT}\n")

    Store._write = noted  # type: ignore[method-assign]
    warnings.simplefilter("ignore")
    requests = [Request(prompt, seed=0) for prompt in prompts]
    for _ in iter_cached(Writing(log), requests, RequestCache(path)):
        pass
    os._exit(0)


def lock(path: Path, seed: int) -> None:
    """Lock the file now and then."""
    rng = random.Random(seed)
    while True:
        time.sleep(rng.uniform(0.05, 0.3))
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as other:
            other.execute(f"BEGIN {rng.choice(['EXCLUSIVE', 'IMMEDIATE'])}")
            time.sleep(rng.uniform(0, 0.4))


def fill(path: Path, seed: int) -> None:
    """Fill the disk now and then."""
    rng = random.Random(seed)
    filling = path.with_name("filling")
    while True:
        time.sleep(rng.uniform(0.05, 0.3))
        with contextlib.suppress(OSError), filling.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 65536)
        time.sleep(rng.uniform(0, 0.4))
        filling.unlink(missing_ok=True)


def run(
    folder: Path,
    *,
    kills: int,
    processes: int = 1,
    trouble: Callable[[Path, int], None] | None = None,
    seed: int = 0,
) -> Result:
    """Kill processes that write to the cache in a folder, and count what that costs."""
    rng, result = random.Random(seed), Result()
    path = folder / "answers.sqlite"
    with tempfile.TemporaryDirectory() as logs:
        while result.kills < kills:
            prompts = [f"{result.kills}-{number}" for number in range(5_000)]
            names = [f"{logs}/{result.kills}-{number}" for number in range(processes)]
            workers = [FORK.Process(target=work, args=(path, name, prompts)) for name in names]
            if trouble is not None:
                workers.append(FORK.Process(target=trouble, args=(path, rng.random())))
            for worker in workers:
                worker.start()
            while not any(Path(name).exists() for name in names):
                time.sleep(0.01)
            for worker in workers:
                time.sleep(rng.uniform(0.1, 2))
                os.kill(worker.pid, signal.SIGKILL)
                worker.join()
            path.with_name("filling").unlink(missing_ok=True)
            result.kills += processes
            count(path, [Path(name) for name in names], prompts, result)
    return result


def count(path: Path, logs: list[Path], prompts: list[str], result: Result) -> None:
    """Count what the processes of one round received, and what became of it."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        whole = connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    result.damaged += not whole or any(path.parent.glob("*.damaged-*"))
    answers = []  # when, by which process, whether more than a commit before it was killed
    for log in logs:
        lines = log.read_text().split("\n")[:-1] if log.exists() else []
        commits = [at for at, line in enumerate(lines) if line == COMMIT]
        last = commits[-2] if len(commits) > 1 else 0
        answers += [(*line.split(), at < last) for at, line in enumerate(lines) if line != COMMIT]
    received = {prompt for _, prompt, _ in answers}
    requests = [Request(prompt, seed=0) for prompt in prompts if prompt in received]
    known = known_answers(Writing(), requests, RequestCache(path))
    missing = received - {requests[at].prompt for at in known}
    result.received += len(received)
    for _, prompt, old in sorted(answers, key=lambda answer: int(answer[0]), reverse=True):
        if prompt not in missing:
            missing.add(prompt)  # kept; whoever had it before that has lost it
            continue
        result.paid_twice += 1
        result.paid_twice_old += old


@contextlib.contextmanager
def small_disk() -> Iterator[Path]:
    """Mount a small file system; PermissionError where that is not allowed."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["mount", "-t", "tmpfs", "-o", "size=64m", "none", folder]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise PermissionError("mounting a file system is not allowed here") from error
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


def main() -> None:
    """Print a row a scenario."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=60)
    kills = parser.parse_args().kills
    print("| processes are killed | kills | answers received | paid twice | of these received more "
          "than one commit before | damaged files |\n|---|---:|---:|---:|---:|---:|")  # fmt: skip

    def show(name: str, folder: Path, **options: Any) -> None:
        found = run(folder, kills=kills, **options)
        print(f"| {name} | {found.kills} | {found.received:,} | {found.paid_twice} | "
              f"{found.paid_twice_old} | {found.damaged} |", flush=True)  # fmt: skip

    for name, options in SCENARIOS.items():
        with tempfile.TemporaryDirectory() as folder:
            show(name, Path(folder), **options)
    with contextlib.suppress(PermissionError), small_disk() as folder:
        show("while the disk is full now and then", folder, trouble=fill)


SCENARIOS: dict[str, dict[str, Any]] = {
    "alone": {},
    "one of three, the others go on": {"processes": 3},
    "while others lock the file": {"trouble": lock},
}


if __name__ == "__main__":
    main()
