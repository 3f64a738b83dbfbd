import pytest

# Private: the filters would judge what has been parsed.
from sklw.over_sampling._text.parsing import AnswerParser

NAMES = {0: "not spam", 1: "spam"}
ITEMS = ["one is here.", "two is there."]
OBJECTS = '[\n  {{"id": 1, "text": "{}"}},\n  {{"id": 2, "text": "{}"}}\n]'


@pytest.mark.parametrize(
    "form",
    [
        OBJECTS, f"```json\n{OBJECTS}\n```", f"```json\n{OBJECTS}", f"{OBJECTS}\n\nAll are new.",
        '{{"texts": ["{}", "{}"]}}', '["{}", "{}",]', '["{}", "{}"', '["{}",\n "{}', '"{}",\n"{}"',
        '[\n  "{}",\n  "{}",\n]', '1. "{}",\n2. "{}"', '[{{"text": "{}"}}, {{"text": "{}"}}, {{"te',
        '[{{"text": "{}", "label": "new"}}, {{"text": "{}", "label": "new"}}]',
    ],
)  # fmt: skip
@pytest.mark.parametrize("multiline", [False, True])
def test_json_that_is_not_one_perfect_list(form, multiline):
    if multiline and form.startswith(('"', "1")):
        return
    parser = AnswerParser(NAMES, n_rows=3, multiline=multiline, real={1: ["a\nb"]})
    assert [row.text for row in parser.parse(form.format(*ITEMS), 1)] == ITEMS


def test_the_classes_in_json_are_those_of_the_texts():
    answer = '[{"text": "one", "label": "spam"}, {"text": "two", "label": "Not spam"}]'
    rows = AnswerParser(NAMES, n_rows=2).parse(answer)
    assert [(row.text, row.tag) for row in rows] == [("one", 1), ("two", 0)]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (r'"Win a \"prize\" in the draw"', 'Win a "prize" in the draw'),
        (r'1. "Win a \"prize\"\nnow",', 'Win a "prize" now'),
        (r'["Win a \"prize', 'Win a "prize'),
        (r'"see C:\new"', r"see C:\new"),
        ('["win" or "lose"]', '["win" or "lose"]'),
        ("[1] win", "[1] win"),
        ('[{"a": 1}] win', '[{"a": 1}] win'),
    ],
)
def test_only_json_is_read_as_such(answer, text):
    assert AnswerParser(NAMES).parse(answer)[0].text == text
