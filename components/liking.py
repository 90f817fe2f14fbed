"""How a user's ratings become liking: deviations from their own mean, shrunk and squashed."""

import numpy as np

from domain.arrays import Floats, Ints32
from domain.ratings import RatingTable

PRIOR_RATINGS = 5.0  # weight, in ratings, of what is believed before any was seen
GLOBAL_MEAN = 3.5  # mean rating believed of a table without any


def overall_mean(ratings: RatingTable) -> float:
    """Mean of all ratings, in stars; `GLOBAL_MEAN` where there are none."""
    return float(ratings.ratings.mean(dtype=np.float64)) if len(ratings) else GLOBAL_MEAN


def shrunk_mean(total: Floats, count: Floats, prior: float = PRIOR_RATINGS) -> Floats:
    """Mean of `count` deviations that sum to `total`, as if `prior` more had been 0.

    Source: the damped mean of Funk 2006 and of LensKit's `BiasModel`.

    >>> shrunk_mean(np.array([4.0, 0.0]), np.array([3.0, 0.0]), prior=1.0)
    array([1., 0.])
    """
    return total / (count + prior)


def totals(groups: Ints32, values: Floats, n_groups: int) -> tuple[Floats, Floats]:
    """Sum and count of `values` (N,) in each of `n_groups`, (n_groups,) each.

    >>> totals(np.array([0, 2, 2], dtype=np.int32), np.array([1.0, 2.0, 3.0]), 3)
    (array([1., 0., 5.]), array([1., 0., 2.]))
    """
    total = np.bincount(groups, values, minlength=n_groups).astype(np.float64)
    count = np.bincount(groups, minlength=n_groups).astype(np.float64)
    return total, count


def user_deviations(ratings: RatingTable) -> Floats:
    """(N,) stars by which each rating exceeds its user's own, shrunk, mean."""
    overall = overall_mean(ratings)
    above = ratings.ratings.astype(np.float64) - overall
    own = shrunk_mean(*totals(ratings.users, above, ratings.n_users))
    deviations: Floats = above - own[ratings.users]
    return deviations


def squashed(deviation: Floats, scale: float) -> Floats:
    """Liking in (0, 1): 1/2 for none, about 0.73 for `scale` stars above the user's mean.

    The logistic function; `scale` is in stars.
    """
    return 1 / (1 + np.exp(-deviation / scale))
