import pickle
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from sklw import LLMOverSampler, RecordedGenerator, TransformersGenerator
from sklw.datasets import load_maintenance_requests
from sklw.exceptions import GenerationWarning, NotEnoughGeneratedError
from sklw.over_sampling import Examples, TableFilter, TextFilter

sys.path.insert(0, str(Path(__file__).parent))
from _scripted import Scripted

CORPUS = load_maintenance_requests()
HAZARDS = CORPUS.data[CORPUS.target == "hazard"]
ROUTINE = CORPUS.data[CORPUS.target == "routine"]
X = [*ROUTINE[:30], *HAZARDS[:10]]
Y = ["routine"] * 30 + ["hazard"] * 10
# Real rows that are not in X stand for rows generated elsewhere.
RECORDS = pd.DataFrame(
    {
        "text": [*HAZARDS[10:50], *ROUTINE[30:70]],
        "label": ["hazard"] * 40 + ["routine"] * 40,
    }
)


def recorded(**kwargs):
    return LLMOverSampler(generator=RecordedGenerator(RECORDS), random_state=0, **kwargs)


@pytest.mark.parametrize(
    ("strategy", "counts"),
    [
        ("auto", {"hazard": 20}),
        ("minority", {"hazard": 20}),
        ("not majority", {"hazard": 20}),
        ("all", {"hazard": 20, "routine": 0}),
        (0.5, {"hazard": 5}),
        ({"hazard": 14, "routine": 33}, {"hazard": 4, "routine": 3}),
        (lambda y: {"hazard": 12}, {"hazard": 2}),
    ],
)
def test_every_sampling_strategy(strategy, counts):
    sampler = recorded(sampling_strategy=strategy)
    X_new, y_new = sampler.fit_resample(X, Y)
    assert sampler.sampling_strategy_ == counts
    assert len(X_new) == len(y_new) == 40 + sum(counts.values())
    assert X_new[:40] == X
    assert y_new[:40] == Y
    for label, count in counts.items():
        assert y_new[40:].count(label) == count
    assert_array_equal(sampler.synthetic_mask_, np.arange(len(X_new)) >= 40)
    assert len(sampler.parent_indices_) == sum(counts.values())


@pytest.mark.parametrize(
    "container",
    [
        list,
        tuple,
        lambda x: np.array(x, dtype=object),
        np.array,
        lambda x: np.array(x, dtype=object)[:, None],
        lambda x: pd.Series(x, dtype=object, name="message"),
        lambda x: pd.Series(x, dtype="str", name="message"),
        lambda x: pd.DataFrame({"message": x}, index=np.arange(100, 140)),
    ],
)
def test_containers_come_back_as_they_went_in(container):
    given = container(X)
    got, _ = recorded().fit_resample(given, Y)
    assert type(got) is type(given)
    assert len(got) == 60
    if hasattr(given, "dtype") and given.dtype.kind != "U":
        assert got.dtype == given.dtype
    flat = np.asarray(got, dtype=object).ravel()
    assert list(flat[:40]) == X
    assert all(type(text) in (str, np.str_) for text in flat[40:])
    assert max(map(len, flat[40:])) > 5


@pytest.mark.parametrize(
    "labels",
    [
        Y,
        np.array(Y),
        np.array([0] * 30 + [1] * 10),
        np.array([False] * 30 + [True] * 10),
        pd.Series(Y, dtype="category", name="kind"),
        pd.Series([3] * 30 + [7] * 10, dtype="int8"),
    ],
)
def test_labels_come_back_as_they_went_in(labels):
    majority, minority = np.asarray(labels)[0], np.asarray(labels)[-1]
    records = RECORDS.assign(label=np.where(RECORDS.label == "hazard", minority, majority))
    sampler = LLMOverSampler(generator=RecordedGenerator(records))
    _, y_new = sampler.fit_resample(X, labels)
    assert type(y_new) is type(labels)
    if not isinstance(labels, list):
        assert y_new.dtype == labels.dtype
    assert (np.asarray(y_new)[40:] == minority).all()


def test_recorded_rows_know_their_parent_and_never_leak():
    texts = ["one leak in the roof", "no hot water at all", "the lift is stuck again", "x y z"]
    records = pd.DataFrame(
        {
            "text": ["a roof that leaks badly", "water stays cold all day", "some other row"],
            "label": ["b", "b", "b"],
            "origin": [texts[1], "a row of the test fold", texts[1]],
        }
    )
    sampler = LLMOverSampler(
        generator=RecordedGenerator(records, parent_column="origin"), sampling_strategy={"b": 4}
    )
    X_new, _ = sampler.fit_resample(texts, ["a", "b", "b", "a"])
    assert X_new[4:] == ["a roof that leaks badly", "some other row"]
    assert [parents.tolist() for parents in sampler.parent_indices_] == [[1], [1]]
    assert sampler.provenance_.reason.tolist()[1] == "parent_elsewhere"


