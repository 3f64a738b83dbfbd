"""TransformersGenerator with the embedded model."""

import pickle
import random
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file
from sklearn.base import clone
from transformers import AutoModelForCausalLM

sys.path.insert(0, str(Path(__file__).parent))
from _models import converted_folder, save_gguf, save_tiny

from sklw.exceptions import ModelNotFoundError
from sklw.generators import Request, TransformersGenerator


@pytest.fixture(scope="module")
def together(generator, requests):
    return generator.generate(requests)


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_texts_do_not_depend_on_what_stands_beside(generator, requests, together, batch_size):
    order = random.Random(batch_size).sample(range(len(requests)), 12 if batch_size > 1 else 5)
    answers = (
        clone(generator).set_params(batch_size=batch_size).generate([requests[i] for i in order])
    )
    assert answers == [together[i] for i in order]


@pytest.mark.slow
def test_texts_do_not_depend_on_what_stands_beside_in_float32(requests):
    generator = TransformersGenerator(dtype="float32")
    some = [replace(request, max_new_tokens=5) for request in requests[:9]]
    together = generator.generate(some)
    order = [7, 2, 4]
    assert generator.set_params(batch_size=2).generate([some[i] for i in order]) == [
        together[i] for i in order
    ]


@pytest.mark.slow
def test_another_seed_gives_another_text(generator, requests):
    same_prompt = [replace(requests[0], seed=seed, max_new_tokens=12) for seed in range(6)]
    assert len({completion.text for completion in generator.generate(same_prompt)}) == 6


