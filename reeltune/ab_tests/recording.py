"""Records what users of A/B tests were shown and did: each thing once, whatever comes and when.

A batch is one transaction of the store's writer. Rows that cannot be true are refused, each with
its reason: a user in an arm that is not the user's, a time that lies ahead or before the test, an
outcome of a list of somebody else or of a movie that was not on it.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reeltune.ab_tests.assignment import assigned_arm
from reeltune.ab_tests.live import LiveTests
from reeltune.ab_tests.totals import TotalsOfBatch
from reeltune.db.ab_records import (
    StoredExposure,
    add_exposure,
    add_outcome,
    delete_outcome,
    join_outcome,
    load_exposure,
    load_last_exposure,
    load_waiting_outcomes,
    save_wins,
)
from reeltune.db.connection import Connection
from reeltune.domain.ab_tests import (
    INTERLEAVED,
    ABArm,
    ABTest,
    RecordedRows,
    ServedList,
    UserOutcome,
)

CLOCK_SECONDS = 60  # that clocks of a service and its clients may differ
OUTCOME_SECONDS = 86_400  # after a list within which what its user does counts for it
LIKED_FROM = 4.0  # stars
_MAX_VALUE = 1e6


@dataclass(slots=True)
class _Report:
    counted: int = 0
    duplicates: int = 0
    waiting: int = 0
    rejected: list[tuple[int, str]] = field(default_factory=list)

    def done(self) -> RecordedRows:
        return RecordedRows(self.counted, self.duplicates, self.waiting, tuple(self.rejected))


def record_exposures(
    conn: Connection, live: LiveTests, served: Sequence[ServedList], now: int
) -> RecordedRows:
    """Record lists that were really served; one whose request is known already counts once."""
    report, totals = _Report(), TotalsOfBatch(conn)
    for place, each in enumerate(served):
        found = _placed(live, each, now)
        if isinstance(found, str):
            report.rejected.append((place, found))
            continue
        test, arm = found
        assert test.phase is not None  # it has an arm
        stored = add_exposure(conn, test.test_id, test.phase.number, arm.number, each)
        if stored is None:
            report.duplicates += 1
            continue
        _count_list(totals, test, stored)
        _join_waiting(conn, totals, test, stored, each.request_id)
        report.counted += 1
    totals.save()
    return report.done()


def record_outcomes(
    conn: Connection, live: LiveTests, outcomes: Iterable[UserOutcome], now: int
) -> RecordedRows:
    """Record what users did; what names a list that has not come yet waits for it."""
    report, totals = _Report(), TotalsOfBatch(conn)
    for place, outcome in enumerate(outcomes):
        fault = _fault_of_outcome(outcome, now) or _record(conn, live, totals, report, outcome, now)
        if fault:
            report.rejected.append((place, fault))
    totals.save()
    return report.done()


def _record(
    conn: Connection,
    live: LiveTests,
    totals: TotalsOfBatch,
    report: _Report,
    outcome: UserOutcome,
    now: int,
) -> str | None:
    """Record one outcome; return why it was refused, if it was."""
    exposure = _exposure_of(conn, outcome)
    if exposure is None and outcome.request_id is None:
        return "no list of a test was shown to this user in the day before"
    test = None if exposure is None else live.by_id.get(exposure.test_id)
    if exposure is not None:
        fault = _mismatch(exposure, outcome) or _ended(test)
        if fault:
            return fault
    key = outcome.key or _key(outcome, exposure)
    exposure_id = None if exposure is None else exposure.exposure_id
    if not add_outcome(conn, outcome, key, exposure_id, now):
        report.duplicates += 1
    elif exposure is None or test is None:
        report.waiting += 1
    else:
        _count_outcome(conn, totals, test, exposure, outcome)
        report.counted += 1
    return None


def _key(outcome: UserOutcome, exposure: StoredExposure | None) -> str:
    """Return what names an outcome without a key; of another user's it is another one."""
    request: str | int | None = outcome.request_id
    if request is None and exposure is not None:
        request = exposure.exposure_id
    return json.dumps([request, outcome.user, outcome.kind, outcome.movie_id])


def _placed(live: LiveTests, served: ServedList, now: int) -> tuple[ABTest, ABArm] | str:
    """Return the test and arm of a served list, or why it cannot be true."""
    by_layer = served.test is None
    test = live.of_user(served.user, served.layer) if by_layer else live.named(served.test or "")
    if test is None:
        return "no running test has this user" if by_layer else "there is no such test"
    if test.state != "running" or test.phase is None:
        return f"the test is {test.state}"
    arm = assigned_arm(test, served.user)
    if arm is None:
        return "the user is not in the test"
    is_mixed = test.settings.design == "interleaving"
    if served.arm not in (None, INTERLEAVED if is_mixed else arm.name):
        return f"the user is not in arm {served.arm!r}"
    if is_mixed != (served.teams is not None):
        return "an interleaved list says whose each movie is" if is_mixed else "it has no teams"
    if served.teams is not None and (
        len(served.teams) != len(served.movies or ()) or set(served.teams) - {"0", "1"}
    ):
        return "teams must be 0 or 1 for each movie of the list"
    return _fault_of_time(served.happened_at, test.phase.started_at, now) or (test, arm)


