"""Shares of 1 of which some are limited, and some keep their proportions, on a unit cube."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.domain.errors import InputError
from reeltune.domain.groups import Cell, cell_at
from reeltune.domain.limited import Limited
from reeltune.domain.parameters import GRID_STEPS, Configuration
from reeltune.domain.simplex import Simplex

MAX_COMBINATIONS = 10_000
_MIN_RATIO = 1e-3  # below it, powers of the bounds lose digits of the grid

Units = int  # whole steps of the grid; GRID_STEPS of them are 1


@dataclass(frozen=True)
class LimitedSimplex(Simplex):
    """Shares of 1 within limits: those with choices first, then the others, by stick breaking.

    Members named in `tied` share what the others leave them in fixed proportions. Without upper
    bounds that bind, the shares without choices are uniform over what is left for them.

    Raises:
        InputError: no shares within the limits sum to 1, or there are too many choices.
    """

    members: tuple[Limited, ...]
    tied: tuple[tuple[str, float], ...] = ()  # name and weight

    def __post_init__(self) -> None:
        if not self._combinations:
            names = " + ".join(member.name for member in self.members)
            raise InputError(f"no values are left for which {names} sum to 1")

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Choices there are, then the free members but the last, which takes what is left."""
        return tuple(self._chosen[k].name for k in self._moving) + self._free_names[:-1]

    def encode(self, values: Configuration) -> list[float]:
        """Return the place of each choice among those left, then of what each free share leaves."""
        shares = self._units(values)
        point: list[float] = []
        prefix: tuple[Units, ...] = ()
        for k, member in enumerate(self._chosen):
            options = self._options(prefix)
            wanted = shares[member.name]
            nearest = min(range(len(options)), key=lambda n: abs(options[n] - wanted))
            if k in self._moving:
                point.append((nearest + 0.5) / len(options))
            prefix = (*prefix, options[nearest])
        left = GRID_STEPS - sum(prefix)
        for name, (low, power) in zip(self._free_names, self._after, strict=True):
            if power == 0:
                break
            a, b = self._span(name, left)
            y = min(b, max(a, left - shares[name] - low))
            point.append(_unit(y, a, b, power))
            left = low + y
        return point

    def decode(self, point: Sequence[float]) -> dict[str, Any]:
        """Return shares on the grid, within their limits, that sum to 1 exactly."""
        units = iter(point)
        prefix: tuple[Units, ...] = ()
        for k in range(len(self._chosen)):
            options = self._options(prefix)
            place = int(next(units) * len(options)) if k in self._moving else 0
            prefix = (*prefix, options[min(len(options) - 1, place)])
        shares = dict(zip((member.name for member in self._chosen), prefix, strict=True))
        left = GRID_STEPS - sum(prefix)
        for name, (low, power) in zip(self._free_names, self._after, strict=True):
            after = low + _rest(next(units), *self._span(name, left), power) if power else 0
            shares[name] = left - after
            left = after
        return self._values(shares)

    def decode_many(self, units: Floats) -> list[Floats]:
        """Decode as `decode`, for points (N, d), up to rounding: each member's shares (N,)."""
        columns = iter(units.T)
        names = [member.name for member in self._chosen]
        shares = dict(zip(names, self._choose_many(columns, len(units)), strict=True))
        left = GRID_STEPS - sum(shares.values(), np.zeros(len(units)))
        for name, (low, power) in zip(self._free_names, self._after, strict=True):
            after = np.zeros(len(units))
            if power:
                after = low + _rest_many(next(columns), *self._span_many(name, left), power)
            shares[name] = left - after
            left = after
        total = math.fsum(weight for _, weight in self.tied) or 1.0
        shares |= {name: shares[""] * (weight / total) for name, weight in self.tied}
        return [shares[member.name] / GRID_STEPS for member in self.members]

    def _choose_many(self, columns: Iterator[Floats], n: int) -> list[Floats]:
        """Return what each member with choices takes, (N,), of what those before it leave."""
        chosen = np.zeros((n, 0), dtype=np.int64)
        for k in range(len(self._chosen)):
            units = next(columns) if k in self._moving else np.zeros(n)
            values = np.empty(n, dtype=np.int64)
            prefixes, which = np.unique(chosen, axis=0, return_inverse=True)
            for number, prefix in enumerate(prefixes if k else [()]):
                rows = which == number if k else slice(None)
                options = np.array(self._options(tuple(int(unit) for unit in prefix)))
                places = (units[rows] * len(options)).astype(np.int64)
                values[rows] = options[np.minimum(len(options) - 1, places)]
            chosen = np.column_stack([chosen, values])
        return list(chosen.T.astype(np.float64))

    def _span_many(self, name: str, left: Floats) -> tuple[Floats, Floats]:
        """Return as `_span`, for many."""
        low, high, after, most = self._room(name)
        return np.maximum(0, left - high - after), np.minimum(most - after, left - low - after)

    def cells(self, values: Configuration) -> list[Cell]:
        """Return the cells of choices that those before leave; of shares, without width."""
        shares, point = self._units(values), self.encode(values)
        prefix = tuple(shares[member.name] for member in self._chosen)
        counts = [len(self._options(prefix[:k])) for k in self._moving]
        counts += [0] * (len(point) - len(counts))
        return [cell_at(unit, n) for unit, n in zip(point, counts, strict=True)]

    def combinations(self) -> list[dict[str, Any]] | None:
        """Return every valid choice; None where they are not counted."""
        if len(self._free_names) > 1:
            return None
        names = [member.name for member in self._chosen]
        found = []
        for chosen in self._combinations:
            shares = dict(zip(names, chosen, strict=True))
            for name in self._free_names:
                shares[name] = GRID_STEPS - sum(chosen)
            found.append(self._values(shares))
        return found

    @cached_property
    def _chosen(self) -> tuple[Limited, ...]:
        tied = {name for name, _ in self.tied}
        return tuple(m for m in self.members if m.choices and m.name not in tied)

    @cached_property
    def _bounds(self) -> dict[str, tuple[Units, Units]]:
        """Low and high of each free part; those that are tied are one part, with an empty name."""
        tied = {name for name, _ in self.tied}
        found = {
            m.name: (round(m.low * GRID_STEPS), round(m.high * GRID_STEPS))
            for m in self.members
            if not m.choices and m.name not in tied
        }
        return found | ({"": (0, GRID_STEPS)} if tied else {})

    @cached_property
    def _free_names(self) -> tuple[str, ...]:
        return tuple(self._bounds)

    @cached_property
    def _after(self) -> tuple[tuple[Units, int], ...]:
        """Least that the parts after each free part take, and how many they are."""
        lows = [low for low, _ in self._bounds.values()]
        return tuple((sum(lows[k + 1 :]), len(lows) - k - 1) for k in range(len(lows)))

    @cached_property
    def _combinations(self) -> list[tuple[Units, ...]]:
        """Choices that leave the free parts what they can take, in ascending order."""
        n = math.prod(len(member.choices) for member in self._chosen)
        if n > MAX_COMBINATIONS:
            names = ", ".join(member.name for member in self._chosen)
            raise InputError(
                f"{names} have {n:,} combinations, at most {MAX_COMBINATIONS:,} are possible: "
                "give fewer values, or a range"
            )
        low = sum(low for low, _ in self._bounds.values())
        high = sum(high for _, high in self._bounds.values())
        return [c for c in self._products() if low <= GRID_STEPS - sum(c) <= high]

    def _products(self) -> Iterator[tuple[Units, ...]]:
        return itertools.product(
            *([round(choice * GRID_STEPS) for choice in member.choices] for member in self._chosen)
        )

    @cached_property
    def _moving(self) -> tuple[int, ...]:
        """Positions of the members with choices of which more than one is possible."""
        return tuple(
            k for k in range(len(self._chosen)) if len({c[k] for c in self._combinations}) > 1
        )

    def _options(self, prefix: tuple[Units, ...]) -> list[Units]:
        """Return what the next member may choose after those before chose `prefix`."""
        return self._next[prefix]

    @cached_property
    def _next(self) -> dict[tuple[Units, ...], list[Units]]:
        """Options after each beginning of a combination, in ascending order."""
        found: dict[tuple[Units, ...], dict[Units, None]] = {}
        for combination in self._combinations:
            for k, choice in enumerate(combination):
                found.setdefault(combination[:k], {})[choice] = None
        return {prefix: sorted(choices) for prefix, choices in found.items()}

    def _span(self, name: str, left: Units) -> tuple[Units, Units]:
        """Return the bounds of what part `name` may leave, above the least of those after it."""
        low, high, after, most = self._room(name)
        return max(0, left - high - after), min(most - after, left - low - after)

    def _room(self, name: str) -> tuple[Units, Units, Units, Units]:
        """Return the bounds of part `name`, and the least and most that those after it can take."""
        place = self._free_names.index(name)
        low, high = self._bounds[name]
        most = sum(high for _, high in list(self._bounds.values())[place + 1 :])
        return low, high, self._after[place][0], most

    def _units(self, values: Configuration) -> dict[str, Units]:
        shares = self.units(values)
        return shares | {"": sum(shares[name] for name, _ in self.tied)}

    def _values(self, shares: dict[str, Units]) -> dict[str, Any]:
        if self.tied:
            shares = shares | dict(
                zip((name for name, _ in self.tied), self._split(shares[""]), strict=True)
            )
        return {member.name: shares[member.name] / GRID_STEPS for member in self.members}

    def _split(self, units: Units) -> list[Units]:
        """Return `units` in the proportions of the tied members, by largest remainder."""
        weights = [weight for _, weight in self.tied]
        total = math.fsum(weights) or 1.0
        exact = [units * (weight / total) for weight in weights]
        found = [int(part) for part in exact]
        order = sorted(range(len(found)), key=lambda k: found[k] - exact[k])
        for k in range(units - sum(found)):
            found[order[k % len(order)]] += 1
        return found


