"""
Calibration and thresholds against oversampling
===============================================

Oversampling moves the decision threshold, which you can tune for free, and it distorts the
probabilities. Before you pay for a language model, check what gain remains once you account for
both.
"""

# %%
# We compare four ways to deal with 30 hazards among 250 routine messages, and judge them on the
# other messages.

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import TunedThresholdClassifierCV

from sklw import LLMOverSampler, RecordedGenerator, SyntheticWeighter, TextEmbedder, make_pipeline
from sklw.datasets import load_maintenance_requests

X, y = load_maintenance_requests(return_X_y=True)
rng = np.random.default_rng(0)
hazards, routine = (rng.permutation(np.flatnonzero(y == label)) for label in ("hazard", "routine"))
train = np.r_[hazards[:30], routine[:250]]
test = np.r_[hazards[30:], routine[250:]]

records = RecordedGenerator("rewritten_requests.csv", parent_column="parent")
sampler = LLMOverSampler(generator=records, on_shortfall="ignore", verbose=False)
embedder = TextEmbedder()
models = {
    "nothing": make_pipeline(embedder, LogisticRegression()),
    "class weights": make_pipeline(embedder, LogisticRegression(class_weight="balanced")),
    "tuned threshold": make_pipeline(
        embedder, TunedThresholdClassifierCV(LogisticRegression(), random_state=0)
    ),
    "LLM rows": make_pipeline(sampler, embedder, LogisticRegression()),
    "LLM rows, weighted": make_pipeline(
        sampler,
        SyntheticWeighter(class_weight="balanced", random_state=0),
        embedder,
        LogisticRegression(),
    ),
}
for model in models.values():
    model.fit(X[train], y[train])

# %%
# Decisions depend on a threshold, while probabilities should be calibrated. Scores of the two need
# not agree.

import pandas as pd
from sklearn.metrics import brier_score_loss, f1_score, roc_auc_score

rows = {}
for name, model in models.items():
    probability = model.predict_proba(X[test])[:, 0]  # of "hazard"
    rows[name] = {
        "macro-F1": f1_score(y[test], model.predict(X[test]), average="macro"),
        "ROC AUC": roc_auc_score(y[test] == "hazard", probability),
        "Brier score": brier_score_loss(y[test] == "hazard", probability),
    }
table = pd.DataFrame(rows).T
table.round(3)

# %%
# The gain in macro-F1 comes from the threshold. The ROC AUC does not depend on a threshold: no
# method raises it by much, and unweighted LLM rows lower it.

import matplotlib.pyplot as plt
from sklearn.calibration import CalibrationDisplay

_, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
for name in ("nothing", "class weights", "LLM rows", "LLM rows, weighted"):
    probability = models[name].predict_proba(X[test])[:, 0]
    CalibrationDisplay.from_predictions(
        y[test] == "hazard", probability, n_bins=5, strategy="quantile", name=name, ax=axes[0]
    )
axes[0].set(xlabel="predicted probability of a hazard", ylabel="share of hazards")
axes[0].legend(fontsize=8)
axes[1].barh(table.index[::-1], table["macro-F1"][::-1])
axes[1].set(xlabel="macro-F1")
plt.show()

# %%
# To calibrate after oversampling, fit the calibrator on real rows with their true proportions,
# for example with ``CalibratedClassifierCV(FrozenEstimator(pipe))`` on rows that were held out.
