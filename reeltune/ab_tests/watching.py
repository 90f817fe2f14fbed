"""Watch over running tests: an analysis each hour, alarms, ramps, rollback and promotion.

Each analysis is kept as an event, so that the path of the interval can be drawn. Data that are
missing, hours without an analysis, and users divided otherwise than planned are alarms: an
analysis with one decides nothing.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from reeltune.ab_tests.figures import ABFigures
from reeltune.ab_tests.gaps import MAX_HOURS_UNWATCHED, find_gaps
from reeltune.ab_tests.ingest import take_served_events
from reeltune.ab_tests.manager import ABTestManager, Caller
from reeltune.ab_tests.results import ab_figures, load_last_figures
from reeltune.db.ab_records import delete_waiting_outcomes
from reeltune.db.ab_tests import add_ab_event, load_ab_test, load_ab_tests
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


def analyse(manager: ABTestManager, name: str) -> WatchReport:
    """Analyse one running test, keep the analysis, and act on it."""
    test, figures, alarms = manager.store.write(lambda conn: _analysed(conn, manager, name))
    action = ""
    if test.state == "running":
        test, action = _acted(manager, test, figures)
    return WatchReport(
        test=test.name, state=test.state, figures=figures, alarms=alarms, action=action
    )


def _analysed(
    conn: Connection, manager: ABTestManager, name: str
) -> tuple[ABTest, ABFigures, tuple[str, ...]]:
    now = manager.clock()
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
    """Roll back, promote or widen the share, as the settings allow; return why."""
    if figures.gaps:
        return test, ""
    breached = [each for each in figures.guardrails if each.breached]
    if test.settings.auto_rollback and breached:
        reason = "guardrail breached: " + ", ".join(
            f"{each.metric} of {each.arm}" for each in breached
        )
        return manager.act(test.name, "rollback", _because(reason)), f"rolled back: {reason}"
    if figures.split.alarm or breached:
        return test, ""
    better = [each for each in figures.comparisons if each.verdict == "better"]
    if test.settings.auto_promote and better and figures.hours >= test.settings.min_hours:
        try:
            promoted = manager.act(test.name, "promote", _because("shown to be better"))
        except ReelTuneError as error:
            return test, f"not promoted: {error}"
        return promoted, "promoted: shown to be better"
    return _ramped(manager, test, figures)


def _ramped(manager: ABTestManager, test: ABTest, figures: ABFigures) -> tuple[ABTest, str]:
    steps = int(figures.hours // test.settings.ramp_hours)
    shares = test.settings.ramp[:steps]
    if not shares:
        return test, ""
    before = test.share_high
    test = manager.widen(test.name, shares[-1], _because("ramp"))
    return test, f"share widened to {shares[-1]:.0%}" if test.share_high > before else ""


def _because(reason: str) -> Caller:
    return replace(_WATCH, reason=reason)
