"""Completion of configurations that were stored before a hyperparameter was declared."""

from reeltune.domain.space import Configuration, Simplex, Space, Value


def completed(space: Space, values: Configuration) -> dict[str, Value]:
    """Return `values` with what `space` has declared since, so that they mean what they meant.

    That is its default; of shares of a whole, of which others are there, it is 0.

    >>> from reeltune.components.hyperparameters import SPACE
    >>> old = {n: v for n, v in SPACE.defaults().items() if n != "genre_boost_high"}
    >>> completed(SPACE, old) == SPACE.defaults()
    True
    >>> completed(SPACE, {"genre_weight": 0.6, "cast_weight": 0.4})["rating_weight"]
    0.0
    """
    found: dict[str, Value] = dict(values)
    for group in space.groups:
        shares = isinstance(group, Simplex) and any(m.name in values for m in group.members)
        for member in group.members:
            found.setdefault(member.name, 0.0 if shares else member.default)
    return found
