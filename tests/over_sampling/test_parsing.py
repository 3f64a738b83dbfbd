import json
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

# Private: the filters would judge what has been parsed.
from sklw.over_sampling._text.parsing import AnswerParser, up_to_last_sentence

NAMES = {0: "not spam", 1: "spam"}


@pytest.mark.parametrize(
    ("answer", "text", "tag"),
    [
        (" win a prize now", "win a prize now", None),
        ("1. win a prize now", "win a prize now", None),
        ("- win a prize now", "win a prize now", None),
        ('"win a prize now"', "win a prize now", None),
        ("“win a prize now”", "win a prize now", None),
        ("Text: win a prize now", "win a prize now", None),
        ('2) Message: "win a prize now"', "win a prize now", None),
        ("spam: win a prize now", "win a prize now", 1),
        ("[SPAM] win a prize now", "win a prize now", 1),
        ("win a prize now (spam)", "win a prize now", 1),
        ("win a prize now (Not spam)", "win a prize now", 0),
        ("win a prize now #spam", "win a prize now", 1),
        ("win a prize now Label: spam", "win a prize now", 1),
        ("\n\nwin a prize now\nand then talk about it", "win a prize now", None),
        ("**win a prize now**", "win a prize now", None),
        ("**Message 1:** win a prize now", "win a prize now", None),
        ("**Spam**: win a **prize** now", "win a prize now", 1),
        ("*win a prize now*", "win a prize now", None),
        ("<text>win a prize now</text>", "win a prize now", None),
        ("```\nwin a prize now\n```", "win a prize now", None),
        ("Sure! Here's one:\n\n```text\nwin a prize now\n```", "win a prize now", None),
        ("Here is a new message:\n\nwin a prize now", "win a prize now", None),
        ("Here is a new message:", "Here is a new message:", None),
        ("I'm sorry, I can't.\nBuy this:\nx", "I'm sorry, I can't.", None),
        ("### Message 1:\nwin a prize now", "win a prize now", None),
        ("Sure!\n\nwin a prize now", "win a prize now", None),
        ("Great! Here's a new one:\n\nwin a prize now", "win a prize now", None),
        ("Hier ist eine neue Nachricht:\n\nwin a prize now", "win a prize now", None),
        ("Nachricht: win a prize now", "win a prize now", None),
        ("Réponse 1 : win a prize now", "win a prize now", None),
        ("消息：win a prize now", "win a prize now", None),
        ("好的，这是一条新消息：\n\nwin a prize now", "win a prize now", None),
        ("## New message\n\nwin a prize now", "win a prize now", None),
        ("---\nwin a prize now\n---", "win a prize now", None),
        ("<message>\nwin a prize now\n</message>", "win a prize now", None),
        ("spam\nwin a prize now", "win a prize now", 1),
        ("Label: not spam\nText: win a prize now", "win a prize now", 0),
        ("Text: win a prize now\nLabel: not spam", "win a prize now", 0),
        ('["win a prize now"]', "win a prize now", None),
        ("Rewritten text: win a prize now", "win a prize now", None),
        ("'it's a prize'", "it's a prize", None),
        ("„win a prize now“", "win a prize now", None),
        ("「win a prize now」", "win a prize now", None),
        ("\u200bwin a prize now", "win a prize now", None),
        ("\u200fwin a prize now\u200e", "win a prize now", None),
        ("\u200eText: \u200fwin a prize now", "win a prize now", None),
        ("\u200f1. spam: win a prize now", "win a prize now", 1),
        ("win a prize now - Label: spam", "win a prize now", 1),
        ("win a prize now\n   - **Label:** spam", "win a prize now", 1),
        ("win a prize now | spam", "win a prize now", 1),
        ("win a prize now → not spam", "win a prize now", 0),
        ("win a prize now *(spam)*", "win a prize now", 1),
        ("Spam 1: win a prize now", "win a prize now", 1),
        # What only looks like wrapping stays.
        ("stop sending me - spam", "stop sending me - spam", None),
        ("1. eggs 2. milk 3. tea", "1. eggs 2. milk 3. tea", None),
        ("(1) a friend (2) a lover", "(1) a friend (2) a lover", None),
        ("f**k this, a**hole", "f**k this, a**hole", None),
        ("2 ** 3 and 4 ** 5", "2 ** 3 and 4 ** 5", None),
        ("*** sale *** today", "*** sale *** today", None),
        ("1.50 pounds a minute", "1.50 pounds a minute", None),
        ("2 tickets to win", "2 tickets to win", None),
        ('"win" or "lose"', '"win" or "lose"', None),
        ("I hate spam", "I hate spam", None),
        ("spammers: all of you", "spammers: all of you", None),
        ("", "", None),
    ],
)
def test_one_row(answer, text, tag):
    (row,) = AnswerParser(NAMES).parse(answer)
    assert (row.text, row.tag) == (text, tag)


