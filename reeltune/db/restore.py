"""Checks a backup against its own list, and puts it in the place of a database."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pysqlite3 as sqlite

from reeltune.db.backup import CONTENTS, FORMAT, Backup, sha256_of
from reeltune.db.carried_erasures import carry_erasures
from reeltune.db.connection import (
    Connection,
    connect,
    connection,
    expected,
    newest_schema,
    open_unchanged,
    transaction,
)
from reeltune.db.deployed import export_deployed
from reeltune.db.versions import check_database, name_artifacts
from reeltune.domain.errors import BusyError, InputError, NotFoundError, StorageError
from reeltune.domain.strict_json import MAX_CHARACTERS, read_object
from reeltune.storage.artifacts import (
    ARRAYS,
    MANIFEST,
    artifacts_directory,
    sync_directory,
    write_synced,
)
from reeltune.storage.files import read_text
from reeltune.storage.identity import check_one_name
from reeltune.storage.run_lock import run_lock

_ARTIFACT_FILE = re.compile(
    rf"([^/\\\0]+\.versions)/[0-9a-f]{{16}}/({re.escape(ARRAYS)}|{re.escape(MANIFEST)})"
)


def load_backup(directory: Path) -> Backup:
    """Return what a backup holds, every file checked by its hash, and the database by SQLite.

    Raises:
        InputError: the directory is no backup of this program.
        StorageError: a file is missing or was changed, or is of a newer version of the program.
    """
    contents = _read_contents(directory)
    found = Backup(
        directory,
        contents["database"],
        contents["schema"],
        contents["created_at"],
        _files(directory, contents),
    )
    for name, (size, sha256) in found.files.items():
        path = directory / name
        if not path.is_file() or path.is_symlink():
            raise StorageError(f"{str(path)!r} is missing: use another backup")
        if path.stat().st_size != size or sha256_of(path) != sha256:
            raise StorageError(f"{str(path)!r} was changed after the backup: use another one")
    copy = directory / found.database
    with closing(open_unchanged(copy)) as conn, expected(copy):
        faults = check_database(conn)
    if faults:
        raise StorageError(f"the backup {str(directory)!r} is damaged: {faults[0].what}")
    return found


def restore_backup(directory: Path, database: Path, *, force: bool = False) -> Backup:
    """Make `database` what it was when the backup was made; readers see the old or the new one.

    Raises:
        BusyError: a run holds the database.
        InputError: there is a database already, and `force` is false; or no such backup.
        StorageError: the backup is damaged, or the disk does not take it.
    """
    found = load_backup(directory)
    database = database.resolve()  # what a link leads to is replaced, and not the link
    check_one_name(database)
    if not force and (database.exists() or _beside(database, "-wal").exists()):
        raise InputError(
            f"{str(database)!r} is there already: give --force to replace it, or --db NEW"
        )
    try:
        with run_lock(database):
            _restore_artifacts(found, database)
            _restore_database(found, database)
    except OSError as error:
        raise StorageError(f"{str(database)!r} cannot be written: {error}") from error
    return found


def _restore_artifacts(found: Backup, database: Path) -> None:
    """Put back each artifact that is missing or differs; none of the old database's is lost."""
    root = artifacts_directory(database)
    for name, (_, sha256) in found.files.items():
        target = root / Path(name).relative_to(Path(name).parts[0])
        if name == found.database or (target.is_file() and sha256_of(target) == sha256):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.restoring")
        write_synced(draft, (found.directory / name).read_bytes())
        draft.replace(target)
        for directory in (target.parent, root, database.parent):
            sync_directory(directory)


def _restore_database(found: Backup, database: Path) -> None:
    draft = restoring(database)
    try:
        draft.unlink(missing_ok=True)
        shutil.copyfile(found.directory / found.database, draft)
        _prepare(draft, database)
        if not _overwritten(draft, database):
            _replace_file(draft, database)
    finally:
        draft.unlink(missing_ok=True)
    with connection(database) as conn:
        export_deployed(conn)


