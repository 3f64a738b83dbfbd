"""
Could more rows help at all?
============================

Before you pay for a language model, ``advise`` measures the score with class weights, balanced or
tuned, and how this score grows with the number of real rows of each class. It needs no language
model.
"""

# %%
# The data have forty hazards among the messages of tenants:

import numpy as np

from sklw import advise
from sklw.datasets import load_maintenance_requests

X, y = load_maintenance_requests(return_X_y=True)
keep = np.r_[np.flatnonzero(y == "hazard")[:40], np.flatnonzero(y == "routine")]
advice = advise(X[keep], y[keep], random_state=0)
print(advice)

# %%
# This is the learning curve behind the advice. Beyond the measured rows, it is extrapolated by a
# power law.

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
# These are the methods that need no new rows (the gray line is the best of them):

advice.methods.round(3)
