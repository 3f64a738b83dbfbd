import pickle

import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from sklw import (
    BertClassifier,
    LLMOverSampler,
    TextEmbedder,
    TransformersGenerator,
    _hardware,
    make_pipeline,
)
from sklw.generators import Request

X = ["a leak", "a spark", "a lamp", "a door"] * 3
Y = [0, 1, 1, 1] * 3
ABSENT = pytest.mark.parametrize("device", ["gpu", "cuda:64"])


@ABSENT
def test_a_device_that_is_not_there_is_refused_with_what_to_do(device):
    message = rf"device='{device}' cannot be used.*Use device='auto'"
    with pytest.raises(ValueError, match=message):
        BertClassifier(device=device).fit(X, Y)
    with pytest.raises(ValueError, match=message):
        TextEmbedder(device=device).fit_transform(X)
    with pytest.raises(ValueError, match=message):
        TransformersGenerator(device=device).generate([Request("a", seed=0)])


@ABSENT
@pytest.mark.parametrize("last", [BertClassifier, TextEmbedder], ids=lambda last: last.__name__)
def test_a_pipeline_finds_that_before_it_generates(device, last):
    steps = [last(device=device)] + [LogisticRegression()] * (last is TextEmbedder)
    unasked = TransformersGenerator("/nowhere/at/all")
    with pytest.raises(ValueError, match=f"device='{device}' cannot be used"):
        make_pipeline(LLMOverSampler(unasked), *steps).fit(X, Y)


@pytest.mark.filterwarnings("ignore::skorch.exceptions.DeviceWarning")
def test_settings_for_another_machine_can_be_cloned_and_pickled():
    net = BertClassifier(device="cuda:64")
    assert clone(net).get_params()["device"] == "cuda:64"
    assert pickle.loads(pickle.dumps(net)).max_epochs == net.max_epochs


@pytest.mark.parametrize(
    ("instructions", "dtype"),
    [
        ({"avx2", "avx512_f"}, torch.float32),
        ({"avx512_bf16"}, torch.bfloat16),  # AMD since Zen 4, Cooper Lake
        ({"avx512_bf16", "avx512_fp16", "amx_bf16"}, torch.bfloat16),  # Sapphire Rapids
        ({"avx512_bf16", "avx512_fp16"}, torch.float32),  # the same with AMX hidden
        ({"neon", "bf16"}, torch.bfloat16),
    ],
)
def test_auto_is_bfloat16_only_where_that_is_faster(instructions, dtype, monkeypatch):
    monkeypatch.setattr(_hardware, "cpu_instructions", lambda: instructions)
    assert _hardware.choose_precision.__wrapped__("auto", "cpu") == dtype
