"""Paired tests and intervals of the difference between two models, over users."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.domain.arrays import Floats

N_RESAMPLES = 10_000
CONFIDENCE = 0.95
MAX_RESAMPLED_GROUPS = 5_000
CHUNK_ENTRIES = 2**21


@dataclass(frozen=True)
class Comparison:
    """Difference of model a from model b, on the users for whom both have a value."""

    n_users: int
    difference: float  # mean of a - b; NaN without users
    low: float  # ends of the interval of that mean; NaN with fewer than two users
    high: float
    p_value: float  # two-sided, that it is 0; above 0, and 1 with fewer than two users
    standard_error: float = float("nan")  # of the mean; NaN with fewer than two users
    t_p_value: float = 1.0  # two-sided, by the paired t-test: a check on `p_value`
    confidence: float = CONFIDENCE  # of the interval

    @property
    def spread(self) -> float:
        """Standard deviation of the differences over users."""
        return self.standard_error * float(np.sqrt(self.n_users))


@dataclass(frozen=True)
class Effort:
    """Amount of computation for a comparison."""

    resamples: int = N_RESAMPLES
    max_groups: int = MAX_RESAMPLED_GROUPS  # more users are resampled in so many groups


FULL_EFFORT = Effort()
QUICK_EFFORT = Effort(resamples=2_000, max_groups=500)  # for the many lines of a table


def paired_difference(
    a: Floats,
    b: Floats,
    *,
    seed: int = 0,
    confidence: float = CONFIDENCE,
    effort: Effort = FULL_EFFORT,
) -> Comparison:
    """Compare per-user values (U,) of two models, user by user.

    The interval is the percentile bootstrap's, over users. The p-value is that of the sign-flip
    permutation test on the mean: how often is a mean as far from 0, were each user's difference as
    likely to be the other way round. Both from 10,000 resamples, the same for the same seed. The
    paired t-test stands beside them as a check.

    Users in whom `a` or `b` is not finite are left out. Without users the result is NaN
    with p = 1; one user has a difference, but no interval (NaN, p = 1); where all differences
    are 0, the interval is [0, 0] and p = 1. More than 5,000 users are resampled in 5,000 groups of
    users, put together at random: still a valid test, since flipping a group flips each of its
    users, and with so many groups as good as the same figures, at a cost that no longer grows.

    Neither Wilcoxon's nor the sign test: they test medians or symmetry, and with the many ties and
    long tails of per-user values they find differences between models of equal mean.

    Source: Efron and Tibshirani 1993, "An introduction to the bootstrap"; Phipson and Smyth 2010,
    "Permutation p-values should never be zero", for counting the observed mean among the resampled.
    """
    differences = known_differences(a, b)
    n = len(differences)
    nan = float("nan")
    if n == 0:
        return Comparison(0, nan, nan, nan, 1.0, confidence=confidence)
    difference = float(differences.mean())
    if n == 1:
        return Comparison(1, difference, nan, nan, 1.0, confidence=confidence)
    if not differences.any():  # so with the same configuration, and a table has many such lines
        return Comparison(n, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, confidence)
    rng = np.random.default_rng(seed)
    sums, sizes = _grouped(differences, effort.max_groups, rng)
    low, high = _bootstrap_interval(sums, sizes, confidence, effort.resamples, rng)
    p_value = _sign_flip_p_value(sums, effort.resamples, rng)
    error = float(differences.std(ddof=1) / np.sqrt(n))
    t_p_value = float(min(1.0, 2 * min(_t_tail(differences), _t_tail(-differences))))
    return Comparison(n, difference, low, high, p_value, error, t_p_value, confidence)


def known_differences(a: Floats, b: Floats) -> Floats:
    """Return `a - b` of the users in whom both are finite.

    >>> known_differences(np.array([0.5, np.nan]), np.array([0.25, 1.0]))
    array([0.25])
    """
    both = np.isfinite(a) & np.isfinite(b)
    return np.asarray(a[both] - b[both])


def p_better(differences: Floats, *, minimum: float = 0.0, seed: int = 0) -> float:
    """Return the one-sided p-value that the mean of `differences` (U,) is at most `minimum`.

    It is the larger of the sign-flip permutation's and the paired t-test's, so that a promotion
    needs both; 1 with fewer than two users or where no difference exceeds the minimum.
    """
    if len(differences) < 2:
        return 1.0
    rng = np.random.default_rng(seed)
    sums, sizes = _grouped(differences, MAX_RESAMPLED_GROUPS, rng)
    permuted = p_values_better((sums - minimum * sizes)[None, :], seed=seed)[0]
    return float(max(permuted, _t_tail(differences - minimum)))


def p_values_better(differences: Floats, *, seed: int = 0, resamples: int = N_RESAMPLES) -> Floats:
    """Return `p_better` (S,) of S studies at once, (S, U), from the same sign flips for all."""
    n_studies, n_users = differences.shape
    rng = np.random.default_rng(seed)
    sums = differences.sum(axis=1)  # (S,)
    observed = sums - 1e-12 * np.abs(differences).sum(axis=1)
    n_as_far = np.zeros(n_studies)
    for n_rows in _chunks(max(n_users, n_studies), resamples):
        signs = rng.integers(0, 2, size=(n_rows, n_users), dtype=np.int8)  # (c, U)
        flipped = 2 * (signs @ differences.T) - sums  # (c, S)
        n_as_far += (flipped >= observed).sum(axis=0)
    return np.maximum((n_as_far + 1) / (resamples + 1), _t_tails(differences))


def lower_bound(differences: Floats, level: float) -> float:
    """Return a one-sided lower confidence bound of the mean of `differences` (U,).

    The true mean is below it with probability `level`: Student's bound; NaN with fewer than two
    users.

    Source: Student 1908, "The probable error of a mean".
    """
    n = len(differences)
    if n < 2:
        return float("nan")
    error = differences.std(ddof=1) / np.sqrt(n)
    return float(differences.mean() + scipy.special.stdtrit(n - 1, level) * error)


def _t_tail(differences: Floats) -> float:
    """Return `_t_tails` of one study (U,)."""
    return float(_t_tails(differences[None, :])[0])


def _t_tails(differences: Floats) -> Floats:
    """Return one-sided p-values (S,) of the t-test that a mean is at most 0; 1 where all are 0.

    Source: Student 1908, "The probable error of a mean".
    """
    n_studies, n = differences.shape
    if n < 2:
        return np.ones(n_studies)
    mean = differences.mean(axis=1)
    error = differences.std(axis=1, ddof=1) / np.sqrt(n)
    t: Floats = np.where(mean > 0, np.inf, -np.inf)  # where there is no error at all
    np.divide(mean, error, out=t, where=error > 0)
    return np.asarray(scipy.special.stdtr(n - 1, -t))


def _grouped(
    differences: Floats, max_groups: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return sums and sizes of random groups of the differences, `max_groups` at most."""
    n = len(differences)
    if n <= max_groups:
        return differences, np.ones(n)
    group = rng.permutation(np.arange(n) % max_groups)
    sizes = np.bincount(group).astype(np.float64)
    return np.bincount(group, weights=differences).astype(np.float64), sizes


