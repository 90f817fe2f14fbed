"""Axes of hyperparameters: numbers, logarithms, and the choices of a category."""

from collections.abc import Mapping

from reeltune.domain.space import CategoricalParameter, Hyperparameter, Parameter, Space, Value
from reeltune.reports.svg import Scale

MAX_NAME = 12  # letters of a choice at a tick


def place_of(member: Parameter, value: Value | None) -> float | None:
    """Return where a value lies on its axis: a number itself, of a choice its position."""
    if value is None:
        return None
    if isinstance(member, CategoricalParameter):
        position = member.position(value)
        return None if position is None else float(position)
    return float(value) if isinstance(value, int | float) else None


def parameter_scale(member: Parameter, start: float, end: float) -> Scale:
    """Return the axis of a hyperparameter over all that it may be."""
    if isinstance(member, Hyperparameter):
        low, high = float(member.low), float(member.high)
        if not low < high:
            low, high = low - 0.5, high + 0.5
        return Scale(low, high, start, end, log=member.has_log_axis and low > 0)
    assert isinstance(member, CategoricalParameter)
    names = tuple(shortened(shown(choice), MAX_NAME) for choice in member.choices)
    return Scale(-0.5, len(names) - 0.5, start, end, names=names)


def places(
    space: Space, name: str, configurations: list[Mapping[str, Value]]
) -> list[float | None]:
    """Return where each configuration lies on the axis of a hyperparameter; None where nowhere."""
    member = space.hyperparameters[name]
    return [place_of(member, each.get(name)) for each in configurations]


def shown(value: Value | None) -> str:
    """Return a value as people read it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def shown_place(member: Parameter, place: float) -> str:
    """Return the value at a place of an axis, as people read it."""
    if isinstance(member, CategoricalParameter):
        return shown(member.choices[round(place)])
    return f"{place:.4g}"


def shortened(text: str, most: int) -> str:
    """Return text of at most so many letters.

    >>> shortened("gradient boosting", 9)
    'gradient…'
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"
