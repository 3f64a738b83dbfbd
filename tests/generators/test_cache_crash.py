"""Processes killed while they write at full speed, as in benchmarks/crash_cache.py."""

import importlib.util
import os
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.path.isdir("/proc"), reason="needs Linux"),
]
_PATH = Path(__file__).parents[2] / "benchmarks" / "crash_cache.py"
_SPEC = importlib.util.spec_from_file_location("crash_cache", _PATH)
crash_cache = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(crash_cache)


@pytest.mark.slow
@pytest.mark.parametrize("options", crash_cache.SCENARIOS.values(), ids=crash_cache.SCENARIOS)
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_processes_lose_the_last_moment_at_most(tmp_path, options, seed):
    check(crash_cache.run(tmp_path, kills=3, seed=seed, **options))


@pytest.mark.slow
def test_processes_killed_on_a_full_disk_lose_what_could_not_be_written_at_most():
    try:
        with crash_cache.small_disk() as folder:
            check(crash_cache.run(folder, kills=4, trouble=crash_cache.fill))
    except PermissionError as error:
        pytest.skip(str(error))


def check(result):
    assert result.kills >= 3
    assert result.received > 100
    assert result.paid_twice_old == 0
    assert result.damaged == 0
