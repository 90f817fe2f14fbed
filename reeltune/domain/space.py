"""The space of valid configurations, mapped one to one onto a unit cube.

Search strategies see only the cube; `Space.decode` makes a valid configuration of every point in
it, so sums and orderings hold by construction. Values live on a grid of `DECIMALS` decimals: that
keeps them readable, makes equality of configurations exact, and makes
`decode(encode(x)) == x` true to the last bit.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.errors import InputError

Value = float | int
Configuration = Mapping[str, Value]

DECIMALS = 6
UNITS = 10**DECIMALS  # grid steps in 1.0
SUM_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameter:
    """One knob: its name, default, bounds (both included) and meaning in one line."""

    name: str
    default: Value
    low: Value
    high: Value
    meaning: str
    integer: bool = False
    phase: int = 1
    searched: bool = True

    def faults(self, value: object) -> list[str]:
        """What is wrong with `value`, one sentence each; empty if nothing."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return [f"{self.name} must be a number, got {value!r}"]
        if self.integer and not (math.isfinite(value) and value == int(value)):
            return [f"{self.name} must be a whole number, got {value!r}"]
        if not self.low <= value <= self.high:
            return [f"{self.name} must be in [{self.low}, {self.high}], got {value!r}"]
        return []

    def on_grid(self, value: Value) -> Value:
        """The grid value nearest to `value`."""
        return round(value) if self.integer else round(float(value), DECIMALS) + 0.0


class Group(Protocol):
    """Hyperparameters that are valid or not together, and their share of the cube."""

    @property
    def members(self) -> tuple[Hyperparameter, ...]:
        """The group's hyperparameters, in order."""

    @property
    def dimensions(self) -> tuple[str, ...]:
        """A name for each coordinate of the group's share of the cube."""

    def faults(self, values: Configuration) -> list[str]:
        """What is wrong between the members; each is known to be within its own bounds."""

    def encode(self, values: Configuration) -> list[float]:
        """The point in the group's share of the cube that `decode` turns into `values`."""

    def decode(self, point: Sequence[float]) -> dict[str, Value]:
        """The valid values at `point`."""

    def cells(self, values: Configuration) -> list[int]:
        """How many equal cells each coordinate has near `values`; 0 where it is continuous."""


@dataclass(frozen=True)
class Single:
    """A hyperparameter that depends on no other: one coordinate, linear in its range."""

    member: Hyperparameter

    @property
    def members(self) -> tuple[Hyperparameter, ...]:
        """The one member."""
        return (self.member,)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Its name."""
        return (self.member.name,)

    def faults(self, values: Configuration) -> list[str]:
        """None: bounds are all there is."""
        return []

    def encode(self, values: Configuration) -> list[float]:
        """Where in its range the value lies, 0 to 1."""
        return [_to_unit(self.member, values[self.member.name], self.member.low)]

    def decode(self, point: Sequence[float]) -> dict[str, Value]:
        """The value at that place of the range."""
        return {self.member.name: _from_unit(self.member, point[0], self.member.low)}

    def cells(self, values: Configuration) -> list[int]:
        """The whole numbers of its range."""
        return [_n_cells(self.member, self.member.low)]


@dataclass(frozen=True)
class Fixed:
    """A hyperparameter that is never searched: no coordinate, always its default."""

    member: Hyperparameter

    @property
    def members(self) -> tuple[Hyperparameter, ...]:
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

    def decode(self, point: Sequence[float]) -> dict[str, Value]:
        """The default."""
        return {self.member.name: self.member.default}

    def cells(self, values: Configuration) -> list[int]:
        """No coordinate."""
        return []


@dataclass(frozen=True)
class Ascending:
    """Members in strictly ascending order; each takes its coordinate's place in what is left.

    Member k ranges from just above member k-1 (or its own `low`) to its own `high`, so the `high`s
    must ascend too.
    """

    members: tuple[Hyperparameter, ...]

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The members' names."""
        return tuple(member.name for member in self.members)

    def faults(self, values: Configuration) -> list[str]:
        """Each neighbouring pair out of order."""
        return [
            f"{a.name} < {b.name} must hold, got {values[a.name]!r} and {values[b.name]!r}"
            for a, b in zip(self.members, self.members[1:], strict=False)
            if not values[a.name] < values[b.name]
        ]

    def encode(self, values: Configuration) -> list[float]:
        """Each member's place between its predecessor and its `high`."""
        point, floor = [], self.members[0].low
        for member in self.members:
            low = max(floor, member.low)
            point.append(_to_unit(member, values[member.name], low))
            floor = _next_up(member, values[member.name])
        return point

    def decode(self, point: Sequence[float]) -> dict[str, Value]:
        """Members in ascending order."""
        values: dict[str, Value] = {}
        floor = self.members[0].low
        for member, unit in zip(self.members, point, strict=True):
            values[member.name] = _from_unit(member, unit, max(floor, member.low))
            floor = _next_up(member, values[member.name])
        return values

    def cells(self, values: Configuration) -> list[int]:
        """The whole numbers that each member's predecessor leaves it."""
        found, floor = [], self.members[0].low
        for member in self.members:
            found.append(_n_cells(member, max(floor, member.low)))
            floor = _next_up(member, values[member.name])
        return found


