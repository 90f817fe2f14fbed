"""Objectives that a run may have: metrics and the time taken, with their directions."""

from reeltune.domain.direction import Direction
from reeltune.domain.objectives import SECONDS
from reeltune.metrics.ranking_metrics import METRICS


def deciding_objectives() -> tuple[str, ...]:
    """Return the metrics that may be the first objective: those with a value for each user."""
    return tuple(name for name, metric in METRICS.items() if metric.per_unit)


def all_objectives() -> tuple[str, ...]:
    """Return every metric, and the time taken."""
    return (*METRICS, SECONDS)


def direction_of(objective: str) -> Direction:
    """Return the direction in which an objective is better.

    >>> direction_of("accuracy"), direction_of("seconds")
    (<Direction.MAXIMIZE: 'maximize'>, <Direction.MINIMIZE: 'minimize'>)
    """
    return Direction.MINIMIZE if objective == SECONDS else METRICS[objective].direction
