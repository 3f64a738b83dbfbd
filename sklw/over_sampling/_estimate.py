"""What a run would send and cost."""

from math import ceil

import numpy as np
import pandas as pd

from sklw.generators import Budget, RecordedGenerator
from sklw.generators._budget import longest_answer
from sklw.over_sampling._room import PROMPTS_LOOKED_AT
from sklw.over_sampling._run import GenerationRun

__all__ = ["estimated"]


def estimated(run: GenerationRun, budget: Budget) -> pd.DataFrame:
    """Count the requests and tokens of a run, expected and at most; the budget has the prices."""
    found = {"expected": np.zeros(3), "at most": np.zeros(3)}
    n_rows = run.rows.writer.n_rows
    # Of requests that show the same rows, an endpoint may be sent several as one.
    alike = min(
        getattr(run.generator, "samples_per_request", 1), run.rows.prompt.answers_per_prompt
    )
    for request in run.rows.questions(run.seed) if run.quotas else []:
        limit = longest_answer(run.generator, request.max_new_tokens)
        each = np.array([1, run.generator.count_tokens(request.prompt), limit])
        found["expected"] += each
        found["at most"] += each
    for quota in run.quotas:
        quota.beyond = True
        n_first = quota.next_requests(n_rows)
        looked_at = range(min(quota.max_requests, PROMPTS_LOOKED_AT))
        prompts = [run.generator.count_tokens(run.request(quota, at)[1].prompt) for at in looked_at]
        prompt = np.mean(prompts[:n_first])
        texts = run.rows.texts[quota.cell.positions]
        answer = n_rows * np.mean([run.generator.count_tokens(text) for text in texts])
        limit = longest_answer(run.generator, quota.max_new_tokens)
        a_name = np.minimum(_verdict(run, texts[0]), [np.inf, np.inf, 4])
        found["expected"] += n_first * n_rows * a_name
        found["at most"] += quota.max_requests * n_rows * _verdict(run, max(texts, key=len))
        calls = _n_calls(n_first, run.rows.prompt.answers_per_prompt, alike)
        thinking = getattr(run.generator, "thinking_tokens", 0)
        written = n_first * min(answer + thinking, limit)
        found["expected"] += np.array([calls, calls * prompt, written])
        found["at most"] += quota.max_requests * np.array([1, max(prompts), limit])
    if isinstance(run.generator, RecordedGenerator):  # nobody reads or writes these rows again
        found = {name: counts * [1, 0, 0] for name, counts in found.items()}
    rows = {
        name: dict(zip(["requests", "prompt_tokens", "completion_tokens"], counts, strict=True))
        for name, counts in ((name, np.rint(n).astype(int)) for name, n in found.items())
    }
    for row in rows.values():
        row["cost"] = budget.cost(row["prompt_tokens"], row["completion_tokens"])
    return pd.DataFrame.from_dict(rows, orient="index")


def _verdict(run: GenerationRun, text: str) -> np.ndarray:
    """Return what it takes to verify a text: requests, tokens read, and written at most."""
    found = np.zeros(3)
    for request in run.verifier.requests([text]) if run.verifier is not None else []:
        most = longest_answer(run.generator, request.max_new_tokens)
        found += [1, run.generator.count_tokens(request.prompt), most]
    return found


def _n_calls(n_requests: int, per_prompt: int, at_once: int) -> int:
    """Return how many times an endpoint is called for requests that are alike in part."""
    whole, rest = divmod(n_requests, per_prompt)
    return whole * ceil(per_prompt / at_once) + ceil(rest / at_once)
