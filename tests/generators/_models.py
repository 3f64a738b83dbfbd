"""Tiny language models, and where the embedded one lies in transformers' own format."""

import functools
import os
import weakref
from pathlib import Path

import torch
import transformers
from tokenizers import ByteLevelBPETokenizer

from sklw import TransformersGenerator


def save_tokenizer(folder, texts=("one two three four",), size=400):
    """Save a byte-level tokenizer; its token 0 ends a text."""
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(texts, size, 1, special_tokens=["<end>"])
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


def converted_folder(dtype):
    """Return the folder in which TransformersGenerator keeps the embedded model."""
    TransformersGenerator(dtype=dtype).count_tokens("load it")
    cache = Path(os.environ.get("SKLW_CACHE", "~/.cache/sklw")).expanduser()
    name = f"*-{dtype}-transformers-{transformers.__version__}"
    [folder] = (cache / "models").glob(name)
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
