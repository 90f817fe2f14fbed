"""Moments and correlation_matrix of columns of numbers, in one pass over blocks of rows."""

from dataclasses import dataclass

import numpy as np

from reeltune.domain.arrays import Bools, Floats, Ints

_BLOCK_CELLS = 4_000_000


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments of C columns over the rows that have a value; NaN where there are too few."""

    counts: Ints  # (C,) rows with a value
    means: Floats  # (C,)
    deviations: Floats  # (C,) standard deviations, divided by the count
    skewness: Floats  # (C,) m3 / m2^1.5
    kurtosis: Floats  # (C,) m4 / m2^2 - 3

    @classmethod
    def of(cls, matrix: Floats) -> "Moments":
        """Return the moments of (N, C) numbers, NaN where they are missing."""
        there = np.isfinite(matrix)
        counts = there.sum(axis=0)
        n = np.maximum(counts, 1)
        means = np.where(there, matrix, 0.0).sum(axis=0) / n
        powers = np.zeros((3, matrix.shape[1]))
        for rows in row_blocks(*matrix.shape):
            centred = np.where(there[rows], matrix[rows] - means, 0.0)
            square = centred * centred
            powers += [square.sum(axis=0), (square * centred).sum(axis=0), (square**2).sum(axis=0)]
        m2, m3, m4 = powers / n
        scale = np.abs(means) + np.sqrt(m2)
        varies = (counts > 0) & (np.sqrt(m2) > 1e-12 * scale)
        m2 = np.where(varies, m2, np.nan)
        known = counts > 0
        return cls(
            counts,
            np.where(known, means, np.nan),
            np.where(known, np.sqrt(np.where(varies, m2, 0.0)), np.nan),
            m3 / m2**1.5,
            m4 / m2**2 - 3.0,
        )


def row_blocks(n_rows: int, n_columns: int) -> list[slice]:
    """Return slices of rows that hold some millions of cells each."""
    step = max(1, _BLOCK_CELLS // max(1, n_columns))
    return [slice(start, start + step) for start in range(0, n_rows, step)]


def correlation_matrix(matrix: Floats, moments: Moments) -> Floats:
    """Return (C, C) Pearson correlation_matrix, each over the rows that have both values.

    NaN where one of the two does not vary there.
    """
    scaled = np.where(moments.deviations > 0, moments.deviations, 1.0)
    sums = np.zeros((4, matrix.shape[1], matrix.shape[1]))
    for rows in row_blocks(*matrix.shape):
        block = (matrix[rows] - moments.means) / scaled
        there = np.isfinite(block)
        values, present = np.where(there, block, 0.0), there.astype(np.float64)
        sums += [
            present.T @ present,
            values.T @ present,
            (values * values).T @ present,
            values.T @ values,
        ]
    n, of_first, squares, products = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        covariance = products / n - (of_first / n) * (of_first / n).T
        variance = squares / n - (of_first / n) ** 2
        variance = np.where(variance > 1e-12, variance, np.nan)
        found: Floats = covariance / np.sqrt(variance * variance.T)
    return np.clip(found, -1.0, 1.0)


def correlation_ratio(codes: Ints, values: Floats) -> float:
    """Return eta, 0 to 1: the share of a number's deviation that groups explain, its root.

    Args:
        codes: (N,) groups from 0; rows below 0 are left out.
        values: (N,) numbers; rows that are NaN are left out.

    Source: Fisher 1925, "Statistical methods for research workers", section 45.
    """
    rows: Bools = (codes >= 0) & np.isfinite(values)
    if not rows.any():
        return 0.0
    groups, numbers = codes[rows], values[rows] - values[rows].mean()
    total = float(numbers @ numbers)
    if total <= 0:
        return 0.0
    counts = np.bincount(groups)
    sums = np.bincount(groups, numbers)
    between = float((sums**2 / np.maximum(counts, 1)).sum())
    return float(np.sqrt(min(1.0, max(0.0, between / total))))


def cramers_v(a: Ints, b: Ints) -> float:
    """Return Cramér's V of two groupings (N,), 0 to 1; rows below 0 are left out.

    Source: Cramér 1946, "Mathematical methods of statistics", section 21.9.
    """
    rows: Bools = (a >= 0) & (b >= 0)
    if not rows.any():
        return 0.0
    width = int(b.max()) + 1
    table = np.bincount(a[rows] * width + b[rows], minlength=(int(a.max()) + 1) * width)
    counts = table.reshape(-1, width).astype(np.float64)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    smaller = min(counts.shape) - 1
    if smaller < 1:
        return 0.0
    n = counts.sum()
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / n
    chi_square = float(((counts - expected) ** 2 / expected).sum())
    return float(np.sqrt(min(1.0, chi_square / (n * smaller))))


def outlier_share(values: Floats) -> float:
    """Return the share of numbers farther than 3 interquartile ranges from the quartiles.

    Source: Tukey 1977, "Exploratory data analysis", section 2D, "far out".
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.0
    low, high = np.quantile(known, [0.25, 0.75])
    reach = 3 * (high - low)
    return float(((known < low - reach) | (known > high + reach)).mean()) if reach > 0 else 0.0
