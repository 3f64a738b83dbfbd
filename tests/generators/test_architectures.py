"""Models of every kind: tiny, with random weights, against transformers' own decoding."""

import sys
import warnings
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

sys.path.insert(0, str(Path(__file__).parent))
from _models import Watched

from sklw.exceptions import GenerationWarning, ModelNotFoundError
from sklw.generators import Request, TransformersGenerator

pytestmark = pytest.mark.filterwarnings(
    "error:.*(past_key_values|cache_params).*deprecated:FutureWarning"
)

SIZES = {
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 512,
    "initializer_range": 0.3,
    "sliding_window": 32,
    "num_local_experts": 4,
    "num_experts": 4,
    "num_experts_per_tok": 2,
}
MAMBA = {"mamba_n_heads": 8, "mamba_d_head": 16, "mamba_d_state": 16, "mamba_expand": 2}
ROPE = {"rope_theta": 1e4, "factor": 4.0, "original_max_position_embeddings": 64}
LONG_ROPE = {
    **ROPE, "rope_type": "longrope", "short_factor": [1.0] * 8, "long_factor": [3.0] * 8
}  # fmt: skip
# Kind, settings, and what the reason against slots says (None: they fit).
CASES = {
    "llama": ("llama", {}, None),
    "qwen2": ("qwen2", {"sliding_window": None}, None),
    "gpt2": ("gpt2", {"n_embd": 64, "n_layer": 2, "n_head": 4}, None),
    "gpt_neox": ("gpt_neox", {}, None),
    "xlm-roberta": ("xlm-roberta", {"is_decoder": True}, None),
    "llama, yarn": ("llama", {"rope_parameters": {**ROPE, "rope_type": "yarn"}}, None),
    "llama, dynamic": ("llama", {"rope_parameters": {**ROPE, "rope_type": "dynamic"}}, "length"),
    "phi3, longrope": (
        "phi3",
        {"rope_parameters": LONG_ROPE, "sliding_window": None, "pad_token_id": 0,
         "original_max_position_embeddings": 64},
        "length",
    ),
    "mistral": ("mistral", {}, "other than the keys and values"),
    "gemma3": ("gemma3_text", {}, "other than the keys and values"),
    "gpt_oss": ("gpt_oss", {}, "other than the keys and values"),
    "gpt_neo": (
        "gpt_neo",
        {"attention_types": [[["global", "local"], 1]], "num_layers": 2, "window_size": 32,
         "num_heads": 4},
        "window_size=32",
    ),
    "bloom": ("bloom", {"n_head": 4, "n_layer": 2}, "does not take"),
    "openai-gpt": ("openai-gpt", {"n_embd": 64, "n_layer": 2, "n_head": 4}, "does not take"),
    "mamba": ("mamba", {"state_size": 8}, "other than the keys and values|takes no cache"),
    "bamba": ("bamba", {**MAMBA, "mamba_n_groups": 1, "attn_layer_indices": [1]}, "."),
    "jamba": (
        "jamba",
        {"attn_layer_period": 2, "attn_layer_offset": 1, "expert_layer_period": 2,
         "expert_layer_offset": 1, "use_mamba_kernels": False},
        ".",
    ),
    "minimax": ("minimax", {}, "."),
    "rwkv": ("rwkv", {"context_length": 512}, "takes no cache"),
    "recurrent_gemma": ("recurrent_gemma", {"num_hidden_layers": 3}, "."),
    "lfm2": ("lfm2", {"full_attn_idxs": [1], "block_auto_adjust_ff_dim": False}, "."),
}  # fmt: skip
ALPHABET = sorted(pre_tokenizers.ByteLevel.alphabet())


