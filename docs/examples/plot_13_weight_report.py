"""
Why did this row get this weight?
=================================

``WeightDisplay`` draws the weights, and ``report`` lists the rows with the reason for each.
"""

# %%
import matplotlib.pyplot as plt

from sklw import LLMOverSampler, RecordedGenerator, SyntheticWeighter, WeightDisplay
from sklw.datasets import load_maintenance_requests

X, y = load_maintenance_requests(return_X_y=True)
records = RecordedGenerator("rewritten_requests.csv", parent_column="parent")
sampler = LLMOverSampler(
    generator=records, sampling_strategy=0.9, augment=60, on_shortfall="ignore", verbose=False
)
X_all, y_all = sampler.fit_resample(X, y)
weighter = SyntheticWeighter(random_state=0)
weighter.fit(X_all, y_all, sampler.synthetic_mask_, sampler.parent_indices_)

# %%
# The left figure shows the weights by class, the right one how they depend on the checker's
# probability:

_, axes = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
WeightDisplay.from_estimator(weighter, X_all, y_all, kind="class", ax=axes[0])
WeightDisplay.from_estimator(weighter, X_all, y_all, kind="quality", ax=axes[1])
plt.show()

# %%
# The report has a line for each row. ``to_html`` writes a page with the rows of the highest and
# lowest weights.

report = weighter.report(X_all, y_all, provenance=sampler.provenance_)
made = report.frame.query("synthetic").sort_values("weight")
made[["text", "label", "weight", "quality", "likeliest_class"]].iloc[[0, 1, -2, -1]].round(2)

# %%
report.summary.round(2)