@pytest.mark.parametrize(
    ("answer", "text", "tag"),
    [
        ("广告：50元优惠，请点击", "50元优惠，请点击", "广告"),
        ("【广告】恭喜您中奖", "恭喜您中奖", "广告"),
        ("恭喜您中奖（广告）。", "恭喜您中奖", "广告"),
        ("类别：广告\n恭喜您中奖", "恭喜您中奖", "广告"),
        ("1、恭喜您中奖", "恭喜您中奖", None),
        ("1、2号楼停水", "1、2号楼停水", None),
        ("1：30开会", "1：30开会", None),
        ("广告公司：请回电", "广告公司：请回电", None),
        ("Réclamation : mon colis", "mon colis", "Re\u0301clamation"),
        ("Catégorie : Re\u0301clamation\nmon colis", "mon colis", "Re\u0301clamation"),
        ("»Wo ist mein Paket?«", "Wo ist mein Paket?", None),
        ("„Wo ist mein Paket?”", "Wo ist mein Paket?", None),
        ("‚Wie geht’s?‘", "Wie geht’s?", None),
        ("”Var är mitt paket?”", "Var är mitt paket?", None),
        ("»ja« oder »nein«", "»ja« oder »nein«", None),
    ],
)
def test_one_row_in_other_languages(answer, text, tag):
    names = {name: name for name in ("广告", "Re\u0301clamation", "1")}
    (row,) = AnswerParser(names).parse(answer)
    assert (row.text, row.tag) == (text, tag)


def test_a_numbered_list():
    answer = "Here are two:\n1. first row\n2. second row\n   goes on\n3. third row"
    rows = AnswerParser(NAMES, n_rows=2).parse(answer)
    assert [row.text for row in rows] == ["first row", "second row goes on"]


@pytest.mark.parametrize("answer", ['["one", "two", "three"]', '```json\n["one",\n "two"]\n```'])
def test_a_json_list(answer):
    for multiline in (False, True):
        rows = AnswerParser(NAMES, n_rows=2, multiline=multiline).parse(answer)
        assert [row.text for row in rows] == ["one", "two"]


ITEMS = ["one is here.", "two is there."]


@pytest.mark.parametrize(
    "form",
    [
        "1. {}\n2. {}", "6. {}\n7. {}", "1、{}\n2、{}", "1.{}\n2.{}", "- {}\n- {}", "– {}\n– {}",
        "**1.** {}\n**2.** {}", "### Message 1\n{}\n\n### Message 2\n{}", "### 1\n{}\n\n### 2\n{}",
        "Sure!\n\n1. {}\n2. {}\n\nLet me know if you'd like more!",
        "1. {}\n\n2. {}\n\nThese messages keep the style.", "{}\n---\n{}",
        'Here you go:\n\n```json\n["{}", "{}"]\n```', '["{}", "{}",]', '[\n  "{}",\n  "{}",\n]',
        '["{}", "{}"', '1. "{}",\n2. "{}"',
        "1. {}\n2. {}\n\nThese keep the style.\nThe names are all made up.",
        "1. {}\n2. {}\n\n---\nI made them up.", "1. {}\n\nIt is short.\nAnd new.\n\n2. {}",
        "1. {}\n2. {}\n\nAll of these:\n- keep the tone\n- are short",
    ],
)  # fmt: skip
def test_lists_as_models_write_them(form):
    rows = AnswerParser(NAMES, n_rows=3).parse(form.format(*ITEMS))
    assert [row.text for row in rows] == ITEMS


