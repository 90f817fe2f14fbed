"""Groups of hyperparameters that are valid or not together, each with its share of a unit cube."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

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

    def cells(self, values: Configuration) -> list[int]:
        """Return how many equal cells each coordinate has near `values`; 0 where continuous."""


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

    def cells(self, values: Configuration) -> list[int]:
        """Return the whole numbers of its range, or its choices."""
        return [self.member.cells]

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

    def cells(self, values: Configuration) -> list[int]:
        """Return nothing: it has no coordinate."""
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
        """Return each member's place between its predecessor and its `high`."""
        point, floor = [], self.members[0].low
        for member in self.members:
            low = max(floor, member.low)
            point.append(member.place(values[member.name], low, member.high))
            floor = next_up(member, values[member.name])
        return point

    def decode(self, point: Sequence[float]) -> dict[str, Any]:
        """Return members in ascending order."""
        values: dict[str, Any] = {}
        floor = self.members[0].low
        for member, unit in zip(self.members, point, strict=True):
            values[member.name] = member.at(unit, max(floor, member.low), member.high)
            floor = next_up(member, values[member.name])
        return values

    def cells(self, values: Configuration) -> list[int]:
        """Return the whole numbers that each member's predecessor leaves it."""
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
