"""Log of what of the data was changed, which triggers write: counted, and read by user.

A position in the log is the number of the last change that somebody has seen. Whoever makes a copy
of the data, or a version of a model, keeps the position; what comes after it is new to them.
"""

from dataclasses import dataclass

import numpy as np

from reeltune.db.columns import fetch_columns
from reeltune.db.connection import Connection
from reeltune.domain.arrays import Ints
from reeltune.domain.changes import Changes

_LOGGED = {
    "ratings": ("insert", "update", "move", "delete"),
    "movies": ("insert", "update", "delete"),
    "genres": ("update",),
    "movie_genres": ("insert", "update", "delete"),
    "cast_members": ("insert", "update", "delete"),
}
TRIGGERS = {f"{table}_{event}_is_logged" for table, events in _LOGGED.items() for event in events}
MAX_MARKS = 4  # as many as copies are kept


@dataclass(frozen=True, slots=True)
class DataMark:
    """Mark of a data version: the data after the change `position`."""

    data_version: str
    position: int


def load_position(conn: Connection) -> int | None:
    """Return the number of the last change; None where changes are not logged."""
    rows = conn.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
    if not {row["name"] for row in rows} >= TRIGGERS:
        return None
    row = conn.execute(
        """
        SELECT (SELECT max(change_id) FROM data_changes)
         WHERE EXISTS (SELECT 1 FROM data_marks)
        """
    ).fetchone()
    return None if row is None else int(row[0] or 0)


def is_logged_since(conn: Connection, position: int) -> bool:
    """Tell whether all changes after `position` are in the log."""
    first, last = conn.execute("SELECT min(change_id), max(change_id) FROM data_changes").fetchone()
    return position <= (last or 0) and ((first or 0) <= 1 or first <= position)


def count_changes(conn: Connection, since: int, until: int) -> Changes:
    """Return what was changed after position `since` and up to `until`, each rating once.

    What was inserted and deleted again is no change.
    """
    row = conn.execute(
        """
          WITH touched AS (
               SELECT min(change_id) AS first, max(change_id) AS last
                 FROM data_changes
                WHERE change_id > :since AND change_id <= :until AND user_id IS NOT NULL
                GROUP BY user_id, movie_id
               ),
               both AS (
               SELECT f.kind = 'insert' AS is_new, l.kind = 'delete' AS is_gone
                 FROM touched
                 JOIN data_changes AS f ON f.change_id = first
                 JOIN data_changes AS l ON l.change_id = last
               )
        SELECT count(*) FILTER (WHERE is_new AND NOT is_gone),
               count(*) FILTER (WHERE NOT is_new AND NOT is_gone),
               count(*) FILTER (WHERE NOT is_new AND is_gone),
               (SELECT count(DISTINCT ifnull(movie_id, 0))
                  FROM data_changes
                 WHERE change_id > :since AND change_id <= :until AND user_id IS NULL)
          FROM both
        """,
        {"since": since, "until": until},
    ).fetchone()
    return Changes(*row)


def load_changed_users(conn: Connection, since: int) -> Ints:
    """Return (C,) ids of the users with a rating changed after position `since`, ascending."""
    (found,) = fetch_columns(
        conn,
        f"""
        SELECT DISTINCT user_id
          FROM data_changes
         WHERE change_id > {since:d} AND user_id IS NOT NULL
         ORDER BY user_id
        """,  # noqa: S608 a whole number
        [np.int64],
    )
    return found


def is_catalogue_changed(conn: Connection, since: int) -> bool:
    """Tell whether anything of the catalogue was changed after position `since`."""
    row = conn.execute(
        """
        SELECT EXISTS (
               SELECT 1 FROM data_changes WHERE change_id > :since AND kind = 'catalogue')
        """,
        {"since": since},
    ).fetchone()
    return bool(row[0])


def load_marks(conn: Connection) -> list[DataMark]:
    """Return the marks that there are, the latest first."""
    rows = conn.execute(
        "SELECT seal, change_id FROM data_marks ORDER BY change_id DESC, rowid DESC"
    )
    return [DataMark(*row) for row in rows]


def save_mark(conn: Connection, data_version: str) -> None:
    """Mark the data as they are now with their version; old marks are forgotten."""
    conn.execute(
        """
        INSERT INTO data_marks (seal, change_id)
        VALUES (:seal, (SELECT ifnull(max(change_id), 0) FROM data_changes))
        """,
        {"seal": data_version},
    )
    conn.execute(
        """
        DELETE FROM data_marks
         WHERE rowid NOT IN (SELECT rowid FROM data_marks ORDER BY rowid DESC LIMIT :most)
        """,
        {"most": MAX_MARKS},
    )


def forget_changes(conn: Connection) -> None:
    """Remove from the log what neither a mark nor a version with a model goes back to.

    The last change always stays, for the numbers to go on.
    """
    conn.execute(
        """
        DELETE FROM data_changes
         WHERE change_id < (
               SELECT min(change_id)
                 FROM (SELECT change_id FROM data_marks
                        UNION ALL
                       SELECT last_change
                         FROM training_runs
                         JOIN model_versions USING (training_run_id)
                        WHERE last_change IS NOT NULL
                          AND artifact IS NOT NULL
                          AND version NOT IN (SELECT version FROM removed_artifacts))
               )
        """
    )


def load_changed_ratings(conn: Connection, since: int, until: int) -> tuple[Ints, Ints]:
    """Return (C,) user ids and (C,) movie ids of the ratings changed in (`since`, `until`]."""
    users, movies = fetch_columns(
        conn,
        f"""
        SELECT DISTINCT user_id, movie_id
          FROM data_changes
         WHERE change_id > {since:d} AND change_id <= {until:d} AND user_id IS NOT NULL
        """,  # noqa: S608 whole numbers
        [np.int64, np.int64],
    )
    return users, movies


def load_oldest_changed(conn: Connection, since: int) -> int | None:
    """Return when the oldest of the ratings was given that were changed after `since`, if any."""
    row = conn.execute(
        """
        SELECT min(rated_at)
          FROM ratings
          JOIN (SELECT DISTINCT user_id, movie_id FROM data_changes
                 WHERE change_id > :since AND user_id IS NOT NULL)
         USING (user_id, movie_id)
        """,
        {"since": since},
    ).fetchone()
    return None if row[0] is None else int(row[0])
