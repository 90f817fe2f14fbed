"""Tables of the service's store: ratings, events, answered requests, audit lines."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from reeltune.db.connection import Connection

ServingEventKind = Literal["shown", "clicked", "watched", "rated"]


@dataclass(frozen=True, slots=True)
class ServedRating:
    """Rating that a client sent; user and movie as their source writes them."""

    user: str
    movie: str
    movie_id: int
    rating: float  # stars, 0.5 to 5
    rated_at: int
    number: int = 0  # place in the order of commits, once it is stored


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingEvent:
    """List that was shown, or what a user did with a movie of one."""

    key: str  # names what happened: the same key is kept once
    kind: ServingEventKind
    user: str
    happened_at: int
    received_at: int
    movie_id: int | None = None
    movies: Sequence[int] | None = None
    value: float | None = None
    request_id: str | None = None
    version: int | None = None
    ab_test: str | None = None
    arm: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """Write that was tried: who, what, when, how it ended."""

    happened_at: int
    who: str
    action: str
    subject: str
    request_id: str
    outcome: str


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """Answer that was given to a write before."""

    body_sha256: str
    answer: Any = field(hash=False)


def save_served_ratings(conn: Connection, ratings: Sequence[ServedRating]) -> int:
    """Add ratings; those that are there stay. Return how many were new."""
    before = conn.total_changes
    conn.executemany(
        """
        INSERT INTO ratings (user, movie, movie_id, rating, rated_at)
        VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (user, movie, rated_at, rating) DO NOTHING
        """,
        ((r.user, r.movie, r.movie_id, r.rating, r.rated_at) for r in ratings),
    )
    return conn.total_changes - before


def load_served_ratings(
    conn: Connection, after: int = 0, limit: int = 1_000_000
) -> list[ServedRating]:
    """Return the ratings that were committed after the one numbered `after`, in order."""
    rows = conn.execute(
        """
        SELECT user, movie, movie_id, rating, rated_at, rating_number
          FROM ratings
         WHERE rating_number > :after
         ORDER BY rating_number
         LIMIT :limit
        """,
        {"after": after, "limit": limit},
    )
    return [ServedRating(*row) for row in rows]


def save_serving_events(conn: Connection, events: Sequence[ServingEvent]) -> int:
    """Add events; those whose key is there stay. Return how many were new."""
    before = conn.total_changes
    conn.executemany(
        """
        INSERT INTO events (
            event_key, kind, user, movie_id, movies, value, request_id, version, ab_test, arm,
            happened_at, received_at
        ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (event_key) DO NOTHING
        """,
        map(_event_row, events),
    )
    return conn.total_changes - before


def load_serving_events(
    conn: Connection, after: int = 0, limit: int = 10_000, ab_test: str | None = None
) -> list[tuple[int, ServingEvent]]:
    """Return events with their numbers, in the order of commits; of one test, or all."""
    rows = conn.execute(
        """
        SELECT event_number, event_key, kind, user, movie_id, movies, value, request_id, version,
               ab_test, arm, happened_at, received_at
          FROM events
         WHERE event_number > :after AND (:ab_test IS NULL OR ab_test = :ab_test)
         ORDER BY event_number
         LIMIT :limit
        """,
        {"after": after, "limit": limit, "ab_test": ab_test},
    )
    return [(row["event_number"], _event(dict(row))) for row in rows]


def load_known_answer(conn: Connection, key: str) -> KnownAnswer | None:
    """Return what was answered to the request of that key, if any was."""
    row = conn.execute(
        "SELECT body_sha256, answer FROM requests WHERE request_key = :key", {"key": key}
    ).fetchone()
    return None if row is None else KnownAnswer(row["body_sha256"], json.loads(row["answer"]))


def save_known_answer(
    conn: Connection, key: str, body_sha256: str, answer: Any, received_at: int
) -> None:
    """Keep the answer to a request, so that it is the same when the request comes again."""
    conn.execute(
        """
        INSERT INTO requests (request_key, body_sha256, answer, received_at)
        VALUES (:key, :body_sha256, :answer, :received_at)
        """,
        {
            "key": key,
            "body_sha256": body_sha256,
            "answer": json.dumps(answer),
            "received_at": received_at,
        },
    )


def delete_known_answers(conn: Connection, before: int) -> int:
    """Forget the answers that were given before a moment; return how many."""
    return int(
        conn.execute(
            "DELETE FROM requests WHERE received_at < :before", {"before": before}
        ).rowcount
    )


def save_audit_line(conn: Connection, line: AuditLine) -> None:
    """Add a line to the audit."""
    conn.execute(
        """
        INSERT INTO audit (happened_at, who, action, subject, request_id, outcome)
        VALUES (:happened_at, :who, :action, :subject, :request_id, :outcome)
        """,
        {name: getattr(line, name) for name in AuditLine.__dataclass_fields__},
    )


def load_audit(conn: Connection, limit: int = 100) -> list[AuditLine]:
    """Return the last lines of the audit, the latest first."""
    rows = conn.execute(
        """
        SELECT happened_at, who, action, subject, request_id, outcome
          FROM audit
         ORDER BY audit_number DESC
         LIMIT :limit
        """,
        {"limit": limit},
    )
    return [AuditLine(**dict(row)) for row in rows]


def load_data_counter(conn: Connection) -> int:
    """Return `PRAGMA data_version`: another number once another connection has committed."""
    return int(conn.execute("PRAGMA data_version").fetchone()[0])


def _event_row(event: ServingEvent) -> tuple[Any, ...]:
    movies = None if event.movies is None else json.dumps([int(m) for m in event.movies])
    return (
        event.key,
        event.kind,
        event.user,
        event.movie_id,
        movies,
        event.value,
        event.request_id,
        event.version,
        event.ab_test,
        event.arm,
        event.happened_at,
        event.received_at,
    )


def _event(row: dict[str, Any]) -> ServingEvent:
    del row["event_number"]
    movies = row.pop("movies")
    return ServingEvent(
        key=row.pop("event_key"), movies=None if movies is None else json.loads(movies), **row
    )
