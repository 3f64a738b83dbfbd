import pickle
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from tokenizers.processors import TemplateProcessing

from sklw import FineTunedGenerator, LLMOverSampler, TransformersGenerator, make_pipeline
from sklw.generators import FullTuning, LoRA, Request
from sklw.generators._decoding.attention import use_row_attention
from sklw.over_sampling import TableRows, TextFilter

sys.path.insert(0, str(Path(__file__).parent))
from _models import save_tiny

pytestmark = pytest.mark.filterwarnings("error:.*is deprecated and will be removed:FutureWarning")

ROWS = {"wet": "rain and clouds all day", "dry": "sun from dawn to dusk"}
PAIRS = [
    (f"Category: {label}\nText:", f" {row}\n") for label, row in ROWS.items() for _ in range(8)
]
REQUESTS = [Request("Category: wet\nText:", seed=seed, max_new_tokens=8) for seed in range(8)]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Return the folder of a tiny model that knows the words of the rows."""
    sizes = {"hidden_size": 96, "intermediate_size": 96, "num_attention_heads": 2}
    texts = list(map("".join, PAIRS))
    return save_tiny(tmp_path_factory.mktemp("small"), texts=texts, initializer_range=0.2, **sizes)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SKLW_CACHE", str(tmp_path))


class Rows:
    """The rows to learn; counts how often they are asked for."""

    def __init__(self, pairs=PAIRS):
        self.pairs, self.asked = pairs, 0

    def __call__(self, rng, permute):
        self.asked += 1
        return self.pairs


def generator(model, kind=LoRA, *, epochs=20, rank=None, learning_rate=2e-2, **kwargs):
    training = kind(epochs=epochs, learning_rate=learning_rate)
    if rank is not None:
        training.set_params(rank=rank)
    settings = {"training": training, "verbose": False, "dtype": "float32"}
    return FineTunedGenerator(model, **{**settings, **kwargs})


def forget(model, folder):
    """Train two others: a process keeps no more than the last two trained models in memory."""
    for seed in (98, 99):
        generator(model, epochs=1, random_state=seed, folder=folder).fit(Rows(PAIRS[:2]))


@pytest.mark.parametrize(("kind", "rank"), [(LoRA, 32), (FullTuning, None)])
def test_it_writes_the_rows_of_the_class_it_learned(small, kind, rank):
    base = TransformersGenerator(small, dtype="float32")
    before = base.generate(REQUESTS)
    settings = {"epochs": 40, "learning_rate": 5e-3, "temperature": 0}
    trained = generator(small, kind, rank=rank, **settings).fit(Rows())
    for label, row in ROWS.items():
        request = Request(f"Category: {label}\nText:", seed=0, stop=("\n",), max_new_tokens=12)
        assert trained.generate([request])[0].text.strip() == row
    assert base.generate(REQUESTS) == before


def test_only_answers_are_learned(small):
    settings = {"epochs": 40, "learning_rate": 5e-3, "temperature": 0}
    trained = generator(small, rank=32, **settings).fit(Rows())
    for begun, goes_on in [("Category:", ("wet", "dry")), ("Category: wet\n", ("Text",))]:
        [answer] = trained.generate([Request(begun, seed=0, max_new_tokens=3)])
        assert not any(word in answer.text for word in goes_on)


@pytest.mark.slow
@pytest.mark.parametrize("length", [9, 150])
def test_gradients_are_those_of_the_fused_kernel(small, length):
    model = transformers.AutoModelForCausalLM.from_pretrained(small, dtype="float32")
    ids = torch.randint(1, 100, (3, length), generator=torch.Generator().manual_seed(0))
    fused = torch.autograd.grad(model(input_ids=ids, labels=ids).loss, [*model.parameters()])
    assert use_row_attention(model)
    found = torch.autograd.grad(model(input_ids=ids, labels=ids).loss, [*model.parameters()])
    for own, other in zip(found, fused, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-6)


def test_attention_drops_out_in_training(tmp_path):
    sizes = {"n_embd": 32, "n_layer": 1, "n_head": 2, "resid_pdrop": 0, "embd_pdrop": 0}
    folder = save_tiny(tmp_path, transformers.GPT2Config, attn_pdrop=0.9, **sizes)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype="float32").train()
    assert use_row_attention(model)
    ids = torch.arange(20)[None]
    assert not torch.equal(model(input_ids=ids).logits, model(input_ids=ids).logits)


def test_the_same_rows_are_learned_once(small, tmp_path):
    rows = Rows()
    first = generator(small).fit(rows)
    answers = first.generate(REQUESTS)
    assert rows.asked > 20
    for process in ("this one", "another"):
        if process == "another":
            forget(small, tmp_path / "others")
        rows = Rows()
        again = clone(first).fit(rows)
        assert rows.asked == 1  # to recognise them
        assert again.generate(REQUESTS) == answers
    assert pickle.loads(pickle.dumps(first)).generate(REQUESTS) == answers
    assert len(pickle.dumps(first)) < 10_000
    for other, pairs in [(clone(first), PAIRS[:8]), (generator(small, epochs=3), PAIRS)]:
        rows = Rows(pairs)
        assert other.fit(rows).fingerprint_ != first.fingerprint_
        assert rows.asked > 1


def test_a_search_over_the_training_finds_its_parameters(small):
    searched = clone(generator(small)).set_params(
        training__epochs=np.int64(2), training__rank=np.int64(16), random_state=np.int64(0),
        training__batch_size=np.uint8(8),
    )  # fmt: skip
    same = generator(small, epochs=2)
    assert searched.fit(Rows()).fingerprint_ == same.fit(Rows()).fingerprint_
    assert same.set_params(training="lora").fit(Rows()).fingerprint_ != searched.fingerprint_
    named, given = (FineTunedGenerator(small, training=way) for way in ("lora", LoRA()))
    assert named.fit(Rows(PAIRS[:1])).fingerprint_ == given.fit(Rows(PAIRS[:1])).fingerprint_


@pytest.mark.parametrize("kind", [LoRA, FullTuning])
def test_numbers_of_numpy_train_the_same_model(small, tmp_path, kind):
    answers = []
    for rate in (np.float16(0.003), float(np.float16(0.003))):
        asking = generator(small, kind, folder=tmp_path / type(rate).__name__)
        training = {"training__learning_rate": rate, "training__epochs": 3}
        answers.append(asking.set_params(**training).fit(Rows()).generate(REQUESTS))
        forget(small, tmp_path / "others")
    assert answers[0] == answers[1]


def test_an_interrupted_training_goes_on_from_its_last_epoch(small, tmp_path):
    class Interrupted(Rows):
        def __call__(self, rng, permute):
            if self.asked == 4:  # to recognise them, to count them, and for two epochs
                raise KeyboardInterrupt
            return super().__call__(rng, permute)

    whole = generator(small, epochs=4, folder=tmp_path / "whole").fit(Rows()).generate(REQUESTS)
    forget(small, tmp_path / "others")
    with pytest.raises(KeyboardInterrupt):
        generator(small, epochs=4).fit(Interrupted())
    rows = Rows()
    assert generator(small, epochs=4).fit(rows).generate(REQUESTS) == whole
    assert rows.asked == 4
    assert not list(tmp_path.rglob("unfinished.pt"))


def test_damaged_weights_are_learned_again(small, tmp_path):
    first = generator(small, epochs=2).fit(Rows())
    answers = first.generate(REQUESTS)
    [file] = (tmp_path / "fine_tuned").rglob("weights.pt")
    file.write_bytes(b"half a file")
    forget(small, tmp_path / "others")
    assert clone(first).fit(Rows()).generate(REQUESTS) == answers


def test_another_base_is_not_taken_for_the_one_that_was_trained(small, tmp_path):
    base = shutil.copytree(small, tmp_path / "base")
    trained = generator(str(base), epochs=1).fit(Rows())
    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    model.lm_head.weight.data.neg_()
    model.save_pretrained(base)
    with pytest.raises(NotFittedError, match="no longer the model that was trained"):
        trained.generate([Request("a", seed=0)])
    first = trained.fingerprint_
    assert trained.fit(Rows()).fingerprint_ != first


def test_bad_use_says_what_to_do(small, tmp_path, monkeypatch):
    with pytest.raises(NotFittedError, match="Give it to LLMOverSampler"):
        generator(small).generate([Request("a", seed=0)])
    full = generator(small, FullTuning, epochs=1).fit(Rows())
    forget(small, tmp_path / "others")
    with pytest.raises(NotFittedError, match="set folder"):
        full.generate([Request("a", seed=0)])
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ImportError, match=r"sklw\[finetune\]"):
        generator(small, epochs=5).fit(Rows())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"tuning": "full"}, 'training="lora" or training="full"'),
        ({"epochs": 4}, r"training=LoRA\(epochs=...\)"),
        ({"lora_rank": 4}, r"training=LoRA\(rank=...\)"),
        ({"train_batch_size": 4}, r"training=LoRA\(batch_size=...\)"),
    ],
)
def test_an_old_parameter_is_answered_with_the_new_one(old, new):
    with pytest.raises(TypeError, match=f"Write {new} instead"):
        FineTunedGenerator(**old)


@pytest.mark.parametrize("training", ["qlora", None, LoRA(rank=0), FullTuning(epochs=0)])
def test_a_wrong_training_is_refused(small, training):
    with pytest.raises(ValueError, match="parameter of"):
        FineTunedGenerator(small, training=training).fit(Rows())


@pytest.mark.slow
def test_a_pipeline_with_memory_trains_once(small, tmp_path):
    texts = [f"{row} {n}" for row in ROWS.values() for n in range(6)]
    pipe = make_pipeline(
        LLMOverSampler(
            generator(small, epochs=1), sampling_strategy={"dry": 7}, on_shortfall="ignore"
        ),
        TfidfVectorizer(),
        LogisticRegression(),
        memory=str(tmp_path / "memory"),
    )
    found = [pipe.fit(texts, ["wet"] * 6 + ["dry"] * 6)[-1].coef_ for _ in range(2)]
    np.testing.assert_array_equal(*found)


def test_texts_are_written_by_a_trained_model(small):
    texts = [row for row in ROWS.values() for _ in range(8)] + [ROWS["wet"]] * 4
    labels = ["wet"] * 8 + ["dry"] * 8 + ["wet"] * 4
    sampler = LLMOverSampler(
        generator=generator(small, FullTuning, epochs=40, temperature=0.1),
        accept=TextFilter(None),
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
        generator=generator(small, epochs=2).set_params(training__permute_columns=True),
        prompt=TableRows(row_format=row_format),
        on_shortfall="ignore",
        random_state=0,
        max_attempts=3,
    )
    X_new, _ = sampler.fit_resample(X, y)
    # The pattern holds even a model that has learned next to nothing to the columns.
    assert len(X_new) > 45
    assert "unparsable" not in set(sampler.provenance_["reason"])
    assert X_new.dtypes.equals(X.dtypes)


def test_weights_that_do_not_fit_the_disk_cost_a_later_training_not_this_one(small, small_disk):
    (small_disk / "other").write_bytes(b"0" * 400_000)
    trained = generator(small, FullTuning, epochs=2, folder=small_disk).fit(Rows())
    assert trained.generate(REQUESTS[:1])[0].completion_tokens
    assert [path.name for path in small_disk.rglob("*") if path.is_file()] == ["other"]


@pytest.mark.parametrize("kind", [LoRA, FullTuning])
def test_weights_are_kept_in_the_folder_given_whatever_is_in_memory(small, kind, tmp_path):
    folder = tmp_path / "kept"
    first = generator(small, kind, epochs=1).fit(Rows())
    trained = generator(small, kind, epochs=1, folder=folder).fit(Rows())
    answers = trained.generate(REQUESTS)
    assert answers == first.generate(REQUESTS)
    forget(small, tmp_path / "others")
    assert trained.generate(REQUESTS) == answers


@pytest.mark.parametrize("model", ["as it is", "trained"])
def test_an_end_that_the_tokenizer_adds_is_not_part_of_a_prompt(model, small, tmp_path):
    ending = shutil.copytree(small, tmp_path / "ending")
    tokenizer = transformers.AutoTokenizer.from_pretrained(small)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="$A <end>", special_tokens=[("<end>", 0)]
    )
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.backend_tokenizer, eos_token="<end>", bos_token="<end>"
    ).save_pretrained(ending)
    assert transformers.AutoTokenizer.from_pretrained(ending)("rain")["input_ids"][-1] == 0
    answers = []
    for folder in (small, str(ending)):
        found = TransformersGenerator(folder, dtype="float32")
        if model == "trained":
            found = generator(folder, FullTuning, epochs=2).fit(Rows())
        answers.append((found.generate(REQUESTS), found.count_tokens("rain")))
    assert answers[0] == answers[1]
