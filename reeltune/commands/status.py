"""Command: status. Says how production and the nightly runs are, for people and for monitoring."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console

from reeltune.cli.command import Command, option
from reeltune.cli.console import print_json, result_console
from reeltune.cli.exits import EXIT_BEHIND, EXIT_DAMAGED, EXIT_OVERDUE, EXIT_REFUSED_IN_A_ROW
from reeltune.cli.notify import notified_on_failure
from reeltune.cli.options import option_db, option_json, option_notify, option_quiet
from reeltune.db.connection import connection
from reeltune.domain.clock import duration
from reeltune.monitoring.health import (
    MAX_AGE_HOURS,
    MAX_NIGHTS_BEHIND,
    MAX_REFUSALS,
    Health,
    HealthLimits,
    HealthVerdict,
    health,
)
from reeltune.reports.version_tables import plain

_EXITS: dict[HealthVerdict, int] = {
    "production is not sound": EXIT_DAMAGED,
    "no recent run": EXIT_OVERDUE,
    "behind": EXIT_BEHIND,
    "refused in a row": EXIT_REFUSED_IN_A_ROW,
}
_HOUR = 3600.0


@click.command("status", cls=Command, examples=("", "--max-age 48 --quiet", "--json"))
@option(
    "Limits",
    "--max-age",
    setting="status.max_age",
    type=click.FloatRange(0, min_open=True),
    default=MAX_AGE_HOURS,
    show_default=True,
    metavar="HOURS",
    help="Age of the last good run.",
)
@option(
    "Limits",
    "--max-behind",
    setting="status.max_behind",
    type=click.IntRange(0),
    default=MAX_NIGHTS_BEHIND,
    show_default=True,
    metavar="NIGHTS",
    help="Nights with unseen ratings.",
)
@option(
    "Limits",
    "--max-refusals",
    setting="status.max_refusals",
    type=click.IntRange(1),
    default=MAX_REFUSALS,
    show_default=True,
    metavar="N",
    help="Fewer refusals in a row.",
)
@option_notify("on failure")
@option_db
@option_json
@option_quiet
def status_command(
    max_age: float,
    max_behind: int,
    max_refusals: int,
    notify: str | None,
    db_path: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Check production and the last runs, for monitoring.

    The exit status is 0 if all is well, 6 if production is missing or damaged, 7 if no recent run
    succeeded, 9 if production has not seen the ratings of more nights than --max-behind, 10 if the
    gate refused --max-refusals nights running. --notify gets the result unless it is 0.
    """
    limits = HealthLimits(age_hours=max_age, nights_behind=max_behind, refusals=max_refusals)
    with notified_on_failure("status", db_path, notify) as result:
        with connection(db_path) as conn:
            found = health(conn, limits)
        result |= found.as_dict() | {"said": found.summary}
        if as_json:
            print_json(found.as_dict())
        elif found.verdict != "healthy" or not quiet:
            render_health(result_console(), found)
        if found.verdict != "healthy":
            sys.exit(_EXITS[found.verdict])


def render_health(console: Console, found: Health) -> None:
    """Print the verdict with what is wrong, a line each, and how things stand."""
    console.print(plain(found.verdict), style="green" if not found.wrong else "red")
    for each in found.wrong:
        console.print(plain(f"  {each}"), soft_wrap=True)
    for name, text in _rows(found):
        console.print(plain(f"  {name:<17} {text}"), soft_wrap=True)


def _rows(found: Health) -> Iterator[tuple[str, str]]:
    backlog = found.backlog
    if backlog is not None:
        fitted = duration(backlog.production_age_hours * _HOUR)
        yield "in production", f"version {found.production}, fitted {fitted} ago"
    if found.last_run is not None and found.age_hours is not None:
        yield "last good run", f"{found.last_run}, {duration(found.age_hours * _HOUR)} ago"
    if backlog is not None:
        yield "behind", f"{backlog.ratings_behind:,} ratings, {backlog.nights_behind} nights"
        refused = f"{backlog.changes_refused} changes, {backlog.renewals_refused} renewals"
        yield "refused in a row", refused
    yield "error budget", found.budget.state
