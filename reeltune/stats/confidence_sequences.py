"""Confidence sequences: intervals that hold at all times together, however often one looks.

Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, "Time-uniform central limit theory and
asymptotic confidence sequences" (Annals of Statistics); equations by their numbers in arXiv
2103.06476v7. They are asymptotic: sums of many users are close to normal.

All boundaries are in standard errors of the estimate: the interval at `n` users is the estimate,
plus or minus the boundary times its standard error. In the paper's symbols the standard error is
sigma / sqrt(t), with t = n.
"""

import math

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.domain.arrays import Floats


def mixture_precision(planned: float, alpha: float) -> float:
    """Return rho squared, so that a two-sided sequence is as narrow as can be at `planned` users.

    Source: equation (161).

    >>> round(mixture_precision(10_000, 0.05) * 10_000, 4)
    7.9362
    """
    log_term = -2.0 * math.log(alpha)
    return (log_term + math.log(log_term + 1.0)) / planned


def two_sided_boundary(n: Floats | float, planned: float, alpha: float) -> Floats:
    """Return the boundary at `n` users, in standard errors, of both ends of the interval.

    Args:
        n: users so far, in all arms together; more than 0.
        planned: users for whom the interval is as narrow as can be.
        alpha: bound on the chance that the interval ever misses the true value.

    Source: equation (9), with the standard error sigma / sqrt(t) taken out.

    >>> float(two_sided_boundary(10_000, 10_000, 0.05).round(3))
    3.035
    """
    scaled = np.asarray(n, dtype=np.float64) * mixture_precision(planned, alpha)  # t rho^2
    boundary: Floats = np.sqrt(
        2.0 * (scaled + 1.0) / scaled * np.log(np.sqrt(scaled + 1.0) / alpha)
    )
    return boundary


def one_sided_boundary(n: Floats | float, planned: float, alpha: float) -> Floats:
    """Return the boundary at `n` users, in standard errors, where one end is asked for alone.

    Source: equation (134); rho as for a two-sided sequence of twice the level.

    >>> float(one_sided_boundary(10_000, 10_000, 0.05).round(3))
    2.779
    """
    scaled = np.asarray(n, dtype=np.float64) * mixture_precision(planned, 2.0 * alpha)
    boundary: Floats = np.sqrt(
        2.0 * (scaled + 1.0) / scaled * np.log1p(np.sqrt(scaled + 1.0) / (2.0 * alpha))
    )
    return boundary


def always_valid_p_value(z: float, n: float, planned: float, alpha: float) -> float:
    """Return a p-value that may be read at any time: below `alpha` where the interval leaves 0 out.

    Args:
        z: estimate over its standard error.
        n: users so far.
        planned: as for the interval.
        alpha: level that the interval is tuned for.

    Source: equation (155), the inverse of the normal mixture's e-value; at most 1.

    >>> round(always_valid_p_value(3.0352, 10_000, 10_000, 0.05), 3)
    0.05
    """
    scaled = n * mixture_precision(planned, alpha)
    log_e_value = 0.5 * scaled / (scaled + 1.0) * z * z - 0.5 * math.log1p(scaled)
    return math.exp(min(0.0, -log_e_value))


def fixed_boundary(alpha: float) -> float:
    """Return the two-sided boundary of one analysis at the end, in standard errors.

    >>> round(fixed_boundary(0.05), 2)
    1.96
    """
    return -float(scipy.special.ndtri(alpha / 2))
