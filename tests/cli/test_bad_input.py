import os
import socket
import subprocess
import sys

import pandas as pd
import pytest

COMMANDS = ["augment", "compare"]


@pytest.fixture
def refused(main, mail, endpoint, tmp_path):
    """Return a function that runs a command on the mail and returns what it complains of."""

    def run(command, *extra, data=mail):
        columns = [] if any(e.startswith("--t") for e in extra) else ["--text=text"]
        columns += [] if any(e.startswith("--label=") for e in extra) else ["--label=label"]
        output = [] if any(e.startswith("--output") for e in extra) else ["--output=out.csv"]
        before = sorted(tmp_path.iterdir())
        status, _, err = main(command, data, *columns, *output, *extra)
        assert status == 2
        *warnings, error = err.splitlines()
        assert error.startswith("sklw: error: ")
        assert all(line.startswith("sklw: warning: ") for line in warnings)
        assert endpoint.bodies == []
        assert sorted(tmp_path.iterdir()) == before
        return error

    return run


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--text=txt"], "Did you mean 'text'? It has: id, text, label."),
        (["--label=id"], "cannot be a label"),
        (["--text=text", "--target=label"], "--target is for tables"),
        (["--text=text", "--ignore=id"], "--ignore is for tables"),
        (["--generator=./nowhere"], "no model at './nowhere'"),
        (["--generator=./nowhere.gguf"], "nowhere.gguf"),
        (["--fine-tune", "--generator=./nowhere"], "no model at './nowhere'"),
        (["--model=m"], "--generator m"),
        (["--endpoint=http://localhost:1/v1"], "--model NAME"),
        (["--api-key-env=MY_KEY"], "--endpoint URL, which is missing"),
        (["--recorded=none.csv"], "There is no file 'none.csv'"),
        (["--recorded=mail.csv", "--fine-tune"], "leave out --endpoint and --recorded"),
        (["--set=temperatur=1"], "Did you mean temperature?"),
        (["--set=temperature"], "NAME=VALUE"),
        (["--set=temperature=hot"], "The 'temperature' parameter"),
        (["--max-cost=1"], "--prompt-price and --completion-price"),
        (["--label-descriptions", "danger=gas"], "there are: hazard, routine"),
        (["--label-descriptions", "hazard"], "LABEL=TEXT"),
        (["--encoding=utf-9"], "no encoding 'utf-9'"),
    ],
)
def test_options_that_cannot_be_used(refused, command, extra, message):
    assert message in refused(command, *extra)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,label\n", "has no row with a text and a label"),
        ("", "is empty"),
        ("text,label\na,x\nb,x\n", "has the label 'x'"),
        ("text,label\na,\nb,\n", "has no row with a text and a label"),
        ("text,label\nfünf Pfund,x\n".encode("cp1252"), "--encoding cp1252"),
        (b"\xff\xfet\0e", "mail.csv"),
        ("text,label\na,x,z\n", "could not be read as a table"),
        ("text,text,label\na,b,x\n", "several columns 'text'"),
    ],
)
def test_files_that_cannot_be_used(refused, mail, command, content, message):
    mail.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert message in refused(command)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--output=none/out.csv"], "mkdir -p none"),
        (["--output=out.xlsx"], "must end in .csv or .tsv"),
        (["--sampling-strategy=0.1"], "Pass --augment N"),
        (["--set-prompt=n_example=3"], "--set-prompt n_example: Examples has no such parameter"),
        (["--set-prompt=n_examples=0"], "The 'n_examples' parameter of Examples"),
        (["--prompt=paraphrase", "--set-prompt=n_examples=3"], "Paraphrase has no such parameter"),
    ],
)
def test_what_augment_refuses(refused, extra, message):
    assert message in refused("augment", *extra)


def test_columns_that_are_added_must_be_free(refused, mail):
    frame = pd.read_csv(mail).assign(weight=1)
    frame.to_csv(mail, index=False)
    assert "already has a column 'weight', which augment adds: rename it" in refused("augment")
    frame.assign(synthetic=0, quality=1, parents="").to_csv(mail, index=False)
    assert "give it the real rows alone" in refused("augment")


def test_prompts_are_for_texts(main, mail):
    status, _, err = main("augment", mail, "--target=label", "--output=o.csv", "--prompt=rewrite")
    assert status == 2
    assert "--prompt and --verifier are for texts" in err


