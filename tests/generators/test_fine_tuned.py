import pickle
import shutil
import sys
from collections import OrderedDict

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sklw import FineTunedGenerator, LLMOverSampler
from sklw.generators import Request, _fine_tuned, _training
from sklw.generators._decoding.loading import load_model
from sklw.models import EMBEDDED_LANGUAGE_MODEL

pytestmark = pytest.mark.filterwarnings("error:.*is deprecated and will be removed:FutureWarning")

ROWS = {"wet": "rain and clouds all day", "dry": "sun from dawn to dusk"}
PAIRS = [
    (f"Category: {label}\nText:", f" {row}\n") for label, row in ROWS.items() for _ in range(8)
]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Return the folder of a tiny model with the embedded one's tokenizer."""
    folder = tmp_path_factory.mktemp("small")
    tokenizer = load_model(EMBEDDED_LANGUAGE_MODEL, torch.bfloat16, "cpu").tokenizer
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = transformers.LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=48, intermediate_size=48, num_hidden_layers=1,
            num_attention_heads=2, num_key_value_heads=2, eos_token_id=2,
            tie_word_embeddings=False,
        )  # fmt: skip
        transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SKLW_CACHE", str(tmp_path))
    monkeypatch.setattr(_fine_tuned, "_models", OrderedDict())


def generator(model, **kwargs):
    settings = {"epochs": 20, "learning_rate": 2e-2, "verbose": False, "dtype": "float32"}
    return FineTunedGenerator(model, **{**settings, **kwargs})


def pairs(rng, permute):
    return PAIRS


@pytest.mark.parametrize("tuning", ["lora", "full"])
def test_it_writes_the_rows_of_the_class_it_learned(small, tuning):
    base = load_model(small, torch.float32, "cpu").model
    before = {name: weight.clone() for name, weight in base.named_parameters()}
    trained = generator(small, tuning=tuning, epochs=40, lora_rank=32).fit(pairs)
    for label, row in ROWS.items():
        request = Request(f"Category: {label}\nText:", seed=0, stop=("\n",), max_new_tokens=12)
        assert trained.set_params(temperature=0).generate([request])[0].text.strip() == row
    after = dict(base.named_parameters())
    assert all(torch.equal(after[name], weight) for name, weight in before.items())


def test_only_answers_are_learned(small):
    base = load_model(small, torch.float32, "cpu")
    rng = np.random.default_rng(0)
    for ids, targets in _training._batches(base, PAIRS, 4, rng):
        for row, target in zip(ids, targets, strict=True):
            learned = base.tokenizer.decode(row[target >= 0])
            assert learned.strip() in ROWS.values()
            assert learned.endswith("\n")
            assert torch.equal(row[target >= 0], target[target >= 0])


def test_the_same_rows_are_learned_once(small, monkeypatch):
    first = generator(small).fit(pairs)
    request = Request("Category: wet\nText:", seed=3, stop=("\n",), max_new_tokens=8)
    [answer] = first.generate([request])
    monkeypatch.setattr(_training, "_train", None)
    assert clone(first).fit(pairs).generate([request]) == [answer]
    monkeypatch.setattr(_fine_tuned, "_models", OrderedDict())  # another process
    assert clone(first).fit(pairs).generate([request]) == [answer]
    assert pickle.loads(pickle.dumps(first)).generate([request]) == [answer]
    assert len(pickle.dumps(first)) < 10_000
    with pytest.raises(TypeError):  # other rows, another training
        clone(first).fit(lambda rng, permute: PAIRS[:8])
    assert first.cache_key() != clone(first).set_params(epochs=3, folder=None).__dict__
    with pytest.raises(TypeError):
        generator(small, epochs=3).fit(pairs)


