"""Prints A/B tests, their results, and what the traffic can show."""

from collections.abc import Mapping, Sequence
from contextlib import closing

from rich.console import Console
from rich.text import Text

from reeltune.ab_tests.documents import load_path
from reeltune.ab_tests.figures import ABFigures, ArmComparison
from reeltune.ab_tests.states import shown_state
from reeltune.ab_tests.stores import ABStore
from reeltune.ab_tests.traffic import HORIZON_HOURS
from reeltune.cli.tables import plain_table, print_table
from reeltune.commands.ab_test_picture import PictureRow, interval_picture, thinned_rows
from reeltune.db.ab_tests import load_ab_events
from reeltune.domain.ab_tests import AB_METRICS, N_BUCKETS, ABTest
from reeltune.domain.clock import stamp_of

_PICTURE_ROWS = 16


def print_ab_tests(console: Console, tests: Sequence[ABTest]) -> None:
    """Print a table of tests."""
    table = plain_table(
        "!name",
        "state",
        ">champion",
        ">challengers",
        ">share",
        "metric",
        "started",
        drop=["started"],
    )
    for test in tests:
        table.add_row(
            test.name,
            shown_state(test.state),
            str(test.settings.champion),
            " ".join(map(str, test.settings.challengers)),
            f"{(test.share_high - test.share_low) / N_BUCKETS:.0%}",
            test.settings.primary,
            "" if test.phase is None else stamp_of(test.phase.started_at),
        )
    print_table(console, "A/B tests", table, empty="There is no A/B test.")


def print_detectable(console: Console, effects: Mapping[str, float], source: str) -> None:
    """Print which relative effect the traffic can show by when."""
    table = plain_table("within", ">least change found in 8 of 10 tests")
    for name in HORIZON_HOURS:
        effect = effects.get(name)
        shown = "none: too few users" if effect is None else f"{effect:.1%}"
        table.add_row(name, shown if effect is None or effect <= 9.99 else "more than 999%")
    print_table(console, "What the traffic can show", table)
    console.print(Text(f"by {source}"))
    console.print()


def print_ab_results(console: Console, store: ABStore, test: ABTest, figures: ABFigures) -> None:
    """Print the results of a test, with the path of the interval."""
    _print_arms(console, test, figures)
    for each in figures.comparisons:
        console.print(Text(comparison_line(each)), soft_wrap=True)
    for text in warnings_of(figures):
        console.print(Text(text), soft_wrap=True)
    console.print()
    with closing(store.reader()) as conn:
        path = load_path(conn, test)
    for each in figures.comparisons:
        print_path(console, test, path, each.arm)
    if test.state == "running":
        print_detectable(
            console,
            figures.detectable,
            "the users so far, and new ones as in the last 24 hours",
        )


def comparison_line(found: ArmComparison) -> str:
    """Return a challenger's comparison in words."""
    title = AB_METRICS.get(found.metric, found.metric)
    if found.difference is None or found.low_so_far is None or found.high_so_far is None:
        return f"{found.arm}: {found.verdict} on {title}: {found.reason}"
    percent = 100 / found.champion if found.champion else 100.0
    text = (
        f"{found.arm}: {found.verdict} on {title}: {found.difference * percent:+.1f}%"
        f" ({found.low_so_far * percent:+.1f}% to {found.high_so_far * percent:+.1f}%,"
        f" p {found.p_value:.2g}, {found.users:,} users)"
    )
    if found.verdict == "cannot tell" and found.more_users:
        text += f"; {found.more_users:,} more users would show such a change"
    return text + (f"; {found.reason}" if found.reason else "")


def warnings_of(figures: ABFigures) -> list[str]:
    """Return the guardrails, the split and the gaps in words."""
    found = [
        f"{each.arm}: guardrail {AB_METRICS[each.metric]} (margin {each.margin:.0%}):"
        f" {'BREACHED' if each.breached else 'no breach' if each.high is not None else 'no data'}"
        for each in figures.guardrails
    ]
    state = "NOT AS PLANNED" if figures.split.alarm else "as planned"
    found.append(f"users by arm: {state} (p {figures.split.p_value:.2g})")
    return found + [f"DATA MISSING: {gap}" for gap in figures.gaps]


def print_path(console: Console, test: ABTest, path: Sequence[ABFigures], arm: str) -> None:
    """Print how a challenger's interval went, in percent of the champion."""
    rows = []
    for figures in path:
        each = next((c for c in figures.comparisons if c.arm == arm), None)
        if each is None or each.difference is None or each.low is None or each.high is None:
            continue
        scale = each.champion or 1.0
        days = figures.hours / 24
        mark = "" if each.verdict == "cannot tell" else each.verdict
        rows.append(
            PictureRow(
                f"{days:.1f} d", each.low / scale, each.difference / scale, each.high / scale, mark
            )
        )
    if not rows:
        return
    level = 1 - (test.phase.alpha if test.phase else test.settings.alpha)
    title = f"{arm}: change against the champion, {level:.0%} interval"
    console.print(Text(title, style="bold"), soft_wrap=True)
    for line in interval_picture(thinned_rows(rows, _PICTURE_ROWS)):
        console.print(Text(line), soft_wrap=True)
    console.print()


def print_ab_events(console: Console, store: ABStore, test: ABTest) -> None:
    """Print what happened to a test, but for its analyses."""
    with closing(store.reader()) as conn:
        events = load_ab_events(conn, test.test_id)
    table = plain_table("!at", "event", "by", "reason")
    for event in events:
        if event.kind != "analysed":
            reason = event.reason or str(event.details.get("error", ""))
            table.add_row(
                stamp_of(event.happened_at), Text(event.kind), Text(event.actor), Text(reason)
            )
    print_table(console, "Events", table)


def _print_arms(console: Console, test: ABTest, figures: ABFigures) -> None:
    title = AB_METRICS[test.settings.primary]
    table = plain_table("!arm", ">version", ">users", ">lists", f">{title}")
    for arm in figures.arms:
        value = "" if arm.value is None else f"{arm.value:.4f}"
        table.add_row(arm.arm, str(arm.version), f"{arm.users:,}", f"{arm.lists:,}", value)
    days = figures.hours / 24
    print_table(console, f"{test.name}: {shown_state(test.state)}, {days:.1f} days", table)
