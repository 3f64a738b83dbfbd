"""Models of other kinds: tiny, with random weights, against transformers' own decoding."""

import pytest
import torch
import transformers

from sklw.generators import Request, TransformersGenerator
from sklw.generators._loading import load_model
from sklw.models import EMBEDDED_LANGUAGE_MODEL

SIZES = {
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "initializer_range": 0.3,
}
MODELS = {
    "gpt2": (
        transformers.GPT2Config,
        {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 256, "initializer_range": 0.3},
        True,
    ),
    "qwen2": (transformers.Qwen2Config, {**SIZES, "num_key_value_heads": 2}, True),
    "bloom": (transformers.BloomConfig, {"hidden_size": 64, "n_layer": 2, "n_head": 4}, None),
    "gpt_neox": (transformers.GPTNeoXConfig, SIZES, True),
    "mistral, sliding window": (
        transformers.MistralConfig,
        {**SIZES, "num_key_value_heads": 4, "sliding_window": 8},
        False,
    ),
    "mamba": (transformers.MambaConfig, {"hidden_size": 64, "num_hidden_layers": 2}, False),
}


@pytest.fixture(params=list(MODELS), ids=list(MODELS))
def tiny(request, tmp_path):
    config_class, parameters, slots = MODELS[request.param]
    tokenizer = load_model(EMBEDDED_LANGUAGE_MODEL, torch.bfloat16, "cpu").tokenizer
    torch.manual_seed(0)
    config = config_class(vocab_size=len(tokenizer), eos_token_id=2, pad_token_id=2, **parameters)
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    return str(tmp_path), slots


def test_other_architectures_decode_as_transformers_does(tiny):
    folder, slots = tiny
    generator = TransformersGenerator(folder, dtype="float32", temperature=0, max_new_tokens=6)
    loaded = generator._load()
    prompts = ["one two three", "four", "a longer prompt that goes on and on " * 5, "one two four"]
    answers = generator.generate([Request(prompt, seed=0) for prompt in prompts])
    assert slots is None or loaded.memo["slots"] is slots
    for prompt, answer in zip(prompts, answers, strict=True):
        ids = loaded.tokenizer(prompt, return_tensors="pt")["input_ids"]
        output = loaded.model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=6
        )[0, ids.shape[1] :]
        assert answer.text == loaded.tokenizer.decode(output, skip_special_tokens=True)


def test_other_architectures_keep_requests_apart(tiny):
    folder, _ = tiny
    generator = TransformersGenerator(folder, dtype="float32", max_new_tokens=6)
    requests = [Request("one two three" + " four" * (i % 3), seed=i) for i in range(9)]
    together = generator.generate(requests)
    assert generator.set_params(batch_size=2).generate(requests[2:7]) == together[2:7]
