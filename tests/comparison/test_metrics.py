import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score, log_loss

from sklw.comparison import METRICS, evaluate

NAMES = np.array(["zebra", "ant", "bee"])


@pytest.mark.parametrize("minority", ["ant", "zebra"])
def test_binary_metrics_speak_of_the_rarest_class_wherever_it_stands(minority):
    majority = "bee"
    X, y = make_classification(200, weights=[0.8], flip_y=0.2, random_state=0)
    y = np.where(y == 1, minority, majority)
    model = LogisticRegression().fit(X[:100], y[:100])
    X, y = X[100:], y[100:]
    scores = evaluate(model, X, y, minority=minority)
    assert list(scores) == list(METRICS)
    own = model.predict_proba(X)[:, model.classes_.tolist().index(minority)]
    assert scores["auprc"] == pytest.approx(average_precision_score(y == minority, own))
    assert scores["brier"] == pytest.approx(brier_score_loss(y == minority, own))
    assert scores["minority_f1"] == f1_score(y, model.predict(X), pos_label=minority)
    assert scores["log_loss"] == pytest.approx(log_loss(y, model.predict_proba(X)))


def test_multiclass_precision_is_the_mean_over_the_classes():
    X, y = make_classification(300, n_informative=5, n_classes=3, random_state=0)
    y = NAMES[y]
    model = LogisticRegression().fit(X[:200], y[:200])
    X, y = X[200:], y[200:]
    scores = evaluate(model, X, y, minority="bee")
    probabilities = model.predict_proba(X)
    each = [
        average_precision_score(y == label, probabilities[:, column])
        for column, label in enumerate(model.classes_)
    ]
    assert scores["auprc"] == pytest.approx(np.mean(each))
    assert scores["minority_f1"] == f1_score(y, model.predict(X), labels=["bee"], average="macro")
