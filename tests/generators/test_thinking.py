import re
import sys
import time
from pathlib import Path

import pytest

from sklw import LLMOverSampler, OpenAIGenerator
from sklw.generators import BaseGenerator, Completion
from sklw.over_sampling import Examples, TextFilter

sys.path.insert(0, str(Path(__file__).parent))
from _endpoint import Endpoint

ROW = "smoke comes out of the socket"
THOUGHT = "We need a row. I might write <b>one</b>.\n\nLet me think.\n"
ROWS = [f"smoke comes out of socket {n} in the {room}" for n, room in enumerate(
    ["hall", "kitchen", "bath", "attic"])]  # fmt: skip


def filled(form, thought, row=""):
    return re.sub(r"(?<![A-Z<\[|])[TR](?![A-Z])", lambda m: thought if m[0] == "T" else row, form)


HARMONY = "<|channel|>analysis<|message|>T<|end|><|start|>assistant<|channel|>final<|message|>R"

# T stands for what is thought, R for the row.
CLOSED = {
    "think": "<think>\nT\n</think>\n\nR",
    "upper case": "<THINK>T</THINK>R",
    "empty": "<think>\n\n</think>\n\nR",
    "without the opening": "T\n</think>\n\nR",
    "twice": "<think>T</think><think>T</think>\nR",
    "quoted within": "<think>T I close with <think> and go on.</think>R",
    "closed within": "<think>T so </think> is the end </think>R",
    "thinking": "<thinking>T</thinking>R",
    "thought": "<thought>T</thought>R",
    "thoughts": "<thoughts>T</thoughts>R",
    "with a blank": "<think >T</think >R",
    "as a token": "<|think|>T<|/think|>R",
    "as a token, the slash before": "<|thinking|>T</|thinking|>R",
    "with a prefix": "<longcat_think>T</longcat_think>R",
    "with a namespace": "<mm:think>T</mm:think>R",
    "with an ending": "<think_never_used_51bce0c7>T</think_never_used_51bce0c7>R",
    "scratch pad": "<SCRATCHPAD>T</SCRATCHPAD>R",
    "reflection": "<reflection>T</reflection>R",
    "apriel": "[BEGIN_THOUGHT]T[END_THOUGHT]R",
    "begin of thinking": "<|begin_of_thinking|>T<|end_of_thinking|>R",
    "reasoning": "<reasoning>T</reasoning>\nR",
    "seed": "<seed:think>T</seed:think>R",
    "seed with a budget": "<seed:think><seed:cot_budget_reflect>9</seed:cot_budget_reflect>T"
    "</seed:think>R",
    "magistral": "[THINK]T[/THINK]R",
    "gemma": "<|channel>thought\nT<channel|>R",
    "gemma, opening skipped": "thought\nT<channel|>R",
    "medgemma": "<unused94>thought\nT<unused95>R",
    "command": "<|START_THINKING|>T<|END_THINKING|><|START_RESPONSE|>R<|END_RESPONSE|>",
    "openthinker": "<|begin_of_thought|>T<|end_of_thought|>\n<|begin_of_solution|>R"
    "<|end_of_solution|>",
    "kimi": "◁think▷T◁/think▷R",
    "granite": "Here is my thought process:\nT\nHere is my response:\nR",
    "answer in a tag": "<think>T</think>\n<answer>\nR\n</answer>",
    "answer in an open tag": "<think>T</think><answer>R",
    "harmony": HARMONY + "<|return|>",
    "harmony, cut": HARMONY,
    "harmony with commentary": "<|channel|>commentary<|message|>T<|end|>" + HARMONY,
    "harmony in part": "analysis<|message|>T<|end|><|start|>assistant<|channel|>final<|message|>R",
    "harmony with a format": "<|channel|>analysis<|message|>T<|end|><|start|>assistant<|channel|>"
    "final <|constrain|>json<|message|>R<|end|>",
    "harmony as plain text": "analysisTassistantfinalR",
    "harmony as plain text, without its name": "TassistantfinalR",
}
UNCLOSED = {
    "think": "<think>\nT",
    "half a mark": "<think>T</thi",
    "after an answer": "<think>T</think> Well <think> T",
    "another mark": "<thinking>T</think>",
    "a token": "<|thinking|>T",
    "a namespace": "<mm:think>T",
    "magistral": "[THINK]T",
    "gemma": "<|channel>thought\nT",
    "gemma, skipped": "thought\nT",
    "harmony": "<|channel|>analysis<|message|>T",
    "harmony as plain text": "analysisT",
    "harmony with a call": "<|channel|>commentary to=f<|message|>T<|call|>",
    "granite": "Here is my thought process:\nT",
}
TEXTS = [
    ROW, "a < b and b > a", "analysis of the market", "Analysis", "final call",
    "I think </b> it is fine", "the thought of it", "[think] of me", "assistant final",
    "<answer>yes</answer> or no", "a <thinker> and <b>bold thoughts</b>", "<rethinking-x>",
    "An analysis.", "I read your review. Here is my response: no",
]  # fmt: skip


class Thinker(BaseGenerator):
    """Answers what it is told to, in turn."""

    def __init__(self, answers=()):
        self.answers = answers

    prompt_form = "chat"
    model_name = "thinker"
    max_new_tokens = 100

    def cache_key(self):
        return {"backend": "thinker"}

    def iter_generate(self, requests):
        for number, request in enumerate(requests):
            answer = self.answers[request.index % len(self.answers)]
            text, reason = answer if isinstance(answer, tuple) else (answer, "stop")
            yield number, Completion(text, 5, 5, reason)


