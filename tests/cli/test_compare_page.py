import html
from pathlib import Path

import pytest

from sklw import cli
from sklw.datasets import load_maintenance_requests


def test_compare_writes_a_page(tmp_path, capsys):
    data, page = tmp_path / "requests.csv", tmp_path / "page & more.html"
    load_maintenance_requests(as_frame=True).frame.to_csv(data, index=False)
    given = [
        "compare", str(data), "--text", "text", "--label", "label", "--seeds", "2",
        "--methods", "real,class_weight", "--classifiers", "tfidf", "--minority-sizes", "20",
        "--output", str(tmp_path / "results"), "--html", str(page),
    ]  # fmt: skip
    assert cli.main(given) == 0
    printed = capsys.readouterr().out
    assert "Nothing beats class weights here.\n" in printed
    assert f"The page is {page}." in printed
    text = page.read_text(encoding="utf-8")
    assert "<h1>Nothing beats class weights here.</h1>" in text
    assert f"--html &#39;{tmp_path}/page &amp; more.html&#39;" in text


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ('{"api_key": "my own"}', '{"api_key": "***"}'),
        ('{"user": "sk-proj-abc123def456ghi789"}', '{"user": "***"}'),
        ('{"user": "hf-internal-testing/tiny-random-7"}',) * 2,
        ('{"max_tokens": 300}',) * 2,
    ],
)
def test_the_command_on_the_page_has_no_key(main, mail, endpoint, fields, shown):
    command = ["compare", mail, "--text=text", "--label=label", "--output=results", "--seeds=2"]
    command += ["--methods=real", "--classifiers=tfidf", "--html=page.html", "--model=m"]
    status, _, err = main(*command, "--endpoint", endpoint.url, "--set", f"extra_body={fields}")
    assert status == 0, err
    text = html.unescape(Path("page.html").read_text(encoding="utf-8"))
    assert f"--set 'extra_body={shown}'" in text


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ("nowhere/page.html", "There is no folder 'nowhere' for --html"),
        ("there", "'there' is a folder; name a file with --html"),
        ("results", "is the folder of --output"),
        ("mail.csv", "is the file of the real rows"),
    ],
)
def test_a_page_that_cannot_be_written_is_refused_at_once(main, mail, tmp_path, page, problem):
    (tmp_path / "there").mkdir()
    command = ["compare", mail, "--text=text", "--label=label", "--output=results"]
    status, _, err = main(*command, f"--html={page}")
    assert status == 2
    assert problem in err
    assert not (tmp_path / "results").exists()


@pytest.mark.skipif(not Path("/dev/null").is_char_device(), reason="there is no such device here")
def test_the_page_may_go_to_a_device_or_through_a_link(main, mail, tmp_path, monkeypatch):
    for name in ("there", "here"):
        (tmp_path / name).mkdir()
    (tmp_path / "here" / "page.html").symlink_to(tmp_path / "there" / "page.html")
    monkeypatch.setattr("os.access", lambda path, mode: Path(path).name == "there")
    command = ["compare", mail, "--text=text", "--label=label", "--output=results", "--seeds=2"]
    command += ["--methods=real,class_weight", "--classifiers=tfidf"]
    for page in ("/dev/null", "here/page.html"):
        assert main(*command, f"--html={page}")[0] == 0
    assert (tmp_path / "there" / "page.html").is_file()


def test_the_page_may_be_in_the_folder_of_the_results(main, mail, tmp_path):
    command = ["compare", mail, "--text=text", "--label=label", "--output=results", "--seeds=2"]
    command += ["--methods=real,class_weight", "--classifiers=tfidf", "--html=results/page.html"]
    assert main(*command)[0] == main(*command)[0] == 0
    assert (tmp_path / "results" / "page.html").is_file()
