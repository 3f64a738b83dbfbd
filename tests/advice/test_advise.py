from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from sklw import advise
from sklw.generators import BaseGenerator


@pytest.fixture(scope="module")
def table():
    return make_classification(300, 10, n_informative=6, weights=[0.85], random_state=0)


@pytest.fixture(scope="module")
def advice(table):
    return advise(*table, random_state=0)


def normal(n_rows, distance, n_columns=20, seed=0):
    """Return rows of two classes whose means are some distance apart, and their labels."""
    rng = np.random.default_rng(seed)
    y = np.repeat(["many", "few"], n_rows)
    X = rng.normal(size=(len(y), n_columns))
    X[y == "few"] += distance / np.sqrt(n_columns)
    return X, y


def test_advice_holds_what_its_docstring_names(advice, table):
    assert advice.frame.index.tolist() == [1]
    row = advice.frame.loc[1]
    assert row["n_rows"] == (table[1] == 1).sum()
    assert row["low"] < row["gain"] < row["high"]
    assert row["verdict"] in {"worth trying", "hardly worth it", "unclear"}
    assert row["tokens"] > 0
    assert advice.methods.index.tolist() == ["nothing", "class weights", "tuned class weights"]
    assert (advice.methods["low"] <= advice.methods["score"]).all()
    curve = advice.curves[advice.curves["label"] == 1]
    measured = curve[curve["measured"]]
    assert measured["n_rows"].is_monotonic_increasing
    assert measured["score"].iloc[0] == 0.5  # nobody predicts a class without rows
    assert measured["score"].iloc[-1] == advice.methods.loc["tuned class weights", "score"]
    assert curve["n_rows"].iloc[-1] == 2 * row["n_rows"]


def test_same_seed_gives_same_advice(advice, table):
    again = advise(*table, random_state=0, n_jobs=2)
    pd.testing.assert_frame_equal(again.frame, advice.frame)
    pd.testing.assert_frame_equal(again.curves, advice.curves)


@pytest.mark.slow
def test_easy_classes_need_no_rows():
    advice = advise(*normal([400, 40], distance=12), random_state=0)
    assert advice.frame.loc["few", "verdict"] == "hardly worth it"
    assert "Generating is hardly worth it." in str(advice)


@pytest.mark.slow
def test_steep_curve_is_worth_trying():
    advice = advise(*normal([300, 60], distance=3, n_columns=200), random_state=0)
    row = advice.frame.loc["few"]
    assert row["verdict"] == "worth trying"
    assert "60 rows would cost about" in str(advice)
    assert "points over class weights without any new row" in str(advice)
    twice = advise(*normal([300, 120], distance=3, n_columns=200), random_state=0)
    score, of_twice = (a.methods.loc["tuned class weights", "score"] for a in (advice, twice))
    assert of_twice - score > row["low"]


@pytest.mark.slow
def test_nothing_is_worth_less_than_what_is_asked_for(table):
    assert advise(*table, worth=0.5, random_state=0).frame.loc[1, "verdict"] == "hardly worth it"
    assert advise(*table, worth=0, random_state=0).frame.loc[1, "verdict"] != "hardly worth it"


@pytest.mark.slow
def test_confidence_widens_intervals(advice, table):
    narrow = advise(*table, confidence=0.5, random_state=0)
    assert narrow.frame.loc[1, "high"] < advice.frame.loc[1, "high"]
    assert (narrow.methods["high"] < advice.methods["high"]).all()


def test_the_level_of_the_intervals_is_not_rounded(advice):
    assert "with 99.9% intervals" in str(replace(advice, confidence=0.999))


@pytest.mark.slow
def test_class_weights_are_tuned_for_the_score():
    X, y = normal([900, 60], distance=2, n_columns=10)
    advice = advise(X, y, scoring="f1_macro", random_state=0)
    assert str(advice).startswith("Macro-F1")
    scores = advice.methods["score"]
    assert scores["tuned class weights"] > scores["class weights"] + 0.03
    assert "class weights without any new row: start with them" in str(advice)


def test_no_row_is_judged_by_weights_that_were_tuned_on_it():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(120, 5)), np.repeat(["many", "few"], [100, 20])
    assert advise(X, y, random_state=0).methods.loc["tuned class weights", "score"] < 0.55


def test_what_is_worth_it_is_the_users_to_say(table):
    verdicts = [
        advise(*table, worth=worth, random_state=0).frame["verdict"].iloc[0] for worth in (0.0, 0.5)
    ]
    assert verdicts == ["worth trying", "hardly worth it"]


@pytest.mark.slow
def test_copies_tell_nothing_about_new_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 30))  # pure noise: only copies can be known again
    y = np.repeat(["many", "few"], [40, 20])
    score = advise(np.tile(X, (5, 1)), np.tile(y, 5), random_state=0).methods["score"]
    assert score["class weights"] < 0.75


@pytest.mark.slow
def test_texts_that_differ_in_case_are_copies():
    rng = np.random.default_rng(0)
    texts = [f"note {number}" for number in rng.permutation(60)]
    labels = np.repeat(["many", "few"], [40, 20])
    by_text = FunctionTransformer(
        lambda texts: np.eye(60)[[int(text.split()[1]) for text in texts]], validate=False
    )
    everything = [*texts, *map(str.upper, texts)]
    advice = advise(everything, np.tile(labels, 2), encoder=by_text, random_state=0)
    assert advice.methods.loc["class weights", "score"] < 0.75


