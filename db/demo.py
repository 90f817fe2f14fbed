"""What the made-up world needs of the database beyond what imports of files need."""

from db.connection import Connection, Row
from domain.arrays import Floats, Ints


def add_ratings(
    conn: Connection, users: Ints, movies: Ints, ratings: Floats, rated_at: Ints
) -> None:
    """Add ratings, given by id, none of which is there yet; fastest in order of user and movie."""
    conn.executemany(
        "INSERT INTO ratings (user_id, movie_id, rating, rated_at) VALUES (?, ?, ?, ?)",
        zip(users.tolist(), movies.tolist(), ratings.tolist(), rated_at.tolist(), strict=True),
    )


def count_world(conn: Connection) -> Row:
    """How much there is: `users movies ratings people franchises` and the `mean_rating`."""
    return conn.execute(
        """
        SELECT (SELECT count(*) FROM movies) AS movies,
               (SELECT count(*) FROM people) AS people,
               (SELECT count(*) FROM collections) AS franchises,
               count(*) AS ratings,
               count(DISTINCT user_id) AS users,
               avg(rating) AS mean_rating
          FROM ratings
        """
    ).fetchone()
