"""Spaces as JSON, to be kept with what was found in them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from reeltune.domain.errors import StorageError
from reeltune.domain.space import Ascending, Fixed, Group, Hyperparameter, Simplex, Single, Space

_ALONE: dict[str, Callable[[Hyperparameter], Group]] = {"Single": Single, "Fixed": Fixed}
_TOGETHER: dict[str, Callable[[tuple[Hyperparameter, ...]], Group]] = {
    "Ascending": Ascending,
    "Simplex": Simplex,
}


def space_as_json(space: Space) -> list[dict[str, Any]]:
    """Return a space as lists and dicts, from which the same can be made.

    >>> x = Hyperparameter(name="x", default=0.5, low=0, high=1, meaning="")
    >>> space = Space((Single(x),))
    >>> space_from_json(space_as_json(space)) == space
    True
    """
    return [
        {"kind": type(group).__name__, "members": [asdict(member) for member in group.members]}
        for group in space.groups
    ]


def space_from_json(stored: Sequence[Mapping[str, Any]]) -> Space:
    """Return the space that was kept.

    Raises:
        StorageError: it is not one that this program knows.
    """
    try:
        return Space(tuple(_group(each) for each in stored))
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(f"the space kept with a run cannot be read: {error!r}") from error


def _group(stored: Mapping[str, Any]) -> Group:
    members = tuple(Hyperparameter(**member) for member in stored["members"])
    kind = stored["kind"]
    if kind in _ALONE:
        (member,) = members
        return _ALONE[kind](member)
    return _TOGETHER[kind](members)
