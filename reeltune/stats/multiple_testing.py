"""Multiple testing: p-values adjusted so that the chance of any false rejection is bounded."""

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.stats.paired_tests import N_RESAMPLES

_ENTRIES = 2**22


def holm(p_values: Floats) -> Floats:
    """Return adjusted p-values (K,): all up to a level may be rejected together at that level.

    Whatever the dependence between the comparisons.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".

    >>> holm(np.array([0.01, 0.04, 0.03]))
    array([0.03, 0.06, 0.06])
    """
    order = np.argsort(p_values, kind="stable")
    factors = len(p_values) - np.arange(len(p_values))
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p_values[order] * factors))
    return adjusted


def max_t(differences: Floats, *, seed: int = 0, resamples: int = N_RESAMPLES) -> Floats:
    """Return adjusted one-sided p-values (K,) of K finalists' gains over one model, (K, U) by user.

    A user's signs are flipped for all finalists together, so that finalists who are alike cost
    little: more is found than by Holm, with the same bound on any false find.

    Source: Westfall and Young 1993, "Resampling-based multiple testing", the step-down max-T
    procedure, on studentised means.
    """
    n_finalists, n_users = differences.shape
    squares = (differences**2).sum(axis=1)  # (K,) which no flip changes
    observed = _studentised(differences.sum(axis=1), squares, n_users)
    order = np.argsort(-observed, kind="stable")
    rng = np.random.default_rng(seed)
    n_as_far = np.zeros(n_finalists)
    size = max(1, _ENTRIES // max(1, n_users))
    for start in range(0, resamples, size):
        signs = rng.integers(0, 2, size=(min(size, resamples - start), n_users), dtype=np.int8)
        sums = 2 * (signs @ differences.T) - differences.sum(axis=1)  # (c, K)
        flipped = _studentised(sums, squares, n_users)[:, order]
        # The largest of this finalist and of all that did worse.
        largest = np.maximum.accumulate(flipped[:, ::-1], axis=1)[:, ::-1]
        n_as_far += (largest >= observed[order] - 1e-9).sum(axis=0)
    adjusted = np.empty(n_finalists)
    adjusted[order] = np.maximum.accumulate((n_as_far + 1) / (resamples + 1))
    return adjusted


def _studentised(sums: Floats, squares: Floats, n: int) -> Floats:
    """Return Student's t from sums and sums of squares of n values; 0 where all are 0."""
    means = sums / n
    variance = np.maximum(squares / n - means**2, 1e-12 * squares / n)
    t: Floats = np.zeros(sums.shape)
    np.divide(means * np.sqrt(max(n - 1, 1)), np.sqrt(variance), out=t, where=variance > 0)
    return t
