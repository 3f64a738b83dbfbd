import csv
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from sklw.datasets import load_maintenance_requests

ADDED = ["synthetic", "weight", "quality", "parents"]
FRAME = load_maintenance_requests(as_frame=True).frame
NEW = FRAME[FRAME["label"] == "hazard"].assign(text=lambda rows: rows["text"].str[::-1])
TEXTS = ["--text=text", "--label=label", "--output=out.csv", "--method=uniform"]


def read(path, **how):
    return pd.read_csv(path, dtype=str, keep_default_na=False, **how)


def asked(endpoint):
    """Count how often each request was sent."""
    return Counter(json.dumps([body["messages"], body["seed"]]) for body in endpoint.bodies)


def test_real_rows_stay_as_they_are_and_synthetic_ones_follow(main, mail, recorded, tmp_path):
    status, out, _ = main("augment", mail, *TEXTS[:3], "--recorded", recorded)
    assert status == 0
    rows, real = read("out.csv"), read(mail)
    assert list(rows.columns) == [*real.columns, *ADDED]
    pd.testing.assert_frame_equal(rows.loc[: len(real) - 1, real.columns], real)
    new = rows.iloc[len(real) :]
    assert len(new) == 28
    assert (new["synthetic"] == "True").all()
    assert (rows["synthetic"] == "True").sum() == 28
    assert set(new["label"]) == {"hazard"}
    assert set(new["text"]) <= set(read(recorded)["text"])
    assert (new["id"] == "").all()
    weights = new["weight"].astype(float)
    assert 0 < weights.mean() < 0.1  # written backwards, they look like no hazard
    assert weights.corr(new["quality"].astype(float), "spearman") > 0.9
    assert (rows["weight"][: len(real)].astype(float) == 1).all()
    assert "28 synthetic ones (28 hazard)" in out
    assert "<html" in (tmp_path / "out.html").read_text()
    assert not list(tmp_path.glob(".*"))


def test_class_weight_balances_the_weighted_classes(main, mail, recorded):
    options = ["--recorded", recorded, "--class-weight", "balanced"]
    assert main("augment", mail, *TEXTS[:3], *options)[0] == 0
    rows = read("out.csv")
    totals = rows["weight"].astype(float).groupby(rows["label"]).sum()
    assert totals["hazard"] == pytest.approx(totals["routine"], rel=1e-4)


def test_labels_that_look_like_something_else(main, mail, recorded):
    names = {"hazard": "nan", "routine": "zho=nan"}
    for path in (mail, recorded):
        rows = read(path)
        rows.assign(label=rows["label"].map(names)).to_csv(path, index=False)
    told = ["--label-descriptions", "nan=Min Nan", "zho=nan=other Chinese"]
    status, out, _ = main("augment", mail, *TEXTS, "--recorded", recorded, *told)
    assert status == 0
    assert "28 synthetic ones (28 nan)" in out
    assert read("out.csv")["label"].tolist()[-28:] == ["nan"] * 28


