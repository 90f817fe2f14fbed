"""Copies a database and the artifacts it names into one directory, while others write to it.

`backup.json` in that directory is written last and has the SHA-256 of every file: a directory with
it is whole, and whether it still is can be checked without the program that wrote it.
"""

import hashlib
import json
import os
import shutil
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pysqlite3 as sqlite

from reeltune.db.connection import (
    Connection,
    check_owner,
    connection,
    open_unchanged,
    schema_version,
)
from reeltune.db.versions import (
    check_database,
    check_version,
    database_path,
    load_versions,
    name_artifacts,
)
from reeltune.domain.clock import stamp
from reeltune.domain.errors import InputError, StorageError
from reeltune.storage.artifacts import (
    ARRAYS,
    MANIFEST,
    artifacts_directory,
    find_artifact,
    sync_directory,
    write_synced,
)

CONTENTS = "backup.json"
FORMAT = "reeltune backup 1"


@dataclass(frozen=True, slots=True)
class Backup:
    """Directory that holds a database and its artifacts."""

    directory: Path
    database: str  # the name of the file
    schema: int
    created_at: str
    files: dict[str, tuple[int, str]]  # bytes and SHA-256, by path relative to the directory
    left_out: tuple[str, ...] = ()  # what was wrong with artifacts before they could be copied

    @property
    def n_bytes(self) -> int:
        """Bytes of all files together."""
        return sum(size for size, _ in self.files.values())


def save_backup(database: Path, directory: Path) -> Backup:
    """Copy the database as of one moment, and every artifact it names, into a new directory.

    Others may read and write meanwhile. The directory appears whole or not at all.

    Raises:
        InputError: the directory is there already.
        StorageError: the database or the model in production is damaged, or the disk is full.
    """
    database = database.resolve()  # its models lie beside what a link leads to
    if directory.exists():
        raise InputError(f"{str(directory)!r} is there already: name a directory that is not")
    draft = unfinished(directory)
    try:
        shutil.rmtree(draft, ignore_errors=True)  # left behind by a process that was killed
        draft.mkdir(parents=True)
        made = _fill(database, draft, directory)
        _sync_tree(draft)
        draft.rename(directory)
        sync_directory(directory.parent)
    except OSError as error:
        raise StorageError(f"{str(directory)!r} cannot be written: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return made


def unfinished(directory: Path) -> Path:
    """Return where a backup is put together."""
    return directory.with_name(f".{directory.name}.unfinished")


def _fill(database: Path, draft: Path, directory: Path) -> Backup:
    copy = draft / database.name
    with closing(open_unchanged(database)) as conn:
        check_owner(conn, database)
        _copy_database(conn, copy, database)
    with connection(copy) as conn:  # brings the copy, and not the original, to the newest schema
        schema = schema_version(conn)
        places = _places(conn, database)
        name_artifacts(conn, artifacts_directory(copy).name)
        left_out = _copy_artifacts(conn, places)
        faults = check_database(conn)
        if faults:
            raise StorageError(
                f"{str(database)!r} is damaged: {faults[0].what}; {faults[0].remedy}"
            )
        conn.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it
    if any(copy.with_name(copy.name + ending).exists() for ending in ("-wal", "-journal")):
        raise StorageError(f"{str(directory)!r} cannot be written: its log could not be merged")
    files = {
        path.relative_to(draft).as_posix(): (path.stat().st_size, sha256_of(path))
        for path in sorted(draft.rglob("*"))
        if path.is_file()
    }
    made = Backup(directory, database.name, schema, stamp(), files, tuple(left_out))
    write_synced(draft / CONTENTS, _contents(made))
    return made


def _copy_database(conn: Connection, copy: Path, database: Path) -> None:
    try:
        with closing(sqlite.connect(str(copy), isolation_level=None)) as target:
            conn.backup(target)
    except sqlite.DatabaseError as error:
        raise StorageError(f"{str(database)!r} cannot be copied: {error}") from error


def _places(conn: Connection, database: Path) -> dict[str, Path]:
    """Return where the model of each hash lies that the copied database names."""
    named = {
        v.artifact_sha256: v.artifact
        for v in load_versions(conn)
        if v.artifact and v.artifact_sha256 and not v.removed_at
    }
    found = {sha256: find_artifact(database, name, sha256) for sha256, name in named.items()}
    return {sha256: place for sha256, place in found.items() if place is not None}


def _copy_artifacts(conn: Connection, places: dict[str, Path]) -> list[str]:
    """Copy what the copied database names; return what could not be copied, and why."""
    copy = database_path(conn)
    left_out = []
    versions = [v for v in load_versions(conn) if v.artifact and not v.removed_at]
    for version in versions:
        source = places.get(version.artifact_sha256 or "")
        target = copy.parent / (version.artifact or "")
        target.mkdir(parents=True, exist_ok=True)
        for file in (ARRAYS, MANIFEST):
            if source is not None and (source / file).is_file():
                shutil.copyfile(source / file, target / file)
    for version in versions:
        for fault in check_version(conn, version):
            if version.status == "production":
                raise StorageError(f"{fault.subject}: {fault.what}; {fault.remedy}")
            left_out.append(f"{fault.subject}: {fault.what}".replace(str(copy.parent), "."))
    return left_out


def _contents(made: Backup) -> bytes:
    contents: dict[str, Any] = {
        "format": FORMAT,
        "created_at": made.created_at,
        "database": made.database,
        "schema": made.schema,
        "artifacts": artifacts_directory(Path(made.database)).name,
        "left_out": list(made.left_out),
        "files": {name: {"bytes": n, "sha256": sha} for name, (n, sha) in made.files.items()},
    }
    return (json.dumps(contents, indent=2, ensure_ascii=False) + "\n").encode()


def _sync_tree(directory: Path) -> None:
    for path in directory.rglob("*"):
        if path.is_dir():
            sync_directory(path)
        else:
            with path.open("rb+") as file:
                os.fsync(file.fileno())
    sync_directory(directory)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
