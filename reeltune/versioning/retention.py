"""Removes models that nobody goes back to; what they came from and what they were worth is kept."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reeltune.db.command_runs import mark_removed
from reeltune.db.connection import Connection, transaction
from reeltune.db.deployed import live_history
from reeltune.db.doctor import named_by_others
from reeltune.db.versions import database_path, load_events, load_versions
from reeltune.domain.version import Version
from reeltune.storage.artifacts import artifacts_directory, remove_artifact

KEEP = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What was removed, or would be."""

    versions: tuple[int, ...]
    kept: tuple[int, ...]  # versions that have their model still
    n_bytes: int

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def remove_old(conn: Connection, keep: int = KEEP, *, dry_run: bool = False) -> Removal:
    """Remove all models but the `keep` newest, production, and what it replaced.

    The caller holds the database's lock. Each version is marked before its model goes, so that a
    kill in between leaves a model too many and never a version too few.
    """
    database = database_path(conn)
    with transaction(conn):
        versions = [v for v in load_versions(conn) if v.artifact and v.removed_at is None]
        safe = protected(conn, versions, keep)
        doomed = [v for v in versions if v.version not in safe]
        kept = {v.artifact for v in versions if v.version in safe}
        kept.update(named_by_others(database))
        gone = sorted({v.artifact for v in doomed if v.artifact} - kept)
        gone = [name for name in gone if _is_own(database, name)]
        n_bytes = sum(_size(database.parent / name) for name in gone)
        if not dry_run:
            mark_removed(conn, [v.version for v in doomed])
    if not dry_run:
        for name in gone:
            if (database.parent / name).is_dir():
                remove_artifact(database, name)
    return Removal(
        versions=tuple(v.version for v in doomed), kept=tuple(sorted(safe)), n_bytes=n_bytes
    )


def protected(conn: Connection, versions: list[Version], keep: int) -> set[int]:
    """Numbers of the versions whose models stay."""
    there = {v.version for v in versions}
    newest = sorted(there)[max(0, len(there) - keep) :]
    live = live_history(load_events(conn))[-2:]
    production = [v.version for v in versions if v.status == "production"]
    return there & {*newest, *live, *production}


def _is_own(database: Path, name: str) -> bool:
    """A database copied by hand names those of the original, which are not its to remove."""
    return (database.parent / name).parent == artifacts_directory(database)


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.glob("*")) if directory.is_dir() else 0
