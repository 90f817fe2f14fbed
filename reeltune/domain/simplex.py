"""Shares of one whole, and how they are kept on the grid and rescaled."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reeltune.domain.groups import Cell, check_members
from reeltune.domain.parameters import GRID_STEPS, Configuration, Hyperparameter, check_no_faults

SUM_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Simplex:
    """K shares of 1, uniform on the simplex, by K - 1 coordinates.

    Stick breaking: with m members still to come, a uniform coordinate u leaves the share u^(1/m) of
    the stick to them. Source: Devroye 1986, "Non-Uniform Random Variate Generation", chapter XI.4.

    Raises:
        InputError: a member is no real number from 0 to 1.
    """

    members: tuple[Hyperparameter, ...]

    def __post_init__(self) -> None:
        check_members(self.members)
        check_no_faults(
            [
                f"{m.name} is a share of a sum: it must be a number from 0 to 1"
                for m in self.members
                if m.integer or (m.low, m.high) != (0, 1)
            ]
        )

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names of the members but the last, which takes what is left."""
        return tuple(member.name for member in self.members[:-1])

    def faults(self, values: Configuration) -> list[str]:
        """Return a sentence about a sum that is not 1."""
        total = math.fsum(values[member.name] for member in self.members)
        if abs(total - 1) <= SUM_TOLERANCE:
            return []
        names = " + ".join(member.name for member in self.members)
        return [f"{names} must sum to 1, got {total:.6g}"]

    def units(self, values: Configuration) -> dict[str, int]:
        """Return each member's share in whole grid steps; they sum to `GRID_STEPS`."""
        shares = shares_on_grid([float(values[member.name]) for member in self.members])
        return dict(zip((member.name for member in self.members), shares, strict=True))

    def encode(self, values: Configuration) -> list[float]:
        """Return the share of the stick that each member leaves, to the power that is uniform."""
        shares = list(self.units(values).values())
        point, left = [], sum(shares)
        for k, share in enumerate(shares[:-1]):
            rest = left - share
            point.append((rest / left) ** (len(shares) - 1 - k) if left else 0.5)
            left = rest
        return point

    def decode(self, point: Sequence[float]) -> dict[str, Any]:
        """Return shares on the grid that sum to 1 exactly."""
        shares, left = [], 1.0
        for k, unit in enumerate(point):
            rest = left * unit ** (1 / (len(point) - k))
            shares.append(left - rest)
            left = rest
        units = shares_on_grid([*shares, left])
        return {m.name: n / GRID_STEPS for m, n in zip(self.members, units, strict=True)}

    def cells(self, values: Configuration) -> list[Cell]:
        """Return cells without width: shares are continuous."""
        return [(unit, unit) for unit in self.encode(values)]


def shares_on_grid(shares: Sequence[float]) -> list[int]:
    """Return shares of about 1 in grid steps that sum to `GRID_STEPS`, by largest remainder."""
    total = math.fsum(shares)
    exact = [share / total * GRID_STEPS for share in shares]
    near = [round(unit) if abs(unit - round(unit)) < 1e-4 else int(unit) for unit in exact]
    order = sorted(range(len(near)), key=lambda k: near[k] - exact[k])
    for k in order[: GRID_STEPS - sum(near)]:
        near[k] += 1
    for k in reversed(order):
        if sum(near) <= GRID_STEPS:
            break
        near[k] -= near[k] > 0
    return near


def rescaled(
    names: Sequence[str], base: Configuration, partial: Mapping[str, object]
) -> dict[str, object]:
    """Return the shares in `names` that `partial` leaves open, scaled so that all sum to 1.

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