def test_running_out_of_rows_is_loud():
    few = RecordedGenerator(RECORDS.iloc[:7])
    with pytest.warns(GenerationWarning, match="'hazard': 7 of 20 rows.*used up"):
        X_new, _ = LLMOverSampler(generator=few).fit_resample(X, Y)
    assert len(X_new) == 47
    with pytest.raises(NotEnoughGeneratedError, match="7 of 20"):
        LLMOverSampler(generator=few, on_shortfall="error").fit_resample(X, Y)


@pytest.mark.parametrize("table", [False, True])
def test_recorded_rows_that_fall_short_want_more_of_them(table):
    if table:
        real = pd.DataFrame({"kind": ["a", "b"] * 20, "age": np.arange(40) * 7 % 41})
        records = [{"kind": "c", "age": 3}, {"kind": "a", "age": "old"}, dict(real.iloc[36])]
    else:
        real, records = X, [{"text": X[36]}, {"text": X[37]}, {"text": "a row of its own"}]
    generator = RecordedGenerator(
        [row | {"label": Y[36]} for row in records], text_column=None if table else "text"
    )
    advice = "Write the values of recorded rows as the real rows have them, r" if table else "R"
    advice = f"provenance_. {advice}ecord more rows, or ask"
    with pytest.warns(GenerationWarning, match=advice) as caught:
        LLMOverSampler(generator=generator).fit_resample(real, Y)
    assert "model" not in str(caught[-1].message)


@pytest.mark.filterwarnings("error")
def test_shortfall_can_be_accepted():
    few = RecordedGenerator(RECORDS.iloc[:7])
    sampler = LLMOverSampler(generator=few, on_shortfall="ignore")
    assert len(sampler.fit_resample(X, Y)[0]) == 47


def test_all_candidates_rejected_says_why_and_sends_no_more_than_allowed():
    bad = Scripted(["Here is a text message:", "", X[35]])
    sampler = LLMOverSampler(
        generator=bad, sampling_strategy={"hazard": 13}, max_attempts=4, random_state=0
    )
    with pytest.warns(GenerationWarning, match="0 of 3 rows after 12 requests") as caught:
        X_new, _ = sampler.fit_resample(X, Y)
    assert list(X_new) == X
    assert not sampler.synthetic_mask_.any()
    message = str(caught[-1].message)
    assert "4 meta_text" in message
    assert "provenance_" in message
    assert set(sampler.provenance_.reason) <= {"meta_text", "empty", "copied_prompt", "copied_real"}


def test_an_interrupted_run_keeps_what_was_generated():
    answers = [f"gas smell number {i * 7919} in flat {i * 31}, we left, hurry" for i in range(20)]
    sampler = LLMOverSampler(
        generator=Scripted(answers, fail_at=12), accept=TextFilter(None), random_state=0
    )
    with pytest.raises(KeyboardInterrupt):
        sampler.fit_resample(X, Y)
    assert len(sampler.provenance_) == 12
    kept = sampler.provenance_.query("accepted")
    again = LLMOverSampler(
        generator=RecordedGenerator(kept),
        sampling_strategy={"hazard": 10 + len(kept)},
        accept=TextFilter(None),
    )
    assert again.fit_resample(X, Y)[0][40:] == kept.text.tolist()


def test_several_rows_a_request():
    answers = [
        f"1. burst pipe on floor {i * 101}, water is near the sockets, please come at once\n"
        f"2. sparks fly from the box in hall {i * 777}, please send help as soon as you can"
        for i in range(1, 12)
    ]
    sampler = LLMOverSampler(
        generator=Scripted(answers, form="chat"),
        prompt=Examples(rows_per_request=2),
        sampling_strategy={"hazard": 29},
        accept=TextFilter(None),
        random_state=0,
    )
    X_new, _ = sampler.fit_resample(X, Y)
    assert len(X_new) == 59
    provenance = sampler.provenance_
    assert provenance["reason"].tolist() == [""] * 19 + ["surplus"]
    assert provenance.prompt_id.nunique() == 10
    assert provenance.prompt_tokens.sum() == 100  # counted once a request


@pytest.mark.parametrize("selection", ["random", "nearest", "diverse"])
def test_prompts_show_real_rows_of_the_class(selection):
    sampler = LLMOverSampler(
        generator=Scripted(
            [f"water {i * 7919} everywhere near plug {i}, it is rising, help" for i in range(40)]
        ),
        prompt=Examples(example_selection=selection, answers_per_prompt=1, n_examples=4),
        accept=TextFilter(None),
        random_state=0,
    )
    sampler.fit_resample(X, Y)
    for parents in sampler.parent_indices_:
        assert len(set(parents)) == 4
        assert all(Y[parent] == "hazard" for parent in parents)
    assert len({tuple(parents) for parents in sampler.parent_indices_}) > 5


@pytest.mark.parametrize("answers_per_prompt", [1, 5])
def test_a_prompt_is_shown_as_often_as_asked(answers_per_prompt):
    sampler = LLMOverSampler(
        generator=Scripted(
            [f"water {i * 7919} everywhere near plug {i}, it rises" for i in range(9)]
        ),
        prompt=Examples(answers_per_prompt=answers_per_prompt),
        accept=TextFilter(None),
        on_shortfall="ignore",
        random_state=0,
    )
    sampler.fit_resample(X, Y)
    first = sampler.provenance_.query("round == 0")
    shown = first.groupby("parents").size()
    assert shown.max() == answers_per_prompt
    assert first.seed.is_unique


