import sys
import unicodedata
from pathlib import Path

import pytest

from sklw import LLMOverSampler
from sklw.over_sampling import BasePrompt, TextFilter

sys.path.insert(0, str(Path(__file__).parent))
from _scripted import Scripted

REAL = [
    "win a brand new phone, text WIN to 80085 now",
    "claim your free holiday, call 0900 123 456 today",
    "your account won 500 pounds, reply to collect",
    "see you at the station around eight then",
]
LABELS = ["spam", "spam", "spam", "ham"]
GOOD = "free ringtones for your mobile, reply TONE"


class Showing(BasePrompt):
    """Shows the rows that a test wants shown."""

    def __init__(self, shown):
        self.shown = shown

    def compose(self, source, cell, rng):
        return self.shown, "whatever"


def reasons(*answers, shown=(0,), real=REAL, labels=LABELS, reason="stop", accept="auto"):
    """Return what becomes of answers for the class spam: the reason for each that is rejected."""
    sampler = LLMOverSampler(
        Scripted(answers, "chat", reason), sampling_strategy={"spam": labels.count("spam")},
        augment={"spam": len(answers)}, prompt=Showing(shown), accept=accept, max_attempts=1,
        on_shortfall="ignore", random_state=0, verbose=False,
    )  # fmt: skip
    sampler.fit_resample(real, labels)
    return sampler.provenance_["reason"].tolist()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("?!...", "empty"),
        ("prize", "too_short"),
        ("you have won " * 9 + "a prize, ring the claims line or the letter box", "too_long"),
        ("Here is a text message you could use:", "meta_text"),
        ("Sure! Here is another message for you", "meta_text"),
        ("I'm sorry, but I can't assist with writing spam", "meta_text"),
        ("As an AI language model I do not send text", "meta_text"),
        ("win a car. Let me know if you'd like another one!", "meta_text"),
        ("win a car. I hope this message meets your needs.", "meta_text"),
        ('{"text": "win a car, ring us now"}', "meta_text"),
        ("win a car. Let me know if you would like to come", ""),
        ("I’m sorry, but I can’t assist with that.", "meta_text"),
        ("I apologize, but I cannot generate hate speech.", "meta_text"),
        ("Sorry, I can't help with that request.", "meta_text"),
        ("I don't feel comfortable creating this content.", "meta_text"),
        ("As a responsible AI assistant, I won't do it.", "meta_text"),
        ("Es tut mir leid, aber dabei kann ich nicht helfen.", "meta_text"),
        ("Dabei kann ich Ihnen leider nicht helfen.", "meta_text"),
        ("Ich kann keine Spam-Nachrichten erstellen.", "meta_text"),
        ("No puedo ayudarte con eso.", "meta_text"),
        ("Désolé, je ne peux pas satisfaire cette demande.", "meta_text"),
        ("Não posso ajudar com isso.", "meta_text"),
        ("Mi dispiace, ma non posso aiutarti.", "meta_text"),
        ("Mi spiace, non posso generare contenuti offensivi.", "meta_text"),
        ("Als KI-Modell: ich helfe damit gerne weiter", "meta_text"),
        ("Mi dispiace, non posso aiutarti stasera, ho lezione", ""),
        ("Leider konnten sie mir dabei nicht helfen", ""),
        ("Lo siento, no puedo ayudarte hasta las ocho", ""),
        ("win a car. This message keeps the tone of the original.", "meta_text"),
        ("Hier sind drei neue Beispiele:", "meta_text"),
        ("I've written a new one for you:", "meta_text"),
        ("Great! Here's a new text, as you asked for.", "meta_text"),
        ("Sure, here is fine, see you later then", ""),
        ("Okay, I thought about it. Here we go again", ""),
        ("This is my new number, text me when you can", ""),
        ("I cannot create an account at your online shop", ""),
        ("This is an automated message, please do not reply", ""),
        ("Okay, I'll be back at around seven in the evening", ""),
        ("Here is your code RP176. To end messages reply stop", ""),
        ("win win win win win win win win win win win", "degenerate"),
        ("call 0000000000000000000000000000000 now", "degenerate"),
        ("win it or win it and win it or win it and win it", "degenerate"),
        ("hahahahahahaha you win a car, ring us now", "degenerate"),
        ("ring us on 09 00 12 34 56 78 90 12 34 56 today", "degenerate"),
        ("send 9 pounds to DE89 3704 0044 0532 0130 00 now", ""),
        ("send 9 pounds to PL61109010140000071219812874 now", ""),
        ("RING US 09001234567890123456 NOW", "degenerate"),
        ("Win a brand new phone, text WIN to 80085 NOW", "copied_prompt"),
        ("win a brand new phone, text WIN to 80085 noww", "copied_prompt"),
        ("hey: win a brand new phone, text WIN to 80085 now", "copied_prompt"),
        ("claim your free holiday, call 0900 123 456 today", "copied_real"),
        ("see you at the station around eight then", "copied_real"),
        (f"ham: {GOOD}", "other_label"),
        (f"spam: {GOOD}", ""),
        (GOOD, ""),
    ],
)
def test_reasons(text, reason):
    assert reasons(text) == [reason]


