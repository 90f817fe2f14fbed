"""Finds databases and models beside a database that hold a user: backups, copies, old models."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pysqlite3 as sqlite

from reeltune.db.aside import aside_directory
from reeltune.db.backup import CONTENTS
from reeltune.db.claims import other_databases
from reeltune.db.connection import open_unchanged
from reeltune.db.erasing import ErasedUser, find_subject
from reeltune.domain.errors import ReelTuneError
from reeltune.storage.artifacts import artifacts_directory, is_named_as_artifact, users_of


@dataclass(frozen=True, slots=True)
class Holder:
    """Database or directory that holds the user, and is not touched."""

    path: str
    kind: str  # 'backup', 'database' or 'model'
    holds: str  # in words


def models_with(database: Path, subject: ErasedUser) -> list[Path]:
    """Return the directories of models of a database, moved aside ones too, that hold a user.

    One whose arrays cannot be read may hold anybody.
    """
    places = [*artifacts_directory(database).glob("*"), *aside_directory(database).glob("*/*")]
    return [place for place in sorted(places) if place.is_dir() and _holds(place, subject)]


def _holds(place: Path, subject: ErasedUser) -> bool:
    users = users_of(place)
    if users is None:
        return is_named_as_artifact(place)
    return subject.user_id in users


def find_holders(database: Path, subject: ErasedUser, places: Iterable[Path]) -> list[Holder]:
    """Return the other databases, beside this one or in `places`, that hold a user.

    One that cannot be read is returned too: it may.
    """
    found = [*other_databases(database), *(p for place in places for p in _databases_in(place))]
    unique = {path.resolve(): path for path in found if path.resolve() != database.resolve()}
    return [holder for path in unique.values() if (holder := _holder(path, subject)) is not None]


def _databases_in(place: Path) -> Iterator[Path]:
    for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
        if path.is_file():
            with path.open("rb") as file:
                is_database = file.read(16) == b"SQLite format 3\0"
            if is_database:
                yield path


def _holder(path: Path, subject: ErasedUser) -> Holder | None:
    kind = "backup" if path.with_name(CONTENTS).exists() else "database"
    where = str(path.parent if kind == "backup" else path)
    try:
        with closing(open_unchanged(path)) as conn:
            own = find_subject(conn, subject.name)
            row = conn.execute(
                "SELECT count(*) FROM ratings WHERE user_id = :user_id", {"user_id": own.user_id}
            ).fetchone()
        n_ratings, n_models = int(row[0]), len(models_with(path, own))
    except (ReelTuneError, OSError, sqlite.Error) as error:
        return Holder(where, kind, f"cannot be read, and may hold the user: {error}")
    if not n_ratings and not n_models:
        return None
    return Holder(where, kind, f"{n_ratings:,} ratings, {n_models} models")
