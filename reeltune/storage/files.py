"""Reads small text files from outside, whatever lies under their names."""

import os
import stat
from pathlib import Path

from reeltune.domain.errors import InputError


def read_text(path: Path, most_bytes: int) -> str:
    """Return the text of a regular file, without a byte order mark.

    Raises:
        InputError: it cannot be read, is no regular file (a pipe or a device might never end),
            is larger than `most_bytes`, or is not UTF-8.
    """
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise InputError(f"{str(path)!r} is no regular file")
            content = file.read(most_bytes + 1)
        if len(content) > most_bytes:
            size = max(found.st_size, len(content))
            raise InputError(f"{str(path)!r} must have at most {most_bytes:,} bytes, has {size:,}")
        return content.decode("utf-8-sig")
    except (OSError, ValueError) as error:  # a name may hold a NUL
        raise InputError(f"{str(path)!r} cannot be read: {error}") from error


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for somebody to write into a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)
