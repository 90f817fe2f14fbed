"""Counts for the tests what the service has logged: lists shown, and what users did.

The service writes one table of events. Those after the last one counted are read here, in the
transaction that counts them and moves the cursor: each counts once, whatever is killed when.
"""

from collections.abc import Sequence

from reeltune.ab_tests.live import LiveTests, load_live_tests
from reeltune.ab_tests.recording import record_exposures, record_outcomes
from reeltune.db.ab_activity import load_ab_cursor, save_ab_cursor, skip_served_events
from reeltune.db.connection import Connection
from reeltune.db.serving_rows import ServingEvent, load_serving_events
from reeltune.domain.ab_tests import INTERLEAVED, ServedList, UserOutcome

_BATCH = 5_000


def take_served_events(conn: Connection, now: int, max_batches: int = 1_000) -> int:
    """Count the service's events that are new, within the caller's transaction; return how many.

    Events of users of no test are passed over. What cannot be true is left out, as in
    `record_exposures`: the service's own log states the arm, so it is checked against the
    assignment.
    """
    live = load_live_tests(conn)
    if all(test.phase is None or test.has_ended for test in live.by_id.values()):
        skip_served_events(conn)  # nobody counts them
        return 0
    n_taken = 0
    for _ in range(max_batches):
        rows = load_serving_events(conn, after=load_ab_cursor(conn), limit=_BATCH)
        if not rows:
            break
        _take(conn, live, [event for _, event in rows], now)
        save_ab_cursor(conn, rows[-1][0])
        n_taken += len(rows)
    return n_taken


def _take(conn: Connection, live: LiveTests, events: Sequence[ServingEvent], now: int) -> None:
    shown = [_served(each) for each in events if each.kind == "shown" and each.ab_test]
    record_exposures(conn, live, shown, now)
    done = (each for each in events if each.kind != "shown")
    record_outcomes(conn, live, map(_outcome, done), now)


def _served(event: ServingEvent) -> ServedList:
    """Return a list that was served; of an interleaved one the arm is followed by the teams."""
    arm, _, teams = (event.arm or "").partition(" ")
    return ServedList(
        request_id=event.request_id or event.key,
        user=event.user,
        happened_at=event.happened_at,
        test=event.ab_test,
        arm=arm or None,
        movies=event.movies,
        teams=teams if arm == INTERLEAVED else None,
    )


def _outcome(event: ServingEvent) -> UserOutcome:
    assert event.kind != "shown"
    return UserOutcome(
        kind=event.kind,
        user=event.user,
        happened_at=event.happened_at,
        movie_id=event.movie_id,
        value=event.value,
        request_id=event.request_id,
        key=f"event:{event.key}",
    )
