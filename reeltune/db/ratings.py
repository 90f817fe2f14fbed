"""Table of ratings."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import numpy as np

from reeltune.db.columns import fetch_columns, snapshot
from reeltune.db.connection import Connection
from reeltune.domain.arrays import Floats, Floats32, Ints
from reeltune.domain.clock import latest_believable
from reeltune.domain.progress import report_progress
from reeltune.ratings.blocks import RatingBlock, RatingColumns
from reeltune.ratings.table import RatingTable

_BLOCK_ROWS = 2**18
_ROWS_PER_WRITE = 50_000
_ROWS_PER_STATEMENT = 50
_CHANGED = "WHERE user_id IN (SELECT user_id FROM data_changes WHERE change_id > :since)"


def load_movie_ids(conn: Connection) -> Ints:
    """Return (M,) ids of all movies of the catalogue, ascending."""
    (movie_ids,) = fetch_columns(conn, "SELECT movie_id FROM movies ORDER BY movie_id", [np.int64])
    return movie_ids


def load_ratings(conn: Connection) -> RatingTable:
    """Return all ratings, over all movies of the catalogue.

    Raises:
        StorageError: what is stored is not ratings of movies of the catalogue.
    """
    with snapshot(conn):
        n = count_ratings(conn)
        columns, n_read = RatingColumns(load_movie_ids(conn), n), 0
        for block in _blocks(conn):
            columns.add(block)
            n_read += len(block.movies)
            report_progress("reading ratings", n_read / n)
    return columns.table()


def load_ratings_of_changed(conn: Connection, since: int) -> RatingTable:
    """Return the ratings of those users of whom one was changed after position `since` of the log.

    Raises:
        StorageError: what is stored is not ratings of movies of the catalogue.
    """
    with snapshot(conn):
        blocks = list(_blocks(conn, _CHANGED, {"since": since}))
        columns = RatingColumns(load_movie_ids(conn), sum(len(block.movies) for block in blocks))
    for block in blocks:
        columns.add(block)
    return columns.table()


def _blocks(
    conn: Connection, where: str = "", values: Mapping[str, int] | None = None
) -> Iterator[RatingBlock]:
    """Return all ratings, or those of some users; whole users at a time.

    A user's come as one blob: to make Python objects of rows and fields would take most of the
    time of loading. Three whole numbers of 64 bits each are a rating; its stars, 2 to the 53rd
    to the star, are whole too, for any that may be stored.
    """
    cursor = conn.cursor()
    cursor.row_factory = None
    cursor.execute(
        f"""
        SELECT user_id,
               count(*),
               unhex(group_concat(format('%016x%016x%016x',
                   movie_id, rated_at, CAST(rating * 9007199254740992.0 AS INTEGER)), ''))
          FROM ratings
          {where}
         GROUP BY user_id
         ORDER BY user_id
        """,  # noqa: S608 of this module's own making
        values or {},
    )
    waiting: list[tuple[int, int, bytes]] = []
    n = 0
    for row in cursor:
        waiting.append(row)
        n += row[1]
        if n >= _BLOCK_ROWS:
            yield _unpacked(waiting)
            waiting, n = [], 0
    if waiting:
        yield _unpacked(waiting)


def _unpacked(rows: Sequence[tuple[int, int, bytes]]) -> RatingBlock:
    user_ids, counts, packed = zip(*rows, strict=True)
    fields = np.frombuffer(b"".join(packed), dtype=">i8").reshape(-1, 3)
    movies, rated_at, stars = (column.astype(np.int64) for column in fields.T)
    return RatingBlock(
        user_ids=np.array(user_ids, dtype=np.int64),
        counts=np.array(counts, dtype=np.int64),
        movies=movies,
        ratings=(stars / 2.0**53).astype(np.float32),
        rated_at=rated_at,
    )


def count_ratings(conn: Connection) -> int:
    """Return how many ratings there are."""
    return int(conn.execute("SELECT count(*) FROM ratings").fetchone()[0])


def has_ratings(conn: Connection, n: int) -> bool:
    """Return if there are `n` ratings or more; quicker than counting them all."""
    row = conn.execute(
        "SELECT EXISTS (SELECT 1 FROM ratings LIMIT 1 OFFSET :before)", {"before": n - 1}
    ).fetchone()
    return bool(row[0])


def count_users(conn: Connection) -> int:
    """Return how many users have rated something."""
    return int(conn.execute("SELECT count(DISTINCT user_id) FROM ratings").fetchone()[0])


def save_ratings(
    conn: Connection, users: Ints, movies: Ints, ratings: Floats | Floats32, rated_at: Ints
) -> None:
    """Add ratings, given by id; of two by one user of one movie the newer stays, on a tie this one.

    One that lies in the future is no newer than one that does not. Fastest in order of user and
    movie. Every movie must be in the catalogue.
    """
    believed = latest_believable()
    columns = users, movies, ratings, rated_at
    for start in range(0, len(users), _ROWS_PER_WRITE):
        some = [column[start : start + _ROWS_PER_WRITE].tolist() for column in columns]
        fields = list(chain.from_iterable(zip(*some, strict=True)))
        size = 4 * _ROWS_PER_STATEMENT
        last = len(fields) // size * size
        conn.executemany(
            _insertion(_ROWS_PER_STATEMENT),
            ((*fields[n : n + size], believed) for n in range(0, last, size)),
        )
        if last < len(fields):
            rest = fields[last:]
            conn.execute(_insertion(len(rest) // 4), (*rest, believed))


def _insertion(n_rows: int) -> str:
    """Return a statement that adds several ratings: half as long as one for each takes.

    Its values are the fields of all rows, and the moment until which times are believed.
    """
    believed = f"?{4 * n_rows + 1}"
    return f"""
        INSERT INTO ratings (user_id, movie_id, rating, rated_at)
        VALUES {", ".join(["(?, ?, ?, ?)"] * n_rows)}
            ON CONFLICT (user_id, movie_id) DO UPDATE
           SET rating = excluded.rating, rated_at = excluded.rated_at
         WHERE (excluded.rated_at <= {believed}, excluded.rated_at)
               >= (ratings.rated_at <= {believed}, ratings.rated_at)
           AND (excluded.rating <> ratings.rating OR excluded.rated_at <> ratings.rated_at)
        """  # noqa: S608 of question marks alone
