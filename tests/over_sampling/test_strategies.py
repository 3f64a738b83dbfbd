import re

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklw import LLMOverSampler, RecordedGenerator, TextEmbedder, TransformersGenerator
from sklw.datasets import load_maintenance_requests
from sklw.exceptions import GenerationWarning
from sklw.generators import BaseGenerator, Budget, Completion
from sklw.over_sampling import (
    Attributes,
    Contrast,
    Counterfactual,
    Examples,
    Paraphrase,
    TextFilter,
)

CORPUS = load_maintenance_requests()
HAZARDS = CORPUS.data[CORPUS.target == "hazard"]
ROUTINE = CORPUS.data[CORPUS.target == "routine"]
X = [*ROUTINE[:30], *HAZARDS[:10]]
Y = ["routine"] * 30 + ["hazard"] * 10
SPARE = [*HAZARDS[10:60]]
OTHERS = ["contrast", "attributes", "rewrite", "paraphrase", "counterfactual"]


class Listener(BaseGenerator):
    """Answers with real texts that are not in X, and keeps what it was asked."""

    asked: list = []

    def __init__(self, form="completion", answers=(), topics="1. Gas leaks\n2. Loose wires"):
        self.form = form
        self.answers = answers
        self.topics = topics

    @property
    def prompt_form(self):
        return self.form

    def iter_generate(self, requests):
        for i, request in enumerate(requests):
            Listener.asked.append(request)
            prompt = request.prompt if self.form == "completion" else request.prompt[0][1]
            if "Which label" in prompt or prompt.endswith("Category:"):
                text = self.answers[0] if self.answers else "hazard"
            elif "different topics" in prompt:
                text = self.topics
            else:
                text = SPARE[request.index % len(SPARE)]
            yield i, Completion(text, 10, 5)


@pytest.fixture
def ask():
    def run(form="completion", answers=(), topics="1. Gas leaks\n2. Loose wires", **kwargs):
        Listener.asked = []
        sampler = LLMOverSampler(
            generator=Listener(form, answers, topics),
            sampling_strategy={"hazard": 16},
            random_state=0,
            verbose=False,
            **kwargs,
        )
        sampler.fit_resample(X, Y)
        return sampler, [
            request.prompt if form == "completion" else request.prompt[0][1]
            for request in Listener.asked
        ]

    return run


@pytest.mark.parametrize("form", ["completion", "chat"])
@pytest.mark.parametrize("strategy", ["examples", *OTHERS])
def test_parents_are_the_real_texts_in_the_prompt(ask, strategy, form):
    sampler, prompts = ask(form, prompt=strategy)
    generated = sampler.provenance_
    rows = [p for p in prompts if "different topics" not in p]
    for number, parents in zip(generated["prompt_id"], generated["parents"], strict=True):
        in_prompt = {i for i, text in enumerate(X) if " ".join(text.split()) in rows[number]}
        if strategy != "attributes":
            assert in_prompt == set(parents)
        else:  # topics come from other texts
            assert in_prompt <= set(parents)
            assert in_prompt


@pytest.mark.parametrize("form", ["completion", "chat"])
@pytest.mark.parametrize("strategy", ["examples", *OTHERS])
def test_the_same_seed_asks_for_the_same(ask, strategy, form):
    assert ask(form, prompt=strategy)[1] == ask(form, prompt=strategy)[1]


@pytest.mark.parametrize("form", ["completion", "chat"])
def test_what_starts_from_one_text_starts_from_the_right_class(ask, form):
    for strategy, of in [
        ("rewrite", HAZARDS),
        ("paraphrase", HAZARDS),
        ("counterfactual", ROUTINE),
    ]:
        sampler, _ = ask(form, prompt=strategy)
        last = [X[parents[-1]] for parents in sampler.parent_indices_]
        assert set(last) <= set(of)


