"""Meta-estimators of scikit-learn that hand on numbers in place of the labels."""

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import LabelEncoder

sys.path.insert(0, str(Path(__file__).parent))
from _untouched import Untouched

from sklw import LLMOverSampler, RecordedGenerator, make_pipeline
from sklw.exceptions import GenerationWarning
from sklw.generators import BaseGenerator, Completion
from sklw.over_sampling import Examples, TextFilter

X = [f"see you at {i} in the office" for i in range(24)] + [f"win {i} pounds" for i in range(12)]
Y = np.array(["ham"] * 24 + ["spam"] * 12)
ENCODER = LabelEncoder().fit(Y)
NUMBERED = ENCODER.transform(Y)
NAMES = dict(enumerate(ENCODER.classes_))
WORDS = ["prize", "money", "ringtone", "holiday", "cash", "voucher", "phone", "car", "watch"]
ROWS = [{"text": f"win a {w} on {d}", "label": "spam"} for w in WORDS for d in ("monday", "friday")]


class Asked(BaseGenerator):
    """Writes a text and remembers the prompts, also in clones."""

    prompts: list[str] = []

    def iter_generate(self, requests):
        for at, request in enumerate(requests):
            self.prompts.append(request.prompt)
            yield at, Completion(ROWS[request.index % len(ROWS)]["text"], 10, 5)


META = {
    "cross_val_predict": lambda pipe, y: cross_val_predict(
        pipe, X, y, cv=2, method="predict_proba"
    ),
    "voting": lambda pipe, y: VotingClassifier([("pipe", pipe)], voting="soft").fit(X, y),
    "stacking": lambda pipe, y: StackingClassifier([("pipe", pipe)], cv=2).fit(X, y),
    "one-vs-rest": lambda pipe, y: OneVsRestClassifier(pipe).fit(X, y),
}
ENCODE_FIRST = r"(?s)meta-estimator has encoded them.*LabelEncoder.*label_names="


def pipeline(generator, **kwargs):
    sampler = LLMOverSampler(
        generator=generator,
        accept=TextFilter(None),
        prompt=Examples(n_examples=3),
        verbose=False,
        **kwargs,
    )
    return make_pipeline(sampler, TfidfVectorizer(), LogisticRegression())


@pytest.fixture
def prompts(monkeypatch):
    monkeypatch.setattr(Asked, "prompts", [])
    return Asked.prompts


@pytest.mark.parametrize("meta", META)
def test_prompts_of_numbered_classes_are_warned_of(meta, prompts):
    with pytest.warns(GenerationWarning, match=ENCODE_FIRST):
        META[meta](pipeline(Asked()), Y)
    assert "Category: 1" in Asked.prompts[0]


@pytest.mark.parametrize(
    ("numbers", "shown"), [((-1, 1), "-1 and 1"), ((0.0, 1.0), "0 to 1"), ((0, 1), "0 to 1")]
)
def test_numbers_of_any_type_are_hinted_at(numbers, shown):
    labels = np.array(numbers)[NUMBERED]  # as of OutputCodeClassifier, ClassifierChain and others
    words = f"The labels that arrived are the numbers {shown}.*{ENCODE_FIRST[4:]}"
    with pytest.warns(GenerationWarning, match=f"(?s){words}"):
        pipeline(Asked()).fit(X, labels)
    with pytest.raises(ValueError, match=f"(?s){words}"):
        pipeline(Untouched(), label_names={"spam": "advertising"}).fit(X, labels)


@pytest.mark.filterwarnings("error::sklw.exceptions.GenerationWarning")
@pytest.mark.parametrize("labels", [(1, 2), (False, True), (3.0, 4.0), ("0", "1")])
def test_other_labels_are_not_taken_for_encoded_ones(labels):
    pipeline(Asked()).fit(X, np.array(labels)[NUMBERED])


