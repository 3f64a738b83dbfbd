"""Errors and warnings name the options of the command, not parameters in Python."""

import re
import sys
from pathlib import Path

import pandas as pd
import pytest

from sklw.datasets import load_maintenance_requests

sys.path.insert(0, str(Path(__file__).parents[1] / "generators"))
from _endpoint import Endpoint

FRAME = load_maintenance_requests(as_frame=True).frame
TEXTS = ["--text=text", "--label=label"]
IN_PYTHON = re.compile(
    r"provenance_|\bof (?:accept|budget|prompt|the generator)\b|on the generator|max_attempts"
    r"|(?<!-)sampling_strategy|label_descriptions|Filter\(|finish_reason|label_column"
)
OF_COMMAND = {
    "augment": ["--method=uniform", "--output=out.csv", "--overwrite"],
    "compare": [
        "--methods=class_weight,llm", "--classifiers=tfidf", "--seeds=1", "--llm-ratio=1",
        "--output=out",
    ],
}  # fmt: skip
REAL = FRAME["text"].tolist()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "answer", "options", "said"),
    [
        ("augment", REAL[0], ["--max-requests=30"], "--max-requests is used up"),
        ("compare", REAL[0], ["--max-requests=30"], "share of --max-requests is used up"),
        ("augment", "Sure! Here is a text", [], "and --set-prompt instructions=TEXT, or ask"),
        ("compare", "Sure! Here is a text", [], r"more with --task and --label-descriptions, or"),
        ("augment", "Fire", [], r"\. Ask for fewer rows with --sampling-strategy\."),
        ("compare", "Fire", [], r"are in out/\. Ask for fewer rows with --llm-ratio\."),
        ("augment", ("The", "length"), ["--set=max_new_tokens=60"], r"\. Pass --set max_new_tok"),
        ("augment", ("The", "length"), [], "Ask for shorter rows with --set-prompt instructions"),
        ("compare", ("The", "length"), [], r"\. Ask for fewer rows with --llm-ratio\."),
        ("augment", "<think>Well", [], r"Pass --set thinking_tokens=1000 or more \(now 0\), or"),
        ("augment", "", ["--recorded=few.csv"], "Record more rows, or ask for fewer rows with --s"),
    ],
)
def test_a_shortfall(main, mail, command, answer, options, said):
    pd.DataFrame({"text": ["A fire"], "label": ["hazard"]}).to_csv("few.csv", index=False)
    text, reason = answer if isinstance(answer, tuple) else (answer, "stop")
    reply = {"choices": [{"message": {"content": text}, "finish_reason": reason}]}
    with Endpoint(lambda prompt, nth: {"json": reply}) as endpoint:
        if not any(option.startswith("--recorded") for option in options):
            options = [f"--endpoint={endpoint.url}", "--model=m", *options]
        status, _, err = main(command, mail, *TEXTS, *OF_COMMAND[command], *options)
    assert status == 0
    warning = next(line for line in err.splitlines() if "Fewer rows were" in line)
    assert re.search(said, warning)
    assert not IN_PYTHON.search(warning)


@pytest.mark.slow
def test_a_shortfall_of_a_table(main):
    table = pd.DataFrame({"age": [i // 2 for i in range(40)], "job": ["clerk", "cook"] * 20})
    table.assign(label=["many"] * 30 + ["few"] * 10).to_csv("table.csv", index=False)
    with Endpoint(lambda prompt, nth: {"text": "3,cook"}) as endpoint:
        options = [f"--endpoint={endpoint.url}", "--model=m", *OF_COMMAND["augment"]]
        err = main("augment", "table.csv", "--target=label", *options)[2]
    assert "(a copy of another real row)" in err
    assert ". Raise the temperature with --set temperature=NUMBER, or ask for" in err
    assert not IN_PYTHON.search(err)


@pytest.mark.parametrize("command", ["augment", "compare"])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--set=max_new_tokens=2"], r"error: .*\. Pass --set max_new_tokens=\d+, or shorten"),
        (["--set=max_new_tokens=12"], r"warning: .*\. Pass --set max_new_tokens=\d+, or shorten"),
        (["--recorded=other.csv"], r"Add rows of that label\.$"),
    ],
)
def test_errors_and_warnings_of_the_sampler(main, mail, endpoint, command, options, said):
    FRAME.assign(label="other").to_csv("other.csv", index=False)
    if not options[0].startswith("--recorded"):
        options = [f"--endpoint={endpoint.url}", "--model=m", "--dry-run", *options]
    err = main(command, mail, *TEXTS, *OF_COMMAND[command], *options)[2]
    assert re.search(said, err, re.M)
    assert not IN_PYTHON.search(err)


def test_few_rows_beside_the_prompt(main, mail, endpoint):
    options = [f"--endpoint={endpoint.url}", "--model=m", "--dry-run", "--set-prompt=n_examples=30"]
    err = main("augment", mail, *TEXTS, *OF_COMMAND["augment"], *options)[2]
    assert "or lower n_examples with --set-prompt" in err


def test_values_that_a_model_did_not_propose(main, mail):
    with Endpoint(lambda prompt, nth: {"text": "Fire"}) as endpoint:
        options = [f"--endpoint={endpoint.url}", "--model=m", "--prompt=attributes"]
        err = main("augment", mail, *TEXTS, *OF_COMMAND["augment"], *options)[2]
    assert "Give values with --set-prompt 'attributes={\"topic\": [...]}', or use" in err


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("augment", "Add real rows, or pass --method uniform, which weights them alike."),
        ("compare", "Add real rows, or look at llm, which weights them alike."),
    ],
)
def test_weights_that_are_a_guess(main, endpoint, command, said):
    routine, hazards = (FRAME[FRAME["label"] == label] for label in ("routine", "hazard"))
    # A comparison keeps one row of the class for the test.
    n_rare = 2 if command == "augment" else 3
    pd.concat([routine.iloc[:20], hazards.iloc[:n_rare]]).to_csv("few.csv", index=False)
    options = {
        "augment": ["--method=quality", "--output=out.csv"],
        "compare": ["--methods=class_weight,llm_quality", *OF_COMMAND["compare"][1:]],
    }
    model = [f"--endpoint={endpoint.url}", "--model=m", "--max-requests=8"]
    err = main(command, "few.csv", *TEXTS, *model, *options[command])[2]
    assert said in err
    assert "temperature" not in err  # --set would change that of the generator


def test_row_numbers_in_a_column_without_a_name(main):
    table = pd.DataFrame({"age": [i // 2 for i in range(40)], "job": ["clerk", "cook"] * 20})
    table.assign(label=["many"] * 30 + ["few"] * 10).to_csv("table.csv")
    table.assign(label="few").to_csv("more.csv", index=False)
    command = ["augment", "table.csv", "--target=label", "--recorded=more.csv"]
    status, _, err = main(*command, "--output=out.csv", "--method=uniform")
    assert status == 2  # the recorded rows have no such column
    assert "The column '' has a different value" in err
    assert "Leave it out with --ignore ''." in err
    status, _, err = main(*command, "--output=out.csv", "--method=uniform", "--ignore", "")
    assert status == 0, err
    rows = pd.read_csv("out.csv", index_col=0)
    assert rows.index[:40].tolist() == list(range(40))  # kept in the file
    assert rows.index[40:].isna().all()
    status, _, err = main(*command, "--output=o.csv", "--ignore=id")
    assert "It has: '', age, job, label." in err