@pytest.mark.parametrize("multiline", [False, True])
@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        (json.dumps([{"text": item, "label": "spam"} for item in ITEMS], indent=1), ITEMS),
        (json.dumps([{"Message": item} for item in ITEMS]) + "\n", ITEMS),
        (json.dumps('Win a "prize" now'), ['Win a "prize" now']),
        ('["He said "no" to it", "Go"]', ['["He said "no" to it", "Go"]']),
        ("[urgent] call me", ["[urgent] call me"]),
    ],
)
def test_json_in_other_forms(answer, texts, multiline):
    rows = AnswerParser(NAMES, n_rows=2, multiline=multiline).parse(answer)
    assert [row.text for row in rows] == texts


MAILS = ["Dear all,\n\nthree things:\n- the tap\n- the sink\n\nBest\nAnn", "Hi\n1. no\n2. yes\nBob"]


@pytest.mark.parametrize(
    "form",
    [
        "1. {}\n\n2. {}", "Here are two:\n\n1. {}\n2. {}", "**1.**\n{}\n\n---\n\n**2.**\n{}",
        "### Message 1\n\n{}\n\n### Message 2\n\n{}", "Message 1:\n{}\n\nMessage 2:\n{}",
        "Here are two mails:\n\n---\n\n{}\n\n---\n\n{}", "1. ```\n{}\n```\n2. ```\n{}\n```",
    ],
)  # fmt: skip
def test_rows_of_several_lines_keep_the_lists_in_them(form):
    rows = AnswerParser(NAMES, n_rows=3, multiline=True).parse(form.format(*MAILS))
    assert [row.text for row in rows] == MAILS


@pytest.mark.parametrize("mail", MAILS)
@pytest.mark.parametrize(
    "form",
    [
        "{}", "Sure! Here's a new mail:\n\n{}", "Certainly!\n\n{}", "**New message:**\n\n{}",
        "Voici un nouveau message :\n\n{}", "Aquí tienes otro mensaje:\n\n{}",
        "Hier ist die Nachricht:\n{}", "Ecco un nuovo testo:\n{}",
        "I've written another one for you:\n{}", "# Mail\n{}",
        "Here is one:\n\n---\n\n{}\n\n---\n\nWould you like more?", "<mail>\n{}\n</mail>",
        "Here you go:\n```\n{}\n```\nIt keeps the tone.", "spam\n\n{}",
        "{}<|im_end|>\n<|im_start|>",
        "{}\n\n*Note: all names are fictional.*", "{}\n\nNote: This message is made up.",
        "Sure, I'd be happy to! Here's a new mail:\n\n{}", "{}\n\n---\n\nExplanation: no",
    ],
)  # fmt: skip
def test_what_stands_around_a_row_of_several_lines(form, mail):
    [row] = AnswerParser(NAMES, multiline=True).parse(form.format(mail), 1)
    assert row.text == mail
    real = AnswerParser(NAMES, multiline=True, real={1: [form.format("Hello\nyou")]})
    assert real.parse(form.format(mail), 1)[0].text == form.format(mail).strip()


@pytest.mark.parametrize(
    "text",
    [
        "Here is the problem:\n\nno water", "Dear Sir:\n\nno water", "Top 3:\n- a\n- b\n- c",
        "- a\n- b", "1. a\n2. b", "Title\n-----\nno water", "Great!\nBye", "Note: ring\ntwice",
        "No water.\n\nNote: ring twice, please.", "I have two wishes:\nwater, heat",
        "Hier sind die Mängel in unserer Wohnung:\n- no water", "Aquí está mi dirección:\nno water",
        "Voici la liste des problèmes :\n- no water", "Hier kommt meine Adresse:\nno water",
        "No water.\n\n(Note: I am away.)\n\nTom", "No water.\n\nLet me know if you can come.",
    ],
)  # fmt: skip
def test_what_only_looks_like_talk_around_a_row_stays(text):
    for n_rows in (1, 2) if text[:1].isalpha() else (1,):
        rows = AnswerParser(NAMES, multiline=True, n_rows=n_rows).parse(text)
        assert [row.text for row in rows] == [text]


