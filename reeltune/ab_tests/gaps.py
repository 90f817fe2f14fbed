"""Gaps in the log of a test: data that are missing are an alarm, never a result.

An hour counts as missing where, by the hours before it, fifteen lists or more were expected and
none came; where one arm has none and another has many; or where lists came and no outcome of any
of them, in any arm.
"""

from reeltune.db.ab_activity import load_activity
from reeltune.db.connection import Connection
from reeltune.domain.ab_tests import ABPhase, ABTest

MIN_EXPECTED = 15.0  # of a count that is 0: by chance once in three million hours
MAX_HOURS_UNWATCHED = 3.0
_HOUR = 3600
_MIN_HOURS_BEFORE = 3


def find_gaps(conn: Connection, test: ABTest, phase: ABPhase, now: int) -> tuple[str, ...]:
    """Return what is missing from the last full hour, one sentence each; nothing while paused."""
    if test.state != "running":
        return ()
    began = max(phase.started_at, now - 25 * _HOUR)
    last = load_activity(conn, test.test_id, phase.number, now - _HOUR, now)
    earlier = load_activity(conn, test.test_id, phase.number, began, now - _HOUR)
    hours = (now - _HOUR - began) / _HOUR
    if hours < _MIN_HOURS_BEFORE:
        return ()
    expected = _expected(conn, test, phase, now, sum(earlier.lists.values()) / hours)
    n_lists = sum(last.lists.values())
    found = []
    if n_lists == 0 and expected >= MIN_EXPECTED:
        found.append(f"no list was recorded in the last hour, {expected:,.0f} were expected")
    for arm in phase.arms:
        others = sum(count for number, count in last.lists.items() if number != arm.number)
        own = others * arm.share / max(1e-9, 1.0 - arm.share)
        if not last.lists.get(arm.number) and own >= MIN_EXPECTED:
            found.append(
                f"no list of arm {arm.name} was recorded in the last hour, {own:,.0f} were expected"
            )
    rate = earlier.outcomes / max(1, sum(earlier.lists.values()))
    if last.outcomes == 0 and rate * n_lists >= MIN_EXPECTED:
        found.append(
            f"no outcome was recorded of the {n_lists:,} lists of the last hour,"
            f" {rate * n_lists:,.0f} were expected"
        )
    return tuple(found)


def _expected(conn: Connection, test: ABTest, phase: ABPhase, now: int, per_hour: float) -> float:
    """Return the lists expected in the last hour: the mean, or less if that hour is a quiet one."""
    a_day_ago = now - 24 * _HOUR
    if a_day_ago - _HOUR < phase.started_at:
        return per_hour
    then = load_activity(conn, test.test_id, phase.number, a_day_ago - _HOUR, a_day_ago)
    return min(per_hour, float(sum(then.lists.values())))