@pytest.mark.parametrize("break_", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("ending", [".csv", ".tsv"])
def test_line_breaks_within_texts_stay_there(main, mail, recorded, tmp_path, break_, ending):
    real = read(mail)
    real.loc[3, "text"] = f"Two{break_}lines"
    real.to_csv(mail, index=False, lineterminator="\r\n")
    assert main("augment", mail, *TEXTS, "--recorded", recorded, f"--output=out{ending}")[0] == 0
    with (tmp_path / f"out{ending}").open(newline="") as file:
        rows = list(csv.reader(file, delimiter="," if ending == ".csv" else "\t"))
    assert [row[:3] for row in rows[1 : len(real) + 1]] == real.to_numpy().tolist()
    assert {len(row) for row in rows} == {7}
    content = (tmp_path / f"out{ending}").read_bytes()
    assert content.count(b"\r\n") == (break_ == "\r\n")
    assert b"\n000" in content  # without quotes, as before


def test_an_output_that_exists_is_left_alone_unless_asked_for(main, mail, recorded, tmp_path):
    command = ["augment", mail, *TEXTS, "--recorded", recorded]
    (tmp_path / "out.html").write_text("mine")
    status, _, err = main(*command)
    assert status == 2
    assert "out.html exists and was left as it is" in err
    assert not (tmp_path / "out.csv").exists()
    assert main(*command, "--overwrite")[0] == 0
    before = (tmp_path / "out.csv").read_bytes()
    assert main(*command, "--augment=2")[0] == 2
    assert (tmp_path / "out.csv").read_bytes() == before
    status, _, err = main(*command, "--overwrite", f"--output={mail}")
    assert status == 2
    assert "is the file of the real rows" in err


def test_a_dry_run_prints_the_cost_and_sends_nothing(main, mail, endpoint, recorded, tmp_path):
    options = ["--endpoint", endpoint.url, "--model=m", "--dry-run"]
    status, out, _ = main("augment", mail, *TEXTS, *options)
    assert status == 0
    assert "--prompt-price" in out
    expected = next(line.split() for line in out.splitlines() if line.startswith("expected"))
    assert expected[1] == "28"
    status, out, _ = main(
        "augment", mail, *TEXTS, *options, "--prompt-price=2", "--completion-price=8"
    )
    expected = next(line.split() for line in out.splitlines() if line.startswith("expected"))
    tokens = [int(cell.replace(",", "")) for cell in expected[2:4]]
    cost = (2 * tokens[0] + 8 * tokens[1]) / 1e6
    assert float(expected[4]) == pytest.approx(cost, abs=1e-4)
    assert endpoint.bodies == []
    status, out, _ = main("augment", mail, *TEXTS, "--recorded", recorded, "--dry-run")
    assert status == 0
    assert "nothing would be sent" in out
    options[1] = endpoint.url.partition("//")[2]
    status, _, err = main("augment", mail, *TEXTS, *options)
    assert status == 2
    assert "has no scheme" in err
    assert not (tmp_path / "out.csv").exists()


def test_parameters_of_the_prompt(main, mail, endpoint):
    command = ["augment", mail, *TEXTS, "--endpoint", endpoint.url, "--model=m"]
    command += ["--prompt=contrast", "--augment=1", "--sampling-strategy=0.3"]
    settings = ["--set-prompt", "n_examples=2", "--set-prompt", "instructions=Be brief, please."]
    assert main(*command, *settings)[0] == 0
    assert len(endpoint.bodies) == 2
    assert all("Be brief, please." in json.dumps(body) for body in endpoint.bodies)
    shown = read("out.csv")["parents"][52:].str.split().map(len)
    assert (shown == 3).all()  # two of the class, and one of the other


def test_what_was_answered_is_not_asked_for_again(main, mail, endpoint, tmp_path):
    command = ["augment", mail, *TEXTS, "--endpoint", endpoint.url, "--model=m"]
    assert main(*command)[0] == 0
    rows, sent = read("out.csv"), asked(endpoint)
    assert sent.total() == len(sent) >= 28
    parents = [list(map(int, cell.split())) for cell in rows["parents"][52:]]
    shown = rows["label"].to_numpy()[np.concatenate(parents)]
    assert set(shown) == {"hazard"}
    status, out, _ = main(*command, "--overwrite")
    assert status == 0
    assert "Requests sent: 0, found in the cache" in out
    assert str(tmp_path / "cache" / "requests.sqlite") in out
    assert asked(endpoint) == sent
    assert read("out.csv").equals(rows)


def wait_for_requests(endpoint, n_more, process):
    wanted = len(endpoint.bodies) + n_more
    while len(endpoint.bodies) < wanted:
        assert process.poll() is None
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_ended_half_way_is_resumed(main, mail, endpoint, tmp_path, how):
    command = ["augment", str(mail), *TEXTS, "--endpoint", endpoint.url, "--model=m"]
    command += ["--set", "max_concurrency=1"]
    endpoint.seconds = 0.8
    process = subprocess.Popen(
        [sys.executable, "-m", "sklw", *command], stderr=subprocess.PIPE, text=True
    )
    wait_for_requests(endpoint, 2, process)
    for other in ([], ["--output=out.tsv"]):  # which has the same page
        status, _, refused = main(*command, *other)
        assert status == 2
        assert "Another run is writing to out." in refused
    wait_for_requests(endpoint, 4, process)
    time.sleep(0.4)  # an answer is on disk within a tenth of a second
    process.send_signal(how)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == (130 if how == signal.SIGINT else -how)
    assert ("run the same command again" in err) == (how == signal.SIGINT)
    assert not (tmp_path / "out.csv").exists()

    endpoint.seconds = 0
    status, out, _ = main(*command)
    assert status == 0
    sent = asked(endpoint)
    assert len(sent) >= 28
    # After SIGKILL the one on its way may have to be asked for again.
    assert sent.total() - len(sent) <= (how == signal.SIGKILL)
    assert "found in the cache: 0;" not in out
    assert len(read("out.csv")) == 80


def test_bounds_end_the_generation_and_what_there_is_is_written(main, mail, endpoint):
    options = ["--endpoint", endpoint.url, "--model=m", "--max-requests=5"]
    status, out, err = main("augment", mail, *TEXTS, *options)
    assert status == 0
    assert len(endpoint.bodies) == 5
    assert "--max-requests is used up" in err
    assert "Requests sent: 5" in out


def test_rows_without_a_label_stay_and_have_no_weight(main, mail, recorded):
    with mail.open("a") as file:
        file.write('900,"the lamp in the hall flickers",\n901,,hazard\n')
    status, out, err = main("augment", mail, *TEXTS, "--recorded", recorded)
    assert status == 0
    assert "2 of 54 rows" in err
    assert "with an empty weight" in out
    rows = read("out.csv")
    assert rows["weight"][50:56].tolist() == ["1.0", "1.0", "", "", "1.0", "1.0"]
    assert rows["id"][52:54].tolist() == ["900", "901"]


@pytest.mark.parametrize(
    ("separator", "encoding", "options"),
    [
        (";", "utf-8-sig", []),
        ("\t", "utf-16", []),
        (";", "cp1252", ["--encoding=cp1252"]),
        ("|", "utf-16-le", []),
    ],
)
def test_files_as_programs_write_them(main, mail, recorded, separator, encoding, options):
    real = read(mail)
    real["text"] += " – für 5 €"
    real.to_csv(mail, index=False, sep=separator, encoding=encoding)
    status, _, err = main("augment", mail, *TEXTS, "--recorded", recorded, *options)
    assert status == 0, err
    assert read("out.csv").loc[:51, real.columns].equals(real)


def test_cells_of_json_lines_are_written_as_json(main, mail, recorded, tmp_path):
    real = pd.read_csv(mail, dtype=str)
    extra = ['[1, 2.5, "é"]', '{"a": [true, null]}', "7", "1.50", "true", "null"]
    lines = [
        f'{{"extra": {extra[at % 6]}, {json.dumps(row)[1:]}'
        for at, row in enumerate(real[["text", "label"]].to_dict("records"))
    ]
    (tmp_path / "mail.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert main("augment", "mail.jsonl", *TEXTS, "--recorded", recorded)[0] == 0
    assert read("out.csv")["extra"][:6].tolist() == [*extra[:5], ""]


def test_a_table(main, tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "number": range(60),
            "code": [f"0{n}" for n in rng.integers(1, 4, 60)],
            "age": rng.integers(20, 60, 60),
            "score": [f"{value:.2f}" for value in rng.normal(size=60)],
            "job": rng.choice(["cook", "clerk"], 60),
            "paid": ["no"] * 15 + ["yes"] * 45,
        }
    )
    table.loc[3, "age"] = np.nan
    table["age"] = table["age"].astype("Int64")
    table.to_csv("loans.csv", index=False)
    more = table[table["paid"] == "no"].copy()
    more["age"] = 40
    more["score"] = [f"{value:.2f}" for value in rng.normal(size=15)]
    more.to_csv("more.csv", index=False)
    command = ["augment", "loans.csv", "--target=paid", "--ignore=number", "--output=out.tsv"]
    status, _, err = main(*command, "--recorded=more.csv", "--sampling-strategy=0.5")
    assert status == 0, err
    rows = read("out.tsv", sep="\t")
    assert rows.loc[:59, table.columns].equals(read("loans.csv"))
    new = rows.iloc[60:]
    assert len(new) == 7
    assert set(new["paid"]) == {"no"}
    assert set(new["age"]) == {"40"}
    assert set(new["code"]) <= {"01", "02", "03"}
    assert (new["number"] == "").all()
    assert (new["weight"].astype(float) > 0).all()


def test_a_full_disk_loses_nothing(main, mail, endpoint, small_disk):
    command = ["augment", mail, *TEXTS, "--endpoint", endpoint.url, "--model=m"]
    (small_disk / "full").write_bytes(b"x" * 511 * 1024)
    output = f"--output={small_disk / 'out.csv'}"
    status, _, err = main(*command, output)
    assert status == 2
    assert "could not be written: No space left" in err
    assert [path.name for path in small_disk.iterdir()] == ["full"]
    sent = asked(endpoint)
    (small_disk / "full").unlink()
    assert main(*command, output)[0] == 0
    assert asked(endpoint) == sent


def in_a_process(*arguments, limit="unlimited", **environment):
    """Run a command in a process of its own, whose memory ends with it.

    `limit` is that of its files, in kilobytes.
    """
    command = [sys.executable, "-m", "sklw", *map(str, arguments)]
    return subprocess.run(
        ["bash", "-c", f"ulimit -f {limit}; exec {shlex.join(command)}"],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_answers_that_the_cache_cannot_take_are_written_elsewhere(
    main, mail, endpoint, small_disk, tmp_path
):
    command = ["augment", mail, *TEXTS, "--endpoint", endpoint.url, "--model=m"]
    command += ["--cache", small_disk / "answers.sqlite"]
    (small_disk / "full").write_bytes(b"x" * 511 * 1024)
    ended = in_a_process(*command, f"--output={small_disk / 'out.csv'}", TMPDIR=str(tmp_path))
    assert ended.returncode == 2
    error = ended.stderr.splitlines()[-1]
    assert "could not be written: No space left" in error
    assert "no answer is lost" not in error
    sent = asked(endpoint)
    assert f"{sent.total()} answers could not be written to" in error
    [advice] = re.findall("`python -m sklw ([^`]*)`", error)
    (small_disk / "full").unlink()
    assert main(*advice.split())[1].startswith(f"Added {sent.total()} answers")
    assert main(*command)[0] == 0
    assert asked(endpoint) == sent


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_said_to_be_kept_that_is_not(mail, endpoint, small_disk, tmp_path, fails):
    answer, refusal = endpoint.script, {"status": 401, "json": {"error": {"message": "no"}}}
    endpoint.script = lambda *of: refusal if fails and len(endpoint.bodies) > 5 else answer(*of)
    (small_disk / "full").write_bytes(b"x" * 512 * 1024)
    command = ["augment", mail, *TEXTS, "--endpoint", endpoint.url, "--model=m"]
    command += ["--set=max_concurrency=1", "--cache", small_disk / "answers.sqlite"]
    ended = in_a_process(*command, TMPDIR=str(tmp_path))
    assert ended.returncode == 2 * fails
    last = ended.stderr.splitlines()[-1]
    assert f"{5 if fails else 28} answers could not be written" in last
    assert ("refused the key" in last) == fails
    assert "kept" not in ended.stdout + last


def test_answers_that_nothing_can_take_are_said_to_be_lost(mail, endpoint, tmp_path):
    command = ["augment", mail, *TEXTS, "--endpoint", endpoint.url, "--model=m", "--cache=c.sqlite"]
    ended = in_a_process(*command, limit=4, TMPDIR=str(tmp_path))
    assert ended.returncode == 2
    last = ended.stderr.splitlines()[-1]
    assert "28 answers could not be written to" in last
    assert "and are lost: the same requests would be sent again" in last
    assert not list(tmp_path.glob("sklw-answers-*"))


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        (("message", "kind"), {"message": NEW["text"], "kind": "hazard", "text": "a", "label": 1}),
        (
            ("message", "label"),  # provenance_ has a column of that name
            NEW.assign(accepted=True, reason="", message="stop"),
        ),
    ],
)
def test_records_have_the_columns_of_the_data_unless_sklw_wrote_them(main, columns, rows):
    FRAME.set_axis(columns, axis=1).to_csv("real.csv", index=False)
    pd.DataFrame(rows).to_csv("rows.csv", index=False)
    options = [f"--text={columns[0]}", f"--label={columns[1]}", *TEXTS[2:], "--recorded=rows.csv"]
    status, out, err = main("augment", "real.csv", *options)
    assert status == 0, err
    assert f"accepted out of {len(NEW)} written" in out  # that there are no more is no row
    made = read("out.csv").query("synthetic == 'True'")["message"]
    assert len(made) > 20
    assert set(made) <= set(NEW["text"])


def test_records_of_a_table_without_column_names(main, tmp_path):
    rows = [f"{i / 7:.3f},{i % 13},{'no' if i % 3 else 'yes'}" for i in range(60)]
    (tmp_path / "d.csv").write_text("\n".join(rows))
    made = [f"{i}.25,5,yes" for i in range(8)]
    (tmp_path / "more.csv").write_text("\n".join(["0,1,target", *made]))
    options = ["--no-header", "--target=2", "--recorded=more.csv", "--output=out.csv"]
    status, out, err = main("augment", "d.csv", *options)
    assert status == 0, err
    assert "8 synthetic ones" in out