def test_an_interrupted_training_goes_on_from_its_last_epoch(small, monkeypatch, tmp_path):
    whole = generator(small, epochs=4, folder=tmp_path / "whole").fit(pairs)
    saved = _training._save

    def interrupt(state, path):
        saved(state, path)
        if state.get("epoch") == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(_training, "_save", interrupt)
    monkeypatch.setattr(_fine_tuned, "_models", OrderedDict())
    with pytest.raises(KeyboardInterrupt):
        generator(small, epochs=4).fit(pairs)
    seen = []
    monkeypatch.setattr(_training, "_save", saved)
    batches = _training._batches
    monkeypatch.setattr(_training, "_batches", lambda *args: seen.append(1) or batches(*args))
    again = generator(small, epochs=4).fit(pairs)
    assert len(seen) == 2
    for name, weight in again._load().model.named_parameters():
        assert torch.equal(weight, dict(whole._load().model.named_parameters())[name])
    assert not list(tmp_path.rglob("unfinished.pt"))


def test_damaged_weights_are_learned_again(small, tmp_path):
    first = generator(small, epochs=2).fit(pairs)
    [file] = tmp_path.rglob("weights.pt")
    file.write_bytes(b"half a file")
    _fine_tuned._models.clear()
    again = clone(first).fit(pairs)
    request = Request("Category: wet\nText:", seed=3, max_new_tokens=5)
    assert again.generate([request])[0].completion_tokens == 5


def test_another_base_is_not_taken_for_the_one_that_was_trained(small, tmp_path):
    base = shutil.copytree(small, tmp_path / "base")
    trained = generator(str(base), epochs=1).fit(pairs)
    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    model.lm_head.weight.data.neg_()
    model.save_pretrained(base)
    with pytest.raises(NotFittedError, match="no longer the model that was trained"):
        trained.generate([Request("a", seed=0)])
    first = trained.fingerprint_
    assert trained.fit(pairs).fingerprint_ != first


def test_bad_use_says_what_to_do(small, monkeypatch):
    with pytest.raises(NotFittedError, match="Give it to LLMOverSampler"):
        generator(small).generate([Request("a", seed=0)])
    full = generator(small, tuning="full", epochs=1).fit(pairs)
    monkeypatch.setattr(_fine_tuned, "_models", OrderedDict())
    with pytest.raises(NotFittedError, match="set folder"):
        full.generate([Request("a", seed=0)])
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ImportError, match=r"sklw\[finetune\]"):
        generator(small).fit(pairs)


def test_texts_are_written_by_a_trained_model(small):
    texts = [row for row in ROWS.values() for _ in range(8)] + [ROWS["wet"]] * 4
    labels = ["wet"] * 8 + ["dry"] * 8 + ["wet"] * 4
    sampler = LLMOverSampler(
        generator=generator(small, epochs=40, tuning="full", temperature=0.1),
        near_duplicate_threshold=None,
        max_attempts=2,
        on_shortfall="ignore",
        random_state=0,
    )
    sampler.fit_resample(texts, labels)
    # It can say nothing but what it has learned, which is known for a copy.
    assert (sampler.provenance_["text"] == ROWS["dry"]).all()
    assert set(sampler.provenance_["reason"]) == {"copied_real"}
    assert sampler.provenance_["parents"].map(len).eq(0).all()


@pytest.mark.parametrize("row_format", ["csv", "sentences"])
def test_tables_are_written_by_a_trained_model(small, row_format):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"size": rng.normal(5, 1, 40).round(1), "kind": rng.choice(["a", "b"], 40)})
    y = np.repeat(["no", "yes"], [28, 12])
    sampler = LLMOverSampler(
        generator=generator(small, epochs=2, permute_columns=True),
        row_format=row_format,
        on_shortfall="ignore",
        random_state=0,
        max_attempts=3,
    )
    X_new, _ = sampler.fit_resample(X, y)
    # The pattern holds even a model that has learned next to nothing to the columns.
    assert len(X_new) > 45
    assert "unparsable" not in set(sampler.provenance_["reason"])
    assert X_new.dtypes.equals(X.dtypes)


def test_weights_that_do_not_fit_the_disk_cost_a_later_training_not_this_one(small_disk):
    weights = {"layer": torch.zeros(1_000_000)}
    _training._save(weights, small_disk / "trained" / "weights.pt")
    assert list((small_disk / "trained").iterdir()) == []
    assert _training._read(small_disk / "trained" / "weights.pt", torch.device("cpu")) is None
