"""File that a database is, by whatever name it is called."""

import os
import re
import stat
from pathlib import Path

from reeltune.domain.errors import StorageError

FileId = tuple[int, int]  # device and inode
_MOUNTS = Path("/proc/self/mountinfo")
_ESCAPE = re.compile(r"\\(\d{3})")


def file_id(path: Path) -> FileId | None:
    """Return device and inode of the file that `path` leads to; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def check_one_name(path: Path) -> None:
    """Refuse a database that can be reached by names that do not share its log.

    SQLite keeps the log beside the name by which the database was opened, symbolic links followed.
    Through a hard link, or a mount of the file alone, there would be a second log, and writing by
    both names damages the database. A symbolic link or a mount of the directory is no second name.

    Raises:
        StorageError: it has such a name.
    """
    real = path.resolve()
    try:
        found = real.stat()
    except OSError:
        return  # nothing is there yet
    if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
        raise StorageError(
            f"{str(path)!r} has {found.st_nlink} names (hard links): written to by two of them, it"
            " would be damaged; keep one, and make the others symbolic links or copies"
        )
    if is_mount_point(real):
        raise StorageError(
            f"{str(path)!r} is mounted as a single file, without its log: mount its directory"
        )


def is_mount_point(real: Path) -> bool:
    """Tell whether something is mounted at this very path; false where the system does not say."""
    try:
        lines = os.fsdecode(_MOUNTS.read_bytes()).splitlines()
    except OSError:
        return False
    points = (line.split(" ")[4] for line in lines)
    return str(real) in (_ESCAPE.sub(lambda code: chr(int(code[1], 8)), point) for point in points)
