"""Trade-off of a run as a table: the objective against the guardrail that keeps better ones out."""

from rich.console import Console

from reeltune.cli.tables import plain_table, print_table
from reeltune.domain.experiment import BASELINE
from reeltune.domain.subject import Subject
from reeltune.reports.cells import gain_cell, outside_text, value_cell
from reeltune.views.trade_off import TradeOff, TradePoint

MAX_POINTS = 10


def render_trade_off(console: Console, found: TradeOff, objective: str, subject: Subject) -> None:
    """Print the front, best by the objective first, and the bound of the guardrail."""
    name = outside_text(console, found.guardrail)
    label = outside_text(console, subject.metric(objective).title)
    table = plain_table(">no.", f">{label}", ">gain", f">{name}", "guardrails")
    for point in _shown(found.points):
        table.add_row(
            str(point.number),
            value_cell(point.value),
            gain_cell(point.improvement),
            value_cell(point.figure),
            "[dim](deployed)[/]" if point.number == BASELINE else kept_cell(point.is_feasible),
        )
    print_table(console, f"Trade-off: {label} against {name}", table)
    console.print(
        f"[dim]{name} may be {value_cell(found.bound)} at worst; {found.n_better:,} candidates are "
        "surely better but for the guardrails[/]\n"
    )


def kept_cell(is_feasible: bool) -> str:
    """Return whether a candidate keeps within the guardrails."""
    return "[green]kept[/]" if is_feasible else "[red]violated[/]"


def _shown(points: tuple[TradePoint, ...]) -> list[TradePoint]:
    """Return at most `MAX_POINTS`, evenly spaced, with both ends."""
    if len(points) <= MAX_POINTS:
        return list(points)
    step = (len(points) - 1) / (MAX_POINTS - 1)
    return [points[round(k * step)] for k in range(MAX_POINTS)]
