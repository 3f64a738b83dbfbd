import io
import sys

import pytest

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
    assert shares == ["0", "20", "40", "60", "80", "100", "100"]
    assert lines[2].startswith("Counting:")
    assert "120/300 [02:00<03:00" in lines[2]
    assert "\r" not in err


def test_nothing_more_is_said_than_there_is(clock, capsys):
    with progress(10, "Counting", "row", verbose=True, initial=4) as bar:
        clock(30)
        bar.set_description("Still")
        bar.set_postfix(loss="0.1")
        bar.update(6)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "4/10" in lines[0]
    assert lines[1].startswith("Still:")
    assert "10/10" in lines[1]
    assert "loss=0.1" in lines[1]


def test_the_last_line_comes_also_after_an_error(clock, capsys):
    def interrupted():
        with progress(10, "Counting", "row", verbose=True) as bar:
            bar.update(3)
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


def test_a_terminal_gets_a_bar(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress(10, "Counting", "row", verbose=True) as bar:
        bar.update(10)
    assert "\r" in sys.stderr.getvalue()


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
def test_everything_that_is_verbose_tells_a_file(run, capsys):
    name = run()
    lines = capsys.readouterr().err.splitlines()
    assert any(line.startswith(name) and "100%" in line for line in lines)
    assert len([line for line in lines if line.startswith(name)]) <= 3
