"""Table of movies that are not to be recommended; their ratings stay."""

from dataclasses import dataclass

from reeltune.db.connection import Connection
from reeltune.domain.clock import stamp
from reeltune.domain.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Movie that is not to be recommended."""

    movie_id: int
    title: str
    withdrawn_at: str
    reason: str


def withdraw_movie(conn: Connection, movie_id: int, reason: str) -> bool:
    """Withdraw a movie; false if it is withdrawn already.

    Raises:
        NotFoundError: there is no such movie.
    """
    _check_known(conn, movie_id)
    rows = conn.execute(
        """
        INSERT INTO withdrawn_movies (movie_id, withdrawn_at, reason)
        VALUES (:movie_id, :now, :reason)
            ON CONFLICT DO NOTHING
        """,
        {"movie_id": movie_id, "now": stamp(), "reason": reason},
    )
    return bool(rows.rowcount)


def restore_movie(conn: Connection, movie_id: int) -> bool:
    """Let a movie be recommended again; false if it was not withdrawn.

    Raises:
        NotFoundError: there is no such movie.
    """
    _check_known(conn, movie_id)
    rows = conn.execute(
        "DELETE FROM withdrawn_movies WHERE movie_id = :movie_id", {"movie_id": movie_id}
    )
    return bool(rows.rowcount)


def load_withdrawn(conn: Connection) -> dict[int, Withdrawal]:
    """Return the movies that are withdrawn, by id."""
    rows = conn.execute(
        """
        SELECT movie_id, title, withdrawn_at, reason
          FROM withdrawn_movies
          JOIN movies USING (movie_id)
         ORDER BY movie_id
        """
    )
    return {row["movie_id"]: Withdrawal(**dict(row)) for row in rows}


def _check_known(conn: Connection, movie_id: int) -> None:
    row = conn.execute("SELECT 1 FROM movies WHERE movie_id = :movie_id", {"movie_id": movie_id})
    if row.fetchone() is None:
        raise NotFoundError(f"there is no movie {movie_id}: the table movies has those there are")
