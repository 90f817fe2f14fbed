"""Power of sequential tests: the effect that so many users can show, looked at all the time."""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.domain.arrays import Floats
from reeltune.stats.confidence_sequences import fixed_boundary, two_sided_boundary
from reeltune.stats.group_sequential import crossing_probabilities, obrien_fleming
from reeltune.stats.power import POWER

_ANALYSES = 40  # stand for all times: the first at a 250th of the users
_FIRST_SHARE = 0.004


def chance_to_find(drift: float, times: Floats, boundaries: Floats) -> float:
    """Return the probability that a true difference is found by the last of the analyses.

    Args:
        drift: the difference over its standard error at time 1.
        times: (K,) share of the users at each analysis.
        boundaries: (K,) two-sided, in standard errors.
    """
    _, above = crossing_probabilities(times, -boundaries, boundaries, drift)
    return float(above.sum())


def always_valid_drift(
    n: float, planned: float, *, alpha: float = 0.05, power: float = POWER
) -> float:
    """Return the difference that `n` users show with probability `power`, in standard errors.

    Of the standard error with `n` users, by the always-valid interval that is read at all times.

    >>> round(always_valid_drift(10_000, 10_000), 2)
    3.74
    """
    eighths = round(8 * math.log2(max(n, 1.0) / planned))  # what depends on it changes slowly
    return _always_valid_drift(eighths, alpha, power)


@lru_cache(maxsize=1024)
def _always_valid_drift(eighths: int, alpha: float, power: float) -> float:
    shares = np.geomspace(_FIRST_SHARE, 1.0, _ANALYSES)
    return _drift(shares, two_sided_boundary(shares * 2.0 ** (eighths / 8), 1.0, alpha), power)


def planned_drift(shares: Sequence[float], *, alpha: float = 0.05, power: float = POWER) -> float:
    """Return the difference that planned analyses show by the last one, in standard errors there.

    >>> round(planned_drift([0.25, 0.5, 0.75, 1.0]), 2)
    2.83
    """
    return _planned_drift(tuple(shares), alpha, power)


@lru_cache(maxsize=64)
def _planned_drift(shares: tuple[float, ...], alpha: float, power: float) -> float:
    return _drift(np.asarray(shares, dtype=np.float64), obrien_fleming(shares, alpha), power)


def fixed_drift(*, alpha: float = 0.05, power: float = POWER) -> float:
    """Return the difference that one analysis at the end shows, in standard errors.

    >>> round(fixed_drift(), 2)
    2.8
    """
    return fixed_boundary(alpha) + float(scipy.special.ndtri(power))


def _drift(times: Floats, boundaries: Floats, power: float) -> float:
    def missing(drift: float) -> float:
        return chance_to_find(drift, times, boundaries) - power

    return float(scipy.optimize.brentq(missing, 0.1, 12.0, xtol=1e-3))
