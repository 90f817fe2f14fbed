"""Groups of hyperparameters that are valid or not together, each with its share of a unit cube."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from reeltune.domain.parameters import (
    DECIMALS,
    UNITS,
    CategoricalParameter,
    Configuration,
    Hyperparameter,
    Number,
    Parameter,
    refuse,
)


class Group(Protocol):
    """Hyperparameters that are valid or not together, and their share of the cube.

    All members have the same conditions: a group applies, or it does not."""

    @property
    def members(self) -> tuple[Parameter, ...]:
        """The group's hyperparameters, in order."""

    @property
    def dimensions(self) -> tuple[str, ...]:
        """A name for each coordinate of the group's share of the cube."""

    def faults(self, values: Configuration) -> list[str]:
        """What is wrong between the members; each is known to be within its own bounds."""

    def encode(self, values: Configuration) -> list[float]:
        """The point in the group's share of the cube that `decode` turns into `values`."""

    def decode(self, point: Sequence[float]) -> dict[str, Any]:
        """The valid values at `point`."""

    def cells(self, values: Configuration) -> list[int]:
        """How many equal cells each coordinate has near `values`; 0 where it is continuous."""


@dataclass(frozen=True)
class Single:
    """A hyperparameter that depends on no other: one coordinate, its axis."""

    member: Parameter

    @property
    def members(self) -> tuple[Parameter, ...]:
        """The one member."""
        return (self.member,)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Its name."""
        return (self.member.name,)

    def faults(self, values: Configuration) -> list[str]:
        """None: its own values are all there is."""
        return []

    def encode(self, values: Configuration) -> list[float]:
        """Where on its axis the value lies, 0 to 1."""
        return [self.member.to_unit(values[self.member.name])]

    def decode(self, point: Sequence[float]) -> dict[str, Any]:
        """The value at that place of the axis."""
        return {self.member.name: self.member.from_unit(point[0])}

    def cells(self, values: Configuration) -> list[int]:
        """The whole numbers of its range, or its choices."""
        return [self.member.cells]

    def combinations(self) -> list[dict[str, Any]] | None:
        """Every choice; None of a number, whose values are not counted."""
        if not isinstance(self.member, CategoricalParameter):
            return None
        return [{self.member.name: choice} for choice in self.member.choices]


@dataclass(frozen=True)
class Fixed:
    """A hyperparameter that is never searched: no coordinate, always its default."""

    member: Parameter

    @property
    def members(self) -> tuple[Parameter, ...]:
        """The one member."""
        return (self.member,)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """No coordinate."""
        return ()

    def faults(self, values: Configuration) -> list[str]:
        """None: bounds are all there is."""
        return []

    def encode(self, values: Configuration) -> list[float]:
        """Nothing to place."""
        return []

    def decode(self, point: Sequence[float]) -> dict[str, Any]:
        """The default."""
        return {self.member.name: self.member.default}

    def cells(self, values: Configuration) -> list[int]:
        """No coordinate."""
        return []


@dataclass(frozen=True)
class Ascending:
    """Members in strictly ascending order; each takes its coordinate's place in what is left.

    Member k ranges from just above member k-1 (or its own `low`) to its own `high`.

    Raises:
        InputError: the `high`s do not ascend, or the members cannot be compared on one grid.
    """

    members: tuple[Hyperparameter, ...]

    def __post_init__(self) -> None:
        check_members(self.members)
        refuse(
            [
                f"{b.name} must reach higher than {a.name}, got {b.high} and {a.high}"
                for a, b in zip(self.members, self.members[1:], strict=False)
                if not a.high < b.high
            ]
        )

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The members' names."""
        return tuple(member.name for member in self.members)

    def faults(self, values: Configuration) -> list[str]:
        """Each neighbouring pair out of order."""
        return faults_of_order(self.members, values)

    def encode(self, values: Configuration) -> list[float]:
        """Each member's place between its predecessor and its `high`."""
        point, floor = [], self.members[0].low
        for member in self.members:
            low = max(floor, member.low)
            point.append(member.place(values[member.name], low, member.high))
            floor = next_up(member, values[member.name])
        return point

    def decode(self, point: Sequence[float]) -> dict[str, Any]:
        """Members in ascending order."""
        values: dict[str, Any] = {}
        floor = self.members[0].low
        for member, unit in zip(self.members, point, strict=True):
            values[member.name] = member.at(unit, max(floor, member.low), member.high)
            floor = next_up(member, values[member.name])
        return values

    def cells(self, values: Configuration) -> list[int]:
        """The whole numbers that each member's predecessor leaves it."""
        found, floor = [], self.members[0].low
        for member in self.members:
            found.append(member.n_cells(max(floor, member.low), member.high))
            floor = next_up(member, values[member.name])
        return found


def faults_of_order(members: Sequence[Hyperparameter], values: Configuration) -> list[str]:
    """Return a sentence for each neighbouring pair of `members` that does not ascend."""
    return [
        f"{a.name} < {b.name} must hold, got {values[a.name]!r} and {values[b.name]!r}"
        for a, b in itertools.pairwise(members)
        if not values[a.name] < values[b.name]
    ]


def next_up(member: Hyperparameter, value: Number) -> Number:
    """Return the smallest value of the grid above `value`."""
    return value + 1 if member.integer else round(value + 1 / UNITS, DECIMALS)


def check_members(members: Sequence[Parameter]) -> None:
    """Refuse members that are no numbers on the grid of six decimals.

    Raises:
        InputError: there are such members; all of them are named.
    """
    refuse(
        [
            f"{m.name} must be a number without log, in a range of at most eight digits, to be"
            " ordered or a share"
            for m in members
            if not isinstance(m, Hyperparameter)
            or not (m.integer or (not m.log and m.decimals == DECIMALS))
        ]
    )
