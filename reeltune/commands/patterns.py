"""Shows what earlier runs taught, and how it served later ones."""

from pathlib import Path

import click
from rich.console import Console

from reeltune.cli.console import print_json, result_console
from reeltune.cli.tables import plain_table, print_table
from reeltune.db.connection import connection
from reeltune.db.warm_starts import load_patterns
from reeltune.domain.warm_start import Pattern
from reeltune.reports.cells import NONE, count_cell, gain_cell, outside_text
from reeltune.tuning.warm_start import is_trusted, trust
from reeltune.views.json_ready import json_ready


def show_patterns(db_path: Path, *, as_json: bool) -> None:
    """Print the patterns there are."""
    with connection(db_path) as conn:
        patterns = load_patterns(conn)
    if as_json:
        print_json([_as_dict(pattern) for pattern in patterns])
    elif patterns:
        render_patterns(result_console(), patterns)
    else:
        click.echo("there are no patterns yet: each finished run leaves one")


def render_patterns(console: Console, patterns: list[Pattern]) -> None:
    """Print one line per pattern, the latest last."""
    table = plain_table(
        "run", "objective", ">users", ">ratings", ">gain", ">used", ">helped", ">trust"
    )
    for pattern in patterns:
        best = pattern.best[0].gain if pattern.best else None
        table.add_row(
            outside_text(console, pattern.tuning_run_id),
            outside_text(console, pattern.objective),
            _count(pattern, "log10_users"),
            _count(pattern, "log10_ratings"),
            gain_cell(best),
            count_cell(pattern.n_used),
            count_cell(pattern.n_helped),
            f"{trust(pattern):.2f}" if is_trusted(pattern) else "[red]no more[/]",
        )
    print_table(console, "Patterns that new runs may begin with", table)


def _count(pattern: Pattern, name: str) -> str:
    return f"{10 ** pattern.profile[name]:,.0f}" if name in pattern.profile else NONE


def _as_dict(pattern: Pattern) -> dict[str, object]:
    return json_ready(pattern) | {"trust": trust(pattern), "is_trusted": is_trusted(pattern)}