def test_contrast_shows_the_nearest_text_of_another_class_before_its_like(ask):
    sampler, prompts = ask(prompt=Contrast(n_examples=4))
    labels = re.findall(r"Category: (\w+)", prompts[0])
    assert labels == ["hazard", "hazard", "routine", "hazard", "routine", "hazard", "hazard"]
    vectors = TextEmbedder().fit_transform(X)
    parents = sampler.parent_indices_[0]
    other, own = parents[2], parents[3]
    assert other == np.argmax(vectors[:30] @ vectors[own])


def test_given_attributes_are_drawn_for_each_prompt(ask):
    given = {"tone": ["angry", "polite"], "length": "match", "topic": {"hazard": ["gas"]}}
    _, prompts = ask(prompt=Attributes(given, answers_per_prompt=1))
    tones = {
        re.search(r"Tone: (\w+)\nLength: \d+ words\nText:$", _last_field(p))[1] for p in prompts
    }
    assert tones == {"angry", "polite"}
    assert all("Topic: gas" in prompt for prompt in prompts)
    _, prompts = ask("chat", prompt=Attributes(given))
    assert all("- topic: gas" in prompt for prompt in prompts)


@pytest.mark.parametrize(
    ("text", "length"),
    [("包裹没到，请退款", "8 characters"), ("荷物が届きません", "8 characters"),
     ("สวัสดีครับ", "10 characters"), ("안녕하세요 반갑습니다", "2 words"), ("see you", "2 words")],
)  # fmt: skip
def test_lengths_of_texts_without_spaces_are_in_characters(text, length):
    Listener.asked = []
    sampler = LLMOverSampler(
        Listener(), prompt=Attributes({"length": "match"}), sampling_strategy={"hazard": 3},
        max_attempts=1, on_shortfall="ignore", random_state=0,
    )  # fmt: skip
    sampler.fit_resample([text, text, *["ok"] * 3], ["hazard"] * 2 + ["routine"] * 3)
    assert f"Length: {length}\nText:" in Listener.asked[0].prompt


def _last_field(prompt):
    # topic comes after tone in the order of values; put it aside
    return prompt.replace("Topic: gas\n", "")


def test_the_model_proposes_topics_first(ask):
    _, prompts = ask(prompt="attributes")
    assert ["different topics" in prompt for prompt in prompts[:4]] == [True] * 3 + [False]
    drawn = {topic for p in prompts[3:] for topic in re.findall(r"Topic: (.*)", p)}
    assert drawn == {"Gas leaks", "Loose wires"}


def test_a_model_that_proposes_nothing_is_reported(ask):
    with pytest.warns(GenerationWarning, match="proposed 0 topic"):
        sampler, prompts = ask(prompt="attributes", topics="")
    assert sampler.synthetic_mask_.sum() == 6
    assert not any("Topic:" in prompt for prompt in prompts)


def test_proposals_of_a_chat_model_lose_their_trimmings(ask):
    topics = "Sure!\n1. **Gas leaks**: smells\n2) Loose wires - in rooms\n3. gas leaks\n4. x"
    _, prompts = ask("chat", prompt="attributes", topics=topics)
    drawn = {topic for p in prompts for topic in re.findall(r"- topic: (.*)", p)}
    assert drawn == {"Gas leaks", "Loose wires"}


@pytest.mark.parametrize(
    "topics",
    [
        "Here are some:\n\n- Gas leaks\n- Loose wires",
        "* Gas leaks\n* Loose wires\n\nAnything else?",
        "1. Gas leaks\n   - in kitchens\n2. Loose wires\n\nLet me know if you need more!",
        "**1. Gas leaks**\n**2. Loose wires**", '```json\n["Gas leaks", "Loose wires"]\n```',
        "1、Gas leaks：smells\n2、Loose wires",
        "Topic 1: Gas leaks\nTopic 2: Loose wires",
        "1. **Topic 1:** Gas leaks\n2. **Topic 2:** Loose wires",
        "Sure! Here are two topics:\n\nGas leaks\nLoose wires",
        "1. Gas leaks\n2. Loose wires\n\nThese are topics.\nThey vary.",
    ],
)  # fmt: skip
def test_proposals_in_any_list_are_read(ask, topics):
    _, prompts = ask("chat", prompt="attributes", topics=topics)
    drawn = {topic for p in prompts for topic in re.findall(r"- topic: (.*)", p)}
    assert drawn == {"Gas leaks", "Loose wires"}


