"""What is best where several things count: the results that no other one beats in all of them."""

import numpy as np

from domain.arrays import Bools, Floats, Ints


def front(values: Floats) -> Bools:
    """Which of `values` (N, K), more is better, are dominated by no other one, (N,).

    One dominates another if it is nowhere worse and somewhere better; so equals stay together.

    >>> front(np.array([[3.0, 1.0], [1.0, 3.0], [1.0, 1.0], [3.0, 1.0]]))
    array([ True,  True, False,  True])
    """
    on_front: Bools = ~_dominated(values)
    return on_front


def ranks(values: Floats, enough: int | None = None) -> Ints:
    """(N,) the front that each of `values` (N, K) is in: 0 for those nothing dominates, and so on.

    Source: Deb et al. 2002, "A fast and elitist multiobjective genetic algorithm: NSGA-II",
    section III.A.

    Args:
        values: more is better.
        enough: fronts after which so many have a rank need no order: all that is left is the next.
    """
    found = np.zeros(len(values), dtype=np.int64)
    left = np.arange(len(values))
    rank = 0
    while len(left):
        found[left] = rank
        beaten = _dominated(values[left])
        if enough is not None and len(values) - beaten.sum() >= enough:
            found[left[beaten]] = rank + 1
            break
        left, rank = left[beaten], rank + 1
    return found


def crowding(values: Floats) -> Floats:
    """(N,) how much room each of one front's `values` (N, K) has; infinite at the ends.

    Source: Deb et al. 2002, section III.B.
    """
    room = np.zeros(len(values))
    for column in values.T:
        order = np.argsort(column, kind="stable")
        span = float(column[order[-1]] - column[order[0]]) if len(order) else 0.0
        room[order[:1]] = room[order[-1:]] = np.inf
        if span > 0:
            room[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / span
    return room


def _dominated(values: Floats) -> Bools:
    """(N,) which of `values` another one dominates; only what is on the front need be compared."""
    order = np.lexsort(-values.T[::-1])  # what comes later dominates nothing before it
    beaten = np.zeros(len(values), dtype=np.bool_)
    best = np.empty((0, values.shape[1]))
    for place in order:
        value = values[place]
        worse = (best >= value).all(axis=1) & (best > value).any(axis=1)
        beaten[place] = worse.any()
        if not beaten[place]:
            best = np.vstack([best, value])
    return beaten
