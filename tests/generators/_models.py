"""Tiny language models, and where the embedded one lies in transformers' own format."""

import functools
import json
import os
import weakref
from pathlib import Path

import gguf
import numpy as np
import torch
import transformers
from tokenizers import ByteLevelBPETokenizer

from sklw import TransformersGenerator


def byte_level_tokenizer(texts, size=400):
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(texts, size, 1, special_tokens=["<end>"])
    return trained


def save_tokenizer(folder, texts=("one two three four",), size=400):
    """Save a byte-level tokenizer; its token 0 ends a text."""
    trained = byte_level_tokenizer(texts, size)
    trained.save_model(str(folder))
    tokenizer = transformers.GPT2Tokenizer.from_pretrained(
        folder, eos_token="<end>", bos_token="<end>", unk_token="<end>"
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def save_tiny(folder, config_class=transformers.LlamaConfig, texts=("one two three",), **settings):
    """Save a model of random weights with a byte-level tokenizer."""
    tokenizer = save_tokenizer(folder, texts)
    if config_class is transformers.LlamaConfig:
        sizes = {"intermediate_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2}
        settings = sizes | settings
    settings = {"hidden_size": 64, "num_hidden_layers": 1, "initializer_range": 0.3, **settings}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = config_class(vocab_size=len(tokenizer), eos_token_id=0, **settings)
        transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return str(folder)


def save_gguf(path):
    """Save a Llama model of random weights with a byte-level tokenizer as a GGUF file."""
    trained = json.loads(byte_level_tokenizer(["one two three"]).to_str())["model"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(64)
    writer.add_block_count(1)
    writer.add_embedding_length(64)
    writer.add_feed_forward_length(64)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(list(trained["vocab"]))
    writer.add_token_merges([" ".join(pair) for pair in trained["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    random = np.random.default_rng(0)
    shapes = {"token_embd": (len(trained["vocab"]), 64), "output_norm": (64,)}
    block = {"attn_k": (32, 64), "attn_v": (32, 64), "attn_norm": (64,), "ffn_norm": (64,)}
    block |= dict.fromkeys(("attn_q", "attn_output", "ffn_gate", "ffn_up", "ffn_down"), (64, 64))
    for name, shape in (shapes | {f"blk.0.{name}": block[name] for name in block}).items():
        writer.add_tensor(f"{name}.weight", random.normal(size=shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return str(path)


def converted_folder():
    """Return the folder in which TransformersGenerator keeps the embedded model in float32."""
    TransformersGenerator(dtype="float32").count_tokens("load it")
    cache = Path(os.environ.get("SKLW_CACHE", "~/.cache/sklw")).expanduser()
    [folder] = (cache / "models").glob(f"SmolLM2*-float32-transformers-{transformers.__version__}")
    return folder


class Watched:
    """Notes the rows and the cache of each forward pass of Llama models."""

    def __init__(self, monkeypatch, most=None):
        self.rows, self.caches = [], []
        forward = transformers.LlamaForCausalLM.forward

        @functools.wraps(forward)  # transformers looks at its signature
        def watched(model, input_ids=None, **kwargs):
            rows = len(input_ids)
            self.rows.append(rows)
            caches = (value for value in kwargs.values() if isinstance(value, transformers.Cache))
            self.caches += map(weakref.ref, caches)
            if most is not None and rows > most:
                raise torch.OutOfMemoryError
            return forward(model, input_ids=input_ids, **kwargs)

        monkeypatch.setattr(transformers.LlamaForCausalLM, "forward", watched)
