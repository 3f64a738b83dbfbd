"""No text is trained and tested on, wherever rows are split."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from skorch.callbacks import Callback

from sklw import BertClassifier, RecordedGenerator, SyntheticWeighter
from sklw._copies import fold_numbers
from sklw.comparison import Settings, compare
from sklw.datasets import load_maintenance_requests, load_texts
from sklw.over_sampling import TextFilter
from sklw.weighting.methods import Evidence

RNG = np.random.default_rng(0)
TEXTS = [" ".join(RNG.choice([f"word{i}" for i in range(400)], 8)) for _ in range(240)]
COINS = RNG.choice(["heads", "tails"], 240).tolist()
ARGUMENTS = {"methods": ["real"], "classifiers": ["tfidf"], "seeds": range(3)}


def scores(texts, labels, **changes):
    return compare(texts, labels, **{**ARGUMENTS, **changes})["macro_f1"].tolist()


@pytest.fixture(scope="module")
def of_each_text_once():
    return scores(TEXTS, COINS)


@pytest.mark.parametrize(
    "copy",
    [
        str,
        str.upper,
        lambda text: f"  {text.replace(' ', '   ')}\n",
        lambda text: text.replace(" ", "\u00a0"),
        lambda text: text.replace("w", "ｗ"),  # full width
        lambda text: f"\ufeff{text}\u200b",
    ],
    ids=["exact", "case", "white space", "no-break", "NFKC", "zero width"],
)
def test_copies_do_not_help(copy, of_each_text_once):
    doubled = [*TEXTS, *map(copy, TEXTS)]
    with pytest.warns(UserWarning, match="240 of 480 rows repeat the text of another"):
        found = scores(doubled, COINS * 2)
    assert found == of_each_text_once
    assert np.mean(found) < 0.56


def n_read(folder, texts):
    """Count the texts that are left when repeated ones are left out."""
    frame = pd.DataFrame({"text": [*texts, "another"], "label": ["a"] * len(texts) + ["b"]})
    frame.to_csv(folder / "texts.csv", index=False)
    return len(load_texts(folder / "texts.csv", drop_duplicates=True)[0]) - 1


@pytest.mark.parametrize("copies", [["é", "e\u0301"], ["Straße", "STRASSE"], ["ﬁne", "fine"]])
def test_one_text_in_two_forms_is_one_text(copies, tmp_path):
    assert n_read(tmp_path, copies) == 1


@pytest.mark.parametrize("texts", [["win", "win!"], ["5 pounds", "50 pounds"], ["e", "é"]])
def test_other_texts_are_other_texts(texts, tmp_path):
    assert n_read(tmp_path, texts) == 2


def test_texts_with_several_labels_are_left_out(of_each_text_once):
    odd = ["heads or tails", "Heads or tails"]
    with pytest.warns(UserWarning, match=r"2 of 242 rows .* another label .*heads, tails"):
        assert scores([*TEXTS, *odd], [*COINS, "heads", "tails"]) == of_each_text_once


def test_generated_rows_that_repeat_a_test_row_are_left_out(tmp_path):
    texts = [f"text number {i}" for i in range(60)]
    labels = ["rare"] * 20 + ["common"] * 40
    # Every text of the rare class, in capitals: three quarters of them are trained on.
    rows = [{"text": text.upper(), "label": "rare"} for text in texts[:20]]
    rows.append({"text": "a text of its own", "label": "rare"})
    settings = Settings(
        sampler={
            "sampling_strategy": lambda y: {"rare": int((y == "rare").sum()) + 6},
            "accept": TextFilter(None),
        },
        generator=RecordedGenerator(rows),
    )
    with pytest.warns(UserWarning, match="5 of 6 generated rows repeat a row of the test set"):
        results = compare(
            texts,
            labels,
            methods=["llm"],
            classifiers=["tfidf"],
            seeds=[0],
            settings=settings,
            output=tmp_path,
        )
    assert results["synthetic_rows"].tolist() == [1]
    kept = pd.read_csv(tmp_path / "generated_m15_seed0.csv")
    assert kept.loc[kept["accepted"], "text"].tolist() == ["a text of its own"]
    assert (kept["reason"] == "copied_test").sum() == 5


def plain(text):
    return " ".join(text.lower().split())


class Lookup(LogisticRegression):
    """Knows the texts it has seen, and nothing else."""

    def fit(self, X, y, sample_weight=None):
        self.known_ = {plain(text): label for text, label in zip(X, y, strict=True)}
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        known = [self.known_.get(plain(text)) for text in X]
        found = np.array([[label == c for c in self.classes_] for label in known], dtype=float)
        return np.where(found.sum(axis=1, keepdims=True) > 0, found, 1 / len(self.classes_))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


@pytest.mark.parametrize("copy", [str, str.upper, lambda text: f" {text}"])
def test_checkers_judge_no_copy_of_what_they_have_seen(copy):
    texts = np.array([*TEXTS[:40], *map(copy, TEXTS[:40])], dtype=object)
    labels = np.array(COINS[:40] * 2)
    new = ["heads it is", "tails it is"]
    weighter = SyntheticWeighter("quality", checker=Lookup(), random_state=0).fit(
        [*texts, *new], [*labels, "heads", "tails"], np.arange(82) >= 80
    )
    assert weighter.quality_[:80] == pytest.approx(0.5)


@pytest.mark.parametrize("real_rows", ["among", "reference"])
@pytest.mark.parametrize("kind", ["texts", "table"])
@pytest.mark.parametrize("copy", [str, str.upper, lambda text: f" {text}", "\ufeff{}".format])
def test_synthetic_copies_of_real_rows_are_not_judged_by_who_saw_those(copy, kind, real_rows):
    texts = [*TEXTS[:40], *map(copy, TEXTS[:40])]
    labels, made = np.array(COINS[:40] * 2), np.arange(80) >= 40
    rows, checker = np.array(texts, dtype=object), Lookup()
    if kind == "table":
        rows = pd.DataFrame({"text": texts, "number": 1.0})
        checker = make_pipeline(FunctionTransformer(lambda table: table["text"]), checker)
    weighter = SyntheticWeighter(checker=checker, random_state=0)
    if real_rows == "among":
        weighter.fit(rows, labels, made)
    else:
        weighter.set_params(reference=(rows[~made], labels[~made]))
        with pytest.warns(UserWarning, match="40 synthetic rows are identical to .* or differ in"):
            weighter.fit(rows[made], labels[made], made[made])
    assert weighter.quality_ == pytest.approx(0.5)
    assert weighter.synthetic_weight_ == 1


@pytest.mark.parametrize("copy", [str.upper, str.title])
def test_without_a_mask_what_is_not_in_the_reference_to_the_letter_is_synthetic(copy):
    rows, labels = [*TEXTS[:40], *map(copy, TEXTS[:20])], [*COINS[:40], *COINS[:20]]
    weighter = SyntheticWeighter(checker=Lookup(), reference=(TEXTS[:40], COINS[:40]))
    found = weighter.fit(rows, labels)
    assert found.synthetic_mask_.tolist() == [False] * 40 + [True] * 20
    assert found.quality_ == pytest.approx(0.5)


def test_a_checker_does_not_recognize_a_copy():
    texts = np.array([*TEXTS[:30], *map(str.title, TEXTS[:30])], dtype=object)
    labels = np.array(COINS[:30] * 2)
    evidence = Evidence(texts, labels, np.zeros(60, dtype=bool), texts, labels, [])
    checker = evidence.checker(Lookup()).fit(texts, labels)
    seen = [np.array([row]) for row in range(60)]
    assert checker.probability(texts, labels, seen) == pytest.approx(0.5)


def test_a_repeated_row_among_many_is_in_one_fold():
    y = np.arange(3000) % 2
    X = np.random.default_rng(0).normal(size=(3000, 2)) + y[:, None]
    X[1:5], y[1:5] = X[0], y[0]
    evidence = Evidence(X, y, np.zeros(3000, dtype=bool), X, y, [])
    checker = evidence.checker(LogisticRegression()).fit(X, y)
    assert len(set(checker.fold_of_[:5])) == 1
    assert np.bincount(checker.fold_of_).min() > 550


def test_auto_holds_out_all_copies():
    judged = []

    class Watching(Lookup):
        def fit(self, X, y, sample_weight=None):
            judged.append({plain(text) for text in X})
            return super().fit(X, y)

    texts = np.array([*TEXTS[:30], *map(str.upper, TEXTS[:30]), *TEXTS[30:34]], dtype=object)
    labels = np.array([*COINS[:30], *COINS[:30], "heads", "tails", "heads", "tails"])
    none = [np.array([], dtype=int)] * 64
    weighter = SyntheticWeighter("auto", checker=Watching(), cv=3, n_jobs=1, random_state=0)
    weighter.fit(texts, labels, np.arange(64) >= 60, none)
    table = weighter.auto_results_
    # A model that had seen a copy of what it is judged on would be right more often than not.
    assert table["balanced_accuracy"].max() < 0.75
    assert judged


def test_candidates_do_not_train_on_synthetic_copies_of_held_out_rows():
    real = list(load_maintenance_requests().data[:60])
    rows = np.array([*real, *map(str.upper, real)], dtype=object)
    none = [np.array([], dtype=int)] * 120
    weighter = SyntheticWeighter("mix", random_state=0)
    table = weighter.fit(rows, COINS[:60] * 2, np.arange(120) >= 60, none).auto_results_
    assert table["balanced_accuracy"].max() < 0.6


class Splits(Callback):
    """Keeps the rows trained on and held out."""

    def on_epoch_begin(self, net, dataset_train, dataset_valid, **kwargs):
        self.train, self.valid = dataset_train.indices, dataset_valid.indices


@pytest.mark.parametrize("seed", range(3))
def test_validation_rows_of_bert_have_no_copy_among_the_training_rows(tiny, seed):
    texts = np.array([*TEXTS[:30], *map(str.upper, TEXTS[:30])], dtype=object)
    kept = Splits()
    clf = BertClassifier(
        tiny, early_stopping=3, validation_fraction=0.2, max_epochs=1, callbacks=[kept],
        random_state=seed, head_init="random",
    )  # fmt: skip
    clf.fit(texts, [0, 1] * 30)
    held_out = {plain(texts[row]) for row in kept.valid}
    assert len(held_out) == len(kept.valid) == 12
    assert not held_out & {plain(texts[row]) for row in kept.train}
    assert len(kept.train) == 36


def test_a_curve_is_no_better_for_copies():
    from sklw import LLMOverSampler
    from sklw import make_pipeline as make_weighting_pipeline
    from sklw.scaling import synthetic_size_curve

    # Half of the rows repeat a text that may be held out, but for the case.
    made = [text for real in TEXTS[:40] for text in (real.title(), f"new {real}")]
    rows = [{"text": text, "label": "heads"} for text in made]
    sampler = LLMOverSampler(
        sampling_strategy=lambda y: {"heads": int((y == "heads").sum()) + 60},
        generator=RecordedGenerator(rows),
        accept=TextFilter(None),
        on_shortfall="ignore",
    )
    doubled = [*TEXTS[:40], *map(str.upper, TEXTS[:40])]
    with pytest.warns(UserWarning, match="repeat a held-out text"):
        _, found = synthetic_size_curve(
            make_weighting_pipeline(sampler, Lookup()),
            doubled,
            ["heads", "tails"] * 40,
            [0, 20],
            cv=4,
            scoring="neg_log_loss",
        )
    assert found == pytest.approx(np.log(0.5))


def test_the_bundled_corpus_has_no_copies(tmp_path):
    frame = load_maintenance_requests(as_frame=True).frame
    frame.set_axis(["text", "label"], axis=1).to_csv(tmp_path / "texts.csv", index=False)
    assert len(load_texts(tmp_path / "texts.csv", drop_duplicates=True)[0]) == len(frame)


def test_folds_drawn_in_threads_leave_the_filters_of_warnings_as_they_were():
    before = list(warnings.filters)
    labels = np.array([0] * 40 + [1])
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seed: fold_numbers(labels, np.arange(41), 5, seed), range(64)))
    assert warnings.filters == before
