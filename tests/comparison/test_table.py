import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sklw.comparison import METRICS, ComparisonReport, format_table, summarize


@pytest.fixture
def results():
    random = np.random.default_rng(0)
    rows = [
        {
            "classifier": classifier,
            "method": method,
            "minority_size": 20,
            "seed": seed,
            "fit_seconds": 1.0,
            "generation_seconds": 2.0,
            "tokens": 1000,
            "synthetic_rows": 5,
            "error": "",
        }
        | {metric: random.random() for metric in METRICS}
        for classifier in ("embedding", "tfidf")
        for seed in range(5)
        for method in ("real", "class_weight", "llm")
    ]
    return pd.DataFrame(rows)


def test_difference_and_interval_are_those_of_a_paired_t_test(results):
    summary = summarize(results, confidence=0.9)
    cells = results[results["classifier"] == "tfidf"].pivot_table(
        index="seed", columns="method", values="auprc"
    )
    expected = stats.ttest_rel(cells["llm"], cells["class_weight"]).confidence_interval(0.9)
    row = summary.loc["tfidf", 20, "llm"]
    assert row["auprc_low"] == pytest.approx(expected.low)
    assert row["auprc_high"] == pytest.approx(expected.high)
    assert row["auprc"] == pytest.approx(cells["llm"].mean())
    assert row["auprc_difference"] == pytest.approx((cells["llm"] - cells["class_weight"]).mean())


def test_baseline_differs_from_itself_by_nothing(results):
    row = summarize(results, baseline="real").loc["embedding", 20, "real"]
    assert row["macro_f1_difference"] == row["macro_f1_low"] == row["macro_f1_high"] == 0


def test_pairs_are_made_by_seed_and_not_by_position(results):
    shuffled = results.sample(frac=1, random_state=1)
    summary, again = summarize(results), summarize(shuffled)
    pd.testing.assert_frame_equal(summary.sort_index(), again.sort_index())


def test_failed_and_missing_cells_leave_the_pairs_that_are_there(results):
    embedding = results[results["classifier"] == "embedding"].copy()
    failed = (embedding["method"] == "class_weight") & (embedding["seed"] == 3)
    embedding.loc[failed, "error"] = "ValueError: no"
    embedding.loc[failed, list(METRICS)] = np.nan
    summary = summarize(embedding)
    assert summary.loc[("embedding", 20, "class_weight"), ["seeds", "failed"]].tolist() == [4, 1]
    expected = summarize(embedding[embedding["seed"] != 3])
    columns = ["macro_f1_difference", "macro_f1_low", "macro_f1_high"]
    llm = ("embedding", 20, "llm")
    np.testing.assert_allclose(
        summary.loc[llm, columns].to_numpy(float), expected.loc[llm, columns].to_numpy(float)
    )


def test_without_baseline_or_with_one_seed_there_is_no_interval(results):
    no_baseline = summarize(results[results["method"] != "class_weight"])
    assert no_baseline["macro_f1_difference"].isna().all()
    one_seed = summarize(results[results["seed"] == 0])
    assert one_seed["macro_f1_difference"].notna().all()
    assert one_seed["macro_f1_low"].isna().all()


def test_markdown_and_text_hold_the_same_cells(results):
    summary = summarize(results)
    markdown = format_table(summary, style="markdown").splitlines()
    text = format_table(summary).splitlines()
    rows = [line for line in markdown if line.startswith("| ")]
    assert len({line.count("|") for line in rows}) == 1
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in rows]
    for line in cells:
        if line[0] != "---":
            assert any(" ".join(filter(None, line)) == " ".join(shown.split()) for shown in text)


def test_wrong_arguments_are_named(results):
    with pytest.raises(ValueError, match="confidence"):
        summarize(results, confidence=95)
    with pytest.raises(ValueError, match="style"):
        format_table(summarize(results), style="latex")


def test_results_may_be_read_by_pandas(results, tmp_path):
    results.loc[0, "error"] = "ValueError: no"
    for expected in (results, results[1:].reset_index(drop=True)):
        expected.to_csv(tmp_path / "results.csv", index=False)
        read = pd.read_csv(tmp_path / "results.csv")
        pd.testing.assert_frame_equal(summarize(read), summarize(expected))
        verdict = ComparisonReport.from_results(read).verdict
        assert verdict == ComparisonReport.from_results(expected).verdict


def test_unknown_metrics_are_refused(results):
    with pytest.raises(TypeError, match="must be a list of names, got the string 'auprc'"):
        summarize(results, metrics="auprc")
    with pytest.raises(ValueError, match=r"Unknown metric 'macro_f2'\. Did you mean 'macro_f1'"):
        summarize(results, metrics=["macro_f2"])
    with pytest.raises(ValueError, match=r"Unknown metric 'auprc'.*Known are: macro_f1"):
        format_table(summarize(results, metrics=["macro_f1"]), metric="auprc")
