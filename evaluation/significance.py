"""Whether the difference between two models is more than chance: paired over users."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from domain.arrays import Floats

N_RESAMPLES = 10_000
CONFIDENCE = 0.95
MOST_GROUPS = 5_000
CHUNK_ENTRIES = 2**21


@dataclass(frozen=True)
class Comparison:
    """How much better model a is than model b, on the users that both have a value for."""

    n_users: int
    difference: float  # mean of a - b; NaN without users
    low: float  # ends of the 95 % interval of that mean; NaN with fewer than two users
    high: float
    p_value: float  # two-sided, that it is 0; above 0, and 1 where nothing can be told


def paired_difference(a: Floats, b: Floats, *, seed: int = 0) -> Comparison:
    """Compare per-user values (U,) of two models, user by user.

    The interval is the percentile bootstrap's, over users. The p-value is that of the sign-flip
    permutation test on the mean: how often is a mean as far from 0, were each user's difference as
    likely to be the other way round. Both from 10,000 resamples, the same for the same seed.

    Users in whom `a` or `b` is not finite are left out. Without users there is nothing to tell
    (NaN, p = 1); one user has a difference, but no interval (NaN, p = 1); where all differences
    are 0, the interval is [0, 0] and p = 1. More than 5,000 users are resampled in 5,000 groups of
    users put together by lot: still a valid test, since flipping a group flips each of its users,
    and with so many groups as good as the same figures, at a cost that no longer grows.

    Source: Efron and Tibshirani 1993, "An introduction to the bootstrap"; Phipson and Smyth 2010,
    "Permutation p-values should never be zero", for counting the observed mean among the resampled.
    """
    both = np.isfinite(a) & np.isfinite(b)
    differences = a[both] - b[both]
    n = len(differences)
    if n == 0:
        return Comparison(n_users=0, difference=np.nan, low=np.nan, high=np.nan, p_value=1.0)
    difference = float(differences.mean())
    if n == 1:
        return Comparison(n_users=1, difference=difference, low=np.nan, high=np.nan, p_value=1.0)
    rng = np.random.default_rng(seed)
    sums, sizes = _grouped(differences, rng)
    low, high = _bootstrap_interval(sums, sizes, rng)
    return Comparison(n, difference, low, high, _sign_flip_p_value(sums, rng))


def _grouped(differences: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """The sum and the number of the differences in each of n, or at most 5,000, groups."""
    n = len(differences)
    if n <= MOST_GROUPS:
        return differences, np.ones(n)
    group = rng.permutation(np.arange(n) % MOST_GROUPS)
    sizes = np.bincount(group).astype(np.float64)
    return np.bincount(group, weights=differences).astype(np.float64), sizes


def _bootstrap_interval(
    sums: Floats, sizes: Floats, rng: np.random.Generator
) -> tuple[float, float]:
    means = []
    for n_rows in _chunks(len(sums)):
        drawn = rng.integers(0, len(sums), size=(n_rows, len(sums)))  # (c, n)
        means.append(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail])
    return float(low), float(high)


def _sign_flip_p_value(sums: Floats, rng: np.random.Generator) -> float:
    # Sums that are equal but for the order of addition must count as equal.
    observed = abs(sums.sum()) - 1e-12 * np.abs(sums).sum()
    n_as_far = 0
    for n_rows in _chunks(len(sums)):
        kept = rng.integers(0, 2, size=(n_rows, len(sums)), dtype=np.int8)  # (c, n)
        flipped = 2 * (kept @ sums) - sums.sum()  # (c,)
        n_as_far += int(np.count_nonzero(np.abs(flipped) >= observed))
    return (n_as_far + 1) / (N_RESAMPLES + 1)


def _chunks(n: int) -> Iterator[int]:
    """Resamples to make at a time, so that their draws from `n` fit in bounded memory."""
    most = max(1, CHUNK_ENTRIES // n)
    for start in range(0, N_RESAMPLES, most):
        yield min(most, N_RESAMPLES - start)
