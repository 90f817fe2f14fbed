"""Shares of a function's variance that its inputs explain, from draws of the inputs.

The share of an input is Var(E[f | x]) / Var(f): Sobol's first-order index, and for inputs that
depend on each other its conditional form. It is estimated from given draws: the draws are put into
bins by the input, and the variance between the bins is corrected for the chance within them.
Source: Plischke, Borgonovo and Smith 2013, "Global sensitivity measures from given data".
"""

from dataclasses import dataclass

import numpy as np

from reeltune.domain.arrays import Floats, Ints

MIN_IN_BIN = 2  # draws; with fewer the chance within a bin is not known


@dataclass(frozen=True, eq=False)
class Bins:
    """Bins of draws by an input, or by two."""

    of_draw: Ints  # (M,) of each draw, from 0
    n: int

    def means(self, outputs: Floats) -> Floats:
        """Return the mean (B, P) of outputs (M, P) in each bin; NaN where one is empty."""
        sums = [np.bincount(self.of_draw, column, self.n) for column in outputs.T]
        found: Floats = np.full((self.n, outputs.shape[1]), np.nan)
        counts = self.counts()[:, None]
        np.divide(np.array(sums).T, counts, out=found, where=counts > 0)
        return found

    def counts(self) -> Ints:
        """Return how many draws are in each bin, (B,)."""
        return np.bincount(self.of_draw, minlength=self.n)

    def crossed(self, other: "Bins") -> "Bins":
        """Return the bins of both inputs together."""
        return Bins(self.of_draw * other.n + other.of_draw, self.n * other.n)


def bins_of(column: Floats, n_bins: int) -> Bins:
    """Return bins of as many draws each; a bin for each value where there are few.

    >>> bins_of(np.array([3.0, 1.0, 2.0, 4.0]), 2).of_draw.tolist()
    [1, 0, 0, 1]
    """
    values, places = np.unique(column, return_inverse=True)
    if len(values) <= n_bins:
        return Bins(places.astype(np.int64), len(values))
    cumulative = np.cumsum(np.bincount(places))
    middles = cumulative - np.bincount(places) / 2  # equal values stay together
    bins = np.minimum(n_bins - 1, (middles * n_bins / len(column)).astype(np.int64))
    _, dense = np.unique(bins[places], return_inverse=True)
    return Bins(dense.astype(np.int64), int(dense.max()) + 1)


def explained_shares(bins: Bins, outputs: Floats) -> Floats:
    """Return the share (P,) of the variance of each output (M, P) that lies between the bins.

    Corrected for chance, so that it is 0 in the mean for bins that say nothing (omega squared), and
    cut to [0, 1]. 0 where an output does not vary.
    """
    counts = bins.counts().astype(np.float64)
    used = counts > 0
    n, n_used = len(outputs), int(used.sum())
    centred = outputs - outputs.mean(axis=0)
    total = np.einsum("mp,mp->p", centred, centred)
    means = bins.means(centred)[used]
    between = np.einsum("b,bp->p", counts[used], means**2)
    if n < n_used + MIN_IN_BIN:
        return np.zeros(outputs.shape[1])
    within = np.maximum(total - between, 0.0) / (n - n_used)
    share = np.zeros(outputs.shape[1])
    np.divide(between - (n_used - 1) * within, total, out=share, where=total > 0)
    return np.clip(share, 0.0, 1.0)
