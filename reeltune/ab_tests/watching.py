"""Watch over running tests: an analysis each hour, alarms, ramps, rollback and promotion.

Each analysis is kept as an event, so that the path of the interval can be drawn. Data that are
missing, hours without an analysis, and users divided otherwise than planned are alarms: an
analysis with one decides nothing.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Literal

from reeltune.ab_tests.figures import ABFigures
from reeltune.ab_tests.gaps import MAX_HOURS_UNWATCHED, find_gaps
from reeltune.ab_tests.ingest import take_served_events
from reeltune.ab_tests.manager import ABTestManager, Caller
from reeltune.ab_tests.production import production_alarm
from reeltune.ab_tests.results import ab_figures, load_last_figures
from reeltune.ab_tests.states import shown_state
from reeltune.db.ab_records import delete_waiting_outcomes
from reeltune.db.ab_tests import (
    add_ab_event,
    load_ab_events,
    load_ab_test,
    load_ab_tests,
    load_last_ab_event,
)
from reeltune.db.connection import Connection
from reeltune.domain.ab_tests import ABTest
from reeltune.domain.errors import ReelTuneError

Notify = Callable[[dict[str, Any]], None]
_DAY = 86_400
_WATCH = Caller(actor="watch")


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchReport:
    """Report of one test after an analysis."""

    test: str
    state: str
    figures: ABFigures
    alarms: tuple[str, ...] = ()
    action: str = ""  # what was done, and why


def watch_once(manager: ABTestManager, notify: Notify | None = None) -> list[WatchReport]:
    """Analyse all running tests once, and act; what was cut off before is gone on with first."""
    manager.resume_interrupted()
    with closing(manager.store.reader()) as conn:
        names = [test.name for test in load_ab_tests(conn) if test.state == "running"]
    reports = []
    for name in names:
        report = analyse(manager, name)
        if report is None:  # never, without `not_after`
            continue
        reports.append(report)
        if notify is not None and (report.alarms or report.action):
            notify(
                {
                    "ab_test": report.test,
                    "state": report.state,
                    "action": report.action,
                    "alarms": list(report.alarms),
                    "figures": report.figures.as_json(),
                }
            )
    return reports


def analyse(
    manager: ABTestManager, name: str, *, not_after: int | None = None
) -> WatchReport | None:
    """Analyse one running test, keep the analysis, and act on it.

    None, and nothing is done, where it was analysed after the moment `not_after`.
    """

    def write(conn: Connection) -> tuple[ABTest, ABFigures, tuple[str, ...]] | None:
        if not_after is not None:
            last = load_last_ab_event(conn, load_ab_test(conn, name).test_id, ["analysed"])
            if last is not None and last.happened_at > not_after:
                return None
        return keep_analysis(conn, name, manager.clock())

    found = manager.store.write(write)
    if found is None:
        return None
    test, figures, alarms = found
    alarms += _of_production(manager, test)
    action = ""
    if test.state == "running":
        test, action = _acted(manager, test, figures)
    return WatchReport(
        test=test.name, state=test.state, figures=figures, alarms=alarms, action=action
    )


def keep_analysis(
    conn: Connection, name: str, now: int
) -> tuple[ABTest, ABFigures, tuple[str, ...]]:
    """Analyse a test and keep that as an event, within the caller's transaction.

    Return the test, the figures, and the alarms that are new.
    """
    take_served_events(conn, now)
    delete_waiting_outcomes(conn, now - _DAY)
    test = load_ab_test(conn, name)
    earlier = load_last_figures(conn, test)
    figures = ab_figures(conn, test, now, earlier=earlier)
    assert test.phase is not None  # it has figures
    figures = replace(figures, gaps=find_gaps(conn, test, test.phase, now))
    add_ab_event(
        conn, test.test_id, "analysed", test.state, now, actor="watch", details=figures.as_json()
    )
    alarms = _alarms(figures, earlier, test.phase.started_at)
    for alarm in alarms:
        add_ab_event(conn, test.test_id, "alarm", test.state, now, actor="watch", reason=alarm)
    return test, figures, alarms


def decide(test: ABTest, figures: ABFigures) -> tuple[Literal["rollback", "promote", ""], str]:
    """Return what an analysis asks for, and why, as the settings of the test allow.

    A breached guardrail of any challenger ends the test: nobody is left with what harms.
    """
    if figures.gaps:
        return "", ""
    breached = [f"{each.metric} of {each.arm}" for each in figures.guardrails if each.breached]
    if breached:
        reason = f"guardrail breached: {', '.join(breached)}"
        return ("rollback", reason) if test.settings.auto_rollback else ("", "")
    better = [each.arm for each in figures.comparisons if each.verdict == "better"]
    is_long_enough = figures.hours >= test.settings.min_hours
    if test.settings.auto_promote and better and is_long_enough and not figures.split.alarm:
        return "promote", f"shown to be better: {', '.join(better)}"
    return "", ""


def _of_production(manager: ABTestManager, test: ABTest) -> tuple[str, ...]:
    """Return what is wrong with production, and keep it as an alarm, once."""
    alarm = production_alarm(manager.database, test)
    if alarm is None:
        return ()

    def write(conn: Connection) -> tuple[str, ...]:
        events = load_ab_events(conn, test.test_id, kinds=["alarm"])
        if any(event.reason == alarm for event in events):
            return ()
        now = manager.clock()
        add_ab_event(conn, test.test_id, "alarm", test.state, now, actor="watch", reason=alarm)
        return (alarm,)

    return manager.store.write(write)


def _alarms(figures: ABFigures, earlier: ABFigures | None, started_at: int) -> tuple[str, ...]:
    """Return what is wrong and was not at the last analysis."""
    found = [each for each in figures.gaps if earlier is None or not earlier.gaps]
    if figures.split.alarm and not (earlier and earlier.split.alarm):
        found.append(
            "users are not divided as planned (sample ratio, p"
            f" {figures.split.p_value:.2g}): the results are not to be trusted"
        )
    hours = (figures.at - (earlier.at if earlier else started_at)) / 3600
    if hours > MAX_HOURS_UNWATCHED:
        found.append(f"nobody has analysed the test for {hours:.0f} hours")
    return tuple(found)


def _acted(manager: ABTestManager, test: ABTest, figures: ABFigures) -> tuple[ABTest, str]:
    """Roll back, promote or widen the share; return what was done and why."""
    action, reason = decide(test, figures)
    if not action:
        return _ramped(manager, test, figures)
    try:
        test = manager.act(test.name, action, _because(reason))
    except ReelTuneError as error:
        return test, f"{action} failed: {error}"
    return test, f"{shown_state(test.state)}: {reason}"


def _ramped(manager: ABTestManager, test: ABTest, figures: ABFigures) -> tuple[ABTest, str]:
    harmed = figures.gaps or figures.split.alarm or any(g.breached for g in figures.guardrails)
    if harmed:
        return test, ""
    steps = int(figures.hours // test.settings.ramp_hours)
    shares = test.settings.ramp[:steps]
    if not shares:
        return test, ""
    before = test.share_high
    test = manager.widen(test.name, shares[-1], _because("ramp"))
    return test, f"share widened to {shares[-1]:.0%}" if test.share_high > before else ""


def _because(reason: str) -> Caller:
    return replace(_WATCH, reason=reason)
