"""Takes one user out of every table, within a transaction of the caller's."""

import json
import secrets
from dataclasses import dataclass
from typing import Any

import numpy as np

from reeltune.db.changes import load_marks, save_mark
from reeltune.db.connection import Connection
from reeltune.db.external_ids import find_id, load_external_names
from reeltune.db.user_values import load_user_values
from reeltune.domain.arrays import Ints
from reeltune.domain.erasure import HIDDEN, words
from reeltune.domain.external_ids import FIRST_GENERATED, generated_id

MIN_TOGETHER = 10  # users whose mean says nothing of one of them
_GROUPS = 32  # of users, in `gains_by_group`


@dataclass(frozen=True, slots=True)
class ErasedUser:
    """User who is to be erased."""

    user_id: int  # ours
    name: str  # as the source writes it


@dataclass(frozen=True, eq=False)
class KnownUsers:
    """Users of the data of one moment: what stored values per user are in the order of."""

    data_fingerprint: str
    user_ids: Ints  # (U,) ascending


def find_subject(conn: Connection, text: str) -> ErasedUser:
    """Return the user whom a source calls `text`, whether or not anything is stored of them."""
    name = text.strip()
    found = find_id(conn, "user", name)
    if found is None:
        return ErasedUser(generated_id("user", name), name)
    if found >= FIRST_GENERATED:
        return ErasedUser(found, load_external_names(conn, "user").get(found, name))
    return ErasedUser(found, name)


def erase_rows(
    conn: Connection, subject: ErasedUser, pseudonym: int, known: KnownUsers | None
) -> dict[str, int]:
    """Take a user out of every table; how many rows of each were removed or changed.

    Args:
        conn: within a transaction.
        subject: the user.
        pseudonym: a negative number that stands for the user in the log of changes.
        known: the users of the data as they are, None where there are no ratings.
    """
    found = {"ratings": _delete_ratings(conn, subject)}
    found["hp_user_values"], small = _shorten_user_values(conn, subject, known)
    found["gains_by_group"] = _forget_small_groups(conn, small)
    found["version_references"] = _shorten_references(conn, subject)
    found["rejected_rows"] = _hide_rejected_rows(conn, subject)
    found["external_ids"] = _delete_external_id(conn, subject)
    found["sources"] = _delete_own_sources(conn, subject)
    found["data_changes"] = _anonymise_changes(conn, subject, pseudonym)
    return found


def count_rows(conn: Connection, subject: ErasedUser) -> int:
    """Return how many rows there are by which a table names a user."""
    row = conn.execute(
        """
        SELECT (SELECT count(*) FROM ratings WHERE user_id = :user_id)
             + (SELECT count(*) FROM data_changes WHERE user_id = :user_id)
             + (SELECT count(*) FROM external_ids WHERE kind = 'user' AND id = :user_id)
        """,
        {"user_id": subject.user_id},
    ).fetchone()
    rejected = len(_rejected_rows(conn, subject))
    references = sum(1 for _ in _references(conn, subject))
    return int(row[0]) + rejected + references


def _delete_ratings(conn: Connection, subject: ErasedUser) -> int:
    rows = conn.execute(
        "DELETE FROM ratings WHERE user_id = :user_id", {"user_id": subject.user_id}
    )
    return int(rows.rowcount)


def _shorten_user_values(
    conn: Connection, subject: ErasedUser, known: KnownUsers | None
) -> tuple[int, list[str]]:
    """Remove the user's value; where it cannot be told which it is, all values of the experiment.

    Returns how many rows were changed, and the runs that had few users, or nobody knows how many.
    """
    rows = conn.execute(
        """
        SELECT v.experiment_id, v.metric, e.tuning_run_id, r.data_fingerprint
          FROM hp_user_values AS v
          JOIN hp_experiments AS e USING (experiment_id)
          JOIN hp_tuning_runs AS r USING (tuning_run_id)
        """
    ).fetchall()
    changed, large = 0, set()
    for row in rows:
        values = load_user_values(conn, row["experiment_id"], row["metric"])
        assert values is not None
        if len(values) >= _GROUPS * MIN_TOGETHER:
            large.add(row["tuning_run_id"])
        kept: bytes | None = None
        if known is not None and row["data_fingerprint"] == known.data_fingerprint:
            is_other = known.user_ids != subject.user_id
            if len(values) == len(is_other):
                kept = values[is_other].tobytes()
        if kept == values.tobytes():
            continue
        changed += 1
        key = {"id": row["experiment_id"], "metric": row["metric"]}
        conn.execute(
            "DELETE FROM hp_user_values WHERE experiment_id = :id AND metric = :metric", key
        )
        if kept is not None:
            conn.execute(
                """
                INSERT INTO hp_user_values (experiment_id, metric, "values")
                VALUES (:id, :metric, :values)
                """,
                key | {"values": kept},
            )
    runs = conn.execute("SELECT tuning_run_id FROM hp_tuning_runs")
    return changed, [row[0] for row in runs if row[0] not in large]


