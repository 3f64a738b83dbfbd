"""The file of the request cache: unreadable rows, damage, other programs' files, transport."""

import contextlib
import json
import os
import sqlite3
import stat
import sys
import threading
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from _cached import REQUESTS, Database, Saying, count, sql

from sklw.exceptions import GenerationWarning
from sklw.generators import (
    CacheStatistics,
    Request,
    RequestCache,
    generate_cached,
)

APPLICATION = int.from_bytes(b"sklw", "big")
TABLES = (
    "CREATE TABLE answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL)",
    "CREATE TABLE claims (key TEXT PRIMARY KEY, owner TEXT NOT NULL, "
    "host TEXT NOT NULL, pid INTEGER NOT NULL, beat REAL NOT NULL)",
)
posix = pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


UNREADABLE = {
    "a byte that is not UTF-8": "CAST(replace(answer, 'PROMPT', x'ff') AS TEXT)",
    "a byte that breaks JSON": "replace(answer, '{', char(1))",
    "a blob": "CAST(answer AS BLOB)",
    "a truncated answer": "substr(answer, 1, length(answer) - 9)",
    "an empty text": "''",
    "a number": "3",
    "no object": "'[1, 2]'",
    "null": "'null'",
    "an object of nothing": "'{}'",
    "a text that is a number": "'{\"text\": 5}'",
    "tokens that are text": '\'{"text": "a", "prompt_tokens": "3"}\'',
    "tokens below zero": '\'{"text": "a", "completion_tokens": -3}\'',
    "metadata that are no object": '\'{"text": "a", "metadata": [1]}\'',
    "a later version's field": '\'{"text": "a", "logprobs": []}\'',
    "nested without end": f"'{'[' * 100_000}'",
    "an empty answer that was cut": '\'{"text": " ", "finish_reason": "length"}\'',
    "no text, as older versions kept it": '\'{"text": "", "finish_reason": "empty"}\'',
    "half of a character at the end": "CAST(CAST(answer AS BLOB) || x'e282' AS TEXT)",
}


@pytest.mark.parametrize("damage", UNREADABLE.values(), ids=UNREADABLE)
def test_a_row_that_cannot_be_read_is_missing_asked_for_and_replaced(cache, slow, damage):
    count(slow, REQUESTS, cache)
    sql(cache.path, f"UPDATE answers SET answer = {damage} WHERE rowid IN (2, 7)")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert count(slow, REQUESTS, cache) == (2, 10)
        assert count(slow, REQUESTS, cache) == (0, 12)
    assert len(cache) == 12


def test_rows_of_whatever_kind_in_the_table_of_claims_end_no_run(cache, slow):
    count(slow, REQUESTS[:2], cache)
    for key, host in (("'a'", "CAST(x'ff' AS TEXT)"), ("x'ff'", "''"), ("'c'", "x'00'")):
        sql(cache.path, f"INSERT INTO claims VALUES ({key}, 'x', {host}, 'no number', 'soon')")
    assert count(slow, REQUESTS, cache) == (10, 2)


TEXTS = [
    "half a pair \ud83d alone",
    "the other \ude00 half",
    "both, apart: \ud83d\ude00",
    "a whole one: \U0001f600",
    "nul \x00 inside, and \x00",
    "\x00",
    "",
    "controls \x01\x1b[31m\x7f\x85\u2028 ",
    "\ufeff mark \uffff \ufffe",
    "line\r\nends\r\n",
    "'; DROP TABLE answers; --",
    '{"text": "nested"}',
    "e\u0301 is not \u00e9",
    "long " * 100_000,
]


def test_any_text_is_kept_and_read_back_exactly(cache, tmp_path):
    saying = Saying(TEXTS)
    requests = [Request("p", seed=i) for i in range(len(TEXTS))]
    for _ in range(2):
        assert [a.text for a in generate_cached(saying, requests, cache)] == TEXTS
    cache.export_jsonl(tmp_path / "all.jsonl")
    other = RequestCache(tmp_path / "other.sqlite")
    assert other.import_jsonl(tmp_path / "all.jsonl") == len(TEXTS)
    statistics = CacheStatistics()
    answers = generate_cached(saying, requests, other, statistics=statistics)
    assert [a.text for a in answers] == TEXTS
    assert statistics.sent == 0


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=())), min_size=1, max_size=8))
def test_random_texts_are_read_back_exactly(tmp_path_factory, texts):
    cache = RequestCache(tmp_path_factory.mktemp("texts") / "answers.sqlite")
    requests = [Request("p", seed=i) for i in range(len(texts))]
    for _ in range(2):
        assert [a.text for a in generate_cached(Saying(texts), requests, cache)] == texts


