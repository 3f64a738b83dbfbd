import json

import numpy as np
import pandas as pd
import pytest

from sklw.comparison import ComparisonReport


def results(**scores):
    """Return results with a score for each method and seed."""
    rows = [
        {
            "classifier": "tfidf", "minority_size": 20, "method": method, "seed": seed,
            "macro_f1": score, "log_loss": 1 - score, "fit_seconds": 0.5, "error": "",
            "generation_seconds": 9.5 * method.startswith("llm"),
            "tokens": 1200 * method.startswith("llm"),
            "synthetic_rows": 30 * method.startswith("llm"),
        }
        for method, values in scores.items()
        for seed, score in enumerate(values)
    ]  # fmt: skip
    return pd.DataFrame(rows)


BASE = [0.70, 0.71, 0.72, 0.70, 0.71]
BETTER = [0.75, 0.77, 0.77, 0.75, 0.77]
ALIKE = [0.71, 0.70, 0.73, 0.71, 0.70]
WORSE = [0.60, 0.62, 0.61, 0.60, 0.62]
SLIGHTLY = [0.70, 0.72, 0.73, 0.72, 0.73]  # beyond chance by its own interval alone


def headline(metric="macro_f1", **scores):
    return ComparisonReport.from_results(results(**scores), metric=metric).verdict.splitlines()[0]


@pytest.mark.parametrize(
    ("other", "metric", "expected"),
    [
        (BETTER, "macro_f1", "llm beats class weights here: macro-F1 +0.054 [+0.047, +0.061]."),
        (BETTER, "log_loss", "llm beats class weights here: log-loss -0.054 [-0.061, -0.047]."),
        (SLIGHTLY, "macro_f1", "llm may beat class weights here: macro-F1 +0.012"),
        (ALIKE, "macro_f1", "Nothing beats class weights here."),
        (WORSE, "macro_f1", "Nothing beats class weights here."),
        (WORSE, "log_loss", "Nothing beats class weights here."),
    ],
)
def test_the_verdict_is_plain(other, metric, expected):
    many = {f"other{n}": WORSE for n in range(9)}
    assert headline(metric, class_weight=BASE, **many, llm=other).startswith(expected)


def test_a_method_beyond_chance_comes_before_one_with_a_higher_mean():
    wild = [0.2, 1.0, 1.0, 0.6, 1.0]
    assert headline(class_weight=BASE, wild=wild, llm=BETTER).startswith("llm beats")


def test_it_says_what_it_costs_and_how_sure_it_is():
    frame = results(class_weight=BASE, threshold=BETTER, llm=ALIKE)
    _, values, costs, doubts, models = ComparisonReport.from_results(frame).verdict.splitlines()
    assert values == "Its macro-F1 over 5 seeds is 0.762, against 0.708 with class weights."
    assert costs == "threshold takes 0.50 s for each training set; class weights take 0.50 s."
    assert doubts.startswith("It was picked as the best of 2 methods")
    assert models.startswith("Of the methods with generated rows llm does best: macro-F1 +0.002")
    assert models.endswith("10.0 s for each training set, with 30 generated rows and 1,200 tokens.")


def test_one_seed_proves_nothing():
    report = ComparisonReport.from_results(results(class_weight=[0.7], llm=[0.9]))
    assert report.verdict.startswith("A single seed cannot tell which method is better.")
    assert "at least five seeds" in report.verdict
    report.to_html()


def with_failures(frame, **seeds):
    """Let the trials of some methods fail on some seeds."""
    for method, failed in seeds.items():
        rows = (frame["method"] == method) & frame["seed"].isin(failed)
        frame.loc[rows, ["macro_f1", "log_loss", "tokens", "fit_seconds"]] = np.nan
        frame.loc[rows, "error"] = "ValueError: no"
    return frame


def test_one_seed_in_common_with_the_baseline_proves_nothing():
    frame = with_failures(results(class_weight=BASE, llm=BETTER), class_weight=[1, 2, 3, 4])
    headline, values, *_, failures = ComparisonReport.from_results(frame).verdict.splitlines()
    assert headline == "A single seed cannot tell which method is better."
    assert "with one seed is 0.750, against 0.700 with class weights (+0.050)" in values
    assert failures == "Failed trials are left out: class_weight 4 of 5."


def test_both_means_are_over_the_seeds_of_the_difference():
    frame = results(class_weight=[0.5, 0.9, 0.9, 0.9], llm=[0.6, 0.95, 0.9, 0.9])
    values = ComparisonReport.from_results(with_failures(frame, llm=[2, 3])).verdict.splitlines()[1]
    assert "over 2 seeds is 0.775, against 0.700 with class weights (+0.075" in values


def test_a_method_that_ran_once_does_not_hide_the_others():
    frame = with_failures(results(class_weight=BASE, real=WORSE, llm=BETTER), llm=[1, 2, 3, 4])
    headline, values, *_ = ComparisonReport.from_results(frame).verdict.splitlines()
    assert headline == "Nothing beats class weights here."
    assert values.startswith("The best of the others is the real rows alone: their macro-F1 over 5")


