import json
from dataclasses import replace
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline

from sklw import RecordedGenerator
from sklw.comparison import METHODS, METRICS, Settings, build, compare, estimate, read_results
from sklw.datasets import load_maintenance_requests
from sklw.ensemble import RealSyntheticVotingClassifier
from sklw.generators import BaseGenerator, Completion
from sklw.over_sampling import TableFilter, TextFilter

TEXTS, LABELS = load_maintenance_requests(return_X_y=True)
SMALL = {
    "classifiers": ["tfidf"],
    "minority_sizes": [20],
    "majority_size": 60,
    "seeds": [0, 1],
    "test_size": 100,
}
RECORDED = [
    "smoke is coming from under the door of the flat next to mine",
    "there is water running over the fuse box in the cellar",
    "I can smell gas on the stairs and feel dizzy",
    "the ceiling over the cot is coming down, please send somebody",
    "sparks from the socket behind the washing machine, it smells burnt",
    "someone has broken the door and is walking about upstairs",
]
NOISE = [
    "please send me the form for the parking space again",
    "my tap drips a little at night, whenever you have time for it",
]


@pytest.fixture
def settings():
    rows = [{"text": text, "label": "hazard"} for text in RECORDED + NOISE]
    return Settings(
        sampler={"sampling_strategy": lambda y: {"hazard": int((y == "hazard").sum()) + len(rows)}},
        generator=RecordedGenerator(rows),
    )


def without_times(results):
    return results.drop(columns=[c for c in results if c.endswith("seconds")])


@pytest.fixture
def draw_split():
    """Return a function that says on which rows a comparison trains, and which it predicts."""
    number = {text: row for row, text in enumerate(TEXTS)}

    def draw(minority_size=20, majority_size=60, test_size=None, seed=0):
        split = SimpleNamespace()

        class Noting(DummyClassifier):
            def fit(self, X, y):
                split.train = np.array([number[text] for text in X])
                return super().fit(X, y)

            def predict_proba(self, X):
                split.test = np.array([number[text] for text in X])
                return super().predict_proba(X)

        with pytest.MonkeyPatch.context() as patch:
            noting = replace(METHODS["real"], build=lambda plan: Noting())
            patch.setitem(METHODS, "real", noting)
            sizes = {"minority_sizes": [minority_size], "majority_size": majority_size}
            sizes |= {"test_size": test_size, "seeds": [seed]}
            compare(TEXTS, LABELS, methods=["real"], classifiers=["tfidf"], **sizes)
        return split

    return draw


class TestSplits:
    def test_sizes_and_no_row_on_both_sides(self, draw_split):
        split = draw_split(seed=3)
        assert pd.Series(LABELS[split.train]).value_counts().to_dict() == {
            "routine": 60,
            "hazard": 20,
        }
        assert sorted([*split.train, *split.test]) == list(range(len(LABELS)))

    def test_smaller_training_sets_are_part_of_larger_ones(self, draw_split):
        small, large = (draw_split(m, seed=3) for m in (10, 40))
        assert set(small.train) < set(large.train)

    def test_sampled_test_rows_keep_the_shares_of_the_classes(self, draw_split):
        full, part = draw_split(), draw_split(test_size=100)
        assert np.array_equal(full.train, part.train)
        assert set(part.test) < set(full.test)
        assert len(part.test) == 100
        shares = [(LABELS[split.test] == "hazard").mean() for split in (full, part)]
        assert shares[0] == pytest.approx(shares[1], abs=0.01)

    def test_seeds_give_other_rows(self, draw_split):
        first, second = (draw_split(seed=s) for s in (0, 1))
        assert set(first.train) != set(second.train)


def test_one_row_for_each_cell_and_the_same_numbers_each_time():
    methods = ["real", "class_weight", "random", "eda"]
    results = compare(TEXTS, LABELS, methods=methods, **SMALL)
    assert results["method"].tolist() == methods * 2
    assert (results["error"] == "").all()
    assert np.isfinite(results[list(METRICS)]).all(axis=None)
    again = compare(list(TEXTS), pd.Series(LABELS), methods=methods[::-1], **SMALL)
    key = ["method", "seed"]
    pd.testing.assert_frame_equal(
        without_times(results).sort_values(key, ignore_index=True),
        without_times(again).sort_values(key, ignore_index=True),
    )