@pytest.mark.parametrize(("text", "reason", "kept"), [
    ("", "length", 0), ("\n ", "length", 0), ("refused", "error", 0),
    ("cut", "length", 1), ("", "stop", 1), ("whole", "stop", 1),
])  # fmt: skip
def test_what_may_turn_out_otherwise_is_not_kept(cache, text, reason, kept):
    generate_cached(Saying([text], reason), [Request("p", seed=0)], cache)
    assert len(cache) == kept


@pytest.mark.parametrize("text", [None, b"bytes", 5])
def test_an_answer_that_is_none_is_said_and_not_kept(cache, text):
    with pytest.warns(GenerationWarning, match="not being kept.*cannot be written as JSON"):
        generate_cached(Saying([text, "good"]), [Request("p", seed=i) for i in (0, 1)], cache)
    assert len(cache) == 1


@posix
def test_only_the_owner_may_read_the_file_and_what_lies_beside(cache, slow, tmp_path):
    old = os.umask(0)
    try:
        slow.seconds = 0.02
        modes = {}
        thread = threading.Thread(target=count, args=(slow, REQUESTS * 3, cache))
        thread.start()
        while thread.is_alive():
            for path in cache.path.parent.glob("*"):
                with contextlib.suppress(FileNotFoundError):
                    modes[path.name] = mode(path)
        thread.join()
        sql(cache.path, "PRAGMA journal_mode = WAL")
        connection = sqlite3.connect(cache.path)
        connection.execute("DELETE FROM claims")
        modes |= {path.name: mode(path) for path in cache.path.parent.glob("*")}
        connection.close()
        cache.export_jsonl(tmp_path / "new.jsonl")
        (tmp_path / "old.jsonl").write_text("")
        cache.export_jsonl(tmp_path / "old.jsonl")
    finally:
        os.umask(old)
    assert {"answers.sqlite", "answers.sqlite-journal", "answers.sqlite-wal"} <= set(modes)
    assert set(modes.values()) == {0o600}
    assert mode(tmp_path / "new.jsonl") == mode(tmp_path / "old.jsonl") == 0o600


@posix
def test_a_file_of_an_older_version_is_taken_over(cache, slow):
    count(slow, REQUESTS, cache)
    rows = sql(cache.path, "SELECT * FROM answers")
    cache.path.unlink()
    with contextlib.closing(sqlite3.connect(cache.path)) as connection:
        for table in TABLES:
            connection.execute(table)
        connection.executemany("INSERT INTO answers VALUES (?, ?)", rows)
        connection.commit()
    cache.path.chmod(0o644)
    assert count(slow, REQUESTS, cache) == (0, 12)
    assert sql(cache.path, "PRAGMA application_id") == [(APPLICATION,)]
    assert mode(cache.path) == 0o600
    cache.path.chmod(0o660)  # shared on purpose
    assert count(slow, REQUESTS, cache) == (0, 12)
    assert mode(cache.path) == 0o660


def others_table(path):
    sql(path, "CREATE TABLE answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL)")
    sql(path, "INSERT INTO answers VALUES ('1', 'forty-two')")


def others_tables(path):
    others_table(path)
    sql(path, "CREATE TABLE questions (key TEXT)")


def others_application(path):
    for table in TABLES:
        sql(path, table)
    sql(path, "PRAGMA application_id = 77")


def others_empty(path):
    sql(path, "PRAGMA application_id = 77")


def newer(path):
    for table in TABLES:
        sql(path, table)
    sql(path, f"PRAGMA application_id = {APPLICATION}")
    sql(path, "PRAGMA user_version = 99")


def text_file(path):
    path.write_text("text,label\nhello,spam\n" * 100)


def encrypted(path):
    path.write_bytes(os.urandom(8192))


OTHERS = [others_table, others_tables, others_application, others_empty, newer, text_file]


