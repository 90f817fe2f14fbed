"""Differences between two configurations."""

import math
from dataclasses import dataclass

from reeltune.domain.space import Configuration, Hyperparameter, Number, Space, Value


@dataclass(frozen=True, slots=True)
class Change:
    """Hyperparameter that differs from the deployed configuration."""

    name: str
    deployed: Value | None  # None: it does not apply there
    value: Value
    delta: Number | None  # None where no numbers are compared


def changes(
    deployed: Configuration | None, configuration: Configuration, space: Space
) -> tuple[Change, ...]:
    """Return what `configuration` changed, the greatest share of its range first.

    Of a category or of what did not apply before, any change is all of its range. Empty where
    nothing is known of what was deployed.
    """
    if deployed is None:
        return ()
    found = [
        Change(name, deployed.get(name), value, _difference(value, deployed.get(name)))
        for name, value in configuration.items()
        if value != deployed.get(name) and (name in deployed or _is_conditional(name, space))
    ]
    return tuple(sorted(found, key=lambda change: -_share_of_range(change, space)))


def _is_conditional(name: str, space: Space) -> bool:
    member = space.hyperparameters.get(name)
    return member is not None and bool(member.active_when)


def _difference(value: Value, deployed: Value | None) -> Number | None:
    """Return the difference of numbers, without the noise of binary fractions."""
    if not _is_number(value) or not _is_number(deployed):
        return None
    assert isinstance(value, int | float)
    assert isinstance(deployed, int | float)
    delta = value - deployed
    return delta if isinstance(delta, int) else round(delta, 12)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _share_of_range(change: Change, space: Space) -> float:
    member = space.hyperparameters.get(change.name)
    if change.delta is None or (member is not None and not isinstance(member, Hyperparameter)):
        return 1.0
    if member is None:
        return abs(change.delta)
    assert isinstance(change.deployed, int | float)
    assert isinstance(change.value, int | float)
    if member.log and member.low < member.high:
        return abs(math.log(change.value / change.deployed)) / math.log(member.high / member.low)
    width = member.high - member.low
    return abs(change.delta) / width if width > 0 else abs(change.delta)
