import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from sklw import cli
from sklw.datasets import load_maintenance_requests


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "mail.csv"
    load_maintenance_requests(as_frame=True).frame.to_csv(path, index=False)
    return path


@pytest.fixture
def compare(data, tmp_path, capsys):
    def run(*extra):
        columns = [] if "--text" in extra else ["--text", "text"]
        status = cli.main(
            [
                "compare",
                str(data),
                *columns,
                "--label=label",
                "--methods=real,class_weight",
                "--classifiers=tfidf",
                "--seeds=2",
                "--minority-sizes=20",
                "--majority-size=60",
                "--test-size=80",
                f"--output={tmp_path / 'out'}",
                *extra,
            ]
        )
        out, err = capsys.readouterr()
        return status, out, err

    return run


def test_help_names_the_methods(capsys):
    assert cli.main(["compare", "--help"]) == 0
    assert "llm_dimp" in capsys.readouterr().out


def test_module_runs_and_says_its_version():
    command = [sys.executable, "-m", "sklw", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("sklw ")


@pytest.mark.slow
def test_compare_prints_a_table_and_keeps_results(compare, tmp_path):
    status, out, _ = compare()
    assert status == 0
    assert "tfidf, 20 rows of the rarest class, 2 seeds" in out
    results = pd.read_csv(tmp_path / "out" / "results.csv")
    assert len(results) == 4
    assert compare()[1] == out  # resumed: nothing is run again, so even the seconds are the same
    assert f"{results['macro_f1'][0] / 2 + results['macro_f1'][2] / 2:.3f}" in out


def test_baseline_is_the_first_method_where_class_weights_are_left_out(compare):
    assert "vs random" in compare("--methods=random,real")[1]


def test_a_dry_run_counts_what_a_run_sends_and_sends_nothing(compare, endpoint, tmp_path):
    options = ["--methods=class_weight,llm,llm_quality", "--llm-ratio=0.5"]
    options += ["--endpoint", endpoint.url, "--model=m", "--prompt-price=2", "--completion-price=8"]
    status, out, _ = compare(*options, "--dry-run")
    assert status == 0
    cells = next(line.split() for line in out.splitlines() if line.startswith("expected"))
    n_requests, *tokens = [int(cell.replace(",", "")) for cell in cells[1:4]]
    assert float(cells[4]) == pytest.approx((2 * tokens[0] + 8 * tokens[1]) / 1e6, abs=1e-4)
    assert endpoint.bodies == []
    assert not (tmp_path / "out").exists()
    assert compare(*options)[0] == 0
    assert len(endpoint.bodies) == n_requests == 2 * 10  # 20 rows to 30, for each seed
    assert "nothing would be sent" in compare("--dry-run")[1]


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--text", "txt"], "Did you mean 'text'"),
        (["--methods=reel"], "Did you mean 'real'"),
        (["--minority-sizes=500"], "smaller minority size"),
        (["--max-requests=1"], "not enough for 2 training sets"),
        (["--encoder=./nowhere"], "no model at './nowhere'"),
    ],
)
def test_errors_are_one_line_and_status_2(compare, extra, message):
    status, out, err = compare(*extra)
    assert status == 2
    assert out == ""
    assert err.startswith("sklw: error: ")
    assert message in err
    assert err.count("\n") == 1


def scores(table):
    return [line.split()[:9] for line in table.splitlines() if line.startswith(("real", "class_"))]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("separator", "encoding", "extra"),
    [
        (";", "cp1252", ["--separator=;", "--encoding=latin-1"]),
        ("\t", "utf-16", []),
        ("\t", "utf-8", ["--separator=tab"]),
    ],
)
def test_files_as_programs_write_them(compare, data, separator, encoding, extra):
    frame = load_maintenance_requests(as_frame=True).frame
    expected = scores(compare()[1])
    frame.to_csv(data, index=False, sep=separator, encoding=encoding)
    assert scores(compare(*extra, f"--output={data.parent / 'again'}")[1]) == expected


def test_a_file_without_header_or_quotes(compare, data):
    expected = scores(compare()[1])
    frame = load_maintenance_requests(as_frame=True).frame
    lines = [f"{label}\t{text}" for text, label in zip(frame["text"], frame["label"], strict=True)]
    data.write_text("\n".join(lines), encoding="utf-8")
    options = ["--no-header", "--no-quotes", "--text", "1", "--label=0"]
    status, out, _ = compare(*options, f"--output={data.parent / 'again'}")
    assert status == 0
    assert scores(out) == expected
    status, _, err = compare("--no-header", "--text", "body", "--label=0")
    assert status == 2
    assert "--text 1 --label 0" in err


@pytest.mark.parametrize("label", ["HAM", "hazard ", "x"])
def test_a_class_of_one_row_is_named(compare, data, label):
    with data.open("a") as file:
        file.write(f"something else,{label}\n")
    status, _, err = compare()
    assert status == 2
    assert f"class {label!r} has 1 row: merge or drop it" in err
    assert ("differ in case, white space" in err) == (label == "hazard ")


