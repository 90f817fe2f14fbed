"""Shows what earlier runs taught, and how it served later ones."""

from pathlib import Path

import click
from rich.console import Console

from reeltune.cli.console import print_json, result_console
from reeltune.cli.tables import plain_table, print_table
from reeltune.db.connection import connection
from reeltune.db.warm_starts import load_warm_start_sources
from reeltune.domain.warm_start import WarmStartSource
from reeltune.reports.cells import NONE, count_cell, gain_cell, outside_text
from reeltune.tuning.warm_start import is_reliable, success_rate
from reeltune.views.json_ready import json_ready


def show_patterns(db_path: Path, *, as_json: bool) -> None:
    """Print the sources there are."""
    with connection(db_path) as conn:
        sources = load_warm_start_sources(conn)
    if as_json:
        print_json([_as_dict(source) for source in sources])
    elif sources:
        render_patterns(result_console(), sources)
    else:
        click.echo("there are no warm starts yet: each finished run leaves one")


def render_patterns(console: Console, sources: list[WarmStartSource]) -> None:
    """Print one line per source, the latest last."""
    table = plain_table(
        "run", "objective", ">users", ">ratings", ">gain", ">used", ">helped", ">trust"
    )
    for source in sources:
        best = source.best[0].gain if source.best else None
        table.add_row(
            outside_text(console, source.tuning_run_id),
            outside_text(console, source.objective),
            _count(source, "log10_users"),
            _count(source, "log10_ratings"),
            gain_cell(best),
            count_cell(source.n_used),
            count_cell(source.n_helped),
            f"{success_rate(source):.2f}" if is_reliable(source) else "[red]no more[/]",
        )
    print_table(console, "Patterns that new runs may begin with", table)


def _count(source: WarmStartSource, name: str) -> str:
    return f"{10 ** source.profile[name]:,.0f}" if name in source.profile else NONE


def _as_dict(source: WarmStartSource) -> dict[str, object]:
    return json_ready(source) | {"trust": success_rate(source), "is_reliable": is_reliable(source)}
