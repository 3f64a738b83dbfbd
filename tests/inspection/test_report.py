import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklw import SyntheticWeighter, WeightDisplay

GOOD = ["a good film", "good and fine", "a fine film", "good good", "fine fine film", "a good one"]
BAD = ["a bad film", "bad and poor", "a poor film", "bad bad", "poor poor film", "a bad one"]
MADE = ["good <b>film</b>", "a bad & poor one", "so bad a film"]
TEXTS = np.array([*GOOD, *BAD, *MADE], dtype=object)
LABELS = np.array(["good"] * 6 + ["bad"] * 6 + ["good", "bad", "good"])
SYNTHETIC = np.arange(15) >= 12


def fitted(method="quality", **kwargs):
    checker = make_pipeline(TfidfVectorizer(), LogisticRegression(C=100))
    weighter = SyntheticWeighter(method, checker=checker, random_state=0, **kwargs)
    return weighter.fit(TEXTS, LABELS, synthetic=SYNTHETIC)


def test_the_frame_has_every_row_and_says_why():
    weighter = fitted()
    frame = weighter.report(TEXTS, LABELS).frame
    assert frame["text"].tolist() == TEXTS.tolist()
    np.testing.assert_array_equal(frame["weight"], weighter.sample_weight_)
    assert set(frame["reason"][:12]) == {"real"}
    assert frame["reason"][12].startswith("looks like its label")
    assert frame["reason"][14].startswith("looks like bad")
    assert frame["likeliest_class"][14] == "bad"
    assert frame["likeliest_probability"][14] == pytest.approx(1 - frame["quality"][14])


def test_the_page_shows_texts_as_text_and_needs_no_other_file(tmp_path):
    report = fitted().report(TEXTS, LABELS)
    page = report.to_html(tmp_path / "weights.html")
    assert (tmp_path / "weights.html").read_text(encoding="utf-8") == page
    assert "good &lt;b&gt;film&lt;/b&gt;" in page
    assert "<b>film" not in page
    assert page.index("a bad &amp; poor one") < page.index("so bad a film")
    assert "http://" not in page
    assert "https://" not in page
    assert '<div class="tools" hidden>' in page  # the script shows it


def test_the_page_ends_with_what_makes_it_again():
    report = fitted().report(TEXTS, LABELS)
    page = report.to_html(settings={"sampler": "LLMOverSampler(<b>)"}, command="sklw augment <x>")
    assert "LLMOverSampler(&lt;b&gt;)" in page
    assert "sklw augment &lt;x&gt;" in page
    assert ".fit(X, y, synthetic=sampler.synthetic_mask_" in report.to_html()


def test_few_of_many_rows_are_shown():
    page = fitted().report(TEXTS, LABELS).to_html(n_rows=1)
    assert "The 1 highest and the 1 lowest of 3 weights" in page
    assert page.count("<tr data-label") == 2


def test_notebooks_show_the_page_in_a_frame_of_its_own():
    shown = fitted().report(TEXTS, LABELS)._repr_html_()
    assert shown.startswith('<iframe srcdoc="&lt;!DOCTYPE html&gt;')
    assert "good &amp;lt;b&amp;gt;film" in shown


def test_the_verdict():
    real, made = np.zeros((30, 1)), np.array([[3.0], [3.1], [0.1], [-3.0]])
    real[:, 0] = np.linspace(-1, 1, 30) + np.where(np.arange(30) % 2, 2, -2)
    labels = np.array(["a", "b"])[[*(np.arange(30) % 2), 1, 1, 1, 1]]
    synthetic = np.arange(34) >= 30
    X = np.concatenate([real, made])
    weighter = SyntheticWeighter("quality", random_state=0).fit(X, labels, synthetic)
    headline, *rest = weighter.report(X, labels).verdict.splitlines()
    assert headline.startswith("4 synthetic rows count as much as 2 real ones, and 1 of them")
    assert rest[0] == (
        "There are 30 real rows and 4 synthetic rows, which have 6% of the total weight."
    )
    assert rest[-1].endswith("to the checker it looks like another class.")


