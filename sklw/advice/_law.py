"""The law by which a score grows with the rows of a class."""

import numpy as np

__all__ = ["continued"]

# A prior that is flat over shapes: how steep, when half-way (in rows), and how far it goes.
_STEEPNESS = np.array([0.3, 0.5, 0.7, 1.0])
_HALF_WAY = np.geomspace(0.1, 1000, 33)
_REACHED = np.linspace(0.05, 1, 20)


def continued(
    sizes: np.ndarray,
    scores: np.ndarray,
    wanted: np.ndarray,
    *,
    noise: float,
    n_draws: int,
    rng: np.random.RandomState,
) -> np.ndarray:
    """Draw continuations of a learning curve that starts at 0 rows.

    The law is ``start + reached * (1 - start) / (1 + (half_way / n) ** steepness)``: in the end a
    power law below a bound, which alone would miss the start. All its curves are weighted by how
    well they fit the measured scores, given how these vary together over the bootstrap.

    Parameters
    ----------
    sizes : ndarray of shape (n_sizes,)
        Numbers of rows, the first of them 0.
    scores : ndarray of shape (1 + n_bootstrap, n_sizes)
        Measured, then resampled scores.
    wanted : ndarray of shape (n_wanted,)
        Numbers of rows to continue to.
    noise : float
        Deviation of a single score that the bootstrap does not show.

    Returns
    -------
    drawn : ndarray of shape (n_draws, n_wanted)
        Scores by curves of the law, drawn by their weight.
    """
    start = scores[0, 0]
    parts = np.meshgrid(_STEEPNESS, _HALF_WAY, _REACHED * (1 - start), indexing="ij")
    steepness, half_way, reached = (part.ravel() for part in parts)

    def rise(at: np.ndarray) -> np.ndarray:
        return reached / (1 + (half_way / at[:, None]) ** steepness)

    rises = scores[:, 1:] - scores[:, :1]
    covariance = np.cov(rises[1:].T) + noise**2 * np.eye(len(sizes) - 1)
    missed = rises[0][:, None] - rise(sizes[1:])
    log_weight = -0.5 * (missed * np.linalg.solve(covariance, missed)).sum(axis=0)
    weight = np.exp(log_weight - log_weight.max())
    drawn = rng.choice(len(weight), n_draws, p=weight / weight.sum())
    return start + rise(wanted)[:, drawn].T
