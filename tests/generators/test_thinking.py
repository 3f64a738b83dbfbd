import pytest

from sklw import LLMOverSampler
from sklw.generators import BaseGenerator, Completion
from sklw.generators._thinking import strip_thinking

ROW = "smoke comes out of the socket"
THOUGHT = "The user wants a row. I might write <b>one</b>.\n\nLet me think.\n"
HARMONY = "<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>{}"

CLOSED = {
    "think": "<think>\n{}\n</think>\n\n{}",
    "upper case": "<THINK>{}</THINK>{}",
    "empty": "<think>\n\n</think>\n\n{1}",
    "without the opening": "{}\n</think>\n\n{}",
    "twice": "<think>{}</think><think>{0}</think>\n{}",
    "quoted within": "<think>{} I close with <think> and go on.</think>{}",
    "closed within": "<think>{} so </think> is the end </think>{}",
    "thinking": "<thinking>{}</thinking>{}",
    "thought": "<thought>{}</thought>{}",
    "reasoning": "<reasoning>{}</reasoning>\n{}",
    "seed": "<seed:think>{}</seed:think>{}",
    "magistral": "[THINK]{}[/THINK]{}",
    "gemma": "<|channel>thought\n{}<channel|>{}",
    "gemma, opening skipped": "thought\n{}<channel|>{}",
    "medgemma": "<unused94>thought\n{}<unused95>{}",
    "command": "<|START_THINKING|>{}<|END_THINKING|><|START_RESPONSE|>{}<|END_RESPONSE|>",
    "openthinker": "<|begin_of_thought|>{}<|end_of_thought|>\n<|begin_of_solution|>{}"
    "<|end_of_solution|>",
    "kimi": "◁think▷{}◁/think▷{}",
    "granite": "Here is my thought process:\n{}\nHere is my response:\n{}",
    "answer in a tag": "<think>{}</think>\n<answer>\n{}\n</answer>",
    "answer in an open tag": "<think>{}</think><answer>{}",
    "harmony": HARMONY + "<|return|>",
    "harmony, cut": HARMONY,
    "harmony with commentary": "<|channel|>commentary<|message|>{}<|end|>" + HARMONY,
    "harmony in part": "analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>{}",
    "harmony with a format": "<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>"
    "final <|constrain|>json<|message|>{}<|end|>",
    "harmony as plain text": "analysis{}assistantfinal{}",
    "harmony as plain text, without its name": "{}assistantfinal{}",
}
UNCLOSED = {
    "think": "<think>\n{}",
    "half a mark": "<think>{}</thi",
    "after an answer": "<think>{}</think> Well <think> {0}",
    "another mark": "<thinking>{}</think>",
    "magistral": "[THINK]{}",
    "gemma": "<|channel>thought\n{}",
    "gemma, skipped": "thought\n{}",
    "harmony": "<|channel|>analysis<|message|>{}",
    "harmony as plain text": "analysis{}",
    "harmony with a call": "<|channel|>commentary to=f<|message|>{}<|call|>",
    "granite": "Here is my thought process:\n{}",
}
TEXTS = [
    ROW, "", "two\nlines", "a < b and b > a", "analysis of the market", "Analysis", "final call",
    "I think </b> it is fine", "the thought of it", "[think] of me", "assistant final",
    "<answer>yes</answer>", "An analysis.", "thoughtful\nline",
]  # fmt: skip


@pytest.mark.parametrize("form", CLOSED.values(), ids=CLOSED)
def test_thinking_is_taken_out(form):
    assert strip_thinking(form.format(THOUGHT, ROW)) == (ROW, True)


@pytest.mark.parametrize("form", UNCLOSED.values(), ids=UNCLOSED)
def test_thinking_without_an_end_is_no_answer(form):
    assert not strip_thinking(form.format(THOUGHT))[1]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_without_thinking_is_left_as_it_is(text):
    assert strip_thinking(text) == (text, True)


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


def resample(answers, texts=None, **kwargs):
    texts = texts or [f"the pipe in flat {i} leaks again" for i in range(12)]
    sampler = LLMOverSampler(
        generator=Thinker(answers), near_duplicate_threshold=None, n_examples=2, max_attempts=1,
        answers_per_prompt=1, on_shortfall="ignore", verbose=False, random_state=0,
        length_tolerance=5, **kwargs,
    )  # fmt: skip
    X, _ = sampler.fit_resample(texts, ["routine"] * 8 + ["hazard"] * 4)
    return X[12:], sampler.provenance_


@pytest.mark.parametrize("form", CLOSED.values(), ids=CLOSED)
def test_rows_hold_the_answer_alone(form):
    rows, _ = resample([form.format("I think of {n}.\n", "{n}: " + ROW).replace("{n}", "9")] * 4)
    assert rows == ["9: " + ROW] * 4


@pytest.mark.parametrize("form", UNCLOSED.values(), ids=UNCLOSED)
def test_unclosed_thinking_is_rejected_with_a_reason(form):
    rows, provenance = resample([(form.format("I think of it."), "length"), ROW])
    assert rows == [ROW, ROW]
    assert provenance["reason"].tolist() == ["thinking", ""] * 2
    assert provenance["finish_reason"].tolist() == ["thinking", "stop"] * 2


def test_cut_answers_of_a_model_that_begins_within_its_thinking_are_rejected():
    thought = "A message about fire would do. Let me write one. It should be"
    rows, provenance = resample([f"{thought} short.\n</think>\n\n{ROW}", (thought, "length"), ROW])
    assert rows == [ROW, ROW, ROW]
    assert provenance["reason"].tolist() == ["", "thinking", "", ""]


@pytest.mark.parametrize(
    "text",
    [
        "Alright, the user wants a new message labelled spam. It should",
        "Okay, so the user asked for",
    ],
)
def test_talk_about_the_user_is_no_row(text):
    rows, provenance = resample([(text, "length"), text, ROW, ROW])
    assert rows == [ROW, ROW]
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
