"""Objectives that a sweep names, and what can be wrong with them."""

from collections.abc import Iterator, Mapping
from typing import Any

from reeltune.domain.errors import InputError
from reeltune.domain.objectives import check_objectives
from reeltune.domain.study import StudyConfig
from reeltune.metrics.objectives import all_objectives, deciding_objectives, direction_of
from reeltune.sweeps.document import Item, SweepFault
from reeltune.tuning.proposer import check_way


def objective_names(said: Any) -> tuple[str, ...]:
    """Return the names in an entry, the deciding one first.

    >>> objective_names("mrr"), objective_names([{"metric": "mrr"}, "seconds"])
    (('mrr',), ('mrr', 'seconds'))
    """
    return tuple(_name(part) for part in _listed(said))


def objective_faults(said: Mapping[str, Item]) -> Iterator[SweepFault]:
    """Yield what is wrong with the objectives of a sweep, or with its way of searching them."""
    item = said["objective"]
    parts = _listed(item.plain())
    names = objective_names(item.plain())
    try:
        check_objectives(names, deciding_objectives(), all_objectives())
    except InputError as error:
        yield SweepFault(item.line, str(error))
        return
    for name, part in zip(names, parts, strict=True):
        better = direction_of(name)
        if isinstance(part, dict) and part.get("direction", better) != better:
            yield SweepFault(item.line, f"the direction of {name} must be {better}")
    try:
        check_way(
            StudyConfig(objective=names[0], further_objectives=names[1:]),
            str(said["method"].value) if "method" in said else "",
            progressive=_flag(said.get("grid"), "progressive"),
            prunes="pruner" in said,
        )
    except InputError as error:
        yield SweepFault(item.line, str(error))


def _flag(item: Item | None, name: str) -> bool:
    plain = None if item is None else item.plain()
    return isinstance(plain, dict) and plain.get(name) is True


def _listed(objective: Any) -> list[Any]:
    return objective if isinstance(objective, list) else [objective]


def _name(part: Any) -> str:
    return str(part["metric"] if isinstance(part, dict) else part)
