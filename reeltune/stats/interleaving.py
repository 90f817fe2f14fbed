"""Interleaving: which of two rankers users prefer, by team draft, with users as units.

Sources: Radlinski, Kurup and Joachims 2008, "How does clickthrough data reflect retrieval quality?"
(team draft); Chapelle, Joachims, Radlinski and Yue 2012, "Large-scale validation and analysis of
interleaved search evaluation" (credit by list).
"""

from dataclasses import dataclass

from reeltune.domain.arrays import Floats
from reeltune.stats.cluster_sums import ClusterSums, sums_of_users
from reeltune.stats.confidence_sequences import always_valid_p_value, two_sided_boundary


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """Preference for the challenger, from -1 (always the champion) to 1, with its interval."""

    preference: float
    low: float
    high: float
    p_value: float  # always valid
    n_users: int  # with at least one list that was decided


def preference(decided: ClusterSums, *, planned: float, alpha: float = 0.05) -> Preference:
    """Return the preference: lists won less lists lost, over lists decided, clustered by user.

    Args:
        decided: by user `x` lists on which one team had more clicks than the other, and `y` those
            that the challenger won less those that it lost; users without any are left out.
        planned: users for whom the interval is as narrow as can be.
        alpha: bound on the chance that the interval ever misses the true preference.

    NaN, with a p-value of 1, below two users.
    """
    value, error = decided.ratio, decided.standard_error
    n = int(decided.n)
    if not error > 0:
        return Preference(preference=value, low=-1.0, high=1.0, p_value=1.0, n_users=n)
    reach = float(two_sided_boundary(n, planned, alpha)) * error
    return Preference(
        preference=value,
        low=max(-1.0, value - reach),
        high=min(1.0, value + reach),
        p_value=always_valid_p_value(value / error, n, planned, alpha),
        n_users=n,
    )


def decided_lists(won: Floats, lost: Floats) -> ClusterSums:
    """Return the sums of users (U,) with lists won and lost by the challenger.

    >>> decided_lists(np.array([2.0, 0.0, 1.0]), np.array([0.0, 0.0, 1.0])).ratio
    0.5
    """
    some = won + lost > 0
    return sums_of_users((won + lost)[some], (won - lost)[some])
