"""Command: ab-tests. Creates, runs, watches and decides tests of versions on live users."""

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from reeltune.cli.command import Group, option, options
from reeltune.cli.console import print_json, result_console
from reeltune.cli.options import (
    argument,
    option_db,
    option_format,
    option_json,
    option_quiet,
    option_version,
)
from reeltune.commands.ab_test_watch import export, managed_tests, simulate, watch

VERSIONS, USERS, METRICS, DECISION = "Versions", "Users", "Metrics", "Decision"
_NUMBER = click.IntRange(1, 2**31)
_name = argument("name", "Name of the test, or its number.")
_option_reason = option(
    DECISION, "--reason", default="by hand", show_default=True, help="Recorded with the change."
)


@click.group(
    name="ab-tests",
    cls=Group,
    examples=("create better --challenger 3", "start better", "watch", "show better"),
)
@option_version
def ab_tests() -> None:
    """Test versions on live users, with results at any time."""


def _numbers(_: click.Context, __: click.Parameter, value: str | None) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in value.split(",")) if value else ()
    except ValueError:
        raise click.BadParameter(f"must be numbers with commas between, got {value!r}") from None


def _guardrails(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> Any:
    found = []
    for value in values:
        metric, _equals, margin = value.partition("=")
        try:
            found.append({"metric": metric, "margin": float(margin or 0.0)})
        except ValueError:
            raise click.BadParameter(f"must be METRIC=MARGIN, got {value!r}") from None
    return found


_creating = options(
    option(VERSIONS, "--champion", type=_NUMBER, metavar="N", help="Default: in production."),
    option(
        VERSIONS,
        "--challenger",
        "challengers",
        type=_NUMBER,
        multiple=True,
        required=True,
        metavar="N",
        help="Version to test; may be repeated.",
    ),
    option(VERSIONS, "--interleaving", is_flag=True, help="Mix both lists: fewer users."),
    option(USERS, "--share", type=float, default=1.0, metavar="X", help="Of users, at the start."),
    option(USERS, "--max-share", type=float, metavar="X", help="Kept free to widen to."),
    option(USERS, "--ramp", callback=_numbers, metavar="X,X", help="Shares that follow."),
    option(USERS, "--ramp-hours", type=float, default=24.0, metavar="H", help="Between them."),
    option(USERS, "--weights", callback=_numbers, metavar="X,X", help="Of arms, champion 1st."),
    option(USERS, "--layer", default="lists", metavar="NAME", help="What is shown to users."),
    option(USERS, "--expected-users", type=int, metavar="N", help="In champion and challenger."),
    option(USERS, "--users-per-day", type=float, metavar="N", help="To say what can be shown."),
    option(USERS, "--rate", type=float, metavar="X", help="Clicks per list, to say the same."),
    option(
        METRICS,
        "--metric",
        "primary",
        type=click.Choice(["clicks", "watched", "liked", "value", "lists"]),
        default="clicks",
        show_default=True,
        metavar="NAME",
        help="Metric that decides.",
    ),
    option(
        METRICS,
        "--guardrail",
        "guardrails",
        multiple=True,
        callback=_guardrails,
        metavar="NAME=X",
        help="May not fall by more than X.",
    ),
    option(METRICS, "--window-hours", type=float, default=24.0, metavar="H", help="Of a user."),
    option(METRICS, "--no-cuped", is_flag=True, help="Do not adjust by past ratings."),
    option(DECISION, "--planned", type=int, metavar="K", help="Decide at K analyses only."),
    option(DECISION, "--alpha", type=float, default=0.05, metavar="X", help="Two-sided level."),
    option(DECISION, "--min-hours", type=float, default=24.0, metavar="H", help="Before promote."),
    option(DECISION, "--auto-promote", is_flag=True, help="Promote what is shown to be better."),
    option(DECISION, "--no-auto-rollback", is_flag=True, help="Let a person roll back."),
)


@ab_tests.command(
    "create",
    examples=(
        "better --challenger 3",
        "small --challenger 3 --share 0.1 --ramp 1",
        "planned --challenger 3 --planned 5 --json",
    ),
)
@argument("name", "Name of the test.")
@_creating
@option_db
@option_json
def create_command(name: str, db_path: Path, as_json: bool, **given: Any) -> None:
    """Create a draft, and say which change the traffic can show."""
    from reeltune.ab_tests.documents import ab_document
    from reeltune.commands.ab_test_creating import effects_of, settings_of
    from reeltune.commands.ab_test_tables import print_detectable

    with managed_tests(db_path) as manager:
        settings, traffic = settings_of(manager, name, given)
        effects = effects_of(settings, traffic)
        test = manager.create(settings, _caller("created"))
    if as_json:
        print_json(ab_document(test) | {"detectable": effects, "traffic": traffic.source})
        return
    console = result_console()
    console.print(f"A/B test {test.name} is a draft: `reeltune ab-tests start {test.name}`")
    console.print()
    print_detectable(console, effects, traffic.source)


@ab_tests.command("list", examples=("", "--json", "--format csv"))
@option_db
@option_json
@option_format
def list_command(db_path: Path, as_json: bool) -> None:
    """List all tests, the earliest first."""
    from reeltune.ab_tests.documents import ab_document
    from reeltune.commands.ab_test_tables import print_ab_tests
    from reeltune.db.ab_tests import load_ab_tests

    with managed_tests(db_path) as manager, closing(manager.store.reader()) as conn:
        tests = load_ab_tests(conn)
    if as_json:
        print_json([ab_document(test) for test in tests])
    else:
        print_ab_tests(result_console(), tests)


@ab_tests.command(examples=("better", "better --json", "better --format csv"))
@_name
@option_db
@option_json
@option_format
def show(name: str, db_path: Path, as_json: bool) -> None:
    """Show results, the path of the interval, and events."""
    from reeltune.ab_tests.documents import ab_document, results_document
    from reeltune.ab_tests.ingest import take_served_events
    from reeltune.ab_tests.results import ab_figures, load_last_figures
    from reeltune.commands.ab_test_tables import print_ab_events, print_ab_results, print_ab_tests
    from reeltune.db.ab_tests import load_ab_test

    with managed_tests(db_path) as manager:
        now = manager.clock()
        manager.store.write(lambda conn: take_served_events(conn, now))
        with closing(manager.store.reader()) as conn:
            test = load_ab_test(conn, name)
            figures = None
            if test.phase is not None:
                figures = ab_figures(conn, test, now, earlier=load_last_figures(conn, test))
            if as_json:
                further = {} if figures is None else results_document(conn, test, figures)
                print_json(ab_document(test) | further)
                return
        console = result_console()
        if figures is None:
            print_ab_tests(console, [test])
        else:
            print_ab_results(console, manager.store, test, figures)
        print_ab_events(console, manager.store, test)


def _act(name: str, action: Any, reason: str, db_path: Path, **how: Any) -> None:
    """Do an action and say where the test is now."""
    as_json, quiet = how.pop("as_json"), how.pop("quiet")
    from reeltune.ab_tests.documents import ab_document
    from reeltune.ab_tests.states import shown_state

    with managed_tests(db_path) as manager:
        manager.resume_interrupted()
        test = manager.act(name, action, _caller(reason), **how)
    if as_json:
        print_json(ab_document(test))
    elif not quiet:
        click.echo(f"A/B test {test.name} is {shown_state(test.state)}")


def _caller(reason: str) -> Any:
    from reeltune.ab_tests.manager import Caller

    return Caller(actor="command line", reason=reason)


def _add_action(action: str, text: str) -> None:
    @ab_tests.command(
        action, help=text, examples=("better", f"better --reason '{action} it'", "better --json")
    )
    @_name
    @_option_reason
    @option_db
    @option_json
    @option_quiet
    def run(name: str, reason: str, db_path: Path, as_json: bool, quiet: bool) -> None:
        _act(name, action, reason, db_path, as_json=as_json, quiet=quiet)


_add_action("start", "Start a test: its users are assigned to arms.")
_add_action("pause", "Pause a test: its users get the version in production.")
_add_action("resume", "Resume a test; its users get the arms they had.")
_add_action("stop", "Stop a test for good; production stays as it is.")
_add_action("rollback", "End a test, or put its champion back into production.")


@ab_tests.command("promote", examples=("better", "better --challenger 3", "better --json"))
@_name
@option(
    VERSIONS,
    "--challenger",
    "version",
    type=_NUMBER,
    metavar="N",
    help="Challenger, where there are several.",
)
@_option_reason
@option_db
@option_json
@option_quiet
def promote_command(
    name: str, version: int | None, reason: str, db_path: Path, as_json: bool, quiet: bool
) -> None:
    """Promote a challenger shown to be better, through the gate.

    The exit status is 3 where a rule of the gate refuses it or cannot tell.
    """
    _act(name, "promote", reason, db_path, as_json=as_json, quiet=quiet, version=version)


for _command in (watch, export, simulate):
    ab_tests.add_command(_command)
