"""Pareto front of a run, as a table and a picture."""

from collections.abc import Mapping, Sequence

from rich.console import Console

from reeltune.cli.program import command_line
from reeltune.cli.tables import plain_table, print_table
from reeltune.domain.direction import Direction
from reeltune.domain.experiment import BASELINE
from reeltune.domain.study import FUNCTION, RATINGS
from reeltune.domain.subject import Subject
from reeltune.reports.cells import outside_text, value_cell
from reeltune.reports.scatter import DEPLOYED, ON_FRONT, OTHER, Mark, scatter
from reeltune.views.pareto_front import Point, front_best_first


def render_front(
    console: Console,
    found: Sequence[Point],
    objectives: Sequence[str],
    directions: Sequence[Direction],
    best: int,
    *,
    subject: Subject,
) -> None:
    """Print the front as a table, and all results of the first two objectives as a picture.

    Args:
        console: for the output.
        found: all results.
        objectives: names; the first decides.
        directions: which way each of them is better.
        best: number of the experiment that is the best of the run.
        subject: what the run tuned.
    """
    task = RATINGS if subject.deploys else FUNCTION
    titles = {name: outside_text(console, subject.metric(name).title) for name in objectives}
    chosen = front_best_first(found, objectives[0], directions[0])
    notes = {best: "the best", BASELINE: subject.baseline}
    figures = (f">{titles[name]}" for name in objectives)
    table = plain_table(">no.", "!experiment", *figures, "note", drop=("no.",))
    for point in chosen:
        table.add_row(
            str(point.number),
            outside_text(console, point.experiment_id),
            *(value_cell(point.values[name], task) for name in objectives),
            f"[dim]{notes.get(point.number, '')}[/]",
        )
    title = f"Pareto front: {len(chosen):,} of {len(found):,} experiments, which no other dominates"
    print_table(console, title, table)
    _render_picture(console, found, titles, directions, subject)
    note = f"The best is experiment {best}, by {titles[objectives[0]]} alone."
    if subject.deploys:
        deploy = command_line("retrain --apply-hp", "retrain_model.py --apply-hp")
        note += f" To deploy any of the front: {deploy} EXPERIMENT"
    console.print(f"[dim]{note}[/]\n")


def _render_picture(
    console: Console,
    found: Sequence[Point],
    titles: Mapping[str, str],
    directions: Sequence[Direction],
    subject: Subject,
) -> None:
    across, up = list(titles)[:2]
    plain = not console.encoding.lower().startswith("utf")
    order = sorted(found, key=lambda point: (point.number == BASELINE, point.on_front))
    marks = [(point, _mark(point)) for point in order]
    lines = scatter(
        [(point.values[across], point.values[up], mark) for point, mark in marks], plain=plain
    )
    notes = {name: each.note for name, each in zip(titles, directions, strict=True)}
    console.print(
        f"[bold]{titles[up]} (up){notes[up]} by {titles[across]} (right){notes[across]}[/]"
    )
    for line in lines:
        console.print(line, style="cyan", highlight=False, markup=False)
    legend = {ON_FRONT: "on the front", OTHER: "dominated"}
    if subject.has_baseline:
        legend[DEPLOYED] = subject.baseline_column
    shown = [f"{m.ascii_text if plain else m.text} {text}" for m, text in legend.items()]
    console.print("   ".join(shown) + "\n", style="dim", highlight=False)


def _mark(point: Point) -> Mark:
    if point.number == BASELINE:
        return DEPLOYED
    return ON_FRONT if point.on_front else OTHER
