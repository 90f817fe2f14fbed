"""Pareto front of a run, as a table and a picture."""

from collections.abc import Sequence

from rich.console import Console

from reeltune.cli.program import command_line
from reeltune.cli.tables import plain_table, print_table
from reeltune.domain.direction import Direction
from reeltune.domain.experiment import BASELINE
from reeltune.metrics.ranking_metrics import METRICS
from reeltune.reports.cells import outside_text, value_cell
from reeltune.reports.scatter import DEPLOYED, ON_FRONT, OTHER, Mark, scatter
from reeltune.views.pareto_front import Point, best_first


def render_front(
    console: Console,
    found: Sequence[Point],
    objectives: Sequence[str],
    directions: Sequence[Direction],
    best: int,
) -> None:
    """Print the front as a table, and all results of the first two objectives as a picture.

    Args:
        console: for the output.
        found: all results.
        objectives: names; the first decides.
        directions: which way each of them is better.
        best: number of the experiment that is the best of the run.
    """
    chosen = best_first(found, objectives[0], directions[0])
    notes = {best: "the best", BASELINE: "the deployed configuration"}
    table = plain_table(">no.", "experiment", *(f">{label(name)}" for name in objectives), "")
    for point in chosen:
        table.add_row(
            str(point.number),
            outside_text(console, point.experiment_id),
            *(value_cell(point.values[name]) for name in objectives),
            f"[dim]{notes.get(point.number, '')}[/]",
        )
    title = f"Pareto front: {len(chosen):,} of {len(found):,} experiments, which no other dominates"
    print_table(console, title, table)
    _render_picture(console, found, objectives, directions)
    deploy = command_line("retrain --apply-hp", "retrain_model.py --apply-hp")
    console.print(
        f"[dim]The best is experiment {best}, by {label(objectives[0])} alone. "
        f"To deploy any of the front: {deploy} EXPERIMENT[/]\n"
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
    legend = {ON_FRONT: "on the front", OTHER: "dominated", DEPLOYED: "deployed"}
    shown = [f"{m.ascii_text if plain else m.text} {text}" for m, text in legend.items()]
    console.print("   ".join(shown) + "\n", style="dim", highlight=False)


def _mark(point: Point) -> Mark:
    if point.number == BASELINE:
        return DEPLOYED
    return ON_FRONT if point.on_front else OTHER


def label(objective: str) -> str:
    """Return the title of an objective."""
    return METRICS[objective].title if objective in METRICS else objective