def resample(answers, texts=None, generator=None, **kwargs):
    texts = texts or [f"the pipe in flat {i} leaks again" for i in range(12)]
    sampler = LLMOverSampler(
        generator=generator or Thinker(answers),
        prompt=Examples(n_examples=2, answers_per_prompt=1),
        accept=TextFilter(None, length_tolerance=5),
        max_attempts=1,
        on_shortfall="ignore",
        verbose=False,
        random_state=0,
        **kwargs,
    )
    X, _ = sampler.fit_resample(texts, ["routine"] * 8 + ["hazard"] * 4)
    return X[12:], sampler.provenance_


@pytest.mark.parametrize("form", CLOSED.values(), ids=CLOSED)
def test_rows_hold_the_answer_alone(form):
    rows, _ = resample([filled(form, THOUGHT, row) for row in ROWS])
    assert rows == ROWS


def completed(answers, texts=None, **kwargs):
    """The same from a server of completions that goes on after each row."""
    more = "\nCategory: routine\nText: <think>hm</think> the pipe is fine\n"

    def script(prompt, nth):
        return {"text": answers[(len(endpoint.bodies) - 1) % len(answers)].replace("R+", more)}

    with Endpoint(script) as endpoint:
        generator = OpenAIGenerator(
            "m", base_url=endpoint.url, prompting="completion", thinking_tokens=99,
            max_concurrency=1,
        )  # fmt: skip
        return resample(answers, texts, generator, **kwargs)


@pytest.mark.parametrize("form", CLOSED.values(), ids=CLOSED)
def test_a_completion_ends_after_the_row_and_not_in_the_thinking(form):
    rows, provenance = completed([filled(form, THOUGHT, f"{row}R+") for row in ROWS])
    assert rows == ROWS
    assert set(provenance["finish_reason"]) == {"stop"}


@pytest.mark.parametrize("form", UNCLOSED.values(), ids=UNCLOSED)
def test_unclosed_thinking_is_rejected_with_a_reason(form):
    thought = filled(form, THOUGHT)
    rows, provenance = resample([(thought, "length"), ROWS[0], thought, ROWS[1]])
    assert rows == ROWS[:2]
    assert provenance["reason"].tolist() == ["thinking", ""] * 2
    assert provenance["finish_reason"].tolist() == ["thinking", "stop"] * 2


def test_a_text_without_thinking_is_left_as_it_is():
    sampler = LLMOverSampler(
        generator=Thinker(TEXTS),
        prompt=Examples(n_examples=2, answers_per_prompt=1),
        accept=TextFilter(None, length_tolerance=50),
        sampling_strategy={"hazard": 4 + len(TEXTS)},
        max_attempts=1,
        verbose=False,
        random_state=0,
    )
    real = [f"the pipe in flat {i} leaks" for i in range(12)]
    X, _ = sampler.fit_resample(real, ["routine"] * 8 + ["hazard"] * 4)
    assert X[12:] == TEXTS


def test_cut_answers_of_a_model_that_begins_within_its_thinking_are_rejected():
    thought = "A message about fire would do. Let me write one. It should be"
    first = f"{thought} short.\n</think>\n\n{ROWS[0]}"
    rows, provenance = resample([first, (thought, "length"), *ROWS[1:3]])
    assert rows == ROWS[:3]
    assert provenance["reason"].tolist() == ["", "thinking", "", ""]


@pytest.mark.parametrize(
    "text",
    [
        "Alright, the user wants a new message labelled spam. It should",
        "Okay, so the user asked for",
    ],
)
def test_talk_about_the_user_is_no_row(text):
    rows, provenance = resample([(text, "length"), text, *ROWS[:2]])
    assert rows == ROWS[:2]
    assert provenance["reason"].tolist() == ["thinking", "thinking", "", ""]


@pytest.mark.parametrize(
    "text",
    ["I <think> it leaks in the bath", "we </think> hard about it", "see [THINK] on the door",
     "analysis\nof the leak", "the user wants a new tap", "it says assistantfinal on the box"],
)  # fmt: skip
def test_marks_that_real_rows_hold_are_text(text):
    real = [f"{text} in flat {i}" for i in range(12)]
    rows, _ = resample([f"{text} at {i}" for i in range(4)], real)
    assert rows == [f"{text} at {i}" for i in range(4)]


@pytest.mark.parametrize(
    "text",
    ["<thinking>maybe</thinking> the tap", "I <think>hope</think> it is", "we </think> it is",
     "<answer>the <think></think> tap</answer>"],
)  # fmt: skip
def test_marks_that_real_rows_hold_stay_in_completions(text, tmp_path):
    real = [f"{text} in flat {i}" for i in range(12)]
    for _ in range(2):  # from the cache, too
        rows, _ = completed([f" {text} at {i}R+" for i in range(4)], real, cache=tmp_path)
        assert rows == [f"{text} at {i}" for i in range(4)]


LONG = [
    "a", " ", "a ", "<", "<think>", "</think>", "<think></think>", "analysis", "assistantfinal",
    "<|channel|>", "<|channel|>final ", "the user ", ", ", "thought\n", "<answer>", "1 ",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("part", LONG)
def test_long_answers_take_no_time(part):
    start = time.process_time()
    texts = [part * 20_000, "<think></think>" + part * 20_000, part * 20_000 + "the user wants"]
    resample(texts)
    real = [f"the pipe in flat {i} leaks" for i in range(12)]
    resample(ROWS, [*texts, *real[3:]])
    assert time.process_time() - start < 8