@pytest.mark.filterwarnings("error::sklw.exceptions.GenerationWarning")
@pytest.mark.parametrize("meta", META)
def test_classes_that_are_encoded_and_named_first_are_shown_by_name(meta, prompts):
    META[meta](pipeline(Asked(), label_names=NAMES), NUMBERED)
    assert all("Category: spam" in prompt for prompt in Asked.prompts)


@pytest.mark.parametrize("meta", META)
@pytest.mark.parametrize(
    "by_label",
    [
        {"label_names": {"spam": "advertising"}},
        {"label_descriptions": {"spam": "advertising"}},
        {"sampling_strategy": {"spam": 20}},
        {"augment": {"spam": 2}},
    ],
)
def test_what_is_keyed_by_the_real_labels_says_who_changed_them(meta, by_label):
    with pytest.raises(ValueError, match=ENCODE_FIRST):
        META[meta](pipeline(Untouched(), **by_label), Y)


@pytest.mark.parametrize("meta", META)
def test_recorded_rows_of_the_real_labels_say_who_changed_them(meta):
    with pytest.raises(ValueError, match=r'the records with it: records\["label"\] =') as caught:
        META[meta](pipeline(RecordedGenerator(ROWS)), Y)
    assert "label_names" not in str(caught.value)


@pytest.mark.parametrize("meta", META)
def test_recorded_rows_with_encoded_labels_work(meta):
    rows = [{**row, "label": 1} for row in ROWS]
    META[meta](pipeline(RecordedGenerator(rows)), NUMBERED)


def test_three_classes_in_one_vs_rest_name_the_way_out():
    y = np.repeat(["ham", "news", "spam"], 12)
    with pytest.raises(ValueError, match="put the sampler before it"):
        OneVsRestClassifier(pipeline(Untouched(), label_names={"spam": "x"})).fit(X, y)
    rows = [{**row, "label": label} for row in ROWS for label in ("ham", "news", "spam")]
    sampler = LLMOverSampler(
        generator=RecordedGenerator(rows),
        accept=TextFilter(None),
        label_descriptions={"spam": "advertising"},
        sampling_strategy={"spam": 14},
    )
    outside = make_pipeline(sampler, TfidfVectorizer(), OneVsRestClassifier(LogisticRegression()))
    assert outside.fit(X, y).classes_.tolist() == ["ham", "news", "spam"]


@pytest.mark.filterwarnings("error::sklw.exceptions.GenerationWarning")
def test_calibration_hands_on_the_real_labels(prompts):
    pipe = pipeline(Asked(), label_descriptions={"spam": "advertising"})
    CalibratedClassifierCV(pipe, cv=2).fit(X, Y)
    assert all("Category: spam (advertising)" in prompt for prompt in Asked.prompts)


@pytest.mark.parametrize(
    ("y", "kwargs"),
    [
        (NUMBERED, {"label_names": {1: "spam"}}),
        (NUMBERED, {"label_descriptions": {0: "private", 1: "advertising"}}),
        (NUMBERED + 1, {}),
        (NUMBERED * 5 - 1, {}),
        (NUMBERED.astype(bool), {}),
        (NUMBERED.astype(str), {}),
        (Y, {}),
    ],
)
def test_honest_labels_get_no_warning(y, kwargs, prompts):
    sampler = LLMOverSampler(
        generator=Asked(),
        accept=TextFilter(None),
        prompt=Examples(n_examples=3),
        verbose=False,
        **kwargs,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", GenerationWarning)
        assert len(sampler.fit_resample(X, y)[0]) == 48


@pytest.mark.filterwarnings("error::sklw.exceptions.GenerationWarning")
def test_numbers_get_no_warning_where_no_prompt_shows_them():
    rows = [{**row, "label": 1} for row in ROWS]
    for sampler in (
        LLMOverSampler(generator=RecordedGenerator(rows), accept=TextFilter(None)),
        LLMOverSampler(generator=Untouched(), sampling_strategy={1: 12}),
    ):
        sampler.fit_resample(X, NUMBERED)