@pytest.mark.parametrize("form", ["completion", "chat"])
def test_a_refusal_and_a_table_propose_nothing(ask, form):
    for topics in (
        "I'm sorry, but I can't help with that.",
        "| # | topic |\n|---|---|\n| 1 | gas |",
    ):
        with pytest.warns(GenerationWarning, match="proposed 0 topic"):
            ask(form, prompt="attributes", topics=topics)


@pytest.mark.parametrize("form", ["completion", "chat"])
def test_the_users_own_words(ask, form):
    template = (
        "{json} {{ task }}: {{ examples }}\n{{ label }} ({{ description }}), {{ instructions }}:"
    )
    _, prompts = ask(
        form,
        prompt=Examples(instructions="Be brief.", template=template),
        task="requests",
        label_descriptions={"hazard": "dangerous"},
    )
    assert prompts[0].startswith("{json} requests: ")
    assert prompts[0].endswith("\nhazard (dangerous), Be brief.:")
    assert sum(text in prompts[0] for text in X) == 5


def test_the_users_own_words_with_a_source(ask):
    _, prompts = ask(
        prompt=Counterfactual(
            answers_per_prompt=1, template="{{ source_label }}: {{ source }}\n{{ label }}:"
        ),
    )
    assert all(re.fullmatch(r"routine: [^\n]+\nhazard:", prompt) for prompt in prompts)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Examples(template="{{ exampels }}"), "exampels.*Its fields can be"),
        (Examples(template="{{"), "cannot be read"),
        (Examples(template="{{ label | backwards }}"), "cannot be read.*backwards"),
        (Examples(template="{{ label.__class__ }}"), "cannot be read.*unsafe"),
        (Examples(template="A {label}:"), r"single braces.*write \{\{ label \}\}"),
        (Examples(template="{{ source }} {{ examples }}"), "source.*this prompt cannot fill in"),
        (Paraphrase(template="{{ examples }}"), "examples.*cannot fill in"),
        (Attributes(template="{{ examples }}"), "has no field {{ attributes }}"),
        (Attributes({"tone": []}), "is empty. Give values"),
        (Attributes({"tone": {"nobody": ["a"]}}), "nobody"),
        (Attributes({"tone": "angry"}), "Map a name to a list"),
        (Attributes({"tone": {"hazard": "propose"}}), "Map a name to a list"),
    ],
)
def test_wrong_prompting_is_refused_before_anything_is_sent(ask, wrong, message):
    with pytest.raises(ValueError, match=message):
        ask(prompt=wrong)
    assert not Listener.asked


def test_prompting_that_nobody_reads_is_reported():
    records = [{"text": text, "label": "hazard"} for text in SPARE]
    sampler = LLMOverSampler(generator=RecordedGenerator(records), prompt="rewrite", random_state=0)
    with pytest.warns(GenerationWarning, match="reads no prompts"):
        sampler.fit_resample(X, Y)
    table = [[float(i), i % 3] for i in range(40)]
    with pytest.raises(ValueError, match=r"asks for texts.*prompt=TableRows\(\)"):
        LLMOverSampler(generator=Listener(), prompt="rewrite").fit_resample(table, Y)


# Verification


@pytest.mark.slow
def test_a_checker_takes_rows_of_its_class_only():
    mixed = [*HAZARDS[50:80], *ROUTINE[150:180]]
    records = [{"text": text, "label": "hazard"} for text in mixed]
    real, labels = [*ROUTINE[:150], *HAZARDS[:50]], ["routine"] * 150 + ["hazard"] * 50
    balanced = LogisticRegression(C=10, class_weight="balanced")
    accepted = []
    for verifier in ("embedding", make_pipeline(TextEmbedder(), balanced)):
        sampler = LLMOverSampler(
            generator=RecordedGenerator(records),
            sampling_strategy={"hazard": 110},
            accept=TextFilter(verifier=verifier),
            on_shortfall="ignore",
            random_state=0,
        )
        X_new, _ = sampler.fit_resample(real, labels)
        accepted.append(X_new[200:])
        found = sampler.provenance_
        right = found["text"].isin(HAZARDS)
        assert found["accepted"][right].mean() > 0.6
        assert found["accepted"][~right].mean() < 0.3
    assert accepted[0] == accepted[1]


