"""
How many rows? A scaling law
============================

The gain of synthetic rows falls off. ``synthetic_size_curve`` scores a pipeline at growing numbers
of them, with one run of the sampler for each split, and ``ScalingLaw`` fits a power law with
intervals.
"""

# %%
# A table of scikit-learn's, with 30 rows of the rare class. SMOTE writes the rows: the curve does
# not ask where they come from, and this way it costs nothing. ``LLMOverSampler`` takes its place
# unchanged.

import numpy as np
from imblearn.over_sampling import SMOTE
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import RepeatedStratifiedKFold

from sklw import SyntheticWeighter, make_pipeline
from sklw.scaling import ScalingLaw, synthetic_size_curve

X, y = load_breast_cancer(return_X_y=True)
keep = np.r_[np.flatnonzero(y == 0)[:30], np.flatnonzero(y == 1)]
X, y = X[keep], y[keep]
pipe = make_pipeline(
    SMOTE(random_state=0),
    SyntheticWeighter("uniform"),
    RandomForestClassifier(n_estimators=50, min_samples_leaf=2, random_state=0),
)
sizes, scores = synthetic_size_curve(
    pipe,
    X,
    y,
    sizes=[0, 12, 25, 50, 100, 200],
    cv=RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0),
)

# %%
# The scores are the negative balanced log-loss of held-out real rows, one for each size and
# split.

law = ScalingLaw(offset=len(X) / 10, random_state=0).fit(sizes, -scores)
print("recommended size:", law.recommended_size_)
print("gain from 100 to 200 rows:", law.gain(100, 200))
law.intervals_

# %%
import matplotlib.pyplot as plt

from sklw.inspection import ScalingLawDisplay

ScalingLawDisplay.from_losses(sizes, -scores, law=law, up_to=400)
plt.show()

# %%
# The exponent is known badly from six sizes; look at its interval before you extrapolate.
