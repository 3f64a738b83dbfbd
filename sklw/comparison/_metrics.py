"""The metrics that every method is judged by."""

from typing import Any

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    log_loss,
)

__all__ = ["LOSSES", "METRICS", "evaluate"]

METRICS = (
    "macro_f1",
    "balanced_accuracy",
    "minority_f1",
    "auprc",
    "log_loss",
    "brier",
    "accuracy",
)
# Those of which less is better.
LOSSES = frozenset({"log_loss", "brier"})


def evaluate(estimator: Any, X: Any, y: np.ndarray, *, minority: Any) -> dict[str, float]:
    """Judge a fitted classifier on rows it has not seen.

    Parameters
    ----------
    estimator : classifier
        Fitted, with ``predict``, ``predict_proba`` and ``classes_``.
    X : array-like of shape (n_samples,)
        The rows.
    y : ndarray of shape (n_samples,)
        Their true labels, all of them known to the classifier.
    minority : label
        The rarest class.

    Returns
    -------
    metrics : dict of str to float
        For each name of `METRICS` its value. ``auprc`` is the average precision of the minority
        class; of each class against the rest, averaged, where there are more than two. ``brier``
        is the mean squared error of the minority's probability; with more than two classes half
        the summed squared error over the classes, which is the same for two.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklw.comparison import evaluate
    >>> X, y = np.zeros((4, 1)), np.array(["ham", "ham", "ham", "spam"])
    >>> scores = evaluate(DummyClassifier().fit(X, y), X, y, minority="spam")
    >>> scores["accuracy"], scores["auprc"], scores["brier"]
    (0.75, 0.25, 0.1875)
    """
    predicted = estimator.predict(X)
    probabilities = np.asarray(estimator.predict_proba(X), dtype=float)
    # float32 softmax outputs miss 1 by more than log_loss tolerates without a warning.
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    classes = np.asarray(estimator.classes_)
    truth = y[:, None] == classes[None, :]
    if len(classes) == 2:
        column = int(np.flatnonzero(classes == minority)[0])
        auprc = average_precision_score(truth[:, column], probabilities[:, column])
    else:
        auprc = average_precision_score(truth, probabilities, average="macro")
    values = {
        "macro_f1": f1_score(y, predicted, average="macro"),
        "balanced_accuracy": balanced_accuracy_score(y, predicted),
        "minority_f1": f1_score(y == minority, predicted == minority),
        "auprc": auprc,
        "log_loss": log_loss(y, probabilities, labels=classes),
        "brier": ((probabilities - truth) ** 2).sum(axis=1).mean() / 2,
        "accuracy": accuracy_score(y, predicted),
    }
    return {name: float(value) for name, value in values.items()}
