"""
DIMP-Loss with BertClassifier
=============================

DIMP-Loss divides the quality of a row by the probability that the classifier itself gives its label
at that moment. Rows that the classifier has already learned therefore count less as training goes
on. Such a weight is not a fixed number, so it needs a classifier that completes it during training:
``BertClassifier``.
"""

# %%
# The training set is small, so that fine-tuning takes seconds on a CPU core.

import numpy as np

from sklw import BertClassifier, LLMOverSampler, RecordedGenerator, SyntheticWeighter, make_pipeline
from sklw.datasets import load_maintenance_requests

X, y = load_maintenance_requests(return_X_y=True)
rng = np.random.default_rng(0)
hazards, routine = (rng.permutation(np.flatnonzero(y == label)) for label in ("hazard", "routine"))
train = np.r_[hazards[:25], routine[:75]]
test = np.r_[hazards[50:], routine[200:]]
records = RecordedGenerator("rewritten_requests.csv", parent_column="parent")

# %%
# In the pipeline, you choose the method by its name, and ``GridSearchCV`` can search over it.

from sklearn.metrics import f1_score, log_loss

results = {}
for method in ("uniform", "quality", "dimp"):
    pipe = make_pipeline(
        LLMOverSampler(
            generator=records, sampling_strategy=0.8, on_shortfall="ignore", verbose=False
        ),
        SyntheticWeighter(method, class_weight="balanced", random_state=0),
        BertClassifier(max_epochs=2, random_state=0),
    )
    pipe.fit(X[train], y[train])
    results[method] = {
        "macro-F1": f1_score(y[test], pipe.predict(X[test]), average="macro"),
        "log-loss": log_loss(y[test], pipe.predict_proba(X[test])),
    }

# %%
# One small training set does not show which method is best; see the :doc:`benchmarks </benchmarks>`
# for that.

import matplotlib.pyplot as plt
import pandas as pd

results = pd.DataFrame(results).T
_, axes = plt.subplots(1, 2, figsize=(8, 2.2), layout="constrained")
for ax, metric in zip(axes, results, strict=True):
    ax.barh(results.index[::-1], results[metric][::-1])
    ax.set_xlabel(metric)
plt.show()
results.round(3)

# %%
# What the classifier gets
# ------------------------
# ``row_weights_`` contains the weights computed so far, which rows are synthetic and, for DIMP, the
# quality that the classifier divides by its own probability.

weighter = pipe[1]
weighter.row_weights_
