"""Tables of A/B tests in the store of the service: tests, phases, arms, and append-only events."""

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from reeltune.db.connection import Connection, expected, inserted_id
from reeltune.db.serving_file import read_serving_file, serving_path
from reeltune.domain.ab_tests import (
    ABArm,
    ABEvent,
    ABPhase,
    ABSettings,
    ABState,
    ABTest,
    settings_from_json,
)
from reeltune.domain.errors import NotFoundError

_TESTS = """
    SELECT test_id, settings, salt, created_at, share_low, share_high, reserved_high,
           (SELECT state FROM ab_test_events AS e WHERE e.test_id = t.test_id
             ORDER BY event_id DESC LIMIT 1) AS state,
           (SELECT max(event_id) FROM ab_test_events AS e WHERE e.test_id = t.test_id) AS last_event
      FROM ab_tests AS t
"""


def save_ab_test(conn: Connection, settings: ABSettings, salt: str, now: int) -> int:
    """Add a test, without a share yet; return its number. Its first event is the caller's."""
    cursor = conn.execute(
        """
        INSERT INTO ab_tests (
            name, settings, salt, created_at, layer, share_low, share_high, reserved_high
        ) VALUES (:name, :settings, :salt, :now, :layer, 0, 0, 0)
        """,
        {
            "name": settings.name,
            "settings": json.dumps(settings.as_json()),
            "salt": salt,
            "now": now,
            "layer": settings.layer,
        },
    )
    return inserted_id(cursor)


def save_ab_settings(conn: Connection, test_id: int, settings: ABSettings) -> None:
    """Replace the settings of a test."""
    conn.execute(
        """
        UPDATE ab_tests
           SET name = :name, settings = :settings, layer = :layer
         WHERE test_id = :id
        """,
        {
            "name": settings.name,
            "settings": json.dumps(settings.as_json()),
            "layer": settings.layer,
            "id": test_id,
        },
    )


def save_ab_share(conn: Connection, test_id: int, low: int, high: int, reserved: int) -> None:
    """Set which buckets of its layer a test has; they only widen."""
    conn.execute(
        """
        UPDATE ab_tests
           SET share_low = :low, share_high = :high, reserved_high = :reserved
         WHERE test_id = :id
        """,
        {"low": low, "high": high, "reserved": reserved, "id": test_id},
    )


def save_ab_phase(conn: Connection, test_id: int, phase: ABPhase) -> None:
    """Add a phase with its arms."""
    conn.execute(
        """
        INSERT INTO ab_test_phases (test_id, phase, started_at, alpha)
        VALUES (:id, :phase, :started_at, :alpha)
        """,
        {
            "id": test_id,
            "phase": phase.number,
            "started_at": phase.started_at,
            "alpha": phase.alpha,
        },
    )
    conn.executemany(
        """
        INSERT INTO ab_test_arms (test_id, phase, arm, version, low, high)
        VALUES (?, ?, ?, ?, ?, ?)
        """,
        [(test_id, phase.number, arm.number, arm.version, arm.low, arm.high) for arm in phase.arms],
    )


def add_ab_event(
    conn: Connection,
    test_id: int,
    kind: str,
    state: ABState,
    now: int,
    *,
    actor: str = "",
    reason: str = "",
    details: Mapping[str, Any] | None = None,
    request_key: str | None = None,
) -> int:
    """Add an event; return its number."""
    cursor = conn.execute(
        """
        INSERT INTO ab_test_events (
            test_id, kind, state, happened_at, actor, reason, details, request_key
        ) VALUES (:id, :kind, :state, :now, :actor, :reason, :details, :key)
        """,
        {
            "id": test_id,
            "kind": kind,
            "state": state,
            "now": now,
            "actor": actor,
            "reason": reason,
            "details": json.dumps(details or {}, allow_nan=False),
            "key": request_key,
        },
    )
    return inserted_id(cursor)


def load_ab_test(conn: Connection, name: str) -> ABTest:
    """Return the test of a name, or of a number.

    Raises:
        NotFoundError: there is none.
    """
    number = int(name) if name.isascii() and name.isdecimal() and len(name) < 18 else -1
    row = conn.execute(
        f"{_TESTS} WHERE name = :name OR test_id = :number ORDER BY name <> :name LIMIT 1",
        {"name": name, "number": number},
    ).fetchone()
    if row is None:
        raise NotFoundError(f"there is no A/B test {name!r}: `reeltune ab-tests list` has them all")
    return _test(conn, row)


def load_ab_tests(conn: Connection) -> list[ABTest]:
    """Return all tests, the earliest first."""
    rows = conn.execute(f"{_TESTS} ORDER BY test_id").fetchall()
    return [_test(conn, row) for row in rows]


