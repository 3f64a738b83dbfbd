"""
How many rows? A scaling law
============================

Each further synthetic row gains less than the one before. ``synthetic_size_curve`` scores a
pipeline with growing numbers of them, with one run of the sampler for each split, and
``ScalingLaw`` fits a power law with intervals.
"""

# %%
# The data are three columns of a table from scikit-learn, with 30 rows of the rare class. The curve
# works with rows from any sampler, so we use SMOTE, which costs nothing. You can put
# ``LLMOverSampler`` in its place.

import numpy as np
from imblearn.over_sampling import SMOTE
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.preprocessing import StandardScaler

from sklw import SyntheticWeighter, make_pipeline
from sklw.scaling import ScalingLaw, synthetic_size_curve

X, y = load_breast_cancer(return_X_y=True)
keep = np.r_[np.flatnonzero(y == 0)[:30], np.flatnonzero(y == 1)]
X, y = X[keep][:, [0, 1, 4]], y[keep]  # mean radius, texture and smoothness
pipe = make_pipeline(
    SMOTE(random_state=0), SyntheticWeighter("uniform"), StandardScaler(), LogisticRegression()
)
sizes, scores = synthetic_size_curve(
    pipe,
    X,
    y,
    sizes=[0, 10, 20, 40, 80, 150, 215],
    cv=RepeatedStratifiedKFold(n_splits=3, n_repeats=5, random_state=0),
)

# %%
# The scores are the negative balanced log-loss of held-out real rows, one for each size and split.
# The offset accounts for the real rows: each training set has 20 of the rare class.

law = ScalingLaw(offset=20, random_state=0).fit(sizes, -scores)
print("recommended size:", law.recommended_size_)
print(f"gain of 430 rows over 215: {law.gain(215, 430):.3f}")
law.intervals_.round(2)

# %%
import matplotlib.pyplot as plt

from sklw.inspection import ScalingLawDisplay

ScalingLawDisplay.from_losses(sizes, -scores, law=law, up_to=430)
plt.show()

# %%
# The first 40 rows give nearly two thirds of the gain of 215 rows, and no number of such rows is
# expected to bring the loss below the floor. Do not read more than that into the law: with another
# ``offset``, it fits these points just as well, but with another exponent and another floor.

ScalingLaw(offset=40, random_state=0).fit(sizes, -scores).intervals_.round(2)