def save_tokenizer(folder, special=("<end>",)):
    """Save a tokenizer of single bytes, its special tokens first."""
    ids = {token: number for number, token in enumerate([*special, *ALPHABET])}
    tokenizer = Tokenizer(models.BPE(ids, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=special[0], model_max_length=512
    )
    fast.add_special_tokens({"additional_special_tokens": list(special[1:])})
    fast.save_pretrained(folder)
    return fast


def save_model(folder, kind, **settings):
    tokenizer = save_tokenizer(folder)
    known = transformers.AutoConfig.for_model(kind)
    sizes = {name: value for name, value in SIZES.items() if hasattr(known, name)}
    config = transformers.AutoConfig.for_model(
        kind,
        **{**sizes, "pad_token_id": None, "bos_token_id": None, **settings},
        vocab_size=len(tokenizer),
        eos_token_id=0,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return str(folder)


def ask(folder, prompts, **settings):
    generator = TransformersGenerator(folder, dtype="float32", device="cpu", **settings)
    return generator.generate([Request(prompt, seed=i) for i, prompt in enumerate(prompts)])


QUICK = ("gpt2", "llama", "mistral", "qwen2")


@pytest.fixture(
    params=[pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in CASES]
)
def case(request, tmp_path):
    kind, settings, reason = CASES[request.param]
    if kind not in transformers.CONFIG_MAPPING:
        pytest.skip("not in this version of transformers")
    return save_model(tmp_path, kind, **settings), reason


def test_greedy_answers_are_those_of_generate(case):
    folder, reason = case
    prompts = ["four", "one two three four five", "one two three four six", "on and on " * 30]
    generator = TransformersGenerator(
        folder, dtype="float32", device="cpu", temperature=0, max_new_tokens=24, batch_size=3
    )
    requests = [Request(prompt, seed=0) for prompt in prompts]
    if reason is None:
        with warnings.catch_warnings():
            warnings.simplefilter("error", GenerationWarning)
            answers = generator.generate(requests)
    else:
        with pytest.warns(GenerationWarning, match=f"is slower.*because.*({reason})"):
            answers = generator.generate(requests)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    plain = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    for prompt, answer in zip(prompts, answers, strict=True):
        ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
        output = plain.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=24
        )[0, ids.shape[1] :]
        assert answer.text == tokenizer.decode(output, skip_special_tokens=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["llama", "bloom", "mistral", "mamba", "minimax", "rwkv"])
@pytest.mark.filterwarnings("ignore::sklw.exceptions.GenerationWarning")
def test_requests_are_kept_apart(name, tmp_path):
    kind, settings, _ = CASES[name]
    folder = save_model(tmp_path, kind, **settings)
    prompts = ["one two three" + " four" * (i % 3) for i in range(9)]
    together = ask(folder, prompts, max_new_tokens=6)
    assert ask(folder, prompts, max_new_tokens=6, batch_size=2) == together
    assert len({answer.text for answer in together}) > 5


def test_the_warning_comes_once_a_model(tmp_path):
    folder = save_model(tmp_path, "mistral")
    with pytest.warns(GenerationWarning, match="MistralForCausalLM is decoded by"):
        ask(folder, ["one"], max_new_tokens=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error", GenerationWarning)
        ask(folder, ["one"], max_new_tokens=2)


@pytest.mark.parametrize("steps", [(), ("use_cache",)])
def test_a_model_that_gives_back_no_cache_is_refused(steps, tmp_path, monkeypatch):
    folder = save_model(tmp_path, "llama")
    forward = transformers.LlamaForCausalLM.forward

    def forgetful(self, *args, cache=None, past_key_values=None, **kwargs):
        return forward(self, *args, **{**kwargs, **dict.fromkeys(steps, False)})

    monkeypatch.setattr(transformers.LlamaForCausalLM, "forward", forgetful)
    with pytest.raises(RuntimeError, match="LlamaForCausalLM gives back no usable cache"):
        ask(folder, ["one"])


def test_a_model_that_reads_both_ways_is_refused(tmp_path):
    with pytest.raises(RuntimeError, match="no usable cache"):
        ask(save_model(tmp_path, "bert", is_decoder=False), ["one"])


def test_penalties_of_the_folder_are_not_applied(tmp_path):
    folder = save_model(tmp_path, "llama")
    plain = ask(folder, ["one two"], temperature=0, max_new_tokens=20)
    transformers.GenerationConfig(repetition_penalty=9.0, eos_token_id=0).save_pretrained(folder)
    assert ask(folder, ["one two"], temperature=0, max_new_tokens=20) == plain


def test_weights_of_another_kind_are_refused(tmp_path):
    config = transformers.LlamaConfig(
        hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        vocab_size=len(save_tokenizer(tmp_path)), tie_word_embeddings=False,
    )  # fmt: skip
    transformers.LlamaModel(config).save_pretrained(tmp_path)  # without a head
    with pytest.raises(ModelNotFoundError, match=r"weights lack 1 .*lm_head.*random"):
        ask(str(tmp_path), ["one"])


def scripted(folder, tokens, special, template=None):
    """Return a generator of a model that says the tokens, whatever it is asked.

    The model has no memory: each token is followed by its successor among those to be said, and
    any other token by the first one.
    """
    tokenizer = save_tokenizer(folder, special)
    if template is not None:
        tokenizer.chat_template = template
        tokenizer.save_pretrained(folder)
    size = len(tokenizer)
    config = transformers.LlamaConfig(
        vocab_size=size, hidden_size=4 * size, intermediate_size=2, num_hidden_layers=1,
        num_attention_heads=2, eos_token_id=0, pad_token_id=None, bos_token_id=None,
    )  # fmt: skip
    model = transformers.AutoModelForCausalLM.from_config(config)
    said = tokenizer.convert_tokens_to_ids(tokens)
    follows = dict(pairwise(said))
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        model.model.embed_tokens.weight.copy_(torch.eye(size, 4 * size))
        model.lm_head.weight.zero_()
        for token in range(size):
            model.lm_head.weight[follows.get(token, said[0]), token] = 100
    model.save_pretrained(folder)
    return TransformersGenerator(
        folder, dtype="float32", device="cpu", max_new_tokens=len(tokens), prompting="chat"
    )


def test_a_template_that_refuses_a_role_is_named_with_what_to_do(tmp_path):
    template = "{{ raise_exception('System role not supported') }}"
    generator = scripted(tmp_path, ["a", "<end>"], ["a b"], template)
    conversation = (("system", "Be brief."), ("user", "Write."))
    message = r"refuses this conversation of system, user: System role.*prompting='completion'"
    with pytest.raises(ValueError, match=message):
        generator.generate([Request(conversation, seed=0)])


@pytest.mark.slow
@pytest.mark.parametrize(
    "marks",
    [
        ("<|channel|>", "<|message|>", "<|end|>", "<|start|>"),
        ("[THINK]", "[/THINK]", "[INST]", "<s>"),
        ("<|START_THINKING|>", "<|END_THINKING|>", "<|START_RESPONSE|>", "<|END_RESPONSE|>"),
    ],
)
def test_tokens_that_open_or_part_an_answer_do_not_end_it(marks, tmp_path):
    said = [marks[0], "a", marks[1], "b", marks[2], marks[3], "c"]
    generator = scripted(tmp_path, [*said, "<end>", "d"], ("<end>", *marks))
    [answer] = generator.generate([Request("one", seed=0)])
    assert (answer.text, answer.finish_reason) == ("".join(said), "stop")


def test_an_unknown_token_may_open_an_answer_of_a_conversation(tmp_path):
    special = ("<end>", "<|turn|>", "<|go|>", "<|on|>")
    template = "{% for m in messages %}<|turn|>{{ m.content }}{% endfor %}<|turn|>"
    tokens = ["<|go|>", "a", "<|on|>", "b", "<end>"]
    generator = scripted(tmp_path, tokens, special, template)
    conversation = Request((("user", "one"),), seed=0)
    assert generator.generate([conversation])[0].text == "<|go|>a<|on|>b"
    # It opens nothing where there is no conversation.
    assert generator.generate([Request("one", seed=0)])[0].text == ""


def test_the_start_of_another_turn_ends_an_answer(tmp_path):
    special = ("<end>", "<|turn|>", "<|go|>")
    template = "{% for m in messages %}<|turn|>{{ m.content }}{% endfor %}<|go|>"
    generator = scripted(tmp_path, ["a", "<|turn|>", "b"], special, template)
    [answer] = generator.generate([Request((("user", "one"),), seed=0)])
    assert (answer.text, answer.finish_reason) == ("a", "stop")


@pytest.mark.parametrize(("known", "prompt"), [(True, "one, at once"), (False, "one")])
def test_models_are_asked_not_to_think(known, prompt, tmp_path):
    template = "{{ messages[0].content }}"
    if known:
        template += (
            "{% if enable_thinking is defined and not enable_thinking %}, at once{% endif %}"
        )
    generator = scripted(tmp_path, ["a", "<end>"], ("<end>",), template)
    assert generator.count_tokens((("user", "one"),)) == len(prompt)


def test_the_check_is_made_once(tmp_path, monkeypatch):
    watched = Watched(monkeypatch)
    folder = save_model(tmp_path, "llama")
    passes = []
    for _ in range(3):
        ask(folder, ["one"], max_new_tokens=2)
        passes.append(len(watched.rows))
        watched.rows.clear()
    assert passes[0] > passes[1] == passes[2]
