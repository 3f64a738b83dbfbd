"""TransformersGenerator with the embedded model."""

import gc
import pickle
import random
import shutil
import subprocess
import sys
import weakref
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from sklearn.base import clone

from sklw.exceptions import ModelNotFoundError
from sklw.generators import Request, TransformersGenerator, _decoding, _loading
from sklw.models import locate_model


@pytest.fixture(scope="module")
def together(generator, requests):
    return generator.generate(requests)


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_texts_do_not_depend_on_what_stands_beside(generator, requests, together, batch_size):
    order = random.Random(batch_size).sample(range(len(requests)), 12 if batch_size > 1 else 5)
    answers = (
        clone(generator).set_params(batch_size=batch_size).generate([requests[i] for i in order])
    )
    assert answers == [together[i] for i in order]


def test_texts_do_not_depend_on_what_stands_beside_in_float32(requests):
    generator = TransformersGenerator(dtype="float32")
    some = [replace(request, max_new_tokens=5) for request in requests[:9]]
    together = generator.generate(some)
    order = [7, 2, 4]
    assert generator.set_params(batch_size=2).generate([some[i] for i in order]) == [
        together[i] for i in order
    ]


def test_another_seed_gives_another_text(generator, requests):
    same_prompt = [replace(requests[0], seed=seed, max_new_tokens=12) for seed in range(6)]
    assert len({completion.text for completion in generator.generate(same_prompt)}) == 6


def test_greedy_answers_are_those_of_transformers(generator, requests):
    generator = clone(generator).set_params(temperature=0, dtype="float32", max_new_tokens=8)
    loaded = generator._load()
    request = replace(requests[4], stop=(), max_new_tokens=None)
    ids = loaded.tokenizer(request.prompt, return_tensors="pt")
    output = loaded.model.generate(**ids, do_sample=False, max_new_tokens=8)
    expected = loaded.tokenizer.decode(
        output[0, ids["input_ids"].shape[1] :], skip_special_tokens=True
    )
    assert generator.generate([request])[0].text == expected


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


def test_completions_come_one_by_one_and_what_came_is_kept(generator, requests):
    answers = clone(generator).set_params(batch_size=4).iter_generate(requests)
    first = [next(answers) for _ in range(3)]
    answers.close()
    assert len({index for index, _ in first}) == 3


def test_a_clone_does_not_load_again_and_a_pickle_carries_no_model(generator):
    assert clone(generator)._load() is generator._load()
    assert len(pickle.dumps(generator)) < 2000
    assert pickle.loads(pickle.dumps(generator)).get_params() == generator.get_params()


def test_only_the_last_models_are_kept(generator, monkeypatch):
    monkeypatch.setattr(_loading, "_KEPT", 1)
    generator._load()
    TransformersGenerator(dtype="float32")._load()
    assert len(_loading._loaded) == 1


def test_converted_weights_are_the_ones_of_the_file(generator, tmp_path, monkeypatch):
    converted = generator._load()
    monkeypatch.setenv("SKLW_CACHE", str(tmp_path))
    monkeypatch.setattr(_loading, "_loaded", type(_loading._loaded)())
    folder = _loading._converted(locate_model(generator.model), converted.model.dtype)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{")  # damaged: the file itself is to be read
    direct = generator._load()
    assert (folder / "model.safetensors").is_file()  # and repaired
    weights = direct.model.state_dict()
    for name, tensor in converted.model.state_dict().items():
        assert torch.equal(tensor, weights[name])
    assert converted.stop_ids == direct.stop_ids
    text = "a b\n\nç <|im_end|> 12345"
    assert converted.tokenizer(text)["input_ids"] == direct.tokenizer(text)["input_ids"]
    assert converted.tokenizer.chat_template == direct.tokenizer.chat_template


def test_copies_of_a_file_share_one_conversion(generator, tmp_path):
    source = locate_model(generator.model)
    copy = shutil.copy(Path(source.location) / source.gguf_file, tmp_path)
    folder = _loading._converted(locate_model(copy), torch.float32)
    assert folder == _loading._converted(source, torch.float32)
    assert folder != _loading._converted(source, torch.bfloat16)


def test_a_prompt_longer_than_the_context_is_refused_at_once(generator):
    requests = [Request("short", seed=0), Request("word " * 9000, seed=1)]
    with pytest.raises(ValueError, match=r"request 1 has 9\d+ tokens.*at most 8192.*fewer"):
        next(generator.iter_generate(requests))


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


def test_the_batch_is_halved_when_memory_runs_out(generator, requests, together, monkeypatch):
    whole_step, sizes = _decoding._step, []

    def step(slots, active, settings):
        sizes.append(len(active))
        if len(active) > 3:
            raise torch.OutOfMemoryError
        whole_step(slots, active, settings)

    monkeypatch.setattr(_decoding, "_step", step)
    assert generator.generate(requests[:7]) == together[:7]
    assert sizes[0] > 3
    assert max(sizes[1:]) <= 3


def test_buffers_are_freed_without_waiting_for_the_collector(generator, requests, monkeypatch):
    whole, made = _decoding.Slots, []

    def make(*arguments):
        slots = whole(*arguments)
        made.append(weakref.ref(slots))
        return slots

    monkeypatch.setattr(_decoding, "Slots", make)
    gc.collect()
    gc.disable()
    try:
        generator.generate(requests[:2])
        alive = [ref for ref in made if ref() is not None]
    finally:
        gc.enable()
    assert made
    assert not alive


def test_importing_and_building_a_generator_loads_no_torch():
    code = (
        "import sys; from sklw.generators import TransformersGenerator; "
        "TransformersGenerator(); assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
