"""
Grid search over the weighting
==============================

Sampler, weighter and classifier form one estimator, so a single search can choose the method, how
much the synthetic rows count, and the regularization of the classifier.
"""

# %%
import tempfile

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from sklw import LLMOverSampler, RecordedGenerator, SyntheticWeighter, make_pipeline
from sklw.datasets import load_maintenance_requests

X, y = load_maintenance_requests(return_X_y=True)
records = RecordedGenerator("rewritten_requests.csv", parent_column="parent")
checker = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10))
folder = tempfile.TemporaryDirectory()
pipe = make_pipeline(
    LLMOverSampler(generator=records, on_shortfall="ignore", verbose=False),
    SyntheticWeighter(checker=checker, class_weight="balanced", random_state=0),
    TfidfVectorizer(),
    LogisticRegression(),
    memory=folder.name,
)
grid = GridSearchCV(
    pipe,
    {
        "syntheticweighter__method": ["uniform", "quality", "imp"],
        "syntheticweighter__synthetic_weight": [0.1, 0.3, 1.0],
        "logisticregression__C": [1, 10],
    },
    scoring="f1_macro",
    cv=StratifiedKFold(3, shuffle=True, random_state=0),
)
grid.fit(X, y)
grid.best_params_

# %%
# ``memory=`` keeps the results of the sampler and the weighter for each fold, so that they are
# fitted only once for all candidates that share their settings. The folds contain only real rows:
# synthetic rows are added to each training set, except for those whose parent is in the test fold.
# With a language model instead of the records, ``cache=True`` would send each distinct request only
# once in the whole search.

import matplotlib.pyplot as plt
import pandas as pd

results = pd.DataFrame(grid.cv_results_)
table = results.pivot_table(
    "mean_test_score",
    "param_syntheticweighter__method",
    "param_syntheticweighter__synthetic_weight",
    aggfunc="max",
)
_, ax = plt.subplots(figsize=(5, 2.8), layout="constrained")
image = ax.imshow(table.to_numpy(dtype=float))
ax.set_xticks(range(3), table.columns)
ax.set_yticks(range(3), table.index)
ax.set(xlabel="synthetic_weight", ylabel="method")
for (row, column), score in np.ndenumerate(table.to_numpy(dtype=float)):
    ax.text(column, row, f"{score:.3f}", ha="center", va="center", color="white")
plt.colorbar(image, label="macro-F1")
plt.show()

# %%
# How reliable is the result?
# ---------------------------
# The best scores differ by less than their spread over the folds, so do not read much into the
# winner.

folder.cleanup()
results.nlargest(4, "mean_test_score")[["mean_test_score", "std_test_score"]].round(3)
