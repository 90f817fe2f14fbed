"""Commands of ab-tests that watch, export and simulate."""

import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click

from reeltune.cli.command import Command, option
from reeltune.cli.console import print_json, remark_console, result_console
from reeltune.cli.exits import EXIT_DEGRADED
from reeltune.cli.options import argument, option_db, option_json, option_notify, option_quiet
from reeltune.domain.errors import InputError


@contextmanager
def managed_tests(db_path: Path) -> Iterator[Any]:
    """Yield a manager of the tests of a database."""
    from reeltune.ab_tests.manager import ABTestManager
    from reeltune.ab_tests.stores import DirectStore
    from reeltune.db.connection import open_unchanged

    open_unchanged(db_path).close()  # a test is of a database that is there
    with closing(DirectStore.open(db_path)) as store:
        yield ABTestManager(store, db_path)


@click.command(cls=Command, examples=("", "--every 1 --notify ./mail.sh", "--json"))
@option(
    "Watch",
    "--every",
    "hours",
    type=click.FloatRange(0.01, 24),
    metavar="HOURS",
    help="Go on for ever; default: once.",
)
@option_notify("on an alarm or action")
@option_db
@option_json
@option_quiet
def watch(
    hours: float | None, notify: str | None, db_path: Path, as_json: bool, quiet: bool
) -> None:
    """Analyse running tests, raise alarms, roll back and promote.

    What is done by itself is what a test's settings allow.

    Run it every hour, by cron or with --every. The exit status is 5 if there was an alarm or a
    rollback.
    """
    from reeltune.ab_tests.watching import watch_once
    from reeltune.cli.notify import message, notify_user
    from reeltune.domain.clock import stamp

    def told(facts: dict[str, Any]) -> None:
        if notify is not None:
            said = facts["action"] or facts["alarms"][0]
            notify_user(
                notify, message("ab-tests watch", db_path, stamp(), EXIT_DEGRADED, said, facts)
            )

    while True:
        with managed_tests(db_path) as manager:
            reports = watch_once(manager, told)
        _show(reports, as_json=as_json, quiet=quiet)
        if hours is None:
            break
        sys.stdout.flush()
        time.sleep(hours * 3600)
    if any(report.alarms or report.state == "rolled_back" for report in reports):
        sys.exit(EXIT_DEGRADED)


def _show(reports: list[Any], *, as_json: bool, quiet: bool) -> None:
    from reeltune.commands.ab_test_tables import comparison_line

    if as_json:
        print_json([_report_document(report) for report in reports])
        return
    for report in reports:
        for each in () if quiet else report.figures.comparisons:
            click.echo(f"{report.test}: {comparison_line(each)}")
        for text in (*report.alarms, *([report.action] if report.action else ())):
            click.echo(f"{report.test}: {text}")
    if not reports and not quiet:
        click.echo("no A/B test is running")


def _report_document(report: Any) -> dict[str, Any]:
    return {
        "test": report.test,
        "state": report.state,
        "action": report.action,
        "alarms": list(report.alarms),
        "results": report.figures.as_json(),
    }


@click.command(
    cls=Command, examples=("better", "better --table users", "better --output better.csv")
)
@argument("name", "Name of the test, or its number.")
@option(
    "Table",
    "--table",
    type=click.Choice(["analyses", "users"]),
    default="analyses",
    show_default=True,
    help="What is written.",
)
@option("Table", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Default: -.")
@option_db
def export(name: str, table: str, output: Path | None, db_path: Path) -> None:
    """Write the analyses, or the users' totals, as CSV."""
    from reeltune.ab_tests.documents import path_csv, users_csv
    from reeltune.db.ab_tests import load_ab_test

    with managed_tests(db_path) as manager, closing(manager.store.reader()) as conn:
        test = load_ab_test(conn, name)
        lines = (path_csv if table == "analyses" else users_csv)(conn, test)
        if output is None or str(output) == "-":
            click.echo("".join(lines), nl=False)
            return
        try:
            output.write_text("".join(lines), encoding="utf-8")
        except OSError as error:
            raise InputError(f"{str(output)!r} cannot be written: {error}") from error


@click.command(cls=Command, examples=("", "--days 14 --seed 3", "--json"))
@option(
    "Users",
    "--days",
    type=click.IntRange(2, 60),
    default=30,
    show_default=True,
    metavar="N",
    help="Days of traffic for each test.",
)
@option("Users", "--seed", type=int, default=1, show_default=True, metavar="N", help="Of chance.")
@option(
    "Users",
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Keep the database there.",
)
@option_json
@option_quiet
def simulate(days: int, seed: int, directory: Path | None, as_json: bool, quiet: bool) -> None:
    """Simulate a month on the demo world, from a night to live verdicts.

    A night proposes one challenger that users like better; another one is worse. Both are tested on
    simulated users, whose likings are the demo world's: the better one is promoted, the worse one
    rolled back.
    """
    from reeltune.commands.ab_test_month import simulate_month

    found = simulate_month(
        days, seed, directory, remark_console(quiet=quiet or as_json), result_console(), as_json
    )
    if as_json:
        print_json(found)