def _bootstrap_interval(
    sums: Floats, sizes: Floats, confidence: float, resamples: int, rng: np.random.Generator
) -> tuple[float, float]:
    means = []
    for n_rows in _chunks(len(sums), resamples):
        drawn = rng.integers(0, len(sums), size=(n_rows, len(sums)))  # (c, n)
        means.append(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail])
    return float(low), float(high)


def _sign_flip_p_value(sums: Floats, resamples: int, rng: np.random.Generator) -> float:
    # Sums that are equal but for the order of addition must count as equal.
    observed = abs(sums.sum()) - 1e-12 * np.abs(sums).sum()
    n_as_far = 0
    for n_rows in _chunks(len(sums), resamples):
        signs = rng.integers(0, 2, size=(n_rows, len(sums)), dtype=np.int8)  # (c, n)
        flipped = 2 * (signs @ sums) - sums.sum()  # (c,)
        n_as_far += int(np.count_nonzero(np.abs(flipped) >= observed))
    return (n_as_far + 1) / (resamples + 1)


def _chunks(n: int, resamples: int) -> Iterator[int]:
    """Yield how many resamples to make at a time, so that draws of `n` fit in bounded memory."""
    most = max(1, CHUNK_ENTRIES // n)
    for start in range(0, resamples, most):
        yield min(most, resamples - start)
