import re
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import transformers
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

sys.path.insert(0, str(Path(__file__).parent))
from _models import save_tiny

from sklw.exceptions import GenerationWarning
from sklw.generators import Request, TransformersGenerator

PATTERN = r" (-?(0|[1-9])\.[0-9]),(red|blue, dark),[0-9]{4}" + "\n"
REQUESTS = [
    Request("Row: 0.5,red,2021\nRow:", seed=seed, stop=("\n",), max_new_tokens=24, pattern=PATTERN)
    for seed in range(8)
]


def fits(completion):
    return re.fullmatch(PATTERN, completion.text + "\n") is not None


@pytest.mark.slow
def test_answers_match_the_pattern_whatever_stands_beside_them(generator):
    free = replace(REQUESTS[0], pattern=None, seed=5)
    answers = generator.generate([*REQUESTS, free])
    assert all(map(fits, answers[:-1]))
    assert {answer.finish_reason for answer in answers[:-1]} == {"stop"}
    assert len({answer.text for answer in answers}) > 2
    small = TransformersGenerator(batch_size=3).generate(REQUESTS[::-1])
    assert [a.text for a in small[::-1]] == [a.text for a in answers[:-1]]
    assert generator.generate([free])[0].text == answers[-1].text


@pytest.mark.filterwarnings("ignore:MambaForCausalLM is decoded")
@pytest.mark.parametrize("config", [transformers.LlamaConfig, transformers.MambaConfig])
def test_every_architecture_is_held_to_it(config, tmp_path):
    save_tiny(tmp_path, config)
    answers = TransformersGenerator(tmp_path, top_p=1.0, temperature=2.0).generate(REQUESTS)
    assert all(fits(answer) or answer.finish_reason == "length" for answer in answers)
    assert any(map(fits, answers))


def test_without_the_package_answers_are_free(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "llguidance", None)
    free = [replace(request, pattern=None) for request in REQUESTS[:2]]
    generator = TransformersGenerator(save_tiny(tmp_path), dtype="float32")
    with pytest.warns(GenerationWarning, match=r"sklw\[tables\]"):
        answers = generator.generate(REQUESTS[:2])
    assert answers == generator.generate(free)
    with warnings.catch_warnings():
        warnings.simplefilter("error", GenerationWarning)
        generator.generate(REQUESTS[:1])


def unreadable(kind):
    tokens = ["<end>", "[UNK]", *"0123456789.,- abcdefghijklmnopqrstuvwxyz"]
    ids = {token: number for number, token in enumerate(tokens)}
    model = {
        "word level": lambda: models.WordLevel(ids, "[UNK]"),
        "word piece": lambda: models.WordPiece(ids, unk_token="[UNK]"),
        "unigram": lambda: models.Unigram([(token, -1.0) for token in tokens], 1),
    }[kind]()
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(model), eos_token="<end>", unk_token="[UNK]"
    )


@pytest.mark.parametrize("kind", ["word level", "word piece", "unigram"])
def test_with_a_tokenizer_that_cannot_be_read_answers_are_free(kind, tmp_path):
    tokenizer = unreadable(kind)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2, eos_token_id=0, bos_token_id=None,
    )  # fmt: skip
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    generator = TransformersGenerator(tmp_path, dtype="float32", max_new_tokens=5)
    with pytest.warns(GenerationWarning, match="cannot read the tokenizer.*not held to") as caught:
        answers = generator.generate(REQUESTS[:2])
    assert len(caught) == 1
    assert answers == generator.generate([replace(r, pattern=None) for r in REQUESTS[:2]])


def test_a_pattern_that_is_none_is_named(tmp_path):
    generator = TransformersGenerator(save_tiny(tmp_path), dtype="float32")
    with pytest.raises(ValueError, match=r"pattern '\(' cannot be used"):
        generator.generate([replace(REQUESTS[0], pattern="(")])
