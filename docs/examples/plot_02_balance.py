"""
Balance a corpus with the embedded model
========================================

This example calls ``fit_resample`` without a pipeline. It shows what is returned, why candidates
were rejected, and how to look at the rows before you train on them.
"""

# %%
# A number as ``sampling_strategy`` is a share of the largest class. ``max_attempts`` limits how
# often a rejected candidate is replaced.

import matplotlib.pyplot as plt
import numpy as np

from sklw import LLMOverSampler
from sklw.datasets import load_maintenance_requests

requests = load_maintenance_requests()
y = requests.target
keep = np.r_[np.flatnonzero(y == "hazard")[:20], np.flatnonzero(y == "routine")[:80]]
X, y = requests.data[keep], y[keep]

sampler = LLMOverSampler(
    sampling_strategy=0.6,
    task=requests.task,
    label_descriptions=requests.label_descriptions,
    random_state=0,
    verbose=False,
)
X_all, y_all = sampler.fit_resample(X, y)

# %%
# The real rows come first and are unchanged.

assert (X_all[: len(X)] == X).all()
synthetic = sampler.synthetic_mask_
print(*X_all[synthetic][:4], sep="\n")

# %%
# Every candidate is in ``provenance_``, with the real rows that its prompt showed and the
# verdict.

provenance = sampler.provenance_
provenance[["text", "label", "accepted", "reason", "parents"]].head()

# %%
# Read what was rejected before you change a filter.

for reason, rows in provenance.query("not accepted").groupby("reason"):
    print(f"{reason}: {rows['text'].iloc[0][:90]!r}")

# %%
# Finally, we print what the model was asked for and plot what became of the candidates:

print(sampler.usage_)
_, axes = plt.subplots(1, 2, figsize=(9, 2.8), layout="constrained")
classes = np.unique(y)
real = [np.sum(y == label) for label in classes]
made = [np.sum(y_all[synthetic] == label) for label in classes]
axes[0].barh(classes, real, label="real")
axes[0].barh(classes, made, left=real, label="synthetic")
axes[0].legend()
axes[0].set_xlabel("rows")
verdicts = provenance["reason"].where(~provenance["accepted"], "accepted").value_counts()
axes[1].barh(verdicts.index, verdicts)
axes[1].set_xlabel("candidates")
plt.show()
