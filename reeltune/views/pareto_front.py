"""Pareto front of a run with several objectives: the results that no other beats in all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reeltune.domain.direction import Direction
from reeltune.domain.experiment import Experiment
from reeltune.domain.objectives import upwards, value_of
from reeltune.stats.pareto import front


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Values of one completed experiment by each objective, as people read them."""

    number: int
    experiment_id: str
    values: dict[str, float]
    on_front: bool


def points(
    experiments: Sequence[Experiment],
    objectives: Sequence[str],
    directions: Sequence[Direction],
) -> tuple[Point, ...]:
    """Return completed experiments with a value in each objective; none for one objective.

    Of equals all are on the front.
    """
    if len(objectives) == 1:
        return ()
    found: list[tuple[Experiment, dict[str, float], tuple[float, ...]]] = []
    for experiment in experiments:
        if experiment.status != "completed":
            continue
        values = [
            value_of(name, experiment.metrics, experiment.duration_seconds) for name in objectives
        ]
        signed = upwards(directions, values)
        told = {n: v for n, v in zip(objectives, values, strict=True) if v is not None}
        if signed:
            found.append((experiment, told, signed))
    if not found:
        return ()
    best = front(np.array([signed for _, _, signed in found]))
    return tuple(
        Point(number=e.number, experiment_id=e.experiment_id, values=told, on_front=bool(on))
        for (e, told, _), on in zip(found, best, strict=True)
    )


def front_of(
    experiments: Sequence[Experiment],
    objectives: Sequence[str],
    directions: Sequence[Direction],
) -> tuple[Point, ...]:
    """Return those on the front, best by the first objective first; of equals the earliest."""
    found = points(experiments, objectives, directions)
    return tuple(front_best_first(found, objectives[0], directions[0]))


def front_best_first(found: Sequence[Point], first: str, direction: Direction) -> list[Point]:
    """Return those on the front, best by the `first` objective first; of equals the earliest."""
    chosen = [point for point in found if point.on_front]
    return sorted(chosen, key=lambda point: (-direction.upwards(point.values[first]), point.number))
