import json

from sklw import cli


def test_the_cache_is_shown_exported_imported_and_cleared(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SKLW_CACHE", str(tmp_path))
    store = tmp_path / "requests.sqlite"
    answer = {"text": "hello", "prompt_tokens": 1, "completion_tokens": 1}
    file = tmp_path / "answers.jsonl"
    file.write_text(json.dumps({"key": "k", "answer": answer}) + "\n")
    assert cli.main(["cache"]) == 0
    assert "0 answers, 0.0 MB (there is no such file yet)" in capsys.readouterr().out
    assert cli.main(["cache", "--import", str(file)]) == 0
    assert cli.main(["cache", "--path", str(store), "--export", str(tmp_path / "again.jsonl")]) == 0
    assert json.loads((tmp_path / "again.jsonl").read_text()) == {"key": "k", "answer": answer}
    assert cli.main(["cache", "--export", str(tmp_path / "none" / "again.jsonl")]) == 2
    assert "There is no folder" in capsys.readouterr().err
    assert cli.main(["cache", "--clear"]) == 0
    assert capsys.readouterr().out.startswith("Deleted 1 answers")
    assert cli.main(["cache", "--import", str(tmp_path / "none.jsonl")]) == 2
    for option in ([], ["--clear"], ["--import", str(file)]):  # a file of one's own is left alone
        assert cli.main(["cache", "--path", str(file), *option]) == 2
    assert json.loads(file.read_text()) == {"key": "k", "answer": answer}
