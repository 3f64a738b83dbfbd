import pytest

from sklw.over_sampling._writer import ClassDescription, PromptWriter

LABEL = ClassDescription("spam", "unwanted advertising")
ROWS = ["win\na prize", "call now"]


def test_completion_form_ends_where_the_row_is_to_begin():
    prompt = PromptWriter("completion", task="SMS messages").write(ROWS, LABEL)
    assert prompt.startswith("SMS messages with their category.")
    assert prompt.count("Category: spam (unwanted advertising)\n") == 3
    assert "Text: win a prize\n" in prompt
    assert prompt.endswith("\nText:")
    assert PromptWriter("completion").stop == ("\n",)


def test_rows_with_line_breaks_keep_them():
    writer = PromptWriter("completion", multiline=True)
    assert "Text: win\na prize\n-----\n" in writer.write(ROWS, LABEL)
    assert writer.stop == ("\n-----",)


@pytest.mark.parametrize(("n_rows", "words"), [(1, "one new text"), (3, "3 new texts")])
def test_chat_form_asks_in_words(n_rows, words):
    writer = PromptWriter("chat", instructions="Use slang.", n_rows=n_rows)
    ((role, content),) = writer.write(ROWS, LABEL)
    assert role == "user"
    for part in (words, "spam (unwanted advertising)", "1. win a prize", "Use slang."):
        assert part in content
    assert writer.stop == ()


def test_recorded_rows_need_no_prompt():
    assert PromptWriter("none").write(ROWS, LABEL) == ""
