import pytest

from sklw.over_sampling import TextFilter
from sklw.over_sampling._reasons import REASONS
from sklw.over_sampling._rows import ParsedRow
from sklw.over_sampling._text.acceptance import RowFilter

REAL = [
    "win a brand new phone, text WIN to 80085 now",
    "claim your free holiday, call 0900 123 456 today",
    "your account won 500 pounds, reply to collect",
    "see you at the station around eight then",
]
LABELS = ["spam", "spam", "spam", "ham"]


def judge(row_filter, text, *, tag=None, shown=(0,), cut=False):
    return row_filter.judge(ParsedRow(text, tag), "spam", shown, cut)


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
        ("win win win win win win win win win win win", "degenerate"),
        ("call 0000000000000000000000000000000 now", "degenerate"),
        ("Win a brand new phone, text WIN to 80085 NOW", "copied_prompt"),
        ("win a brand new phone, text WIN to 80085 noww", "copied_prompt"),
        ("hey: win a brand new phone, text WIN to 80085 now", "copied_prompt"),
        ("claim your free holiday, call 0900 123 456 today", "copied_real"),
        ("see you at the station around eight then", "copied_real"),
        ("free ringtones for your mobile, reply TONE", ""),
    ],
)
def test_reasons(text, reason):
    assert judge(RowFilter(REAL, LABELS, TextFilter()), text) == reason
    assert not reason or reason in REASONS


def test_cut_and_wrongly_labelled_rows():
    row_filter = RowFilter(REAL, LABELS, TextFilter())
    good = "free ringtones for your mobile, reply TONE"
    assert judge(row_filter, good, cut=True) == "truncated"
    assert judge(row_filter, good, tag="ham") == "other_label"
    assert judge(row_filter, good, tag="spam") == ""


def test_rows_accepted_before_are_duplicates():
    row_filter = RowFilter(REAL, LABELS, TextFilter())
    assert judge(row_filter, "free ringtones for your mobile, reply TONE") == ""
    assert judge(row_filter, "Free ringtones  for your mobile, reply TONE") == "duplicate"
    assert judge(row_filter, "free ringtones for your mobile: reply TONE!") == "duplicate"


def test_near_duplicates_can_be_allowed():
    row_filter = RowFilter(REAL, LABELS, TextFilter(None))
    assert judge(row_filter, "win a brand new phone, text WIN to 80085 soon", shown=(1,)) == ""
    assert judge(row_filter, REAL[0]) == "copied_prompt"


def test_a_rejected_row_is_not_remembered():
    row_filter = RowFilter(REAL, LABELS, TextFilter())
    good = "free ringtones for your mobile, reply TONE"
    assert judge(row_filter, good, cut=True) == "truncated"
    assert judge(row_filter, good) == ""


def test_meta_text_is_no_sign_where_real_rows_talk_that_way():
    real = ["Here is a message from your bank: call us", *REAL]
    row_filter = RowFilter(real, ["spam", *LABELS])
    assert judge(row_filter, "Here is a message for you: visit our shop", shown=(2,)) == ""


def test_many_rows_are_remembered():
    row_filter = RowFilter(REAL, LABELS, TextFilter())
    rows = [f"prize number {i * 7919} waits, ring {i * 104729} for it" for i in range(150)]
    kept = [row for row in rows if not judge(row_filter, row)]
    assert len(kept) > 70
    assert all(judge(row_filter, row) == "duplicate" for row in kept)


def test_a_row_taken_back_may_be_written_for_another_class():
    row_filter = RowFilter(REAL, LABELS, TextFilter())
    text = "free ringtones for your mobile, reply TONE"
    assert judge(row_filter, text) == ""
    assert row_filter.judge(ParsedRow(text), "ham", [3], False) == "duplicate"
    row_filter.forget(text)
    assert row_filter.judge(ParsedRow(text), "ham", [3], False) == ""


def test_a_shown_row_of_another_class_is_no_row_of_this_one():
    text = "See you at the station around eight, then!"
    assert judge(RowFilter(REAL, LABELS, TextFilter()), text, shown=(0, 3)) == "copied_prompt"
    changed = "claim your prize at the station around eight then"
    assert judge(RowFilter(REAL, LABELS, TextFilter()), changed, shown=(0, 3)) == ""
