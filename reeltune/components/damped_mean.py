"""Damped means of rating deviations and their softsign, exact to the last bit.

Everything here is built so that the same evidence gives the same bits, in whatever order it is
added up and on whatever machine: deviations lie on a grid, on which sums are exact, and only
operations that IEEE 754 rounds correctly are used. So equal evidence makes an exact tie, and the
fused engine can be compared with these definitions bit by bit.
"""

import numpy as np

from reeltune.domain.arrays import Bools, Floats, Floats32, Ints, Ints32
from reeltune.ratings.table import RatingTable

PRIOR_RATINGS = 5.0  # weight, in ratings, of what is believed before any was seen
GLOBAL_MEAN = 3.5  # mean rating believed of a table without any
STEPS_PER_STAR = 2**20  # of the grid of deviations: 2**33 stars can be added up exactly


def overall_mean(ratings: RatingTable) -> float:
    """Return the mean of all ratings, in stars; `GLOBAL_MEAN` if there are none."""
    return float(ratings.ratings.mean(dtype=np.float64)) if len(ratings) else GLOBAL_MEAN


def on_grid(stars: Floats | Floats32) -> Floats:
    """Round `stars` to the grid of deviations, a millionth of a star wide.

    >>> on_grid(np.array([0.5, 1e-9]))
    array([0.5, 0. ])
    """
    steps: Floats = stars * np.float64(STEPS_PER_STAR)
    np.rint(steps, out=steps)
    steps /= STEPS_PER_STAR  # in place: of millions, fresh memory takes most of the time
    return steps


def damped_mean(total: Floats, count: Floats, prior: float = PRIOR_RATINGS) -> Floats:
    """Return the mean of `count` deviations that sum to `total`, as if `prior` more had been 0.

    Source: the damped mean of Funk 2006 and of LensKit's `BiasModel`.

    >>> damped_mean(np.array([4.0, 0.0]), np.array([3.0, 0.0]), prior=1.0)
    array([1., 0.])
    """
    return total / (count + prior)


def totals(groups: Ints32, values: Floats, n_groups: int) -> tuple[Floats, Floats]:
    """Return sum and count of `values` (N,) in each of `n_groups`, (n_groups,) each.

    >>> totals(np.array([0, 2, 2], dtype=np.int32), np.array([1.0, 2.0, 3.0]), 3)
    (array([1., 0., 5.]), array([1., 0., 2.]))
    """
    total = np.bincount(groups, values, minlength=n_groups).astype(np.float64)
    count = np.bincount(groups, minlength=n_groups).astype(np.float64)
    return total, count


def softsign(deviation: Floats, scale: float) -> Floats:
    """Return the preference in (0, 1): 1/2 for none, 3/4 for `scale` stars above the user's mean.

    `scale` is in stars. The softsign function, scaled: unlike a logistic it needs no more than
    one division, which every machine rounds alike.

    Source: Turian, Bergstra and Bengio 2009, "Quadratic features and deep architectures for
    chunking".

    >>> softsign(np.array([0.0, 0.5, -1.5]), scale=0.5)
    array([0.5  , 0.75 , 0.125])
    """
    return 0.5 + 0.5 * deviation / (np.abs(deviation) + scale)


def damped_softsign(
    total: Floats, count: Floats, scale: float, prior: float = PRIOR_RATINGS
) -> Floats:
    """Return the softsign of the `damped_mean` of `count` deviations, in one division.

    >>> damped_softsign(np.array([4.0, 0.0]), np.array([3.0, 0.0]), scale=1.0, prior=1.0)
    array([0.75, 0.5 ])
    """
    return 0.5 + 0.5 * total / (np.abs(total) + scale * (count + prior))


def matches(keys: Ints, wanted: Ints) -> Bools:
    """Return True for those of `wanted` that are among the ascending `keys`, (N,).

    >>> matches(np.array([2, 5]), np.array([5, 3, 9]))
    array([ True, False, False])
    """
    if not len(keys):
        return np.zeros(len(wanted), dtype=np.bool_)
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    same: Bools = keys[places] == wanted
    return same
