"""Tables of what users of A/B tests were shown and did, with totals by user and sums by arm."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reeltune.db.connection import Connection
from reeltune.domain.ab_tests import ServedList, UserOutcome, UserTotals
from reeltune.stats.cluster_sums import ClusterSums

_TOTALS = (
    "arm, first_at, lists, clicked, watched, liked, value, won, lost, window_lists,"
    " window_counted, covariate"
)
_SUMS = ("n", "x", "y", "c", "xx", "yy", "cc", "xy", "xc", "yc")


@dataclass(frozen=True, slots=True)
class StoredExposure:
    """Exposure as it is stored."""

    exposure_id: int
    test_id: int
    phase: int
    arm: int
    user: str
    happened_at: int
    movies: list[int] | None
    teams: str | None
    wins: int


@dataclass(frozen=True, slots=True)
class WaitingOutcome:
    """Outcome that came before its list."""

    outcome_id: int
    outcome: UserOutcome


def add_exposure(
    conn: Connection, test_id: int, phase: int, arm: int, served: ServedList
) -> StoredExposure | None:
    """Add an exposure; None if one with that request was there."""
    movies = None if served.movies is None else [int(movie) for movie in served.movies]
    cursor = conn.execute(
        """
        INSERT INTO ab_exposures (request_id, test_id, phase, arm, user, happened_at, movies, teams)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (request_id) DO NOTHING
        """,
        (
            served.request_id,
            test_id,
            phase,
            arm,
            served.user,
            served.happened_at,
            None if movies is None else json.dumps(movies, separators=(",", ":")),
            served.teams,
        ),
    )
    if cursor.rowcount == 0:
        return None
    return StoredExposure(
        int(cursor.lastrowid or 0),
        test_id,
        phase,
        arm,
        served.user,
        served.happened_at,
        movies,
        served.teams,
        0,
    )


def load_exposure(conn: Connection, request_id: str) -> StoredExposure | None:
    """Return the exposure of a request; None if there is none."""
    row = conn.execute(
        """
        SELECT exposure_id, test_id, phase, arm, user, happened_at, movies, teams, wins
          FROM ab_exposures
         WHERE request_id = ?
        """,
        (request_id,),
    ).fetchone()
    return None if row is None else _exposure(row)


def load_last_exposure(
    conn: Connection, user: str, movie_id: int | None, since: int, until: int
) -> StoredExposure | None:
    """Return a user's last exposure within a time; where its list is known, one with the movie."""
    row = conn.execute(
        """
        SELECT exposure_id, test_id, phase, arm, user, happened_at, movies, teams, wins
          FROM ab_exposures
         WHERE user = :user
           AND happened_at BETWEEN :since AND :until
           AND (:movie IS NULL OR movies IS NULL
                OR EXISTS (SELECT 1 FROM json_each(movies) WHERE value = :movie))
         ORDER BY happened_at DESC, exposure_id DESC
         LIMIT 1
        """,
        {"user": user, "movie": movie_id, "since": since, "until": until},
    ).fetchone()
    return None if row is None else _exposure(row)


def save_wins(conn: Connection, exposure_id: int, wins: int) -> None:
    """Set the clicks on the challenger's movies of an interleaved list less the champion's."""
    conn.execute("UPDATE ab_exposures SET wins = ? WHERE exposure_id = ?", (wins, exposure_id))


def add_outcome(
    conn: Connection, outcome: UserOutcome, key: str, exposure_id: int | None, now: int
) -> bool:
    """Add an outcome, which waits if it has no exposure; false if it was there."""
    cursor = conn.execute(
        """
        INSERT INTO ab_outcomes (
            outcome_key, kind, user, movie_id, value, request_id, exposure_id, happened_at,
            received_at
        ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO NOTHING
        """,
        (
            key,
            outcome.kind,
            outcome.user,
            outcome.movie_id,
            outcome.value,
            outcome.request_id,
            exposure_id,
            outcome.happened_at,
            now,
        ),
    )
    return bool(cursor.rowcount)


def load_waiting_outcomes(conn: Connection, request_id: str) -> list[WaitingOutcome]:
    """Return the outcomes that wait for the list of a request."""
    rows = conn.execute(
        """
        SELECT outcome_id, kind, user, happened_at, movie_id, value, request_id
          FROM ab_outcomes
         WHERE request_id = ? AND exposure_id IS NULL
         ORDER BY outcome_id
        """,
        (request_id,),
    ).fetchall()
    return [WaitingOutcome(row[0], UserOutcome(**dict(list(_items(row))[1:]))) for row in rows]


