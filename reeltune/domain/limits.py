"""A search within a part of a space: some hyperparameters fixed, others with fewer values."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

from reeltune.domain.errors import InputError
from reeltune.domain.limited import Limited, LimitedAscending, LimitedSingle
from reeltune.domain.limited_simplex import LimitedSimplex
from reeltune.domain.space import (
    Ascending,
    Configuration,
    Group,
    Hyperparameter,
    Simplex,
    Space,
    Value,
)

MOST_CHOICES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What a search may choose for one hyperparameter: choices, or a range; one choice fixes it."""

    name: str
    choices: tuple[Value, ...] = ()
    low: Value | None = None  # None: as declared
    high: Value | None = None
    log: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a search may choose. What it does not name is searched as declared, or stays."""

    limits: tuple[Limit, ...] = ()
    others_fixed: bool = False

    @classmethod
    def of(cls, stored: Mapping[str, object]) -> "Limits":
        """From what `asdict` and JSON made of it."""
        limits = stored.get("limits", ())
        assert isinstance(limits, Sequence)
        made = [Limit(**{**limit, "choices": tuple(limit["choices"])}) for limit in limits]
        return cls(limits=tuple(made), others_fixed=bool(stored.get("others_fixed")))

    def faults(self, space: Space) -> list[tuple[str, str]]:
        """All that is wrong with the limits themselves: the hyperparameter, and one sentence."""
        found = []
        for limit in self.limits:
            member = space.hyperparameters.get(limit.name)
            wrong = limit_faults(member, limit) if member else ["there is no such hyperparameter"]
            found += [(limit.name, sentence) for sentence in wrong]
        return found


def limit_faults(member: Hyperparameter, limit: Limit) -> list[str]:
    """What is wrong with a limit on `member`."""
    if not member.searched:
        return [f"{member.name} is never searched"]
    given = [*limit.choices, *(end for end in (limit.low, limit.high) if end is not None)]
    found = [fault for value in given for fault in member.faults(value)]
    if len(limit.choices) > MOST_CHOICES:
        found.append(f"{member.name} may have {MOST_CHOICES} values, got {len(limit.choices)}")
    if not found and not limit.choices:
        low = member.low if limit.low is None else limit.low
        high = member.high if limit.high is None else limit.high
        if low > high:
            found.append(f"{member.name}: low must be below high, got {low} and {high}")
        if limit.log and low <= 0:
            found.append(f"{member.name}: log needs a range above 0, got {low} to {high}")
    return found


def restricted(space: Space, limits: Limits, current: Configuration) -> Space:
    """The part of `space` that `limits` leave; its cube has an axis per value that can be chosen.

    Of shares that sum to 1, those that are not named keep their proportions in `current` where
    others are fixed.

    Raises:
        InputError: nothing is left, or a limit is wrong; all of it is named.
    """
    wrong = [f"{name}: {sentence}" for name, sentence in limits.faults(space)]
    if wrong:
        raise InputError("; ".join(wrong))
    by_name = {limit.name: limit for limit in limits.limits}
    groups: list[Group] = []
    for group in space.groups:
        try:
            groups.append(_restricted_group(group, by_name, limits.others_fixed, current))
        except InputError as error:
            wrong.append(str(error))
    if wrong:
        raise InputError("; ".join(wrong))
    return Space(tuple(groups))


def _restricted_group(
    group: Group, by_name: Mapping[str, Limit], others_fixed: bool, current: Configuration
) -> Group:
    named = [member for member in group.members if member.name in by_name]
    if not any(member.searched for member in group.members) or not (named or others_fixed):
        return group
    if isinstance(group, Simplex):
        return _restricted_simplex(group, by_name, others_fixed, current)
    members = tuple(
        limited(member, by_name.get(member.name, _stays(member, others_fixed, current)))
        for member in group.members
    )
    if isinstance(group, Ascending):
        return LimitedAscending(members)
    return LimitedSingle(members[0])


def _restricted_simplex(
    group: Simplex, by_name: Mapping[str, Limit], others_fixed: bool, current: Configuration
) -> Group:
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


def _stays(member: Hyperparameter, others_fixed: bool, current: Configuration) -> Limit:
    """The limit on what is not named."""
    return Limit(name=member.name, choices=(current[member.name],) if others_fixed else ())


def limited(member: Hyperparameter, limit: Limit) -> Limited:
    """`member` with the values that `limit` leaves it; its default is the nearest of them."""
    declared = {field.name: getattr(member, field.name) for field in fields(Hyperparameter)}
    choices = tuple(sorted({member.on_grid(choice) for choice in limit.choices}))
    low = member.low if limit.low is None else member.on_grid(limit.low)
    high = member.high if limit.high is None else member.on_grid(limit.high)
    if choices:
        low, high = choices[0], choices[-1]
    elif low == high:
        choices = (low,)
    made = Limited(**declared | {"low": low, "high": high}, choices=choices, log=limit.log)
    default = made.on_grid(min(high, max(low, member.default)))
    is_searched = member.searched and low < high
    return Limited(**{**asdict(made), "default": default, "searched": is_searched})


def projected(space: Space, values: Configuration) -> dict[str, Value]:
    """Something near `values` that is in `space`, a part of the space that they are of."""
    stays = {
        name: values[name]
        for name, member in space.hyperparameters.items()
        if not member.searched and not isinstance(member, Limited)
    }
    return space.decode(space.encode(values)) | stays


def contains(space: Space, values: Configuration) -> bool:
    """Are these `values`, of the whole space, in `space`, a part of it?"""
    for name, member in space.hyperparameters.items():  # most that are not show it at once
        if isinstance(member, Limited) and not member.low <= values[name] <= member.high:
            return False
    return projected(space, values) == dict(values)


def combinations(space: Space, most: int) -> list[dict[str, Value]] | None:
    """Every configuration of `space`, up to `most`; None where they cannot be counted."""
    lists: list[list[dict[str, Value]]] = []
    for group in space.groups:
        every = getattr(group, "combinations", None)
        if every is None and group.dimensions:
            return None
        found = every() if every is not None else [group.decode([])]
        if found is None:
            return None
        lists.append(found)
    products = itertools.islice(itertools.product(*lists), most)
    return [{name: v for part in parts for name, v in part.items()} for parts in products]
