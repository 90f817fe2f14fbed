"""Tables of erasures: who is kept out by the hash of an id, and which models were changed."""

import json
import secrets
from collections.abc import Mapping

from reeltune.db.connection import Connection, Row, inserted_id
from reeltune.db.versions import Fault
from reeltune.domain.clock import stamp
from reeltune.domain.erasure import (
    Erasure,
    ErasureKind,
    Tombstones,
    VersionErasure,
    user_hash,
)


def load_tombstones(conn: Connection) -> Tombstones:
    """Return whom imports leave out."""
    key = load_key(conn)
    if key is None:
        return Tombstones()
    until: dict[str, int | None] = {}
    for each in load_erasures(conn):
        if each.readmitted_at is not None:
            until.pop(each.user_hash, None)
        elif each.user_hash not in until or until[each.user_hash] is not None:
            until[each.user_hash] = each.kept_out_until
    return Tombstones(key, until)


def hash_of(conn: Connection, name: str) -> str:
    """Return the hash that stands for a user in this database; the key is drawn if there is none.

    Call it in a transaction.
    """
    save_key(conn, secrets.token_bytes(32))
    key = load_key(conn)
    assert key is not None
    return user_hash(key, name)


def load_key(conn: Connection) -> bytes | None:
    """Return the key of the hashes; None where nobody was ever erased."""
    row = conn.execute("SELECT key FROM erasure_key").fetchone()
    return None if row is None else bytes(row["key"])


def save_key(conn: Connection, key: bytes) -> None:
    """Save the key of the hashes, unless there is one."""
    conn.execute(
        "INSERT INTO erasure_key (only_row, key) VALUES (1, :key) ON CONFLICT DO NOTHING",
        {"key": key},
    )


def find_erasures(conn: Connection, name: str) -> list[Erasure]:
    """Return the erasures of a user, the earliest first."""
    key = load_key(conn)
    if key is None:
        return []
    wanted = user_hash(key, name)
    return [each for each in load_erasures(conn) if each.user_hash == wanted]


def load_erasures(conn: Connection) -> list[Erasure]:
    """Return all erasures, the earliest first."""
    rows = conn.execute(
        """
        SELECT erasure_id, kind, user_hash, erased_at, finished_at, kept_out_until, readmitted_at,
               removed
          FROM erasures
         ORDER BY erasure_id
        """
    )
    return [Erasure(**{**dict(row), "removed": json.loads(row["removed"])}) for row in rows]


def save_erasure(conn: Connection, kind: ErasureKind, name: str, kept_out_until: int | None) -> int:
    """Add an erasure that is under way; its number."""
    cursor = conn.execute(
        """
        INSERT INTO erasures (kind, user_hash, erased_at, kept_out_until, removed)
        VALUES (:kind, :user_hash, :now, :until, '{}')
        """,
        {
            "kind": kind,
            "user_hash": hash_of(conn, name),
            "now": stamp(),
            "until": kept_out_until,
        },
    )
    return inserted_id(cursor)


def set_removed(
    conn: Connection, erasure_id: int, removed: Mapping[str, int], finished_at: str | None
) -> None:
    """Record what an erasure has removed, and when it was through with all of it."""
    conn.execute(
        """
        UPDATE erasures
           SET removed = :removed, finished_at = :finished_at
         WHERE erasure_id = :erasure_id
        """,
        {
            "erasure_id": erasure_id,
            "removed": json.dumps(dict(removed)),
            "finished_at": finished_at,
        },
    )


def set_unfinished(conn: Connection, erasure_id: int) -> None:
    """Record that an erasure is to be gone on with."""
    conn.execute(
        "UPDATE erasures SET finished_at = NULL WHERE erasure_id = :erasure_id",
        {"erasure_id": erasure_id},
    )


def set_readmitted(conn: Connection, erasure_id: int) -> None:
    """Let imports bring in again whom this erasure keeps out."""
    conn.execute(
        "UPDATE erasures SET readmitted_at = :now WHERE erasure_id = :erasure_id",
        {"erasure_id": erasure_id, "now": stamp()},
    )


def save_version_erasure(
    conn: Connection,
    version: int,
    erasure_id: int,
    action: str,
    artifact_sha256: str,
    data_fingerprint: str | None,
) -> None:
    """Record what became of the model of a version."""
    conn.execute(
        """
        INSERT INTO version_erasures (
            version, erasure_id, action, artifact_sha256, data_fingerprint
        ) VALUES (:version, :erasure_id, :action, :artifact_sha256, :data_fingerprint)
        """,
        {
            "version": version,
            "erasure_id": erasure_id,
            "action": action,
            "artifact_sha256": artifact_sha256,
            "data_fingerprint": data_fingerprint,
        },
    )


def load_version_erasures(
    conn: Connection, version: int | None = None, erasure_id: int | None = None
) -> list[VersionErasure]:
    """Return what became of models because of erasures: of one version, of one erasure, or all."""
    rows = conn.execute(
        """
        SELECT v.version, v.erasure_id, e.erased_at, v.action, v.artifact_sha256,
               v.data_fingerprint
          FROM version_erasures AS v
          JOIN erasures AS e USING (erasure_id)
         WHERE (:version IS NULL OR v.version = :version)
           AND (:erasure_id IS NULL OR v.erasure_id = :erasure_id)
         ORDER BY v.erasure_id, v.version
        """,
        {"version": version, "erasure_id": erasure_id},
    )
    return [_version_erasure(row) for row in rows]


def check_erasures(conn: Connection) -> list[Fault]:
    """Return the erasures that were cut off."""
    return [
        Fault(
            f"erasure {each.erasure_id}",
            f"was begun at {each.erased_at} and is not finished: files may still hold the user",
            f"run `reeltune erase {each.kind} ID` again, with the same id",
        )
        for each in load_erasures(conn)
        if each.finished_at is None
    ]


def _version_erasure(row: Row) -> VersionErasure:
    return VersionErasure(**dict(row))
