"""Finds which models the databases of a machine need, so that none of them is cleared away.

A model is needed as long as a version of any database that can name it does. Which databases can:
those that lie beside this one, in a directory right below, beside the models where these are
linked to from elsewhere, and those that left a note with models that several share.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from reeltune.db.connection import (
    APPLICATION_ID,
    Connection,
    is_ours,
    open_unchanged,
    schema_version,
)
from reeltune.domain.errors import ReelTuneError, StorageError
from reeltune.storage.artifacts import artifacts_directory, find_artifact
from reeltune.storage.identity import file_id, is_mount_point

_NOTES = ".shared-by"  # in a directory of models: which databases use it from elsewhere
_MAGIC = b"SQLite format 3\0"
_OWNER = slice(68, 72)  # where SQLite keeps the application id
_VERSIONS_SINCE, _REMOVED_SINCE = 3, 6  # migrations


@dataclass
class Claims:
    """Models that other databases need."""

    places: dict[str, set[Path | None]] = field(default_factory=dict)  # where each model is found
    unread: list[str] = field(default_factory=list)  # databases that might need more, and why

    def need(self, model: Path) -> bool:
        """Tell whether a database has no other copy of what is in the directory `model`."""
        found = self.places.get(model.name, set())
        return any(place is None or place.samefile(model) for place in found)


def claims_of_others(database: Path) -> Claims:
    """Return what databases other than `database` need of the models it can reach."""
    found, seen = Claims(), {file_id(database)}
    roots = _roots(database)
    noted = [path for root in roots for path in _noted(root)]
    for path in (*_beside(database, roots), *noted):
        known = file_id(path)
        if known is None and path in noted:
            found.unread.append(f"{str(path)!r}, which shares its models, is not there")
        if known is None or known in seen or not path.is_file():
            continue
        seen.add(known)
        _add_claims(found, path)
    return found


def other_databases(database: Path) -> list[Path]:
    """Return the files, other than `database`, that are databases of this program and can be found.

    Beside it, in a directory right below, and those that share its models.
    """
    roots, seen = _roots(database), {file_id(database)}
    found = []
    for path in (*_beside(database, roots), *(p for root in roots for p in _noted(root))):
        known = file_id(path)
        if known in seen or not path.is_file():
            continue
        seen.add(known)
        with suppress(OSError):
            if _may_be_ours(path):
                found.append(path)
    return found


def leave_note(database: Path) -> None:
    """Leave a note with models that this database uses from elsewhere, for others to see."""
    real = database.resolve()
    for root in _roots(database):
        if not root.is_symlink() and not is_mount_point(root):
            continue
        note = root / _NOTES / hashlib.sha256(str(real).encode()).hexdigest()[:16]
        text = json.dumps({"database": str(real), "file": file_id(real)})
        with suppress(OSError):  # a directory that may only be read from: nothing is removed there
            if not note.exists() or note.read_text(encoding="utf-8") != text:
                note.parent.mkdir(exist_ok=True)
                note.write_text(text, encoding="utf-8")


def _roots(database: Path) -> list[Path]:
    """Return the directories where a database may find its models (see `find_artifact`)."""
    beside = (path for path in database.parent.glob("*.versions") if path.is_dir())
    return list(dict.fromkeys((artifacts_directory(database), *sorted(beside))))


def _beside(database: Path, roots: Sequence[Path]) -> Iterator[Path]:
    """Yield the files that may be databases which can name the same models."""
    places = (database.parent, *(root.resolve().parent for root in roots))
    for place in dict.fromkeys(places):
        yield from _files(place)
        for below in _entries(place):
            if below.is_dir() and not below.is_symlink():
                yield from _files(below)


def _files(directory: Path) -> Iterator[Path]:
    return (path for path in _entries(directory) if path.is_file())


def _entries(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except OSError:
        return []


def _noted(root: Path) -> Iterator[Path]:
    """Yield the databases that left a note; one that was renamed since by its name now."""
    for note in _entries(root / _NOTES):
        with suppress(OSError, ValueError, KeyError, TypeError):
            noted = json.loads(note.read_text(encoding="utf-8"))
            path = Path(noted["database"])
            if not path.exists():
                renamed = (p for p in _files(path.parent) if file_id(p) == tuple(noted["file"]))
                path = next(renamed, path)
            yield path


def _add_claims(found: Claims, path: Path) -> None:
    """Add what the database at `path` needs, if it is one of this program's."""
    try:
        if not _may_be_ours(path):
            return
        with closing(open_unchanged(path)) as conn:
            if not is_ours(conn):
                return
            named = list(_named(conn))
    except PermissionError as error:
        if path.suffix in (".db", ".sqlite", ".sqlite3"):
            found.unread.append(f"{str(path)!r} cannot be read: {error.strerror}")
        return
    except OSError:
        return
    except Exception as error:  # whatever it is: it is ours, and could name any model
        text = error if isinstance(error, ReelTuneError) else f"it is damaged ({error})"
        found.unread.append(f"{str(path)!r} cannot be read: {text}")
        return
    for relative, sha256 in named:
        with suppress(StorageError):  # its name is none
            place = find_artifact(path.resolve(), relative, sha256)
            found.places.setdefault(sha256[:16], set()).add(place)


def _may_be_ours(path: Path) -> bool:
    """Tell by its first bytes whether a file is a database of this program.

    As long as there is a log, they may be in it.
    """
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size:
        return True
    with path.open("rb") as file:
        head = file.read(_OWNER.stop)
    return head.startswith(_MAGIC) and head[_OWNER] == APPLICATION_ID.to_bytes(4, "big")


def _named(conn: Connection) -> Iterator[tuple[str, str]]:
    """Yield name and hash of each model that is not removed on purpose, whatever the schema."""
    schema = schema_version(conn)
    if schema < _VERSIONS_SINCE:
        return
    removed = "SELECT version FROM removed_artifacts" if schema >= _REMOVED_SINCE else "SELECT 0"
    rows = conn.execute(
        f"""
        SELECT artifact, artifact_sha256
          FROM model_versions
         WHERE artifact IS NOT NULL AND version NOT IN ({removed})
        """  # noqa: S608 one of two literals
    )
    yield from ((row["artifact"], row["artifact_sha256"]) for row in rows)
