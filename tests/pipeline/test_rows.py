"""Which row is which: rows followed through samplers, and what belongs to them with them."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from imblearn import FunctionSampler
from imblearn.base import BaseSampler
from imblearn.combine import SMOTEENN, SMOTETomek
from imblearn.over_sampling import ADASYN, SMOTE, SMOTENC, BorderlineSMOTE, RandomOverSampler
from imblearn.under_sampling import (
    ClusterCentroids,
    EditedNearestNeighbours,
    NearMiss,
    RandomUnderSampler,
    TomekLinks,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklw import LLMOverSampler, RecordedGenerator, SyntheticWeighter, make_pipeline
from sklw.metrics import worst_group_accuracy
from sklw.over_sampling import TextFilter
from sklw.weighting import Dimp

HAM = [f"see you at {i} in the office" for i in range(20)]
SPAM = [f"win {i} pounds" for i in range(4)]
X, Y = HAM + SPAM, ["ham"] * 20 + ["spam"] * 4
RECORDED = [{"text": f"claim prize {w} today", "label": "spam"} for w in "abcdefghijklmnopqrst"]
USERS = np.arange(1.0, 25.0)


class Recorder(ClassifierMixin, BaseEstimator):
    """A classifier that keeps what it was fitted with."""

    def fit(self, X, y, sample_weight=None, groups=None):
        self.classes_ = np.unique(y)
        self.got_ = {"X": X, "sample_weight": sample_weight, "groups": groups}
        return self

    def predict(self, X):
        return np.full(X.shape[0] if hasattr(X, "shape") else len(X), self.classes_[0])


class Sampler(BaseSampler):
    """Applies a function to the rows; says what the function says of them."""

    _sampling_type = "bypass"
    _parameter_constraints = {}

    def __init__(self, func=None):
        self.func = func

    def fit_resample(self, X, y):
        X, y, said = self.func(X, y)
        for name, value in said.items():
            setattr(self, name, value)
        return X, y

    def _fit_resample(self, X, y):
        raise AssertionError


def llm():
    return LLMOverSampler(generator=RecordedGenerator(RECORDED), accept=TextFilter(None))


class Costly(LLMOverSampler):
    def fit_resample(self, X, y, groups=None):
        raise AssertionError("rows were paid for")


@pytest.mark.parametrize(
    "users", [USERS[:-1], [*USERS, 1], np.r_[np.nan, USERS[1:]], -USERS, USERS[:, None][:5]]
)
def test_wrong_weights_are_found_before_anything_is_generated(users, fit_with):
    pipe = make_pipeline(Costly(), SyntheticWeighter(), Recorder())
    with pytest.raises(ValueError, match="sample_weight"):
        fit_with(pipe, X, Y, "recorder", sample_weight=users)


def test_a_sampler_that_shuffles_in_place(fit_with):
    def in_place(X, y):
        order = np.random.default_rng(0).permutation(len(X))
        X[:], y[:] = X[order], y[order]
        return X, y

    texts, labels = np.array(X, dtype=object), np.array(Y, dtype=object)
    pipe = make_pipeline(function(in_place), SyntheticWeighter("uniform"), Recorder())
    fit_with(pipe, texts.copy(), labels, "recorder", sample_weight=USERS)
    check_weights(pipe)


def permuted(X, y):
    order = np.random.default_rng(0).permutation(len(X))
    return [X[at] for at in order], [y[at] for at in order]


def new_first(X, y):
    made = [f"brand new {i}" for i in range(5)]
    return [*made, *X], ["spam"] * 5 + list(y)


def weigher(method="quality", **kwargs):
    checker = make_pipeline(CountVectorizer(), LogisticRegression())
    return SyntheticWeighter(method, checker=checker, **kwargs)


def halved(X, y):
    return X[::2], y[::2]


def function(func):
    return FunctionSampler(func=func, validate=False)


def check_weights(pipe, texts=X, users=USERS):
    """Compare with the weight that each text is to have: the user's times the weighter's."""
    weighter, got = pipe.named_steps["syntheticweighter"], pipe[-1].got_
    wanted = dict(zip(texts, users, strict=True))
    assert len(got["X"]) == len(got["sample_weight"]) == len(weighter.sample_weight_)
    for text, weight, own, synthetic in zip(
        got["X"],
        got["sample_weight"],
        weighter.sample_weight_,
        weighter.synthetic_mask_,
        strict=True,
    ):
        assert synthetic == (text not in wanted), text
        assert weight == pytest.approx(wanted.get(text, 1.0) * own), text
    return weighter


@pytest.mark.parametrize(
    ("between", "n_real"),
    [
        ([], 24),
        ([permuted], 24),
        ([new_first], 24),
        ([halved], 12),
        ([permuted, new_first, permuted], 24),
        ([halved, permuted], 12),
    ],
)
def test_real_rows_are_followed_through_samplers_that_say_nothing(between, n_real, fit_with):
    pipe = make_pipeline(llm(), *map(function, between), weigher(), Recorder())
    fit_with(pipe, X, Y, "recorder", sample_weight=USERS)
    assert (~check_weights(pipe).synthetic_mask_).sum() == n_real


class Parents(SyntheticWeighter):
    """Keeps the parents of each text."""

    def fit(self, X, y, synthetic=None, parent_indices=None):
        self.parents_ = {
            text: [X[parent] for parent in parents]
            for text, parents in zip(X, parent_indices, strict=True)
        }
        return super().fit(X, y, synthetic, parent_indices)


def with_parents(rows):
    generator = RecordedGenerator(rows, parent_column="parent")
    return LLMOverSampler(generator=generator, accept=TextFilter(None))


def test_parents_are_followed_too():
    rows = [{**row, "parent": SPAM[i % 4]} for i, row in enumerate(RECORDED)]
    steps = with_parents(rows), function(permuted), Parents("uniform")
    seen = make_pipeline(*steps, Recorder()).fit(X, Y)[-2].parents_
    made = {row["text"]: row["parent"] for row in rows if row["text"] in seen}
    assert len(made) == 16
    assert all(seen[text] == [parent] for text, parent in made.items())
    assert not any(seen[text] for text in X)


def test_what_a_dropped_synthetic_parent_was_made_from_is_known():
    first = [{"text": f"{text} soon", "label": "spam", "parent": text} for text in SPAM]
    second = [{**row, "text": row["text"] + " now", "parent": row["text"]} for row in first]
    samplers = [
        with_parents(rows).set_params(sampling_strategy={"spam": n})
        for rows, n in ((first, 8), (second, 12))
    ]

    def without_first(X, y):
        kept = [at for at, text in enumerate(X) if not text.endswith("soon")]
        return [X[at] for at in kept], [y[at] for at in kept]

    pipe = make_pipeline(*samplers, function(without_first), Parents("uniform"), Recorder())
    seen = pipe.fit(X, Y)[-2].parents_
    assert [seen[row["text"]] for row in second] == [[text] for text in SPAM]


def test_random_under_sampling_keeps_each_row_its_weight(fit_with):
    """Lengths alone cannot tell: 12 rows are left of each class, and as many as were given."""
    rng = np.random.default_rng(0)
    table, labels = rng.normal(size=(40, 3)), np.arange(40) % 4 == 0
    users = np.linspace(1, 5, 40)
    pipe = make_pipeline(
        SMOTE(random_state=0),
        RandomUnderSampler(sampling_strategy={False: 20, True: 20}, random_state=0),
        SyntheticWeighter(),
        Recorder(),
    )
    fit_with(pipe, table, labels, "recorder", sample_weight=users)
    wanted = {row.tobytes(): weight for row, weight in zip(table, users, strict=True)}
    got, weighter = pipe[-1].got_, pipe[2]
    assert len(got["X"]) == 40
    expected = [wanted.get(row.tobytes(), 1.0) for row in got["X"]]
    assert_allclose(got["sample_weight"], expected * weighter.sample_weight_)
    assert_array_equal(weighter.synthetic_mask_, [r.tobytes() not in wanted for r in got["X"]])


@pytest.mark.parametrize(
    "sampler",
    [
        SMOTE(random_state=0),
        ADASYN(random_state=0),
        BorderlineSMOTE(random_state=0),
        RandomUnderSampler(random_state=0),
        RandomUnderSampler(replacement=True, random_state=0),
        RandomOverSampler(random_state=0),
        RandomOverSampler(shrinkage=0.5, random_state=0),
        NearMiss(),
        EditedNearestNeighbours(),
        TomekLinks(),
        SMOTENC([0], random_state=0),
    ],
    ids=lambda sampler: type(sampler).__name__,
)
@pytest.mark.parametrize("kind", ["array", "frame", "csr"])
def test_imbalanced_learns_samplers(sampler, kind, fit_with):
    rng = np.random.default_rng(0)
    table, labels = np.round(rng.normal(size=(80, 3)), 6), np.arange(80) % 4 == 0
    table[:, 0] = np.arange(80) % 3
    table[labels, 1:] += 0.5
    users = np.linspace(1, 5, 80)
    given = {"array": np.asarray, "frame": pd.DataFrame, "csr": sparse.csr_matrix}[kind](table)
    if kind == "frame":
        given = given.rename(columns=str)
    pipe = make_pipeline(clone(sampler), SyntheticWeighter("uniform"), Recorder())
    fit_with(pipe, given, labels, "recorder", sample_weight=users)
    got = pipe[-1].got_
    rows = got["X"].toarray() if kind == "csr" else np.asarray(got["X"])
    wanted = {tuple(row): weight for row, weight in zip(table, users, strict=True)}
    expected = [wanted.get(tuple(row), 1.0) for row in rows]  # a copy weighs as its original
    assert_allclose(got["sample_weight"], expected)
    real = ~pipe[1].synthetic_mask_
    assert all(tuple(row) in wanted for row in rows[real])
    if "Over" in type(sampler).__name__ or "SMOTE" in type(sampler).__name__:
        assert real.sum() == 80


@pytest.mark.parametrize("sampler", [SMOTEENN(), SMOTETomek(), ClusterCentroids()])
def test_samplers_that_cannot_be_followed_are_refused_before_anything_is_fitted(sampler):
    table, labels = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 4 == 0
    name = type(sampler).__name__
    with pytest.raises(TypeError, match=f"{name} does not say"):
        make_pipeline(Costly(), sampler, weigher(), Recorder()).fit(table, labels)


@pytest.mark.parametrize(
    ("func", "why"),
    [
        (lambda X, y: ([text.upper() for text in X], y), "a changed row looks new"),
        (lambda X, y: ([*X[1:], "new"], [*y[1:], "ham"]), "others are new"),
        (lambda X, y: (X[::-1], y), "others are new"),  # rows and labels no longer agree
    ],
)
def test_changed_rows_are_refused(func, why):
    with pytest.raises(TypeError, match=f"FunctionSampler does not say.*{why}"):
        make_pipeline(function(func), SyntheticWeighter("uniform"), Recorder()).fit(X, Y)


@pytest.mark.parametrize("container", [list, np.array])
def test_a_sampler_that_leaves_nothing_is_refused(container):
    pipe = make_pipeline(function(lambda X, y: (X[:0], y[:0])), weigher(), Recorder())
    with pytest.raises(ValueError, match="FunctionSampler returned no row"):
        pipe.fit(container(X), Y)


def test_a_sampler_that_says_wrong_things_is_refused():
    def wrong(X, y):
        return X, y, {"sample_indices_": np.arange(len(X))[::-1]}

    def short(X, y):
        return X[:5], y[:5], {"sample_indices_": np.arange(4)}

    def masked(X, y):
        return X, y, {"synthetic_mask_": np.arange(len(X)) >= 23}

    for func in (wrong, short, masked):
        with pytest.raises(TypeError, match="Sampler does not say"):
            make_pipeline(Sampler(func), SyntheticWeighter("uniform"), Recorder()).fit(X, Y)


def test_what_samplers_say_is_followed(fit_with):
    def masked(X, y):
        made, order = ["new a", "new b"], list(range(len(X)))[::-1]
        X, y = [*made, *(X[at] for at in order)], ["spam"] * 2 + [y[at] for at in order]
        return X, y, {"synthetic_mask_": np.arange(len(X)) < 2}

    def picked(X, y):
        at = np.random.default_rng(1).permutation(len(X))[:15]
        return [X[i] for i in at], [y[i] for i in at], {"sample_indices_": at}

    for func, n_real in ((masked, 24), (picked, 15)):
        pipe = make_pipeline(Sampler(func), SyntheticWeighter("uniform"), Recorder())
        fit_with(pipe, X, Y, "recorder", sample_weight=USERS)
        assert (~check_weights(pipe).synthetic_mask_).sum() == n_real


def test_identical_rows(fit_with):
    """Dropping duplicates is fine, but not where the duplicates weigh unlike."""
    texts, labels = [*X, *X[:6]], [*Y, *Y[:6]]

    def unique(X, y):
        kept = dict(zip(X, y, strict=True))
        return list(kept), list(kept.values())

    pipe = make_pipeline(function(unique), SyntheticWeighter("uniform"), Recorder())
    assert not pipe.fit(texts, labels)[1].synthetic_mask_.any()
    with pytest.raises(ValueError, match="Drop duplicates before fit"):
        fit_with(pipe, texts, labels, "recorder", sample_weight=np.arange(30))
    pipe = make_pipeline(function(permuted), SyntheticWeighter("uniform"), Recorder())
    fit_with(pipe, texts, labels, "recorder", sample_weight=np.arange(1, 31))
    got = pipe[-1].got_
    found = sorted(zip(got["X"], got["sample_weight"], strict=True))
    assert found == sorted(zip(texts, np.arange(1.0, 31), strict=True))


def test_without_a_weighter_weights_follow_too(fit_with):
    pipe = make_pipeline(function(halved), function(permuted), Recorder())
    fit_with(pipe, X, Y, "recorder", sample_weight=USERS)
    wanted = dict(zip(X, USERS, strict=True))
    got = pipe[-1].got_
    assert_array_equal(got["sample_weight"], [wanted[text] for text in got["X"]])
    with pytest.raises(ValueError, match=r'none.*SyntheticWeighter\("uniform"\)'):
        fit_with(make_pipeline(Costly(), Recorder()), X, Y, "recorder", sample_weight=USERS)
    table, smote = np.arange(24.0)[:, None], SMOTE(k_neighbors=1)
    with pytest.raises(ValueError, match=r'gets 16 rows.*SyntheticWeighter\("uniform"\)'):
        fit_with(make_pipeline(smote, Recorder()), table, Y, "recorder", sample_weight=USERS)
    # Nothing depends on the rows here, so nothing is refused.
    make_pipeline(function(lambda X, y: ([*X[:9], "new"], [*y[:9], "x"])), Recorder()).fit(X, Y)


@pytest.mark.parametrize("wrap", [list, np.asarray, lambda w: pd.Series(w, index=range(100, 124))])
def test_any_container_of_weights(wrap, fit_with):
    pipe = make_pipeline(llm(), function(permuted), weigher(), Recorder())
    fit_with(pipe, X, Y, "recorder", sample_weight=wrap(USERS))
    check_weights(pipe)


def test_groups_of_any_step_are_followed(fit_with):
    groups = np.array([f"g{i}" for i in range(24)], dtype=object)
    of = dict(zip(X, groups, strict=True))
    pipe = make_pipeline(function(halved), function(permuted), weigher(), Recorder())
    fit_with(pipe, X, Y, "recorder", groups=groups)
    assert_array_equal(pipe[-1].got_["groups"], [of[text] for text in pipe[-1].got_["X"]])
    pipe = make_pipeline(Costly(), weigher(), Recorder())
    with pytest.raises(ValueError, match=r"groups was given for the rows of X.*there is none"):
        fit_with(pipe, X, Y, "recorder", groups=groups)
    with pytest.raises(ValueError, match="groups has 23 entries, but 24 rows"):
        fit_with(pipe, X, Y, "recorder", groups=groups[:23])


def test_groups_of_the_weighter_are_followed(fit_with):
    """Balanced over class x group, the total of each cell is the same."""
    groups = np.where(np.arange(24) % 6 == 0, "a", "b")
    weighter = SyntheticWeighter("uniform", class_weight="balanced")
    pipe = make_pipeline(function(permuted), weighter, Recorder())
    fit_with(pipe, X, Y, "syntheticweighter", groups=groups)
    got, of = pipe[-1].got_, dict(zip(X, groups, strict=True))
    cells = [(of[text], text in HAM) for text in got["X"]]
    totals = pd.Series(got["sample_weight"]).groupby(pd.Index(cells).to_flat_index()).sum()
    assert_allclose(totals, 24 / len(totals))
    pipe = make_pipeline(llm(), clone(weighter), Recorder())
    with pytest.raises(ValueError, match="Pass the groups to the sampler"):
        fit_with(pipe, X, Y, "syntheticweighter", groups=groups)


def test_groups_given_to_the_sampler_reach_it_and_the_weighter(fit_with):
    groups = np.where(np.arange(24) % 2 == 0, "a", "b")
    rows = [{**row, "group": "ab"[i % 2]} for i, row in enumerate(RECORDED)]
    sampler = LLMOverSampler(generator=RecordedGenerator(rows, group_column="group"))
    sampler.set_params(accept=TextFilter(None))
    weighter = SyntheticWeighter("uniform", class_weight="balanced")
    pipe = make_pipeline(sampler, function(permuted), weighter, Recorder())
    fit_with(pipe, X, Y, "llmoversampler", groups=groups)
    assert_array_equal(pipe[0].groups_[:24], groups)
    of = dict(zip(X, groups, strict=True)) | {row["text"]: row["group"] for row in rows}
    got = pipe[-1].got_
    cells = [(of[text], text in HAM) for text in got["X"]]
    totals = pd.Series(got["sample_weight"]).groupby(pd.Index(cells).to_flat_index()).sum()
    assert len(totals) == 4
    assert_allclose(totals, len(cells) / 4)


class Grouping(Sampler):
    """Stands for an over-sampler that knows the groups."""

    def fit_resample(self, X, y):
        self.groups_ = np.where(X[:, 0] % 3 == 0, "a", "b")
        self.sample_indices_ = np.arange(len(X))
        return X, y


@pytest.mark.parametrize("added", [0, 5])
@pytest.mark.parametrize("sampler", [SMOTE(k_neighbors=1), RandomOverSampler()])
def test_groups_that_another_sampler_loses_are_missed(sampler, added):
    table = np.arange(24.0)[:, None]
    sampler = clone(sampler).set_params(sampling_strategy={"spam": 4 + added})
    weighter = SyntheticWeighter("uniform", class_weight="balanced")
    pipe = make_pipeline(Grouping(), sampler, weighter, Recorder())
    if isinstance(sampler, SMOTE) and added:
        with pytest.warns(UserWarning, match="Leave SMOTE out") as caught:
            pipe.fit(table, Y)
        assert [w.filename for w in caught] == [__file__]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            pipe.set_params(syntheticweighter__class_weight=None).fit(table, Y)
            turned = make_pipeline(sampler, Grouping(), weighter, Recorder())
            turned.set_params(syntheticweighter__class_weight="balanced").fit(table, Y)
        return
    got = pipe.fit(table, Y)[-1].got_  # copies are of the group of their original
    groups, is_ham = got["X"][:, 0] % 3 == 0, got["X"][:, 0] < 20
    totals = pd.Series(got["sample_weight"]).groupby([groups, is_ham]).sum()
    assert_allclose(totals, (24 + added) / 4)


def test_a_mask_given_by_the_user_is_followed(fit_with):
    mask = np.arange(24) % 5 == 0
    pipe = make_pipeline(llm(), function(permuted), SyntheticWeighter("uniform"), Recorder())
    fit_with(pipe, X, Y, "syntheticweighter", synthetic=mask)
    wanted = dict(zip(X, mask, strict=True))
    expected = [wanted.get(text, True) for text in pipe[-1].got_["X"]]
    assert_array_equal(pipe[2].synthetic_mask_, expected)


def test_a_scaler_behind_a_sampler_gets_its_weights(fit_with):
    class Scaler(StandardScaler):
        def fit(self, X, y=None, sample_weight=None):
            self.got_ = dict(zip(X[:, 0].tolist(), sample_weight, strict=True))
            return super().fit(X, y, sample_weight)

    table, users = np.arange(24.0)[:, None], np.arange(24.0)
    under = RandomUnderSampler(random_state=0)
    pipe = make_pipeline(under, Scaler(), Recorder())
    fit_with(pipe, table, Y, "scaler", sample_weight=users)
    assert pipe[1].got_ == {at: at for at in pipe[1].got_}
    with pytest.raises(ValueError, match="sample_weight was given for the 24 rows"):
        fit_with(
            make_pipeline(SMOTE(k_neighbors=1), Scaler(), SyntheticWeighter(), Recorder()),
            table, Y, "scaler", sample_weight=users,
        )  # fmt: skip


def test_a_transformer_that_drops_rows_is_an_error():
    drop = FunctionTransformer(lambda X: X[1:])
    with pytest.raises(ValueError, match="FunctionTransformer made 39 rows of 40"):
        make_pipeline(llm(), drop, weigher(), Recorder()).fit(X, Y)


def test_with_a_cache_weights_are_followed_on_a_hit_too(tmp_path, fit_with):
    steps = (llm(), function(permuted), weigher(), Recorder())
    for users in (USERS, USERS[::-1]):
        pipe = clone(make_pipeline(*steps, memory=str(tmp_path)))
        fit_with(pipe, X, Y, "recorder", sample_weight=users)
        check_weights(pipe, users=users)


@pytest.mark.slow
def test_in_a_search_each_fold_gets_its_own_weights(routing, fit_with):
    pipe = make_pipeline(llm(), function(permuted), weigher(), Checking())
    search = GridSearchCV(
        pipe, {"syntheticweighter__method": ["uniform", "quality"]}, cv=2, n_jobs=2
    )
    search.set_params(error_score="raise")
    if routing:
        pipe[-1].set_fit_request(sample_weight=True)
        search.set_params(
            scoring=make_scorer(accuracy_score).set_score_request(sample_weight=False)
        )
        search.fit(X, Y, sample_weight=USERS)
    else:
        search.fit(X, Y, checking__sample_weight=USERS)
    assert cross_val_score(clone(search.best_estimator_), X, Y, cv=2).shape == (2,)


class Checking(Recorder):
    """Complains unless each real row has the user's weight."""

    def fit(self, X, y, sample_weight=None):
        wanted = dict(zip(HAM + SPAM, USERS, strict=True))
        for text, weight in zip(X, sample_weight, strict=True):
            if text in wanted and len(set(sample_weight)) > 8 and weight not in (wanted[text], 1):
                raise AssertionError(text)
        return super().fit(X, y, sample_weight)