def test_one_column_of_strings_is_text(main, mail):
    pd.read_csv(mail)[["text", "label"]].to_csv("two.csv", index=False)
    status, _, err = main("augment", "two.csv", "--target=label", "--output=out.csv", "--dry-run")
    assert status == 2
    assert "write --text text --label label in place of --target" in err
    assert "prompt" not in err


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("options", "needed"),
    [
        (["--target=2"], "numbers of the columns of the data, from 0, and 'target' for the labels"),
        (["--text=1", "--label=2"], "'text' and 'label'"),
    ],
)
def test_records_need_column_names_if_the_data_have_none(main, mail, command, options, needed):
    mail.write_text(mail.read_text().partition("\n")[2])
    more = ["--no-header", "--recorded=mail.csv", "--output=out.csv"]
    status, _, err = main(command, mail, *options, *more)
    assert status == 2
    assert needed in err


@pytest.mark.parametrize("command", COMMANDS)
def test_the_target_is_not_to_be_ignored(main, mail, recorded, command):
    columns = ["--target=label", "--ignore=id,label", "--output=o.csv"]
    status, _, err = main(command, mail, *columns, "--recorded", recorded)
    assert status == 2
    assert "The target 'label' cannot be ignored" in err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_name_of_a_key(refused, endpoint, command, monkeypatch):
    monkeypatch.setenv("MY_SERVER_KEY", "secret-of-mine")
    options = [f"--endpoint={endpoint.url}", "--model=m"]
    key = "sk-1234567890abcdefghijklmnop"
    for option in ("--api-key-env=", "--set=api_key_env="):
        err = refused(command, *options, f"{option}MY_SERVR_KEY")
        assert "MY_SERVR_KEY is not set. Did you mean MY_SERVER_KEY?" in err
        err = refused(command, *options, f"{option}{key}")
        assert "--api-key-env wants a variable's NAME" in err
        assert key not in err


@pytest.fixture
def down():
    """Return the options of an endpoint that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return [f"--endpoint=http://127.0.0.1:{port}/v1", "--model=m", "--set=max_retries=0"]


def test_an_endpoint_that_is_down(main, mail, down, tmp_path):
    options = ["--text=text", "--label=label", *down]
    status, _, err = main("augment", mail, *options, "--output=out.csv")
    assert status == 2
    assert "cannot be reached" in err
    assert "Check that the server runs, and --endpoint's host and port" in err
    assert "running the same command again sends the rest only" in err
    assert err.count("sklw: error") == 1
    assert not (tmp_path / "out.csv").exists()


def test_an_endpoint_that_is_down_leaves_the_other_methods(main, mail, down):
    options = ["--text=text", "--label=label", "--classifiers=tfidf", "--seeds=1"]
    methods = ["--methods=class_weight,llm", "--llm-ratio=1"]
    status, out, err = main("compare", mail, *options, *methods, *down)
    assert status == 2
    assert "class_weight" in out
    assert "llm (1 failed)" in out
    assert "sklw: error: http://127.0.0.1" in err


def test_labels_that_the_output_cannot_show(tmp_path):
    rows = [f"text {n},{label}\n" for n, label in enumerate(["été"] * 3 + ["łódź"] * 2)]
    (tmp_path / "mail.csv").write_text("text,label\n" + "".join(rows), encoding="utf-8")
    (tmp_path / "rows.csv").write_text("text,label\nnew,łódź\n", encoding="utf-8")
    command = "-m sklw augment mail.csv --text text --label label --recorded rows.csv --dry-run"
    done = subprocess.run(
        [sys.executable, *command.split(), "--output=out.csv"],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr
    assert rb"(3 \xe9t\xe9, 2 \u0142\xf3d\u017a)" in done.stdout


@pytest.mark.parametrize("command", ["advise", "compare"])
def test_synthetic_rows_are_not_taken_for_real_ones(main, recorded, mail, command):
    columns = ["--text=text", "--label=label"]
    options = ["--output=out.csv", "--method=uniform", "--recorded", recorded]
    assert main("augment", mail, *columns, *options)[0] == 0
    status, _, err = main(command, "out.csv", *columns)
    assert status == 2
    assert "out.csv looks like a file that augment wrote" in err
