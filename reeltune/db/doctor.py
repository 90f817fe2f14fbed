"""Finds what a killed or failed run has left behind, and what was changed by hand; mends it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from reeltune.db.connection import (
    Connection,
    check_migrations,
    check_owner,
    expected,
    open_unchanged,
    transaction,
)
from reeltune.db.dataset import check_kept
from reeltune.db.dead_runs import close_run, load_dead_runs
from reeltune.db.deployed import check_export, check_production, export_deployed, export_path
from reeltune.db.restore import restoring
from reeltune.db.versions import Fault, check_database, check_version, database_path, load_versions
from reeltune.domain.errors import StorageError
from reeltune.storage.array_cache import ArrayCache
from reeltune.storage.artifacts import find_orphans, remove_artifact


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be, and, where it is safe, what mends it."""

    fault: Fault
    mend: Callable[[], object] | None = None


def check_file(database: Path) -> list[Fault]:
    """What is wrong with the file itself: pages, references, migrations; it is not written to.

    Raises:
        StorageError: it is no database of this program, or of a newer one.
    """
    with closing(open_unchanged(database)) as conn, expected(database):
        check_owner(conn, database)
        found = check_database(conn)
        if found:
            return found
        remedy = "check out the program that made it, or restore the database from a backup"
        return [Fault("database", what, remedy) for what in check_migrations(conn)]


def examine(conn: Connection, *, idle: bool) -> list[Finding]:
    """All that is wrong; `idle` says that the caller holds the lock, so that no run is alive."""
    faults = check_database(conn)
    if faults:
        return [Finding(fault) for fault in faults]  # what is read from it means nothing
    found = [*_of_dead_runs(conn), *_leftovers(conn)] if idle else []
    found += [Finding(fault) for fault in check_production(conn)]
    found += [Finding(fault, partial(export_deployed, conn)) for fault in check_export(conn)]
    for version in load_versions(conn):
        found += [Finding(fault) for fault in check_version(conn, version)]
    return found


def _of_dead_runs(conn: Connection) -> Iterator[Finding]:
    for run in load_dead_runs(conn):
        run_id = run.tuning_run_id
        what, remedy = (
            "is said to be running, but no process holds the database",
            f"go on with it: tune_orchestrator.py --resume {run_id}",
        )
        if run.status != "running":
            what = f"is {run.status}, but has experiments said to be running"
            remedy = "make them pending again"
        yield Finding(Fault(f"run {run_id!r}", what, remedy), partial(close_run, conn, run_id))


def _leftovers(conn: Connection) -> Iterator[Finding]:
    database = database_path(conn)
    with transaction(conn):  # nobody registers meanwhile
        named = [v.artifact for v in load_versions(conn) if v.artifact and not v.removed_at]
        orphans = find_orphans(database, [*named, *named_by_others(database)])
    for name in orphans:
        what = "no version of this database, or of another one beside it, names this artifact"
        yield Finding(
            Fault(name, what, "remove that directory"), partial(remove_artifact, database, name)
        )
    for path in _drafts(conn, database):
        what = "was left behind by a process that died"
        yield Finding(Fault(path.name, what, "remove it"), partial(remove_draft, path))
    for path, what in check_kept(conn):
        yield Finding(Fault(path.name, what, "remove it"), partial(remove_draft, path))


def named_by_others(database: Path) -> Iterator[str]:
    """The artifacts that copies of the database beside it name, where they can be read."""
    for other in sorted(database.parent.glob("*.db")):
        if other.name == database.name or not other.is_file():
            continue
        try:
            with closing(open_unchanged(other)) as conn:
                check_owner(conn, other)
                yield from [v.artifact for v in load_versions(conn) if v.artifact]
        except Exception:  # noqa: S112 whatever it is, it is no copy of ours
            continue


def _drafts(conn: Connection, database: Path) -> list[Path]:
    """Files that exist only while something is being written."""
    export = export_path(conn)
    here = [
        export.with_name(f".{database.name}.{export.name}"),
        restoring(database),
        *sorted(database.parent.glob(f"{database.stem}.truth.json.*.part")),
        *sorted(database.parent.glob(f".{database.stem}.backup-*.unfinished")),
        *ArrayCache.beside(database).drafts(),
    ]
    return [path for path in here if path.exists()]


def remove_draft(path: Path) -> None:
    """Remove a file or directory that is no longer needed.

    Raises:
        StorageError: it cannot be removed.
    """
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{str(path)!r} cannot be removed: {error}") from error