@dataclass(frozen=True)
class Simplex:
    """K shares of 1, uniform on the simplex, by K - 1 coordinates.

    Stick breaking: with m members still to come, a uniform coordinate u leaves the share u^(1/m) of
    the stick to them. Source: Devroye 1986, "Non-Uniform Random Variate Generation", chapter XI.4.
    """

    members: tuple[Hyperparameter, ...]

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The members' names but the last, which takes what is left."""
        return tuple(member.name for member in self.members[:-1])

    def faults(self, values: Configuration) -> list[str]:
        """A sum that is not 1."""
        total = math.fsum(values[member.name] for member in self.members)
        if abs(total - 1) <= SUM_TOLERANCE:
            return []
        names = " + ".join(member.name for member in self.members)
        return [f"{names} must sum to 1, got {total:.6g}"]

    def units(self, values: Configuration) -> dict[str, int]:
        """Each member's share in whole grid steps; they sum to `UNITS`."""
        shares = _shares_on_grid([float(values[member.name]) for member in self.members])
        return dict(zip((member.name for member in self.members), shares, strict=True))

    def encode(self, values: Configuration) -> list[float]:
        """The share of the stick that each member leaves, to the power that makes it uniform."""
        shares = list(self.units(values).values())
        point, left = [], sum(shares)
        for k, share in enumerate(shares[:-1]):
            rest = left - share
            point.append((rest / left) ** (len(shares) - 1 - k) if left else 0.5)
            left = rest
        return point

    def decode(self, point: Sequence[float]) -> dict[str, Value]:
        """Shares on the grid that sum to 1 exactly."""
        shares, left = [], 1.0
        for k, unit in enumerate(point):
            rest = left * unit ** (1 / (len(point) - k))
            shares.append(left - rest)
            left = rest
        units = _shares_on_grid([*shares, left])
        return {m.name: n / UNITS for m, n in zip(self.members, units, strict=True)}

    def cells(self, values: Configuration) -> list[int]:
        """Shares are continuous."""
        return [0] * len(self.dimensions)