def test_what_is_named_twice_is_run_once():
    results = compare(
        TEXTS, LABELS, methods=["real", "real"], classifiers=["tfidf", "tfidf"],
        minority_sizes=[20, 20], seeds=[0, 0],
    )  # fmt: skip
    assert len(results) == 1


def test_results_are_those_of_the_estimator_on_the_split(draw_split):
    results = compare(TEXTS, LABELS, methods=["class_weight"], **SMALL)
    split = draw_split(test_size=100, seed=1)
    estimator = build("class_weight", "tfidf", Settings(), smallest=20, seed=1)
    estimator.fit(TEXTS[split.train], LABELS[split.train])
    predicted = estimator.predict(TEXTS[split.test])
    assert results["macro_f1"].iloc[1] == f1_score(LABELS[split.test], predicted, average="macro")


@pytest.mark.slow
def test_methods_on_embeddings_cope_with_four_rows_and_beat_chance():
    results = compare(
        TEXTS,
        LABELS,
        methods=["class_weight", "smote", "adasyn", "threshold"],
        classifiers=["embedding"],
        minority_sizes=[4],
        majority_size=60,
        seeds=[0],
        test_size=100,
    )
    assert (results["error"] == "").all()
    # 42 % of the test rows are hazards: better than chance, and far from perfect.
    assert results["auprc"].between(0.5, 0.95).all()
    assert (results["macro_f1"] < 0.95).all()


@pytest.mark.filterwarnings("ignore:Methods that cannot be used here")
def test_llm_rows_count_a_share_and_are_kept_with_weights(settings, tmp_path, draw_split):
    results = compare(
        TEXTS,
        LABELS,
        methods=["llm", "llm_quality", "llm_imp", "llm_dimp"],
        settings=settings,
        output=tmp_path,
        **SMALL,
    )
    assert results["method"].tolist() == ["llm", "llm_quality", "llm_imp"] * 2  # DIMP needs BERT
    assert (results["error"] == "").all()
    assert (results["synthetic_rows"] == len(RECORDED + NOISE)).all()
    split = draw_split(test_size=100, seed=0)
    model = make_pipeline(
        TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=10, max_iter=1000)
    )
    labels = np.array([*LABELS[split.train], *["hazard"] * 8])
    weights = np.ones(len(labels))
    for label in np.unique(labels):
        weights[labels == label] *= len(labels) / 2 / weights[labels == label].sum()
    model.fit(
        [*TEXTS[split.train], *RECORDED, *NOISE],
        labels,
        logisticregression__sample_weight=weights,
    )
    expected = f1_score(LABELS[split.test], model.predict(TEXTS[split.test]), average="macro")
    assert results["macro_f1"][0] == pytest.approx(expected)

    kept = pd.read_csv(tmp_path / "generated_m20_seed0.csv")
    assert kept["text"].tolist() == RECORDED + NOISE
    assert kept["accepted"].all()
    assert kept["weight_llm"].to_numpy() == pytest.approx(1)
    assert kept["weight_llm_quality"].mean() == pytest.approx(1, abs=1e-3)
    by_text = kept.set_index("text")["weight_llm_quality"]
    assert by_text[RECORDED].mean() > 2 * by_text[NOISE].mean()


def test_nothing_is_generated_where_no_class_falls_short(settings, tmp_path):
    settings = replace(settings, sampler={})
    arguments = SMALL | {"methods": ["llm", "llm_quality"], "seeds": [0]}
    notice = r"No class falls short of llm_ratio=0\.2 .*20 training rows against 60.*--llm-ratio"
    with pytest.warns(UserWarning, match=notice) as caught:
        first = compare(TEXTS, LABELS, settings=settings, output=tmp_path, **arguments)
    assert {warning.filename for warning in caught} == {__file__}
    assert (first["error"] == "").all()
    assert (first["synthetic_rows"] == 0).all()
    with pytest.warns(UserWarning, match=notice):
        expected = estimate(TEXTS, LABELS, settings=settings, **arguments)
    assert (expected == 0).all(axis=None)
    equal = arguments | {"minority_sizes": [60]}
    with pytest.warns(UserWarning, match=r"generated\. Train on fewer rows"):
        estimate(TEXTS, LABELS, settings=replace(settings, llm_ratio=1), **equal)