def test_pickled_pipelines_follow_rows_as_well(fit_with):
    pipe = make_pipeline(llm(), "passthrough", None, weigher(), Recorder())
    pipe = pickle.loads(pickle.dumps(fit_with(pipe, X, Y, "recorder", sample_weight=USERS)))
    check_weights(pipe)
    check_weights(fit_with(pipe, X, Y, "recorder", sample_weight=USERS))


# -- what is configured -------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
@pytest.mark.parametrize("how", ["global", "set_output"])
def test_the_weighter_returns_the_object_it_gets(output, how):
    if output == "polars":
        pytest.importorskip("polars")
    pipe = make_pipeline(llm(), SyntheticWeighter(), TfidfVectorizer(), Recorder())
    with sklearn.config_context(transform_output=output if how == "global" else "default"):
        if how == "set_output":
            pipe[:2].set_output(transform=output)
        pipe.fit(X, Y)
        for rows in (X, np.array(X, dtype=object), pd.Series(X)):
            assert pipe[1].transform(rows) is rows
        assert pipe.predict(X).shape == (24,)
        assert pipe.predict(X[:1]).shape == (1,)
        assert clone(pipe).fit(X, Y).predict(X).shape == (24,)


def test_the_guides_recipe_for_judging_groups():
    """Metadata for the scorer alone: the weights reach the classifier, DIMP's settings too."""
    place = np.where(np.arange(24) % 2, "a", "b")
    with sklearn.config_context(enable_metadata_routing=True):
        scoring = worst_group_accuracy.set_score_request(groups="place")
        pipe = make_pipeline(llm(), weigher(), Recorder())
        search = GridSearchCV(pipe, {}, cv=2, scoring=scoring, error_score="raise")
        best = search.fit(X, Y, place=place).best_estimator_
        assert_array_equal(best[-1].got_["sample_weight"], best[1].sample_weight_)
        dimp = weigher(Dimp(clip=3), temperature=2)
        search.set_params(estimator=make_pipeline(llm(), dimp, Finisher()))
        best = search.fit(X, Y, place=place).best_estimator_
        found = best[-1].row_weights_
        assert found.finish == Dimp(clip=3).finisher(2)
        assert_array_equal(found.synthetic, np.arange(40) >= 24)


class Finisher(Recorder):
    def fit(self, X, y, row_weights=None):
        self.row_weights_ = row_weights
        return super().fit(X, y)


def test_cells_of_long_arrays_are_told_apart():
    signals = np.empty((6, 1), dtype=object)
    for at in range(6):
        signals[at, 0] = np.where(np.arange(2000) == 1000, at * 1e-12, 0.5)  # what repr leaves out
    weights = np.arange(1.0, 7.0)
    pipe = make_pipeline(function(lambda X, y: (X[::-1], y[::-1])), Recorder())
    pipe.fit(signals, np.array([0, 1] * 3), recorder__sample_weight=weights)
    assert_array_equal(pipe[-1].got_["sample_weight"], weights[::-1])
