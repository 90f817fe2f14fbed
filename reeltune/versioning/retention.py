"""Removes models that nobody goes back to; what they came from and what they were worth is kept."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reeltune.db.ab_tests import load_versions_under_test
from reeltune.db.changes import forget_changes
from reeltune.db.claims import claims_of_others, leave_note
from reeltune.db.columns import snapshot
from reeltune.db.command_runs import mark_removed
from reeltune.db.connection import Connection, transaction
from reeltune.db.deployed import live_history
from reeltune.db.versions import database_path, load_events, load_versions
from reeltune.domain.version import Version
from reeltune.storage.artifacts import find_artifact, remove_artifact

KEEP = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Models that were removed, or would be."""

    versions: tuple[int, ...]
    kept: tuple[int, ...]  # versions that have their model still
    n_bytes: int
    stays_for: tuple[str, ...] = ()  # databases that cannot be read and might need what is here

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for `--json`."""
        return asdict(self)


def remove_old(conn: Connection, keep: int = KEEP, *, dry_run: bool = False) -> Removal:
    """Remove all models but the `keep` newest, production, what it replaced, and those under test.

    What a version of another database needs stays, and all of it as long as a database that might
    need it cannot be read. The caller holds the database's lock, unless it is a dry run. Each
    version is marked before its model goes, so that a kill in between leaves a model too many and
    never a version too few.
    """
    database = database_path(conn)
    leave_note(database)
    with snapshot(conn) if dry_run else transaction(conn):
        versions = [v for v in load_versions(conn) if v.artifact and v.removed_at is None]
        safe = protected(conn, versions, keep) | load_versions_under_test(database)
        doomed = [v for v in versions if v.version not in safe]
        claims = claims_of_others(database)
        if claims.unread:
            doomed = []
        kept = {v.artifact_sha256 for v in versions if v.version in safe}
        gone = [
            place
            for (sha256, name) in {(v.artifact_sha256, v.artifact) for v in doomed}
            if sha256 and name and sha256 not in kept
            if (place := find_artifact(database, name, sha256)) is not None
            if not claims.need(place)
        ]
        n_bytes = sum(map(_size, gone))
        if not dry_run:
            mark_removed(conn, [v.version for v in doomed])
            forget_changes(conn)
    if not dry_run:
        for place in gone:
            remove_artifact(database, place)
    return Removal(
        versions=tuple(v.version for v in doomed),
        kept=tuple(v.version for v in versions if v not in doomed),
        n_bytes=n_bytes,
        stays_for=tuple(claims.unread),
    )


def protected(conn: Connection, versions: list[Version], keep: int) -> set[int]:
    """Return the numbers of the versions whose models stay."""
    there = {v.version for v in versions}
    newest = sorted(there)[max(0, len(there) - keep) :]
    live = live_history(load_events(conn))[-2:]
    production = [v.version for v in versions if v.status == "production"]
    return there & {*newest, *live, *production}


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.glob("*"))