@pytest.mark.parametrize("ratio", [0, 20, float("nan"), "auto"])
def test_a_ratio_is_a_share_of_the_largest_class(ratio):
    with pytest.raises(ValueError, match="llm_ratio must be a share of the largest class"):
        Settings(llm_ratio=ratio)


@pytest.mark.slow
def test_every_method_that_bert_takes_runs_with_it(settings, tiny, tmp_path):
    results = compare(
        TEXTS,
        LABELS,
        classifiers=["bert"],
        minority_sizes=[8],
        majority_size=24,
        seeds=[0],
        test_size=20,
        settings=replace(settings, bert={"model": tiny, "max_epochs": 1}),
        output=tmp_path,
    )
    assert set(results["method"]) == {m for m in METHODS if "bert" in METHODS[m].classifiers}
    assert results["error"].tolist() == [""] * len(results)
    kept = pd.read_csv(tmp_path / "generated_m8_seed0.csv")
    assert kept.loc[kept["accepted"], "weight_llm_dimp"].mean() == pytest.approx(1, abs=1e-3)


@pytest.mark.slow
def test_generated_rows_are_paid_for_once(settings, tmp_path):
    first = compare(TEXTS, LABELS, methods=["llm"], settings=settings, output=tmp_path, **SMALL)
    stamp = (tmp_path / "generated_m20_seed0.json").stat().st_mtime_ns
    more = {**SMALL, "classifiers": ["tfidf", "embedding"]}
    both = compare(
        TEXTS, LABELS, methods=["llm", "llm_quality"], settings=settings, output=tmp_path, **more
    )
    assert (both["error"] == "").all()
    both = both[both["classifier"] == "tfidf"]
    assert (tmp_path / "generated_m20_seed0.json").stat().st_mtime_ns == stamp
    for seed in (0, 1):
        seconds = both[both["seed"] == seed]["generation_seconds"].to_list()
        assert seconds[0] == pytest.approx(seconds[1], abs=1e-3)
    fresh = compare(TEXTS, LABELS, methods=["llm_quality"], settings=settings, **SMALL)
    resumed = both[both["method"] == "llm_quality"].reset_index(drop=True)
    pd.testing.assert_frame_equal(without_times(resumed), without_times(fresh))
    assert len(first) == 2


class TestResuming:
    METHODS = ["real", "class_weight"]

    def run(self, output, **changes):
        arguments = {"methods": self.METHODS, **SMALL, **changes}
        return compare(TEXTS, LABELS, output=output, **arguments)

    def test_after_an_interruption_only_the_rest_is_run(self, tmp_path, monkeypatch):
        ran = []
        whole = METHODS["class_weight"].build

        def interrupted(plan):
            ran.append(plan.seed)
            if plan.seed == 1 and ran.count(1) == 1:
                raise KeyboardInterrupt
            return whole(plan)

        monkeypatch.setitem(
            METHODS, "class_weight", replace(METHODS["class_weight"], build=interrupted)
        )
        with pytest.raises(KeyboardInterrupt):
            self.run(tmp_path)
        kept = pd.read_csv(tmp_path / "results.csv")
        assert len(kept) == 3
        resumed = self.run(tmp_path)
        assert ran == [0, 1, 1]
        assert resumed["fit_seconds"][:3].tolist() == pytest.approx(kept["fit_seconds"].tolist())
        pd.testing.assert_frame_equal(
            without_times(resumed), without_times(self.run(None)), check_dtype=False
        )

    def test_a_row_cut_off_is_done_again(self, tmp_path):
        whole = self.run(tmp_path)
        path = tmp_path / "results.csv"
        path.write_bytes(path.read_bytes()[:-20])
        resumed = self.run(tmp_path)
        pd.testing.assert_frame_equal(without_times(resumed), without_times(whole))
        assert len(pd.read_csv(path)) == 4

    def test_more_seeds_and_methods_may_follow(self, tmp_path):
        first = self.run(tmp_path, seeds=[0])
        more = self.run(tmp_path, seeds=[0, 1], methods=["real", "class_weight", "random"])
        assert len(more) == 6
        assert more["fit_seconds"][0] == pytest.approx(first["fit_seconds"][0])

    @pytest.mark.parametrize(
        ("changes", "name"),
        [
            ({"majority_size": 70}, "majority_size"),
            ({"test_size": 90}, "test_size"),
            ({"settings": Settings(temperature=2.0)}, "temperature"),
            ({"settings": Settings(generator=RecordedGenerator([]))}, "generator"),
        ],
    )
    def test_results_of_other_settings_are_not_mixed(self, tmp_path, changes, name):
        self.run(tmp_path, seeds=[0])
        before = (tmp_path / "results.csv").read_bytes()
        with pytest.raises(ValueError, match=f"other values of {name}"):
            self.run(tmp_path, **changes)
        assert (tmp_path / "results.csv").read_bytes() == before
        assert "majority_size" in json.loads((tmp_path / "settings.json").read_text())

    def test_a_failed_cell_is_recorded_and_tried_again(self, tmp_path):
        # One minority row cannot be split into folds.
        with pytest.warns(UserWarning, match="threshold"):
            results = self.run(
                tmp_path, methods=["threshold", "real"], minority_sizes=[1], seeds=[0]
            )
        assert results["error"].str.startswith("ValueError").tolist() == [True, False]
        assert np.isnan(results["macro_f1"][0])
        with pytest.warns(UserWarning, match="threshold"):
            self.run(tmp_path, methods=["threshold", "real"], minority_sizes=[1], seeds=[0])
        rows = pd.read_csv(tmp_path / "results.csv")
        assert rows["method"].tolist() == ["threshold", "real", "threshold"]
        kept = read_results(tmp_path)
        assert kept["method"].tolist() == ["real", "threshold"]
        assert kept["error"][0] == ""


