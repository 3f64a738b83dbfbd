"""Answers exported from and imported into the request cache, and its command line."""

import contextlib
import json
import os
import sqlite3
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from _cached import REQUESTS, Saying, count, sql, upkeep

from sklw import cli
from sklw.generators import (
    Request,
    RequestCache,
    generate_cached,
)

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")


def held(path, kind="EXCLUSIVE"):
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute(f"BEGIN {kind}")
    return contextlib.closing(connection)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(upkeep, "_PATIENCE_SECONDS", 0.2)


@pytest.mark.usefixtures("impatient")
def test_an_export_that_fails_leaves_a_backup_as_it_is(cache, slow, tmp_path):
    backup = tmp_path / "backup.jsonl"
    with pytest.raises(FileNotFoundError, match="There is no request cache"):
        cache.export_jsonl(backup)
    count(slow, REQUESTS, cache)
    assert cache.export_jsonl(backup) == 12
    before = backup.read_bytes()
    with held(cache.path), pytest.raises(OSError, match=r"cannot be.*locked"):
        cache.export_jsonl(backup)
    empty = RequestCache(tmp_path / "empty.sqlite")
    count(slow, REQUESTS, empty)
    empty.clear()
    with pytest.raises(ValueError, match="holds no answers"):
        empty.export_jsonl(backup)
    assert empty.export_jsonl(tmp_path / "nothing.jsonl") == 0
    content = cache.path.read_bytes()
    cache.path.write_bytes(content[:4096] + b"\xaa" * (len(content) - 4096))
    with pytest.raises(OSError, match="It is damaged"):
        cache.export_jsonl(backup)
    assert backup.read_bytes() == before
    assert not list(tmp_path.glob(".sklw*"))
    assert cache.path.stat().st_size == len(content)


@pytest.mark.parametrize("what", ["itself", "hard link", "link", "journal"])
def test_an_export_onto_the_cache_itself_is_refused(cache, slow, what):
    count(slow, REQUESTS, cache)
    target = cache.path.with_name("target")
    if what == "itself":
        target = cache.path.parent / ".." / "cache" / cache.path.name
    elif what == "hard link":
        target.hardlink_to(cache.path)
    elif what == "link":
        target.symlink_to(cache.path)
    else:
        target = Path(f"{cache.path}-journal")
    with pytest.raises(ValueError, match="belongs to the request cache itself"):
        cache.export_jsonl(target)
    assert count(slow, REQUESTS, cache) == (0, 12)


@posix
def test_an_export_replaces_regular_files_alone(cache, slow, tmp_path):
    count(slow, REQUESTS, cache)
    os.mkfifo(tmp_path / "pipe")
    for target in (tmp_path, tmp_path / "pipe", Path("/dev/full")):
        with pytest.raises(ValueError, match="is not a regular file"):
            cache.export_jsonl(target)
    (tmp_path / "real.jsonl").write_text("old")
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "real.jsonl")
    assert cache.export_jsonl(tmp_path / "link.jsonl") == 12
    assert (tmp_path / "link.jsonl").is_symlink()
    assert len((tmp_path / "real.jsonl").read_text().splitlines()) == 12
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*Make it"):
        cache.export_jsonl(tmp_path / "none" / "out.jsonl")


def test_an_export_to_a_full_disk_leaves_the_backup_as_it_is(small_disk, tmp_path):
    texts = ["text " * 3000] * 60
    cache = RequestCache(tmp_path / "answers.sqlite")
    generate_cached(Saying(texts), [Request("p", seed=i) for i in range(60)], cache)
    backup = small_disk / "backup.jsonl"
    backup.write_text("what was there\n")
    with pytest.raises(OSError, match=r"left as it was: .*No space left"):
        cache.export_jsonl(backup)
    assert backup.read_text() == "what was there\n"
    assert [path.name for path in small_disk.iterdir()] == ["backup.jsonl"]


@pytest.mark.slow
def test_an_import_is_whole_or_not_at_all_and_quick(cache, slow, tmp_path):
    file = tmp_path / "answers.jsonl"
    lines = [json.dumps({"key": f"{i:064x}", "answer": {"text": str(i)}}) for i in range(20_000)]
    file.write_text("\n".join(lines) + "\n\n")
    start = time.perf_counter()
    assert cache.import_jsonl(file) == 20_000
    assert time.perf_counter() - start < 10  # 27 s at 730 rows a second
    sql(cache.path, "UPDATE answers SET answer = 'broken' WHERE rowid = 3")
    assert cache.import_jsonl(file) == 1
    assert cache.import_jsonl(file) == 0


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("content", [
    b"text,label\nhello,spam\n", b"\xff\xfe\x00binary\n", b"SQLite format 3\0" + b"\0" * 99,
    b'{"key": "a"}\n', b'{"key": 5, "answer": {"text": "a"}}\n', b"[1]\n", b"null\n",
    b'{"key": "a", "answer": {"text": 5}}\n', b'{"key": "a", "answer": {"text": "a", "new": 1}}',
    b'{"key": "a", "answer": {"text": "a", "cached": true}}', b'{"key": "\xc3\xa9", "answer": {}}',
    b'{"key": "a", "answer": {"text": "cut', b"[" * 100_000,
])  # fmt: skip
def test_an_import_of_another_file_adds_nothing(cache, slow, tmp_path, content, capsys):
    count(slow, REQUESTS[:3], cache)
    file = tmp_path / "other"
    file.write_bytes(b'{"key": "good", "answer": {"text": "a"}}\n' + content)
    with pytest.raises(ValueError, match=r"Line 2 of .*other' is not an exported answer"):
        cache.import_jsonl(file)
    assert len(cache) == 3
    assert cli.main(["cache", "--path", str(cache.path), "--import", str(file)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.usefixtures("impatient")
def test_the_command_line_says_what_failed_in_a_line(cache, slow, tmp_path, capsys):
    count(slow, REQUESTS, cache)
    out = tmp_path / "out.jsonl"
    file = tmp_path / "in.jsonl"
    file.write_text(json.dumps({"key": "k", "answer": {"text": "a"}}) + "\n")
    with held(cache.path):
        for option in ([], ["--clear"], ["--export", str(out)], ["--import", str(file)]):
            assert cli.main(["cache", "--path", str(cache.path), *option]) == 2
            printed = capsys.readouterr()
            assert "locked" in printed.err
            assert len(printed.err.splitlines()) == 1
            assert printed.out == ""
    assert not out.exists()
    assert len(cache) == 12
