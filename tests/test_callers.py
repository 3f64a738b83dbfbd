"""Warnings name the line of the user."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from sklw import LLMOverSampler, RecordedGenerator, make_pipeline
from sklw.comparison import estimate
from sklw.datasets import load_texts
from sklw.exceptions import GenerationWarning

X = pd.DataFrame({"id": range(1000, 1060), "age": np.arange(60) * 7 % 61 / 3})
Y = np.repeat([0, 1], [40, 20])
RECORDS = [{"id": 1007, "age": 3.25, "label": 1}, {"id": 1008, "age": None, "label": 1}]


def sampler():
    recorded = RecordedGenerator([*RECORDS, {"id": 1, "age": 2, "label": None}], text_column=None)
    return LLMOverSampler(recorded, random_state=0, verbose=False)


def pipeline():
    return make_pipeline(sampler(), LogisticRegression())


@pytest.mark.parametrize(
    "fit",
    [
        lambda: sampler().fit_resample(X, Y),
        lambda: pipeline().fit(X, Y),
        lambda: GridSearchCV(pipeline(), {}, cv=2).fit(X, Y),
    ],
    ids=["sampler", "pipeline", "search"],
)
@pytest.mark.parametrize("about", ["looks like an identifier", "are skipped", "Fewer rows were"])
def test_a_warning_names_the_file_of_the_caller(fit, about):
    with pytest.warns(GenerationWarning, match=about) as caught:
        fit()
    files = {w.filename for w in caught if issubclass(w.category, GenerationWarning)}
    assert files == {__file__}


@pytest.mark.parametrize(
    ("read", "about"),
    [
        (lambda path: load_texts(path), "no text or no label"),
        (lambda path: load_texts(path), "'Ham' and 'ham'"),
        (lambda path: estimate(*load_texts(path), methods=["real"]), "repeat the text"),
    ],
)
def test_a_warning_about_a_file_or_a_corpus_names_it_too(read, about, tmp_path):
    path = tmp_path / "mail.csv"
    path.write_text("text,label\na,ham\nb,ham\nc,Ham\nd,Ham\nd ,Ham\ne,\n")
    with pytest.warns(UserWarning, match=about) as caught:
        read(path)
    assert {warning.filename for warning in caught} == {__file__}


def test_code_without_a_module_is_warned_too():
    with pytest.warns(GenerationWarning, match="looks like an identifier"):
        exec("fit(X, Y)", {"fit": sampler().fit_resample, "X": X, "Y": Y})
