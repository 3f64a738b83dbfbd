import pytest

from sklw import cli
from sklw.datasets import load_maintenance_requests


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "mail.csv"
    frame = load_maintenance_requests(as_frame=True).frame
    frame.groupby("label").head(60).to_csv(path, index=False)
    return path


@pytest.mark.slow
def test_advise_prints_sentences(data, capsys):
    status = cli.main(["advise", str(data), "--text=text", "--label=label"])
    assert status == 0
    assert capsys.readouterr().out.startswith("Balanced accuracy")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--text=txt", "--label=label"], "Did you mean 'text'"),
        (["--text=text", "--label=text"], "from one column, 'text'"),
    ],
)
def test_wrong_columns(data, capsys, arguments, message):
    assert cli.main(["advise", str(data), *arguments]) == 2
    assert message in capsys.readouterr().err