def test_copies_are_a_notice_of_one_line(compare, data):
    frame = load_maintenance_requests(as_frame=True).frame
    expected = scores(compare()[1])
    pd.concat([frame, frame]).to_csv(data, index=False)
    status, out, err = compare(f"--output={data.parent / 'again'}")
    assert status == 0
    assert err.count("sklw: warning: 442 of 884 rows repeat the text of another") == 1
    assert scores(out) == expected


@pytest.mark.parametrize(
    "argument",
    [
        "--separator=::", "--seeds=0", "--minority-sizes=1,x", "--methods=,", "--nope",
        "--llm-ratio=20", "--llm-ratio=nan",
    ],
)  # fmt: skip
def test_arguments_that_cannot_be_read_are_status_2(compare, argument):
    status, _, err = compare(argument)
    assert status == 2
    assert "error:" in err
    assert "Traceback" not in err


def test_unfinished_arguments_are_status_2(capsys):
    assert cli.main([]) == 2
    assert cli.main(["compare"]) == 2
    assert "COMMAND" in capsys.readouterr().err


def test_rows_left_out_are_a_warning_of_one_line(compare, data):
    with data.open("a") as file:
        file.write(",hazard\n")
    status, _, err = compare()
    assert status == 0
    assert "sklw: warning: 1 of 443 rows" in err


def test_all_cells_failing_is_status_1(compare):
    # One row of a class cannot be split into folds.
    status, out, err = compare("--methods=threshold", "--minority-sizes=1")
    assert status == 1
    assert "(2 failed)" in out
    assert err.count("sklw: warning: tfidf, threshold, 1") == 2


def test_interruption_says_how_to_go_on(compare, tmp_path, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(LogisticRegression, "fit", interrupted)
    status, _, err = compare()
    assert status == 130
    assert str(tmp_path / "out") in err
    assert "run the same command again" in err


LLM = ["--methods=class_weight,llm", "--llm-ratio=1"]


@pytest.mark.slow
def test_generators_are_named_as_for_augment_and_never_mixed(compare, endpoint, tmp_path):
    options = [*LLM, "--endpoint", endpoint.url, "--set", "max_retries=1"]
    status, out, err = compare(*options, "--model=m", "--max-requests=24")
    assert status == 0
    results = pd.read_csv(tmp_path / "out" / "results.csv")
    rows = results.loc[results["method"] == "llm", "synthetic_rows"]
    assert rows.gt(0).all()
    assert len(endpoint.bodies) == 24  # 12 for each of two training sets
    options[-1] = "max_retries=2"  # which changes no answer
    assert compare(*options, "--model=m", "--max-requests=24")[:2] == (0, out)
    assert len(endpoint.bodies) == 24
    status, _, err = compare(*options, "--model=another", "--max-requests=24")
    assert status == 2
    assert "other values of generator" in err
    status, _, err = compare(*options, "--model=m", "--max-requests=26")
    assert status == 2
    assert "other values of each training set's share of --max-requests" in err


def test_recorded_rows(compare, recorded, tmp_path):
    assert compare(*LLM, "--recorded", str(recorded), "--seeds=1")[0] == 0
    results = pd.read_csv(tmp_path / "out" / "results.csv")
    assert results["synthetic_rows"].tolist()[-1] > 0
    with recorded.open("a") as file:
        file.write("another one,hazard\n")
    status, _, err = compare(*LLM, "--recorded", str(recorded), "--seeds=1")
    assert status == 2
    assert "other values of generator" in err


@pytest.mark.slow
def test_tables(main, tmp_path):
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "age": random.integers(20, 60, 120),
            "job": random.choice(["cook", "clerk"], 120),
            "paid": ["no"] * 30 + ["yes"] * 90,
        }
    )
    table.loc[table["paid"] == "no", "age"] += 15
    table.loc[5, "job"] = np.nan
    table.to_csv("loans.csv", index=False)
    more = table[table["paid"] == "no"].assign(age=lambda rows: rows["age"] + 1)
    more.to_csv("more.csv", index=False)
    command = ["compare", "loans.csv", "--target=paid", "--recorded=more.csv", "--seeds=1"]
    command += ["--llm-ratio=0.5", "--output=out"]
    methods = "class_weight,random,smote,smotenc,adasyn,llm,llm_quality"
    status, out, err = main(*command, "--methods", methods)
    assert status == 0, err
    results = pd.read_csv(tmp_path / "out" / "results.csv")
    assert results["error"].isna().all()
    assert results["classifier"].unique().tolist() == ["logistic", "boosting"]
    assert results["balanced_accuracy"].gt(0.6).all()
    assert results["synthetic_rows"].gt(0).sum() == 4
    assert main(*command, "--methods", methods)[:2] == (0, out)
    status, _, err = main(*command, "--classifiers=bert")
    assert status == 2
    assert "Known are: logistic, boosting" in err
