"""Table of sources that are read again before each night."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reeltune.db.connection import Connection
from reeltune.domain.clock import stamp
from reeltune.domain.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class RememberedSource:
    """Source, how it is mapped, and how far it was read."""

    name: str
    location: str
    mapping: Mapping[str, Any]
    max_rejected: float
    state: Mapping[str, Any]
    synced_at: str | None


def save_source(
    conn: Connection, name: str, location: str, mapping: Mapping[str, Any], max_rejected: float
) -> None:
    """Add a source, or change a known one, which is then read from its beginning."""
    conn.execute(
        """
        INSERT INTO sources (name, location, mapping, max_rejected)
        VALUES (:name, :location, :mapping, :max_rejected)
            ON CONFLICT (name) DO UPDATE
           SET location = excluded.location, mapping = excluded.mapping,
               max_rejected = excluded.max_rejected, state = '{}', synced_at = NULL
        """,
        {
            "name": name,
            "location": location,
            "mapping": json.dumps(mapping),
            "max_rejected": max_rejected,
        },
    )


def load_sources(conn: Connection) -> list[RememberedSource]:
    """Return all sources, by name."""
    rows = conn.execute(
        "SELECT name, location, mapping, max_rejected, state, synced_at FROM sources ORDER BY name"
    )
    return [
        RememberedSource(
            row["name"],
            row["location"],
            json.loads(row["mapping"]),
            row["max_rejected"],
            json.loads(row["state"]),
            row["synced_at"],
        )
        for row in rows
    ]


def load_source(conn: Connection, name: str) -> RememberedSource:
    """Return a source.

    Raises:
        NotFoundError: there is none of that name.
    """
    every = load_sources(conn)
    for source in every:
        if source.name == name:
            return source
    known = ", ".join(source.name for source in every) or "none"
    raise NotFoundError(f"no source {name!r}: there are {known}")


def save_state(conn: Connection, name: str, state: Mapping[str, Any]) -> None:
    """Record how far a source was read, and that it was read now."""
    conn.execute(
        "UPDATE sources SET state = :state, synced_at = :now WHERE name = :name",
        {"name": name, "state": json.dumps(state), "now": stamp()},
    )


def remove_source(conn: Connection, name: str) -> None:
    """Forget a source; what was imported from it stays."""
    conn.execute("DELETE FROM sources WHERE name = :name", {"name": name})


def reset_sources(conn: Connection) -> None:
    """Reset all sources, so that the next time they are read from their beginning."""
    conn.execute("UPDATE sources SET state = '{}', synced_at = NULL")