@pytest.mark.parametrize(
    ("synthetic", "sentence"),
    [
        (np.zeros(15, dtype=bool), "All rows are real: there is nothing to weight."),
        (SYNTHETIC, "All synthetic rows have the same weight."),
    ],
)
def test_the_verdict_without_differences(synthetic, sentence):
    weighter = SyntheticWeighter("uniform").fit(TEXTS, LABELS, synthetic=synthetic)
    assert weighter.report(TEXTS, LABELS).verdict.splitlines()[-1] == sentence


def test_a_text_that_is_no_valid_unicode(tmp_path):
    texts = np.array([*TEXTS[:-1], "so \ud800 bad"], dtype=object)
    weighter = SyntheticWeighter("uniform").fit(texts, LABELS, synthetic=SYNTHETIC)
    weighter.report(texts, LABELS).to_html(tmp_path / "weights.html")
    assert "so ? bad" in (tmp_path / "weights.html").read_text(encoding="utf-8")


def test_the_summary_counts_by_class():
    summary = fitted().report(TEXTS, LABELS).summary
    assert summary["real"].to_dict() == {"bad": 6, "good": 6}
    assert summary["synthetic"].to_dict() == {"bad": 1, "good": 2}
    assert summary["labelled_otherwise"].to_dict() == {"bad": 0.0, "good": 0.5}
    assert 1 <= summary["effective_sample_size"]["good"] < 2


def test_provenance_and_parents_are_shown():
    provenance = pd.DataFrame(
        {
            "label": ["good", "bad", "good", "good"],
            "text": [*MADE, "thrown away"],
            "accepted": [True, True, True, False],
            "reason": ["", "", "", "duplicate"],
            "model": ["m1", "m1", "m2", "m2"],
            "seed": [1, 2, 3, 4],
            "cached": [True, False, True, True],
        }
    )
    parents = [np.array([], dtype=int)] * 12 + [np.array([0, 2]), np.array([6]), np.array([1])]
    frame = fitted().report(TEXTS, LABELS, provenance=provenance, parent_indices=parents).frame
    assert frame["model"][12:].tolist() == ["m1", "m1", "m2"]
    assert frame["model"][:12].isna().all()
    assert frame["parents"][12] == "a good film; a fine film"
    assert len(frame) == 15
    assert frame["seed"][12:].tolist() == [1, 2, 3]
    assert frame["cached"][12:].tolist() == [True, False, True]
    assert frame[["seed", "cached"]].dtypes.astype(str).tolist() == ["Int64", "boolean"]
    assert frame["seed"][:12].isna().all()


def test_columns_of_the_provenance_do_not_take_the_place_of_those_of_the_report():
    weighter = fitted()
    kept = pd.DataFrame({"text": TEXTS, "label": LABELS, "synthetic": SYNTHETIC, "weight": 7.0})
    report = weighter.report(TEXTS, LABELS, provenance=kept)
    np.testing.assert_array_equal(report.frame["weight"], weighter.sample_weight_)
    pd.testing.assert_frame_equal(report.summary, weighter.report(TEXTS, LABELS).summary)
    assert report.frame["weight (provenance)"][12:].tolist() == [7.0] * 3
    sampler, X, y = made_table()
    weighter = SyntheticWeighter("uniform").fit(X, y, sampler.synthetic_mask_)
    provenance = sampler.provenance_.assign(weight=7.0)
    frame = weighter.report(X, y, provenance=provenance).frame
    assert frame["weight (provenance)"][sampler.synthetic_mask_].eq(7).all()
    np.testing.assert_array_equal(frame["weight"], weighter.sample_weight_)


@pytest.mark.parametrize("method", ["uniform", "imp", "sungen"])
def test_other_methods(method):
    report = fitted(method).report(TEXTS, LABELS)
    assert report.frame["reason"][12:].str.len().min() > 3
    assert len(report.to_html()) > 1000


def test_nothing_is_claimed_of_weights_that_the_classifier_finishes():
    report = fitted("dimp").report(TEXTS, LABELS)
    headline, sentence = report.verdict.split("\n")
    assert headline == "3 synthetic rows"
    assert sentence.startswith("There are 12 real rows and 3 synthetic rows. The classifier fin")
    assert report.summary["real"].sum() == 12
    assert report.summary[["effective_sample_size", "real_rows_equivalent"]].isna().all(axis=None)
    assert "Histogram" not in report.to_html()


