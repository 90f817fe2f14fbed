"""Replaces a file at once by a whole new one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reeltune.domain.errors import InputError
from reeltune.storage.artifacts import sync_directory


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield the name of a draft beside `path`, which takes its place at the end of the block.

    Readers find the file that was there, or the whole new one, also after a power failure. If the
    block fails, the draft is removed.

    Raises:
        InputError: there is no such directory.
    """
    if not path.absolute().parent.is_dir():
        raise InputError(f"there is no directory {str(path.parent)!r} to write {path.name!r} into")
    draft = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    draft.unlink(missing_ok=True)
    try:
        yield draft
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(path.absolute().parent)