def _unit(y: Units, a: Units, b: Units, power: int) -> float:
    """Return the place in [a, b] of a stick's rest; uniform places leave uniform shares."""
    if a == b:
        return 0.5
    if 0 < a / b < _MIN_RATIO:
        return (y - a) / (b - a)
    floor = (a / b) ** power
    return min(1.0, max(0.0, ((y / b) ** power - floor) / (1 - floor)))


def _rest(unit: float, a: Units, b: Units, power: int) -> Units:
    """Return the rest at that place; Devroye 1986, chapter XI.4, cut to [a, b]."""
    if a == b:
        return a
    if 0 < a / b < _MIN_RATIO:
        return a + round(unit * (b - a))
    floor = (a / b) ** power
    share: float = (floor + unit * (1 - floor)) ** (1 / power)
    return min(b, max(a, round(b * share)))


def _rest_many(units: Floats, a: Floats, b: Floats, power: int) -> Floats:
    """Return as `_rest`, for many, without rounding."""
    ratio = np.divide(a, b, out=np.ones_like(a), where=b > 0)
    by_share = b * (ratio**power + units * (1 - ratio**power)) ** (1 / power)
    evenly = a + units * (b - a)
    found: Floats = np.where((ratio > 0) & (ratio < _MIN_RATIO), evenly, by_share)
    return np.clip(found, a, b)
