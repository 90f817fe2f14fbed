"""Activity of A/B tests: how much came when, covariates, and rows for export."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reeltune.db.connection import Connection


@dataclass(frozen=True, slots=True)
class ABActivity:
    """Lists and outcomes of a test within a time."""

    lists: Mapping[int, int]  # by arm
    outcomes: int
    new_users: int


def load_activity(conn: Connection, test_id: int, phase: int, since: int, until: int) -> ABActivity:
    """Return what came of a phase in `since <= time < until`."""
    times = {"id": test_id, "phase": phase, "since": since, "until": until}
    lists = conn.execute(
        """
        SELECT arm, count(*)
          FROM ab_exposures
         WHERE test_id = :id AND phase = :phase AND happened_at >= :since AND happened_at < :until
         GROUP BY arm
        """,
        times,
    )
    outcomes = conn.execute(
        """
        SELECT count(*)
          FROM ab_exposures AS e JOIN ab_outcomes AS o USING (exposure_id)
         WHERE e.test_id = :id AND e.phase = :phase
           AND e.happened_at >= :since AND e.happened_at < :until
        """,
        times,
    ).fetchone()
    users = conn.execute(
        """
        SELECT count(*)
          FROM ab_users
         WHERE test_id = :id AND phase = :phase AND first_at >= :since AND first_at < :until
        """,
        times,
    ).fetchone()
    return ABActivity({row[0]: row[1] for row in lists}, int(outcomes[0]), int(users[0]))


def count_served_users(conn: Connection, since: int) -> int:
    """Return how many users were shown a list since a moment, in whichever test or in none."""
    row = conn.execute(
        """
        SELECT count(*)
          FROM (SELECT user FROM events WHERE kind = 'shown' AND happened_at >= :since
                 UNION
                SELECT user FROM ab_exposures WHERE happened_at >= :since)
        """,
        {"since": since},
    ).fetchone()
    return int(row[0])


def save_covariates(conn: Connection, test_id: int, values: Mapping[str, float]) -> None:
    """Set the covariates of users, less their mean."""
    conn.executemany(
        "INSERT OR REPLACE INTO ab_covariates (test_id, user, value) VALUES (?, ?, ?)",
        [(test_id, user, value) for user, value in values.items()],
    )


def load_covariate(conn: Connection, test_id: int, user: str) -> float:
    """Return the covariate of a user; 0, the mean, for one who has none."""
    row = conn.execute(
        "SELECT value FROM ab_covariates WHERE test_id = ? AND user = ?", (test_id, user)
    ).fetchone()
    return 0.0 if row is None else float(row[0])


def load_user_rows(conn: Connection, test_id: int) -> Iterator[dict[str, Any]]:
    """Yield the totals of all users of a test, for export, by phase and first list."""
    rows = conn.execute(
        """
        SELECT phase, user, arm, first_at, lists, clicked, watched, liked, value, won, lost,
               window_lists, window_counted, covariate
          FROM ab_users
         WHERE test_id = ?
         ORDER BY phase, first_at, user
        """,
        (test_id,),
    )
    return (dict(row) for row in rows)


def load_ab_cursor(conn: Connection) -> int:
    """Return the number of the last event of the service that was counted."""
    return int(conn.execute("SELECT event_number FROM ab_cursor").fetchone()[0])


def save_ab_cursor(conn: Connection, number: int) -> None:
    """Set the number of the last event of the service that was counted."""
    conn.execute("UPDATE ab_cursor SET event_number = ?", (number,))


def load_served_sums(conn: Connection, kind: str, since: int) -> list[tuple[float, float]]:
    """Return the lists and the outcomes of a kind of each user whom the service knows, since then.

    Of `liked`, ratings of 4 and more; of `value`, the sum of values; of `lists`, no outcomes.
    """
    rows = conn.execute(
        """
        SELECT total(kind = 'shown'),
               total(CASE :kind
                     WHEN 'clicks' THEN kind = 'clicked'
                     WHEN 'watched' THEN kind = 'watched'
                     WHEN 'liked' THEN kind = 'rated' AND value >= 4
                     WHEN 'value' THEN iif(kind IN ('clicked', 'watched'), ifnull(value, 0), 0)
                     ELSE 0 END)
          FROM events
         WHERE happened_at >= :since
         GROUP BY user
        HAVING total(kind = 'shown') > 0
        """,
        {"kind": kind, "since": since},
    )
    return [(float(row[0]), float(row[1])) for row in rows]


def skip_served_events(conn: Connection) -> None:
    """Move the cursor behind the last event of the service."""
    conn.execute(
        "UPDATE ab_cursor SET event_number = (SELECT coalesce(max(event_number), 0) FROM events)"
    )
