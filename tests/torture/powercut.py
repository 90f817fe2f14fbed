"""Works out from a log of changes what the disk may hold after a power cut.

The model is POSIX's, which is stricter than any file system in use: what was written is safe once
its file was synced, and a name once its directory was. Of all later writes any may be there, be
missing, or be torn at a multiple of 512 bytes; of later names, the first few.
"""

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

_HEAD = struct.Struct("=5q")
_SECTOR = 512
HOW = ("nothing unsynced", "all but the torn last write", "any of it")


@dataclass(frozen=True, slots=True)
class Change:
    """One record of the log; `kind` is a letter of faults.c, or 'a' for an acknowledgement."""

    kind: str
    path: str
    other: str
    offset: int
    data: bytes


def read_log(path: Path) -> Iterator[Change]:
    """The changes, in order."""
    data, at = path.read_bytes(), 0
    while at < len(data):
        kind, *lengths, offset = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        parts = []
        for length in lengths:
            parts.append(data[at : at + length])
            at += length
        yield Change(chr(kind), parts[0].decode(), parts[1].decode(), offset, parts[2])


def acknowledgement(text: str) -> bytes:
    """What a workload puts into the log when it has been told that something is done."""
    return _HEAD.pack(ord("a"), len(text.encode()), 0, 0, 0) + text.encode()


@dataclass(eq=False)
class _File:
    synced: bytes = b""
    unsynced: list[Change] = field(default_factory=list)


@dataclass
class Disk:
    """Files by name: as programs see them, and as far as they are safe."""

    seen: dict[str, _File | None] = field(default_factory=dict)  # None: a directory
    safe: dict[str, _File | None] = field(default_factory=dict)
    unsafe: list[Change] = field(default_factory=list)  # changes of names, not synced

    @classmethod
    def of(cls, base: Path, directory: Path) -> "Disk":
        """The disk on which `directory` holds what `base` does, all of it safe."""
        names: dict[str, _File | None] = {str(directory): None}
        for path in base.rglob("*"):
            name = str(directory / path.relative_to(base))
            names[name] = None if path.is_dir() else _File(path.read_bytes())
        return cls(dict(names), dict(names))

    def apply(self, change: Change) -> None:
        """Do what a program did."""
        if change.kind in "wt":
            file = self.seen.get(change.path)
            if file is not None:  # else it was unlinked, and nobody will miss it
                file.unsynced.append(change)
        elif change.kind == "s":
            self._sync(change.path)
        elif change.kind != "a":
            if change.kind == "c":
                self.seen[change.path] = _File()
            else:
                _rename(self.seen, change, self.seen)
            self.unsafe.append(change)

    def _sync(self, path: str) -> None:
        if path not in self.seen:
            return
        file = self.seen[path]
        if file is not None:
            file.synced, file.unsynced = _written(file.synced, file.unsynced), []
            return
        later = []
        for change in self.unsafe:
            if str(PurePosixPath(change.other or change.path).parent) == path:
                _rename(self.safe, change, self.seen)
            else:
                later.append(change)
        self.unsafe = later

    def cut(self, how: str, dice: random.Random) -> dict[str, bytes | None]:
        """What is there after a cut now, by name; None for a directory."""
        names = dict(self.safe)
        n_names = {HOW[0]: 0, HOW[1]: len(self.unsafe)}.get(how, dice.randint(0, len(self.unsafe)))
        for change in self.unsafe[:n_names]:
            _rename(names, change, self.seen)
        return {
            name: None if file is None else _left(file, how, dice) for name, file in names.items()
        }


def _rename(names: dict[str, _File | None], change: Change, seen: dict[str, _File | None]) -> None:
    if change.kind == "c":
        names[change.path] = seen.get(change.path) or _File()
    elif change.kind == "d":
        names[change.path] = None
    elif change.kind == "u":
        names.pop(change.path, None)
    elif change.kind == "r":
        below = [n for n in names if n == change.path or n.startswith(change.path + "/")]
        for name in below:
            names[change.other + name.removeprefix(change.path)] = names.pop(name)


def _left(file: _File, how: str, dice: random.Random) -> bytes:
    changes = list(file.unsynced)
    if how == HOW[0]:
        changes = []
    elif how == HOW[1]:
        changes[-1:] = [_torn(change, dice) for change in changes[-1:]]
    else:
        changes = [
            _torn(change, dice) if dice.random() < 0.2 else change
            for change in changes
            if dice.random() < 0.5
        ]
    return _written(file.synced, changes)


def _torn(change: Change, dice: random.Random) -> Change:
    kept = dice.randint(0, len(change.data) // _SECTOR) * _SECTOR
    return Change(change.kind, change.path, "", change.offset, change.data[:kept])


def _written(content: bytes, changes: list[Change]) -> bytes:
    data = bytearray(content)
    for change in changes:
        end = change.offset + len(change.data)
        if change.kind == "t":
            del data[change.offset :]
            end = change.offset
        if len(data) < end:
            data.extend(bytes(end - len(data)))
        if change.kind == "w":
            data[change.offset : end] = change.data
    return bytes(data)


def put(names: dict[str, bytes | None], source: Path, target: Path) -> None:
    """Write what was left of `source` to `target`."""
    for name, content in sorted(names.items()):
        path = target / PurePosixPath(name).relative_to(source)
        if content is None:
            path.mkdir(parents=True, exist_ok=True)
        elif path.parent.is_dir():  # else its directory's name was lost, and it with it
            path.write_bytes(content)