def test_encoders_may_give_sparse_arrays(reviews):
    texts, labels = reviews
    dense = make_pipeline(TfidfVectorizer(), FunctionTransformer(lambda X: X.toarray()))
    found, expected = (
        advise(texts, labels, encoder=encoder, random_state=0).methods
        for encoder in (TfidfVectorizer(), dense)
    )
    pd.testing.assert_frame_equal(found, expected)


def test_encoders_of_tables_may_give_sparse_arrays():
    X = pd.DataFrame({"city": [f"c{row % 7}" for row in range(60)], "size": range(60)})
    y = np.where(np.arange(60) % 3, "many", "few")
    found, expected = (
        advise(X, y, encoder=OneHotEncoder(sparse_output=sparse), random_state=0).methods["score"]
        for sparse in (True, False)
    )
    pd.testing.assert_series_equal(found, expected)


def test_texts(reviews):
    texts, labels = reviews
    kept = np.flatnonzero((np.asarray(labels) == "up") | (np.arange(len(texts)) < 36))
    advice = advise([texts[row] for row in kept], np.asarray(labels)[kept], random_state=0)
    assert advice.frame.index.tolist() == ["down"]


@pytest.mark.slow
def test_frame_with_categories_and_missing_values(table):
    X, y = table
    frame = pd.DataFrame(X[:, :4], columns=list("abcd")).assign(
        kind=np.where(y + X[:, 5] > 0, "u", None)
    )
    frame.iloc[::9, 0] = np.nan
    advice = advise(frame, y.astype(bool), random_state=0)
    assert advice.frame.index.tolist() == [True]


@pytest.mark.slow
def test_equally_large_classes_are_doubled_together():
    advice = advise(*normal([50, 50], distance=2), random_state=0)
    assert advice.frame.index.tolist() == ["all classes"]
    assert "All classes, 100 rows" in str(advice)


@pytest.mark.slow
@pytest.mark.parametrize("n_few", [1, 2, 14])
def test_few_rows_are_called_too_few(n_few):
    advice = advise(*normal([60, n_few], distance=2), random_state=0)
    assert advice.frame.loc["few", "verdict"] == "too few rows"
    assert advice.frame["gain"].isna().all()
    assert "too few to measure" in str(advice)
    assert advice.curves.empty
    assert advice.methods.index.tolist() == ["nothing", "class weights"]


@pytest.mark.slow
def test_several_classes_come_rarest_first(table):
    X, y = table
    labels = np.array(["b", "a"])[y]
    labels[:5], labels[5:45] = "c", "d"
    advice = advise(X, labels, random_state=0)
    assert advice.frame["n_rows"].is_monotonic_increasing
    assert advice.frame.loc["c", "verdict"] == "too few rows"
    assert "tuned class weights" in advice.methods.index


@pytest.mark.slow
def test_large_classes_are_represented_by_some_of_their_rows():
    X, y = normal([6000, 30], distance=3)
    advice = advise(X, y, scoring="f1_macro", random_state=0)
    # As if all rows had been looked at, false alarms are many beside the few true ones.
    assert advice.methods.loc["class weights", "score"] < 0.75


class Costly(BaseGenerator):
    def iter_generate(self, requests):
        raise AssertionError("advise must not generate")

    def count_tokens(self, prompt):
        return 10


@pytest.mark.slow
def test_generator_counts_the_tokens(table):
    row = advise(*table, generator=Costly(), random_state=0).frame.loc[1]
    assert row["tokens"] == 2 * 10 * row["n_rows"]


@pytest.mark.slow
def test_html_escapes_labels():
    X, y = normal([60, 20], distance=2)
    html = advise(X, np.where(y == "few", "<script>", y), random_state=0)._repr_html_()
    assert "<script>" not in html
    assert "<table" in html


@pytest.mark.parametrize(
    ("X", "y", "error", "message"),
    [
        (["a", "b"], ["x", "x"], ValueError, "Every row has the label 'x'"),
        (["a", "b", "c"], ["x", "y", "z"], ValueError, "swapped"),
        ([], [], ValueError, "no rows"),
        (["a", None], ["x", "y"], ValueError, "missing value"),
        (["a", "b"], ["x", None], ValueError, "missing label"),
        (["a", "b"], ["x"], ValueError, "inconsistent numbers"),
        (np.tile([[0.0], [1.0]], (20, 1)), ["x", "y"] * 20, ValueError, "only 2 different rows"),
    ],
)
def test_errors_say_what_to_do(X, y, error, message):
    with pytest.raises(error, match=message):
        advise(X, y)


def test_unknown_scoring_is_refused(table):
    with pytest.raises(ValueError, match="balanced_accuracy"):
        advise(*table, scoring="f1")


def test_the_name_of_a_model_is_no_generator(table):
    with pytest.raises(ValueError, match="'generator' parameter of advise"):
        advise(*table, generator="gpt2")