def test_without_a_trial_of_the_baseline():
    frame = with_failures(results(class_weight=BASE, llm=BETTER), class_weight=range(5))
    report = ComparisonReport.from_results(frame)
    expected = "There is nothing to compare with: class weights failed in every trial."
    assert report.verdict.startswith(expected)
    assert expected in report.to_html()
    both = pd.concat([results(smote=BASE, llm=ALIKE), results(llm=BASE).assign(classifier="tf")])
    report = ComparisonReport.from_results(both, baseline="smote")
    assert "There is nothing to compare with: smote did not run." in report.to_html()
    assert "in any of the 1 of 2 cases that have two seeds" in repr(report)


def test_one_seed_proves_nothing_in_several_cases():
    frame = results(class_weight=[0.7], llm=[0.9])
    report = ComparisonReport.from_results(pd.concat([frame, frame.assign(classifier="bert")]))
    assert repr(report) == "ComparisonReport('A single seed cannot tell which method is better.')"


def test_a_repeated_trial_is_no_further_seed():
    frame = results(class_weight=BASE, llm=BETTER)
    with pytest.raises(ValueError, match="10 trials occur more than once, such as classifier"):
        ComparisonReport.from_results(pd.concat([frame, frame]))


def test_class_weights_are_many():
    report = ComparisonReport.from_results(
        results(real=WORSE, class_weight=BETTER), baseline="real"
    )
    assert report.verdict.startswith("Class weights beat the real rows alone here: macro-F1 +0.152")
    assert "\nTheir macro-F1 over 5 seeds" in report.verdict
    assert "Class weights take 0.50 s for each training set; the real rows alone take" in (
        report.verdict
    )


def test_several_cases_are_counted():
    frame = results(class_weight=BASE, llm=BETTER)
    other = results(class_weight=BASE, llm=ALIKE).assign(classifier="bert")
    report = ComparisonReport.from_results(pd.concat([frame, other]))
    assert "Something beats class weights in 1 of 2 cases." in report.to_html()
    assert "Classifier bert, 20 rows of the rarest class:\n" in report.verdict
    assert repr(report) == "ComparisonReport('Something beats class weights in 1 of 2 cases.')"


def test_failed_trials_are_told():
    frame = results(class_weight=BASE, llm=BETTER)
    failed = frame["method"] == "llm"
    frame.loc[failed, ["macro_f1", "log_loss", "tokens"]] = np.nan
    frame.loc[failed, "error"] = "ValueError: no <model>"
    page = ComparisonReport.from_results(frame).to_html()
    assert "There is nothing to compare with class weights." in page
    assert "llm (5 failed)" in page
    assert "no &lt;model&gt;" in page


def test_the_folder_adds_rows_and_settings(tmp_path):
    pd.DataFrame(
        {
            "text": ["win now", "see you"], "label": "spam", "accepted": [True, False],
            "reason": ["", "near_duplicate"], "parents": "3 4",
            "weight_llm": [2.0, np.nan], "weight_llm_quality": [1.5, np.nan],
        }
    ).to_csv(tmp_path / "generated_m20_seed0.csv", index=False)  # fmt: skip
    (tmp_path / "settings.json").write_text(json.dumps({"task": "SMS", "cache": None}))
    frame = results(class_weight=BASE, llm=BETTER, llm_quality=ALIKE)
    report = ComparisonReport.from_results(frame, output=tmp_path)
    page = report.to_html(tmp_path / "page.html", command="sklw compare <file>")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page
    assert "Generated rows (m20, seed0), weighted by llm<" in page
    assert "accepted; 2 times the mean weight" in page
    assert "rejected: near duplicate" in page
    assert "SMS" in page
    assert "sklw compare &lt;file&gt;" in page
    assert report._repr_html_().startswith("<iframe")


def test_rows_of_a_table_are_shown_by_column(tmp_path):
    pd.DataFrame(
        {
            "text": [json.dumps({"age": 31.0, "job": "<b>baker</b>"})], "label": "yes",
            "accepted": True, "reason": "", "parents": "3", "weight_llm": 1.0,
        }
    ).to_csv(tmp_path / "generated_m20_seed0.csv", index=False)  # fmt: skip
    frame = results(class_weight=BASE, llm=BETTER)
    page = ComparisonReport.from_results(frame, output=tmp_path).to_html()
    assert "<i>age</i> <bdi>31</bdi>" in page
    assert "<i>job</i> <bdi>&lt;b&gt;baker&lt;/b&gt;</bdi>" in page


@pytest.mark.parametrize("parameter", ["baseline", "metric"])
def test_wrong_names(parameter):
    with pytest.raises(ValueError, match=f"no {parameter} 'f1'. Choose from"):
        ComparisonReport.from_results(results(real=BASE, llm=ALIKE), **{parameter: "f1"})


def test_without_class_weights_the_first_method_is_the_baseline():
    assert headline(real=BASE, llm=ALIKE) == "Nothing beats the real rows alone here."


def test_results_without_rows_are_refused():
    with pytest.raises(ValueError, match="have no rows"):
        ComparisonReport.from_results(results(class_weight=[0.7]).head(0))
