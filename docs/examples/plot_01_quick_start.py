"""
Quick start
===========

This pipeline has three steps: a sampler that lets a language model write rows of the rare class, a
weighter that learns how much each of these rows should count, and a classifier.
"""

# %%
# The data
# --------
# The messages are from tenants, and few of them report a hazard. We keep 25 of those to learn from.

import numpy as np
from sklearn.model_selection import train_test_split

from sklw.datasets import load_maintenance_requests

requests = load_maintenance_requests()
X, X_test, y, y_test = train_test_split(
    requests.data, requests.target, test_size=0.5, stratify=requests.target, random_state=0
)
keep = np.r_[np.flatnonzero(y == "hazard")[:25], np.flatnonzero(y == "routine")]
X, y = X[keep], y[keep]
dict(zip(*np.unique(y, return_counts=True), strict=True))

# %%
# The pipeline
# ------------
# ``make_pipeline`` comes from sklw, because it has to pass the weights from the weighter to the
# classifier. The generator is the embedded model with 135 million parameters. It fills up the
# hazards to 30 % of the routine messages. The more its rows look to a checker like real rows of
# their class, the more they count.

from sklearn.linear_model import LogisticRegression

from sklw import LLMOverSampler, SyntheticWeighter, TextEmbedder, make_pipeline

pipe = make_pipeline(
    LLMOverSampler(
        sampling_strategy=0.3,
        task=requests.task,
        label_descriptions=requests.label_descriptions,
        random_state=0,
        verbose=False,
    ),
    SyntheticWeighter(class_weight="balanced"),
    TextEmbedder(),
    LogisticRegression(),
)
pipe.fit(X, y)

# %%
# What was written
# ----------------
# ``provenance_`` has every candidate with its verdict. The weights say how much each accepted row
# counts, judged by the real rows.

sampler, weighter = pipe[0], pipe[1]
synthetic = sampler.synthetic_mask_
weights = weighter.sample_weight_[synthetic]
texts = sampler.provenance_.query("accepted")["text"].to_numpy()
for row in np.argsort(weights)[[0, 1, -2, -1]]:
    print(f"{weights[row]:.2f}  {texts[row]}")

# %%
# Was it worth it?
# ----------------
# Class weights are free, so they are the baseline. One split of a small corpus proves nothing, as
# the intervals show.

import matplotlib.pyplot as plt
from sklearn.metrics import f1_score

baseline = make_pipeline(TextEmbedder(), LogisticRegression(class_weight="balanced")).fit(X, y)
rng = np.random.default_rng(0)
draws = rng.integers(len(y_test), size=(500, len(y_test)))
_, ax = plt.subplots(figsize=(7, 2.2), layout="constrained")
for row, (name, model) in enumerate(
    {"class weights": baseline, "LLM rows, weighted": pipe}.items()
):
    predicted = model.predict(X_test)
    score = f1_score(y_test, predicted, average="macro")
    spread = [f1_score(y_test[draw], predicted[draw], average="macro") for draw in draws]
    low, high = np.quantile(spread, [0.025, 0.975])
    ax.errorbar(score, row, xerr=[[score - low], [high - score]], fmt="o", capsize=4)
    print(f"{name}: {score:.3f} [{low:.3f}, {high:.3f}]")
ax.set(yticks=[0, 1], yticklabels=["class weights", "LLM rows, weighted"], ylim=(-0.5, 1.5))
ax.set_xlabel("macro-F1 on the test rows, with 95 % intervals")
plt.show()
