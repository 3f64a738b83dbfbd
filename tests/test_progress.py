import io
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from tqdm import tqdm

from sklw import LLMOverSampler, RecordedGenerator, SyntheticWeighter, _progress
from sklw._progress import progress
from sklw.comparison import compare
from sklw.datasets import load_maintenance_requests
from sklw.over_sampling import TextFilter


@pytest.fixture
def clock(monkeypatch):
    """Let time pass by hand."""
    now = [0.0]
    monkeypatch.setattr(_progress.time, "monotonic", lambda: now[0])

    def tick(seconds):
        now[0] += seconds

    return tick


def test_a_line_a_minute(clock, capsys):
    with progress(300, "Counting", "row", verbose=True) as bar:
        for _ in range(300):
            clock(1.0)
            bar.update()
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    shares = [line.split("%")[0].split()[-1] for line in lines]
    assert shares == ["20", "40", "60", "80", "100", "100"]
    assert lines[1].startswith("Counting:")
    assert "120/300 [02:00<03:00" in lines[1]
    assert "\r" not in err


def test_what_takes_less_than_a_minute_prints_nothing(clock, capsys):
    with progress(10, "Counting", "row", verbose=True) as bar:
        clock(59)
        bar.set_description("Still")
        bar.update(10)
    assert capsys.readouterr() == ("", "")


def test_what_is_new_is_told(clock, capsys):
    with progress(10, "Counting", "row", verbose=True, initial=4) as bar:
        clock(61)
        bar.set_postfix(loss="0.1")
        bar.set_description("Still")
        bar.update(6)
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith("Still:")
    assert "4/10" in first
    assert "loss=0.1" in first
    assert "10/10" in last


def test_the_last_line_comes_also_after_an_error(clock, capsys):
    def interrupted():
        with progress(10, "Counting", "row", verbose=True) as bar:
            clock(61)
            bar.update(2)
            bar.update(1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert "3/10" in capsys.readouterr().err.splitlines()[-1]


def test_silence(capsys):
    with progress(10, "Counting", "row", verbose=False) as bar:
        bar.update()
        bar.set_description("x")
        bar.set_postfix(loss=1)
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    """Standard error that looks like a terminal."""

    def isatty(self):
        return True

    def screen(self):
        """Return the lines that are left to see, knowing the codes that tqdm uses."""
        lines, row, column = [""], 0, 0
        for code in re.findall(r"\x1b\[A|\r|\n|[^\x1b\r\n]+", self.getvalue()):
            if code == "\x1b[A":
                row -= 1
            elif code == "\n":
                row, column = row + 1, 0
                lines += [""] * (row + 1 - len(lines))
            elif code == "\r":
                column = 0
            else:
                line = lines[row].ljust(column)
                lines[row] = line[:column] + code + line[column + len(code) :]
                column += len(code)
        return [line.rstrip() for line in lines]


def test_nested_bars_leave_nothing_behind(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress(3, "Outer", "trial", verbose=True) as outer:
        for _ in range(3):
            with progress(2, "Inner", "request", verbose=True) as inner:
                inner.update(2)
                inner.refresh()
                seen = terminal.screen()
            outer.update()
            outer.refresh()
    assert [line.split(":")[0] for line in seen if line] == ["Outer", "Inner"]
    assert not any(terminal.screen())


def test_a_notebook_gets_a_bar(monkeypatch):
    kernel = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=None))
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    assert isinstance(progress(10, "Counting", "row", verbose=True), tqdm)


class Counting(LogisticRegression):
    """A classifier that shows a bar."""

    def fit(self, X, y):
        with progress(1, "Counting", "row", verbose=True) as bar:
            bar.update()
        return super().fit(X, y)


def shows_a_bar():
    """Say whether this process would draw a bar, were there a terminal."""
    sys.stderr = Terminal()
    try:
        return isinstance(progress(1, "Counting", "row", verbose=True), tqdm)
    finally:
        sys.stderr = sys.__stderr__


@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_the_workers_of_a_search_draw_no_bars(backend):
    found = Parallel(2, backend=backend)(delayed(shows_a_bar)() for _ in range(2))
    assert found == [False, False]
    assert shows_a_bar()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_leaves_nothing_behind(n_jobs, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    X, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    search = GridSearchCV(Counting(), {"C": [0.1, 1.0]}, cv=2, n_jobs=n_jobs).fit(X, y)
    assert search.best_params_
    assert "Counting" in terminal.getvalue()  # the refit is in this process
    assert not any(terminal.screen())


def sampled():
    rows = [{"text": f"win {word} now", "label": "spam"} for word in "abc"]
    texts = ["see you", "call me", "at home", "see me at home", "win it", "you win"]
    LLMOverSampler(
        generator=RecordedGenerator(rows), accept=TextFilter(None), verbose=True,
        sampling_strategy={"spam": 4},
    ).fit_resample(texts, ["ham"] * 4 + ["spam"] * 2)  # fmt: skip
    return "LLMOverSampler"


def compared():
    texts, labels = load_maintenance_requests(return_X_y=True)
    compare(
        texts, labels, methods=["real"], classifiers=["tfidf"], seeds=[0], verbose=True,
        minority_sizes=[10], majority_size=20, test_size=20,
    )  # fmt: skip
    return "tfidf real m=10"


def weighted():
    X = [[float(i), float(i % 3)] for i in range(24)]
    SyntheticWeighter("hu", verbose=True, random_state=0).fit(
        X, [0, 1] * 12, [False] * 16 + [True] * 8
    )
    return "learning weights"


@pytest.mark.parametrize("run", [sampled, compared, weighted])
def test_everything_that_is_verbose_tells_a_file(run, capsys, monkeypatch):
    monkeypatch.setattr(_progress, "_SECONDS", 0.0)
    name = run()
    lines = capsys.readouterr().err.splitlines()
    assert any(line.startswith(name) and "100%" in line for line in lines)