@pytest.mark.parametrize("make", [*OTHERS, encrypted])
@pytest.mark.parametrize("name", ["other.sqlite", "other.db", "other.csv"])
def test_what_is_not_ours_is_neither_renamed_nor_changed(tmp_path, slow, make, name):
    folder = tmp_path / "theirs"
    folder.mkdir()
    path = folder / name
    make(path)
    before = path.read_bytes()
    cache = RequestCache(path)
    file = tmp_path / "answers.jsonl"
    file.write_text(json.dumps({"key": "k", "answer": {"text": "a"}}) + "\n")
    actions = [
        lambda: count(slow, REQUESTS, cache),
        cache.clear,
        lambda: len(cache),
        lambda: cache.import_jsonl(file),
        lambda: cache.export_jsonl(tmp_path / "out.jsonl"),
    ]
    for action in actions:
        with pytest.raises(ValueError, match=r"Pass another\s|or pass another path"):
            action()
    assert slow.sent() == []
    assert path.read_bytes() == before
    assert [entry.name for entry in folder.iterdir()] == [name]
    assert not (tmp_path / "out.jsonl").exists()


def test_a_folder_in_place_of_the_file(tmp_path, slow):
    cache = RequestCache(tmp_path / "later")
    cache.path.mkdir()
    with pytest.raises(ValueError, match="is a folder, not a request cache"):
        count(slow, REQUESTS, cache)
    assert slow.sent() == []


def test_a_link_is_followed_and_stays_a_link(tmp_path, slow):
    real = tmp_path / "disk" / "requests.sqlite"
    link = tmp_path / "link.sqlite"
    link.symlink_to(real)
    assert count(slow, REQUESTS, RequestCache(link)) == (12, 0)
    real.write_bytes(b"damaged" * 1000)
    with pytest.warns(GenerationWarning, match="damaged.*renamed"):
        assert count(slow, REQUESTS, RequestCache(link)) == (12, 0)
    assert link.is_symlink()
    assert count(slow, REQUESTS, RequestCache(real)) == (0, 12)


@pytest.mark.slow
def test_a_file_that_is_deleted_or_replaced_while_it_is_used(cache, slow, tmp_path):
    count(slow, [Request("else", seed=0)], cache)
    backup = cache.path.read_bytes()
    slow.seconds = 0.15
    for change in (cache.path.unlink, lambda: cache.path.write_bytes(backup)):

        def replace(change=change):
            cache.path.rename(tmp_path / "away")
            cache.path.write_bytes(backup)
            change()

        requests = [Request(f"{change} {i}", seed=i) for i in range(8)]
        timer = threading.Timer(0.5, replace)
        timer.start()
        assert count(slow, requests, cache) == (8, 0)
        timer.join()
        assert count(slow, requests[5:], cache) == (0, 3)


def test_the_journal_goes_with_a_damaged_file(cache, slow):
    count(slow, REQUESTS, cache)
    content = bytearray(cache.path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    cache.path.write_bytes(content)
    Path(f"{cache.path}-wal").write_bytes(b"\0" * 100)
    with pytest.warns(GenerationWarning, match="damaged"):
        assert count(slow, REQUESTS, cache) == (12, 0)
    aside = [path.name for path in cache.path.parent.glob("*.damaged-*")]
    assert len([name for name in aside if not name.endswith("-wal")]) == 1
    assert count(slow, REQUESTS, cache) == (0, 12)
    assert sql(cache.path, "PRAGMA integrity_check") == [("ok",)]


def test_who_comes_late_leaves_the_new_file_where_it_is(cache, slow):
    count(slow, REQUESTS, cache)
    good = cache.path.read_bytes()
    cache.path.write_bytes(good[:4096] + os.urandom(len(good) - 4096))
    late = Database(cache.path)
    with pytest.raises(sqlite3.DatabaseError):
        late.run(lambda connection: connection.execute("SELECT * FROM answers").fetchall())
    # Between that and its attempt to set the file aside, another one begins anew.
    cache.path.unlink()
    count(slow, REQUESTS, cache)
    late._set_aside("malformed")
    assert late.notices == []
    assert count(slow, REQUESTS, cache) == (0, 12)


def test_threads_that_find_damage_set_one_file_aside(cache, slow):
    count(slow, REQUESTS, cache)
    good = cache.path.read_bytes()
    for round_ in range(5):
        cache.path.write_bytes(good[:4096] + os.urandom(len(good) - 4096))
        barrier = threading.Barrier(4)

        def look(barrier=barrier):
            barrier.wait()
            database = Database(cache.path)
            database.run(lambda c: c.execute("SELECT * FROM answers").fetchall(), mend=True,
                         patience=20)  # fmt: skip
            database.close()

        threads = [threading.Thread(target=look) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(list(cache.path.parent.glob("*.damaged-*"))) == round_ + 1
        assert len(cache) == 0


def test_a_file_of_one_byte_is_left_as_it_is(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_bytes(b"x")
    with pytest.raises(ValueError, match="is not a request cache"):
        len(RequestCache(path))
    assert path.read_bytes() == b"x"
