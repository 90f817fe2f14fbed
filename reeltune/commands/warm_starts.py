"""Command: warm-starts. Shows which configurations new runs may begin with."""

from pathlib import Path

import click
from rich.console import Console

from reeltune.cli.command import Command
from reeltune.cli.console import print_json, result_console
from reeltune.cli.options import option_db, option_format, option_json
from reeltune.cli.tables import plain_table, print_table
from reeltune.db.connection import connection
from reeltune.db.warm_starts import load_warm_start_sources
from reeltune.domain.warm_start import WarmStartSource
from reeltune.reports.cells import NONE, gain_cell, outside_text
from reeltune.tuning.warm_start import is_reliable, success_rate
from reeltune.views.json_ready import json_ready


@click.command("warm-starts", cls=Command, examples=("", "--json", "--db movies.db"))
@option_db
@option_json
@option_format
def warm_starts(db_path: Path, as_json: bool) -> None:
    """Show what new runs may start from, and how often it helped."""
    show_warm_starts(db_path, as_json=as_json)


def show_warm_starts(db_path: Path, *, as_json: bool) -> None:
    """Print the best configurations that earlier runs left, with their success rates."""
    with connection(db_path) as conn:
        sources = load_warm_start_sources(conn)
    if as_json:
        print_json([_as_dict(source) for source in sources])
    else:
        render_patterns(result_console(), sources)


def render_patterns(console: Console, sources: list[WarmStartSource]) -> None:
    """Print one line per run, the latest last."""
    headings = (">users", ">ratings", ">gain", ">helped", ">success")
    table = plain_table("!run", "objective", *headings, drop=("users", "ratings"))
    for source in sources:
        best = source.best[0].gain if source.best else None
        table.add_row(
            outside_text(console, source.tuning_run_id),
            outside_text(console, source.objective),
            _count(source, "log10_users"),
            _count(source, "log10_ratings"),
            gain_cell(best),
            f"{source.n_helped:,} of {source.n_used:,}" if source.n_used else NONE,
            f"{success_rate(source):.2f}" if is_reliable(source) else "[red]not used[/]",
        )
    print_table(
        console,
        "Warm starts",
        table,
        empty="There are no warm starts yet: each finished run leaves one.",
    )


def _count(source: WarmStartSource, name: str) -> str:
    return f"{10 ** source.profile[name]:,.0f}" if name in source.profile else NONE


def _as_dict(source: WarmStartSource) -> dict[str, object]:
    return json_ready(source) | {"trust": success_rate(source), "is_trusted": is_reliable(source)}
