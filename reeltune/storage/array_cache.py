"""Arrays kept on disk beside the database, so that a second start need not make them again.

A file is its magic, the SHA-256 of all that follows, the length of a JSON header, the header, and
the arrays one after the other. What does not agree with its hash is as good as not there; what
cannot be written is not kept. So the directory may be removed at any time, and nothing here ever
stops a run.
"""

import hashlib
import json
import logging
import mmap
import os
import shutil
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from reeltune.domain.arrays import AnyArray
from reeltune.storage.artifacts import sync_directory

MAGIC = b"reeltune arrays\n"
SUFFIX = ".arrays"
FREE_FACTOR = 4  # times its size that must be free on the disk for a file to be kept
MAX_FILES = 4  # of one kind; the least recently used go
_ALIGNMENT = 64  # bytes; what vector instructions like
_BODY = len(MAGIC) + hashlib.sha256().digest_size  # where what is hashed begins
_LENGTH = struct.Struct("<Q")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ArrayCache:
    """Arrays kept for one database. Names are `<kind>-<what they depend on>`."""

    directory: Path

    @classmethod
    def beside(cls, database: Path) -> "ArrayCache":
        """Return the cache of a database.

        >>> ArrayCache.beside(Path("data/movies.db")).directory.name
        'movies.cache'
        """
        return cls(database.absolute().with_name(f"{database.stem}.cache"))

    def load(self, name: str) -> dict[str, AnyArray] | None:
        """Return what was saved under `name`; None where there is nothing, or not what was saved.

        The arrays are mapped: processes that load the same share the memory, and whoever writes
        to one gets a copy of that page for itself.
        """
        path = self._path(name)
        try:
            with path.open("rb") as file:
                content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
            if not _is_whole(content):
                return None
            with suppress(OSError):
                path.touch()  # the least recently used go first
            return _arrays(content)
        except (OSError, ValueError):  # not there, or empty, which cannot be mapped
            return None

    def save(self, name: str, arrays: Mapping[str, AnyArray]) -> None:
        """Keep `arrays`, if the disk has room for them; a reader sees all of it or nothing."""
        draft = self.directory / f".{name}.{os.getpid()}.unfinished"
        try:
            self.directory.mkdir(exist_ok=True)
            n_bytes = sum(array.nbytes for array in arrays.values())
            if shutil.disk_usage(self.directory).free < FREE_FACTOR * n_bytes:
                return
            self._remove_dead_drafts()
            with draft.open("wb+") as file:
                _write(file, arrays)
            draft.replace(self._path(name))
            self._remove_oldest(name.partition("-")[0])
        except OSError as error:
            _log.warning("nothing is kept in %s: %s", self.directory, error)
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)

    def remove_all_but(self, kind: str, belonging: str) -> None:
        """Remove the files of a kind whose names do not go on with `belonging`."""
        for path in self._files(kind):
            if not path.name.startswith(f"{kind}-{belonging}"):
                with suppress(OSError):
                    path.unlink(missing_ok=True)

    def clear(self) -> int:
        """Remove all that is kept, half written files too, for good; how many files."""
        doomed = [*self._files("*"), *self.drafts()]
        for path in doomed:
            path.unlink(missing_ok=True)
        if doomed:
            sync_directory(self.directory)
        return len(doomed)

    def remove(self, name: str) -> None:
        """Remove what is kept under `name`."""
        with suppress(OSError):
            self._path(name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Return what is kept, whole or not."""
        return sorted(path.name.removesuffix(SUFFIX) for path in self._files("*"))

    def drafts(self) -> list[Path]:
        """Return files that were being written; if nobody is writing, a process died over them."""
        return sorted(self.directory.glob(".*.unfinished"))

    def path(self, name: str) -> Path:
        """Return the file that keeps `name`."""
        return self._path(name)

    def _path(self, name: str) -> Path:
        return self.directory / f"{name}{SUFFIX}"

    def _files(self, kind: str) -> Iterator[Path]:
        return self.directory.glob(f"{kind}-*{SUFFIX}")

    def _remove_dead_drafts(self) -> None:
        """Remove what processes that died were writing: it may be large."""
        for path in self.drafts():
            process = path.name.split(".")[-2]
            if process.isdecimal() and not _is_alive(int(process)):
                path.unlink(missing_ok=True)

    def _remove_oldest(self, kind: str) -> None:
        newest = sorted(self._files(kind), key=lambda path: -path.stat().st_mtime_ns)
        for path in newest[MAX_FILES:]:
            path.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's
    return True


def _write(file: BinaryIO, arrays: Mapping[str, AnyArray]) -> None:
    """Write all of a file; the hash, which is known last, is filled in at the end."""
    digest = hashlib.sha256()
    file.write(MAGIC + bytes(digest.digest_size))
    header = _header(arrays)
    for part in (_LENGTH.pack(len(header)), header):
        file.write(part)
        digest.update(part)
    for array in arrays.values():
        padding = bytes(-file.tell() % _ALIGNMENT)
        content = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
        for chunk in (padding, content):
            file.write(chunk)
            digest.update(chunk)
    file.seek(len(MAGIC))
    file.write(digest.digest())


def _header(arrays: Mapping[str, AnyArray]) -> bytes:
    described = {
        name: [array.dtype.descr if array.dtype.names else array.dtype.str, list(array.shape)]
        for name, array in arrays.items()
    }
    return json.dumps(described).encode()


def _is_whole(content: mmap.mmap) -> bool:
    if content[: len(MAGIC)] != MAGIC:
        return False
    with memoryview(content) as view, view[_BODY:] as body:
        return hashlib.sha256(body).digest() == content[len(MAGIC) : _BODY]


def _arrays(content: mmap.mmap) -> dict[str, AnyArray]:
    (length,) = _LENGTH.unpack_from(content, _BODY)
    offset = _BODY + _LENGTH.size + length
    header: dict[str, Any] = json.loads(content[offset - length : offset])
    found: dict[str, AnyArray] = {}
    for name, (dtype, shape) in header.items():
        offset += -offset % _ALIGNMENT
        n = int(np.prod(shape, dtype=np.int64))
        kind = np.dtype(dtype if isinstance(dtype, str) else [tuple(field) for field in dtype])
        flat = np.frombuffer(content, dtype=kind, count=n, offset=offset)
        found[name] = flat.reshape(shape)
        offset += flat.nbytes
    return found
