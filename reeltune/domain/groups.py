"""Groups of hyperparameters that are valid or not together, each with its share of a unit cube."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.domain.order_statistics import place_of_least, room_above, unit_of_least
from reeltune.domain.parameters import (
    DECIMALS,
    GRID_STEPS,
    CategoricalParameter,
    Configuration,
    Hyperparameter,
    Number,
    Parameter,
    check_no_faults,
)

Cell = tuple[float, float]  # ends of a part of an axis at which a value stays the same


class ParameterGroup(Protocol):
    """Hyperparameters that are valid or not together, and their share of the cube.

    All members have the same conditions: a group applies, or it does not."""

    @property
    def members(self) -> tuple[Parameter, ...]:
        """Hyperparameters of the group, in order."""

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Name for each coordinate of the group's share of the cube."""

    def faults(self, values: Configuration) -> list[str]:
        """Return what is wrong between the members; each is known to be within its own bounds."""

    def encode(self, values: Configuration) -> list[float]:
        """Return the point in the group's share of the cube that `decode` turns into `values`."""

    def decode(self, point: Sequence[float]) -> dict[str, Any]:
        """Return the valid values at `point`."""

    def cells(self, values: Configuration) -> list[Cell]:
        """Return the ends of each coordinate's cell, where `values` stay; equal if continuous."""


@dataclass(frozen=True)
class Single:
    """Hyperparameter that depends on no other: one coordinate, its axis."""

    member: Parameter

    @property
    def members(self) -> tuple[Parameter, ...]:
        """Member, the only one."""
        return (self.member,)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Name of the member."""
        return (self.member.name,)

    def faults(self, values: Configuration) -> list[str]:
        """Return nothing: a member alone contradicts no other."""
        return []

    def encode(self, values: Configuration) -> list[float]:
        """Return where on its axis the value lies, 0 to 1."""
        return [self.member.to_unit(values[self.member.name])]

    def decode(self, point: Sequence[float]) -> dict[str, Any]:
        """Return the value at that place of the axis."""
        return {self.member.name: self.member.from_unit(point[0])}

    def cells(self, values: Configuration) -> list[Cell]:
        """Return the cell of its whole number, or of its choice."""
        member, value = self.member, values[self.member.name]
        if isinstance(member, Hyperparameter):
            return [cell_of(member, value, member.low, member.high)]
        return [cell_at(member.to_unit(value), member.cells)]

    def combinations(self) -> list[dict[str, Any]] | None:
        """Return every choice; None of a number, whose values are not counted."""
        if not isinstance(self.member, CategoricalParameter):
            return None
        return [{self.member.name: choice} for choice in self.member.choices]


@dataclass(frozen=True)
class Fixed:
    """Hyperparameter that is never searched: no coordinate, always its default."""

    member: Parameter

    @property
    def members(self) -> tuple[Parameter, ...]:
        """Member, the only one."""
        return (self.member,)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names of no coordinates."""
        return ()

    def faults(self, values: Configuration) -> list[str]:
        """Return nothing: a member alone contradicts no other."""
        return []

    def encode(self, values: Configuration) -> list[float]:
        """Return nothing: it has no coordinate."""
        return []

    def decode(self, point: Sequence[float]) -> dict[str, Any]:
        """Return the default."""
        return {self.member.name: self.member.default}

    def cells(self, values: Configuration) -> list[Cell]:
        """Return nothing: it has no coordinate."""
        return []