def _forget_small_groups(conn: Connection, runs: list[str]) -> int:
    """Forget the mean gains of groups of users so small that one could be told from them."""
    rows = conn.execute(
        """
        UPDATE hp_experiments
           SET gains_by_group = NULL
         WHERE gains_by_group IS NOT NULL
           AND tuning_run_id IN (SELECT value FROM json_each(:runs))
        """,
        {"runs": json.dumps(runs)},
    )
    return int(rows.rowcount)


def _references(conn: Connection, subject: ErasedUser) -> Any:
    rows = conn.execute('SELECT version, metric, user_ids, "values" FROM version_references')
    for row in rows.fetchall():
        user_ids = np.frombuffer(row["user_ids"], dtype="<i8")
        is_other = user_ids != subject.user_id
        if not is_other.all():
            yield row, user_ids[is_other], np.frombuffer(row["values"], dtype="<f8")[is_other]


def _shorten_references(conn: Connection, subject: ErasedUser) -> int:
    n = 0
    for row, user_ids, values in _references(conn, subject):
        n += 1
        conn.execute(
            """
            UPDATE version_references
               SET user_ids = :user_ids, "values" = :values
             WHERE version = :version AND metric = :metric
            """,
            {
                "version": row["version"],
                "metric": row["metric"],
                "user_ids": user_ids.tobytes(),
                "values": values.tobytes(),
            },
        )
    return n


def _rejected_rows(conn: Connection, subject: ErasedUser) -> list[int]:
    rows = conn.execute(
        "SELECT rowid, detail FROM rejected_rows WHERE instr(detail, :name)",
        {"name": subject.name},
    )
    return [row["rowid"] for row in rows if subject.name in words(row["detail"])]


def _hide_rejected_rows(conn: Connection, subject: ErasedUser) -> int:
    found = _rejected_rows(conn, subject)
    conn.executemany(
        "UPDATE rejected_rows SET detail = :hidden WHERE rowid = :row",
        ({"row": row, "hidden": HIDDEN} for row in found),
    )
    return len(found)


def _delete_external_id(conn: Connection, subject: ErasedUser) -> int:
    rows = conn.execute(
        "DELETE FROM external_ids WHERE kind = 'user' AND id = :user_id",
        {"user_id": subject.user_id},
    )
    return int(rows.rowcount)


def _delete_own_sources(conn: Connection, subject: ErasedUser) -> int:
    """Forget the sources that hold nobody else's ratings."""
    rows = conn.execute("SELECT name, mapping FROM sources").fetchall()
    own = [row["name"] for row in rows if _is_of_one(json.loads(row["mapping"]), subject.name)]
    conn.executemany("DELETE FROM sources WHERE name = :name", ({"name": name} for name in own))
    return len(own)


def _is_of_one(mapping: Any, name: str) -> bool:
    """Tell whether some part of a mapping says that all of its ratings are by `name`."""
    if isinstance(mapping, dict):
        if str(mapping.get("one_user")) == name:
            return True
        return any(_is_of_one(part, name) for part in mapping.values())
    return isinstance(mapping, list) and any(_is_of_one(part, name) for part in mapping)


def _anonymise_changes(conn: Connection, subject: ErasedUser, pseudonym: int) -> int:
    """Keep how much was changed, and not by whom nor of which movie.

    No copy of the data that was made before is brought up to date from here on: each has the user.
    """
    rows = conn.execute(
        """
          WITH numbered AS (
               SELECT change_id, dense_rank() OVER (ORDER BY movie_id) AS place
                 FROM data_changes
                WHERE user_id = :user_id)
        UPDATE data_changes
           SET user_id = :pseudonym, movie_id = -numbered.place
          FROM numbered
         WHERE data_changes.change_id = numbered.change_id
        """,
        {"user_id": subject.user_id, "pseudonym": pseudonym},
    )
    if load_marks(conn):
        conn.execute("DELETE FROM data_marks")
        save_mark(conn, secrets.token_hex(16))  # of no copy: what changes is logged all the same
    return int(rows.rowcount)
