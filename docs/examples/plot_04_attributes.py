"""
Attributes
==========

A model that is asked the same thing again and again repeats itself. For each prompt, ``Attributes``
draws a new combination of attributes from your lists, from the length of a real text, or from lists
that the model itself proposes.
"""

# %%
# Pass one list for all classes, or a dict with a list for each. ``"match"`` asks for the length of
# a real text. (``"propose"`` would ask the model for a list first.)

import numpy as np

from sklw import LLMOverSampler
from sklw.datasets import load_maintenance_requests
from sklw.over_sampling import Attributes

requests = load_maintenance_requests()
y = requests.target
keep = np.r_[np.flatnonzero(y == "hazard")[:30], np.flatnonzero(y == "routine")[:60]]
X, y = requests.data[keep], y[keep]

attributes = {
    "place": ["kitchen", "stairwell", "basement", "balcony", "lift"],
    "danger": {"hazard": ["fire", "gas", "electricity", "falling parts", "water"]},
    "length": "match",
}
settings = {
    "sampling_strategy": {"hazard": 46},
    "task": requests.task,
    "label_descriptions": requests.label_descriptions,
    "max_attempts": 3,
    "on_shortfall": "ignore",
    "random_state": 0,
    "verbose": False,
}
sampler = LLMOverSampler(prompt=Attributes(attributes, n_examples=3), **settings)
X_all, y_all = sampler.fit_resample(X, y)
print(*X_all[sampler.synthetic_mask_][:5], sep="\n")

# %%
# Did the model follow them?
# --------------------------
# We count how often an accepted text names one of the places, with and without attributes.

import matplotlib.pyplot as plt

plain = LLMOverSampler(prompt="examples", **settings)
X_plain, _ = plain.fit_resample(X, y)


def naming(texts):
    """Return how often each place is named, for 100 texts."""
    places = attributes["place"]
    return [100 * np.mean([place in text.lower() for text in texts]) for place in places]


_, ax = plt.subplots(figsize=(7, 3), layout="constrained")
height = 0.27
for row, (name, texts) in enumerate(
    {
        "real": X[y == "hazard"],
        "examples": X_plain[plain.synthetic_mask_],
        "attributes": X_all[sampler.synthetic_mask_],
    }.items()
):
    ax.barh(np.arange(5) + (1 - row) * height, naming(texts), height, label=name)
ax.set_yticks(range(5), attributes["place"])
ax.set_xlabel("texts that name the place, for 100 texts")
ax.legend()
plt.show()

# %%
# The embedded model only continues what it sees and largely ignores attributes; the
# :doc:`benchmark </prompts_benchmark>` shows the cost. This prompt is meant for models that follow
# instructions.
