import pickle
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import (
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_score,
    cross_validate,
)

from sklw import make_pipeline
from sklw.metrics import (
    balanced_group_accuracy,
    balanced_log_loss,
    group_accuracy,
    group_log_loss,
    group_scorer,
    neg_balanced_log_loss,
    neg_group_log_loss,
    neg_worst_group_log_loss,
    worst_group_accuracy,
)

CLASSES = np.array(["a", "b", "c"])
GRID = {"logisticregression__C": [0.01, 1]}


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture
def birds():
    """Labels that go with the place in nine rows of ten; the group is a column."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 240)
    place = np.where(rng.random(240) < 0.1, 1 - label, label)
    columns = {"wing": label + rng.normal(0, 1.5, 240), "scene": place + rng.normal(0, 0.5, 240)}
    frame = pd.DataFrame(columns).assign(place=np.array(["land", "sea"])[place])
    return frame, np.array(["landbird", "waterbird"])[label]


def model():
    columns = make_column_transformer(("passthrough", ["wing", "scene"]))
    return make_pipeline(columns, LogisticRegression())


def by_cell(score, y, predicted, groups):
    cells = {(label, group) for label, group in zip(y, groups, strict=True)}
    rows = [(y == label) & (groups == group) for label, group in cells]
    return [score(y[r], predicted[r]) for r in rows]


def loss(y, proba):
    return log_loss(y, proba, labels=CLASSES)


rows = st.lists(
    st.tuples(st.sampled_from(CLASSES), st.sampled_from([0, 1, 2]), st.integers(0, 99)),
    min_size=1,
    max_size=30,
)


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(rows)
def test_both_metrics_are_the_mean_or_the_worst_over_cells(drawn):
    y, groups, seeds = (np.array(column) for column in zip(*drawn, strict=True))
    proba = np.array([np.random.default_rng(seed).dirichlet(np.ones(3)) for seed in seeds])
    losses = by_cell(loss, y, proba, groups)
    balanced, worst = (
        group_log_loss(y, proba, groups=groups, average=how, labels=CLASSES)
        for how in ("balanced", "worst")
    )
    assert balanced == pytest.approx(np.mean(losses))
    assert worst == pytest.approx(max(losses))
    assert worst >= balanced - 1e-12
    one = group_log_loss(y, proba, groups=np.zeros(len(y)), labels=CLASSES)
    assert one == pytest.approx(balanced_log_loss(y, proba, labels=CLASSES))
    renamed = [("x", "y", "z")[group] for group in groups[::-1]]
    again = group_log_loss(y[::-1], proba[::-1], groups=renamed, labels=CLASSES)
    assert again == pytest.approx(balanced)

    predicted = CLASSES[proba.argmax(axis=1)]
    accuracies = by_cell(accuracy_score, y, predicted, groups)
    assert group_accuracy(y, predicted, groups=groups) == pytest.approx(np.mean(accuracies))
    assert group_accuracy(y, predicted, groups=groups, average="worst") == min(accuracies)


def test_the_balanced_loss_is_the_mean_over_classes():
    y, p = np.array([0, 0, 0, 1]), np.array([0.2, 0.3, 0.1, 0.6])
    by_class = [log_loss(y[y == c], p[y == c], labels=[0, 1]) for c in (0, 1)]
    assert balanced_log_loss(y, p) == pytest.approx(np.mean(by_class))
    X = np.array([[0.0], [0.1], [0.2], [1.0]])
    fitted = LogisticRegression().fit(X, y)
    expected = -balanced_log_loss(y, fitted.predict_proba(X)[:, 1])
    assert neg_balanced_log_loss(fitted, X, y) == pytest.approx(expected)


@pytest.mark.parametrize("dtype", [object, "string", "category"])
def test_groups_of_any_type_and_a_single_cell(dtype):
    groups = pd.Series(["sea", "sea", "land", "sea"], dtype=dtype)
    assert group_accuracy([0, 0, 0, 1], [0, 1, 0, 1], groups=groups) == pytest.approx(2.5 / 3)
    assert group_accuracy([1, 1], [1, 0], groups=["sea", "sea"]) == 0.5
    single = group_log_loss([1, 1], [0.5, 0.5], groups=["sea", "sea"], labels=[0, 1])
    assert single == pytest.approx(np.log(2))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"groups": [0, 1]}, "groups must have one value for each row: y_true has 3 rows"),
        ({"groups": [0, None, 1]}, "groups has missing values, 1 of 3, the first in row 1"),
        ({"groups": [0, 1, np.nan]}, "groups has missing values"),
        ({"groups": np.ones((3, 2))}, "groups must be one column"),
        ({"y_true": [0, 1, np.nan]}, "y_true has missing values"),
        ({"y_true": [], "groups": []}, "y_true is empty"),
        ({"average": "macro"}, "average must be one of"),
        ({"predicted": [0.0, 1.0]}, "y_(pred|proba) must have one value for each row"),
        ({"predicted": [0.0, 1.0, np.nan]}, "NaN|missing values"),
    ],
)
@pytest.mark.parametrize("metric", [group_log_loss, group_accuracy])
def test_errors_of_the_metrics(metric, change, match):
    arguments = {"y_true": [0, 1, 1], "predicted": [0.0, 1.0, 1.0], "groups": [0, 1, 1]} | change
    with pytest.raises(ValueError, match=match):
        metric(arguments.pop("y_true"), arguments.pop("predicted"), **arguments)


def test_one_class_needs_labels():
    with pytest.raises(ValueError, match=r"one class only, 1\. Pass all classes as labels"):
        group_log_loss([1, 1], [0.5, 0.5], groups=[0, 0])


SCORERS = [
    (neg_group_log_loss, "neg_log_loss", "balanced"),
    (neg_worst_group_log_loss, "neg_log_loss", "worst"),
    (balanced_group_accuracy, "accuracy", "balanced"),
    (worst_group_accuracy, "accuracy", "worst"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("routed", "metric", "average"), SCORERS)
def test_a_search_by_column_and_by_routing_finds_the_same(birds, routing, routed, metric, average):
    X, y = birds
    by_column = group_scorer(metric, group_column="place", average=average)
    by_routing = deepcopy(routed).set_score_request(groups="where")
    searches = [
        GridSearchCV(model(), GRID, cv=3, scoring=scoring, n_jobs=2, error_score="raise")
        for scoring in (by_column, by_routing)
    ]
    with sklearn.config_context(enable_metadata_routing=False):
        searches[0].fit(X, y)
    searches[1].fit(X, y, where=X["place"])
    scores = [search.cv_results_["mean_test_score"] for search in searches]
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(*scores)

    best = searches[0].best_estimator_
    on_log_loss = metric == "neg_log_loss"
    function = group_log_loss if on_log_loss else group_accuracy
    predicted = best.predict_proba(X)[:, 1] if on_log_loss else best.predict(X)
    expected = function(y, predicted, groups=X["place"], average=average)
    assert by_column(best, X, y) == pytest.approx(-expected if on_log_loss else expected)


@pytest.mark.slow
def test_several_scorers_and_thresholds_tuned_for_the_worst_group(birds, routing):
    X, y = birds
    routed = deepcopy(worst_group_accuracy).set_score_request(groups=True)
    scoring = {
        "routed": routed,
        "column": group_scorer("accuracy", group_column="place", average="worst"),
        "loss": deepcopy(neg_group_log_loss).set_score_request(groups=True),
    }
    results = cross_validate(model(), X, y, scoring=scoring, params={"groups": X["place"]})
    np.testing.assert_array_equal(results["test_routed"], results["test_column"])
    assert (results["test_loss"] < 0).all()
    weighted = LogisticRegression(class_weight={"landbird": 20, "waterbird": 1})
    unfair = model().set_params(logisticregression=weighted)
    tuned = TunedThresholdClassifierCV(unfair, scoring=routed).fit(X, y, groups=X["place"])
    worst = [
        group_accuracy(y, fitted.predict(X), groups=X["place"], average="worst")
        for fitted in (unfair.fit(X, y), tuned)
    ]
    assert worst[1] > worst[0]


def test_groups_not_asked_for_are_an_error(birds, routing):
    search = GridSearchCV(model(), GRID, scoring=deepcopy(neg_group_log_loss))
    # scikit-learn 1.8 raises TypeError, 1.9 UnsetMetadataPassedError.
    with pytest.raises((sklearn.exceptions.UnsetMetadataPassedError, TypeError), match="groups"):
        search.fit(*birds, groups=birds[0]["place"])


@pytest.mark.parametrize(
    "score",
    [
        lambda X, y: group_accuracy(y, y),
        lambda X, y: group_log_loss(y, y, labels=[0, 1]),
        lambda X, y: worst_group_accuracy(LogisticRegression().fit(X, y), X, y),
        lambda X, y: neg_group_log_loss(LogisticRegression().fit(X, y), X, y),
        lambda X, y: TunedThresholdClassifierCV(
            LogisticRegression(), scoring=worst_group_accuracy
        ).fit(X, y),
        lambda X, y: cross_val_score(
            LogisticRegression(), X, y, scoring=neg_worst_group_log_loss, error_score="raise"
        ),
    ],
)
def test_missing_groups_are_asked_for(score, routing):
    X, y = np.arange(20.0)[:, None], np.arange(20) % 2
    with pytest.raises(TypeError, match=r"groups is missing.*group_scorer.*set_score_request"):
        score(X, y)


@pytest.mark.parametrize("missing", [np.nan, None])
def test_the_balanced_loss_names_what_is_missing(missing):
    for labels in ([0, 1, missing], np.array(["a", "b", missing], dtype=object)):
        with pytest.raises(ValueError, match=r"y_true has missing values.* in row 2"):
            balanced_log_loss(labels, [0.1, 0.5, 0.5])
    with pytest.raises(ValueError, match="y_true is empty"):
        balanced_log_loss([], np.zeros((0, 2)))


class Unsorted(ClassifierMixin, BaseEstimator):
    """Has its classes in an order of its own, as classifiers of other libraries may."""

    classes_ = np.array(["c", "a", "b"])

    def predict_proba(self, X):
        return np.tile([0.1, 0.2, 0.7], (len(X), 1))


@pytest.mark.parametrize("y", [list("abc"), list("aab"), list("bbb")])
def test_columns_are_the_classes_of_the_estimator(y):
    X = pd.DataFrame({"place": [0, 0, 0]})
    expected = -np.mean(np.log([{"c": 0.1, "a": 0.2, "b": 0.7}[label] for label in sorted(set(y))]))
    assert -group_scorer(group_column="place")(Unsorted(), X, y) == pytest.approx(expected)
    assert -neg_balanced_log_loss(Unsorted(), X, y) == pytest.approx(expected)


@pytest.mark.parametrize("known", [["a", "b"], ["a", "b", "c"]])
def test_folds_may_lack_a_class(known):
    X = pd.DataFrame({"x": np.arange(6.0), "place": [0, 1] * 3})
    fitted = LogisticRegression().fit(X, (known * 3)[:6])
    scorer = group_scorer(group_column="place", average="worst")
    # Rows of a single class; a class that the estimator never saw has probability 0.
    proba = fitted.predict_proba(X)[:, 1]
    assert scorer(fitted, X, ["b"] * 6) == pytest.approx(
        -max(-np.log(proba[::2]).mean(), -np.log(proba[1::2]).mean())
    )
    unseen = scorer(fitted, X, list("abcabc"))
    assert unseen == pytest.approx(np.log(np.finfo(float).eps)) if "c" not in known else unseen > -9
    with pytest.raises(ValueError, match="Mix of label input types"):
        scorer(fitted, X, [0, 1] * 3)


def test_a_column_by_position(birds):
    frame, y = birds
    X = frame.assign(place=(frame["place"] == "sea") * 1.0)
    named, at = (LogisticRegression().fit(data, y) for data in (X, X.to_numpy()))
    expected = group_scorer(group_column="place")(named, X, y)
    for position in (2, -1):
        scorer = group_scorer(group_column=position)
        assert scorer(at, X.to_numpy(), y) == pytest.approx(expected)


def test_scorers_are_copied_and_printed():
    scorer = group_scorer("accuracy", group_column="place", average="worst")
    assert repr(scorer) == "group_scorer('accuracy', group_column='place', average='worst')"
    assert clone(scorer) == pickle.loads(pickle.dumps(scorer)) == scorer
    assert "average=worst" in repr(pickle.loads(pickle.dumps(neg_worst_group_log_loss)))


@pytest.mark.parametrize(
    ("column", "X", "match"),
    [
        ("plcae", pd.DataFrame({"place": [0], "x": [0]}), "Did you mean 'place'?"),
        ("q", pd.DataFrame({"place": [0], 3: [0]}), "no column 'q'. Its columns are: 'place', 3"),
        ("place", np.zeros((1, 2)), "columns without names .* position from 0 to 1"),
        (2, np.zeros((1, 2)), "no column 2"),
        (0, ["a text"], "a DataFrame or a 2-D array, and X is neither"),
        ("place", pd.DataFrame({"place": [None]}), "groups has missing values"),
    ],
)
def test_errors_of_columns(column, X, match):
    fitted = DummyClassifier().fit([[0], [1]], ["a", "b"])
    with pytest.raises(ValueError, match=match):
        group_scorer("accuracy", group_column=column)(fitted, X, ["a"])


@pytest.mark.parametrize("wrong", [{"metric": "f1"}, {"average": "macro"}])
def test_errors_of_parameters(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be one of"):
        group_scorer(**wrong, group_column="place")
