"""How sure the gain of one configuration over another is, in brief enough to keep for each."""

import numpy as np

from domain.arrays import Floats
from domain.experiment import PairedGain
from evaluation.significance import known_differences

MOST_GROUPS = 32


def paired_gain(values: Floats, baseline: Floats) -> PairedGain | None:
    """The spread of `values - baseline`, both (U,) per user; None with fewer than two users.

    Users in whom either is not finite are left out. The others are put into groups by a lot that
    depends on their number alone: it is the same for all experiments of a run.

    >>> paired_gain(np.array([1.0, 2.0, 4.0]), np.array([0.0, 1.0, 2.0])).error
    0.3333333333333333
    """
    differences = known_differences(values, baseline)
    n = len(differences)
    if n < 2:
        return None
    order = np.random.default_rng(0).permutation(n)
    groups = np.array_split(differences[order], min(n, MOST_GROUPS))
    return PairedGain(
        error=float(differences.std(ddof=1) / np.sqrt(n)),
        by_group=np.array([group.mean() for group in groups]),
    )
