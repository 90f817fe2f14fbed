"""Inner loops of the product kernel, compiled; `reeltune.search.product_kernel` says what it is.

Sums go into arrays, one place for each neighbour, so that their order is that of the code on any
machine. Points come transposed, (D, N), in units of the lengths.
"""

import numba
import numpy as np

from reeltune.domain.arrays import Floats

_compiled = numba.njit(cache=True, nogil=True, error_model="numpy")


@_compiled
def correlations(a: Floats, b: Floats, variance: float) -> Floats:
    """Return (N, M) the product over axes of 1 + variance m(r), for points (D, N) and (D, M)."""
    n_axes, n = a.shape
    found = np.ones((n, b.shape[1]))
    for i in range(n):
        row = found[i]
        for d in range(n_axes):
            at, others = a[d, i], b[d]
            for j in range(len(row)):
                r = min(abs(at - others[j]), 1.0)
                left = 1.0 - r
                row[j] *= 1.0 + variance * (left * left * left * (3.0 * r + 1.0))
    return found


@_compiled
def derivatives(
    points: Floats, slopes: Floats, variance: float, weights: Floats
) -> tuple[Floats, Floats, float]:
    """Return the sums over pairs of `weights` (N, N) times derivatives of the log correlation.

    By the logs of the lengths (D,), by the warps (D,), and by the log of `variance`; each pair
    counts once. `slopes` (D, N) are the points' derivatives by their axis's warp.
    """
    n_axes, n = points.shape
    by_length, by_warp = np.zeros((n_axes, n)), np.zeros((n_axes, n))
    by_variance = np.zeros(n)
    for i in range(n):
        weight = weights[i]
        for d in range(n_axes):
            at, others = points[d, i], points[d]
            slope, other_slopes = slopes[d, i], slopes[d]
            length_sum, warp_sum = by_length[d], by_warp[d]
            for j in range(i):
                apart = at - others[j]
                r = min(abs(apart), 1.0)
                left = 1.0 - r
                m = left * left * left * (3.0 * r + 1.0)
                pulled = weight[j] * variance / (1.0 + variance * m)
                moved = 12.0 * left * left * pulled * apart
                length_sum[j] += moved * apart
                warp_sum[j] -= moved * (slope - other_slopes[j])
                by_variance[j] += pulled * m
    return by_length.sum(axis=1), by_warp.sum(axis=1), by_variance.sum()
