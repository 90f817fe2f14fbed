"""What a run with several objectives found: the results that no other one beats in all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console

from reeltune.cli.tables import plain_table, print_table
from reeltune.domain.direction import Direction
from reeltune.domain.experiment import BASELINE, Experiment
from reeltune.domain.objectives import upwards, value_of
from reeltune.metrics.ranking_metrics import METRICS
from reeltune.reports.cells import outside_text, value_cell
from reeltune.reports.scatter import DEPLOYED, ON_FRONT, OTHER, Mark, scatter
from reeltune.stats.pareto import front


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What one completed experiment was worth by each objective, as people read it."""

    number: int
    experiment_id: str
    values: dict[str, float]
    on_front: bool


def points(
    experiments: Sequence[Experiment],
    objectives: Sequence[str],
    directions: Sequence[Direction],
) -> tuple[Point, ...]:
    """All completed experiments with a value in each objective, by number; none for one objective.

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
    """Those on the front, the best by the first objective first; of equals the earliest."""
    found = points(experiments, objectives, directions)
    return tuple(_best_first(found, objectives[0], directions[0]))


def _best_first(found: Sequence[Point], first: str, direction: Direction) -> list[Point]:
    """Those on the front by their value in the `first` objective; of equals the earliest."""
    chosen = [point for point in found if point.on_front]
    return sorted(chosen, key=lambda point: (-direction.upwards(point.values[first]), point.number))


def render_front(
    console: Console,
    found: Sequence[Point],
    objectives: Sequence[str],
    directions: Sequence[Direction],
    best: int,
) -> None:
    """Print the front as a table, and all results of the first two objectives as a picture.

    Args:
        console: where.
        found: all results.
        objectives: what they are by; the first decides.
        directions: which way each of them is better.
        best: number of the experiment that is the best of the run.
    """
    chosen = _best_first(found, objectives[0], directions[0])
    told = {best: "the best", BASELINE: "the deployed configuration"}
    table = plain_table(">no.", "experiment", *(f">{label(name)}" for name in objectives), "")
    for point in chosen:
        table.add_row(
            str(point.number),
            outside_text(console, point.experiment_id),
            *(value_cell(point.values[name]) for name in objectives),
            f"[dim]{told.get(point.number, '')}[/]",
        )
    title = f"Pareto front: {len(chosen):,} of {len(found):,}; none is at least as good in all"
    print_table(console, title, table)
    _render_picture(console, found, objectives, directions)
    console.print(
        f"[dim]The best is experiment {best}, by {label(objectives[0])} alone. Any of the front is "
        "deployed by python retrain_model.py --apply-hp EXPERIMENT.[/]\n"
    )


def _render_picture(
    console: Console,
    found: Sequence[Point],
    objectives: Sequence[str],
    directions: Sequence[Direction],
) -> None:
    across, up = objectives[:2]
    plain = not console.encoding.lower().startswith("utf")
    order = sorted(found, key=lambda point: (point.number == BASELINE, point.on_front))
    marks = [(point, _mark(point)) for point in order]
    lines = scatter(
        [(point.values[across], point.values[up], mark) for point, mark in marks], plain=plain
    )
    notes = {name: each.note for name, each in zip(objectives, directions, strict=True)}
    console.print(f"[bold]{label(up)} (up){notes[up]} by {label(across)} (right){notes[across]}[/]")
    for line in lines:
        console.print(line, style="cyan", highlight=False, markup=False)
    told = {ON_FRONT: "on the front", OTHER: "beaten", DEPLOYED: "deployed"}
    shown = [f"{m.ascii_text if plain else m.text} {text}" for m, text in told.items()]
    console.print("   ".join(shown) + "\n", style="dim", highlight=False)


def _mark(point: Point) -> Mark:
    if point.number == BASELINE:
        return DEPLOYED
    return ON_FRONT if point.on_front else OTHER


def label(objective: str) -> str:
    """What people call an objective."""
    return METRICS[objective].title if objective in METRICS else objective