@pytest.mark.parametrize(
    "answer",
    [
        'Here are 5 examples:\n\n1. "{}"\n2. "No heat."\n3. "No light."',
        "Sure! Here are three new spam messages:\n\n1. {}\n\n2. No heat.\n\n3. No light.",
        "Below are some texts with the same label:\n\n- {}\n- No heat.",
        "Here are two versions:\n\n**Text 1:**\n{}\n\n**Text 2:**\nNo heat.",
        "Here are 2 emails:\n\n{}\n\n---\n\nNo heat.",
    ],
)
def test_of_several_rows_that_are_announced_the_first_is_taken(answer):
    parser = AnswerParser(NAMES, multiline=True, real={1: ["No water.\nRing twice.", "No gas."]})
    [row] = parser.parse(answer.format("Hello,\nno water."), 1)
    assert row.text == "Hello,\nno water."


@pytest.mark.parametrize(
    "text", ["Here are 2 wishes:\n1. heat\n2. water", "Here are the texts:\n1. heat\n2. water"]
)
def test_a_list_in_a_row_stays(text):
    [row] = AnswerParser(NAMES, multiline=True).parse(text)
    assert row.text.endswith("1. heat\n2. water")


def test_a_rule_within_a_row_of_several_lines_does_not_end_it():
    text = "See below.\n\n---\nForwarded message\nFrom: Tom\n---\n\nNo water."
    for answer in (text, f"---\n{text}\n---", f"{text}\n\n---\n\nLet me know if you need more."):
        [row] = AnswerParser(NAMES, multiline=True).parse(answer)
        assert row.text == text


@pytest.mark.parametrize(
    ("answer", "tags"),
    [
        ("one\nLabel: spam", [1]),
        ("Label: spam\none", [1]),
        ("one\nLabel: spam\nText: two", [None, 1]),
        ("one\nLabel: spam\ntwo\nLabel: not spam", [1, 0]),
        ("Label: spam\none\nLabel: not spam\ntwo", [1, 0]),
    ],
)
def test_a_class_on_a_line_of_its_own_is_that_of_the_row_beside_it(answer, tags):
    rows = AnswerParser(NAMES, n_rows=2).parse(answer)
    assert [row.text for row in rows] == ["one", "two"][: len(tags)]
    assert [row.tag for row in rows] == tags


def test_a_class_is_known_with_its_description():
    parser = AnswerParser(NAMES, descriptions={1: "ads (and worse)"})
    for form in ("spam (ads (and worse)): {}", "[spam (ads (and worse))] {}", "Label: spam\n{}"):
        [row] = parser.parse(form.format("win a prize"))
        assert (row.text, row.tag) == ("win a prize", 1)


def test_a_row_of_a_list_may_announce_something():
    answer = "Here are two:\n\n1. Dear all,\nhere is the plan:\ngo.\n2. Dear Ann,\nno."
    rows = AnswerParser(NAMES, n_rows=2, multiline=True).parse(answer)
    assert [row.text for row in rows] == ["Dear all,\nhere is the plan:\ngo.", "Dear Ann,\nno."]


def test_a_list_without_numbers():
    rows = AnswerParser(NAMES, n_rows=5).parse("first\n\nsecond\n")
    assert [row.text for row in rows] == ["first", "second"]


def test_line_breaks_are_kept_where_rows_have_them():
    (row,) = AnswerParser(NAMES, multiline=True).parse("Dear all,\n\nsee you.\n")
    assert row.text == "Dear all,\n\nsee you."


@given(st.text())
def test_parsing_ends_and_is_idempotent(answer):
    parser = AnswerParser(NAMES)
    (row,) = parser.parse(answer)
    assert parser.parse(row.text)[0].text == row.text
    assert "\n" not in row.text


@given(st.from_regex(r"[a-z]{2,8}( [a-z]{2,8}){1,8}", fullmatch=True))
def test_a_wrapped_row_comes_out_as_it_was(text):
    if text.startswith(("text", "spam", "row", "message", "example", "answer", "output")):
        return
    for wrapped in (f"1. {text}", f'"{text}"', f"spam: {text}", f"{text} [spam]", f"Text: {text}"):
        assert AnswerParser(NAMES).parse(wrapped)[0].text == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("You won. Call us now! And then you", "You won. Call us now!"),
        ('He said "go." Then', 'He said "go."'),
        ("only 1.50 a minute and", ""),
        ("Please call Mrs. Smi", ""),
        ("Three.\n1. One.\n2.", "Three.\n1. One."),
        ("Done.", "Done."),
        ("", ""),
    ],
)
def test_a_text_cut_off_keeps_its_whole_sentences(text, kept):
    assert up_to_last_sentence(text) == kept


