"""Table of ids as other programs write them."""

from collections.abc import Mapping

from reeltune.db.connection import Connection
from reeltune.domain.external_ids import Kind, plain_number


def load_external_ids(conn: Connection, kind: Kind) -> dict[str, int]:
    """Return our id by theirs, of all that are not plain numbers."""
    rows = conn.execute(
        "SELECT external_id, id FROM external_ids WHERE kind = :kind ORDER BY external_id",
        {"kind": kind},
    )
    return {row["external_id"]: row["id"] for row in rows}


def load_external_names(conn: Connection, kind: Kind) -> dict[int, str]:
    """Return their id by ours, of all that are not plain numbers."""
    return {number: name for name, number in load_external_ids(conn, kind).items()}


def find_id(conn: Connection, kind: Kind, external_id: str) -> int | None:
    """Return our id of what another program calls `external_id`; None where it has none."""
    row = conn.execute(
        "SELECT id FROM external_ids WHERE kind = :kind AND external_id = :external_id",
        {"kind": kind, "external_id": external_id},
    ).fetchone()
    return plain_number(external_id) if row is None else int(row["id"])


def save_external_ids(conn: Connection, kind: Kind, ids: Mapping[str, int]) -> None:
    """Add ids; those that are there stay."""
    conn.executemany(
        """
        INSERT INTO external_ids (kind, external_id, id)
        VALUES (:kind, :external_id, :id)
            ON CONFLICT (kind, external_id) DO NOTHING
        """,
        ({"kind": kind, "external_id": text, "id": ids[text]} for text in sorted(ids)),
    )