def test_a_class_smaller_than_the_prompt_is_said():
    sampler = LLMOverSampler(
        generator=Scripted([f"flood {i * 7919}, water at the sockets, ring me" for i in range(40)]),
        prompt=Examples(n_examples=50),
        accept=TextFilter(None),
        random_state=0,
    )
    with pytest.warns(GenerationWarning, match="has 10 row"):
        sampler.fit_resample(X, Y)


@pytest.mark.parametrize(
    ("X_bad", "y_bad", "kwargs", "error", "words"),
    [
        ([], [], {}, ValueError, "0 texts"),
        (X, Y[:-1], {}, ValueError, "40 rows and y has 39"),
        (X, ["one"] * 40, {}, ValueError, "one class only"),
        (X, None, {}, ValueError, "requires y"),
        ([None, *X[1:]], Y, {}, ValueError, "position 0"),
        ([*X[:-1], float("nan")], Y, {}, ValueError, "position 39"),
        ([3, *X[1:]], Y, {}, TypeError, "int at position 0"),
        ("a text", Y, {}, TypeError, "single string"),
        (X, Y, {"sampling_strategy": {"flood": 9}}, ValueError, r"\['flood'\].*routine"),
        (X, Y, {"sampling_strategy": {"hazard": 3}}, ValueError, "3"),
        (X, Y, {"label_names": {"hazzard": "x"}}, ValueError, "hazzard"),
        (X, Y, {"label_names": {"hazard": "Routine"}}, ValueError, "both called"),
        (X, Y, {"label_names": {"hazard": "b", "routine": "B"}}, ValueError, "both called"),
        (X, Y, {"prompt": Examples(0)}, ValueError, "n_examples.*of Examples"),
        (X, Y, {"prompt": "contrasts"}, ValueError, "'contrast'"),
        (X, Y, {"prompt": "table_rows"}, ValueError, r"prompt=Examples\(\)"),
        (X, Y, {"prompt": Examples}, ValueError, "instance of"),
        (X, Y, {"accept": TableFilter()}, ValueError, r"accept=TextFilter\(\)"),
        (X, Y, {"accept": TextFilter(2)}, ValueError, "of TextFilter"),
        (X, Y, {"generator": "gpt"}, ValueError, "generator"),
        (X, Y, {"on_shortfall": "shrug"}, ValueError, "on_shortfall"),
    ],
)
def test_bad_input_is_named_before_anything_is_generated(X_bad, y_bad, kwargs, error, words):
    sampler = LLMOverSampler(generator=Scripted(["x"], fail_at=0)).set_params(**kwargs)
    with pytest.raises(error, match=words):
        sampler.fit_resample(X_bad, y_bad)


def test_a_model_that_is_not_there_says_what_would_help():
    sampler = LLMOverSampler(generator=TransformersGenerator("/no/such/model"))
    with pytest.raises(OSError, match="SmolLM2-135M-Instruct"):
        sampler.fit_resample(X, Y)


def test_clone_pickle_and_nested_parameters():
    sampler = LLMOverSampler(generator=TransformersGenerator(temperature=0.7), random_state=3)
    copy = pickle.loads(pickle.dumps(clone(sampler)))
    assert copy.get_params()["generator__temperature"] == 0.7
    copy.set_params(generator__temperature=1.3)
    assert sampler.generator.temperature == 0.7
    assert "LLMOverSampler" in sampler._repr_html_()


@pytest.mark.slow
def test_the_embedded_model_writes_the_same_rows_again(tmp_path):
    sampler = LLMOverSampler(
        sampling_strategy={"hazard": 13},
        prompt=Examples(n_examples=3),
        accept=TextFilter(length_tolerance=20),
        task="Messages from tenants to their property manager",
        label_descriptions={"hazard": "immediate danger to life or home"},
        generator=TransformersGenerator(batch_size=8, max_new_tokens=24),
        cache=tmp_path / "requests.sqlite",
        random_state=0,
    )
    X_new, y_new = sampler.fit_resample(X, Y)
    assert len(X_new) == 43
    assert y_new[40:] == ["hazard"] * 3
    assert len(set(X_new[40:]) - set(X)) == 3
    provenance = sampler.provenance_
    assert (provenance.completion_tokens > 0).all()
    assert not provenance.cached.any()
    assert provenance.accepted.sum() == 3

    other_batches = clone(sampler).set_params(generator__batch_size=3, cache=None)
    assert other_batches.fit_resample(X, Y)[0] == X_new

    again = clone(sampler)
    assert again.fit_resample(X, Y)[0] == X_new
    assert again.provenance_.cached.all()

    other_seed = clone(sampler).set_params(random_state=1)
    assert other_seed.fit_resample(X, Y)[0] != X_new