@dataclass(frozen=True)
class Ascending:
    """Members in strictly ascending order: evenly drawn points are evenly drawn ordered numbers.

    Member k ranges from just above member k-1 (or its own `low`) to its own `high`. Three members
    of one range lie at a quarter, a half and three quarters of it in the mean.

    Raises:
        InputError: the `high`s do not ascend, or the members cannot be compared on one grid.
    """

    members: tuple[Hyperparameter, ...]

    def __post_init__(self) -> None:
        check_members(self.members)
        check_no_faults(
            [
                f"{b.name} must reach higher than {a.name}, got {b.high} and {a.high}"
                for a, b in zip(self.members, self.members[1:], strict=False)
                if not a.high < b.high
            ]
        )

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names of the members."""
        return tuple(member.name for member in self.members)

    def faults(self, values: Configuration) -> list[str]:
        """Return each neighbouring pair out of order."""
        return faults_of_order(self.members, values)

    def encode(self, values: Configuration) -> list[float]:
        """Return the coordinate of each member, as the least of those that are left."""
        point = []
        for member, low, left, room in self._ranges(values):
            place = member.place(values[member.name], low, member.high)
            point.append(float(unit_of_least(place, left, room)))
        return point

    def decode(self, point: Sequence[float]) -> dict[str, Any]:
        """Return members in ascending order."""
        values: dict[str, Any] = {}
        ranges = self._ranges(values)
        for unit in point:
            member, low, left, room = next(ranges)
            place = float(place_of_least(unit, left, room))
            values[member.name] = member.at(place, low, member.high)
        return values

    def decode_many(self, units: Floats) -> list[Floats]:
        """Decode as `decode`, for points (N, d), up to rounding: each member's values (N,)."""
        found: list[Floats] = []
        lows = np.full(len(units), float(self.members[0].low))
        for k, (member, unit) in enumerate(zip(self.members, units.T, strict=True)):
            lows, left = np.maximum(lows, float(member.low)), len(self.members) - k
            room = room_above(member, lows, member.high, self.members[-1].high, left)
            found.append(member.at_many(place_of_least(unit, left, room), lows, member.high))
            lows = found[-1] + (1 if member.integer else 0)
        return found

    def cells(self, values: Configuration) -> list[Cell]:
        """Return the coordinates of each member at which it has the same whole number."""
        return [
            cell_of_least(member, values[member.name], low, member.high, left, room)
            for member, low, left, room in self._ranges(values)
        ]

    def _ranges(self, values: Configuration) -> Iterator[tuple[Hyperparameter, Number, int, float]]:
        """Yield each member, what the one before leaves it from, how many are left, their room.

        Of `values`, those of the members before have to be there when the next one is asked for.
        """
        floor, top = self.members[0].low, self.members[-1].high
        for k, member in enumerate(self.members):
            low, left = max(floor, member.low), len(self.members) - k
            yield member, low, left, float(room_above(member, float(low), member.high, top, left))
            floor = next_up(member, values[member.name])


def cell_of_least(
    member: Hyperparameter, value: Number, low: Number, high: Number, n_left: int, room: float
) -> Cell:
    """Return the coordinates of the least of `n_left` at which it has the same of its values."""
    n = member.n_cells(low, high)
    if n < 2:
        return cell_at(0.5, n)
    a, b = cell_of(member, value, low, high)
    if n_left == 1:
        return a, b
    return float(unit_of_least(b, n_left, room)), float(unit_of_least(a, n_left, room))


def cell_of(member: Hyperparameter, value: Number, low: Number, high: Number) -> Cell:
    """Return the ends of the places in [low, high] at which `member` has this of its values."""
    if member.integer and not member.has_equal_cells:
        below, above = (
            member.place_by_ratio(end, low, high)
            for end in (value - member.half_cell, value + member.half_cell)
        )
        return below, above
    return cell_at(member.place(value, low, high), member.n_cells(low, high))


def cell_at(unit: float, n: int) -> Cell:
    """Return the ends of that one of `n` equal cells of an axis in which `unit` lies.

    >>> cell_at(0.5, 3), cell_at(0.5, 0)
    ((0.3333333333333333, 0.6666666666666666), (0.5, 0.5))
    """
    if n == 0:
        return unit, unit
    cell = min(n - 1, int(unit * n))
    return cell / n, (cell + 1) / n


def faults_of_order(members: Sequence[Hyperparameter], values: Configuration) -> list[str]:
    """Return a sentence for each neighbouring pair of `members` that does not ascend."""
    return [
        f"{a.name} < {b.name} must hold, got {values[a.name]!r} and {values[b.name]!r}"
        for a, b in itertools.pairwise(members)
        if not values[a.name] < values[b.name]
    ]


def next_up(member: Hyperparameter, value: Number) -> Number:
    """Return the smallest value of the grid above `value`."""
    return value + 1 if member.integer else round(value + 1 / GRID_STEPS, DECIMALS)


def check_members(members: Sequence[Parameter]) -> None:
    """Refuse members that are no numbers on the grid of six decimals.

    Raises:
        InputError: there are such members; all of them are named.
    """
    check_no_faults(
        [
            f"{m.name} must be a number without log, in a range of at most eight digits, to be"
            " ordered or a share"
            for m in members
            if not isinstance(m, Hyperparameter)
            or not (m.integer or (not m.log and m.decimals == DECIMALS))
        ]
    )
