"""Features of configurations for a model: their values, each axis about a unit interval wide.

A model sees values rather than the cube's coordinates: shares of a sum bend when they are coded
stick by stick, and what an objective depends on is the shares themselves. A category has a column
for each choice, so that any two choices are equally far apart (one-hot coding). What does not apply
has the same values everywhere.
"""

import itertools
import math
from collections.abc import Sequence
from operator import itemgetter

import numpy as np

from reeltune.domain.arrays import Bools, Floats
from reeltune.domain.conditions import SpacePart
from reeltune.domain.limited import LimitedAscending, LimitedSingle
from reeltune.domain.limited_simplex import LimitedSimplex
from reeltune.domain.space import (
    Ascending,
    CategoricalParameter,
    Configuration,
    Fixed,
    Hyperparameter,
    Parameter,
    ParameterGroup,
    Simplex,
    Single,
    Space,
    Value,
)

UNIT_DEVIATION = 12**-0.5  # standard deviation of a uniform number in [0, 1]
ONE_HOT = 0.5**0.5  # what a choice's column holds: different choices are 1 apart


class Features:
    """Map of a space's configurations, and of its cube, to features (N, F).

    The columns of numbers come first, then those of each category: `categories` has their slices.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.members = list(space.hyperparameters.values())
        self.names = list(space.hyperparameters)
        scales = np.array([scale for part in space.parts for scale in _scales(part)])
        self.columns = np.flatnonzero(scales > 0)
        self.scales = scales[self.columns]
        self.lows = np.array([_low(member) for member in self.members])[self.columns]
        self.logs = [k for k, m in enumerate(self.members) if _is_log(m)]
        self.choices = {
            k: m.cells
            for k, m in enumerate(self.members)
            if isinstance(m, CategoricalParameter) and m.cells > 1 and m.name in space.dimensions
        }
        ends = len(self.columns) + np.cumsum([0, *self.choices.values()])
        self.categories = [slice(a, b) for a, b in itertools.pairwise(ends)]
        tops = np.array([_top(part, m) for part in space.parts for m in part.group.members])
        coded = np.full(int(ends[-1]) - len(self.columns), ONE_HOT)
        self.widths: Floats = np.append(tops[self.columns] * self.scales, coded)  # of features
        self.n_axes = len(self.columns) + len(self.choices)  # that a model has to learn about

    def of_configurations(self, configurations: Sequence[Configuration]) -> Floats:
        """Return (N, F) for valid configurations."""
        return self._of_values(self._values(configurations))

    def of_points(self, points: Floats) -> Floats:
        """Return (N, F) for points (N, D) of the cube, up to the rounding of values."""
        return self._of_values(self._decoded(points))

    def values_at(self, points: Floats) -> tuple[Floats, Bools]:
        """Return values (N, H) at points (N, D) of the cube, and whether each applies (N, H).

        Up to their rounding; of categories the positions.
        """
        values = self._decoded(points)
        return values, self._active(values)

    def active_in(self, configurations: Sequence[Configuration]) -> Bools:
        """Return (N, F) which features say something about valid configurations."""
        return self._by_feature(self._active(self._values(configurations)))

    def active_at(self, points: Floats) -> Bools:
        """Return (N, F) which features say something about points (N, D) of the cube."""
        return self._by_feature(self._active(self._decoded(points)))

    def _values(self, configurations: Sequence[Configuration]) -> Floats:
        """Return (N, M) the values of M hyperparameters, of categories the positions."""
        if self.space.is_conditional:
            stand_in = {n: v for part in self.space.parts for n, v in part.placeholder().items()}
            configurations = [{**stand_in, **each} for each in configurations]
        pick = itemgetter(*self.names)
        rows = [pick(each) for each in configurations]
        if any(isinstance(member, CategoricalParameter) for member in self.members):
            alone = len(self.members) == 1
            rows = [
                [
                    _position(*pair)
                    for pair in zip(self.members, [row] if alone else row, strict=True)
                ]
                for row in rows
            ]
        values = np.array(rows, dtype=np.float64)
        return values.reshape(len(configurations), len(self.names))

    def _decoded(self, points: Floats) -> Floats:
        """Return (N, M) as `_values`, for points (N, D) of the cube."""
        columns: list[Floats] = []
        for part in self.space.parts:
            if part.can_never_apply:
                columns += [np.zeros(len(points)) for _ in part.names]
            else:
                columns += _decoded(part.group, points[:, part.start : part.end])
        return np.column_stack(columns)

    def _active(self, values: Floats) -> Bools:
        """Return (N, M) which hyperparameters apply."""
        active = np.ones(values.shape, dtype=np.bool_)
        place = {name: k for k, name in enumerate(self.names)}
        for part in self.space.parts:
            for condition in part.conditions:
                k = place[condition.parent]
                parent = self.members[k]
                wanted = [_position(parent, v) for v in condition.values if not parent.faults(v)]
                holds = active[:, k] & np.isin(values[:, k], wanted)
                for name in part.names:
                    active[:, place[name]] &= holds
        return active

    def _by_feature(self, active: Bools) -> Bools:
        """Return (N, F) of (N, M)."""
        repeated = np.repeat(list(self.choices), list(self.choices.values())).astype(np.int64)
        found: Bools = active[:, np.append(self.columns, repeated)]
        return found

    def _of_values(self, values: Floats) -> Floats:
        """Return the features of values (N, M)."""
        if self.space.is_conditional:
            inactive = ~self._active(values)
            stand_in = self._values([{}])
            values = np.where(inactive, stand_in, values)
        values[:, self.logs] = np.log(values[:, self.logs])
        scaled: Floats = (values[:, self.columns] - self.lows) * self.scales
        if not self.choices:
            return scaled
        coded = [
            (values[:, [k]] == np.arange(n)) * ONE_HOT  # (N, n)
            for k, n in self.choices.items()
        ]
        return np.hstack([scaled, *coded])


def _scales(part: SpacePart) -> list[float]:
    """Return what each member is multiplied by; 0 for one without a column of its own."""
    group = part.group
    if isinstance(group, Fixed) or part.can_never_apply:
        return [0.0] * len(group.members)
    if isinstance(group, Simplex):  # limited ones too
        k = len(group.members)
        deviation = np.sqrt((k - 1) / (k**2 * (k + 1)))  # of a uniform share
        scales = [float(UNIT_DEVIATION / deviation)] * k
        return scales if k > 2 else [scales[0], 0.0]
    widths = [_width(member) for member in group.members]
    return [1 / width if width > 0 else 0.0 for width in widths]


def _top(part: SpacePart, member: Parameter) -> float:
    """Return the width of what a member may be; of a share, whatever its limits."""
    return 1.0 if isinstance(part.group, Simplex) else _width(member)


def _width(member: Parameter) -> float:
    return _axis(member, member.high) - _low(member) if isinstance(member, Hyperparameter) else 0.0


def _is_log(member: Parameter) -> bool:
    return isinstance(member, Hyperparameter) and member.has_log_axis


def _axis(member: Parameter, value: float) -> float:
    return math.log(value) if _is_log(member) else float(value)


def _low(member: Parameter) -> float:
    return _axis(member, member.low) if isinstance(member, Hyperparameter) else 0.0


def _position(member: Parameter, value: Value) -> float:
    """Return a number itself, and of a category the position among its choices."""
    if isinstance(member, CategoricalParameter):
        return float(member.place_of(value))
    return float(value)


def _decoded(group: ParameterGroup, units: Floats) -> list[Floats]:
    """Return values of each member, one array (N,) each, at coordinates `units` (N, d)."""
    kind = type(group)  # exactly: a limited simplex is a simplex, but decodes in its own way
    if kind is Simplex:
        return _shares(units)
    if isinstance(group, Fixed):
        return [np.full(len(units), _position(group.member, group.member.default))]
    if isinstance(group, Single):
        return [group.member.from_units(units[:, 0])]
    if isinstance(group, Ascending | LimitedSingle | LimitedAscending | LimitedSimplex):
        return group.decode_many(units)
    decoded = [group.decode(row.tolist()) for row in units]
    return [np.array([_position(m, values[m.name]) for values in decoded]) for m in group.members]


def _shares(units: Floats) -> list[Floats]:
    """Decode as `Simplex.decode`, for many points."""
    shares: list[Floats] = []
    left = np.ones(len(units))
    for k, unit in enumerate(units.T):
        rest = left * unit ** (1 / (units.shape[1] - k))
        shares.append(left - rest)
        left = rest
    return [*shares, left]