@pytest.mark.parametrize("form", ["completion", "chat"])
@pytest.mark.parametrize(
    ("answer", "accepted"),
    [("hazard", True), (" Hazard.", True), ("It is a hazard", True),
     ("routine", False), ("It is routine", False), ("hazardous", None), ("no idea", None),
     ("not hazard", None), ("hazard, not routine", None),
     ("**Label:** hazard\n\nReason: nothing routine about it.", True)],
)  # fmt: skip
def test_the_model_verifies_its_texts(ask, form, answer, accepted):
    sampler, prompts = ask(
        form, (answer,), accept=TextFilter(verifier="model"), max_attempts=1, on_shortfall="ignore"
    )
    assert sampler.synthetic_mask_.sum() == (6 if accepted else 0)
    reasons = set(sampler.provenance_["reason"])
    assert ("wrong_class" in reasons) is (accepted is False)
    assert ("unverified" in reasons) is (accepted is None)
    asked = [p for p in prompts if "Which label" in p or p.endswith("Category:")]
    assert len(asked) == len(set(asked))
    assert sampler.usage_.requests == len(prompts)


class Repeater(Listener):
    """Answers with what a function makes of the request; judges by what another says."""

    def __init__(self, answer, verdict="hazard", form="completion"):
        self.answer = answer
        self.verdict = verdict
        self.form = form

    def iter_generate(self, requests):
        for i, request in enumerate(requests):
            prompt = request.prompt if self.form == "completion" else request.prompt[0][1]
            asked = "Which label" in prompt or prompt.endswith("Category:")
            yield i, Completion(self.verdict if asked else self.answer(request, prompt), 10, 5)


@pytest.mark.parametrize("strategy", ["contrast", "counterfactual"])
def test_a_shown_text_of_another_class_is_no_new_text_of_this_one(strategy):
    def copy(request, prompt):
        shown = [text for text in ROUTINE[:30] if text in prompt]
        return shown[request.index % len(shown)].rstrip(".?!") + "!"

    sampler = LLMOverSampler(
        generator=Repeater(copy), sampling_strategy={"hazard": 16}, prompt=strategy,
        max_attempts=1, on_shortfall="ignore", random_state=0,
    )  # fmt: skip
    sampler.fit_resample(X, Y)
    assert set(sampler.provenance_["reason"]) <= {"copied_prompt", "copied_real"}


def test_tags_of_the_prompt_do_not_stay_in_the_text_where_there_are_groups():
    tags = []

    def tagged(request, prompt):
        tags.append(re.findall(r"\[[^]]*\]", prompt)[-1])
        return f"{tags[-1]} {SPARE[request.index]}"

    sampler = LLMOverSampler(
        generator=Repeater(tagged, form="chat"), prompt="contrast", random_state=0,
        sampling_strategy={("hazard", "A"): 10}, on_shortfall="ignore",
    )  # fmt: skip
    X_new, _ = sampler.fit_resample(X, Y, groups=["A", "B"] * 20)
    assert set(tags) == {"[hazard]"}
    assert set(X_new[40:]) <= set(SPARE)


def test_verified_rows_beyond_balance_are_kept():
    def several(request, prompt):
        return "\n".join(f"{i}. {SPARE[4 * request.index + i]}" for i in range(4))

    sampler = LLMOverSampler(
        generator=Repeater(several, form="chat"), sampling_strategy={"hazard": 13},
        augment={"hazard": 5}, prompt=Examples(rows_per_request=4), random_state=0,
        accept=TextFilter(verifier="model"),
    )  # fmt: skip
    sampler.fit_resample(X, Y)
    found = sampler.provenance_
    assert found["reason"].tolist() == [""] * 8 + ["surplus"] * (len(found) - 8)
    assert found["purpose"].tolist()[:8] == ["oversample"] * 3 + ["augment"] * 5
    assert found["round"].is_monotonic_increasing


