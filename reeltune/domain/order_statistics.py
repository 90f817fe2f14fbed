"""Places of ordered numbers: evenly drawn coordinates give evenly drawn numbers in order.

Of n numbers drawn evenly from [0, 1] and put in order, the least is above t with a chance of
(1 - t)^n; the next is the least of n - 1 in what is left, and so on. Source: David and Nagaraja
2003, "Order statistics", equation 2.1.3.

A coordinate falls as its number rises, as those of shares do: floats are finer near 0 than near 1,
so that the values just below the end can be told apart. Everything takes a number or an array.
"""

from typing import Any

import numpy as np

from reeltune.domain.parameters import Hyperparameter, Number

MAX_ROOM = 1e6  # beyond it, what lies above makes no difference
MAX_LEFT = 40  # numbers in order; more would take coordinates below what floats can say


def place_of_least(unit: Any, n_left: int, room: Any) -> Any:
    """Return the place, 0 to 1, of the least of `n_left` numbers at the coordinate `unit`.

    Args:
        unit: coordinate, 0 to 1.
        n_left: numbers that are still to be placed; of one, place and coordinate are the same.
        room: how far the others may reach, 1 or more in units of this one's range.
    """
    n = min(n_left, MAX_LEFT)
    if n == 1:
        return unit
    above = (room - 1) ** n
    return _clipped(room - (unit * (room**n - above) + above) ** (1 / n), 0.0, 1.0)


def unit_of_least(place: Any, n_left: int, room: Any) -> Any:
    """Return the coordinate, 0 to 1, at which `place_of_least` gives `place`."""
    n = min(n_left, MAX_LEFT)
    if n == 1:
        return place
    above = (room - 1) ** n
    return _clipped(((room - place) ** n - above) / (room**n - above), 0.0, 1.0)


def room_above(member: Hyperparameter, low: Any, high: Number, top: Number, n_left: int) -> Any:
    """Return how far the numbers above `member` may reach, in units of its range on its axis.

    Args:
        member: the least of those that are left.
        low: least value that the one before leaves it.
        high: its highest value.
        top: highest value of the greatest.
        n_left: numbers that are left, of which each takes a value; whole ones take room.
    """
    ends: list[Any] = [low - member.half_cell, high + member.half_cell, float(top)]
    if member.integer:
        ends[2] -= (n_left - 2) / 2
    if member.has_log_axis:
        ends = [np.log(end) for end in ends]
    span, reach = ends[1] - ends[0], ends[2] - ends[0]
    room: Any
    if isinstance(span, np.ndarray):
        room = np.where(span > 0, reach / np.where(span > 0, span, 1.0), 1.0)
    else:  # of one number: much cheaper by itself
        room = reach / span if span > 0 else 1.0
    return _clipped(room, 1.0, MAX_ROOM)


def _clipped(value: Any, low: float, high: float) -> Any:
    if isinstance(value, np.ndarray):
        return np.clip(value, low, high)
    return float(min(high, max(low, value)))