def _prepare(draft: Path, database: Path) -> None:
    """Name the artifacts of a database where they will lie; whom `database` keeps out stays out."""
    with connection(draft) as conn:
        name_artifacts(conn, artifacts_directory(database).name)
        with _opened(database) as old, transaction(conn):
            if old is not None:
                carry_erasures(old, conn)
        conn.execute("PRAGMA journal_mode = DELETE")


@contextmanager
def _opened(database: Path) -> Iterator[Connection | None]:
    """Open what is to be replaced; None where it is no usable database."""
    try:
        conn = connect(database)
    except (NotFoundError, StorageError):
        yield None
        return
    with closing(conn):
        yield None if check_database(conn) else conn


def _overwritten(source: Path, database: Path) -> bool:
    """Write the backup over a database in one transaction; false if what is there is none."""
    if not database.is_file():
        return False
    try:
        with closing(connect(database)) as target, closing(open_unchanged(source)) as saved:
            saved.backup(target)
            target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except StorageError as error:
        if isinstance(error.__cause__, sqlite.OperationalError) and not _says_no(error.__cause__):
            raise  # not the file's fault, but the disk's
        return False
    except sqlite.OperationalError as error:
        if _says_no(error):
            return False
        if "locked" in str(error):
            raise BusyError(f"{str(database)!r} is locked by another program: {error}") from error
        raise StorageError(f"{str(database)!r} cannot be written: {error}") from error
    except sqlite.DatabaseError:
        return False
    return True


def _says_no(error: sqlite.OperationalError) -> bool:
    """Return if SQLite cannot use what the file says, such as a format of the future."""
    code = getattr(error, "sqlite_errorcode", None)  # not all errors have one
    return bool(code == sqlite.SQLITE_ERROR)


def _replace_file(draft: Path, database: Path) -> None:
    """Put the backup in the place of a file that is no usable database, or of none."""
    with draft.open("rb+") as file:
        os.fsync(file.fileno())
    for ending in ("-wal", "-shm", "-journal"):  # they belong to the file that goes
        _beside(database, ending).unlink(missing_ok=True)
    sync_directory(database.parent)
    draft.replace(database)
    sync_directory(database.parent)


def restoring(database: Path) -> Path:
    """Return where a database is put together before it takes its place."""
    return database.with_name(f".{database.name}.restoring")


def _beside(database: Path, ending: str) -> Path:
    return database.with_name(database.name + ending)


def _read_contents(directory: Path) -> dict[str, Any]:
    path = directory / CONTENTS
    try:
        contents = read_object(read_text(path, MAX_CHARACTERS), str(path))
    except InputError as error:
        raise InputError(f"{str(directory)!r} is no backup: {error}") from error
    kinds = {"database": str, "schema": int, "created_at": str, "files": dict}
    wrong = [name for name, kind in kinds.items() if type(contents.get(name)) is not kind]
    if contents.get("format") != FORMAT or wrong:
        raise InputError(f"{str(path)!r} was not written by this program")
    if contents["schema"] > newest_schema():
        raise StorageError(
            f"{str(directory)!r} has schema {contents['schema']}, this program knows up to "
            f"{newest_schema()}: update the program; nothing was written"
        )
    return contents


def _files(directory: Path, contents: dict[str, Any]) -> dict[str, tuple[int, str]]:
    """Return bytes and SHA-256 by name; only of names that a backup may have, none leads away."""
    database, files = contents["database"], {}
    artifacts = artifacts_directory(Path(database)).name
    for name, entry in contents["files"].items():
        match = _ARTIFACT_FILE.fullmatch(name)
        if not (name == database == Path(name).name) and not (match and match[1] == artifacts):
            raise InputError(f"{str(directory / CONTENTS)!r} lists what is no part of a backup")
        if not isinstance(entry, dict) or {"bytes", "sha256"} - entry.keys():
            raise InputError(f"{str(directory / CONTENTS)!r} was not written by this program")
        files[name] = (entry["bytes"], entry["sha256"])
    if database not in files:
        raise InputError(f"{str(directory / CONTENTS)!r} lists no database")
    return files
