"""
Rows that you already have
==========================

Synthetic rows are often generated elsewhere and paid for once. ``RecordedGenerator`` supplies them
to ``LLMOverSampler``, so that the rest of the pipeline and cross-validation stay the same.
"""

# %%
# These rows were written by the embedded model with ``prompt="rewrite"``: each is made from one
# real text, its *parent*.

import pandas as pd

rows = pd.read_csv("rewritten_requests.csv")
rows.sample(4, random_state=1)

# %%
# Naming the column of the parent prevents a leak: in each fold, rows whose parent is a test row
# are left out.

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from sklw import LLMOverSampler, RecordedGenerator, make_pipeline
from sklw.datasets import load_maintenance_requests

X, y = load_maintenance_requests(return_X_y=True)
folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))
train, test = folds[0]
generator = RecordedGenerator(rows, parent_column="parent")
sampler = LLMOverSampler(generator=generator, on_shortfall="ignore", verbose=False)
X_all, y_all = sampler.fit_resample(X[train], y[train])
print("rows in the file:", (rows["label"] == "hazard").sum())
print("rows used:", sampler.synthetic_mask_.sum())

# %%
# How large would the leak be? We score the same classifier with and without the column of the
# parent on the same folds:

import matplotlib.pyplot as plt
from sklearn.model_selection import cross_val_score

scores = {"real rows only": make_pipeline(TfidfVectorizer(), LogisticRegression())}
for name, column in {"parents known": "parent", "parents unknown": None}.items():
    generator = RecordedGenerator(rows, parent_column=column)
    sampler = LLMOverSampler(generator=generator, on_shortfall="ignore", verbose=False)
    scores[name] = make_pipeline(sampler, TfidfVectorizer(), LogisticRegression())
scores = {
    name: cross_val_score(pipe, X, y, cv=folds, scoring="f1_macro") for name, pipe in scores.items()
}
_, ax = plt.subplots(figsize=(7, 2.4), layout="constrained")
ax.boxplot(list(scores.values()), orientation="horizontal", tick_labels=list(scores))
ax.set_xlabel("macro-F1 of each fold")
plt.show()
print({name: round(float(np.mean(values)), 3) for name, values in scores.items()})

# %%
# This weak generator strays so far from its source that hardly anything leaks. A strong generator
# that paraphrases would leak more.
