"""Artifacts of fitted models beside the database: arrays, and a manifest that vouches for them.

An artifact is a directory named after its manifest's hash, so one that is there is never changed:
`movies.versions/<16 hex digits>/` with `arrays.safetensors` and `manifest.json`. Nothing in it can
be executed, and nothing is parsed before its hash has been checked.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from reeltune.domain.arrays import AnyArray, Ints
from reeltune.domain.errors import InputError, StorageError
from reeltune.domain.strict_json import MAX_CHARACTERS, read_object

ARRAYS = "arrays.safetensors"
MANIFEST = "manifest.json"
_FORMAT = "reeltune artifact 1"
_NAME = re.compile(r"[^/\\\0]+\.versions/[0-9a-f]{16}")
_DTYPES = frozenset(
    [
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "float32",
        "float64",
    ]
)


def save_artifact(
    database: Path, manifest: Mapping[str, Any], arrays: Mapping[str, AnyArray]
) -> tuple[str, str]:
    """Keep `arrays` and what is said of them; the caller holds the database's write lock.

    Returns its directory, relative to the database's, and the SHA-256 of its manifest. The same
    content has the same name; a damaged directory of that name is mended.

    Raises:
        InputError: an array is neither of numbers nor of booleans.
        StorageError: the disk does not take it.
    """
    data = _serialized(arrays)
    files = {ARRAYS: data, MANIFEST: _manifest_bytes(manifest, data)}
    sha256 = _sha256(files[MANIFEST])
    relative = f"{artifacts_directory(database).name}/{sha256[:16]}"
    if not _is_whole(database.parent / relative, sha256):
        try:
            _write_artifact(_unfinished(database), database.parent / relative, files)
        except OSError as error:
            shutil.rmtree(_unfinished(database), ignore_errors=True)
            raise StorageError(f"the model cannot be written to {relative!r}: {error}") from error
    return relative, sha256


def artifact_sha256(manifest: Mapping[str, Any], arrays: Mapping[str, AnyArray]) -> str:
    """Return what `save_artifact` would call these, without writing anything.

    Raises:
        InputError: an array is neither of numbers nor of booleans.
    """
    return _sha256(_manifest_bytes(manifest, _serialized(arrays)))


def load_artifact(
    database: Path, relative: str, sha256: str
) -> tuple[dict[str, Any], dict[str, AnyArray]]:
    """Return the manifest and the arrays, each checked against its hash before it is parsed.

    What counts is the content: it is found by its hash also where its directory, or the database,
    was renamed.

    Raises:
        StorageError: a file is missing, was changed, or was not written by this program.
    """
    first: StorageError | None = None
    for directory in _places(database, relative, sha256):
        try:
            return _load(directory, sha256)
        except StorageError as error:
            first = first or error
    assert first is not None  # there is always the place where it should be
    raise first


def find_artifact(database: Path, relative: str, sha256: str) -> Path | None:
    """Return the directory of an artifact, by its content: wherever it is called; None if gone."""
    places = [place for place in _places(database, relative, sha256) if place.is_dir()]
    return next((place for place in places if is_copy(place, sha256)), next(iter(places), None))


def is_copy(directory: Path, sha256: str) -> bool:
    """Tell whether a directory has the manifest of that hash, and arrays of the size it says."""
    try:
        manifest = _read_manifest(directory, sha256)
        return bool((directory / ARRAYS).stat().st_size == manifest["arrays_bytes"])
    except (OSError, StorageError):
        return False


def users_of(directory: Path) -> Ints | None:
    """Return the ids of the users in an artifact; None where its arrays cannot be read."""
    try:
        arrays = _deserialized(directory / ARRAYS, (directory / ARRAYS).read_bytes())
        return arrays["user_ids"].astype(np.int64)
    except (OSError, KeyError, StorageError):
        return None


def is_named_as_artifact(directory: Path) -> bool:
    """Tell whether a directory is called as artifacts are, and is none that is being written."""
    name = f"{directory.parent.name}/{directory.name}"
    return directory.is_dir() and _NAME.fullmatch(name) is not None


def check_artifact(database: Path, relative: str, sha256: str) -> list[str]:
    """Return what is wrong with an artifact, one sentence each; empty if nothing."""
    try:
        load_artifact(database, relative, sha256)
    except StorageError as error:
        return [str(error)]
    return []


def find_orphans(database: Path, named: Iterable[str]) -> list[str]:
    """Return artifacts of the database not in `named`, and unfinished ones, relative to it.

    `named` are names of artifacts; only the part that stands for the content counts.

    The caller holds the write lock, else one that is just being registered looks like an orphan.
    """
    root, ours = artifacts_directory(database), {name.rpartition("/")[2] for name in named}
    if not root.is_dir():
        return []
    unfinished = _unfinished(database).name
    found = {entry.name for entry in root.iterdir()}
    wanted = {n for n in found - ours if n == unfinished or _NAME.fullmatch(f"{root.name}/{n}")}
    return sorted(f"{root.name}/{name}" for name in wanted)


def remove_artifact(database: Path, directory: Path) -> None:
    """Remove an artifact: under its own name it is whole, or gone.

    Raises:
        StorageError: it cannot be removed.
    """
    doomed = directory.with_name(_unfinished(database).name)
    try:
        shutil.rmtree(doomed, ignore_errors=True)
        directory.rename(doomed)
        sync_directory(directory.parent)
        shutil.rmtree(doomed)
        sync_directory(directory.parent)
    except OSError as error:
        raise StorageError(f"{str(directory)!r} cannot be removed: {error}") from error


def remove_unfinished(database: Path) -> None:
    """Remove what a process that was killed has left of an artifact; nobody may be writing one.

    Raises:
        StorageError: it cannot be removed.
    """
    try:
        if _unfinished(database).exists():
            shutil.rmtree(_unfinished(database))
            sync_directory(artifacts_directory(database))
    except OSError as error:
        raise StorageError(f"{str(_unfinished(database))!r} cannot be removed: {error}") from error


def artifacts_directory(database: Path) -> Path:
    """Return where the artifacts of a database lie."""
    return database.with_name(f"{database.stem}.versions")


def write_synced(path: Path, data: bytes) -> None:
    """Write a file, and return when it is on the disk."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_directory(directory: Path) -> None:
    """Return when what was made, renamed or removed in `directory` is on the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_artifact(unfinished: Path, final: Path, files: Mapping[str, bytes]) -> None:
    """Place all of `files` under their final name or none; a damaged artifact gets each anew."""
    root = final.parent
    if not root.is_dir():
        root.mkdir()
        sync_directory(root.parent)
    if unfinished.exists():  # left behind by a process that was killed
        shutil.rmtree(unfinished)
    unfinished.mkdir()
    for name, data in files.items():
        write_synced(unfinished / name, data)
    sync_directory(unfinished)
    if final.is_dir():
        for name in files:
            (unfinished / name).replace(final / name)
        sync_directory(final)
        unfinished.rmdir()
    else:
        unfinished.rename(final)
    sync_directory(root)


def _unfinished(database: Path) -> Path:
    return artifacts_directory(database) / f".{database.name}.unfinished"


def _serialized(arrays: Mapping[str, AnyArray]) -> bytes:
    from safetensors.numpy import save

    wrong = [f"{name!r} is {a.dtype}" for name, a in arrays.items() if a.dtype.name not in _DTYPES]
    if wrong:
        raise InputError(
            f"a model's arrays must be of numbers or booleans, but {', '.join(wrong)}:"
            " correct its `arrays` method"
        )
    plain = {
        name: np.asarray(a, dtype=a.dtype.newbyteorder("<"), order="C")
        for name, a in sorted(arrays.items())
    }
    return bytes(save(plain))


def _deserialized(path: Path, data: bytes) -> dict[str, AnyArray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(data))
    except (SafetensorError, KeyError, ValueError) as error:
        raise StorageError(f"{str(path)!r} was not written by this program: {error}") from error


def _manifest_bytes(manifest: Mapping[str, Any], data: bytes) -> bytes:
    described = {
        **manifest,
        "format": _FORMAT,
        "arrays_sha256": _sha256(data),
        "arrays_bytes": len(data),
    }
    text = json.dumps(described, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def _read_manifest(directory: Path, sha256: str) -> dict[str, Any]:
    data = _read(directory / MANIFEST, None)
    if _sha256(data) != sha256:
        raise _changed(directory / MANIFEST)
    try:
        manifest = read_object(data.decode(), str(directory / MANIFEST))
    except (InputError, UnicodeDecodeError) as error:
        raise _not_ours(directory) from error
    if manifest.get("format") != _FORMAT or type(manifest.get("arrays_bytes")) is not int:
        raise _not_ours(directory)
    return manifest


def _read(path: Path, n_bytes: int | None) -> bytes:
    """Return the content of a regular file of `n_bytes`, or of any size a manifest may have."""
    if not path.is_file():  # also a pipe, which would never end
        raise StorageError(f"{str(path)!r} is missing: restore it, or register the model again")
    try:
        size = path.stat().st_size
        if size != n_bytes if n_bytes is not None else size > MAX_CHARACTERS:
            raise _changed(path)
        return path.read_bytes()
    except OSError as error:
        raise StorageError(f"{str(path)!r} cannot be read: {error}") from error


def _load(directory: Path, sha256: str) -> tuple[dict[str, Any], dict[str, AnyArray]]:
    manifest = _read_manifest(directory, sha256)
    data = _read(directory / ARRAYS, manifest["arrays_bytes"])
    if _sha256(data) != manifest["arrays_sha256"]:
        raise _changed(directory / ARRAYS)
    return manifest, _deserialized(directory / ARRAYS, data)


def _is_whole(directory: Path, sha256: str) -> bool:
    try:
        _load(directory, sha256)
    except StorageError:
        return False
    return True


def _places(database: Path, relative: str, sha256: str) -> list[Path]:
    """Return where an artifact should be, and then each place beside it where it may have gone."""
    if not _NAME.fullmatch(relative) or not relative.endswith(f"/{sha256[:16]}"):
        raise StorageError(
            f"{relative!r} is not the name of an artifact: restore the database from a backup"
        )
    named, own = database.parent / relative, artifacts_directory(database) / sha256[:16]
    others = [root / named.name for root in sorted(database.parent.glob("*.versions"))]
    there = [place for place in (own, *others) if place != named and place.is_dir()]
    return [named, *dict.fromkeys(there)] if named.is_dir() or not there else [*there, named]


def _changed(path: Path) -> StorageError:
    return StorageError(
        f"{str(path)!r} was changed after it was registered (its SHA-256 differs):"
        " restore it, or register the model again"
    )


def _not_ours(directory: Path) -> StorageError:
    return StorageError(f"{str(directory / MANIFEST)!r} was not written by this program")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
