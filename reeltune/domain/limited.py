"""Hyperparameters with fewer values than declared, and groups of them on a unit cube.

As in `domain/space.py`, every point of a group's share of the cube is valid by construction, and
`decode(encode(x)) == x` to the last bit for what `decode` gives. `encode` takes any valid values of
the whole space too: it gives the point of something near them.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.domain.errors import InputError
from reeltune.domain.groups import Cell, cell_at, cell_of, cell_of_least, faults_of_order
from reeltune.domain.order_statistics import place_of_least, room_above, unit_of_least
from reeltune.domain.parameters import (
    DECIMALS,
    GRID_STEPS,
    CategoricalParameter,
    Configuration,
    Hyperparameter,
    Number,
    Parameter,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limited(Hyperparameter):
    """Number that may take some of its declared values only."""

    choices: tuple[Number, ...] = ()  # ascending; empty: all from `low` to `high`
    by_ratio: bool = False  # equal steps on the axis are equal ratios; `log` is as declared

    is_limited: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Take the limits as they are: `reeltune.domain.limits` has checked them."""

    def faults(self, value: object) -> list[str]:
        """Return what is wrong with `value`, one sentence each; empty if nothing."""
        found = super(Limited, self).faults(value)
        if not found and self.choices and self.on_grid(value) != value:  # type: ignore[arg-type]
            allowed = ", ".join(f"{choice:g}" for choice in self.choices)
            return [f"{self.name} must be one of {allowed}, got {value!r}"]
        return found

    def on_grid(self, value: Number) -> Number:
        """Return the allowed value nearest to `value`; of two as near, the lower."""
        if self.choices:
            return min(self.choices, key=lambda choice: abs(choice - value))
        return super(Limited, self).on_grid(value)

    @property
    def is_fixed(self) -> bool:
        """True where there is one value only."""
        return self.low == self.high

    @property
    def has_log_axis(self) -> bool:
        """True where equal steps on the axis are equal ratios."""
        return self.by_ratio

    @property
    def has_equal_cells(self) -> bool:
        """True where each of its values has as much of the axis as any other."""
        return bool(self.choices) or not self.by_ratio

    def allowed(self, low: Number, high: Number) -> tuple[Number, ...]:
        """Return the choices from `low` to `high`."""
        return tuple(choice for choice in self.choices if low <= choice <= high)

    def place(self, value: Number, low: Number, high: Number) -> float:
        """Return where in [low, high] the value lies, 0 to 1; outside, the nearest end."""
        value = min(high, max(low, value))
        if self.choices:
            choices = self.allowed(low, high)
            nearest = min(range(len(choices)), key=lambda k: abs(choices[k] - value))
            return (nearest + 0.5) / len(choices)
        if low == high:
            return 0.5
        if self.by_ratio:
            return self.place_by_ratio(value, low, high)
        a, b = low - self.half_cell, high + self.half_cell
        return min(1.0, max(0.0, (value - a) / (b - a)))

    def at(self, unit: float, low: Number, high: Number) -> Number:
        """Return the allowed value of [low, high] at place `unit`."""
        if self.choices:
            choices = self.allowed(low, high)
            return choices[min(len(choices) - 1, int(unit * len(choices)))]
        a, b = low - self.half_cell, high + self.half_cell
        exact = self.at_ratio(unit, low, high) if self.by_ratio else a + unit * (b - a)
        return min(high, max(low, super(Limited, self).on_grid(exact)))

    def at_many(self, units: Floats, lows: Floats, high: Number) -> Floats:
        """Return (N,) as `at`, for many places, each of [low, high] with a low of its own."""
        if self.choices:
            choices = np.array(self.choices, dtype=np.float64)
            first = np.searchsorted(choices, lows)
            counts = np.searchsorted(choices, float(high), "right") - first
            places = np.minimum(counts - 1, np.floor(units * counts)).astype(np.int64)
            chosen: Floats = choices[first + places]
            return chosen
        axis = np.log if self.by_ratio else np.asarray
        a, b = axis(lows - self.half_cell), axis(float(high) + self.half_cell)
        exact = a + units * (b - a)
        values = np.exp(exact) if self.by_ratio else exact
        if not self.log:
            values = np.round(values, self.decimals)
        clipped: Floats = np.clip(np.rint(values) if self.integer else values, lows, float(high))
        return clipped

    def n_cells(self, low: Number, high: Number) -> int:
        """Return how many values there are in [low, high]; 0 where they are not counted."""
        return len(self.allowed(low, high)) if self.choices else self.n_whole(low, high)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitedChoice(CategoricalParameter):
    """Category that may take some of its declared choices only."""

    is_limited: ClassVar[bool] = True

    @property
    def is_fixed(self) -> bool:
        """True where there is one choice only."""
        return len(self.choices) == 1


