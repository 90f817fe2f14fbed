"""Sample ratio: an e-process that finds arms whose share of the users is not as planned.

Source: Lindon and Malek 2022, "Anytime-valid inference for multinomial count data" (NeurIPS): the
Dirichlet-multinomial probability of the counts over their probability under the planned shares.
"""

import math
from collections.abc import Sequence

SAMPLE_RATIO_LEVEL = 0.001
_CONCENTRATION = 200.0  # of the Dirichlet: Beta(100, 100) for two arms of equal weight


def log_split_e_value(counts: Sequence[float], shares: Sequence[float]) -> float:
    """Return the logarithm of the e-value against the planned shares, 0 without users.

    Args:
        counts: users of each arm.
        shares: planned shares, above 0; their sum is 1.

    Were the shares as planned, it would ever reach `log(1 / level)` with probability `level` at
    most, however often it is read.

    >>> round(log_split_e_value([520, 480], [0.5, 0.5]), 2)
    -0.23
    >>> round(log_split_e_value([6000, 5400], [0.5, 0.5]), 2)
    13.49
    """
    prior = [_CONCENTRATION * share for share in shares]
    total = float(sum(counts))
    value = math.lgamma(_CONCENTRATION) - math.lgamma(_CONCENTRATION + total)
    for count, share, alpha in zip(counts, shares, prior, strict=True):
        value += math.lgamma(alpha + count) - math.lgamma(alpha) - count * math.log(share)
    return value


def split_p_value(max_log_e_value: float) -> float:
    """Return the always-valid p-value of the largest e-value so far.

    >>> split_p_value(-1.0), round(split_p_value(6.91), 4)
    (1.0, 0.001)
    """
    return math.exp(min(0.0, -max_log_e_value))