def test_generation_that_fails_is_tried_once_and_spares_the_other_methods():
    class Broken(BaseGenerator):
        prompt_form = "chat"
        asked: ClassVar[list] = []

        def iter_generate(self, requests):
            Broken.asked.append(requests)
            raise ConnectionError("the line is dead")

    settings = Settings(generator=Broken(), llm_ratio=0.5)
    with pytest.warns(UserWarning, match="the line is dead"):
        results = compare(
            TEXTS, LABELS, methods=["llm", "real", "llm_imp"], settings=settings, **SMALL
        )
    failed = results["error"] != ""
    assert failed.tolist() == [True, False, True] * 2
    assert len(Broken.asked) == 2  # once for each training set


@pytest.mark.parametrize("classifier", ["embedding", "tfidf", "bert", "logistic", "boosting"])
def test_methods_are_built_as_they_are_described(classifier):
    settings = Settings(sampling_strategy=0.5, temperature=2.0, synthetic_weight=0.3)

    def built(method):
        return build(method, classifier, settings, smallest=20, seed=7)

    assert [built(name)[-1].class_weight for name in ("real", "class_weight")] == [None, "balanced"]
    assert built("threshold")[-1].scoring == "balanced_accuracy"
    sampler = built("random")[-2]
    assert (sampler.sampling_strategy, sampler.random_state) == (0.5, 7)
    of_weighter = {"temperature": 2.0, "synthetic_weight": 0.3, "class_weight": "balanced"}
    for method, name in (("llm", "uniform"), ("llm_quality", "quality"), ("llm_imp", "imp")):
        weighter, *_, head = (step for _, step in built(method).steps)
        assert of_weighter.items() <= weighter.get_params().items()
        assert str(weighter.method).lower().startswith(name)
        assert type(head) is type(built("real")[-1])
    assert isinstance(built("llm_vote")[-1], RealSyntheticVotingClassifier)


