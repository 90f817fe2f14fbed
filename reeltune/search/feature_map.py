"""Where configurations lie for a model: their values, each axis about as wide as a unit interval.

A model sees values rather than the cube's coordinates: shares of a sum bend when they are coded
stick by stick, and what an objective depends on is the shares themselves.
"""

import math
from collections.abc import Sequence
from operator import itemgetter

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.domain.limited import Limited, LimitedAscending, LimitedSingle
from reeltune.domain.limited_simplex import LimitedSimplex
from reeltune.domain.space import (
    Ascending,
    Configuration,
    Fixed,
    Group,
    Hyperparameter,
    Simplex,
    Single,
    Space,
)

UNIT_DEVIATION = 12**-0.5  # standard deviation of a uniform number in [0, 1]


class Features:
    """The map of a space's configurations, and of its cube, to features (N, F)."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.names = list(space.hyperparameters)
        scales = np.array([scale for group in space.groups for scale in _scales(group)])
        self.columns = np.flatnonzero(scales > 0)
        self.scales = scales[self.columns]
        members = list(space.hyperparameters.values())
        self.lows = np.array([_axis(m, float(m.low)) for m in members])[self.columns]
        self.logs = [k for k, m in enumerate(members) if _is_log(m)]

    def of_configurations(self, configurations: Sequence[Configuration]) -> Floats:
        """(N, F) for valid configurations."""
        pick = itemgetter(*self.names)
        values = np.array([pick(c) for c in configurations], dtype=np.float64)
        return self._of_values(values.reshape(len(configurations), len(self.names)))

    def of_points(self, points: Floats) -> Floats:
        """(N, F) for points (N, D) of the cube, up to the rounding of values to their grid."""
        columns: list[Floats] = []
        start = 0
        for group in self.space.groups:
            end = start + len(group.dimensions)
            columns += _decoded(group, points[:, start:end])
            start = end
        return self._of_values(np.column_stack(columns))

    def _of_values(self, values: Floats) -> Floats:
        values[:, self.logs] = np.log(values[:, self.logs])
        scaled: Floats = (values[:, self.columns] - self.lows) * self.scales
        return scaled


def _scales(group: Group) -> list[float]:
    """What each member is multiplied by; 0 for one that says nothing the others do not."""
    if isinstance(group, Fixed):
        return [0.0]
    if isinstance(group, Simplex):  # limited ones too
        k = len(group.members)
        deviation = np.sqrt((k - 1) / (k**2 * (k + 1)))  # of a uniform share
        scales = [float(UNIT_DEVIATION / deviation)] * k
        return scales if k > 2 else [scales[0], 0.0]
    widths = [_axis(m, float(m.high)) - _axis(m, float(m.low)) for m in group.members]
    return [1 / width if width > 0 else 0.0 for width in widths]


def _is_log(member: Hyperparameter) -> bool:
    return isinstance(member, Limited) and member.log


def _axis(member: Hyperparameter, value: float) -> float:
    return math.log(value) if _is_log(member) else value


def _decoded(group: Group, units: Floats) -> list[Floats]:
    """Values of each member, one array (N,) each, at coordinates `units` (N, d)."""
    kind = type(group)  # exactly: a limited simplex is a simplex, but decodes in its own way
    if kind is Simplex:
        return _shares(units)
    if kind is Fixed:
        return [np.full(len(units), float(group.members[0].default))]
    if kind in (Single, Ascending):
        return _ascending(group.members, units)
    if isinstance(group, LimitedSingle | LimitedAscending | LimitedSimplex):
        return group.decode_many(units)
    decoded = [group.decode(row.tolist()) for row in units]
    return [np.array([float(values[m.name]) for values in decoded]) for m in group.members]


def _shares(units: Floats) -> list[Floats]:
    """As `Simplex.decode`, for many points."""
    shares: list[Floats] = []
    left = np.ones(len(units))
    for k, unit in enumerate(units.T):
        rest = left * unit ** (1 / (units.shape[1] - k))
        shares.append(left - rest)
        left = rest
    return [*shares, left]


def _ascending(members: Sequence[Hyperparameter], units: Floats) -> list[Floats]:
    """As `Ascending.decode`, for many points."""
    values: list[Floats] = []
    floor = np.full(len(units), float(members[0].low))
    for member, unit in zip(members, units.T, strict=True):
        low = np.maximum(floor, float(member.low))
        if member.integer:
            cells = member.high - low + 1
            values.append(low + np.minimum(cells - 1, np.floor(unit * cells)))
            floor = values[-1] + 1
        else:
            values.append(low + unit * (member.high - low))
            floor = values[-1]
    return values