@dataclass(frozen=True)
class LimitedSingle:
    """Limited hyperparameter that depends on no other: one coordinate, none if it is fixed."""

    member: Limited | LimitedChoice

    @property
    def members(self) -> tuple[Parameter, ...]:
        """Member, the only one."""
        return (self.member,)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Name of the member, unless it is fixed."""
        return () if self.member.is_fixed else (self.member.name,)

    def faults(self, values: Configuration) -> list[str]:
        """Return nothing: a member alone contradicts no other."""
        return []

    def encode(self, values: Configuration) -> list[float]:
        """Return where on its axis the value lies."""
        return [] if self.member.is_fixed else [self.member.to_unit(values[self.member.name])]

    def decode(self, point: Sequence[float]) -> dict[str, Any]:
        """Return the value at that place of the axis."""
        return {self.member.name: self.member.from_unit(0.5 if self.member.is_fixed else point[0])}

    def decode_many(self, units: Floats) -> list[Floats]:
        """Decode as `decode`, for points (N, d): the member's values (N,)."""
        places = np.full(len(units), 0.5) if self.member.is_fixed else units[:, 0]
        return [self.member.from_units(places)]

    def cells(self, values: Configuration) -> list[Cell]:
        """Return the cell of its value, unless it is fixed."""
        member, value = self.member, values[self.member.name]
        if member.is_fixed:
            return []
        if isinstance(member, Hyperparameter):
            return [cell_of(member, value, member.low, member.high)]
        return [cell_at(member.to_unit(value), member.cells)]

    def combinations(self) -> list[dict[str, Any]] | None:
        """Return every value; None where they are not counted."""
        return [{self.member.name: c} for c in self.member.choices] if self.member.choices else None


