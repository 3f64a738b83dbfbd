"""
Groups: balance and judge cells
===============================

In these training rows, nearly all patients with fast progression are men, so a classifier learns to
rely on the sex. ``group_column`` balances the cells of class and group, and ``sklw.metrics`` scores
each of them.
"""

# %%
# We create the imbalance by leaving rows out of the training half; the test rows are unchanged.

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
position = pd.Series(1, index=X_train.index).groupby([y_train, X_train["sex"]]).cumsum()
rare = ((y_train == "fast") & (X_train["sex"] == "female")) | (
    (y_train == "slow") & (X_train["sex"] == "male")
)
keep = (~rare | (position <= 8)).to_numpy()
X_train, y_train = X_train[keep], y_train[keep]
pd.crosstab(y_train, X_train["sex"].to_numpy())

# %%
# The rows for each cell are recorded; ``FineTunedGenerator()`` wrote them from the training half of
# this split. It saw rows that we have left out here, so this page shows how things work and does
# not measure a gain.

from sklw import LLMOverSampler, RecordedGenerator

records = RecordedGenerator(
    "diabetes_rows.csv", text_column=None, label_column="label", group_column="sex"
)
sampler = LLMOverSampler(
    generator=records, group_column="sex", on_shortfall="ignore", verbose=False
)
X_all, y_all = sampler.fit_resample(X_train, y_train)
pd.crosstab(y_all, sampler.groups_)

# %%
# ``class_weight="balanced"`` of the weighter balances the cells, since the sampler was given
# groups.

from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklw import SyntheticWeighter, make_pipeline

columns = make_column_transformer((OneHotEncoder(), ["sex"]), remainder=StandardScaler())
models = {
    "real rows only": make_pipeline(columns, LogisticRegression()),
    "class weights": make_pipeline(columns, LogisticRegression(class_weight="balanced")),
    "balanced cells": make_pipeline(
        sampler,
        columns,
        SyntheticWeighter("uniform", class_weight="balanced"),
        LogisticRegression(),
    ),
}

# %%
# The mean accuracy hides what happens in the rare cells.

import matplotlib.pyplot as plt

from sklw.metrics import group_accuracy

rows = {}
for name, model in models.items():
    predicted = model.fit(X_train, y_train).predict(X_test)
    hit = pd.Series(predicted == y_test)
    cells = [f"{label}, {sex}" for label, sex in zip(y_test, X_test["sex"], strict=True)]
    rows[name] = hit.groupby(cells).mean()
    worst = group_accuracy(y_test, predicted, groups=X_test["sex"], average="worst")
    print(f"{name}: accuracy {hit.mean():.2f}, worst cell {worst:.2f}")

pd.DataFrame(rows).plot.barh(figsize=(8, 3.4))
plt.xlabel("accuracy within the cell")
plt.tight_layout()
plt.show()
