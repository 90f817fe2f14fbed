"""Daily backups of a database: one of each day, in a directory of their own, the oldest removed."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from reeltune.db.backup import CONTENTS, Backup, save_backup
from reeltune.domain.clock import stamp
from reeltune.domain.errors import InputError, StorageError

KEEP_DAYS = 7
_MOMENT = r"(\d{8})T\d{6}Z"


class DailyBackup(NamedTuple):
    """Backup that was made, and those that were removed for it."""

    made: Backup
    removed: list[Path]


def default_directory(database: Path) -> Path:
    """Return where the daily backups of a database lie: beside it.

    >>> default_directory(Path("/srv/movies.db")).name
    'movies.backups'
    """
    real = database.resolve()
    return real.with_name(f"{real.stem}.backups")


def back_up_today(database: Path, directory: Path, keep_days: int = KEEP_DAYS) -> DailyBackup:
    """Back up into `directory`; then remove those of the same day, and of days beyond `keep_days`.

    Nothing is removed before the new one is whole, and nothing but what this function has made of
    a database of that name, or left half-made when it was killed.

    Raises:
        InputError: fewer than one day is to be kept.
        StorageError: the directory cannot be written, or the database is damaged.
    """
    if keep_days < 1:
        raise InputError(f"the days of which a backup is kept must be 1 or more, got {keep_days}")
    stem = database.resolve().stem
    moment = stamp().translate({ord(c): None for c in "-:"})
    target = directory / f"{stem}-{moment}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        made = save_backup(database, target)
        removed = _outdated(directory, database.resolve().name, target, keep_days)
        for path in [*removed, *_half_made(directory, stem)]:
            _remove(path)
    except OSError as error:
        raise StorageError(f"{str(directory)!r} cannot be written: {error}") from error
    return DailyBackup(made, removed)


def _outdated(directory: Path, database: str, newest: Path, keep_days: int) -> list[Path]:
    """Return what need not be kept, the oldest first: of each day but the latest, half-removed."""
    dated = _dated(directory, Path(database).stem)
    ours = {path: day for path, day in dated.items() if _database_of(path) in (database, None)}
    latest = {day: path for path, day in ours.items() if _database_of(path) == database}
    kept = {newest, *(latest[day] for day in sorted(latest)[-keep_days:])}
    return [path for path in ours if path not in kept]


def _dated(directory: Path, stem: str) -> dict[Path, str]:
    """Return the day of each directory that is named as a daily backup is, the oldest first."""
    name = re.compile(rf"{re.escape(stem)}-{_MOMENT}")
    found = {path: name.fullmatch(path.name) for path in sorted(directory.iterdir())}
    return {path: match[1] for path, match in found.items() if match}


def _database_of(path: Path) -> str | None:
    """Return the name of the database in a backup; None where a backup was half removed."""
    try:
        contents = json.loads((path / CONTENTS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return ""  # no backup of ours, or one that a person should look at
    return str(contents.get("database")) if isinstance(contents, dict) else ""


def _half_made(directory: Path, stem: str) -> Iterator[Path]:
    name = re.compile(rf"\.{re.escape(stem)}-{_MOMENT}\.unfinished")
    return (path for path in directory.iterdir() if name.fullmatch(path.name))


def _remove(path: Path) -> None:
    """Remove a backup; from the first moment on it is none any more."""
    (path / CONTENTS).unlink(missing_ok=True)
    shutil.rmtree(path)
