"""Pages are written whole or not at all, and never take the place of what is no file."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from sklw import SyntheticWeighter

X = np.array([[0.0], [0.2], [0.4], [2.0], [2.2], [2.4], [2.1]])
Y = np.array([0, 0, 0, 1, 1, 1, 1])


@pytest.fixture
def report():
    synthetic = np.arange(7) == 6
    return SyntheticWeighter().fit(X, Y, synthetic=synthetic).report(X, Y)


def test_a_full_disk_leaves_the_page_as_it_was(report, tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    report.to_html(path)
    before = path.read_bytes()

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        report.to_html(path, n_rows=1)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["page.html"]


def test_a_link_stays_a_link(report, tmp_path):
    page, link = tmp_path / "page.html", tmp_path / "link.html"
    page.touch()
    link.symlink_to(page)
    report.to_html(link)
    assert link.is_symlink()
    assert "<html" in page.read_text()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_written_to(report, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(path.read_text)
        page = report.to_html(path)
        assert read.result(60) == page
    assert path.is_fifo()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="/dev/stdout is no path here")
def test_a_pipe_without_a_path_is_written_to(report):
    reading, writing = os.pipe()
    with ThreadPoolExecutor(1) as pool, open(reading) as pipe:
        read = pool.submit(pipe.read)
        try:
            page = report.to_html(f"/proc/self/fd/{writing}")
        finally:
            os.close(writing)
        assert read.result(60) == page


def test_threads_that_write_one_page_do_not_disturb_each_other(report, tmp_path):
    path = tmp_path / "page.html"
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda _: report.to_html(path), range(32)))
    assert path.read_text() in pages
    assert os.listdir(tmp_path) == ["page.html"]
