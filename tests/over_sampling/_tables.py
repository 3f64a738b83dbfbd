"""A table with a column of each kind."""

import numpy as np
import pandas as pd


def table(n=60, seed=0):
    """A frame with a column of each kind."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 90, n),
            "hours per week, usually": rng.normal(40, 9.3, n).round(1).astype("float32"),
            "work": pd.Categorical(
                rng.choice(["private", "state"], n), ["none", "state", "private"]
            ),
            "town": rng.choice(["Bern", "Basel-Stadt", "Chur"], n),
            "member": rng.random(n) < 0.4,
            "children": pd.array(rng.integers(0, 4, n), dtype="Int64"),
            "joined": pd.Timestamp("2021-03-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
            "seen": pd.to_datetime("2024-01-01", utc=True)
            + pd.to_timedelta(rng.integers(0, 10**6, n), "s"),
            "country": "CH",
        }
    )
    frame.loc[rng.random(n) < 0.2, "town"] = None
    frame.loc[rng.random(n) < 0.2, "children"] = pd.NA
    return frame, pd.Series(np.where(np.arange(n) < n // 4, "yes", "no"), name="bought")