@dataclass(frozen=True)
class LimitedAscending:
    """Limited members in strictly ascending order; each leaves room for those above it.

    Raises:
        InputError: nothing is left that ascends.
    """

    members: tuple[Limited, ...]

    def __post_init__(self) -> None:
        if len(self.highs) == len(self.members):
            floor: Number = self.members[0].low
            for member, high in zip(self.members, self.highs, strict=True):
                lowest = _least(member, max(floor, member.low), high)
                if lowest is None:
                    break
                floor = lowest + _step(member)
            else:
                return
        names = " < ".join(member.name for member in self.members)
        raise InputError(f"no values are left for which {names}")

    @cached_property
    def highs(self) -> tuple[Number, ...]:
        """Highest value of each member that leaves room; fewer than members if none does."""
        found: list[Number] = []
        ceiling: Number = self.members[-1].high
        for member in reversed(self.members):
            high = min(member.high, ceiling)
            if member.choices:
                fitting = member.allowed(member.low, high)
                if not fitting:
                    break
                high = fitting[-1]
            if high < member.low:
                break
            found.append(high)
            ceiling = _on_axis(member, high - _step(member))
        return tuple(reversed(found))

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names of the members that are not fixed."""
        return tuple(member.name for member in self.members if not member.is_fixed)

    def faults(self, values: Configuration) -> list[str]:
        """Return each neighbouring pair out of order."""
        return faults_of_order(self.members, values)

    @cached_property
    def _left(self) -> tuple[tuple[int, Number], ...]:
        """Free members from each on, up to one that is fixed: how many, and the highest value."""
        found: list[tuple[int, Number]] = []
        for member, high in zip(reversed(self.members), reversed(self.highs), strict=True):
            n, top = found[-1] if found and not member.is_fixed else (0, high)
            found.append((0 if member.is_fixed else n + 1, top if n else high))
        return tuple(reversed(found))

    def encode(self, values: Configuration) -> list[float]:
        """Return the coordinate of each free member, as the least of those that are left."""
        point: list[float] = []
        floor: Number = self.members[0].low
        for k, member in enumerate(self.members):
            low, high = max(floor, member.low), self.highs[k]
            place = member.place(values[member.name], low, high)
            if not member.is_fixed:
                left, room = self._left[k][0], self._room(k, float(low))
                point.append(float(unit_of_least(place, left, room)))
            floor = _on_axis(member, member.at(place, low, high) + _step(member))
        return point

    def decode(self, point: Sequence[float]) -> dict[str, Any]:
        """Return members in ascending order."""
        values: dict[str, Any] = {}
        units = iter(point)
        floor: Number = self.members[0].low
        for k, member in enumerate(self.members):
            low, place = max(floor, member.low), 0.5
            if not member.is_fixed:
                left, room = self._left[k][0], self._room(k, float(low))
                place = float(place_of_least(next(units), left, room))
            values[member.name] = member.at(place, low, self.highs[k])
            floor = _on_axis(member, values[member.name] + _step(member))
        return values

    def decode_many(self, units: Floats) -> list[Floats]:
        """Decode as `decode`, for points (N, d): each member's values (N,)."""
        found: list[Floats] = []
        columns = iter(units.T)
        floor = np.full(len(units), float(self.members[0].low))
        for k, member in enumerate(self.members):
            lows, places = np.maximum(floor, member.low), np.full(len(units), 0.5)
            if not member.is_fixed:
                places = place_of_least(next(columns), self._left[k][0], self._room(k, lows))
            found.append(member.at_many(places, lows, self.highs[k]))
            floor = np.round(found[-1] + _step(member), DECIMALS)
        return found

    def cells(self, values: Configuration) -> list[Cell]:
        """Return the coordinates of each free member at which it has the same of its values."""
        found: list[Cell] = []
        floor: Number = self.members[0].low
        for k, (member, high) in enumerate(zip(self.members, self.highs, strict=True)):
            low, value = max(floor, member.low), values[member.name]
            if not member.is_fixed:
                left, room = self._left[k][0], self._room(k, float(low))
                found.append(cell_of_least(member, value, low, high, left, room))
            floor = _on_axis(member, value + _step(member))
        return found

    def _room(self, k: int, low: Any) -> Any:
        """Return the room above member `k` from `low` on, a number or an array of them."""
        left, top = self._left[k]
        return room_above(self.members[k], low, self.highs[k], top, left)

    def combinations(self) -> list[dict[str, Any]] | None:
        """Return every ascending choice; None where they are not counted."""
        if not all(member.choices for member in self.members):
            return None
        names = [member.name for member in self.members]
        every = itertools.product(*(member.choices for member in self.members))
        found = [dict(zip(names, values, strict=True)) for values in every]
        return [values for values in found if not self.faults(values)]


def _step(member: Hyperparameter) -> Number:
    return 1 if member.integer else 1 / GRID_STEPS


def _on_axis(member: Hyperparameter, value: Number) -> Number:
    return value if member.integer else round(value, DECIMALS)


def _least(member: Limited, low: Number, high: Number) -> Number | None:
    """Return the least allowed value of [low, high]; None if there is none."""
    if member.choices:
        return min(member.allowed(low, high), default=None)
    return low if low <= high else None
