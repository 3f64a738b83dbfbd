from sklw.cli import main
from sklw.datasets import load_maintenance_requests


def test_compare_writes_a_page(tmp_path, capsys):
    data, page = tmp_path / "requests.csv", tmp_path / "page & more.html"
    load_maintenance_requests(as_frame=True).frame.to_csv(data, index=False)
    given = [
        "compare", str(data), "--text", "text", "--label", "label", "--seeds", "2",
        "--methods", "real,class_weight", "--classifiers", "tfidf", "--minority-sizes", "20",
        "--output", str(tmp_path / "results"), "--html", str(page),
    ]  # fmt: skip
    assert main(given) == 0
    printed = capsys.readouterr().out
    assert "Nothing beats class weights here.\n" in printed
    assert f"The page is {page}." in printed
    text = page.read_text(encoding="utf-8")
    assert "<h1>Nothing beats class weights here.</h1>" in text
    assert f"--html &#39;{tmp_path}/page &amp; more.html&#39;" in text