def test_three_classes_with_numbers_for_labels():
    labels = np.where(LABELS == "hazard", 2, np.where([len(t) > 80 for t in TEXTS], 1, 0))
    named = r"left out: threshold \(needs two classes\), smote \(needs a classifier of embedding"
    with pytest.warns(UserWarning, match=named):
        results = compare(
            TEXTS,
            labels,
            methods=["real", "class_weight", "eda", "threshold", "smote"],
            classifiers=["tfidf"],
            minority_sizes=[30],
            majority_size=60,
            seeds=[0],
        )
    assert results["method"].tolist() == ["real", "class_weight", "eda"]
    assert (results["error"] == "").all()
    assert results["macro_f1"].between(0.33, 1).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"methods": ["smoot"]}, "Did you mean 'smote'"),
        ({"classifiers": ["brt"]}, "Did you mean 'bert'"),
        ({"methods": ["smote"]}, "can be combined"),
        ({"minority_sizes": [110]}, "smaller minority size"),
        ({"minority_sizes": [0]}, "minority_sizes must hold whole numbers of at least 1"),
        ({"minority_sizes": [10.7]}, "minority_sizes must hold whole numbers"),
        ({"seeds": [-1]}, "seeds must hold whole numbers of at least 0"),
        ({"seeds": []}, "one or more"),
        ({"majority_size": 0.5}, "majority_size must be a whole number"),
        ({"test_size": 0.3}, "test_size must be a whole number"),
        ({"test_size": 1}, r"test_size=1 \(--test-size\) cannot be drawn by class.*362 rows"),
        ({"test_size": 361}, "test_size=361"),
        ({"test_size": 20, "minority_sizes": [109]}, "1 of the class with the fewest"),
        ({"test_size": 3, "minority_sizes": [105]}, "with a row of each"),
    ],
)
def test_wrong_arguments_are_named_before_any_work(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        compare(TEXTS, LABELS, output=tmp_path / "out", **{**SMALL, **arguments})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("method", ["threshold", "smote", "adasyn"])
def test_a_method_that_needs_two_rows_of_a_class_says_so(method):
    with pytest.warns(UserWarning, match=rf"{method}.* needs two training rows of each class"):
        results = compare(
            TEXTS, LABELS, methods=[method], minority_sizes=[1], majority_size=20, seeds=[0]
        )
    assert "(--minority-sizes)" in results["error"][0]


@pytest.mark.parametrize("words", ["包裹丢快递慢 奖中红免费领", "देर खोया पैसा इनाम जीता मुफ़्त"])
def test_tfidf_reads_scripts_without_spaces_and_with_vowel_signs(words):
    spaced = words.split()
    own = (spaced[:3], spaced[3:]) if len(spaced) > 2 else spaced
    between = " " if len(spaced) > 2 else ""
    rng = np.random.default_rng(0)
    texts = [between.join(rng.choice(list(own[at % 2]), 4)) + f" {at}" for at in range(80)]
    found = compare(
        texts, ["a", "b"] * 40, methods=["class_weight"], classifiers=["tfidf"],
        minority_sizes=[20], majority_size=20, seeds=[0],
    )  # fmt: skip
    assert found["macro_f1"].item() == 1


def test_a_string_is_no_list_of_methods():
    with pytest.raises(TypeError, match="list of names"):
        compare(TEXTS, LABELS, methods="real", **SMALL)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seeds": 3}, r"pass seeds=\[3\]"),
        ({"minority_sizes": 30}, r"pass minority_sizes=\[30\]"),
        ({"settings": {"C": 1}}, "settings must be Settings, got dict"),
    ],
)
def test_numbers_come_in_lists_and_settings_as_an_object(arguments, message):
    with pytest.raises(TypeError, match=message):
        compare(TEXTS, LABELS, **{**SMALL, **arguments})


