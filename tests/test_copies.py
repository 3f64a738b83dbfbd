"""No text is trained and tested on, wherever rows are split."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from sklw import RecordedGenerator
from sklw._copies import apart, copy_groups, fold_numbers, folded
from sklw.comparison import Settings, compare
from sklw.over_sampling import TextFilter

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


@pytest.mark.parametrize("copies", [["é", "e\u0301"], ["Straße", "STRASSE"], ["ﬁne", "fine"]])
def test_one_text_in_two_forms_is_one_text(copies):
    assert len({folded(text) for text in copies}) == 1


@pytest.mark.parametrize("texts", [["win", "win!"], ["5 pounds", "50 pounds"], ["e", "é"]])
def test_other_texts_are_other_texts(texts):
    assert len({folded(text) for text in texts}) == 2


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
    with pytest.warns(UserWarning, match="5 of 6 generated texts repeat a text of the test set"):
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


def test_folds_hold_all_copies():
    groups = copy_groups(["a", "A", "b", "c", " c", "d", "e", "f"])
    labels = np.array([0, 0, 0, 0, 0, 1, 1, 1])
    folds = fold_numbers(labels, groups, 3, seed=0)
    assert len(set(zip(folds, groups, strict=True))) == len(set(groups))
    assert apart(np.array([0, 2, 3]), np.array([1, 4]), groups).tolist() == [2]


def test_folds_without_copies_are_those_of_scikit_learn():
    from sklearn.model_selection import StratifiedKFold

    labels = np.array([0, 1] * 10)
    folds = fold_numbers(labels, np.arange(20), 4, seed=3)
    splits = StratifiedKFold(4, shuffle=True, random_state=3).split(labels, labels)
    for fold, (_, test) in enumerate(splits):
        assert np.flatnonzero(folds == fold).tolist() == test.tolist()


class Lookup(LogisticRegression):
    """Knows the texts it has seen, and nothing else."""

    def fit(self, X, y, sample_weight=None):
        self.known_ = {folded(text): label for text, label in zip(X, y, strict=True)}
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        known = [self.known_.get(folded(text)) for text in X]
        found = np.array([[label == c for c in self.classes_] for label in known], dtype=float)
        return np.where(found.sum(axis=1, keepdims=True) > 0, found, 1 / len(self.classes_))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


@pytest.mark.parametrize("copy", [str, str.upper, lambda text: f" {text}"])
def test_checkers_judge_no_copy_of_what_they_have_seen(copy):
    from sklw import SyntheticWeighter

    texts = np.array([*TEXTS[:40], *map(copy, TEXTS[:40])], dtype=object)
    labels = np.array(COINS[:40] * 2)
    new = ["heads it is", "tails it is"]
    weighter = SyntheticWeighter("quality", checker=Lookup(), random_state=0).fit(
        [*texts, *new], [*labels, "heads", "tails"], np.arange(82) >= 80
    )
    assert weighter.quality_[:80] == pytest.approx(0.5)


def test_the_verifier_does_not_recognize_a_copy():
    from sklw._cross_fitting import CrossFittedChecker

    texts = np.array([*TEXTS[:30], *map(str.title, TEXTS[:30])], dtype=object)
    labels = np.array(COINS[:30] * 2)
    checker = CrossFittedChecker(Lookup(), random_state=0).fit(texts, labels)
    seen = [np.array([row]) for row in range(60)]
    assert checker.probability(texts, labels, seen) == pytest.approx(0.5)


def test_auto_holds_out_all_copies():
    from sklw import SyntheticWeighter

    judged = []

    class Watching(Lookup):
        def fit(self, X, y, sample_weight=None):
            judged.append({folded(text) for text in X})
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


def test_validation_rows_of_bert_have_no_copy_among_the_training_rows():
    from sklw.classifiers._data import TextDataset, hold_out

    texts = np.array([*TEXTS[:30], *map(str.upper, TEXTS[:30])], dtype=object)
    codes = np.array([0, 1] * 30)
    dataset = TextDataset(texts, [np.arange(3)] * 60, codes, codes)
    for seed in range(5):
        train, valid = hold_out(dataset, 0.2, seed)
        held_out = {folded(texts[row]) for row in valid.indices}
        assert len(held_out) == len(valid) == 12
        assert not held_out & {folded(texts[row]) for row in train.indices}
        assert len(train) == 36


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


def test_the_bundled_corpus_has_no_copies():
    from sklw.datasets import load_maintenance_requests

    texts = load_maintenance_requests().data
    assert len(np.unique(copy_groups(texts))) == len(texts)
