"""TextEmbedder beside sentence-transformers, on small models in the formats of its releases."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Dense,
    Normalize,
    Pooling,
    Transformer,
)
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    RobertaConfig,
    RobertaModel,
)

from sklw import BertClassifier, TextEmbedder
from sklw.exceptions import ModelNotFoundError
from sklw.models import locate_model

POOLINGS = ("mean", "cls", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
TEXTS = [
    "a cat",
    "A small Kitten sat upon the old mat",
    "",
    "stock prices fell sharply, as they had done each week of the long autumn " * 4,
]
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
SIZES |= {"intermediate_size": 64, "max_position_embeddings": 64}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """A folder of transformers alone, whose tokenizer knows lower case only and keeps case."""
    folder = str(tmp_path_factory.mktemp("encoder"))
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(
        locate_model("all-MiniLM-L6-v2").location, do_lower_case=False
    )
    # Larger weights than usual, so that poolings differ.
    config = BertConfig(vocab_size=tokenizer.vocab_size, initializer_range=0.5, **SIZES)
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    """A causal language model whose tokenizer pads on the left."""
    folder = str(tmp_path_factory.mktemp("decoder"))
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(
        locate_model("all-MiniLM-L6-v2").location, padding_side="left"
    )
    config = Qwen2Config(
        vocab_size=tokenizer.vocab_size, num_key_value_heads=2, initializer_range=0.5, **SIZES
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def saved(folder, encoder, pooling="mean", *more, include_prompt=True, **settings):
    limits = {"max_seq_length": settings.pop("max_seq_length", None)}
    first = Transformer(encoder, **limits)
    poolings = Pooling(32, pooling, include_prompt=include_prompt)
    SentenceTransformer(modules=[first, poolings, *more], device="cpu", **settings).save(
        str(folder)
    )
    return str(folder)


def edit(folder, name, **changes):
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def check(folder, **how):
    """Compare, and return what sentence-transformers finds."""
    expected = SentenceTransformer(str(folder), device="cpu").encode(TEXTS, **how)
    embedder = TextEmbedder(str(folder), precision="float32", **how)
    np.testing.assert_allclose(embedder.transform(TEXTS), expected, atol=1e-4)
    assert embedder.n_features_out_ == expected.shape[1]
    return expected


@pytest.mark.parametrize("scaled", [True, pytest.param(False, marks=pytest.mark.slow)])
@pytest.mark.parametrize("pooling", [*POOLINGS, ("mean", "max")])
def test_pooling_and_scale_are_those_of_the_folder(tmp_path, encoder, pooling, scaled):
    saved(tmp_path, encoder, pooling, *([Normalize()] if scaled else []))
    found = check(tmp_path)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5) == scaled
    other = "max" if pooling == "cls" else "cls"
    assert not np.allclose(TextEmbedder(str(tmp_path), pooling=other).transform(TEXTS)[:, :32],
                           found[:, :32], atol=1e-2)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("max_seq_length", [10, 40, None])
def test_length_is_that_of_the_folder(tmp_path, encoder, max_seq_length):
    saved(tmp_path, encoder, max_seq_length=max_seq_length)
    found = check(tmp_path)
    longer = TextEmbedder(str(tmp_path), max_length=60, precision="float32").transform(TEXTS)
    assert not np.allclose(longer[3], found[3], atol=1e-3)
    whole = SentenceTransformer(str(tmp_path), device="cpu")
    whole.max_seq_length = 60
    np.testing.assert_allclose(longer, whole.encode(TEXTS), atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("include_prompt", [True, False])
@pytest.mark.parametrize("pooling", ["mean", "cls", "weightedmean", "lasttoken", "max"])
def test_prompts(tmp_path, encoder, pooling, include_prompt):
    prompts = {"query": "search for: ", "document": "old mat: "}
    saved(tmp_path, encoder, pooling, include_prompt=include_prompt, prompts=prompts)
    plain = check(tmp_path)
    asked = check(tmp_path, prompt_name="query")
    assert not np.allclose(plain, asked, atol=1e-2)
    np.testing.assert_array_equal(check(tmp_path, prompt="search for: "), asked)
    edit(tmp_path, "config_sentence_transformers.json", default_prompt_name="query")
    np.testing.assert_array_equal(check(tmp_path), asked)
    np.testing.assert_array_equal(check(tmp_path, prompt=""), plain)


@pytest.mark.parametrize("lower", [True, False])
def test_folders_of_older_releases(tmp_path, encoder, lower):
    """The encoder in a folder of its own, the pooling as truth values."""
    saved(tmp_path, encoder, "cls")
    inner = tmp_path / "0_Transformer"
    inner.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        shutil.move(tmp_path / name, inner / name)
    (tmp_path / "sentence_bert_config.json").unlink()
    settings = {"max_seq_length": 12, "do_lower_case": lower}
    (inner / "sentence_roberta_config.json").write_text(json.dumps(settings))
    modes = {"pooling_mode_max_tokens": True, "pooling_mode_mean_tokens": False}
    (tmp_path / "1_Pooling" / "config.json").write_text(
        json.dumps({"word_embedding_dimension": 32, **modes})
    )
    modules = [
        {"path": f"{at}_{name}", "type": f"sentence_transformers.models.{name}"}
        | {"idx": at, "name": str(at)}
        for at, name in enumerate(["Transformer", "Pooling"])
    ]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    check(tmp_path)
    upper, small = TextEmbedder(str(tmp_path)).transform(["KITTEN", "kitten"])
    assert np.allclose(upper, small) == lower


@pytest.mark.slow
def test_texts_padded_on_the_left(tmp_path, decoder):
    check(decoder)
    for pooling in ("lasttoken", "mean"):
        check(saved(tmp_path / pooling, decoder, pooling))


def test_other_folders_are_read_as_sentence_transformers_reads_them(encoder):
    found = check(encoder)
    assert not np.allclose(np.linalg.norm(found, axis=1), 1, atol=0.1)
    scaled = TextEmbedder(encoder, normalize=True).transform(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(scaled, axis=1), 1, atol=1e-5)


def test_the_embedded_model_reads_256_tokens():
    texts = ["the price of oil rose " * 30, "a cat"]
    model = SentenceTransformer(locate_model("all-MiniLM-L6-v2").location, device="cpu")
    found = TextEmbedder(precision="float32").transform(texts)
    np.testing.assert_allclose(found, model.encode(texts), atol=1e-4)
    cut = TextEmbedder(precision="float32", max_length=128).transform(texts)
    assert not np.allclose(cut[0], found[0], atol=1e-3)
    np.testing.assert_allclose(cut[1], found[1], atol=1e-6)


def test_parameters_go_before_the_folder(tmp_path, encoder):
    saved(tmp_path, encoder, "cls", Normalize(), max_seq_length=10)
    found = TextEmbedder(
        str(tmp_path), pooling="mean", normalize=False, max_length=64, precision="float32"
    ).transform(TEXTS)
    expected = TextEmbedder(encoder, precision="float32").transform(TEXTS)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("1_Pooling/config.json", {"pooling_mode": "max"}),
        ("sentence_bert_config.json", {"max_seq_length": 9}),
        ("sentence_bert_config.json", {"do_lower_case": True}),
        ("config_sentence_transformers.json", {"default_prompt_name": "query"}),
    ],
)
def test_remembered_vectors_are_those_of_the_settings(tmp_path, encoder, file, changes):
    saved(tmp_path, encoder, prompts={"query": "search for: "})
    before = check(tmp_path)
    edit(tmp_path, file, **changes)
    assert not np.allclose(check(tmp_path), before, atol=1e-3)


@pytest.mark.parametrize("kind", ["dense", "other", "dimensions", "tokens", "task", "chat"])
def test_what_cannot_be_computed_is_refused(tmp_path, encoder, kind):
    more = {"dense": [Dense(32, 8)], "tokens": [Normalize("token_embeddings")]}.get(kind, [])
    saved(tmp_path, encoder, "mean", *more)
    modules = json.loads((tmp_path / "modules.json").read_text())
    if kind == "other":
        modules[0]["type"] = "custom_code.Transformer"
        (tmp_path / "modules.json").write_text(json.dumps(modules))
    elif kind == "dimensions":
        edit(tmp_path, "config_sentence_transformers.json", truncate_dim=8)
    elif kind == "task":
        edit(tmp_path, "sentence_bert_config.json", transformer_task="fill-mask")
    elif kind == "chat":
        chat = {"message": {"method": "forward", "method_output_name": "last_hidden_state"}}
        edit(tmp_path, "sentence_bert_config.json", modality_config=chat)
    with pytest.raises(ValueError, match=r"as sentence-transformers does.*FunctionTransformer"):
        TextEmbedder(str(tmp_path)).fit(TEXTS)
    with pytest.raises(ValueError, match="as sentence-transformers does"):
        TextEmbedder(str(tmp_path)).transform(TEXTS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"prompt_name": "passage"}, r"no prompt named 'passage', only \['document', 'query'\]"),
        ({"prompt_name": "query", "prompt": "x"}, "both set"),
        ({"prompt": "many words " * 40}, "fills the 64 tokens"),
        ({"pooling": "median"}, "pooling"),
        ({"max_length": 2}, "max_length"),
    ],
)
def test_bad_parameters_are_named(tmp_path, encoder, parameters, words):
    saved(tmp_path, encoder, prompts={"query": "q: ", "document": "d: "})
    with pytest.raises(ValueError, match=words):
        TextEmbedder(str(tmp_path), **parameters).fit(TEXTS)


def test_a_damaged_folder_is_named(tmp_path, encoder):
    saved(tmp_path, encoder)
    (tmp_path / "modules.json").write_text("[{")
    with pytest.raises(ValueError, match=r"modules.json is not JSON"):
        TextEmbedder(str(tmp_path)).fit(TEXTS)


def test_a_hub_that_cannot_be_asked(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelNotFoundError, match="could not be loaded"):
        TextEmbedder("sentence-transformers/no-such-model").fit(TEXTS)


def test_threads_with_other_lengths_do_not_mix(encoder, tmp_path):
    copy = shutil.copytree(encoder, tmp_path / "copy")
    lengths = [8, 24, 60] * 8

    def embed(number, folder=encoder):
        # Texts that no other thread has had remembered.
        texts = [f"word {i} of {number} " + "and so on " * 20 for i in range(40)]
        embedder = TextEmbedder(folder, max_length=lengths[number], precision="float32")
        return embedder.transform(texts)

    with ThreadPoolExecutor(6) as pool:
        for number, found in enumerate(pool.map(embed, range(24))):
            np.testing.assert_allclose(found, embed(number, copy), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("pooling", ["lasttoken", "cls", ("mean", "max")])
def test_the_classifier_pools_as_the_folder_says(tmp_path, encoder, pooling):
    saved(tmp_path, encoder, pooling)
    settings = {"random_state": 0, "max_epochs": 1, "precision": "float32"}
    texts, labels = ["a good film", "a bad film"] * 4, ["good", "bad"] * 4
    model = BertClassifier(str(tmp_path), **settings).fit(texts, labels)
    found = model.predict_proba(TEXTS[:3])
    if isinstance(pooling, str):
        told = BertClassifier(str(tmp_path), pooling=pooling, **settings).fit(texts, labels)
        np.testing.assert_array_equal(found, told.predict_proba(TEXTS[:3]))
    assert model.module_.head.in_features == 32 * (1 if isinstance(pooling, str) else 2)
    mean = BertClassifier(str(tmp_path), pooling="mean", **settings).fit(texts, labels)
    assert not np.allclose(found, mean.predict_proba(TEXTS[:3]), atol=1e-4)


def test_the_classifier_takes_the_mean_where_no_folder_speaks(encoder):
    settings = {"random_state": 0, "max_epochs": 1, "precision": "float32"}
    texts, labels = ["a good film", "a bad film"] * 4, ["good", "bad"] * 4
    found, mean = (
        BertClassifier(encoder, pooling=pooling, **settings).fit(texts, labels).predict_proba(texts)
        for pooling in ("auto", "mean")
    )
    np.testing.assert_array_equal(found, mean)


def test_roberta_reads_what_its_positions_admit(tmp_path, encoder):
    """Two of its positions are for padding; a longer text would be beyond the table."""
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    tokenizer.save_pretrained(tmp_path)
    config = RobertaConfig(vocab_size=tokenizer.vocab_size, pad_token_id=1, **SIZES)
    RobertaModel(config).save_pretrained(tmp_path)
    for max_length in ("auto", 64, 1000):
        found = TextEmbedder(str(tmp_path), max_length=max_length).transform(TEXTS)
        assert np.isfinite(found).all()
