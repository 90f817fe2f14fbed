"""Statistical power: how many users it takes to detect a gain."""

import math

import scipy  # its parts are imported when first used

from reeltune.stats.paired_tests import CONFIDENCE, Comparison

POWER = 0.8
MIN_GAIN_SHARE = 1e-5  # of the spread: less takes more users than there are people
ONE_SIDED_LEVEL = (1 - CONFIDENCE) / 2  # one-sided: the gain's side of a two-sided 5 %


def users_needed(
    gain: float, spread: float, *, level: float = ONE_SIDED_LEVEL, power: float = POWER
) -> int:
    """Return the users for a gain to be detected with probability `power`, at one-sided `level`.

    Args:
        gain: the true mean difference, above what it is tested against; more than 0.
        spread: standard deviation of the differences over users.
        level: the probability that chance alone is taken for a gain.
        power: the probability that the gain is found.

    Source: Guenther 1981, "Sample size formulas for normal theory t tests":
    n = ((z_level + z_power) spread / gain)^2 + z_level^2 / 2.

    >>> users_needed(0.01, 0.1), users_needed(0.005, 0.1)
    (787, 3142)
    """
    z_level, z_power = -float(scipy.special.ndtri(level)), float(scipy.special.ndtri(power))
    return math.ceil(((z_level + z_power) * spread / gain) ** 2 + z_level**2 / 2)


def detectable_gain(
    n_users: int, spread: float, *, level: float = ONE_SIDED_LEVEL, power: float = POWER
) -> float:
    """Return the gain that `n_users` detect with probability `power`; reverses `users_needed`.

    >>> round(detectable_gain(787, 0.1), 4)
    0.01
    """
    z_level, z_power = -float(scipy.special.ndtri(level)), float(scipy.special.ndtri(power))
    return (z_level + z_power) * spread / math.sqrt(max(n_users - z_level**2 / 2, 1.0))


def power_of(gain: float, spread: float, n_users: int, *, level: float = ONE_SIDED_LEVEL) -> float:
    """Return the probability that `n_users` detect a gain.

    >>> round(power_of(0.01, 0.1, 787), 2)
    0.8
    """
    effective = math.sqrt(max(n_users - float(scipy.special.ndtri(level)) ** 2 / 2, 0.0))
    return float(scipy.special.ndtr(gain / spread * effective + float(scipy.special.ndtri(level))))


def more_users_needed(
    found: Comparison, *, minimum: float = 0.0, level: float = ONE_SIDED_LEVEL, power: float = POWER
) -> int | None:
    """Return how many more users would detect the difference, were it the true one.

    None where the difference is not above `minimum`: then no number of users would detect a gain.
    """
    gain = found.difference - minimum
    if not (math.isfinite(found.spread) and gain > found.spread * MIN_GAIN_SHARE):
        return None
    return max(0, users_needed(gain, found.spread, level=level, power=power) - found.n_users)
