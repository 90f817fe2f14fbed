"""Moves aside what is to be removed, so that it can be put back.

Each time that something is moved aside there is a directory `movies.db.aside/<moment>/` with what
was moved, and `moved.json`, which says where from; it is written before anything is moved.
"""

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from reeltune.domain.clock import stamp
from reeltune.domain.errors import InputError, NotFoundError, StorageError
from reeltune.domain.strict_json import MAX_CHARACTERS, read_object
from reeltune.storage.artifacts import sync_directory, write_synced
from reeltune.storage.files import read_text

MOVED_LIST = "moved.json"
ASIDE_FORMAT = "reeltune aside 1"


@dataclass
class Aside:
    """Directory for what is moved aside at one time; it appears with the first thing moved."""

    directory: Path
    came_from: list[str] = field(
        default_factory=list
    )  # seen from the database; the n-th is named n

    @classmethod
    def of(cls, database: Path) -> "Aside":
        """Return a new place beside a database."""
        moment = stamp().translate({ord(c): None for c in "-:"})
        root, n = aside_directory(database), 1
        while (root / f"{moment}-{n}").exists():
            n += 1
        return cls(root / f"{moment}-{n}")

    def move(self, path: Path) -> None:
        """Move a file or directory here.

        Raises:
            StorageError: it cannot be moved.
        """
        try:
            shutil.move(path, self._place_for(path))
            sync_directory(path.parent)
        except OSError as error:
            raise StorageError(f"{str(path)!r} cannot be moved aside: {error}") from error

    def copy(self, path: Path) -> None:
        """Keep a copy of a file that is about to be replaced, if there is one.

        Raises:
            StorageError: it cannot be copied.
        """
        try:
            if path.is_file():
                shutil.copyfile(path, self._place_for(path))
        except OSError as error:
            raise StorageError(f"{str(path)!r} cannot be copied: {error}") from error

    def _place_for(self, path: Path) -> Path:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.came_from.append(os.path.relpath(path.absolute(), self.directory.parent.parent))
        text = json.dumps({"format": ASIDE_FORMAT, "came_from": self.came_from}, indent=2)
        draft = self.directory / f".{MOVED_LIST}"
        write_synced(draft, text.encode())
        draft.replace(self.directory / MOVED_LIST)
        sync_directory(self.directory)
        return self.directory / str(len(self.came_from))


def put_back(database: Path, directory: Path | None = None) -> tuple[list[Path], list[Path]]:
    """Put back what was moved aside, the latest or that in `directory`.

    Returns what is in its place again, and what is not since something else is there by now: that
    stays aside. A file that was replaced is what it was.

    Raises:
        InputError: that directory is none of those.
        NotFoundError: nothing was moved aside.
        StorageError: something cannot be moved.
    """
    found = latest(database) if directory is None else directory
    if found is None:
        raise NotFoundError(f"nothing was moved aside of {str(database)!r}")
    done, left = [], []
    for number, name in reversed(list(enumerate(_came_from(found), 1))):
        source, target = found / str(number), Path(os.path.normpath(found.parent.parent / name))
        if not source.exists():
            continue  # it was killed before it was moved
        if target.exists() and not (target.is_file() and source.is_file()):
            left.append(target)
            continue
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(source, target)
            sync_directory(target.parent)
        except OSError as error:
            raise StorageError(f"{str(target)!r} cannot be put back: {error}") from error
        done.append(target)
    if not left:
        shutil.rmtree(found, ignore_errors=True)
    return done, left


def latest(database: Path) -> Path | None:
    """Return where things were moved aside last; None if there is no such directory."""
    found = [path.parent for path in aside_directory(database).glob(f"*/{MOVED_LIST}")]
    return max(found, key=lambda path: path.stat().st_mtime_ns, default=None)


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a directory."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def aside_directory(database: Path) -> Path:
    """Return where what is moved aside of a database lies."""
    return database.with_name(f"{database.name}.aside")


def _came_from(directory: Path) -> list[str]:
    listed = read_object(read_text(directory / MOVED_LIST, MAX_CHARACTERS), str(directory))
    names = listed.get("came_from")
    if listed.get("format") != ASIDE_FORMAT or not isinstance(names, list):
        raise InputError(f"{str(directory)!r} is no directory of what was moved aside")
    return [str(name) for name in names]
