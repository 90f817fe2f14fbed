"""Tables of stored runs."""

from rich.console import Console

from reeltune.cli.tables import plain_table, print_table
from reeltune.domain.experiment import FINISHED
from reeltune.reports.cells import (
    NONE,
    changes_cell,
    count_cell,
    gain_cell,
    outside_text,
    seconds_cell,
    value_cell,
)
from reeltune.views.stored import RunLine, Stored

MAX_RUNS = 10
_STYLES = {"completed": "green", "failed": "red", "interrupted": "yellow", "running": "cyan"}


def render_stored(console: Console, stored: Stored) -> None:
    """Print the latest runs, counts over all, and candidates that wait to be tried."""
    if stored.runs:
        _render_runs(console, stored)
    if stored.waiting:
        _render_waiting(console, stored)


def _render_runs(console: Console, stored: Stored) -> None:
    headings = ("!run", "status", ">tried", ">failed", ">left", ">best", ">gain")
    more = ("objective", ">seed", ">time", ">per s")
    table = plain_table(*headings, *more, drop=("per s", "seed", "time", "objective"))
    for run in stored.runs[-MAX_RUNS:]:
        table.add_row(*_run_cells(console, run), *_more_cells(console, run))
    print_table(console, "Runs", table)
    n_earlier = max(0, len(stored.runs) - MAX_RUNS)
    earlier = f"; {n_earlier:,} earlier ones are not shown" if n_earlier else ""
    methods = _counts({outside_text(console, m): n for m, n in stored.runs_by_method.items()})
    console.print(f"runs by method: {methods}{earlier}", style="dim")
    counts = _counts(stored.experiments_by_status) or "none"
    console.print(f"experiments: {counts}\n", style="dim")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{n:,} {name}" for name, n in counts.items())


def _run_cells(console: Console, run: RunLine) -> list[str]:
    counts = run.experiments_by_status
    style = _STYLES.get(run.status, "default")
    return [
        outside_text(console, run.tuning_run_id),
        f"[{style}]{run.status}[/]",
        count_cell(sum(counts.get(status, 0) for status in FINISHED)),
        count_cell(counts.get("failed", 0)),
        count_cell(counts.get("pending", 0) + counts.get("running", 0)),
        value_cell(run.best_value, run.task),
        gain_cell(run.improvement, run.task),
    ]


def _more_cells(console: Console, run: RunLine) -> list[str]:
    rate = run.experiments_per_second
    return [
        outside_text(console, ", ".join(run.objectives)),
        str(run.seed),
        seconds_cell(run.seconds),
        NONE if rate is None else f"{rate:.2g}",
    ]


def _render_waiting(console: Console, stored: Stored) -> None:
    shown = len(stored.waiting)
    title = f"Waiting to be tried: {stored.n_waiting:,}"
    title += f", the first {shown}" if shown < stored.n_waiting else ""
    table = plain_table("!experiment", "phase", "changes most")
    for candidate in stored.waiting:
        table.add_row(
            outside_text(console, candidate.experiment_id),
            candidate.phase,
            changes_cell(console, candidate.changed_most, 2),
        )
    print_table(console, title, table)
