"""The sampler against a sort-based reference."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

# Private: whether draws follow a distribution is seen on logits of known probabilities.
from sklw.generators._decoding.sampling import SamplingSettings, sample_tokens, seed_state


def reference(logits, settings):
    """Return the distribution that sorting gives, as text books describe it."""
    scaled = np.asarray(logits, dtype=np.float64) / settings.temperature
    p = np.exp(scaled - scaled.max())
    p /= p.sum()
    if settings.top_k is not None and settings.top_k < len(p):
        p = np.where(p >= np.sort(p)[-settings.top_k], p, 0)
        p /= p.sum()
    order = np.argsort(-p, kind="stable")
    before = np.concatenate([[0], np.cumsum(p[order])[:-1]])
    keep = np.zeros(len(p), dtype=bool)
    keep[order] = before < settings.top_p
    # Equally likely tokens are kept together.
    keep = p >= p[keep].min()
    if settings.min_p is not None:
        keep &= p >= settings.min_p * p.max()
    p = np.where(keep, p, 0)
    return p / p.sum()


def draw(logits, settings, n, first_seed=0, step=0):
    rows = torch.tensor(np.asarray(logits), dtype=torch.float32).expand(n, -1)
    states = [seed_state(first_seed + i) for i in range(n)]
    return sample_tokens(rows, states, [step] * n, settings).numpy()


@st.composite
def cases(draw):
    # Steps of a quarter make ties likely.
    logits = [x / 4 for x in draw(st.lists(st.integers(-24, 24), min_size=2, max_size=600))]
    return logits, SamplingSettings(
        temperature=draw(st.sampled_from([0.5, 1.0, 1.7])),
        top_p=draw(st.sampled_from([0.1, 0.31, 0.5, 0.77, 0.95, 1.0])),
        top_k=draw(st.sampled_from([None, 1, 3, 50])),
        min_p=draw(st.sampled_from([None, 0.013, 0.2])),
    )


@settings(max_examples=60, deadline=None)
@given(cases())
def test_draws_lie_in_the_nucleus(case):
    logits, sampling = case
    # A hair more and less of top_p: masses on the very edge may round either way.
    wide = [
        reference(logits, SamplingSettings(**{**vars(sampling), "top_p": top_p}))
        for top_p in (sampling.top_p, min(sampling.top_p + 1e-5, 1.0))
    ]
    drawn = draw(logits, sampling, 64)
    assert ((wide[0][drawn] > 0) | (wide[1][drawn] > 0)).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    "sampling",
    [
        SamplingSettings(),
        SamplingSettings(temperature=0.6),
        SamplingSettings(top_p=0.9),
        SamplingSettings(top_p=0.3),
        SamplingSettings(top_p=0.8, top_k=9),
        SamplingSettings(top_p=0.95, min_p=0.1, temperature=1.5),
    ],
    ids=str,
)
def test_draws_follow_the_renormalised_distribution(sampling):
    logits = np.random.default_rng(0).normal(size=300) * 2
    expected = reference(logits, sampling)
    counts = np.bincount(draw(logits, sampling, 20_000), minlength=300)
    assert counts[expected == 0].sum() == 0
    # Rare tokens go together: the chi-square test wants five of each.
    rare = expected * 20_000 < 5
    observed = [*counts[~rare], counts[rare].sum()]
    wanted = [*expected[~rare] * 20_000, expected[rare].sum() * 20_000]
    kept = [i for i, w in enumerate(wanted) if w > 0]
    assert stats.chisquare([observed[i] for i in kept], [wanted[i] for i in kept]).pvalue > 1e-3


def test_a_row_does_not_depend_on_the_others():
    logits = torch.randn(40, 50_257, generator=torch.Generator().manual_seed(0)) * 3
    states = [seed_state(i) for i in range(40)]
    steps = list(range(40))
    sampling = SamplingSettings(top_p=0.6, temperature=1.3)
    together = sample_tokens(logits, states, steps, sampling)
    for rows in ([0], [7, 3], list(range(39, 0, -3))):
        alone = sample_tokens(
            logits[rows], [states[r] for r in rows], [steps[r] for r in rows], sampling
        )
        assert alone.tolist() == together[rows].tolist()


def test_temperature_zero_takes_the_most_likely():
    logits = torch.randn(5, 99)
    drawn = sample_tokens(logits, [0] * 5, [0] * 5, SamplingSettings(temperature=0))
    assert drawn.tolist() == logits.argmax(-1).tolist()


def test_seeds_and_steps_are_unrelated_streams():
    flat = np.zeros(256)
    sampling = SamplingSettings()
    by_seed = draw(flat, sampling, 8192)
    by_step = sample_tokens(
        torch.zeros(8192, 256), [seed_state(5)] * 8192, range(8192), sampling
    ).numpy()
    for drawn in (by_seed, by_step):
        assert stats.chisquare(np.bincount(drawn, minlength=256)).pvalue > 1e-3
    assert (draw(flat, sampling, 500, step=0) == draw(flat, sampling, 500, step=1)).mean() < 0.03


def test_a_certain_token_is_drawn_and_an_impossible_one_never():
    logits = torch.full((50, 700), -torch.inf)
    logits[:, 699] = 0
    drawn = sample_tokens(logits, range(50), range(50), SamplingSettings(top_p=0.5))
    assert drawn.tolist() == [699] * 50


def test_large_seeds_are_taken_and_negative_ones_refused():
    assert seed_state(2**127) != seed_state(2**127 + 1)
    with pytest.raises(ValueError, match="non-negative"):
        seed_state(-1)