@dataclass(frozen=True)
class Space:
    """All hyperparameters of a recommender, in groups; the cube has one axis per `dimensions`."""

    groups: tuple[Group, ...]

    @cached_property
    def hyperparameters(self) -> dict[str, Hyperparameter]:
        """Every hyperparameter by its name, in declared order."""
        return {member.name: member for group in self.groups for member in group.members}

    @cached_property
    def dimensions(self) -> tuple[str, ...]:
        """Names of the cube's D axes."""
        return tuple(name for group in self.groups for name in group.dimensions)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all declarations, 64 hex digits: same fingerprint, same meaning of a point."""
        said = [
            [type(group).__name__, [asdict(member) for member in group.members]]
            for group in self.groups
        ]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def defaults(self) -> dict[str, Value]:
        """The configuration of declared defaults."""
        return {name: member.default for name, member in self.hyperparameters.items()}

    def faults(self, values: Mapping[str, object]) -> list[str]:
        """All that is wrong with a complete configuration, one sentence each."""
        found = [f"unknown hyperparameter {n!r}" for n in values if n not in self.hyperparameters]
        found += [f"{n} is missing" for n in self.hyperparameters if n not in values]
        for group in self.groups:
            given = [m for m in group.members if m.name in values]
            wrong = [fault for m in given for fault in m.faults(values[m.name])]
            if not wrong and len(given) == len(group.members):
                numbers = {m.name: _number(values[m.name]) for m in given}
                wrong = group.faults(numbers)
            found += wrong
        return found

    def checked(self, values: Mapping[str, object]) -> dict[str, Value]:
        """`values` on the grid and in declared order.

        Raises:
            InputError: something is wrong with them; all of it is named.
        """
        faults = self.faults(values)
        if faults:
            raise InputError("; ".join(faults))
        found: dict[str, Value] = {}
        for group in self.groups:
            numbers = {m.name: m.on_grid(_number(values[m.name])) for m in group.members}
            if isinstance(group, Simplex):
                units = _shares_on_grid([float(number) for number in numbers.values()])
                numbers = {n: unit / UNITS for n, unit in zip(numbers, units, strict=True)}
            found |= numbers
        return found

    def merged(self, base: Configuration, partial: Mapping[str, object]) -> dict[str, Value]:
        """`partial` over `base`; shares of 1 that it does not name are rescaled to keep the sum.

        Raises:
            InputError: the result is not valid; all that is wrong is named.
        """
        values: dict[str, object] = {**base, **partial}
        for group in self.groups:
            if isinstance(group, Simplex):
                stays = {m.name: base[m.name] for m in group.members if m.low == m.high}
                names = [m.name for m in group.members]
                if any(name in partial for name in names):
                    values |= _rescaled(names, base, {**stays, **partial})
        return self.checked(values)

    def encode(self, values: Configuration) -> Floats:
        """The point (D,) of the cube for a valid configuration."""
        return np.array([unit for group in self.groups for unit in group.encode(values)])

    def decode(self, point: Floats) -> dict[str, Value]:
        """The valid configuration at `point` (D,), each coordinate in [0, 1]."""
        values: dict[str, Value] = {}
        start = 0
        for group in self.groups:
            end = start + len(group.dimensions)
            values |= group.decode([float(unit) for unit in point[start:end]])
            start = end
        return values

    def cells(self, values: Configuration) -> Ints:
        """(D,) how many equal cells each axis has near `values`; 0 where it is continuous."""
        return np.array([n for group in self.groups for n in group.cells(values)], dtype=np.int64)


def _number(value: object) -> Value:
    assert isinstance(value, int | float)
    return value


def _next_up(member: Hyperparameter, value: Value) -> Value:
    """The smallest grid value above `value`."""
    return value + 1 if member.integer else round(value + 1 / UNITS, DECIMALS)


def _to_unit(member: Hyperparameter, value: Value, low: Value) -> float:
    """Place of `value` in [low, member.high]: 0 to 1, the middle of its cell for an integer."""
    if member.integer:
        return min(1.0, max(0.0, (value - low + 0.5) / (member.high - low + 1)))
    return min(1.0, max(0.0, (value - low) / (member.high - low))) if member.high > low else 0.5


def _from_unit(member: Hyperparameter, unit: float, low: Value) -> Value:
    """The grid value of [low, member.high] at place `unit`."""
    if member.integer:
        cells = int(member.high) - int(low) + 1
        return int(low) + min(cells - 1, int(unit * cells))
    return min(member.high, max(low, member.on_grid(low + unit * (member.high - low))))


def _n_cells(member: Hyperparameter, low: Value) -> int:
    """How many values a whole number has in [low, member.high]; 0 for one that is not whole."""
    return int(member.high) - int(low) + 1 if member.integer else 0


def _shares_on_grid(shares: Sequence[float]) -> list[int]:
    """Shares of about 1 as whole grid units that sum to `UNITS`, by largest remainder."""
    total = math.fsum(shares)
    exact = [share / total * UNITS for share in shares]
    near = [round(unit) if abs(unit - round(unit)) < 1e-4 else int(unit) for unit in exact]
    order = sorted(range(len(near)), key=lambda k: near[k] - exact[k])
    for k in order[: UNITS - sum(near)]:
        near[k] += 1
    for k in reversed(order):
        if sum(near) <= UNITS:
            break
        near[k] -= near[k] > 0
    return near


def _rescaled(
    names: Sequence[str], base: Configuration, partial: Mapping[str, object]
) -> dict[str, object]:
    """The shares in `names` that `partial` leaves open, scaled so that all sum to 1.

    Empty where nothing can or need be scaled; the check that follows then names the fault.
    """
    named = [partial[name] for name in names if name in partial]
    numbers = [v for v in named if isinstance(v, int | float) and math.isfinite(v)]
    left = [name for name in names if name not in partial]
    rest = math.fsum(base[name] for name in left)
    if not named or not left or len(numbers) < len(named) or rest <= 0:
        return {}
    factor = (1 - math.fsum(numbers)) / rest
    return {name: base[name] * factor for name in left} if factor >= 0 else {}