class TestTables:
    @pytest.fixture
    def table(self):
        random = np.random.default_rng(0)
        labels = np.repeat(["late", "paid"], [40, 120])
        table = pd.DataFrame(
            {
                "age": random.integers(20, 60, 160) + 12 * (labels == "late"),
                "debt": pd.array(random.integers(0, 9, 160), dtype="Int64"),
                "job": random.choice(["cook", "clerk", "nurse"], 160),
                "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(range(160), unit="D"),
            }
        )
        table.loc[::9, ["debt", "job"]] = None
        return table, labels

    @pytest.fixture
    def recorded(self, table):
        X, y = table
        late = X[y == "late"].assign(age=lambda rows: rows["age"] + 1, label="late")
        return Settings(
            generator=RecordedGenerator(late, text_column=None),
            llm_ratio=0.6,
            sampler={"on_shortfall": "ignore"},
        )

    @pytest.mark.slow
    @pytest.mark.filterwarnings("ignore:Methods that cannot be used here")
    def test_each_method_runs_and_is_resumed(self, table, recorded, tmp_path):
        arguments = {"seeds": [0], "settings": recorded, "output": tmp_path}
        quick = [name for name in METHODS if name not in ("threshold", "llm_auto")]
        results = compare(*table, methods=quick, **arguments)
        assert (results["error"] == "").all(), results["error"].tolist()
        assert set(results["method"]) == set(quick) - {"eda", "llm_dimp"}
        assert set(results["classifier"]) == {"logistic", "boosting"}
        again = compare(*table, methods=quick, **arguments)
        pd.testing.assert_frame_equal(again, results, check_dtype=False)
        (tmp_path / "results.csv").unlink()
        anew = compare(*table, methods=["llm_quality"], **arguments)
        found = results[results["method"] == "llm_quality"].reset_index(drop=True)
        pd.testing.assert_frame_equal(without_times(anew), without_times(found), check_dtype=False)

    def test_smotenc_is_for_tables_with_numbers_and_categories(self, table):
        X, y = table
        for columns in (["age", "debt"], ["job", "since"]):
            with pytest.warns(UserWarning, match="needs a table of numbers and categories"):
                results = compare(
                    X[columns],
                    y,
                    methods=["random", "smotenc"],
                    classifiers=["logistic"],
                    seeds=[0],
                )
            assert results["method"].tolist() == ["random"]

    def test_an_array_of_numbers(self, table):
        X, y = table
        given = X[["age"]].to_numpy()
        results = compare(given, y, methods=["class_weight", "smote"], seeds=[0])
        assert results["error"].tolist() == [""] * 4
        assert (results["balanced_accuracy"] > 0.6).all()

    def test_calibration_lowers_the_log_loss_of_class_weights(self):
        X, y = make_classification(700, 6, weights=[0.7], flip_y=0.2, random_state=0)
        results = compare(
            X, y, methods=["class_weight", "calibrated"], classifiers=["boosting"],
            minority_sizes=[60], majority_size=300, seeds=[0, 1, 2],
        )  # fmt: skip
        assert results["error"].tolist() == [""] * 6
        means = results.groupby("method")[["log_loss", "balanced_accuracy"]].mean()
        assert means["log_loss"]["calibrated"] < 0.9 * means["log_loss"]["class_weight"]
        accuracy = means["balanced_accuracy"]
        assert accuracy["calibrated"] > accuracy["class_weight"] - 0.02

    def test_generated_rows_that_repeat_a_test_row_are_left_out(self, table):
        X, y = table
        known = X.assign(label=y)[y == "late"]
        settings = Settings(
            generator=RecordedGenerator(known, text_column=None),
            sampler={"on_shortfall": "ignore", "accept": TableFilter(range_margin=0.1)},
            llm_ratio=1.0,
        )
        with pytest.warns(UserWarning, match="10 of 10 generated rows repeat a row of the test"):
            results = compare(
                X, y, methods=["llm"], classifiers=["logistic"], seeds=[0], settings=settings
            )
        assert results["synthetic_rows"].tolist() == [0]


class Judging(BaseGenerator):
    """Writes hazards out of words of its own, and takes every text for one."""

    prompt_form = "chat"
    asked = 0

    def iter_generate(self, requests):
        for at, request in enumerate(requests):
            Judging.asked += 1
            words = np.random.default_rng(request.seed).permutation(" ".join(RECORDED).split())
            text = "hazard" if "label only" in request.prompt[-1][1] else " ".join(words[:9])
            yield at, Completion(text, 10, 5)


@pytest.mark.parametrize("verifier", [None, "model"])
def test_tokens_are_all_that_the_rows_take_whatever_is_in_the_cache(verifier, tmp_path):
    sampler = {"accept": TextFilter(verifier=verifier), "sampling_strategy": {"hazard": 30}}
    settings = Settings(generator=Judging(), cache=tmp_path / "answers.sqlite", sampler=sampler)
    counts = []
    for _ in range(2):
        before = Judging.asked
        found = compare(TEXTS, LABELS, methods=["llm"], settings=settings, **SMALL | {"seeds": [0]})
        counts.append((found["tokens"].tolist(), Judging.asked - before))
    (tokens, sent), again = counts
    assert tokens == [15 * sent]
    assert again == (tokens, 0)
    assert sent >= (20 if verifier else 10)
