"""Space of valid configurations, mapped one to one onto a unit cube.

Search strategies see only the cube; `Space.decode` makes a valid configuration of every point in
it, so sums, orderings and conditions hold by construction. A hyperparameter that does not apply is
absent from a configuration, so that configurations which mean the same are equal.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from reeltune.domain.arrays import Bools, Floats, Ints
from reeltune.domain.conditions import SpacePart, faults_of_conditions, parts_of
from reeltune.domain.groups import Ascending, Fixed, ParameterGroup, Single
from reeltune.domain.parameters import (
    DECIMALS,
    GRID_STEPS,
    BooleanParameter,
    CategoricalParameter,
    Condition,
    Configuration,
    FloatParameter,
    Hyperparameter,
    IntParameter,
    Number,
    Parameter,
    Value,
    check_no_faults,
    when,
)
from reeltune.domain.simplex import Simplex, rescaled, shares_on_grid

_LATER = ("log", "active_when")  # of a declaration, not told where they say nothing


@dataclass(frozen=True)
class Space:
    """All hyperparameters of a model, in groups; the cube has one axis per `dimensions`.

    Raises:
        InputError: a name occurs twice, or a condition cannot be meant.
    """

    groups: tuple[ParameterGroup, ...]

    def __post_init__(self) -> None:
        check_no_faults(faults_of_conditions(self.groups))

    @classmethod
    def of(cls, *declared: ParameterGroup | Parameter) -> "Space":
        """Return the space of these; a hyperparameter by itself is a group of its own."""
        return cls(tuple(_as_group(each) for each in declared))

    @cached_property
    def hyperparameters(self) -> dict[str, Parameter]:
        """Hyperparameters by name, in declared order."""
        return {member.name: member for group in self.groups for member in group.members}

    @cached_property
    def parts(self) -> tuple[SpacePart, ...]:
        """Groups with their places in the cube, and when they apply."""
        return parts_of(self.groups)

    @cached_property
    def dimensions(self) -> tuple[str, ...]:
        """Names of the cube's D axes."""
        return tuple(name for part in self.parts for name in part.dimensions)

    @cached_property
    def is_conditional(self) -> bool:
        """True where a hyperparameter does not always apply."""
        return any(part.conditions for part in self.parts)

    @cached_property
    def n_choices(self) -> Ints:
        """Numbers of choices (D,) of the axes of categories; 0 for the axes of numbers."""
        members = [self.hyperparameters[name] for name in self.dimensions]
        counts = [m.cells if isinstance(m, CategoricalParameter) else 0 for m in members]
        return np.array(counts, dtype=np.int64)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all declarations, 64 hex digits: same fingerprint, same valid configurations."""
        declared = [
            [type(group).__name__, [_declared(member) for member in group.members]]
            for group in self.groups
        ]
        return hashlib.sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()

    def defaults(self) -> dict[str, Any]:
        """Return the configuration of declared defaults."""
        values: dict[str, Any] = {}
        for part in self.parts:
            if part.applies(values):
                values |= {member.name: member.default for member in part.group.members}
        return values

    def faults(self, values: Mapping[str, object]) -> list[str]:
        """Return all that is wrong with a complete configuration, one sentence each."""
        found = [f"unknown hyperparameter {n!r}" for n in values if n not in self.hyperparameters]
        applying = [(part, part.applies(values)) for part in self.parts]
        needed = [name for part, applies in applying if applies for name in part.names]
        found += [f"{name} is missing" for name in needed if name not in values]
        for part, applies in applying:
            given = [m for m in part.group.members if m.name in values]
            if not applies:
                if not self._has_wrong_parent(part, values):
                    found += [part.fault_of_inactive(m.name, values) for m in given]
                continue
            wrong = [fault for m in given for fault in m.faults(values[m.name])]
            if not wrong and len(given) == len(part.names):
                wrong = part.group.faults(values)
            found += wrong
        return found

    def _has_wrong_parent(self, part: SpacePart, values: Mapping[str, object]) -> bool:
        """Return if what a condition of `part` depends on is itself wrong: that is told instead."""
        parents = {condition.parent for condition in part.conditions} & values.keys()
        return any(self.hyperparameters[name].faults(values[name]) for name in parents)

    def checked(self, values: Mapping[str, object]) -> dict[str, Any]:
        """Return `values` on the grid and in declared order.

        Raises:
            InputError: something is wrong with them; all of it is named.
        """
        check_no_faults(self.faults(values))
        found: dict[str, Any] = {}
        for part in self.parts:
            if not part.applies(found):
                continue
            near = {m.name: m.on_grid(values[m.name]) for m in part.group.members}
            if isinstance(part.group, Simplex):
                units = shares_on_grid([float(share) for share in near.values()])
                near = {n: unit / GRID_STEPS for n, unit in zip(near, units, strict=True)}
            found |= near
        return found

    def merged(self, base: Configuration, partial: Mapping[str, object]) -> dict[str, Any]:
        """Return `partial` over `base`; shares of 1 that it does not name are rescaled.

        What it makes apply has its default, and what it keeps from applying falls away.

        Raises:
            InputError: the result is not valid; all that is wrong is named.
        """
        values = self.overlaid(base, partial)
        for part in self.parts:
            if isinstance(part.group, Simplex) and part.applies(values):
                members = part.group.members
                stays = {m.name: values[m.name] for m in members if m.low == m.high}
                if any(name in partial for name in part.names):
                    values |= rescaled(part.names, values, {**stays, **partial})
        return self.checked(values)

    def overlaid(self, base: Configuration, partial: Mapping[str, object]) -> dict[str, Any]:
        """Return `partial` over `base`, with neither less nor more of `base` than then applies."""
        values: dict[str, Any] = {**base, **partial}
        for part in self.parts:
            if part.conditions and part.applies(values):
                values = {m.name: m.default for m in part.group.members} | values
            elif part.conditions:
                values = {n: v for n, v in values.items() if n not in part.names or n in partial}
        return values

    def encode(self, values: Configuration) -> Floats:
        """Return the point (D,) of the cube for a valid configuration.

        What does not apply has the same place in all configurations, so that they differ by what
        they mean.
        """
        return np.array([unit for part in self.parts for unit in part.encode(values)])

    def decode(self, point: Floats) -> dict[str, Any]:
        """Return the valid configuration at `point` (D,), each coordinate in [0, 1]."""
        values: dict[str, Any] = {}
        for part in self.parts:
            if part.applies(values):
                units = point[part.start : part.end]
                values |= part.group.decode([float(unit) for unit in units])
        return values

    def cells(self, values: Configuration) -> Floats:
        """Return (D, 2) the ends of each axis's cell, in which `values` stay; equal if continuous.

        A cell is where a whole number, or a choice, is the same while the other axes are.
        """
        found: Floats = np.array([cell for part in self.parts for cell in part.cells(values)])
        return found.reshape(-1, 2)

    def active_axes(self, values: Configuration) -> Bools:
        """Return (D,) which axes say something about `values`."""
        return np.array([name in values for name in self.dimensions], dtype=np.bool_)

    def distance(self, a: Floats, b: Floats) -> float:
        """Return the Euclidean distance of two points (D,); different choices are 1 apart."""
        apart = a - b
        n = self.n_choices
        if n.any():
            cells = [np.minimum(n - 1, np.floor(point * n)) for point in (a, b)]
            apart = np.where(n > 0, cells[0] != cells[1], apart)
        return float(np.linalg.norm(apart))


def _as_group(declared: ParameterGroup | Parameter) -> ParameterGroup:
    if not isinstance(declared, Parameter):
        return declared
    return Single(declared) if declared.searched else Fixed(declared)


def _declared(member: Parameter) -> dict[str, Any]:
    """Return a declaration for hashing: spaces that could be declared before keep their hash."""
    return {name: value for name, value in asdict(member).items() if value or name not in _LATER}


__all__ = [
    "DECIMALS",
    "GRID_STEPS",
    "Ascending",
    "BooleanParameter",
    "CategoricalParameter",
    "Condition",
    "Configuration",
    "Fixed",
    "FloatParameter",
    "Hyperparameter",
    "IntParameter",
    "Number",
    "Parameter",
    "ParameterGroup",
    "Simplex",
    "Single",
    "Space",
    "Value",
    "when",
]