def test_lengths_up_to_the_tolerance_are_accepted():
    real = ["win some of the cash", "claim a car or some cash today"]  # of 20 and 30 characters
    text = "free tickets for two to the concert of the year in your park, text us"
    answers = ["ring soon", "ring today", text[:61], text[:60]]
    found = reasons(*answers, real=[*real, REAL[3]], labels=["spam", "spam", "ham"])
    assert found == ["too_short", "", "too_long", ""]


def test_only_a_long_text_may_not_be_contained():
    text = "you win a car, ring us now to claim it"
    for shown, reason in (("win a car, ring us", ""), ("win a car, ring us now", "copied_prompt")):
        assert reasons(text, real=[shown, *REAL], labels=["spam", *LABELS]) == [reason]


def test_a_text_that_was_cut_is_rejected_and_not_remembered():
    assert reasons(GOOD, reason="length") == ["truncated"]
    assert reasons(f"{GOOD}. And then", GOOD, reason="length") == ["", "truncated"]
    short = ["win a car", "win cash", "call us", "see you"]
    assert reasons("Certainly! Here is a", real=short, reason="length") == ["truncated"]


def test_rows_accepted_before_are_duplicates():
    again = [GOOD, "Free ringtones  for your mobile, reply TONE", GOOD.replace(",", ":") + "!"]
    assert reasons(*again) == ["", "duplicate", "duplicate"]


def test_near_duplicates_can_be_allowed():
    near = "win a brand new phone, text WIN to 80085 soon"
    found = reasons(near, REAL[0], shown=(1,), accept=TextFilter(None))
    assert found == ["", "copied_real"]


def test_meta_text_is_no_sign_where_real_rows_talk_that_way():
    real = ["Here is a message from your bank: call us", *REAL]
    text = "Here is a message for you: visit our shop"
    assert reasons(text, shown=(2,), real=real, labels=["spam", *LABELS]) == [""]
    real = ["Mi dispiace, non posso aiutarti con questo ordine", *REAL]
    text = "Scusa, non posso aiutarti con questa fattura"
    assert reasons(text, shown=(2,), real=real, labels=["spam", *LABELS]) == [""]


def test_real_rows_that_repeat_a_syllable_excuse_no_repeated_letter():
    real = ["hahahahahahaha you won a car", *REAL]
    answers = "hehehehehehehe ring us for cash", f"w{'i' * 20}n a free holiday"
    found = reasons(*answers, shown=(2,), real=real, labels=["spam", *LABELS])
    assert found == ["", "degenerate"]


@pytest.mark.slow
def test_many_rows_are_remembered():
    rows = [f"prize number {i * 7919} waits, ring {i * 104729} for it" for i in range(150)]
    found = reasons(*rows, *rows)
    n_kept = found[:150].count("")
    assert n_kept > 70
    assert found[150:].count("") == 0


def test_a_copy_of_the_demonstration_is_no_row():
    sampler = LLMOverSampler(
        Scripted(["In other words: Please give me a ring tonight, if you can", GOOD]),
        prompt="paraphrase", sampling_strategy={"spam": 4}, random_state=0, verbose=False,
    )  # fmt: skip
    X_new, _ = sampler.fit_resample(REAL, LABELS)
    assert X_new[4:] == [GOOD]
    assert sampler.provenance_["reason"].tolist()[:2] == ["copied_prompt", ""]


def test_a_shown_row_of_another_class_is_no_row_of_this_one():
    text = "See you at the station around eight, then!"
    assert reasons(text, shown=(0, 3)) == ["copied_prompt"]
    for own in (
        "claim your prize at the station around eight then",
        REAL[3].replace("eight", "nine"),
    ):
        assert reasons(own, shown=(0, 3)) == [""]


@pytest.mark.parametrize("accept", ["auto", TextFilter(None)])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_copies_in_another_unicode_form_are_copies(form, accept):
    texts = ["안녕하세요 택배가 도착하지 않았습니다", "Tôi muốn được hoàn tiền", "ﾊﾟｿｺﾝが届きません"]
    real = [unicodedata.normalize(form, text) for text in texts]
    labels = ["spam"] * 3 + ["ham"]
    for other in ("NFC", "NFD", "NFKC", "NFKD"):
        answers = [unicodedata.normalize(other, text) for text in texts]
        found = reasons(*answers, real=[*real, REAL[3]], labels=labels, accept=accept)
        assert found == ["copied_prompt", "copied_real", "copied_real"]


@pytest.mark.parametrize(
    ("real", "text"),
    [(["🎉🎉", "😡💔"], "🥳🥳"), ([":-)", "..."], ";-)"), (["आज दिन", "वह दीन"], "वह दिन")],
)
def test_texts_of_unlike_signs_are_no_copies_of_another_class(real, text):
    labels = ["spam", "ham"]
    assert reasons(text, shown=(0, 1), real=real, labels=labels) == [""]
    assert reasons(real[1], shown=(0, 1), real=real, labels=labels) == ["copied_prompt"]
