"""Paired gain of one configuration over another, summarised so that it can be stored for each."""

from functools import lru_cache

import numpy as np

from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.experiment import PairedGain
from reeltune.stats.paired_tests import known_differences

MAX_GAIN_GROUPS = 32


def paired_gain(values: Floats, baseline: Floats, *, seed: int = 0) -> PairedGain | None:
    """Return the spread of `values - baseline`, both (U,) per user; None with fewer than two users.

    Users in whom either is not finite are left out. The others are put into random groups, the same
    for all experiments of one `seed`.

    >>> paired_gain(np.array([1.0, 2.0, 4.0]), np.array([0.0, 1.0, 2.0])).error
    0.3333333333333333
    """
    differences = known_differences(values, baseline)
    n = len(differences)
    if n < 2:
        return None
    return PairedGain(
        error=float(differences.std(ddof=1) / np.sqrt(n)),
        by_group=np.array([differences[group].mean() for group in random_groups(n, seed)]),
    )


@lru_cache(maxsize=8)
def random_groups(n: int, seed: int) -> tuple[Ints, ...]:
    """Return `n` users, 1 or more, in up to 32 random groups whose sizes differ by 1 at most.

    >>> [len(group) for group in random_groups(3, seed=0)]
    [1, 1, 1]
    """
    order = np.random.default_rng([seed, 1]).permutation(n)
    return tuple(np.array_split(order, min(n, MAX_GAIN_GROUPS)))
