"""
Could more rows help at all?
============================

Before anyone pays a language model, ``advise`` measures what class weights give, balanced or tuned
for the score, and how the score grows with the real rows of each class. It needs no language model.
"""

# %%
# Forty hazards among the messages of tenants:

import numpy as np

from sklw import advise
from sklw.datasets import load_maintenance_requests

X, y = load_maintenance_requests(return_X_y=True)
keep = np.r_[np.flatnonzero(y == "hazard")[:40], np.flatnonzero(y == "routine")]
advice = advise(X[keep], y[keep], random_state=0)
print(advice)

# %%
# The curve behind the sentence. Rows beyond those measured are a power law's continuation.

import matplotlib.pyplot as plt

curve = advice.curves.query("label == 'hazard'")
measured = curve[curve["measured"]]
_, ax = plt.subplots(figsize=(6.5, 3), layout="constrained")
ax.plot(curve["n_rows"], curve["score"], "--", label="continued")
ax.plot(measured["n_rows"], measured["score"], "o", label="measured")
ax.axhline(advice.methods["score"].max(), color="gray", linewidth=0.8)
ax.set(xlabel="real rows of the class", ylabel=advice.scoring.replace("_", " "))
ax.legend()
plt.show()

# %%
# What needs no new rows (the gray line is the best of these):

advice.methods.round(3)
