"""Spaces as JSON, to be kept with what was found in them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from reeltune.domain.errors import InputError, StorageError
from reeltune.domain.space import (
    Ascending,
    BooleanParameter,
    CategoricalParameter,
    Condition,
    Fixed,
    FloatParameter,
    Hyperparameter,
    IntParameter,
    Parameter,
    ParameterGroup,
    Simplex,
    Single,
    Space,
)

_PARAMETERS: dict[str, Callable[..., Any]] = {
    kind.__name__: kind
    for kind in (
        Hyperparameter,
        FloatParameter,
        IntParameter,
        CategoricalParameter,
        BooleanParameter,
    )
}
_ALONE: dict[str, Callable[[Parameter], ParameterGroup]] = {"Single": Single, "Fixed": Fixed}
_TOGETHER: dict[str, Callable[[tuple[Hyperparameter, ...]], ParameterGroup]] = {
    "Ascending": Ascending,
    "Simplex": Simplex,
}


def space_as_json(space: Space) -> list[dict[str, Any]]:
    """Return a space as lists and dicts, from which the same can be made.

    >>> x = FloatParameter(name="x", default=0.5, low=0, high=1, meaning="")
    >>> space = Space.of(x)
    >>> space_from_json(space_as_json(space)) == space
    True
    """
    return [
        {
            "group": type(group).__name__,
            "members": [
                {"kind": type(member).__name__, **asdict(member)} for member in group.members
            ],
        }
        for group in space.groups
    ]


def space_from_json(stored: Sequence[Mapping[str, Any]]) -> Space:
    """Return the space that was kept.

    Raises:
        StorageError: it is not one that this program knows.
    """
    try:
        return Space(tuple(_group(each) for each in stored))
    except (KeyError, TypeError, ValueError, InputError) as error:
        raise StorageError(f"the space kept with a run cannot be read: {error!r}") from error


def _group(stored: Mapping[str, Any]) -> ParameterGroup:
    members = tuple(map(_parameter, stored["members"]))
    kind = stored["group"]
    if kind in _ALONE:
        (member,) = members
        return _ALONE[kind](member)
    return _TOGETHER[kind](members)


def _parameter(stored: Mapping[str, Any]) -> Any:
    declared = dict(stored)
    kind = _PARAMETERS[declared.pop("kind")]
    declared["active_when"] = tuple(
        Condition(each["parent"], tuple(each["values"])) for each in declared["active_when"]
    )
    if "choices" in declared:
        declared["choices"] = tuple(declared["choices"])
    return kind(**declared)
