"""
Contrast and other prompts
==========================

A prompt decides which real texts the model sees. ``"examples"`` shows texts of the class alone,
``"contrast"`` adds the most similar texts of other classes, and ``"rewrite"`` shows one text and
asks for the same kind of text with other details.
"""

# %%
# What a model is sent
# --------------------
# To see the prompts without a model, we write a small generator that only records its requests. A
# generator of your own need not do more than this one.

import numpy as np

from sklw import LLMOverSampler
from sklw.datasets import load_maintenance_requests
from sklw.generators import BaseGenerator, Completion
from sklw.over_sampling import Contrast, Examples, Rewrite

requests = load_maintenance_requests()
y = requests.target
keep = np.r_[np.flatnonzero(y == "hazard")[:30], np.flatnonzero(y == "routine")[:60]]
X, y = requests.data[keep], y[keep]


class Notebook(BaseGenerator):
    """Write down each prompt and answer with a text of no interest."""

    prompt_form = "chat"

    def iter_generate(self, requests):
        for number, request in enumerate(requests):
            self.prompt_ = request.prompt
            yield number, Completion(f"There is smoke in hallway {number} of the building.")


settings = {
    "task": requests.task,
    "label_descriptions": requests.label_descriptions,
    "random_state": 0,
    "verbose": False,
}
for prompt in (Examples(n_examples=3), Contrast(n_examples=3)):
    sampler = LLMOverSampler(
        Notebook(),
        prompt=prompt,
        sampling_strategy={"hazard": 31},
        on_shortfall="ignore",
        **settings,
    )
    sampler.fit_resample(X, y)
    print(f"=== {prompt}")
    for role, content in sampler.generator_.prompt_:
        print(f"[{role}] {content}\n")

# %%
# What the embedded model writes
# ------------------------------
# Models with less than a billion parameters get the prompt as a list to continue.
# ``diversity_report`` compares the texts with the real ones. *Label agreement* is how often a
# classifier of the real texts agrees with the label.

import pandas as pd

from sklw.inspection import diversity_report

prompts = {"examples": Examples(n_examples=3), "contrast": Contrast(n_examples=3)}
reports = {}
for name, prompt in {**prompts, "rewrite": Rewrite()}.items():
    sampler = LLMOverSampler(prompt=prompt, sampling_strategy={"hazard": 38}, **settings)
    X_all, y_all = sampler.fit_resample(X, y)
    report = diversity_report(X_all, y_all, sampler.synthetic_mask_, sampler.parent_indices_)
    reports["real texts"] = report.loc[("hazard", "real")]
    reports[name] = report.loc[("hazard", "synthetic")]
    print(f"{name}: {X_all[-1]}")

shown = pd.DataFrame(reports).T[["words", "distinct_2", "distance_to_real", "label_agreement"]]
shown.round(2)

# %%
import matplotlib.pyplot as plt

axes = shown.iloc[::-1].plot.barh(
    subplots=True, sharex=False, layout=(1, 4), legend=False, figsize=(10, 2.4)
)
for ax, title in zip(axes.flat, shown, strict=True):
    ax.set_title(title.replace("_", " "), fontsize=10)
axes.flat[0].figure.tight_layout()
plt.show()

# %%
# With so few texts, the differences are noise. The :doc:`benchmark of prompts </prompts_benchmark>`
# uses enough of them: for a model this small, checking the answers is worth more than any prompt.