def load_ab_phase(conn: Connection, test_id: int, phase: int | None = None) -> ABPhase | None:
    """Return a phase of a test, by default the last one; None if there is none."""
    row = conn.execute(
        """
        SELECT phase, started_at, alpha
          FROM ab_test_phases
         WHERE test_id = :id AND (:phase IS NULL OR phase = :phase)
         ORDER BY phase DESC
         LIMIT 1
        """,
        {"id": test_id, "phase": phase},
    ).fetchone()
    if row is None:
        return None
    arms = conn.execute(
        """
        SELECT arm, version, low, high
          FROM ab_test_arms
         WHERE test_id = :id AND phase = :phase
         ORDER BY arm
        """,
        {"id": test_id, "phase": row["phase"]},
    )
    found = tuple(ABArm(*each) for each in arms)
    return ABPhase(row["phase"], row["started_at"], row["alpha"], found)


def load_ab_events(
    conn: Connection,
    test_id: int | None = None,
    *,
    kinds: Sequence[str] = (),
    after: int = 0,
    limit: int = 1_000_000,
) -> list[ABEvent]:
    """Return events after the one numbered `after`, in order; of one test or all, of some kinds."""
    rows = conn.execute(
        """
        SELECT event_id, test_id, kind, state, happened_at, actor, reason, details
          FROM ab_test_events
         WHERE event_id > :after
           AND (:id IS NULL OR test_id = :id)
           AND (:kinds = '[]' OR kind IN (SELECT value FROM json_each(:kinds)))
         ORDER BY event_id
         LIMIT :limit
        """,
        {"after": after, "id": test_id, "kinds": json.dumps(list(kinds)), "limit": limit},
    )
    return [ABEvent(**{**dict(row), "details": json.loads(row["details"])}) for row in rows]


def load_last_ab_event(conn: Connection, test_id: int, kinds: Sequence[str]) -> ABEvent | None:
    """Return the last event of a test that is of some kinds; None if there is none."""
    row = conn.execute(
        """
        SELECT event_id, test_id, kind, state, happened_at, actor, reason, details
          FROM ab_test_events
         WHERE test_id = :id AND kind IN (SELECT value FROM json_each(:kinds))
         ORDER BY event_id DESC
         LIMIT 1
        """,
        {"id": test_id, "kinds": json.dumps(list(kinds))},
    ).fetchone()
    return None if row is None else ABEvent(**{**dict(row), "details": json.loads(row["details"])})


def load_keyed_ab_event(conn: Connection, request_key: str) -> tuple[int, str] | None:
    """Return the test and the kind of the event that a request has made, if it came before."""
    row = conn.execute(
        "SELECT test_id, kind FROM ab_test_events WHERE request_key = :key", {"key": request_key}
    ).fetchone()
    return None if row is None else (row["test_id"], row["kind"])


def load_reserved_shares(conn: Connection, layer: str) -> list[tuple[int, int]]:
    """Return the buckets of a layer that its running and paused tests have, in order."""
    rows = conn.execute(
        """
        SELECT share_low, reserved_high
          FROM ab_tests AS t
         WHERE layer = :layer
           AND reserved_high > share_low
           AND (SELECT state FROM ab_test_events AS e WHERE e.test_id = t.test_id
                 ORDER BY event_id DESC LIMIT 1) IN ('running', 'paused')
         ORDER BY share_low
        """,
        {"layer": layer},
    )
    return [(row["share_low"], row["reserved_high"]) for row in rows]


def load_versions_under_test(database: Path) -> set[int]:
    """Return the versions that tests of a database serve or may still serve.

    Raises:
        StorageError: the store of the service cannot be used.
    """
    path = serving_path(database)
    if not path.is_file():
        return set()
    with expected(path), closing(read_serving_file(path)) as conn:
        known = conn.execute("SELECT 1 FROM sqlite_schema WHERE name = 'ab_tests'").fetchone()
        tests = load_ab_tests(conn) if known else []
    settings = [test.settings for test in tests if not test.has_ended]
    return {number for each in settings for number in (each.champion, *each.challengers)}


def _test(conn: Connection, row: Mapping[str, Any]) -> ABTest:
    return ABTest(
        test_id=row["test_id"],
        settings=settings_from_json(json.loads(row["settings"])),
        salt=row["salt"],
        created_at=row["created_at"],
        state=row["state"],
        last_event=row["last_event"],
        share_low=row["share_low"],
        share_high=row["share_high"],
        reserved_high=row["reserved_high"],
        phase=load_ab_phase(conn, row["test_id"]),
    )
