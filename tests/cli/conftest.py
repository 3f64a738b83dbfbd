import sys
from pathlib import Path

import pandas as pd
import pytest

from sklw import cli
from sklw.datasets import load_maintenance_requests

sys.path.insert(0, str(Path(__file__).parents[1] / "generators"))
from _endpoint import Endpoint

FRAME = load_maintenance_requests(as_frame=True).frame
# Texts that are no copies of real ones, written backwards.
NEW = FRAME[FRAME["label"] == "hazard"].assign(text=lambda rows: rows["text"].str[::-1])


@pytest.fixture(autouse=True)
def own_folder(own_cache, tmp_path, monkeypatch):
    """Keep the files of each test in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def main(capsys):
    """Return a function that runs a command and returns its status, output and errors."""

    def run(*arguments):
        status = cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return run


@pytest.fixture
def mail(tmp_path):
    """Return a file of 40 routine messages and 12 hazards, with a column that is not used."""
    routine, hazards = (FRAME[FRAME["label"] == label] for label in ("routine", "hazard"))
    rows = pd.concat([routine.iloc[:40], hazards.iloc[:12]]).sample(frac=1, random_state=0)
    rows.insert(0, "id", [f"{number:03}" for number in range(len(rows))])
    path = tmp_path / "mail.csv"
    rows.to_csv(path, index=False)
    return path


@pytest.fixture
def recorded(tmp_path):
    """Return a file of 40 new hazards."""
    path = tmp_path / "recorded.csv"
    NEW.iloc[:40].to_csv(path, index=False)
    return path


@pytest.fixture
def endpoint():
    """Return a server that answers each request with another new hazard."""
    texts = iter(NEW["text"])
    with Endpoint(lambda prompt, nth: {"text": next(texts)}) as endpoint:
        yield endpoint
