"""
Never pay twice: cache and budget
=================================

A search fits the sampler many times. With ``cache=``, each distinct request is sent only once,
however often it is needed. With ``budget=``, generation ends before it costs too much.
"""

# %%
# To see what is sent, we count the calls of a generator that stands in for a paid model. It answers
# each request with the words of a recorded row, in an order that depends on the seed of the
# request.

import tempfile

import numpy as np
import pandas as pd

from sklw.generators import BaseGenerator, Completion

rows = pd.read_csv("rewritten_requests.csv").query("label == 'hazard'")["text"].tolist()
sent = []


class PaidModel(BaseGenerator):
    """Count the requests and answer with shuffled sentences."""

    prompt_form = "chat"

    def iter_generate(self, requests):
        for number, request in enumerate(requests):
            sent.append(request)
            rng = np.random.default_rng(request.seed)
            words = rows[rng.integers(len(rows))].split()
            yield number, Completion(" ".join(rng.permutation(words)), 200, len(words))


# %%
# A grid search
# -------------
# With six candidates, two folds and the final fit, the sampler is fitted 13 times.

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from sklw import LLMOverSampler, SyntheticWeighter, make_pipeline
from sklw.datasets import load_maintenance_requests

X, y = load_maintenance_requests(return_X_y=True)
folder = tempfile.TemporaryDirectory()
checker = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10))


def search(cache):
    """Return how many requests a search sends."""
    sent.clear()
    pipe = make_pipeline(
        LLMOverSampler(
            PaidModel(),
            sampling_strategy=0.5,
            cache=cache,
            on_shortfall="ignore",
            random_state=0,
            verbose=False,
        ),
        SyntheticWeighter(checker=checker, random_state=0),
        TfidfVectorizer(),
        LogisticRegression(),
    )
    candidates = {
        "syntheticweighter__method": ["uniform", "quality"],
        "syntheticweighter__synthetic_weight": [0.1, 0.3, 1],
    }
    GridSearchCV(pipe, candidates, cv=2, scoring="f1_macro").fit(X, y)
    return len(sent)


counts = {
    "without a cache": search(None),
    "with a cache": search(f"{folder.name}/answers.sqlite"),
    "once more": search(f"{folder.name}/answers.sqlite"),
}
counts

# %%
import matplotlib.pyplot as plt

_, ax = plt.subplots(figsize=(7, 2), layout="constrained")
ax.bar_label(ax.barh(list(counts)[::-1], list(counts.values())[::-1]), padding=3)
ax.set_xlabel("requests sent")
plt.show()

# %%
# A budget
# --------
# ``estimate`` says beforehand what a fit would cost. A budget ends generation before the limit is
# exceeded, with a warning, and the fit keeps the rows that it has so far.

import warnings

from sklw.generators import Budget

sampler = LLMOverSampler(
    PaidModel(),
    budget=Budget(max_cost=0.002, prompt_price=0.15, completion_price=0.60),
    random_state=0,
    verbose=False,
)
print(sampler.estimate(X, y))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    X_all, y_all = sampler.fit_resample(X, y)
print(caught[0].message)
print(sampler.usage_)
folder.cleanup()
