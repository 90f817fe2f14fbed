"""Reads remembered sources again: only what is new, all of it or nothing.

A source of which nothing has changed is not read. Of one that has, what is stored already stays as
it is, row by row, so that the data's version changes only where the data do. Rows that a source no
longer has are kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from reeltune.db.connection import Connection, transaction
from reeltune.db.ratings import count_ratings
from reeltune.db.sources import (
    RememberedSource,
    load_source,
    load_sources,
    save_source,
    save_state,
)
from reeltune.importers.counts import FileReport
from reeltune.importers.mapping import RatingsMap, SourceMap
from reeltune.importers.serving_source import SERVING_SOURCE, remember_serving_store
from reeltune.importers.sources import QueryTable, opened
from reeltune.importers.table import check_no_demo, import_parts
from reeltune.importers.tables import Table
from reeltune.importers.text_tables import Moved


@dataclass(frozen=True, slots=True)
class Synced:
    """Result of one source."""

    name: str
    changed: bool  # false: it was not read, as it is what was read last
    new_ratings: int
    files: list[FileReport]


def remember(
    conn: Connection, name: str, location: Path, mapping: SourceMap, max_rejected: float
) -> None:
    """Keep a source, so that `import sync` reads it."""
    with transaction(conn):
        save_source(conn, name, str(location.absolute()), mapping.as_dict(), max_rejected)


def sync_sources(conn: Connection, names: list[str], moved: Moved = lambda _: None) -> list[Synced]:
    """Read the named sources, or all, each in one transaction; the service's store is one.

    Raises:
        NotFoundError: there is no such source, or nothing lies where it should.
        RejectedRowsError: no row was kept, or too many were rejected.
    """
    remember_serving_store(conn)
    wanted = [load_source(conn, name) for name in names] if names else load_sources(conn)
    if any(source.name != SERVING_SOURCE for source in wanted):  # that one is of this database
        check_no_demo(conn)
    return [_sync_one(conn, source, moved) for source in wanted]


def _sync_one(conn: Connection, source: RememberedSource, moved: Moved) -> Synced:
    location = Path(source.location)
    content = _content(location)
    if content is not None and content == source.state.get("content"):
        return Synced(source.name, changed=False, new_ratings=0, files=[])
    mapping = SourceMap.from_dict(source.mapping, f"the mapping of source {source.name!r}")
    seen: dict[str, Any] = dict(source.state.get("seen", {}))
    with opened(location, moved) as found, transaction(conn):
        before = count_ratings(conn)
        watermarks = Watermarks(seen)
        files = import_parts(
            conn,
            found,
            mapping,
            source.max_rejected,
            watermarks.prepare,
            may_be_empty=bool(seen) or source.name == SERVING_SOURCE,  # nobody may have rated yet
        )
        new = count_ratings(conn) - before
        save_state(conn, source.name, {"content": content, "seen": watermarks.newest})
    return Synced(source.name, changed=True, new_ratings=new, files=files)


class Watermarks:
    """Watermarks: how far the tables of a database were read, by the column that only grows.

    Rows with the value read last are read again: others with the same may have come since.
    """

    def __init__(self, seen: Mapping[str, Any]) -> None:
        self.seen = seen
        self.newest: dict[str, Any] = dict(seen)

    def prepare(self, mapping: RatingsMap, table: Table) -> None:
        """Let `table` read only what is new since the last time."""
        column = mapping.grows
        if column is None or not isinstance(table, QueryTable):
            return
        key = mapping.select or table.name
        newest = table.newest(column)
        if key in self.seen:
            table.since(column, self.seen[key])
        if newest is not None:
            self.newest[key] = newest


def _content(location: Path) -> str | None:
    """Return a hash of the files that a source is; None of a database, which may have a log."""
    if location.is_dir():
        found = sha256()
        for path in sorted(p for p in location.iterdir() if p.is_file()):
            found.update(f"{path.name}\n{_digest(path)}\n".encode())
        return found.hexdigest()
    if not location.is_file() or _is_database(location):
        return None
    return _digest(location)


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\x00"


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()