def test_a_text_that_is_none_of_one_class_may_be_one_of_another():
    def told(request, prompt):
        return SPARE[0] if (request.label == "routine") == (request.index == 0) else ""

    sampler = LLMOverSampler(
        generator=Repeater(told, verdict="hazard"), accept=TextFilter(verifier="model"),
        sampling_strategy={"hazard": 11, "routine": 31}, on_shortfall="ignore", random_state=0,
    )  # fmt: skip
    X_new, y_new = sampler.fit_resample(X, Y)
    assert (X_new[40:], y_new[40:]) == ([SPARE[0]], ["hazard"])
    assert sampler.provenance_["reason"].tolist()[:2] == ["empty", "wrong_class"]


def test_asking_for_more_does_not_change_the_rows_for_balance():
    def told(request, prompt):
        if "different topics" in prompt:
            return "\n".join(f"{i}. Topic {request.seed % 97 + i}" for i in range(5))
        return f"{SPARE[request.index]} {re.findall('Topic: (.*)', prompt)[-1]}"

    made = []
    for augment in (0, {"routine": 2}, {"hazard": 2}):
        sampler = LLMOverSampler(
            generator=Repeater(told), sampling_strategy={"hazard": 13}, random_state=0,
            prompt="attributes", augment=augment,
        )  # fmt: skip
        X_new, y_new = sampler.fit_resample(X, Y)
        made.append([x for x, y in zip(X_new[40:], y_new[40:], strict=True) if y == "hazard"][:3])
    assert made[0] == made[1] == made[2]


def test_what_stands_behind_a_proposed_topic_is_a_parent():
    def told(request, prompt):
        shown = [i for i, text in enumerate(X) if text in prompt]
        if "different topics" in prompt:
            return "".join(f"{n}. Topic of {' '.join(map(str, shown))} {n}\n" for n in (1, 2))
        topics.append(re.findall("Topic: Topic of (.*) [12]", prompt)[-1].split())
        return SPARE[request.index]

    topics: list[list[str]] = []
    sampler = LLMOverSampler(
        generator=Repeater(told), sampling_strategy={"hazard": 16}, random_state=0,
        prompt=Attributes(n_examples=2),
        max_attempts=1,
    )  # fmt: skip
    sampler.fit_resample(X, Y)
    for behind, parents in zip(topics, sampler.provenance_["parents"], strict=True):
        assert set(map(int, behind)) <= set(parents)


@pytest.mark.parametrize(
    ("names", "verdict", "accepted"),
    [
        (("垃圾短信", "正常"), "这条消息属于垃圾短信。", True),
        (("垃圾短信", "正常"), "这不是垃圾短信", None),
        (("迷惑メール", "通常"), "迷惑メールです。", True),
        (("迷惑メール", "通常"), "迷惑メールではありません", None),
        (("스팸", "정상"), "스팸입니다.", True),
        (("spam", "ham"), "这是spam。", True),
        (("Re\u0301clamation", "Question"), "Réclamation", True),
        (("Spam", "Normal"), "Das ist kein Spam.", None),
        (("Réclamation", "Question"), "Ce n'est pas une Réclamation", None),
        (("स्पैम", "सामान्य"), "यह स्पैम नहीं है", None),
    ],
)
def test_verdicts_in_other_languages(names, verdict, accepted):
    sampler = LLMOverSampler(
        generator=Repeater(lambda request, prompt: SPARE[request.index % len(SPARE)], verdict),
        sampling_strategy={"hazard": 11},
        label_names=dict(zip(["hazard", "routine"], names, strict=True)),
        accept=TextFilter(verifier="model"),
        max_attempts=1, on_shortfall="ignore", random_state=0,
    )  # fmt: skip
    sampler.fit_resample(X, Y)
    assert sampler.synthetic_mask_.any() == bool(accepted)
    assert ("unverified" in set(sampler.provenance_["reason"])) is (accepted is None)


