import numpy as np
import pytest

from sklw import LLMOverSampler
from sklw.generators import BaseGenerator, Completion
from sklw.over_sampling import TextFilter

# Private: a public sampler would need a thousand answers.
from sklw.over_sampling._rows import ParsedRow
from sklw.over_sampling._text.acceptance import RowFilter

TEXTS = [f"see you at {number} in the office" for number in range(12)]
SPAM = [
    "claim your prize today", "reply for a loan of cash", "ring us on your phone",
    "free holiday for two", "buy cheap watches here",
]  # fmt: skip


class Judge(BaseGenerator):
    """Writes texts from a list and judges each by what a dictionary says of it, or by default."""

    prompt_form = "chat"

    def __init__(self, verdict, texts=SPAM, verdicts=None):
        self.verdict = verdict
        self.texts = texts
        self.verdicts = verdicts

    def iter_generate(self, requests):
        for number, request in enumerate(requests):
            asked = request.prompt[0][1]
            text = self.texts[request.index % len(self.texts)]
            if "Which label" in asked:
                said = (said for text, said in (self.verdicts or {}).items() if text in asked)
                text = next(said, self.verdict)
            yield number, Completion(text, 10, 10, "stop")


def found(generator, names, n_new=5, **settings):
    """Return the reasons, and the rows made for the second class."""
    labels = [names[0]] * 8 + [names[1]] * 4
    sampler = LLMOverSampler(
        generator, sampling_strategy={names[1]: 4 + n_new}, on_shortfall="ignore", random_state=0,
        accept=TextFilter(length_tolerance=20, verifier="model"), verbose=False,
        **{"max_attempts": 1, **settings},
    )  # fmt: skip
    rows, _ = sampler.fit_resample(TEXTS, labels)
    return sampler.provenance_["reason"].tolist(), rows[12:]


HAM, POSITIVE, NOT = ("ham", "spam"), ("negative", "positive"), ("spam", "not spam")


@pytest.mark.parametrize(
    ("names", "verdict"),
    [
        (HAM, "Spam. It offers a prize."),
        (HAM, "Spam, as ham would name a friend."),
        (HAM, "Spam (a ham message would be friendlier)"),
        (HAM, "Spam - a ham message would be friendlier"),
        (HAM, "**Spam**: it offers"),
        (HAM, "*Spam*. Ham would"),
        (HAM, "[spam] claim your prize"),
        (HAM, "Label: Spam because it is no ham"),
        (HAM, "**Label:** Spam\n**Reason:** no ham"),
        (HAM, "The label is Spam."),
        (HAM, "The most likely label is: spam. Ham would"),
        (HAM, 'I would classify this text as "Spam", because ham'),
        (HAM, "This message is spam. Ham would not offer"),
        (HAM, "This is a Spam message."),
        (HAM, "Based on the offer, this is Spam."),
        (POSITIVE, "Positive. Compared to negative reviews it praises"),
        (POSITIVE, "The sentiment of this review is Positive. No negative"),
        (NOT, "Not spam, since spam would offer a prize."),
        (("1", "-1"), "-1. It offers"),
        (("class A", "class B"), "This is class B. In class A"),
    ],
)
def test_what_a_verdict_says_first_is_the_class(names, verdict):
    assert found(Judge(verdict), names)[0] == [""] * 5
    assert set(found(Judge(verdict), names[::-1])[0]) == {"wrong_class"}


@pytest.mark.parametrize(
    ("names", "verdict"),
    [
        (HAM, "A ham message would name a friend. This is spam."),
        (HAM, "Spam or ham"), (HAM, "Spam, or ham"), (HAM, "Spam: 20%, ham: 80%"),
        (HAM, "Spam: no. Ham: yes."), (HAM, "Spam? No."), (HAM, "The label is not Spam."),
        (HAM, "Unlike Spam, it names a friend"), (HAM, "It doesn't look like spam"),
        (HAM, "It can’t be spam"), (("hardware", "IT"), "It is about cables"),
        (("sports", "World"), "All the world reads it"), (("5", "4"), "4.5 of 5"),
    ],
)  # fmt: skip
def test_an_unsure_verdict_is_none(names, verdict):
    assert set(found(Judge(verdict), names)[0]) == {"unverified"}


def test_a_rejected_text_blocks_no_text_like_it():
    texts = ["claim your prize of 500 pounds today", "claim your prize of 900 pounds today"]
    verdicts = {texts[0]: "ham", texts[1]: "spam"}
    judge = Judge("ham", [texts[0], texts[0], *texts], verdicts)
    reasons, rows = found(judge, HAM, n_new=1, max_attempts=4)
    # What has been judged is not judged again.
    assert reasons == ["wrong_class", "duplicate", "duplicate", ""]
    assert rows == texts[1:]


def test_texts_like_those_taken_back_are_new_and_others_are_not():
    rng = np.random.default_rng(0)
    texts = [" ".join(f"no{n}" for n in rng.integers(10**6, size=6)) for _ in range(1100)]
    rows = RowFilter(TEXTS, ["spam"] * 12, TextFilter(length_tolerance=20))

    def reason(text):
        return rows.judge(ParsedRow(text), "spam", (), False)

    assert not any(map(reason, texts))
    for text in texts[::100]:
        rows.forget(text, "spam")
    found = [reason(text + "!") for text in texts]
    assert [number for number, reason in enumerate(found) if not reason] == [*range(0, 1100, 100)]
    assert {reason(text) for text in texts} == {"duplicate"}
