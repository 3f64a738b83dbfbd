"""What a comparison keeps on disk survives odd labels, kills, full disks and other processes."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from skorch.callbacks import Callback

from sklw import RecordedGenerator
from sklw.comparison import Settings, compare, read_results
from sklw.comparison import _folder as store_module
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
        ("1e5", "100000"),
        ("NA", "nan"),
        ("null", "None"),
        ("true", "True "),
        ("007", "7"),
        (" ", "  x"),
        ('say "hi", you', "two\nlines"),
        ("a\rb", "a\r\nb"),
        (1, 2),
        (True, False),
        (1.0, 2.0),
    ],
)
def test_labels_come_back_as_they_were(tmp_path, label, other):
    first = run(tmp_path, label, other, methods=["llm"])
    both = run(tmp_path, label, other)  # the second method reads what the first has kept
    assert both["error"].tolist() == ["", ""]
    assert both["fit_seconds"][0] == pytest.approx(first["fit_seconds"][0])
    fresh = run(None, label, other)
    pd.testing.assert_frame_equal(without_times(both), without_times(fresh), check_dtype=False)


@pytest.mark.parametrize("text", ["cut\rhere", 'a "b"', "\ud800 alone", "NA", " lead", "x\u2028y"])
def test_texts_come_back_as_they_were(tmp_path, text):
    from sklw.comparison._folder import ResultsFolder
    from sklw.comparison._generated import Generated

    columns = {"text": [text, "b"], "label": ["01", "02"], "accepted": [True, False]}
    columns |= {"reason": ["", "null"], "parents": [(1, 2), ()]}
    verdicts = pd.DataFrame(columns, dtype=object).astype({"accepted": bool})
    with ResultsFolder(tmp_path, {}).opened() as store:
        store.write_generated(Generated(verdicts, 1.5, 7), 3, 0)
        store.write_weights(np.array([1.0]), "llm", 3, 0)
        back = store.read_generated(3, 0, np.array(["01", "02"]))
    assert (back.seconds, back.tokens) == (1.5, 7)
    pd.testing.assert_frame_equal(
        back.verdicts[list(verdicts)], verdicts, check_dtype=False, check_column_type=False
    )


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
            "texts": texts,
            "labels": ["up", "up", "up", "down", "down", "down"] * 8,
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
        ).fit(arguments["texts"], arguments["labels"])
        assert len(classifier.history_) < 40


class TestKilled:
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
            import os, signal, sys
            sys.path[:0] = {sys.path!r}
            from tests_of_folder import run
            from sklw.comparison import _folder
            put, calls = _folder._put, []
            def half(file, text):
                if file.name.endswith("results.csv"):
                    calls.append(text)
                    if len(calls) == 2:
                        file.write(text.encode()[:15])
                        file.flush()
                        os.kill(os.getpid(), signal.SIGKILL)
                put(file, text)
            _folder._put = half
            run({str(tmp_path / "out")!r})
        """
        source = tmp_path / "tests_of_folder.py"
        source.write_text(Path(__file__).read_text(encoding="utf-8"), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            env={**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"},
            check=False,
        )
        assert done.returncode == -signal.SIGKILL
        assert not (tmp_path / "out" / "results.csv").read_bytes().endswith(b"\n")
        again = run(tmp_path / "out")
        assert again["error"].tolist() == ["", ""]
        assert len(read_results(tmp_path / "out")) == 2

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


def test_two_processes_do_not_write_to_one_folder(tmp_path):
    from sklw.comparison._folder import ResultsFolder

    run(tmp_path)
    description = json.loads((tmp_path / "settings.json").read_text())
    before = (tmp_path / "results.csv").read_bytes()
    code = (
        "import sys; from sklw.comparison._folder import ResultsFolder; import json\n"
        f"description = json.loads({json.dumps(description)!r})\n"
        f"with ResultsFolder({str(tmp_path)!r}, description).opened():\n"
        "    print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "open\n"
        with pytest.raises(ValueError, match="Another comparison is writing"):
            run(tmp_path, seeds=[0, 1])
        assert (tmp_path / "results.csv").read_bytes() == before
        other.kill()  # and its lock is gone with it
        other.wait()
    with ResultsFolder(tmp_path, description).opened():
        pass
    assert len(run(tmp_path, seeds=[0, 1])) == 4


class Paid(RecordedGenerator):
    """Counts what it is asked."""

    asked = 0

    def iter_generate(self, requests):
        Paid.asked += len(requests)
        yield from super().iter_generate(requests)


@pytest.mark.parametrize("refused", ["generated_m6_seed0.csv", "generated_m6_seed0.json", "both"])
def test_a_training_set_is_paid_for_once_if_it_cannot_be_written(tmp_path, monkeypatch, refused):
    def full(path, text, real=store_module._write):
        if refused in (path.name, "both") and path.name != "settings.json":
            raise OSError(28, "No space left on device")
        real(path, text)

    monkeypatch.setattr(store_module, "_write", full)
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

    def full(file, text, real=store_module._put):
        if file.name.endswith(("results.csv", "seed0.csv.partial")) and refusals:
            file.write(text.encode()[:10])
            file.flush()
            raise refusals.pop()
        real(file, text)

    monkeypatch.setattr(store_module, "_put", full)
    with pytest.warns(UserWarning, match="No space left on device"):
        results = run(tmp_path)
    assert results["error"].tolist() == ["", ""]
    kept = read_results(tmp_path)
    pd.testing.assert_frame_equal(kept, results, check_dtype=False)
    texts = pd.read_csv(tmp_path / "generated_m6_seed0.csv")
    assert texts["text"].tolist() == ["win a prize", "win it all", "win the cup"]