@pytest.mark.slow
def test_the_choice_of_auto_is_named():
    weighter = fitted("auto", cv=3)
    page = weighter.report(TEXTS, LABELS).to_html()
    assert f"auto: {weighter.best_params_['method']}" in page


def test_tables():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 2)), np.arange(30) % 2
    weighter = SyntheticWeighter().fit(X, y, synthetic=np.arange(30) >= 20)
    assert list(weighter.report(X, y).frame.columns[:3]) == ["x0", "x1", "label"]
    of_polars = pl.DataFrame(X, schema=["age", "size"])
    assert list(weighter.report(of_polars, y).frame.columns[:3]) == ["age", "size", "label"]
    named = pd.DataFrame(X, columns=["age", "size"], index=range(5, 35))
    frame = weighter.report(named, y, parent_indices=[np.array([0])] * 30).frame
    assert frame["age"].tolist() == X[:, 0].tolist()
    assert set(frame["parents"]) == {"0"}


def test_large_numbers_are_written_out():
    X, y = np.full((30, 1), 1_234_567.5), np.arange(30) % 2
    X[20:] += np.arange(10)[:, None]
    weighter = SyntheticWeighter("uniform", real_weight=150.0, synthetic_weight=1200.0)
    page = weighter.fit(X, y, np.arange(30) >= 20).report(X, y).to_html()
    assert re.findall(r"<td>[\d,]{5,}</td>", page) == ["<td>1,500</td>", "<td>6,000</td>"] * 2
    assert "<bdi>1,234,568</bdi>" in page
    assert "e+0" not in page


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_the_scale_of_weights_does_not_matter_to_what_they_are_worth(scale):
    X, y = np.arange(40.0)[:, None], np.arange(40) % 2
    weighter = SyntheticWeighter(real_weight=scale, synthetic_weight=scale, random_state=0)
    report = weighter.fit(X, y, np.arange(40) >= 20).report(X, y)
    assert f"worth about {weighter.effective_sample_size_:.0f} of equal" in report.verdict
    assert (report.summary["effective_sample_size"].round(3) <= 10).all()
    shown = WeightDisplay.from_weights(weighter.sample_weight_, y, np.arange(40) >= 20)
    assert f"worth {weighter.effective_sample_size_:.0f} of equal" in shown.ax_.get_title()


def made_table(groups=None, augment=0):
    """Rows recorded for a table, given out by a sampler, with what tells them apart."""
    from sklw import LLMOverSampler, RecordedGenerator

    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.integers(20, 60, 40), "round": rng.integers(0, 99, 40)})
    y = np.array(["no"] * 26 + ["yes"] * 14)
    rows = [
        {"age": int(rng.integers(20, 60)), "round": int(rng.integers(0, 99)), "label": label}
        | ({} if groups is None else {"place": place})
        for _ in range(30)
        for label in ("yes", "no")
        for place in ("sea", "land")
    ]
    generator = RecordedGenerator(
        rows, text_column=None, group_column=None if groups is None else "place"
    )
    sampler = LLMOverSampler(generator=generator, augment=augment, random_state=0)
    X_new, y_new = sampler.fit_resample(X, y, groups)
    return sampler, X_new, y_new


@pytest.mark.parametrize("augment", [0, 3])
@pytest.mark.parametrize("groups", [None, ["sea", "land", "land", "sea"] * 10])
def test_provenance_of_a_table(groups, augment):
    sampler, X, y = made_table(groups, augment)
    weighter = SyntheticWeighter("uniform").fit(X, y, sampler.synthetic_mask_)
    report = weighter.report(
        X, y, provenance=sampler.provenance_, parent_indices=sampler.parent_indices_
    )
    made = report.frame[sampler.synthetic_mask_]
    accepted = sampler.provenance_[sampler.provenance_["accepted"]]
    assert len(made) == len(accepted) > 0
    by_row = {
        tuple(map(int, text.split(","))): (label, group, prompt)
        for text, label, group, prompt in zip(
            accepted["text"].map(_values), accepted["label"], accepted["group"],
            accepted["prompt_id"], strict=True,
        )
    }  # fmt: skip
    for row in made.to_dict("records"):
        assert by_row[row["age"], row["round (column)"]] == (
            row["label"], row["group"] if groups else None, row["prompt_id"],
        )  # fmt: skip
    assert report.frame.loc[~sampler.synthetic_mask_, "prompt_id"].isna().all()
    assert "round (column)" in report.to_html()


