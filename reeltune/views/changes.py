"""How one configuration differs from another."""

from dataclasses import dataclass

from reeltune.domain.space import Configuration, Space, Value


@dataclass(frozen=True, slots=True)
class Change:
    """One hyperparameter that differs from the deployed configuration."""

    name: str
    deployed: Value
    value: Value
    delta: Value


def changes(
    deployed: Configuration | None, configuration: Configuration, space: Space
) -> tuple[Change, ...]:
    """What `configuration` changed, the greatest share of its range first; empty if unknown."""
    if deployed is None:
        return ()
    found = [
        Change(name, deployed[name], value, _difference(value, deployed[name]))
        for name, value in configuration.items()
        if name in deployed and value != deployed[name]
    ]
    return tuple(sorted(found, key=lambda change: -_share_of_range(change, space)))


def _difference(value: Value, deployed: Value) -> Value:
    """Without the noise of binary fractions."""
    delta = value - deployed
    return delta if isinstance(delta, int) else round(delta, 12)


def _share_of_range(change: Change, space: Space) -> float:
    known = space.hyperparameters.get(change.name)
    width = known.high - known.low if known is not None else 0
    return abs(change.delta) / width if width > 0 else abs(change.delta)
