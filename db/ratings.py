"""The table of ratings."""

import numpy as np

from db.columns import fetch_columns, snapshot
from db.connection import Connection
from domain.arrays import Floats, Floats32, Ints
from domain.ratings import RatingTable


def load_movie_ids(conn: Connection) -> Ints:
    """(M,) ids of all movies of the catalogue, ascending."""
    (movie_ids,) = fetch_columns(conn, "SELECT movie_id FROM movies ORDER BY movie_id", [np.int64])
    return movie_ids


def load_ratings(conn: Connection) -> RatingTable:
    """All ratings, over all movies of the catalogue."""
    with snapshot(conn):
        movie_ids = load_movie_ids(conn)
        users, movies, ratings, rated_at = fetch_columns(
            conn,
            "SELECT user_id, movie_id, rating, rated_at FROM ratings",
            [np.int64, np.int64, np.float32, np.int64],
        )
    return RatingTable.from_ids(movie_ids, users, movies, ratings, rated_at)


def count_ratings(conn: Connection) -> int:
    """How many ratings there are."""
    return int(conn.execute("SELECT count(*) FROM ratings").fetchone()[0])


def count_users(conn: Connection) -> int:
    """How many users have rated something."""
    return int(conn.execute("SELECT count(DISTINCT user_id) FROM ratings").fetchone()[0])


def save_ratings(
    conn: Connection, users: Ints, movies: Ints, ratings: Floats | Floats32, rated_at: Ints
) -> None:
    """Add ratings, given by id; of two by one user of one movie the newer stays, on a tie this one.

    Fastest in order of user and movie. Every movie must be in the catalogue.
    """
    columns = (users.tolist(), movies.tolist(), ratings.tolist(), rated_at.tolist())
    conn.executemany(
        """
        INSERT INTO ratings (user_id, movie_id, rating, rated_at)
        VALUES (:user_id, :movie_id, :rating, :rated_at)
            ON CONFLICT (user_id, movie_id) DO UPDATE
           SET rating = excluded.rating, rated_at = excluded.rated_at
         WHERE excluded.rated_at >= ratings.rated_at
        """,
        (
            {"user_id": user, "movie_id": movie, "rating": rating, "rated_at": at}
            for user, movie, rating, at in zip(*columns, strict=True)
        ),
    )
