"""Objectives of a run: one metric, or up to three objectives at once."""

from collections.abc import Mapping, Sequence

from reeltune.domain.direction import Direction
from reeltune.domain.errors import InputError

SECONDS = "seconds"  # of an experiment; less is better
MAX_OBJECTIVES = 3


def read_objectives(text: str, first: Sequence[str], further: Sequence[str]) -> tuple[str, ...]:
    """Return the names in a list with commas.

    Args:
        text: from outside.
        first: what may be the first: all that is decided about a run is decided by it.
        further: what else may be on the list.

    Raises:
        InputError: something is wrong with it.

    >>> read_objectives("mrr, seconds", ["mrr"], ["mrr", "seconds"])
    ('mrr', 'seconds')
    """
    names = tuple(name.strip() for name in text.split(","))
    check_objectives(names, first, further)
    return names


def check_objectives(names: Sequence[str], first: Sequence[str], further: Sequence[str]) -> None:
    """Check a list of objectives.

    Raises:
        InputError: a name is unknown or twice there, or there are too many.
    """
    if names[0] not in first:
        which = "the first objective" if len(names) > 1 else "objective"
        raise InputError(f"{which} must be one of {', '.join(first)}, got {names[0]!r}")
    wrong = [name for name in names[1:] if name not in further]
    if wrong:
        raise InputError(f"further objectives must be of {', '.join(further)}, got {wrong[0]!r}")
    if len(names) > MAX_OBJECTIVES:
        raise InputError(f"there may be {MAX_OBJECTIVES} objectives at most, got {len(names)}")
    if len(set(names)) < len(names):
        raise InputError(f"the objectives must differ, got {', '.join(names)}")


def value_of(
    objective: str, metrics: Mapping[str, float | None], seconds: float | None
) -> float | None:
    """Return an experiment's value of one objective, as the metric states it; None if unknown."""
    return seconds if objective == SECONDS else metrics.get(objective)


def upwards(directions: Sequence[Direction], values: Sequence[float | None]) -> tuple[float, ...]:
    """Return `values` of several objectives so that more is better; empty if one is unknown.

    >>> both = (Direction.MAXIMIZE, Direction.MINIMIZE)
    >>> upwards(both, [0.5, 2.0]), upwards(both, [0.5, None])
    ((0.5, -2.0), ())
    """
    signed = [
        direction.upwards(value)
        for direction, value in zip(directions, values, strict=True)
        if value is not None
    ]
    return tuple(signed) if len(signed) == len(directions) else ()
