"""
Weighting SMOTE's rows
======================

The weighter works with rows from any source. SMOTE, ADASYN and any other sampler of
imbalanced-learn that returns the real rows first can stand before it.
"""

# %%
# The two classes overlap, and the rare one has 20 rows. SMOTE generates rows on the lines between
# them, and some of these lines run right through the other class.

import numpy as np
from imblearn.over_sampling import SMOTE
from sklearn.datasets import make_moons

X, y = make_moons(400, noise=0.35, random_state=0)
rng = np.random.default_rng(1)
keep = np.r_[np.flatnonzero(y == 0), rng.permutation(np.flatnonzero(y == 1))[:20]]
X_train, y_train = X[keep], y[keep]
X_test, y_test = make_moons(4000, noise=0.35, random_state=1)

# %%
# The checker is any classifier with ``predict_proba``; it is fitted on the real rows.

from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier

from sklw import SyntheticWeighter, make_pipeline

checker = KNeighborsClassifier(15, weights="distance")
pipe = make_pipeline(
    SMOTE(random_state=0),
    SyntheticWeighter("quality", checker=checker, class_weight="balanced", random_state=0),
    RandomForestClassifier(min_samples_leaf=5, random_state=0),
)
pipe.fit(X_train, y_train)
weighter = pipe[1]

# %%
# The larger a SMOTE point, the larger its weight.

import matplotlib.pyplot as plt

X_all, y_all = SMOTE(random_state=0).fit_resample(X_train, y_train)
made = weighter.synthetic_mask_
weights = weighter.sample_weight_[made]
_, ax = plt.subplots(figsize=(6.5, 4.5), layout="constrained")
ax.scatter(*X_train[y_train == 0].T, s=8, color="lightgray", label="common, real")
ax.scatter(*X_all[made].T, s=30 * weights / weights.mean(), alpha=0.5, label="rare, SMOTE")
ax.scatter(*X_train[y_train == 1].T, s=25, color="black", marker="x", label="rare, real")
ax.legend()
plt.show()

# %%
# Does it help? Here as elsewhere, class weights are the baseline.

from sklearn.metrics import balanced_accuracy_score

models = {
    "class weights": RandomForestClassifier(
        min_samples_leaf=5, class_weight="balanced", random_state=0
    ),
    "SMOTE": make_pipeline(
        SMOTE(random_state=0), RandomForestClassifier(min_samples_leaf=5, random_state=0)
    ),
    "SMOTE, weighted": pipe,
}
for name, model in models.items():
    score = balanced_accuracy_score(y_test, model.fit(X_train, y_train).predict(X_test))
    print(f"{name}: {score:.3f}")

# %%
# It does not: SMOTE's rows lie between real ones, so most of them look like their label to the
# checker and get nearly equal weights. Differences as small as these may be chance. Rows of a
# language model stray further, and for those, weights make a difference.