def _values(text):
    return ",".join(re.findall(r"\d+", text))


def test_provenance_of_an_array():
    sampler, X, y = made_table()
    weighter = SyntheticWeighter("uniform").fit(X.to_numpy(), y, sampler.synthetic_mask_)
    frame = weighter.report(X.to_numpy(), y, provenance=sampler.provenance_).frame
    assert frame["prompt_id"].notna().tolist() == sampler.synthetic_mask_.tolist()


def test_provenance_of_other_rows_of_a_table_is_refused():
    sampler, X, y = made_table()
    kept = np.arange(len(X)) != len(X) - 1
    weighter = SyntheticWeighter("uniform").fit(X[kept], y[kept], sampler.synthetic_mask_[kept])
    with pytest.raises(ValueError, match="provenance tells of 12 accepted rows"):
        weighter.report(X[kept], y[kept], provenance=sampler.provenance_)


def test_columns_of_the_table_keep_their_values():
    rng = np.random.default_rng(0)
    y = np.arange(30) % 2
    table = pd.DataFrame(rng.normal(size=(30, 2)), columns=["weight", "size"])
    weighter = SyntheticWeighter().fit(table, y, synthetic=np.arange(30) >= 20)
    frame = weighter.report(table, y).frame
    np.testing.assert_array_equal(frame["weight (column)"], table["weight"])
    np.testing.assert_array_equal(frame["weight"], weighter.sample_weight_)


@pytest.mark.parametrize("dtype", [bool, "boolean", "category", "Int64"])
def test_labels_are_shown_as_they_are_whatever_their_type(dtype):
    labels = pd.Series(LABELS == "good", dtype=None if dtype == "Int64" else dtype).astype(dtype)
    checker = make_pipeline(TfidfVectorizer(), LogisticRegression(C=100))
    weighter = SyntheticWeighter(checker=checker, random_state=0)
    report = weighter.fit(TEXTS, labels, synthetic=SYNTHETIC).report(TEXTS, labels)
    no, yes = ("0", "1") if dtype == "Int64" else ("False", "True")
    assert report.frame["label"].map(str).tolist() == np.where(labels, yes, no).tolist()
    assert report.summary.index.map(str).tolist() == [no, yes]
    assert report.frame["reason"][14].startswith(f"looks like {no} ")
    assert f"rather than {yes} " in report.frame["reason"][14]
    ticks = WeightDisplay.from_estimator(weighter, TEXTS, labels).ax_.get_yticklabels()
    assert [tick.get_text() for tick in ticks] == [f"{yes} (n=2)", f"{no} (n=1)"]


def test_no_synthetic_rows():
    weighter = SyntheticWeighter("uniform").fit(TEXTS, LABELS, synthetic=np.zeros(15))
    report = weighter.report(TEXTS, LABELS)
    assert "nothing to weight" in report.to_html()
    assert report.frame["weight"].eq(1).all()


def test_errors_say_what_to_pass():
    weighter = fitted()
    with pytest.raises(ValueError, match="synthetic ones included"):
        weighter.report(TEXTS[:12], LABELS[:12])
    numbers = np.unique(LABELS, return_inverse=True)[1]
    for others in (LABELS[::-1], numbers):
        with pytest.raises(ValueError, match=r"fitted on other labels than these.* position"):
            weighter.report(TEXTS, others)
    with pytest.raises(ValueError, match="provenance_"):
        weighter.report(TEXTS, LABELS, provenance=pd.DataFrame({"id": [1]}))


def test_a_small_share_is_not_called_none():
    verdict = fitted("uniform", synthetic_weight=0.001).report(TEXTS, LABELS).verdict
    assert "3 synthetic rows, which have less than 1% of the total weight." in verdict
