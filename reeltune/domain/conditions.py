"""Conditions under which a group of a space applies, and its place in the cube."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reeltune.domain.groups import Cell, Fixed, ParameterGroup
from reeltune.domain.parameters import (
    CategoricalParameter,
    Condition,
    Configuration,
    Hyperparameter,
    Parameter,
    as_text,
)


@dataclass(frozen=True)
class SpacePart:
    """Group in its space: its coordinates `start` to `end`, and when it applies."""

    group: ParameterGroup
    start: int
    end: int
    conditions: tuple[Condition, ...]
    can_never_apply: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the members."""
        return tuple(member.name for member in self.group.members)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names of its axes."""
        return self.group.dimensions if self.end > self.start else ()

    def applies(self, values: Mapping[str, object]) -> bool:
        """Return if the group applies in a configuration that has all that is declared before."""
        return all(condition.holds(values) for condition in self.conditions)

    def encode(self, values: Configuration) -> list[float]:
        """Return the group's coordinates; of what does not apply, the placeholder's."""
        if self.start == self.end:
            return []
        return self.group.encode(values) if self._is_in(values) else self._placeholder_point()

    def cells(self, values: Configuration) -> list[Cell]:
        """Return the cell of each coordinate; of what does not apply, the placeholder's."""
        if self.start == self.end:
            return []
        return self.group.cells(values if self._is_in(values) else self.placeholder())

    def placeholder(self) -> dict[str, Any]:
        """Return what stands for the group where it does not apply: valid values of it."""
        if self.start == self.end:
            return {member.name: member.default for member in self.group.members}
        return self.group.decode(self._placeholder_point())

    def fault_of_inactive(self, name: str, values: Mapping[str, object]) -> str:
        """Return what is wrong where `values` has the member `name`, which does not apply."""
        failing = next(c for c in self.conditions if not c.holds(values))
        now = values.get(failing.parent)
        value = as_text(now) if isinstance(now, str | int | float) else "not there"
        return f"{name} applies only while {failing}, which is {value}: leave it out"

    def _is_in(self, values: Configuration) -> bool:
        return not self.conditions or self.names[0] in values

    def _placeholder_point(self) -> list[float]:
        """Return the default's place; of several members, the middle of what they may be."""
        members = self.group.members
        if len(members) == 1:
            return self.group.encode({members[0].name: members[0].default})
        return [0.5] * len(self.group.dimensions)


def parts_of(groups: Sequence[ParameterGroup]) -> tuple[SpacePart, ...]:
    """Return the groups with their places in the cube; those that never apply have no axis."""
    possible: dict[str, Parameter] = {}  # what may be in a configuration
    found, start = [], 0
    for group in groups:
        conditions = group.members[0].active_when
        reachable = all(_may_hold(condition, possible) for condition in conditions)
        end = start + (len(group.dimensions) if reachable else 0)
        found.append(SpacePart(group, start, end, conditions, not reachable))
        if reachable:
            possible |= {member.name: member for member in group.members}
        start = end
    return tuple(found)


def _may_hold(condition: Condition, possible: Mapping[str, Parameter]) -> bool:
    parent = possible.get(condition.parent)
    return parent is not None and any(not parent.faults(value) for value in condition.values)


def faults_of_conditions(groups: Sequence[ParameterGroup]) -> list[str]:
    """Return what is wrong with names and conditions, one sentence each."""
    before: dict[str, tuple[ParameterGroup, Parameter]] = {}
    found: list[str] = []
    for group in groups:
        conditions = group.members[0].active_when
        for member in group.members:
            if member.active_when != conditions:
                first = group.members[0].name
                found.append(f"{member.name} must have the same conditions as {first}")
        found += [fault for c in conditions for fault in _faults_of(c, group, before)]
        for member in group.members:
            if member.name in before:
                found.append(f"{member.name} is declared twice")
            before[member.name] = (group, member)
    return found


def _faults_of(
    condition: Condition,
    group: ParameterGroup,
    before: Mapping[str, tuple[ParameterGroup, Parameter]],
) -> Iterator[str]:
    """Yield what is wrong with a condition of `group`; the parent must be declared before."""
    name, parent = group.members[0].name, condition.parent
    if parent not in before:
        yield f"{name} is active by {parent}, which must be declared before it"
        return
    its_group, member = before[parent]
    whole = isinstance(member, Hyperparameter) and member.integer
    if not (whole or isinstance(member, CategoricalParameter)):
        yield f"{name} is active by {parent}, which must be a choice or a whole number"
    elif isinstance(its_group, Fixed):
        yield f"{name} is active by {parent}, which is never searched"
    elif not condition.values:
        yield f"{name} is active by {parent}: name one of its values at least"
    elif not member.is_limited:
        for value in condition.values:
            yield from (f"{name} is active by {fault}" for fault in member.faults(value))
