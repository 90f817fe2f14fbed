"""Search within a part of a space: some hyperparameters fixed, others with fewer values."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from reeltune.domain.conditions import SpacePart
from reeltune.domain.errors import InputError
from reeltune.domain.limited import Limited, LimitedAscending, LimitedChoice, LimitedSingle
from reeltune.domain.limited_simplex import LimitedSimplex
from reeltune.domain.space import (
    Ascending,
    CategoricalParameter,
    Configuration,
    Hyperparameter,
    Number,
    Parameter,
    ParameterGroup,
    Simplex,
    Space,
    Value,
)

MAX_CHOICES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Limit on one hyperparameter of a search: choices, or a range; one choice fixes it."""

    name: str
    choices: tuple[Value, ...] = ()
    low: Number | None = None  # None: as declared
    high: Number | None = None
    log: bool = False  # as declared, where that is so already


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of a search. What they do not name is searched as declared, or stays."""

    limits: tuple[Limit, ...] = ()
    others_fixed: bool = False

    @classmethod
    def of(cls, stored: Mapping[str, object]) -> "Limits":
        """Read what `asdict` and JSON made of it."""
        limits = stored.get("limits", ())
        assert isinstance(limits, Sequence)
        made = [Limit(**{**limit, "choices": tuple(limit["choices"])}) for limit in limits]
        return cls(limits=tuple(made), others_fixed=bool(stored.get("others_fixed")))

    def faults(self, space: Space) -> list[tuple[str, str]]:
        """Return all that is wrong with the limits: the hyperparameter, and one sentence."""
        found = []
        for limit in self.limits:
            member = space.hyperparameters.get(limit.name)
            wrong = limit_faults(member, limit) if member else ["there is no such hyperparameter"]
            found += [(limit.name, sentence) for sentence in wrong]
        return found


def limit_faults(member: Parameter, limit: Limit) -> list[str]:
    """Return what is wrong with a limit on `member`."""
    if not member.searched:
        return [f"{member.name} is never searched"]
    ends = [end for end in (limit.low, limit.high) if end is not None]
    if isinstance(member, CategoricalParameter) and (ends or limit.log):
        return [f"{member.name} has no range: give choices, {member.expected}"]
    found = [fault for value in (*limit.choices, *ends) for fault in member.faults(value)]
    if len(limit.choices) > MAX_CHOICES:
        found.append(f"{member.name} may have {MAX_CHOICES} values, got {len(limit.choices)}")
    if not found and not limit.choices and isinstance(member, Hyperparameter):
        low = member.low if limit.low is None else limit.low
        high = member.high if limit.high is None else limit.high
        if low > high:
            found.append(f"{member.name}: low must be below high, got {low} and {high}")
        if limit.log and low <= 0:
            found.append(f"{member.name}: log needs a range above 0, got {low} to {high}")
    return found


def restricted(space: Space, limits: Limits, current: Configuration) -> Space:
    """Return the part of `space` that `limits` leave; its cube has an axis per free value.

    Of shares that sum to 1, those that are not named keep their proportions in `current` where
    others are fixed.

    Raises:
        InputError: nothing is left, or a limit is wrong; all of it is named.
    """
    wrong = [f"{name}: {sentence}" for name, sentence in limits.faults(space)]
    if wrong:
        raise InputError("; ".join(wrong))
    by_name = {limit.name: limit for limit in limits.limits}
    groups: list[ParameterGroup] = []
    for group in space.groups:
        try:
            groups.append(_restricted_group(group, by_name, limits.others_fixed, current))
        except InputError as error:
            wrong.append(str(error))
    if wrong:
        raise InputError("; ".join(wrong))
    found = Space(tuple(groups))
    for part in found.parts:
        for name in part.names:
            if name in by_name and part.can_never_apply:
                conditions = " and ".join(map(str, part.conditions))
                wrong.append(f"{name} applies only while {conditions}, which the limits leave out")
    if wrong:
        raise InputError("; ".join(wrong))
    return found


def _restricted_group(
    group: ParameterGroup, by_name: Mapping[str, Limit], others_fixed: bool, current: Configuration
) -> ParameterGroup:
    named = [member for member in group.members if member.name in by_name]
    if not any(member.searched for member in group.members) or not (named or others_fixed):
        return group
    if isinstance(group, Simplex):
        return _restricted_simplex(group, by_name, others_fixed, current)
    members = [
        (member, by_name.get(member.name, _stays(member, others_fixed, current)))
        for member in group.members
    ]
    if isinstance(group, Ascending):
        numbers = [(m, limit) for m, limit in members if isinstance(m, Hyperparameter)]
        return LimitedAscending(tuple(limited(m, limit) for m, limit in numbers))
    member, limit = members[0]
    if isinstance(member, CategoricalParameter):
        return LimitedSingle(_limited_choice(member, limit))
    assert isinstance(member, Hyperparameter)
    return LimitedSingle(limited(member, limit))


def _restricted_simplex(
    group: Simplex, by_name: Mapping[str, Limit], others_fixed: bool, current: Configuration
) -> ParameterGroup:
    others = [member for member in group.members if member.name not in by_name]
    if others_fixed and len(others) == len(group.members):
        stays = tuple(limited(m, _stays(m, True, current)) for m in group.members)
        return LimitedSimplex(stays)
    members = tuple(limited(m, by_name.get(m.name, Limit(name=m.name))) for m in group.members)
    if not others_fixed:
        return LimitedSimplex(members)
    weights = [float(current[member.name]) for member in others]
    equal = not math.fsum(weights)
    tied = zip((m.name for m in others), [1.0] * len(others) if equal else weights, strict=True)
    return LimitedSimplex(members, tuple(tied))


def _stays(member: Parameter, others_fixed: bool, current: Configuration) -> Limit:
    """Return the limit on what is not named; what does not apply now stays at its default."""
    value = current.get(member.name, member.default)
    return Limit(name=member.name, choices=(value,) if others_fixed else ())


def limited(member: Hyperparameter, limit: Limit) -> Limited:
    """Return `member` with the values that `limit` leaves it, the nearest of them as default."""
    declared = {field.name: getattr(member, field.name) for field in fields(Hyperparameter)}
    numbers = [choice for choice in limit.choices if not isinstance(choice, str)]
    choices = tuple(sorted({member.on_grid(number) for number in numbers}))
    low = member.low if limit.low is None else member.on_grid(limit.low)
    high = member.high if limit.high is None else member.on_grid(limit.high)
    if choices:
        low, high = choices[0], choices[-1]
    elif low == high:
        choices = (low,)
    by_ratio = limit.log or member.log
    made = Limited(**declared | {"low": low, "high": high}, choices=choices, by_ratio=by_ratio)
    default = made.on_grid(min(high, max(low, member.default)))
    return replace(made, default=default, searched=member.searched and low < high)


def _limited_choice(member: CategoricalParameter, limit: Limit) -> LimitedChoice:
    """Return `member` with the choices that `limit` leaves it, in their declared order."""
    places = {member.position(choice) for choice in limit.choices}
    chosen = [c for k, c in enumerate(member.choices) if k in places or not places]
    default = member.default if member.default in chosen else chosen[0]
    declared = {field.name: getattr(member, field.name) for field in fields(CategoricalParameter)}
    searched = member.searched and len(chosen) > 1
    return LimitedChoice(
        **declared | {"choices": tuple(chosen), "default": default, "searched": searched}
    )


def projected(space: Space, values: Configuration) -> dict[str, Any]:
    """Return something near `values` that is in `space`, a part of the space that they are of."""
    found = space.decode(space.encode(values))
    stays = {
        name: values[name]
        for name, member in space.hyperparameters.items()
        if name in found and name in values and not member.searched and not member.is_limited
    }
    return found | stays


def contains(space: Space, values: Configuration) -> bool:
    """Return if `values`, of the whole space, are in `space`, a part of it."""
    for name, member in space.hyperparameters.items():  # most that are not show it at once
        if isinstance(member, Limited) and not member.low <= values.get(name, member.low):
            return False
        if isinstance(member, Limited) and not values.get(name, member.high) <= member.high:
            return False
    return projected(space, values) == dict(values)


def combinations(space: Space, most: int) -> list[dict[str, Any]] | None:
    """Return every configuration of `space`, up to `most`; None where they cannot be counted."""
    choices: list[list[dict[str, Any]]] = []
    for part in space.parts:
        every = getattr(part.group, "combinations", None)
        if every is None and part.dimensions:
            return None
        found = every() if every is not None else [part.group.decode([])]
        if found is None:
            return None
        choices.append(found)
    return list(itertools.islice(_products(space.parts, choices, {}), most))


def _products(
    parts: Sequence[SpacePart], choices: Sequence[list[dict[str, Any]]], begun: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield `begun` with each choice of every part that applies to it, the last one fastest."""
    if not parts:
        yield begun
        return
    applies = parts[0].applies(begun)
    for chosen in choices[0] if applies else [{}]:
        yield from _products(parts[1:], choices[1:], begun | chosen)