@pytest.mark.slow
def test_greedy_answers_are_those_of_transformers(generator, requests):
    generator = clone(generator).set_params(temperature=0, dtype="float32", max_new_tokens=8)
    folder = converted_folder()
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    request = replace(requests[4], stop=(), max_new_tokens=None)
    ids = tokenizer(request.prompt, return_tensors="pt")
    output = model.generate(**ids, do_sample=False, max_new_tokens=8)
    expected = tokenizer.decode(output[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)
    assert generator.generate([request])[0].text == expected


@pytest.mark.slow
def test_answers_end_before_the_first_stop_string(generator, requests):
    free = replace(requests[5], stop=(), max_new_tokens=30)
    whole = generator.generate([free])[0]
    assert whole.finish_reason == "length"
    assert whole.completion_tokens == 30
    first, second = whole.text[12:15], whole.text[20:22]
    [cut] = generator.generate([replace(free, stop=("never to be seen", second, first))])
    end = min(whole.text.index(first), whole.text.index(second))
    assert (cut.text, cut.finish_reason) == (whole.text[:end], "stop")
    assert cut.completion_tokens < 30


@pytest.mark.slow
def test_special_tokens_end_an_answer_and_are_not_in_it(generator):
    conversation = (("user", "Answer with one word: what is the capital of France?"),)
    [answer] = (
        clone(generator)
        .set_params(temperature=0, max_new_tokens=40)
        .generate([Request(conversation, seed=0)])
    )
    assert answer.finish_reason == "stop"
    assert answer.completion_tokens < 40
    assert "Paris" in answer.text
    assert "<|" not in answer.text


@pytest.mark.slow
def test_completions_come_one_by_one_and_what_came_is_kept(generator, requests):
    answers = clone(generator).set_params(batch_size=4).iter_generate(requests)
    first = [next(answers) for _ in range(3)]
    answers.close()
    assert len({index for index, _ in first}) == 3


def test_numbers_of_numpy_are_like_others(tmp_path):
    folder = save_tiny(tmp_path)
    request = Request("one two three " * 90, seed=np.int64(3), max_new_tokens=np.uint8(200))
    plain = {"temperature": 0.5, "top_p": 0.75, "top_k": 9, "min_p": 0.125, "batch_size": 2}
    numpy = {
        name: np.asarray(value, "b" if value > 1 else "e")[()] for name, value in plain.items()
    }
    answers = [
        TransformersGenerator(folder, dtype="float32", **settings).generate([request])[0].text
        for settings in (plain, numpy)
    ]
    assert answers[0] == answers[1]


def test_a_pickle_carries_no_model(generator):
    assert len(pickle.dumps(generator)) < 2000
    assert pickle.loads(pickle.dumps(generator)).get_params() == generator.get_params()


def test_only_the_last_two_models_are_kept(tmp_path, monkeypatch):
    load, loaded = transformers.AutoModelForCausalLM.from_pretrained, []

    def noted(folder, *args, **kwargs):
        loaded.append(Path(folder).name)
        return load(folder, *args, **kwargs)

    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", noted)
    generators = {}
    for name in "abc":
        (tmp_path / name).mkdir()
        generators[name] = TransformersGenerator(save_tiny(tmp_path / name), dtype="float32")
    for name in "aabbcbac":
        clone(generators[name]).generate([Request("one", seed=0, max_new_tokens=1)])
    assert loaded == list("abcac")


@pytest.mark.slow
def test_a_file_is_converted_once_whatever_its_path(tmp_path, monkeypatch):
    monkeypatch.setenv("SKLW_CACHE", str(tmp_path / "cache"))
    asked = [Request("one two", seed=0, max_new_tokens=4)]
    file = save_gguf(tmp_path / "tiny.gguf")

    def answers_of_copy(name):
        (tmp_path / name).mkdir()
        return TransformersGenerator(shutil.copy(file, tmp_path / name)).generate(asked)

    def full(*args, **params):
        raise MemoryError

    answers = TransformersGenerator(file).generate(asked)
    [folder] = (tmp_path / "cache" / "models").iterdir()
    kept, weights = folder / "model.safetensors", load_file(folder / "model.safetensors")
    written = kept.stat().st_mtime_ns
    assert answers_of_copy("elsewhere") == answers
    assert kept.stat().st_mtime_ns == written
    with monkeypatch.context() as patch:
        patch.setattr(AutoModelForCausalLM, "from_pretrained", full)
        with pytest.raises(MemoryError):
            answers_of_copy("while_memory_is_full")
    assert kept.stat().st_mtime_ns == written
    kept.unlink()
    (folder / "config.json").write_text("{")  # damaged: the file itself is to be read
    assert answers_of_copy("again") == answers
    assert list(folder.parent.iterdir()) == [folder]
    repaired = load_file(kept)
    assert weights.keys() == repaired.keys()
    assert all(torch.equal(tensor, repaired[name]) for name, tensor in weights.items())


@pytest.mark.slow
def test_loading_hides_its_progress_bar_and_nothing_else(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SKLW_CACHE", str(tmp_path / "cache"))
    load = AutoModelForCausalLM.from_pretrained

    def speaking(*args, **params):
        print("said by another thread", file=sys.stderr)
        return load(*args, **params)

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", speaking)
    file = save_gguf(tmp_path / "tiny.gguf")
    TransformersGenerator(file).generate([Request("one", seed=0, max_new_tokens=1)])
    said = capsys.readouterr().err
    assert "said by another thread" in said
    assert "de-quantizing" not in said


@pytest.mark.slow
def test_a_prompt_longer_than_the_context_is_refused_at_once(generator):
    requests = [Request("short", seed=0), Request("word " * 9000, seed=1)]
    with pytest.raises(ValueError, match=r"request 1 has 9\d+ tokens.*at most 8192.*fewer"):
        next(generator.iter_generate(requests))


@pytest.mark.slow
def test_an_empty_prompt_starts_a_text(generator):
    [answer] = generator.generate([Request("", seed=3, max_new_tokens=3)])
    assert answer.prompt_tokens == 1
    assert answer.completion_tokens == 3


def test_no_requests_need_no_model():
    assert TransformersGenerator("/nowhere/at/all").generate([]) == []


def test_a_model_that_is_not_there_is_said_to_be(tmp_path):
    with pytest.raises(ModelNotFoundError, match=r"neither a folder nor a .gguf"):
        TransformersGenerator("/nowhere/at/all").generate([Request("a", seed=0)])
    with pytest.raises(ModelNotFoundError, match="could not be loaded"):
        TransformersGenerator(str(tmp_path)).generate([Request("a", seed=0)])


@pytest.mark.parametrize(
    "parameter", [{"temperature": -1}, {"top_p": 0}, {"max_new_tokens": 0}, {"prompting": "x"}]
)
def test_bad_parameters_are_named(parameter):
    with pytest.raises(ValueError, match=next(iter(parameter))):
        TransformersGenerator(**parameter).generate([Request("a", seed=0)])


def test_the_cache_key_holds_what_determines_an_answer():
    plain = TransformersGenerator().cache_key()
    assert TransformersGenerator(batch_size=7).cache_key() == plain
    for parameter in (
        {"temperature": 0.5}, {"top_p": 0.5}, {"top_k": 5}, {"min_p": 0.1},
        {"max_new_tokens": 5}, {"dtype": "float32"}, {"prompting": "chat"},
    ):  # fmt: skip
        key = TransformersGenerator(**parameter).cache_key()
        assert key != plain or parameter.get("dtype") == plain["dtype"]


@pytest.mark.slow
def test_importing_and_building_a_generator_loads_no_torch():
    code = (
        "import sys; from sklw.generators import TransformersGenerator; "
        "TransformersGenerator(); assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
