"""Pareto fronts: results that no other one dominates, where several objectives count."""

import numpy as np

from reeltune.domain.arrays import Bools, Floats, Ints


def front(values: Floats) -> Bools:
    """Return True for those of `values` (N, K), more is better, that no other dominates, (N,).

    One dominates another if it is nowhere worse and somewhere better; so equals stay together.

    >>> front(np.array([[3.0, 1.0], [1.0, 3.0], [1.0, 1.0], [3.0, 1.0]]))
    array([ True,  True, False,  True])
    """
    on_front: Bools = ~_dominated(values)
    return on_front


def ranks(values: Floats, enough: int | None = None) -> Ints:
    """Return the number of the front of each of `values` (N, K): 0 for those nothing dominates.

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
    """Return the crowding distance (N,) of one front's `values` (N, K); infinite at the ends.

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
    """Return True for those of `values` (N, K) that another one dominates, (N,)."""
    order = np.lexsort(-values.T[::-1])  # what comes later dominates nothing before it
    in_order = values[order]
    beaten = np.empty(len(values), dtype=np.bool_)
    beaten[order] = _of_two(in_order) if values.shape[1] < 3 else _of_any(in_order)
    return beaten


def _of_two(values: Floats) -> Bools:
    """Return `_dominated` for one or two objectives and `values` in descending order."""
    if not len(values):
        return np.zeros(0, dtype=np.bool_)
    first, last = values[:, 0], values[:, -1] * (values.shape[1] > 1)
    places = np.arange(len(values))
    begins = np.maximum.accumulate(np.where(np.diff(first, prepend=np.inf) != 0, places, 0))
    highest = np.maximum.accumulate(last)
    before = np.where(begins > 0, highest[begins - 1], -np.inf)  # among those better by the first
    beaten: Bools = (before >= last) | (last < last[begins])
    return beaten


def _of_any(values: Floats) -> Bools:
    """Return `_dominated` for any number; each is compared with those on the front only."""
    beaten = np.zeros(len(values), dtype=np.bool_)
    best = values[:0]
    for place, value in enumerate(values):
        at_least = best[(best >= value).all(axis=1)]
        beaten[place] = (at_least > value).any()
        if not beaten[place]:
            best = np.vstack([best, value])
    return beaten
