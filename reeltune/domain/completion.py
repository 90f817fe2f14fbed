"""Completion of configurations that were stored before a hyperparameter was declared."""

from typing import Any

from reeltune.domain.space import Configuration, Simplex, Space


def with_defaults(space: Space, values: Configuration) -> dict[str, Any]:
    """Return `values` with what `space` has declared since, so that they mean what they meant.

    That is its default, where it applies; of shares of a whole, of which others are there, it is 0.

    >>> from reeltune.components.hyperparameters import SPACE
    >>> old = {n: v for n, v in SPACE.defaults().items() if n != "genre_boost_high"}
    >>> with_defaults(SPACE, old) == SPACE.defaults()
    True
    >>> with_defaults(SPACE, {"genre_weight": 0.6, "cast_weight": 0.4})["rating_weight"]
    0.0
    """
    found: dict[str, Any] = dict(values)
    for part in space.parts:  # conditions before what hangs on them
        if not part.applies(found):
            continue
        shares = isinstance(part.group, Simplex) and any(n in values for n in part.names)
        for member in part.group.members:
            found.setdefault(member.name, 0.0 if shares else member.default)
    return found
