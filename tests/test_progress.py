import io
import re
import sys
import time
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from sklw import LLMOverSampler, SyntheticWeighter
from sklw.comparison import compare
from sklw.datasets import load_maintenance_requests
from sklw.generators import BaseGenerator, Completion
from sklw.over_sampling import Examples, TextFilter


class Timed(BaseGenerator):
    """Calls something before each answer."""

    prompt_form = "completion"

    def __init__(self, before=None):
        self.before = before

    def __sklearn_clone__(self):
        return self

    def cache_key(self):
        return {}

    def iter_generate(self, requests):
        for number, request in enumerate(requests):
            self.before()
            yield number, Completion(f"win a prize in {request.seed}", 5, 5, "stop")


def sample(before, n_rows=2, **parameters):
    texts = ["see you", "call me", "at home", "see me at home", "win it", "you win"]
    parameters = {"verbose": True, "random_state": 0, "on_shortfall": "ignore", **parameters}
    sampler = LLMOverSampler(
        generator=Timed(before), sampling_strategy={"spam": 2 + n_rows},
        prompt=Examples(answers_per_prompt=1), accept=TextFilter(None, length_tolerance=9),
        **parameters,
    )  # fmt: skip
    return sampler.fit_resample(texts, ["ham"] * 4 + ["spam"] * 2)


@pytest.fixture
def clock(monkeypatch):
    """Let time pass by hand."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def tick(seconds):
        now[0] += seconds

    return tick


def test_a_line_a_minute(clock, capsys):
    sample(lambda: clock(1.0), n_rows=300)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    shares = [line.split("%")[0].split()[-1] for line in lines]
    assert shares == ["20", "40", "60", "80", "100", "100"]
    assert lines[1].startswith("LLMOverSampler:")
    assert "120/300 [02:00<03:00" in lines[1]
    assert "\r" not in err


def test_what_takes_less_than_a_minute_prints_nothing(clock, capsys):
    sample(lambda: clock(5.9), n_rows=10)
    assert capsys.readouterr() == ("", "")


def test_the_last_line_comes_also_after_an_error(clock, capsys):
    n_asked = count(1)

    def interrupted():
        if next(n_asked) == 4:
            raise KeyboardInterrupt
        clock(31.0)

    with pytest.raises(KeyboardInterrupt):
        sample(interrupted, n_rows=10)
    assert "3/10" in capsys.readouterr().err.splitlines()[-1]


def test_silence(clock, capsys):
    sample(lambda: clock(100.0), verbose=False)
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
    terminal, seen = Terminal(), []
    monkeypatch.setattr(sys, "stderr", terminal)

    def look():
        time.sleep(0.11)  # tqdm draws ten times a second
        seen.append([line.split(":")[0] for line in terminal.screen() if line])

    sample(lambda: sample(look))
    assert ["LLMOverSampler"] * 2 in seen
    assert not any(terminal.screen())


def test_a_notebook_gets_a_bar(monkeypatch, capsys):
    kernel = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=None))
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    sample(lambda: None)
    assert "\r" in capsys.readouterr().err


class Counting(LogisticRegression):
    """A classifier that shows a bar."""

    def fit(self, X, y):
        sample(lambda: None)
        return super().fit(X, y)


def drawn():
    """Say whether this process would draw a bar, were there a terminal."""
    sys.stderr = Terminal()
    try:
        sample(lambda: None)
        return "\r" in sys.stderr.getvalue()
    finally:
        sys.stderr = sys.__stderr__


@pytest.mark.parametrize(
    "backend", [pytest.param("loky", marks=pytest.mark.slow), "multiprocessing"]
)
def test_the_workers_of_a_search_draw_no_bars(backend):
    assert Parallel(2, backend=backend)(delayed(drawn)() for _ in range(2)) == [False, False]
    assert drawn()


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_search_leaves_nothing_behind(n_jobs, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    X, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    search = GridSearchCV(Counting(), {"C": [0.1, 1.0]}, cv=2, n_jobs=n_jobs).fit(X, y)
    assert search.best_params_
    assert "LLMOverSampler" in terminal.getvalue()  # the refit is in this process
    assert not any(terminal.screen())


def sampled():
    sample(lambda: None)
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
    minutes = count(step=60)
    monkeypatch.setattr(time, "monotonic", lambda: next(minutes))
    name = run()
    lines = capsys.readouterr().err.splitlines()
    assert any(line.startswith(name) and "100%" in line for line in lines)
