"""Finds what a killed or failed run has left behind, and what was changed by hand; mends it."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from reeltune.db.aside import Aside
from reeltune.db.carried_erasures import check_held_again
from reeltune.db.claims import claims_of_others, leave_note
from reeltune.db.columns import snapshot
from reeltune.db.connection import (
    Connection,
    check_migrations,
    check_owner,
    expected,
    open_unchanged,
    transaction,
)
from reeltune.db.dataset import check_cache
from reeltune.db.dead_runs import close_run, load_dead_runs
from reeltune.db.deployed import check_export, check_production, export_deployed, export_path
from reeltune.db.erasures import check_erasures
from reeltune.db.readers import may_write
from reeltune.db.restore import restoring
from reeltune.db.versions import Fault, check_database, check_version, database_path, load_versions
from reeltune.storage.array_cache import ArrayCache
from reeltune.storage.artifacts import artifacts_directory, find_orphans

_MOMENT_SECONDS = 0.5  # in which a model that is being registered gets its version


@dataclass(frozen=True)
class Diagnosis:
    """Diagnosis: what is not as it should be, and, where it is safe, what mends it.

    `removes` is what the mending moves aside.
    """

    fault: Fault
    mend: Callable[[Aside], object] | None = None
    removes: Path | None = None


def check_file(database: Path) -> list[Fault]:
    """Return what is wrong with the file itself: pages, references, migrations; write nothing.

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


def examine(conn: Connection, *, idle: bool) -> list[Diagnosis]:
    """Return all that is wrong; `idle`: the caller holds the lock, so that no run is alive."""
    faults = check_database(conn)
    if faults:
        return [Diagnosis(fault) for fault in faults]  # what is read from it means nothing
    found = [*_of_dead_runs(conn), *_leftovers(conn)] if idle else []
    found += [Diagnosis(fault) for fault in check_production(conn)]
    found += [Diagnosis(fault) for fault in check_erasures(conn)] if idle else []
    found += [Diagnosis(fault) for fault in check_held_again(conn)] if idle else []
    found += [Diagnosis(fault, partial(_export_anew, conn)) for fault in check_export(conn)]
    for version in load_versions(conn):
        found += [Diagnosis(fault) for fault in check_version(conn, version)]
    return found


def _of_dead_runs(conn: Connection) -> Iterator[Diagnosis]:
    for run in load_dead_runs(conn):
        run_id = run.tuning_run_id
        what, remedy = (
            "is recorded as running, but no process holds the database",
            f"resume it: tune_orchestrator.py --resume {run_id}",
        )
        if run.status != "running":
            what = f"is {run.status}, but has experiments recorded as running"
            remedy = "make them pending again"
        mend = partial(_close_run, conn, run_id)
        yield Diagnosis(Fault(f"run {run_id!r}", what, remedy), mend)


def _close_run(conn: Connection, run_id: str, _aside: Aside) -> None:
    close_run(conn, run_id)


def _export_anew(conn: Connection, aside: Aside) -> None:
    aside.copy(export_path(conn))
    export_deployed(conn)


def verify_versions(conn: Connection) -> list[Fault]:
    """Return what is wrong with the versions: artifacts, production, its export, the database."""
    found = check_database(conn)
    if found:
        return found  # what is read from such a database means nothing
    with _nobody_promotes(conn):
        versions = load_versions(conn)
        found = check_production(conn) + check_export(conn) + check_erasures(conn)
        found += check_held_again(conn)
    found += [fault for version in versions for fault in check_version(conn, version)]
    return found + [finding.fault for finding in orphans(conn) if finding.mend is not None]


def orphans(conn: Connection) -> list[Diagnosis]:
    """Return models that no version names, of this database or of any other one that can name them.

    Where a database that might name one cannot be read, they stay.
    """
    database = database_path(conn)
    root = artifacts_directory(database)
    leave_note(database)
    names = _unnamed(conn, database)
    if names and not may_write(database):  # then somebody may just be registering one
        time.sleep(_MOMENT_SECONDS)
        names = [name for name in names if name in _unnamed(conn, database)]
    if not names:
        return []
    claims, found = claims_of_others(database), []
    for name in names:
        path = root / name.rpartition("/")[2]
        if claims.need(path):
            continue
        if claims.unread and not path.name.startswith("."):
            what = (
                f"no version that can be read names this artifact; not readable: {claims.unread[0]}"
            )
            fault = Fault(name, what, "make that database readable, or remove it")
            found.append(Diagnosis(fault))
            continue
        what = "no version of this database or of another one nearby names this artifact"
        found.append(_removal(Fault(name, what, _REMEDY), path))
    return found


_REMEDY = "`python -m db doctor --fix` moves it aside"


def _unnamed(conn: Connection, database: Path) -> list[str]:
    with _nobody_promotes(conn):
        named = [v.artifact for v in load_versions(conn) if v.artifact and not v.removed_at]
        return find_orphans(database, named)


def _nobody_promotes(conn: Connection) -> AbstractContextManager[None]:
    """Keep others from registering and promoting; where that may not be done, look at a moment."""
    return transaction(conn) if may_write(database_path(conn)) else snapshot(conn)


def _leftovers(conn: Connection) -> Iterator[Diagnosis]:
    database = database_path(conn)
    yield from orphans(conn)
    for path in _drafts(conn, database):
        what = "was left behind by a process that died"
        yield _removal(Fault(path.name, what, _REMEDY), path)
    for path, what in check_cache(conn):
        yield _removal(Fault(path.name, what, _REMEDY), path)


def _removal(fault: Fault, path: Path) -> Diagnosis:
    return Diagnosis(fault, lambda aside: aside.move(path), path)


def _drafts(conn: Connection, database: Path) -> list[Path]:
    """Return files that exist only while something is being written."""
    export = export_path(conn)
    here = [
        export.with_name(f".{database.name}.{export.name}"),
        restoring(database),
        *sorted(database.parent.glob(f"{database.stem}.truth.json.*.part")),
        *sorted(database.parent.glob(f".{database.stem}.backup-*.unfinished")),
        *ArrayCache.beside(database).drafts(),
    ]
    return [path for path in here if path.exists()]