def _fault_of_time(happened_at: int, since: int, now: int) -> str | None:
    if happened_at > now + CLOCK_SECONDS:
        return "its time lies ahead"
    if happened_at < since - CLOCK_SECONDS:
        return "it is from before the test, or from before its last change of weights"
    return None


def _fault_of_outcome(outcome: UserOutcome, now: int) -> str | None:
    if outcome.happened_at > now + CLOCK_SECONDS:
        return "its time lies ahead"
    if outcome.kind == "rated" and not (outcome.value is not None and 0.5 <= outcome.value <= 5.0):
        return "the value of rated is 0.5 to 5 stars"
    if outcome.value is not None and not abs(outcome.value) <= _MAX_VALUE:
        return f"a value is a number up to {_MAX_VALUE:,.0f}"
    return None


def _exposure_of(conn: Connection, outcome: UserOutcome) -> StoredExposure | None:
    if outcome.request_id is not None:
        return load_exposure(conn, outcome.request_id)
    until = outcome.happened_at + CLOCK_SECONDS
    since = outcome.happened_at - OUTCOME_SECONDS
    return load_last_exposure(conn, outcome.user, outcome.movie_id, since, until)


def _mismatch(exposure: StoredExposure, outcome: UserOutcome) -> str | None:
    if exposure.user != outcome.user:
        return "the list was shown to another user"
    if exposure.movies is not None and outcome.movie_id not in (None, *exposure.movies):
        return "the movie was not on the list"
    seconds = outcome.happened_at - exposure.happened_at
    if seconds < -CLOCK_SECONDS:
        return "it is from before its list"
    if seconds > OUTCOME_SECONDS:
        return "its list was shown more than a day before"
    return None


def _ended(test: ABTest | None) -> str | None:
    return "the test has ended" if test is None or test.has_ended else None


def _join_waiting(
    conn: Connection, totals: TotalsOfBatch, test: ABTest, exposure: StoredExposure, request_id: str
) -> None:
    """Count the outcomes of a list that came before it."""
    for waiting in load_waiting_outcomes(conn, request_id):
        if _mismatch(exposure, waiting.outcome):
            delete_outcome(conn, waiting.outcome_id)
        elif join_outcome(conn, waiting.outcome_id, exposure.exposure_id):
            exposure = _count_outcome(conn, totals, test, exposure, waiting.outcome)


def _count_list(totals: TotalsOfBatch, test: ABTest, exposure: StoredExposure) -> None:
    found = totals.of(test, exposure.phase, exposure.user, exposure.arm, exposure.happened_at)
    found.lists += 1
    if _in_window(test, found.first_at, exposure.happened_at):
        found.window_lists += 1
        found.window_counted += test.settings.primary == "lists"


def _count_outcome(
    conn: Connection,
    totals: TotalsOfBatch,
    test: ABTest,
    exposure: StoredExposure,
    outcome: UserOutcome,
) -> StoredExposure:
    """Add an outcome to its user's totals; return the exposure with its clicks."""
    found = totals.of(test, exposure.phase, exposure.user, exposure.arm, exposure.happened_at)
    value = outcome.value or 0.0
    added = {
        "clicks": float(outcome.kind == "clicked"),
        "watched": float(outcome.kind == "watched"),
        "liked": float(outcome.kind == "rated" and value >= LIKED_FROM),
        "value": 0.0 if outcome.kind == "rated" else value,
        "lists": 0.0,
    }
    found.clicked += int(added["clicks"])
    found.watched += int(added["watched"])
    found.liked += int(added["liked"])
    found.value += added["value"]
    if _in_window(test, found.first_at, exposure.happened_at) and _in_window(
        test, found.first_at, max(outcome.happened_at, exposure.happened_at)
    ):
        found.window_counted += added[test.settings.primary]
    if outcome.kind != "clicked" or exposure.teams is None or exposure.movies is None:
        return exposure
    if outcome.movie_id not in exposure.movies:
        return exposure
    team = exposure.teams[exposure.movies.index(outcome.movie_id)]
    wins = exposure.wins + (1 if team == "1" else -1)
    found.won += (wins > 0) - (exposure.wins > 0)
    found.lost += (wins < 0) - (exposure.wins < 0)
    save_wins(conn, exposure.exposure_id, wins)
    return StoredExposure(
        exposure.exposure_id,
        exposure.test_id,
        exposure.phase,
        exposure.arm,
        exposure.user,
        exposure.happened_at,
        exposure.movies,
        exposure.teams,
        wins,
    )


def _in_window(test: ABTest, first_at: int, happened_at: int) -> bool:
    """Return whether a time lies in the user's window, in which the primary metric is counted."""
    hours = test.settings.window_hours
    return hours == 0 or 0 <= happened_at - first_at < hours * 3600