def test_a_row_of_several_lines_is_not_taken_apart():
    parser = AnswerParser(NAMES, multiline=True, n_rows=2)
    assert [row.text for row in parser.parse("One.\n\nRegards\nJohn")] == ["One.\n\nRegards\nJohn"]
    assert [row.text for row in parser.parse("1. One.\nJohn\n2. Two.")] == ["One.\nJohn", "Two."]


@pytest.mark.parametrize("token", ["<|im_end|>", "</s>", "<end_of_turn>", "<|eot_id|>\n"])
def test_tokens_that_end_an_answer_are_no_part_of_the_row(token):
    for real, text in (["win a prize"], "claim it now"), (["see </s>" + token], f"ok {token}"):
        parser = AnswerParser({"spam": "spam"}, real={"spam": real})
        answer = text if token in text else text + token
        [row] = parser.parse(answer, "spam")
        assert row.text == text.strip()


def test_what_real_rows_show_is_no_wrapping():
    answers = ["**win**", "*win*", "<text>win</text>", "Here is the plan: ```", "ok, here:\nwin"]
    parser = AnswerParser(NAMES, real={1: answers})
    for answer in answers:
        assert parser.parse(answer, 1)[0].text == answer.split("\n")[0]


def test_marks_of_no_width_hide_nothing_where_real_rows_begin_with_them():
    parser = AnswerParser(NAMES, n_rows=2, real={1: ["\u200fa prize", "\u200fRe: a prize"]})
    answer = "\u200f1. \u200fText: win a prize\n\u200f2. spam: claim it"
    assert [(row.text, row.tag) for row in parser.parse(answer, 1)] == [
        ("\u200fwin a prize", None), ("claim it", 1),
    ]  # fmt: skip
    named = AnswerParser(NAMES, real={1: ["\u200fText: a prize"]})
    assert named.parse("\u200fText: win", 1)[0].text == "\u200fText: win"


def test_fences_around_rows_of_several_lines():
    parser = AnswerParser(NAMES, multiline=True)
    assert parser.parse("```text\nDear all,\n\nbye\n```\n")[0].text == "Dear all,\n\nbye"
    assert parser.parse("```")[0].text == "```"
    code = "```\nx = 1\n```"
    real = AnswerParser(NAMES, multiline=True, real={1: [code]})
    assert real.parse(code, 1)[0].text == code


@pytest.mark.parametrize("multiline", [False, True])
@pytest.mark.parametrize(
    ("start", "repeated"),
    [
        ('"', "I don't know. "), ("“", "I don’t know. "), ("'", "I don’t know. "), ("1. a", "\n"),
        ("1、a", "\n"), ("a", "\u200b"), ("(spam", " "), ("Text", " "),
        ("Here are two texts", ":"),
    ],
)  # fmt: skip
def test_long_answers_are_read_in_linear_time(start, repeated, multiline):
    parser = AnswerParser(NAMES, multiline=multiline, real={1: ["a", "b  c", "\ufeffd"]})
    answer = start + repeated * (32_000 // len(repeated)) + " x"
    begun = process_time()
    parser.parse(answer, 1)
    assert process_time() - begun < 8  # 3 s at most; in quadratic time 10 s and more


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ('"win a prize\nReply yes"', "win a prize"),
        ("**win a prize\nReply yes**", "win a prize"),
        ("'win a prize\nI don't know'", "win a prize"),
        ('"win" a prize\nReply yes', '"win" a prize'),
        ("'cause we care\nReply yes", "'cause we care"),
    ],
)
def test_of_quoted_lines_the_first_is_no_more_quoted(answer, text):
    assert AnswerParser(NAMES).parse(answer)[0].text == text
    assert (
        AnswerParser(NAMES, real={1: ['"a', "**b", "'c"]}).parse(answer, 1)[0].text
        == (answer.split("\n")[0])
    )
