"""Tables of the made-up world, beyond what imports of files need."""

from reeltune.db.connection import Connection, Row


def count_world(conn: Connection) -> Row:
    """Return how much there is: `users movies ratings people franchises` and the `mean_rating`."""
    row: Row = conn.execute(
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
    return row
