"""What a comparison keeps on disk survives odd labels, kills, full disks and other processes."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from skorch.callbacks import Callback

from sklw import RecordedGenerator
from sklw.comparison import Settings, compare, read_generated, read_results
from sklw.over_sampling import TextFilter

ARGUMENTS = {"methods": ["llm", "llm_quality"], "classifiers": ["tfidf"], "seeds": [0]}
TEXTS = [f"{a} {b} {c}" for a in ("win", "see") for b in "abcdef" for c in ("today", "soon")]


def settings(label, texts=("win a prize", "win it all", "win the cup"), **changes):
    rows = [{"text": text, "label": label} for text in texts]
    return Settings(
        generator=RecordedGenerator(rows),
        sampler={
            "sampling_strategy": {label: 6 + len(rows)},
            "accept": TextFilter(None, length_tolerance=100.0),
            **changes,
        },
    )


class Paid(RecordedGenerator):
    """Counts what it is asked."""

    asked = 0

    def iter_generate(self, requests):
        Paid.asked += len(requests)
        yield from super().iter_generate(requests)


def on_fsync(folder, act, setattr=setattr):
    """Have something happen when a file of a folder is about to be on the disk."""
    real = os.fsync

    def fsync(fd):
        for path in Path(folder).iterdir():
            if path.stat().st_ino == os.fstat(fd).st_ino:
                act(path.name, fd)
        real(fd)

    setattr(os, "fsync", fsync)


def python(code, **arguments):
    """Run code in another process, which finds this module."""
    path = f"{Path(__file__).parent}:{os.environ.get('PYTHONPATH', '')}"
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, **arguments)


def run(output, label="spam", other="ham", **changes):
    labels = [label] * 8 + [other] * 16
    arguments = {"settings": settings(label), "output": output, **ARGUMENTS, **changes}
    return compare(TEXTS, labels, **arguments)


def without_times(results):
    return results.drop(columns=[c for c in results if c.endswith("seconds")])


@pytest.mark.parametrize(
    ("label", "other"),
    [
        ("01", "02"),
        ("NA", "nan"),
        ('say "hi", you', "two\nlines"),
        (1, 2),
        *(
            pytest.param(*labels, marks=pytest.mark.slow)
            for labels in [
                ("1e5", "100000"),
                ("null", "None"),
                ("true", "True "),
                ("007", "7"),
                (" ", "  x"),
                ("a\rb", "a\r\nb"),
                (True, False),
                (1.0, 2.0),
            ]
        ),
    ],
)
def test_labels_come_back_as_they_were(tmp_path, label, other):
    first = run(tmp_path, label, other, methods=["llm"])
    both = run(tmp_path, label, other)  # the second method reads what the first has kept
    assert both["error"].tolist() == ["", ""]
    assert both["fit_seconds"][0] == pytest.approx(first["fit_seconds"][0])
    fresh = run(None, label, other)
    pd.testing.assert_frame_equal(without_times(both), without_times(fresh), check_dtype=False)


@pytest.mark.parametrize("text", ["cut\rhere", 'a "b"', "NA", " lead", "x\u2028y"])
def test_texts_come_back_as_they_were(tmp_path, text):
    given = settings("01", [text, "win it"])
    given = replace(given, generator=Paid(given.generator.records))
    first = run(tmp_path, "01", "02", methods=["llm"], settings=given)
    assert first["error"].tolist() == [""]
    (tmp_path / "results.csv").unlink()
    Paid.asked = 0
    again = run(tmp_path, "01", "02", methods=["llm"], settings=given)
    assert Paid.asked == 0
    pd.testing.assert_frame_equal(without_times(again), without_times(first))
    kept = read_generated(tmp_path / "generated_m6_seed0.csv")
    assert kept["text"].tolist() == [text, "win it"]
    assert kept["label"].tolist() == ["01", "01"]


class CtrlC(Callback):
    def __init__(self, hook):
        self.hook = hook

    def on_epoch_end(self, net, **kwargs):
        self._press("on_epoch_end")

    def on_batch_end(self, net, **kwargs):
        self._press("on_batch_end")

    def on_grad_computed(self, net, named_parameters, **kwargs):
        self._press("on_grad_computed")

    def _press(self, hook):
        if hook == self.hook:
            os.kill(os.getpid(), signal.SIGINT)


class TestInterruption:
    def arguments(self, tiny, callback=None, **bert):
        texts = ["good film", "great book", "a fine film", "bad film", "poor book", "awful x"] * 8
        texts = [f"{text} {'very ' * (i // 6)}" for i, text in enumerate(texts)]
        bert |= {"model": tiny, "max_epochs": 3, "device": "cpu"}
        if callback is not None:
            bert["callbacks"] = [("callback", callback)]
        return {
            "X": texts,
            "y": ["up", "up", "up", "down", "down", "down"] * 8,
            "methods": ["real"],
            "classifiers": ["bert"],
            "seeds": [0],
            "settings": Settings(bert=bert),
        }

    @pytest.mark.parametrize("hook", ["on_batch_end", "on_epoch_end", "on_grad_computed"])
    def test_ctrl_c_during_the_training_of_bert_leaves_no_finished_cell(self, tiny, tmp_path, hook):
        with pytest.raises(KeyboardInterrupt):
            compare(**self.arguments(tiny, CtrlC(hook)), output=tmp_path)
        assert not (tmp_path / "results.csv").exists()

    def test_an_interrupt_raised_in_a_step_is_raised_by_fit(self, tiny, monkeypatch):
        from sklw import BertClassifier

        def interrupted(*args, **kwargs):
            raise KeyboardInterrupt

        monkeypatch.setattr(BertClassifier, "train_step", interrupted)
        for fit in ("fit", "partial_fit"):
            with pytest.raises(KeyboardInterrupt):
                getattr(BertClassifier(tiny), fit)(["good", "bad"] * 4, ["up", "down"] * 4)

    def test_early_stopping_still_ends_the_training(self, tiny):
        arguments = self.arguments(tiny)
        from sklw import BertClassifier

        classifier = BertClassifier(
            tiny, max_epochs=40, lr=1e-9, early_stopping=2, validation_fraction=0.2, random_state=0
        ).fit(arguments["X"], arguments["y"])
        assert len(classifier.history_) < 40


class TestKilled:
    @pytest.mark.slow
    def test_in_the_middle_of_a_row(self, tmp_path):
        whole = run(tmp_path)
        path = tmp_path / "results.csv"
        content = path.read_bytes()
        lines = content.splitlines(keepends=True)
        for kept in (content[:-1], content[:-30], lines[0], lines[0][:-3], b""):
            path.write_bytes(kept)
            again = run(tmp_path)
            pd.testing.assert_frame_equal(
                without_times(again), without_times(whole), check_dtype=False
            )
            assert len(pd.read_csv(path)) == 2

    @pytest.mark.slow
    def test_with_signal_9_while_results_are_written(self, tmp_path):
        # A writer that is killed after the first bytes of the second trial.
        code = f"""
            import os, signal
            from test_folder import on_fsync, run
            calls = []
            def half(name, fd):
                if name == "results.csv":
                    calls.append(os.fstat(fd).st_size)
                    if len(calls) == 2:
                        os.truncate(fd, calls[0] + 15)
                        os.kill(os.getpid(), signal.SIGKILL)
            on_fsync({str(tmp_path)!r}, half)
            run({str(tmp_path)!r})
        """
        with python(code) as done:
            done.wait()
        assert done.returncode == -signal.SIGKILL
        assert not (tmp_path / "results.csv").read_bytes().endswith(b"\n")
        again = run(tmp_path)
        assert again["error"].tolist() == ["", ""]
        assert len(read_results(tmp_path)) == 2

    @pytest.mark.parametrize("content", ["", "{", "[1, 2]", "null"])
    def test_settings_that_cannot_be_read(self, tmp_path, content):
        run(tmp_path)
        (tmp_path / "settings.json").write_text(content)
        with pytest.raises(ValueError, match=r"not a settings file.*Pass another folder"):
            run(tmp_path)

    def test_generated_texts_that_cannot_be_read(self, tmp_path):
        run(tmp_path, methods=["llm"])
        (tmp_path / "generated_m6_seed0.json").write_text("{")
        with pytest.warns(UserWarning, match="delete both"):
            assert run(tmp_path)["error"].str.len().gt(0).tolist() == [False, True]


class TestOtherSettings:
    def test_results_without_settings_are_not_mixed(self, tmp_path):
        run(tmp_path)
        (tmp_path / "settings.json").unlink()
        with pytest.raises(ValueError, match=r"without the settings\.json"):
            run(tmp_path)

    def test_a_setting_of_another_version(self, tmp_path):
        run(tmp_path)
        path = tmp_path / "settings.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"of_the_future": 1}))
        with pytest.raises(ValueError, match="other values of of_the_future"):
            run(tmp_path)

    def test_a_file_of_records_that_has_changed(self, tmp_path):
        rows = tmp_path / "rows.csv"
        rows.write_text("text,label\nwin a prize,spam\n")
        given = Settings(
            generator=RecordedGenerator(str(rows)), sampler={"sampling_strategy": {"spam": 7}}
        )
        run(tmp_path / "out", settings=given)
        rows.write_text("text,label\nwin a boat,spam\n")
        with pytest.raises(ValueError, match="other values of generator"):
            run(tmp_path / "out", settings=given)

    def test_a_function_that_does_something_else(self, tmp_path):
        def strategy(n):
            return lambda y: {"spam": n}

        run(tmp_path, settings=settings("spam", sampling_strategy=strategy(7)))
        run(tmp_path, settings=settings("spam", sampling_strategy=strategy(7)))
        with pytest.raises(ValueError, match="other values of sampler"):
            run(tmp_path, settings=settings("spam", sampling_strategy=strategy(8)))


@pytest.mark.slow
def test_two_processes_do_not_write_to_one_folder(tmp_path):
    code = f"""
        import sys
        from test_folder import on_fsync, run
        def wait(name, fd):
            if name == "results.csv":
                print("open", flush=True)
                sys.stdin.read()
        on_fsync({str(tmp_path)!r}, wait)
        run({str(tmp_path)!r}, seeds=[0, 1])
    """
    run(tmp_path)
    with python(code, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "open\n"
        before = (tmp_path / "results.csv").read_bytes()
        with pytest.raises(ValueError, match="Another comparison is writing"):
            run(tmp_path, seeds=[0, 1])
        assert (tmp_path / "results.csv").read_bytes() == before
        other.kill()  # and its lock is gone with it
        other.wait()
    assert len(run(tmp_path, seeds=[0, 1])) == 4


@pytest.mark.slow
@pytest.mark.parametrize("refused", ["generated_m6_seed0.csv", "generated_m6_seed0.json", "both"])
def test_a_training_set_is_paid_for_once_if_it_cannot_be_written(tmp_path, monkeypatch, refused):
    def full(name, fd):
        name = re.sub(r"^\.[\d-]+\.(.+)\.partial$", r"\1", name)
        if name == refused or (refused == "both" and name.startswith("generated")):
            raise OSError(28, "No space left on device")

    on_fsync(tmp_path, full, monkeypatch.setattr)
    Paid.asked = 0
    rows = settings("spam").generator.records
    given = Settings(generator=Paid(rows), sampler=settings("spam").sampler)
    with pytest.warns(UserWarning, match="No space left on device"):
        results = run(tmp_path, settings=given, methods=["llm", "llm_quality", "llm_imp"])
    assert Paid.asked == 3
    assert results["error"].tolist() == ["", "", ""]
    assert results["synthetic_rows"].tolist() == [3, 3, 3]


def test_what_a_full_disk_refuses_is_written_with_the_next_cell(tmp_path, monkeypatch):
    refusals = [OSError(28, "No space left on device")] * 2

    def full(name, fd):
        if name.endswith(("results.csv", "seed0.csv.partial")) and refusals:
            os.truncate(fd, 10)
            raise refusals.pop()

    on_fsync(tmp_path, full, monkeypatch.setattr)
    with pytest.warns(UserWarning, match="No space left on device"):
        results = run(tmp_path)
    assert results["error"].tolist() == ["", ""]
    kept = read_results(tmp_path)
    pd.testing.assert_frame_equal(kept, results, check_dtype=False)
    texts = pd.read_csv(tmp_path / "generated_m6_seed0.csv")
    assert texts["text"].tolist() == ["win a prize", "win it all", "win the cup"]