def join_outcome(conn: Connection, outcome_id: int, exposure_id: int) -> bool:
    """Give a waiting outcome its exposure; false where that has one like it."""
    cursor = conn.execute(
        "UPDATE OR IGNORE ab_outcomes SET exposure_id = ? WHERE outcome_id = ?",
        (exposure_id, outcome_id),
    )
    return bool(cursor.rowcount)


def delete_outcome(conn: Connection, outcome_id: int) -> None:
    """Delete a waiting outcome that does not belong to the list it names."""
    conn.execute("DELETE FROM ab_outcomes WHERE outcome_id = ?", (outcome_id,))


def delete_waiting_outcomes(conn: Connection, received_before: int) -> int:
    """Delete outcomes whose list has not come for too long; return how many."""
    return int(
        conn.execute(
            "DELETE FROM ab_outcomes WHERE exposure_id IS NULL AND received_at < ?",
            (received_before,),
        ).rowcount
    )


def load_totals(conn: Connection, test_id: int, phase: int, user: str) -> UserTotals | None:
    """Return the totals of a user of a phase; None before the first list."""
    row = conn.execute(
        f"SELECT {_TOTALS} FROM ab_users WHERE test_id = ? AND phase = ? AND user = ?",  # noqa: S608
        (test_id, phase, user),
    ).fetchone()
    return None if row is None else UserTotals(*row)


def save_totals(conn: Connection, test_id: int, phase: int, user: str, totals: UserTotals) -> None:
    """Set the totals of a user of a phase."""
    conn.execute(
        f"""
        INSERT OR REPLACE INTO ab_users (test_id, phase, user, {_TOTALS})
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,  # noqa: S608 names of columns
        (
            test_id,
            phase,
            user,
            totals.arm,
            totals.first_at,
            totals.lists,
            totals.clicked,
            totals.watched,
            totals.liked,
            totals.value,
            totals.won,
            totals.lost,
            totals.window_lists,
            totals.window_counted,
            totals.covariate,
        ),
    )


def add_sums(
    conn: Connection, test_id: int, phase: int, arm: int, metric: str, sums: ClusterSums
) -> None:
    """Add to the sums of an arm."""
    conn.execute(
        f"""
        INSERT INTO ab_sums (test_id, phase, arm, metric, {", ".join(_SUMS)})
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (test_id, phase, arm, metric)
            DO UPDATE SET {", ".join(f"{name} = {name} + excluded.{name}" for name in _SUMS)}
        """,  # noqa: S608 names of columns
        (test_id, phase, arm, metric, *(getattr(sums, name) for name in _SUMS)),
    )


def load_sums(conn: Connection, test_id: int, phase: int, metric: str) -> dict[int, ClusterSums]:
    """Return the sums of a metric by arm."""
    rows = conn.execute(
        f"""
        SELECT arm, {", ".join(_SUMS)}
          FROM ab_sums
         WHERE test_id = ? AND phase = ? AND metric = ?
        """,  # noqa: S608 names of columns
        (test_id, phase, metric),
    )
    return {row[0]: ClusterSums(**dict(zip(_SUMS, row[1:], strict=True))) for row in rows}


def load_closed_sums(
    conn: Connection, test_id: int, phase: int, first_before: int, *, per_user: bool
) -> dict[int, ClusterSums]:
    """Return the sums of the primary metric by arm, over users whose window has closed.

    With `per_user` it is counted per user, else per list.
    """
    rows = conn.execute(
        """
        SELECT arm, count(*), total(x), total(y), total(c), total(x * x), total(y * y),
               total(c * c), total(x * y), total(x * c), total(y * c)
          FROM (SELECT arm, CASE WHEN ? THEN 1.0 ELSE CAST(window_lists AS REAL) END AS x,
                       window_counted AS y, covariate AS c
                  FROM ab_users
                 WHERE test_id = ? AND phase = ? AND first_at < ?)
         GROUP BY arm
        """,
        (per_user, test_id, phase, first_before),
    )
    return {row[0]: ClusterSums(**dict(zip(_SUMS, row[1:], strict=True))) for row in rows}


def _exposure(row: Any) -> StoredExposure:
    movies = None if row["movies"] is None else json.loads(row["movies"])
    return StoredExposure(**{**dict(row), "movies": movies})


def _items(row: Any) -> Iterable[tuple[str, Any]]:
    values: Mapping[str, Any] = dict(row)
    return values.items()