def test_a_classifier_sees_the_labels_and_is_fitted_when_it_is_needed():
    weighted = LogisticRegression(C=10, class_weight={"hazard": 3, "routine": 1})
    sampler = LLMOverSampler(
        generator=Repeater(lambda request, prompt: SPARE[request.index]),
        sampling_strategy={"hazard": 16},
        accept=TextFilter(verifier=make_pipeline(TextEmbedder(), weighted)),
        on_shortfall="ignore", random_state=0,
    )  # fmt: skip
    sampler.fit_resample(X, Y)
    assert sampler.synthetic_mask_.any()
    broken = clone(sampler).set_params(
        accept=TextFilter(verifier=LogisticRegression())  # cannot read texts
    )
    assert broken.estimate(X, Y).loc["expected", "requests"] == 6
    assert broken.set_params(sampling_strategy={"hazard": 10}).fit_resample(X, Y)[0] == X


def test_a_budget_leaves_room_for_verdicts(ask):
    sampler, _ = ask(
        accept=TextFilter(verifier="model"),
        budget=Budget(max_requests=7),
        on_shortfall="ignore",
    )
    assert sampler.usage_.requests == 7
    assert sampler.usage_.stopped_by == "max_requests"
    found = sampler.provenance_["reason"].value_counts()
    # Half of what there is goes to texts, so that the other half can say what they are.
    assert found.get("", 0) == sampler.synthetic_mask_.sum() == 3
    assert found["unverified"] == 1


def test_what_was_not_verified_is_on_record_after_an_interrupt(monkeypatch):
    sampler = LLMOverSampler(
        generator=Listener(),
        sampling_strategy={"hazard": 16},
        accept=TextFilter(verifier="model"),
        random_state=0,
    )

    def interrupted(self, requests):
        for i, request in enumerate(requests):
            if request.prompt.endswith("Category:"):
                raise KeyboardInterrupt
            yield i, Completion(SPARE[request.index % len(SPARE)], 10, 5)

    monkeypatch.setattr(Listener, "iter_generate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sampler.fit_resample(X, Y)
    assert sampler.provenance_["reason"].tolist() == ["unverified"] * 6


def test_estimate_counts_proposals_and_verdicts():
    sampler = LLMOverSampler(
        generator=Listener(),
        sampling_strategy={"hazard": 16},
        prompt="attributes",
        accept=TextFilter(verifier="model"),
        random_state=0,
    )
    assert sampler.estimate(X, Y).loc["expected", "requests"] == 3 + 2 * 6
    Listener.asked = []
    sampler.fit_resample(X, Y)
    assert len(Listener.asked) == 3 + 2 * 6


def test_nobody_to_verify_is_refused():
    records = [{"text": text, "label": "hazard"} for text in SPARE]
    sampler = LLMOverSampler(
        generator=RecordedGenerator(records), accept=TextFilter(verifier="model")
    )
    with pytest.raises(ValueError, match="answers no questions"):
        sampler.fit_resample(X, Y)
    table = [[float(i), i % 3] for i in range(40)]
    with pytest.raises(ValueError, match="SyntheticWeighter"):
        LLMOverSampler(generator=Listener(), accept=TextFilter(verifier="embedding")).fit_resample(
            table, Y
        )


@pytest.mark.slow
@pytest.mark.parametrize("strategy", OTHERS)
def test_a_real_model_writes_by_every_strategy(strategy):
    sampler = LLMOverSampler(
        generator=TransformersGenerator(batch_size=8),
        sampling_strategy={"hazard": 11},
        prompt=Attributes({"tone": ["angry", "calm"]}) if strategy == "attributes" else strategy,
        accept=TextFilter(verifier="model" if strategy == "rewrite" else None),
        task="requests to the maintenance team of a building",
        random_state=0,
        verbose=False,
    )
    X_new, _ = sampler.fit_resample(X, Y)
    assert len(X_new) == 41
    assert not set(X_new[40:]) & set(X)
