"""
Uniform, quality and IMP weights compared
=========================================

This example weights the same synthetic rows in three ways. *Uniform* weights are all equal.
*Quality* is the squared probability of the row's label according to a checker fitted on the real
rows. *IMP* divides the probability by that of a second checker, fitted on the synthetic rows.
"""

# %%
# The rows are recorded; the embedded model wrote them.

import matplotlib.pyplot as plt
import numpy as np

from sklw import LLMOverSampler, RecordedGenerator, SyntheticWeighter
from sklw.datasets import load_maintenance_requests

X, y = load_maintenance_requests(return_X_y=True)
records = RecordedGenerator("rewritten_requests.csv", parent_column="parent")
sampler = LLMOverSampler(generator=records, on_shortfall="ignore", verbose=False)
X_all, y_all = sampler.fit_resample(X, y)

weighters = {}
for method in ("uniform", "quality", "imp"):
    weighter = SyntheticWeighter(method, random_state=0)
    weighter.fit(X_all, y_all, sampler.synthetic_mask_, sampler.parent_indices_)
    weighters[method] = weighter

# %%
# Quality and IMP agree on most rows. IMP raises the weights of rows that differ from the other
# synthetic rows, but some of these differ because their label is wrong.

synthetic = sampler.synthetic_mask_
quality, imp = (weighters[name].sample_weight_[synthetic] for name in ("quality", "imp"))
_, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
axes[0].hist([quality, imp], bins=20, label=["quality", "imp"])
axes[0].set(xlabel="weight", ylabel="synthetic rows")
axes[0].legend()
axes[1].scatter(quality, imp, s=8)
axes[1].axline((0, 0), slope=1, color="black", linewidth=0.8)
axes[1].set(xlabel="quality", ylabel="imp")
plt.show()
{name: round(weighter.effective_sample_size_, 1) for name, weighter in weighters.items()}

# %%
# These are the rows on which the two differ most:

texts = X_all[synthetic]
for row in np.argsort(imp - quality)[[0, 1, -2, -1]]:
    print(f"quality {quality[row]:.2f}, imp {imp[row]:.2f}: {texts[row][:100]}")

# %%
# Finally, we compare the scores with 40 hazards to learn from, five times. TF-IDF instead of
# embeddings keeps this quick.

import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split

from sklw import make_pipeline

checker = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10))
scores = []
for seed in range(5):
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=seed)
    keep = np.r_[np.flatnonzero(y_train == "hazard")[:40], np.flatnonzero(y_train == "routine")]
    pipelines = {
        "class weights": make_pipeline(
            TfidfVectorizer(), LogisticRegression(class_weight="balanced")
        )
    }
    for method in weighters:
        pipelines[method] = make_pipeline(
            sampler,
            SyntheticWeighter(method, checker=checker, class_weight="balanced", random_state=0),
            TfidfVectorizer(),
            LogisticRegression(),
        )
    scores.append(
        {
            name: f1_score(
                y_test, pipe.fit(X_train[keep], y_train[keep]).predict(X_test), average="macro"
            )
            for name, pipe in pipelines.items()
        }
    )
pd.DataFrame(scores).agg(["mean", "std"]).round(3)
