"""
Tables with columns of several types
====================================

``LLMOverSampler`` writes whole rows of a data frame, with numbers, categories, dates and texts.
Training a model on the rows takes minutes, so this example uses recorded rows.
``FineTunedGenerator()`` wrote them, the embedded model trained on exactly the training rows of this
page.
"""

# %%
# Half of the diabetes patients are for training. The label *fast* means that the progression is
# among the fastest third.

import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

bunch = load_diabetes(as_frame=True, scaled=False)
frame = pd.DataFrame(
    {
        "age": bunch.data["age"].astype(int),
        "sex": bunch.data["sex"].map({1: "female", 2: "male"}),
        "bmi": bunch.data["bmi"].round(1),
        "pressure": bunch.data["bp"].round().astype(int),
        "triglycerides": bunch.data["s5"].round(2),
        "glucose": bunch.data["s6"].astype(int),
    }
)
y = np.where(bunch.target > 200, "fast", "slow")
X_train, X_test, y_train, y_test = train_test_split(
    frame, y, test_size=0.5, stratify=y, random_state=0
)
X_train.head(3)

# %%
# ``text_column=None`` says that the records are rows of a table. To train the model yourself, use
# ``FineTunedGenerator(random_state=0)`` instead; nothing else changes.

from sklw import LLMOverSampler, RecordedGenerator

records = RecordedGenerator("diabetes_rows.csv", text_column=None, label_column="label")
sampler = LLMOverSampler(generator=records, random_state=0, verbose=False)
X_all, y_all = sampler.fit_resample(X_train, y_train)
assert (X_all.dtypes == X_train.dtypes).all()
X_all[sampler.synthetic_mask_].head(3)

# %%
# Each candidate was checked against the type, the known categories and the observed range of each
# column.

sampler.provenance_["reason"].where(~sampler.provenance_["accepted"], "accepted").value_counts()

# %%
# Do the synthetic rows lie where the real ones do?

import matplotlib.pyplot as plt

real = X_train[y_train == "fast"]
made = X_all[sampler.synthetic_mask_]
_, axes = plt.subplots(1, 3, figsize=(10, 3), layout="constrained")
for ax, column in zip(axes, ["bmi", "pressure", "triglycerides"], strict=True):
    for name, rows in {"real": real, "synthetic": made}.items():
        values = np.sort(rows[column].to_numpy(dtype=float))
        ax.plot(values, np.arange(1, len(values) + 1) / len(values), label=name)
    ax.set_xlabel(column)
axes[0].set_ylabel('share of the "fast" rows')
axes[0].legend()
plt.show()

# %%
# In a pipeline, a ``ColumnTransformer`` stands between the sampler and the weighter. The
# baselines are class weights and SMOTENC.

from imblearn.over_sampling import SMOTENC
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.preprocessing import OneHotEncoder

from sklw import SyntheticWeighter, make_pipeline
from sklw.metrics import balanced_log_loss

columns = make_column_transformer((OneHotEncoder(), ["sex"]), remainder="passthrough")
forest = RandomForestClassifier(min_samples_leaf=3, random_state=0)
balanced = RandomForestClassifier(min_samples_leaf=3, class_weight="balanced", random_state=0)
pipelines = {
    "real rows only": make_pipeline(columns, forest),
    "class weights": make_pipeline(columns, balanced),
    "SMOTENC": make_pipeline(SMOTENC(["sex"], random_state=0), columns, forest),
    "LLM rows": make_pipeline(sampler, columns, forest),
    "LLM rows, weighted": make_pipeline(
        sampler, columns, SyntheticWeighter("imp", random_state=0), forest
    ),
}
losses = {}
for name, pipe in pipelines.items():
    pipe.fit(X_train, y_train)
    losses[name] = balanced_log_loss(y_test, pipe.predict_proba(X_test), labels=pipe[-1].classes_)
pd.Series(losses).round(3)
